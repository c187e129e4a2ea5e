"""People's edits of drafts in an editor, in the file or at a prompt, and the causes that they
log.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.client import OFFLINE
from tests.unit.monitor.cli.conftest import HEAD, INCIDENT, RunCli
from tests.unit.monitor.cli.terminal import run_at_terminal

DRAFT = ("incident", "draft", INCIDENT)
PERIOD = ("report", "period", "--from", "2018-01-01", "--to", "2018-01-31")
FIELD = "B.4.corrective"
"""The box of corrective actions, which only a person can fill."""


def read_draft(run_cli: RunCli) -> dict[str, Any]:
    found: dict[str, Any] = run_cli(*DRAFT, "--json").json
    return found


def fields_of_draft(run_cli: RunCli) -> dict[str, dict[str, Any]]:
    """Return what the draft says of each of its fields, by the name of the field."""
    return {field["field"]: field for field in run_cli(*DRAFT, "--fields", "--json").json}


def editor_that_runs(folder: Path, script: str) -> dict[str, str]:
    """Return an environment whose editor runs a shell script. `$1` is the file to edit."""
    file = folder / "editor.sh"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return {"EDITOR": str(file), "VISUAL": str(file)}


def test_editor_begins_with_current_text_and_its_result_is_kept(
    run_cli: RunCli, folder: Path
) -> None:
    # FIELD is the box of corrective actions, which only a person can fill.
    run_cli(*DRAFT, "--field", FIELD, "--text", "First, “quoted”.")
    appending_editor = editor_that_runs(folder, "printf '  Then “this”.\\n' >> \"$1\"")
    screen = run_at_terminal(folder / "config.toml", *DRAFT, "--field", FIELD, env=appending_editor)
    assert "version" in screen
    assert read_draft(run_cli)["words"][FIELD].split("\n") == ["First, “quoted”.", "  Then “this”."]


def test_an_editor_left_without_saving_changes_nothing(run_cli: RunCli, folder: Path) -> None:
    before = read_draft(run_cli)["version"]
    editor_left_at_once = editor_that_runs(folder, "exit 0")
    screen = run_at_terminal(
        folder / "config.toml", *DRAFT, "--field", FIELD, env=editor_left_at_once
    )
    assert screen == f"{OFFLINE}\nyou saved no change in the editor, so the draft is unchanged\n"
    assert read_draft(run_cli)["version"] == before


@pytest.mark.slow
def test_text_saved_by_others_during_editing_is_kept_too(run_cli: RunCli, folder: Path) -> None:
    config = folder / "config.toml"
    options = f"'{INCIDENT}' --field {FIELD} --text 'From the web.'"
    save_as_another = (
        f"{sys.executable} -m monitor --config {config} incident draft {options} >/dev/null"
    )
    # While the editor is open, another person saves a text. Then the editor saves its own.
    editor = editor_that_runs(folder, f"{save_as_another}\necho 'From the editor.' > \"$1\"")
    screen = run_at_terminal(config, *DRAFT, "--field", FIELD, env=editor)
    text = read_draft(run_cli)["words"][FIELD]
    assert "From the web." in text
    assert "From the editor." in text
    both = "AS IT STOOD\n  - From the web.\nAS YOU WROTE IT\n  - From the editor.\n"
    assert both in screen


def test_logging_at_a_terminal_asks_only_for_absent_options(run_cli: RunCli, folder: Path) -> None:
    typed = "sent to the wrong list\n2018-01-04T16:20\n"
    screen = run_at_terminal(
        folder / "config.toml", "incident", "add", "--release", "births-2016", typed=typed
    )
    assert screen.index("What happened: ") < screen.index("When (")
    assert "Which statistics" not in screen
    assert "Which producer" not in screen
    [logged] = [one for one in run_cli("incident", "list", "--json").json if one["kind"] == "hand"]
    assert (logged["title"], logged["producer"]) == ("Births 2016", "ons")


def test_logging_without_a_release_at_a_terminal_asks_four_questions(
    run_cli: RunCli, folder: Path
) -> None:
    typed = "Marriages 2016\nons\nleaked\n2018-01-04\n"
    screen = run_at_terminal(folder / "config.toml", "incident", "add", typed=typed)
    for question in ("Which statistics", "Which producer", "What happened", "When"):
        assert question in screen
    (logged,) = [one for one in run_cli("incident", "list", "--json").json if one["kind"] == "hand"]
    assert logged["title"] == "Marriages 2016"


def test_the_kind_of_breach_decides_the_practice_and_the_steps(run_cli: RunCli) -> None:
    def report_on(sort: str) -> Any:  # noqa: ANN401 # JSON
        options = (
            "--release",
            "births-2016",
            "--what",
            "x",
            "--when",
            "2018-01-04",
            "--sort",
            sort,
        )
        name = run_cli("incident", "add", *options, "--json").json["id"]
        return run_cli("incident", "draft", name, "--json").json["report"]

    def step_ids(report: Any) -> list[str]:  # noqa: ANN401 # JSON
        return [step["id"] for step in report["steps"]]

    # `leak` is a publication before the release, and `access` a message to the wrong people, which
    # can be recalled.
    leak, access = report_on("leak"), report_on("access")
    assert leak["practice"] != access["practice"]
    assert "recall" in step_ids(access)
    assert "recall" not in step_ids(leak)


def test_last_published_edition_is_filled_into_the_draft(run_cli: RunCli) -> None:
    options = (
        "--title",
        "Births 2017",
        "--producer",
        "ons",
        "--what",
        "leaked",
        "--when",
        "2018-01-06",
    )
    leak_of_2017 = run_cli("incident", "add", *options, "--json").json["id"]
    # The store has Births 2016, published on 5 January 2018, the edition before Births 2017.
    draft = run_cli("incident", "draft", leak_of_2017).out
    assert "Latest published edition: Births 2016, Friday 5 January 2018, 09:30 GMT" in draft


def test_draft_never_names_its_own_release_as_last_edition(run_cli: RunCli) -> None:
    day_before_slot, day_after_slot = "2018-01-04", "2018-01-06"
    # Births 2016 is the only edition in the store. Its slot is 5 January 2018.
    for day in (day_before_slot, day_after_slot):
        options = ("--release", "births-2016", "--what", "leaked", "--when", day)
        name = run_cli("incident", "add", *options, "--json").json["id"]
        assert "Latest published edition" not in run_cli("incident", "draft", name).out


def test_a_done_step_is_ticked_in_the_list_of_steps(run_cli: RunCli) -> None:
    step, *_ = [
        field for field in fields_of_draft(run_cli).values() if field["standing"] == "to do"
    ]
    run_cli(*DRAFT, "--field", step["field"], "--text", "09:34, duty officer")
    assert fields_of_draft(run_cli)[step["field"]]["standing"] == "done"
    assert f"| ☑ {step['label']} |" in run_cli(*DRAFT, "--document", "to-do").out
    # The incident shows only what is still to do.
    assert step["label"] not in run_cli("incident", "show", INCIDENT).out


def test_replaced_measured_account_is_only_in_the_evidence(run_cli: RunCli) -> None:
    # B.2.account is the account that the monitor writes. With `--instead` the text replaces it.
    options = (
        "--field",
        "B.2.account",
        "--text",
        "Births 2016 came out at 09:52, about 20 minutes late.",
        "--instead",
    )
    result = run_cli(*DRAFT, *options)
    # A warning: the monitor first saw the release at 09:50.
    assert result.err == "B.2.account: 09:52 is not in the measured text\n"
    report = run_cli(*DRAFT, "--document", "report").out
    assert "came out at 09:52" in report
    assert "was pre-announced for" not in report
    assert "was pre-announced for" in run_cli(*DRAFT, "--document", "evidence").out


def test_typed_account_follows_the_measured_one(run_cli: RunCli) -> None:
    # B.2.account is the account of what happened. The monitor writes it from its measurements.
    run_cli(*DRAFT, "--field", "B.2.account", "--text", "A cause.")
    report = run_cli(*DRAFT, "--document", "report").out
    assert report.index("was pre-announced for") < report.index("A cause.")


def test_assigning_an_incident_to_another_role_does_not_acknowledge_it(run_cli: RunCli) -> None:
    result = run_cli("incident", "note", INCIDENT, "--assign", "press office", "--json")
    assert result.status == 0
    found = run_cli("incident", "show", INCIDENT, "--json").json
    assert found["acknowledged"] is None
    assert (found["assigned"], found["timeline"][-1]["text"]) == (
        "press office",
        "given to: press office",
    )
    assert "Assigned  press office" in run_cli("incident", "show", INCIDENT).out


def test_a_logged_cause_is_counted_in_the_period_report(run_cli: RunCli) -> None:
    run_cli("incident", "note", INCIDENT, "web team called", "--cause", "expired certificate")
    assert (
        run_cli("incident", "show", INCIDENT, "--json").json["timeline"][-1]["text"]
        == "cause: expired certificate"
    )
    [release] = run_cli(*PERIOD, "--json").json["releases"]
    assert (release["cause"], release["incident"]) == ("expired certificate", INCIDENT)
    with_this_cause = of_all = 1
    assert f"| expired certificate | {with_this_cause} | {of_all} |" in run_cli(*PERIOD).out


@pytest.mark.usefixtures("as_head")
def test_the_commands_on_the_page_about_drafts_run(
    run_cli: RunCli, folder: Path, root: Path
) -> None:
    page = (root / "docs" / "drafts.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ ninethirty (.*)$", page, re.MULTILINE)
    assert len(commands) > 8  # the pattern still finds the commands
    (folder / "alert.eml").write_bytes(b"Date: Fri, 05 Jan 2018 09:30:00 +0000\n\nMarriages 2016")
    files = ("report.docx", "correction.docx", "year.docx", "to-send", "alert.eml")
    word_here = {name: str(folder / name) for name in files}
    word_here |= {
        "INCIDENT": INCIDENT,
        "RELEASE": "births-2016",
        "example": "ons",
        "www.gov.uk": "stats.example",
        "9.43am": "2018-01-05T09:43",  # whatever the time is now
    }
    # The order counts: some commands use the files that earlier ones write.
    for command in commands:
        words = [word_here.get(word, word) for word in shlex.split(command)]
        result = run_cli(*words)
        assert result.status == 0, (command, result.err)


@pytest.mark.usefixtures("as_head")
def test_every_version_is_listed_with_role_time_and_what_changed(
    run_cli: RunCli, folder: Path
) -> None:
    run_cli(*DRAFT, "--field", FIELD, "--text", "Checks.")
    run_cli(*DRAFT, "--field", "step.tell-head", "--text", "09:34")
    sign = ("incident", "sign", INCIDENT, "--anyway", "asked for")
    assert run_cli(*sign, "--format", "md", "--output", str(folder)).status == 0
    versions = run_cli(*DRAFT, "--versions", "--json").json
    assert [one["version"] for one in versions] == list(range(1, len(versions) + 1))
    # Three actions made four versions, after those that the monitor had made.
    *_, filled_box, done_step, new_account, signature = versions
    assert FIELD in filled_box["changed"]
    assert "step.tell-head" in done_step["changed"]
    # The step is also in the account, which the monitor therefore writes again.
    assert "B.2.account" in new_account["changed"]
    assert (signature["by"], signature["signed"] is not None) == (HEAD, True)
    screen = run_cli(*DRAFT, "--versions").out
    assert f"{HEAD}\n" in screen
    assert f"[{FIELD}]" in screen
