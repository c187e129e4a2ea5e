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
from tests.unit.monitor.cli.conftest import INCIDENT, RunCli
from tests.unit.monitor.cli.terminal import run_at_terminal

DRAFT = ("incident", "draft", INCIDENT)
FIELD = "B.4.corrective"
"""The box of corrective actions, which only a person can fill."""


def read_draft(run_cli: RunCli) -> dict[str, Any]:
    found: dict[str, Any] = run_cli(*DRAFT, "--json").json
    return found


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
