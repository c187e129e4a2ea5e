"""The file of people who may sign in: its lines, refused lines, and when it is read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.web.users import (
    LONGEST,
    UNKNOWN_PERSON,
    Right,
    Users,
    find_faults,
    make_line,
    read_people,
)
from tests.unit.monitor.web.people import SECRET

SALT, DIGEST = "AAECAwQFBgcICQoLDA0ODw", "A" * 43
VALID_HASH = f"$scrypt$ln=14,r=8,p=1${SALT}${DIGEST}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "users"
    made.touch(0o600)
    return made


def test_line_matches_only_its_password(anne: str) -> None:
    people, faults = read_people(f"# who may sign in\n\n{anne}\n", "users")
    found = people["anne"]
    assert faults == []
    assert found.role == "duty statistician"
    assert found.password.matches(SECRET)
    assert not found.password.matches(f"{SECRET}s")
    assert not found.password.matches("")


@pytest.mark.parametrize(
    ("role_and_right", "role", "right"),
    [
        (":chief:head", "chief", Right.HEAD),
        ("::head", "", Right.HEAD),
        (":a:b:viewer", "a:b", Right.VIEWER),
        (":web editor:duty", "web editor", Right.DUTY),
    ],
)
def test_line_ends_with_role_and_right(role_and_right: str, role: str, right: Right) -> None:
    """A line is NAME:HASH:ROLE:RIGHT.

    A role may be empty or contain a colon: in `:a:b:viewer` it is `a:b`.
    """
    people, faults = read_people(f"anne:{VALID_HASH}{role_and_right}", "users")
    assert faults == []
    assert (people["anne"].role, people["anne"].right) == (role, right)


@pytest.mark.parametrize(
    ("rest_of_line", "role"), [("", ""), (":head", "head")], ids=["no role", "a role"]
)
def test_a_line_without_a_right_gives_the_right_duty(rest_of_line: str, role: str) -> None:
    """NAME:HASH or NAME:HASH:ROLE.

    Here even `head`, which is also the name of a right, is only a role.
    """
    people, faults = read_people(f"anne:{VALID_HASH}{rest_of_line}", "users")
    assert faults == []
    assert (people["anne"].role, people["anne"].right) == (role, Right.DUTY)


def test_viewer_in_place_of_a_role_is_a_right() -> None:
    # A viewer may only read, so their line needs no role: NAME:HASH:viewer.
    people, faults = read_people(f"anne:{VALID_HASH}:viewer", "users")
    assert faults == []
    assert (people["anne"].role, people["anne"].right) == ("", Right.VIEWER)


@pytest.mark.slow
@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("role", ["", "head", "duty statistician"])
def test_line_is_read_back_with_its_role_and_right(role: str, right: Right) -> None:
    people, _ = read_people(make_line("anne", SECRET, role, right), "users")
    assert (people["anne"].role, people["anne"].right) == (role, right)


def test_same_letter_in_two_encodings_is_the_same_password() -> None:
    people, _ = read_people(make_line("zoe", "caf\u00e9 caf\u00e9 caf\u00e9"), "users")
    assert people["zoe"].password.matches("cafe\u0301 cafe\u0301 cafe\u0301")


def test_lines_of_one_password_differ_and_do_not_contain_it(anne: str) -> None:
    """A line has a salted hash of the password.

    So a second line for the same person is another text.
    """
    second_line = make_line("anne", SECRET, "duty statistician")
    assert second_line != anne
    assert SECRET not in second_line


def test_repr_of_people_does_not_contain_password_hashes(anne: str) -> None:
    people, _ = read_people(anne, "users")
    # A line is NAME:$scrypt$…$HASH:ROLE.
    assert anne.rpartition("$")[2].partition(":")[0] not in repr(people)


def test_refusing_an_unknown_name_takes_as_much_work_as_another(anne: str) -> None:
    """To check a password takes the same work for an unknown name.

    So a fast refusal does not reveal it.
    """
    people, _ = read_people(anne, "users")
    assert UNKNOWN_PERSON.password.work == people["anne"].password.work
    # An unknown name has no password, and an empty one does not match.
    assert not UNKNOWN_PERSON.password.matches("")


@pytest.mark.parametrize(
    ("name", "password", "role", "reason"),
    [
        ("a:b", SECRET, "", "a name is made of"),
        ("", SECRET, "", "a name is made of"),
        ("anne", "x" * 11, "", "at least 12 characters"),
        ("anne", "x" * (LONGEST + 1), "", "at most 1,024 characters"),
        ("anne", SECRET, "duty\nroot:x", "one line"),
        ("anne", SECRET, "chief:head", "does not end in"),
    ],
)
def test_line_with_an_invalid_value_is_not_made(
    name: str, password: str, role: str, reason: str
) -> None:
    """A role `chief:head` would be read as the role `chief` with the right `head`."""
    with pytest.raises(ValueError, match=reason):
        make_line(name, password, role)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("anne", "not NAME:HASH; `ninethirty user NAME` makes such a line"),
        (f"an ne:{VALID_HASH}", "not NAME:HASH; `ninethirty user NAME` makes such a line"),
        ("anne:hunter2", "the hash of anne is not one that `ninethirty user` makes"),
        (
            "anne:$2y$05$abcdefghijklmnopqrstuv",
            "the hash of anne is not one that `ninethirty user` makes",
        ),
        (f"anne:{VALID_HASH[:-1]}", "the hash of anne is not one that `ninethirty user` makes"),
        (
            f"anne:{VALID_HASH.replace(SALT, 'A' * 13)}",
            "the hash of anne is not one that `ninethirty user` makes",
        ),
        (
            f"anne:{VALID_HASH.replace('ln=14', 'ln=10')}",
            "the hash of anne is too weak; make a new one",
        ),
        (
            f"anne:{VALID_HASH.replace('p=1', 'p=0')}",
            "the hash of anne is too weak; make a new one",
        ),
        (
            f"anne:{VALID_HASH.replace('ln=14', 'ln=17')}",
            "the hash of anne is too costly; make a new one",
        ),
        (
            f"anne:{VALID_HASH.replace('p=1', 'p=99')}",
            "the hash of anne is too costly; make a new one",
        ),
        (f"anne:{VALID_HASH}:{'x' * 81}", "the role of anne has more than 80 characters"),
        (f"anne:{VALID_HASH}:lead:haed", "anne has no right of that name, did you mean head?"),
        (f"anne:{VALID_HASH}::HEAD", "anne has no right of that name, did you mean head?"),
    ],
)
def test_faulty_line_is_ignored_and_reported_without_its_hash(written: str, reason: str) -> None:
    # The line of bob is valid. The second line is not NAME:HASH, or its hash is damaged, too weak
    # or too costly.
    people, faults = read_people(f"bob:{VALID_HASH}\n{written}\n", "users")
    assert list(people) == ["bob"]
    assert [str(fault) for fault in faults] == [f"users: line 2: {reason}"]


def test_later_of_two_lines_with_one_name_is_used(anne: str) -> None:
    # `VALID_HASH` is of no known password. The line `anne` is of `SECRET`.
    people, faults = read_people(f"anne:{VALID_HASH}\n{anne}", "users")
    assert people["anne"].password.matches(SECRET)
    assert [str(fault) for fault in faults] == [
        "users: line 2: anne was named before; this line counts, remove the other"
    ]


def test_faults_of_the_file_itself_are_reported(file: Path, tmp_path: Path) -> None:
    # The file is empty.
    assert list(find_faults(file)) == [
        "users: no one can sign in; `ninethirty user NAME` adds a person"
    ]
    file.write_text(f"anne:{VALID_HASH}")
    assert list(find_faults(file)) == []
    file.chmod(0o666)
    assert list(find_faults(file)) == ["users: can be written by others, chmod 600"]
    file.write_bytes(b"\xff")
    assert "users: cannot be read: is not UTF-8 text" in list(find_faults(file))
    assert list(find_faults(tmp_path / "none")) == [
        "none: cannot be read: No such file or directory"
    ]


def test_mark_of_a_windows_editor_at_the_beginning_of_the_file_is_ignored(file: Path) -> None:
    file.write_text(f"anne:{VALID_HASH}", encoding="utf-8-sig")
    assert find_faults(file) == []


def test_file_is_read_again_only_after_a_change(file: Path) -> None:
    users = Users(file)
    # The file is empty, which is a fault. Each read of a faulty file logs its fault once.
    with capture_logs() as logs:
        assert users.find("anne") is None
        assert users.find("anne") is None
    assert [entry["event"] for entry in logs] == ["users_faulty"]
    file.write_text(f"anne:{VALID_HASH}:chief\nbob:oops")
    with capture_logs() as logs:
        found = users.find("anne")
    assert found is not None
    assert found.role == "chief"
    assert [entry["fault"] for entry in logs] == [
        "users: line 2: the hash of bob is not one that `ninethirty user` makes"
    ]


def test_sign_in_is_refused_while_the_file_cannot_be_read(file: Path) -> None:
    file.write_text(f"anne:{VALID_HASH}")
    users = Users(file)
    assert users.find("anne") is not None
    file.rename(file.with_name("away"))
    with capture_logs() as logs:
        assert users.find("anne") is None
    assert logs[0]["fault"] == "users: cannot be read: No such file or directory"
    file.with_name("away").rename(file)
    assert users.find("anne") is not None


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (b"", Right.DUTY),
        (b"# nobody yet\n", Right.DUTY),
        (b'eve:system = "eve":viewer\n', Right.DUTY),
        (b'asmith:system = "asmith:viewer\n', Right.VIEWER),
        (b"\xff", Right.VIEWER),
    ],
)
def test_user_of_the_machine_only_sees_while_their_line_may_be_unreadable(
    file: Path, content: bytes, right: Right
) -> None:
    file.write_bytes(content)
    peer = Users(file).find_peer("asmith")
    assert (peer.account, peer.person.right) == ("system:asmith", right)
