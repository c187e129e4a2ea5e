"""What people write into drafts: in an editor, in the file, at a prompt; and what causes they log."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.draft.write.outline import BLANK_NOTE
from tests.unit.alerts.draft.saved import retype
from tests.unit.monitor.cli.terminal import at_a_terminal

Ask = Callable[..., Any]
INCIDENT = "births-2016-2018-01-05"
ROLE = ("--by", "duty statistician")
FIELD = "B.4.corrective"
ONLY_DOCX = "only .docx files can be read back: give one, or use the form in the browser"


def draft(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] = ask("incident", "draft", INCIDENT, "--json").json
    return found


def saved(ask: Ask, folder: Path, ending: str = "md") -> Path:
    file = folder / f"draft.{ending}"
    assert ask("incident", "draft", INCIDENT, "--output", str(file)).status == 0
    return file


def editor(folder: Path, script: str) -> dict[str, str]:
    file = folder / "editor.sh"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return {"EDITOR": str(file), "VISUAL": str(file)}


def test_the_editor_begins_with_the_current_text_and_its_result_is_kept(ask: Ask, folder: Path) -> None:
    ask("incident", "draft", INCIDENT, "--field", FIELD, "--text", "First, “quoted”.", *ROLE)
    chosen = editor(folder, "printf '  Then “this”.\\n' >> \"$1\"")
    shown = at_a_terminal(folder / "config.toml", "incident", "draft", INCIDENT, "--field", FIELD, *ROLE, env=chosen)
    assert "version" in shown
    assert draft(ask)["words"][FIELD].split("\n") == ["First, “quoted”.", "  Then “this”."]


def test_an_editor_left_without_saving_changes_nothing(ask: Ask, folder: Path) -> None:
    before = draft(ask)["version"]
    config = folder / "config.toml"
    shown = at_a_terminal(config, "incident", "draft", INCIDENT, "--field", FIELD, *ROLE, env=editor(folder, "exit 0"))
    assert shown == "you saved no change in the editor, so the draft is unchanged\n"
    assert draft(ask)["version"] == before


@pytest.mark.slow
def test_text_saved_by_others_while_the_editor_was_open_is_kept_too(ask: Ask, folder: Path) -> None:
    config = folder / "config.toml"
    other = f"'{INCIDENT}' --field {FIELD} --text 'From the web.' --by web"
    script = f"{sys.executable} -m monitor --config {config} incident draft {other} >/dev/null"
    script += "\necho 'From the editor.' > \"$1\""
    command = ("incident", "draft", INCIDENT, "--field", FIELD, *ROLE)
    shown = at_a_terminal(config, *command, env=editor(folder, script))
    said = draft(ask)["words"][FIELD]
    assert "From the web." in said
    assert "From the editor." in said
    assert "From the web.                                        | From the editor." in shown


def test_the_role_is_asked_for_at_a_terminal(ask: Ask, folder: Path) -> None:
    config = folder / "config.toml"
    shown = at_a_terminal(config, "incident", "note", INCIDENT, "called", typed="press officer\n")
    assert "Your role: " in shown
    assert ask("incident", "show", INCIDENT, "--json").json["timeline"][-1]["by"] == "press officer"


def test_logging_at_a_terminal_asks_only_for_absent_options(ask: Ask, folder: Path) -> None:
    told = "sent to the wrong list\n2018-01-04T16:20\n"
    shown = at_a_terminal(folder / "config.toml", "incident", "add", "--release", "births-2016", typed=told)
    assert shown.index("What happened: ") < shown.index("When (")
    assert "Which statistics" not in shown
    assert "Which producer" not in shown
    [logged] = [one for one in ask("incident", "list", "--json").json if one["kind"] == "hand"]
    assert (logged["title"], logged["producer"]) == ("Births 2016", "ons")


def test_logging_at_a_terminal_about_no_watched_release_asks_for_four_things(ask: Ask, folder: Path) -> None:
    told = "Marriages 2016\nons\nleaked\n2018-01-04\n"
    shown = at_a_terminal(folder / "config.toml", "incident", "add", typed=told)
    asked = ["Which statistics", "Which producer", "What happened", "When"]
    assert all(question in shown for question in asked)
    assert [one["title"] for one in ask("incident", "list", "--json").json if one["kind"] == "hand"] == [
        "Marriages 2016"
    ]


def test_the_kind_of_breach_decides_the_practice_and_the_steps(ask: Ask) -> None:
    given = ("--release", "births-2016", "--what", "x", "--when", "2018-01-04")
    leak, access = (ask("incident", "add", *given, "--sort", sort, "--json").json["id"] for sort in ("leak", "access"))
    reports = [ask("incident", "draft", name, "--json").json["report"] for name in (leak, access)]
    assert reports[0]["practice"] != reports[1]["practice"]
    assert "recall" in [step["id"] for step in reports[1]["steps"]]


def test_the_last_edition_of_the_series_is_filled_in(ask: Ask) -> None:
    given = ("--title", "Births 2017", "--producer", "ons", "--what", "leaked", "--when", "2018-01-06")
    name = ask("incident", "add", *given, "--json").json["id"]
    told = ask("incident", "draft", name).out
    assert "Latest published edition: Births 2016, Friday 5 January 2018, 09:30 GMT" in told


def test_a_draft_about_a_leak_never_names_the_release_itself_as_the_last_edition(ask: Ask) -> None:
    for when in ("2018-01-04", "2018-01-06"):
        given = ("--release", "births-2016", "--what", "leaked", "--when", when)
        assert (
            "Latest published edition"
            not in ask("incident", "draft", ask("incident", "add", *given, "--json").json["id"]).out
        )


def test_a_done_step_with_its_time_is_in_the_report(ask: Ask) -> None:
    steps = [row for row in ask("incident", "draft", INCIDENT, "--fields", "--json").json if row["standing"] == "to do"]
    name = steps[0]["field"]
    ask("incident", "draft", INCIDENT, "--field", name, "--text", "09:34, duty officer", *ROLE)
    rows = {row["field"]: row for row in ask("incident", "draft", INCIDENT, "--fields", "--json").json}
    assert rows[name]["standing"] == "done"
    assert f"| ☑ {steps[0]['label']} |" in ask("incident", "draft", INCIDENT).out
    assert steps[0]["label"] not in ask("incident", "show", INCIDENT).out


def test_text_typed_into_the_word_file_is_read_back(ask: Ask, folder: Path) -> None:
    file = saved(ask, folder, "docx")
    body = retype(file.read_bytes(), "completed: corrective actions", "Extra checks.")
    file.write_bytes(retype(body, BLANK_NOTE, "09:34 duty officer"))
    told = ask("incident", "draft", INCIDENT, "--from", str(file), *ROLE, "--json").json
    assert told["changed"] == [FIELD, "step.look"]
    assert draft(ask)["words"] == {FIELD: "Extra checks.", "step.look": "09:34 duty officer"}
    assert ": done, duty officer" in ask("incident", "draft", INCIDENT).out
    assert [one["by"] for one in ask("incident", "draft", INCIDENT, "--versions", "--json").json[-2:]] == [
        "duty statistician",
        "the monitor",
    ]
    again = ask("incident", "draft", INCIDENT, "--from", str(file), *ROLE)
    assert "nothing is changed" in again.out


def test_an_account_is_reworded_and_the_measured_one_moves_to_the_evidence(ask: Ask) -> None:
    given = ("--field", "B.2.account", "--text", "Births 2016 came out at 09:52, about 20 minutes late.", "--instead")
    told = ask("incident", "draft", INCIDENT, *given, *ROLE)
    assert told.err == "B.2.account: 09:52 is not in the measured text\n"
    report = ask("incident", "draft", INCIDENT, "--document", "report").out
    assert "came out at 09:52" in report
    assert "was pre-announced for" not in report
    assert "was pre-announced for" in ask("incident", "draft", INCIDENT, "--document", "evidence").out
    ask("incident", "draft", INCIDENT, "--field", "B.2.account", "--text", "", *ROLE)
    ask("incident", "draft", INCIDENT, "--field", "B.2.account", "--text", "A cause.", *ROLE)
    report = ask("incident", "draft", INCIDENT, "--document", "report").out
    assert report.index("was pre-announced for") < report.index("A cause.")


def test_a_reworded_measured_sentence_counts_as_the_persons_text_and_appears_once(ask: Ask, folder: Path) -> None:
    file = saved(ask, folder, "docx")
    measured = "^The release was pre-announced for"
    file.write_bytes(retype(file.read_bytes(), measured, "It had been announced for half past nine."))
    told = ask("incident", "draft", INCIDENT, "--from", str(file), *ROLE, "--json").json
    assert told["changed"] == ["B.2.account"]
    report = ask("incident", "draft", INCIDENT, "--document", "report").out
    assert "It had been announced for half past nine." in report
    assert "was pre-announced for 9.30am" not in report
    again = ask("incident", "draft", INCIDENT, "--from", str(file), *ROLE)
    assert "nothing is changed" in again.out


def test_two_texts_of_one_box_are_shown_side_by_side(ask: Ask, folder: Path) -> None:
    file = saved(ask, folder, "docx")
    ask("incident", "draft", INCIDENT, "--field", FIELD, "--text", "From the web.", "--by", "web")
    file.write_bytes(retype(file.read_bytes(), "completed: corrective actions", "From the file."))
    told = ask("incident", "draft", INCIDENT, "--from", str(file), *ROLE)
    assert "  From the web.                                        | From the file." in told.err.splitlines()
    assert all(text in ask("incident", "draft", INCIDENT).out for text in ("From the web.", "From the file."))
    rows = {row["field"]: row for row in ask("incident", "draft", INCIDENT, "--fields", "--json").json}
    assert rows[FIELD]["standing"] == "contested"
    assert FIELD in ask("incident", "show", INCIDENT).out


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        *((f"a.{ending}", "x", ONLY_DOCX) for ending in ("txt", "md", "odt", "html")),
        ("a.docx", "x", "it is no .docx file that can be opened"),
        ("none.docx", None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_back_is_explained(
    ask: Ask, folder: Path, name: str, content: str | None, fault: str
) -> None:
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    told = ask("incident", "draft", INCIDENT, "--from", str(folder / name), *ROLE)
    assert (told.status, told.err) == (1, f"{folder / name}: {fault}\n")


def test_assigning_an_incident_to_another_role_does_not_acknowledge_it(ask: Ask) -> None:
    told = ask("incident", "note", INCIDENT, "--assign", "press office", *ROLE, "--json")
    assert told.status == 0
    found = ask("incident", "show", INCIDENT, "--json").json
    assert found["acknowledged"] is None
    assert (found["assigned"], found["timeline"][-1]["text"]) == ("press office", "given to: press office")
    assert "Assigned  press office" in ask("incident", "show", INCIDENT).out


def test_a_logged_cause_is_counted_in_the_period_report(ask: Ask) -> None:
    ask("incident", "note", INCIDENT, "web team called", "--cause", "expired certificate", *ROLE)
    told = ask("incident", "show", INCIDENT, "--json").json["timeline"][-1]["text"]
    assert told == "cause: expired certificate"
    period = ("report", "period", "--from", "2018-01-01", "--to", "2018-01-31")
    [row] = ask(*period, "--json").json["releases"]
    assert (row["cause"], row["incident"]) == ("expired certificate", INCIDENT)
    assert "| expired certificate | 1 | 1 |" in ask(*period).out
    assert "expired certificate" in ask("incident", "show", INCIDENT).out


@pytest.mark.parametrize("kind", ["md", "html", "docx", "odt", "csv", "json"])
def test_a_platform_report_is_written_in_every_format(ask: Ask, folder: Path, kind: str) -> None:
    file = folder / f"period.{kind}"
    given = ("--from", "2018-01-01", "--to", "2018-01-31", "--host", "stats.example", "--output", str(file))
    assert ask("report", "period", *given).status == 0
    assert file.stat().st_size > 300
    if kind == "json":
        assert json.loads(file.read_text(encoding="utf-8"))["host"] == "stats.example"


def test_a_platform_report_of_an_unknown_host_is_answered_with_the_nearest(ask: Ask) -> None:
    told = ask("report", "period", "--from", "2018-01-01", "--to", "2018-01-31", "--host", "stat.example")
    assert (told.status, told.err) == (1, 'no host "stat.example", did you mean "stats.example"?\n')


def test_the_commands_on_the_page_about_drafts_run(ask: Ask, folder: Path, root: Path) -> None:
    page = (root / "docs" / "drafts.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ ninethirty (.*)$", page, re.MULTILINE)
    assert len(commands) > 8
    ours = {"INCIDENT": INCIDENT, "RELEASE": "births-2016", "example": "ons", "www.gov.uk": "stats.example"}
    (folder / "alert.eml").write_bytes(b"Date: Fri, 05 Jan 2018 09:30:00 +0000\n\nMarriages 2016")
    names = ("report.docx", "correction.docx", "year.docx", "to-send", "alert.eml")
    ours |= {name: str(folder / name) for name in names}
    told = {line: ask(*(ours.get(word, word) for word in shlex.split(line))) for line in commands}
    assert {line: each.err for line, each in told.items() if each.status} == {}


def test_every_version_is_listed_with_role_time_and_what_changed(ask: Ask, folder: Path) -> None:
    ask("incident", "draft", INCIDENT, "--field", FIELD, "--text", "Checks.", *ROLE)
    ask("incident", "draft", INCIDENT, "--field", "step.tell-head", "--text", "09:34", "--by", "press officer")
    given = ("--format", "md", "--output", str(folder), "--anyway", "asked for")
    assert ask("incident", "sign", INCIDENT, "--by", "head of profession", *given).status == 0
    told = ask("incident", "draft", INCIDENT, "--versions", "--json").json
    assert [one["version"] for one in told] == list(range(1, len(told) + 1))
    # The account is written anew with what was done.
    assert FIELD in told[-4]["changed"]
    assert "step.tell-head" in told[-3]["changed"]
    assert "B.2.account" in told[-2]["changed"]
    assert (told[-1]["by"], told[-1]["signed"] is not None) == ("head of profession", True)
    shown = ask("incident", "draft", INCIDENT, "--versions").out
    assert "duty statistician\n" in shown
    assert f"[{FIELD}]" in shown
