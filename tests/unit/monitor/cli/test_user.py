"""`user`, and the check of the file for its lines."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.web.users import read_people, read_programs
from tests.unit.monitor.cli.conftest import RunCli, append_config
from tests.unit.monitor.cli.terminal import run_at_terminal

SECRET = "correct horse battery"


@pytest.fixture
def type_on_stdin(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return a function that puts a text on standard input."""
    del capsys

    def type_text(text: str) -> None:
        sys.stdin = io.StringIO(text)

    return type_text


@pytest.fixture(autouse=True)
def _restore_stdin() -> Any:  # noqa: ANN401 # a generator
    before = sys.stdin
    yield
    sys.stdin = before


def line_accepts_secret(line: str) -> bool:
    """Return whether anne can sign in with SECRET if this is her line of the users file."""
    people, faults = read_people(line, "users")
    return not faults and people["anne"].password.matches(SECRET)


def test_a_password_from_standard_input_makes_a_line(
    run_cli: RunCli, type_on_stdin: Callable[[str], None]
) -> None:
    type_on_stdin(f"{SECRET}\n")
    result = run_cli("user", "anne", "--role", "duty statistician")
    assert (result.status, result.err) == (0, "")
    assert result.out.endswith(":duty statistician\n")
    # The line is for the users file: name, hash of the password, role.
    assert line_accepts_secret(result.out)


def test_line_for_the_users_file_is_printed_as_json(
    run_cli: RunCli, type_on_stdin: Callable[[str], None]
) -> None:
    type_on_stdin(SECRET)
    result = run_cli("user", "anne", "--json").json
    assert result["user"] == "anne"
    assert line_accepts_secret(result["line"])


@pytest.mark.parametrize(
    ("name", "password", "fault"),
    [
        (
            "anne",
            "short",
            "a password has at least 12 characters; three random words are easy to remember",
        ),
        ("an:ne", SECRET, "a name is made of letters, digits and . _ @ -, 64 at most"),
    ],
)
def test_a_refused_name_or_password_is_explained_in_one_line(
    run_cli: RunCli, type_on_stdin: Callable[[str], None], name: str, password: str, fault: str
) -> None:
    """A case is a name with a colon or a short password, and the message."""
    type_on_stdin(password)
    result = run_cli("user", name)
    assert (result.status, result.out, result.err) == (1, "", f"{fault}\n")


def test_password_is_asked_twice_and_not_shown_at_a_terminal(folder: Path) -> None:
    answers = {"Password: ": SECRET, "Repeat the password: ": SECRET}
    screen = run_at_terminal(folder / "config.toml", "user", "anne", answers=answers)
    assert SECRET not in screen
    (line_of_anne,) = [line for line in screen.splitlines() if line.startswith("anne:")]
    assert line_accepts_secret(line_of_anne)


def test_check_reports_every_fault_of_the_users_file(run_cli: RunCli, folder: Path) -> None:
    append_config(folder, '[web]\nusers_file = "users"\n')
    assert run_cli("check").err == (
        'config.toml: web.users_file: no such file, `ninethirty user` makes a line (got "users")\n'
    )
    users = folder / "users"
    users.touch(0o600)
    users.write_text("anne\nbob:hunter2\n")
    # The first line has no hash, and the hash of the second is none. So no line lets a person sign
    # in.
    result = run_cli("check")
    assert result.status == 1
    assert result.err.splitlines() == [
        "users: line 1: not NAME:HASH; `ninethirty user NAME` makes such a line",
        "users: line 2: the hash of bob is not one that `ninethirty user` makes",
        "users: no one can sign in; `ninethirty user NAME` adds a person",
    ]


def test_line_of_a_program_does_not_contain_its_token(run_cli: RunCli) -> None:
    """The command makes a token for the program `pager`. The printed line has only a hash of it."""
    result = run_cli("user", "pager", "--token", "duty")
    # The token is printed only on standard error.
    token = result.err.split()[-1]
    (program,) = read_programs(result.out).values()
    assert (program.name, program.scope) == ("pager", "duty")
    characters_of_32_bytes = 43
    assert len(token) == characters_of_32_bytes
    assert token not in result.out


def test_a_token_cannot_have_the_right_of_a_head(run_cli: RunCli) -> None:
    assert run_cli("user", "pager", "--token", "duty", "--head").status == 1
