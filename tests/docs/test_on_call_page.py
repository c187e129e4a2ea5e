"""The runbook lists what to do now from the one table that notices, pages and the command line
use.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.steps import ACKNOWLEDGE, COMPLETE, steps_at

SECTIONS = {
    "If it is late": "late",
    "If it is late and out": "out",
    "If parts are missing": "partial",
    "If it is early": "early",
    "If it was early and is removed": "removed",
    "If it was early and its slot has come": "slot",
    "If it is not found yet": "due",
    "If a verdict is unproven": "unproven",
    "If it was altered after its release": "altered",
    "If calendars are in doubt": "calendar",
    "If many releases are late at once": "platform",
}
WITH_DRAFT = {"late", "out", "partial", "early", "removed", "slot"}


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_of_the_runbook_lists_the_steps_of_its_stage_and_no_other(
    root: Path, heading: str
) -> None:
    page = (root / "docs" / "how-to" / "on-call.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    stage = SECTIONS[heading]
    steps = [ACKNOWLEDGE, *steps_at(stage), *([COMPLETE] if stage in WITH_DRAFT else [])]
    wanted = [step.text.format(host="the platform") for step in steps]
    assert re.findall(r"^\d+\. (.*)$", section, re.MULTILINE) == wanted


@pytest.mark.parametrize(
    ("alert", "heading"),
    [
        ("NinethirtyReleaseOverdue", "If it is late"),
        ("NinethirtyReleaseLate", "If it is late and out"),
        ("NinethirtyReleasePartial", "If parts are missing"),
        ("NinethirtyExposureOpen", "If it is early"),
        ("NinethirtyWasEarly", "If it was early and is removed"),
        ("NinethirtyReleaseUnproven", "If a verdict is unproven"),
        ("NinethirtyReleaseAltered", "If it was altered after its release"),
        ("NinethirtyCalendarDoubted", "If calendars are in doubt"),
    ],
)
def test_each_alert_about_a_release_leads_to_its_list(root: Path, alert: str, heading: str) -> None:
    page = (root / "docs" / "alerts.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {alert}\n")[2].partition("\n## ")[0]
    assert f"[{heading}](how-to/on-call.md#{heading.lower().replace(' ', '-')})" in section
