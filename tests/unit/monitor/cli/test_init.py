"""init: a first configuration that check accepts."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.main import status_of
from monitor.config.organisations import ORGANISATIONS, nearest_slug, slug_of
from monitor.config.read import read_settings
from schedules.sources.registry import KINDS
from tests.unit.monitor.cli.terminal import run_at_terminal

MAIL = ("--mail", "localhost:1025", "--to", "desk@example.gov.uk")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def init(file: Path, *arguments: str) -> int:
    return status_of(["--config", str(file), "init", *arguments])


def test_init_without_options_writes_an_example_that_check_accepts(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(file.parent)
    assert status_of(["init", "--yes"]) == 0
    assert "replace the four example producers" in capsys.readouterr().err
    assert status_of(["check"]) == 0


def test_producer_is_known_by_name_acronym_or_slug(file: Path) -> None:
    """The calendars and hosts of each producer are configured too. The slug is given twice, but its
    producer is added once.
    """
    acronym, name, slug = "DfT", "office for national statistics", "ofqual"
    producers = (word for given in (acronym, name, slug, slug) for word in ("--producer", given))
    assert init(file, "--yes", *producers) == 0
    settings = read_settings(file)
    assert [one.id for one in settings.producer] == [
        "department-for-transport",
        "office-for-national-statistics",
        "ofqual",
    ]
    assert [(one.kind, one.filters) for one in settings.calendar] == [
        ("govuk", {"organisations": ["department-for-transport", "ofqual"]}),
        ("ons", {}),
    ]
    assert [one.hosts for one in settings.producer] == [
        ["www.gov.uk"],
        ["www.ons.gov.uk"],
        ["www.gov.uk"],
    ]


def test_mail_through_this_machine_is_unencrypted_and_from_recipients_domain(file: Path) -> None:
    assert init(file, "--yes", "--mail", "localhost:1025", "--to", "desk@example.gov.uk") == 0
    (mail,) = (channel for channel in read_settings(file).channel if channel.kind == "mail")
    assert (mail.port, mail.security) == (1025, "none")
    assert (mail.sender, mail.to) == ("ninethirty@example.gov.uk", ["desk@example.gov.uk"])


def test_init_with_mail_makes_a_key_for_links_that_only_this_account_reads(file: Path) -> None:
    assert init(file, "--yes", *MAIL) == 0
    key = file.parent / "secrets" / "link_key"
    assert (stat.S_IMODE(key.stat().st_mode), len(key.read_text().strip()) > 40) == (0o600, True)
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert read_settings(file).web.has_signed_links
    made = key.read_text()
    # A new configuration keeps the key, so that links in notices stay valid.
    assert init(file, "--yes", "--force", *MAIL) == 0
    assert key.read_text() == made


@pytest.mark.parametrize(
    ("options", "recipient"), [((), "on-call"), (("--on-call", "duty A=a@example.gov.uk"), "duty")]
)
def test_init_with_mail_has_what_is_not_ready_sent_before_slots(
    file: Path, options: tuple[str, ...], recipient: str
) -> None:
    assert init(file, "--yes", *MAIL, *options) == 0
    (summary,) = read_settings(file).summary
    assert (summary.kind, summary.channels) == ("ready", [recipient])


def test_init_without_mail_makes_no_key(file: Path) -> None:
    assert init(file, "--yes") == 0
    assert not (file.parent / "secrets").exists()
    assert not read_settings(file).web.has_signed_links


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_init_accepts_every_kind_of_calendar(file: Path, kind: str) -> None:
    """A case is a kind of calendar.

    Three kinds have a known place, and the others are given an address.
    """
    has_a_known_place = kind in {"govuk", "ons", "ees"}
    calendar = kind if has_a_known_place else f"{kind}=https://example.gov.uk/{kind}"
    assert init(file, "--yes", "--producer", "hse", "--calendar", calendar) == 0
    assert [(one.name, one.kind) for one in read_settings(file).calendar] == [(kind, kind)]


def test_a_calendar_file_is_looked_for_beside_the_configuration(file: Path) -> None:
    (file.parent / "ours.csv").write_text("title,date\n")
    assert (
        init(
            file,
            "--yes",
            "--calendar",
            "csv=ours.csv",
            "--calendar",
            "csv=https://example.gov.uk/r.csv",
        )
        == 0
    )
    # The second calendar is at an address, so it has no file. Its kind is the same, so its name
    # gets a number.
    assert [(one.name, one.file) for one in read_settings(file).calendar] == [
        ("csv", "ours.csv"),
        ("csv-2", None),
    ]


def test_all_faults_are_reported_at_once_and_nothing_is_written(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    producers = ("--producer", "Ministry of Justise")
    calendars = ("--calendar", "icx", "--calendar", "ics", "--calendar", "csv=no.csv")
    mail = ("--mail", "smtp host", "--to", "nobody")
    b_given_twice = ("--on-call", "B=b@example.gov.uk", "--on-call", "B=c@example.gov.uk")
    on_call = ("--on-call", "duty A", *b_given_twice, "--chat", "https://chat.example/secret")
    assert init(file, "--yes", *producers, *calendars, *mail, *on_call) == 2
    assert capsys.readouterr().err.splitlines() == [
        (
            'init: --producer: unknown name, did you mean ministry-of-justice? (got "Ministry of'
            ' Justise")'
        ),
        'init: --calendar: unknown kind, did you mean ics? (got "icx")',
        "init: --calendar: give its place: ics=https://host/path or ics=FILE",
        'init: --calendar: no such file beside the configuration (got "no.csv")',
        'init: --to: not a mail address, write "desk@example.gov.uk" (got "nobody")',
        'init: --mail: not a server, write "smtp.example.gov.uk" or "HOST:PORT" (got "smtp host")',
        'init: --on-call: write "duty A=duty-a@example.gov.uk" (got "duty A")',
        'init: --on-call: give each role once (got "B" again)',
        "init: --chat: give the variable that contains the secret address, such as TEAMS_WORKFLOW",
    ]
    assert not file.exists()


def test_init_writes_a_rota_of_roles_that_begins_on_monday(file: Path) -> None:
    """Two roles take turns to be on call.

    Besides them, notices go to a mail address, a chat and a folder.
    """
    duty = (
        "--on-call",
        "duty A=a@example.gov.uk",
        "--on-call",
        "duty B=b@example.gov.uk",
        "--chat",
        "TEAMS_WORKFLOW",
    )
    assert (
        init(
            file,
            "--yes",
            "--producer",
            "DfT",
            *MAIL,
            *duty,
            "--public-url",
            "https://board.example.gov.uk",
        )
        == 0
    )
    settings = read_settings(file)
    (rota,), (route,) = settings.rota, settings.route
    # Every configuration that init writes has the channel `outbox`, a folder.
    assert route.channels == ["duty", "on-call", "chat", "outbox"]
    assert (rota.turns, rota.who) == (
        ["duty A", "duty B"],
        {"duty A": "duty-a", "duty B": "duty-b"},
    )
    assert rota.begins is not None
    assert f"{rota.begins:%A %H}" == "Monday 09"
    chat = next(one for one in settings.channel if one.kind == "apprise")
    assert (chat.name, chat.url.env) == ("chat", "TEAMS_WORKFLOW")


def test_init_refuses_an_address_that_check_would_refuse(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(file, "--yes", "--public-url", "board.example.gov.uk") == 2
    assert "web.public_url" in capsys.readouterr().err
    assert not file.exists()


def test_init_files_writes_examples_only_into_a_new_folder(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = file.parent / "files"
    assert init(file, "--files", str(folder)) == 0
    assert (folder / "examples/department.toml").is_file()
    assert (folder / "deploy/prometheus/rules.yml").is_file()
    assert (folder / "deploy/grafana/dashboards/today.json").is_file()
    assert (folder / "deploy/ninethirty.service").is_file()
    # `--files` writes no configuration.
    assert not file.exists()
    assert init(file, "--files", str(folder)) == 1
    assert capsys.readouterr().err == f"{folder}: is there already, and not empty\n"


def test_init_with_files_and_a_producer_writes_both(file: Path) -> None:
    folder = file.parent / "files"
    assert init(file, "--yes", "--producer", "ofqual", "--files", str(folder)) == 0
    assert (folder / "deploy" / "prometheus" / "rules.yml").exists()
    assert [producer.id for producer in read_settings(file).producer] == ["ofqual"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--mail", "localhost"),
        ("--to", "desk@example.gov.uk"),
        ("--on-call", "duty=desk@example.gov.uk"),
    ],
)
def test_mail_to_and_on_call_are_refused_without_each_other(
    file: Path, option: str, value: str
) -> None:
    """A case is one of the options that describe who gets mail, without the others that it
    needs.
    """
    assert init(file, "--yes", option, value) == 2


def test_an_unknown_slug_is_used_with_a_note(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        init(file, "--yes", "--producer", "widget-office", "--producer", "deparment-for-transport")
        == 0
    )
    _name_of_written_file, *notes = capsys.readouterr().err.splitlines()
    assert notes == [
        "widget-office: not among the producers of this version, but it is used",
        (
            "deparment-for-transport: not among the producers of this version, did you mean"
            " department-for-transport?"
        ),
    ]
    # Both are used as given.
    assert [one.id for one in read_settings(file).producer] == [
        "widget-office",
        "deparment-for-transport",
    ]


def test_an_existing_file_is_replaced_only_with_force_and_note(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("kept")
    assert init(file, "--yes") == 2
    assert "exists: give --force" in capsys.readouterr().err
    assert file.read_text() == "kept"
    assert init(file, "--yes", "--force") == 0
    assert ": replaced" in capsys.readouterr().err


def test_init_without_a_terminal_names_an_absent_option(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "monitor", "--config", str(file), "init", "--producer", "dft"]
    without_mail = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    assert without_mail.returncode == 2
    assert "init: not a terminal: give --mail, or --yes to" in capfd.readouterr().err
    assert not file.exists()
    with_mail = subprocess.run([*command, *MAIL], stdin=subprocess.DEVNULL, check=False)
    assert with_mail.returncode == 0
    assert [one.kind for one in read_settings(file).calendar] == ["govuk"]


def test_the_next_commands_can_be_typed_as_printed(file: Path, tmp_path: Path) -> None:
    program = tmp_path / "ninethirty"
    program.write_text("from monitor.cli.main import main\nmain()\n")
    called = [sys.executable, str(program), "--config", str(file), "init", "--yes"]
    result = subprocess.run(called, capture_output=True, text=True, check=True)
    assert (
        f"Next: {program} --config {file} check --online, then {program} --config {file} run\n"
        in result.stdout
    )


def test_init_asks_only_for_absent_options(file: Path) -> None:
    answers_by_end_of_question = {
        "[govuk]: ": "",
        "HOST:PORT (Enter: none): ": "localhost:2525",
        "Who gets mail: ": "a@example.gov.uk, b@example.gov.uk",
        # who is on call, as ROLE=ADDRESS
        "Enter: no one): ": "duty A=c@example.gov.uk, duty B=d@example.gov.uk",
        "chat (Enter: none): ": "TEAMS_WORKFLOW",
        "not known yet): ": "https://board.example.gov.uk",
    }
    screen = run_at_terminal(file, "init", "--producer", "DfT", answers=answers_by_end_of_question)
    assert "Producer: slug" not in screen
    assert "Next: ninethirty --config" in screen
    settings = read_settings(file)
    assert [producer.id for producer in settings.producer] == ["department-for-transport"]
    (mail,) = (channel for channel in settings.channel if channel.name == "on-call")
    assert mail.kind == "mail"
    assert mail.to == ["a@example.gov.uk", "b@example.gov.uk"]
    # The channel `on-call` has the addresses of "Who gets mail". Each role has a channel of its
    # own.
    assert [channel.name for channel in settings.channel] == [
        "outbox",
        "on-call",
        "chat",
        "duty-a",
        "duty-b",
    ]
    assert settings.web.public_url == "https://board.example.gov.uk"


def test_every_organisation_is_found_by_each_of_its_names() -> None:
    slug_by_name = {name: slug for slug, names in ORGANISATIONS.items() for name in (slug, *names)}
    assert {name: slug_of(name) for name in slug_by_name} == slug_by_name


def test_the_nearest_organisation_is_proposed_only_for_a_similar_name() -> None:
    assert nearest_slug("ministry-of-justise") == "ministry-of-justice"
    assert nearest_slug("widget-office") is None


def test_init_asks_again_until_a_producer_is_exact(file: Path) -> None:
    typed = (
        *("ofqal", "n"),  # a misspelt name, and "no" to its use
        "health",  # a word in several names
        "gambling",  # a word in only one name
        "ofqual",
        *7 * [""],  # no more producers, and the defaults of the other questions
    )
    screen = run_at_terminal(file, "init", typed="\n".join(typed))
    assert "not in the list (did you mean ofqual?). Use it anyway?" in screen
    assert re.search(r"which of [\w-]+(, [\w-]+)+\?", screen)
    assert "did you mean gambling-commission?" in screen
    assert [one.id for one in read_settings(file).producer] == ["ofqual"]
