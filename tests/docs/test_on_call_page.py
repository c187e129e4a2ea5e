"""The runbook lists what to do now from the one table that notices, pages and the command line
use. Two steps of every list are said once, at the top: acknowledge, and complete the draft.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.steps import steps_at

SECTIONS = {
    "If it is late": "late",
    "If it is late and out": "out",
    "If parts are missing": "partial",
    "If it is early": "early",
    "If it is a lead": "lead",
    "If the file may be wrong": "wrong_file",
    "If it is not found yet": "due",
    "If a verdict is unproven": "unproven",
    "If it was altered after its release": "altered",
    "If calendars are in doubt": "calendar",
    "If many releases are late at once": "platform",
}
COLUMNS = {"It is removed": "removed", "Its slot has come": "slot"}


def read_section(root: Path, page: str, heading: str) -> str:
    text = (root / "docs" / page).read_text(encoding="utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def texts_of(stage: str) -> list[str]:
    return [step.text.format(host="the platform") for step in steps_at(stage)]


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_of_the_runbook_lists_the_steps_of_its_stage_and_no_other(
    root: Path, heading: str
) -> None:
    section = read_section(root, "how-to/on-call.md", heading)
    assert re.findall(r"^\d+\. (.*)$", section, re.MULTILINE) == texts_of(SECTIONS[heading])


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_marks_the_steps_after_an_early_release(root: Path, column: str) -> None:
    section = read_section(root, "how-to/on-call.md", "If it was early")
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    place = table[0].index(column)
    assert [row[0] for row in table if row[place] == "✓"] == texts_of(COLUMNS[column])


@pytest.mark.parametrize(
    ("alert", "heading"),
    [
        ("NinethirtyReleaseOverdue", "If it is late"),
        ("NinethirtyReleaseLate", "If it is late and out"),
        ("NinethirtyReleasePartial", "If parts are missing"),
        ("NinethirtyExposureOpen", "If it is early"),
        ("NinethirtyWasEarly", "If it was early"),
        ("NinethirtyReleaseUnproven", "If a verdict is unproven"),
        ("NinethirtyReleaseAltered", "If it was altered after its release"),
        ("NinethirtyCalendarDoubted", "If calendars are in doubt"),
    ],
)
def test_each_alert_about_a_release_leads_to_its_list(root: Path, alert: str, heading: str) -> None:
    section = read_section(root, "alerts.md", alert)
    assert f"[{heading}](how-to/on-call.md#{heading.lower().replace(' ', '-')})" in section
