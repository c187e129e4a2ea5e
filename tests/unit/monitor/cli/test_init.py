"""init: a first configuration that check accepts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.main import status_of
from monitor.config.organisations import ORGANISATIONS, nearest_slug, slug_of
from monitor.config.read import read_settings
from schedules.sources.registry import KINDS
from tests.unit.monitor.cli.terminal import asked_at_a_terminal, at_a_terminal

TWICE = ("--on-call", "B=b@example.gov.uk", "--on-call", "B=c@example.gov.uk")
MAIL = ("--mail", "localhost:1025", "--to", "desk@example.gov.uk")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def init(file: Path, *arguments: str) -> int:
    return status_of(["--config", str(file), "init", *arguments])


def test_without_a_word_it_writes_an_example_that_check_accepts(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(file.parent)
    assert status_of(["init", "--yes"]) == 0
    assert "put yours in their place" in capsys.readouterr().err
    assert status_of(["check"]) == 0


def test_producers_go_by_name_acronym_or_slug_and_bring_their_calendars(file: Path) -> None:
    named = ("DfT", "office for national statistics", "ofqual", "ofqual")
    assert init(file, "--yes", *(word for one in named for word in ("--producer", one)), *MAIL) == 0
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
    assert [one.hosts for one in settings.producer] == [["www.gov.uk"], ["www.ons.gov.uk"], ["www.gov.uk"]]
    mail = settings.channel[1]
    assert mail.kind == "mail"
    assert (mail.port, mail.security, mail.sender, mail.to) == (
        1025,
        "none",
        "ninethirty@example.gov.uk",
        ["desk@example.gov.uk"],
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_calendar_can_be_begun_with(file: Path, kind: str) -> None:
    place = "" if kind in {"govuk", "ons", "ees"} else f"=https://example.gov.uk/{kind}"
    assert init(file, "--yes", "--producer", "hse", "--calendar", kind + place) == 0
    assert [(one.name, one.kind) for one in read_settings(file).calendar] == [(kind, kind)]


def test_a_calendar_of_ones_own_stands_beside_the_configuration(file: Path) -> None:
    (file.parent / "ours.csv").write_text("title,date\n")
    assert init(file, "--yes", "--calendar", "csv=ours.csv", "--calendar", "csv=https://example.gov.uk/r.csv") == 0
    assert [(one.name, one.file) for one in read_settings(file).calendar] == [("csv", "ours.csv"), ("csv-2", None)]


def test_every_fault_is_told_at_once_and_nothing_is_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = (
        "--producer",
        "Ministry of Justise",
        "--calendar",
        "icx",
        "--calendar",
        "ics",
        "--calendar",
        "csv=no.csv",
    )
    told = (
        "--mail",
        "smtp host",
        "--to",
        "nobody",
        "--on-call",
        "duty A",
        *TWICE,
        "--chat",
        "https://chat.example/secret",
    )
    assert init(file, "--yes", *wrong, *told) == 2
    told = capsys.readouterr().err.splitlines()
    assert told == [
        'init: --producer: nobody is known by that name, did you mean ministry-of-justice? (got "Ministry of Justise")',
        'init: --calendar: no kind of that name, did you mean ics? (got "icx")',
        "init: --calendar: say where it is: ics=https://host/path or ics=FILE",
        'init: --calendar: no such file beside the configuration (got "no.csv")',
        'init: --to: not a mail address, write "desk@example.gov.uk" (got "nobody")',
        'init: --mail: not a server, write "smtp.example.gov.uk" or "HOST:PORT" (got "smtp host")',
        'init: --on-call: write "duty A=duty-a@example.gov.uk" (got "duty A")',
        'init: --on-call: each role once (got "B" again)',
        "init: --chat: name the variable that holds the address, such as TEAMS_WORKFLOW: it is a secret",
    ]
    assert not file.exists()


def test_roles_take_weekly_turns_from_a_monday_and_everybody_else_is_told_too(file: Path) -> None:
    duty = ("--on-call", "duty A=a@example.gov.uk", "--on-call", "duty B=b@example.gov.uk", "--chat", "TEAMS_WORKFLOW")
    assert init(file, "--yes", "--producer", "DfT", *MAIL, *duty, "--public-url", "https://board.example.gov.uk") == 0
    settings = read_settings(file)
    (rota,), (route,) = settings.rota, settings.route
    assert (rota.turns, rota.who) == (["duty A", "duty B"], {"duty A": "duty-a", "duty B": "duty-b"})
    assert rota.begins is not None
    assert (rota.begins.weekday(), rota.begins.hour) == (0, 9)
    assert route.channels == ["duty", "on-call", "chat", "outbox"]
    chat = next(one for one in settings.channel if one.kind == "apprise")
    assert (chat.name, chat.url.env) == ("chat", "TEAMS_WORKFLOW")


def test_an_address_that_check_would_refuse_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(file, "--yes", "--public-url", "board.example.gov.uk") == 2
    assert "web.public_url" in capsys.readouterr().err
    assert not file.exists()


def test_what_goes_beside_it_is_written_to_a_folder_of_its_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = file.parent / "beside"
    assert init(file, "--files", str(folder)) == 0
    assert {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()} >= {
        "examples/department.toml",
        "deploy/prometheus/rules.yml",
        "deploy/grafana/dashboards/today.json",
        "deploy/ninethirty.service",
    }
    assert not file.exists()
    assert init(file, "--files", str(folder)) == 1
    assert capsys.readouterr().err == f"{folder}: is there already, and not empty\n"


def test_a_server_without_readers_and_readers_without_a_server_are_refused(file: Path) -> None:
    assert init(file, "--yes", "--mail", "localhost") == 2
    assert init(file, "--yes", "--to", "desk@example.gov.uk") == 2
    assert init(file, "--yes", "--on-call", "duty=desk@example.gov.uk") == 2


def test_a_slug_that_nobody_knows_is_taken_and_said_to_be(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(file, "--yes", "--producer", "widget-office", "--producer", "deparment-for-transport") == 0
    assert capsys.readouterr().err.splitlines()[1:] == [
        "widget-office: not among the producers this version knows, so it is taken as it is",
        "deparment-for-transport: not among the producers this version knows, did you mean department-for-transport?",
    ]


def test_a_file_that_is_there_is_replaced_only_when_told_to_and_said_to_be(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("kept")
    assert init(file, "--yes") == 2
    assert "is there already" in capsys.readouterr().err
    assert file.read_text() == "kept"
    assert init(file, "--yes", "--force") == 0
    assert "what stood there was replaced" in capsys.readouterr().err


def test_with_nobody_to_ask_what_is_missing_is_named_and_the_rest_taken(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alone = [sys.executable, "-c", "from monitor.cli.main import main; main()", "--config", str(file), "init"]
    asked = subprocess.run([*alone, "--producer", "dft"], stdin=subprocess.DEVNULL, check=False)
    assert asked.returncode == 2
    assert "init: nobody is there to be asked: give --mail, or --yes to" in capfd.readouterr().err
    assert not file.exists()
    told = subprocess.run([*alone, "--producer", "dft", *MAIL], stdin=subprocess.DEVNULL, check=False)
    assert told.returncode == 0
    assert [one.kind for one in read_settings(file).calendar] == ["govuk"]


def test_what_to_do_next_is_written_as_it_can_be_typed(file: Path, tmp_path: Path) -> None:
    program = tmp_path / "ninethirty"
    program.write_text("from monitor.cli.main import main\nmain()\n")
    called = [sys.executable, str(program), "--config", str(file), "init", "--yes"]
    told = subprocess.run(called, capture_output=True, text=True, check=True)
    assert f"Next: {program} --config {file} check --online, then {program} --config {file} run\n" in told.stdout


def test_what_is_not_given_is_asked_for(file: Path) -> None:
    asked = {
        "no more): ": "MoJ",
        "[govuk]: ": "",
        "HOST:PORT (Enter: none): ": "localhost:2525",
        "told by mail: ": "a@example.gov.uk, b@example.gov.uk",
        "Enter: nobody): ": "duty A=c@example.gov.uk, duty B=d@example.gov.uk",
        "chat (Enter: none): ": "TEAMS_WORKFLOW",
        "not known yet): ": "https://board.example.gov.uk",
    }
    shown = asked_at_a_terminal(file, "init", "--producer", "DfT", answers=asked)
    assert "Next: ninethirty --config" in shown
    settings = read_settings(file)
    assert [one.id for one in settings.producer] == ["department-for-transport"]
    assert getattr(settings.channel[1], "to", None) == ["a@example.gov.uk", "b@example.gov.uk"]
    assert [one.name for one in settings.channel] == ["outbox", "on-call", "chat", "duty-a", "duty-b"]
    assert settings.web.public_url == "https://board.example.gov.uk"


def test_every_body_of_the_list_is_found_by_each_of_its_names() -> None:
    assert {slug_of(text) for slug, called in ORGANISATIONS.items() for text in (slug, *called)} == {*ORGANISATIONS}
    assert all(slug_of(text) == slug for slug, called in ORGANISATIONS.items() for text in (slug, *called))
    assert (nearest_slug("ministry-of-justise"), nearest_slug("widget-office")) == ("ministry-of-justice", None)


def test_what_is_like_one_name_or_several_is_asked_about_and_not_taken(file: Path) -> None:
    typed = "ofqal\nn\nhealth\ngambling\nofqual" + 6 * "\n"
    shown = at_a_terminal(file, "init", typed=typed)
    assert "not in the list (did you mean ofqual?); take it as it is?" in shown
    assert re.search(r"which of [\w-]+(, [\w-]+)+\?", shown)
    assert "did you mean gambling-commission?" in shown
    assert [one.id for one in read_settings(file).producer] == ["ofqual"]
