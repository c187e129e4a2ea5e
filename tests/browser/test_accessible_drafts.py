"""Each form as .html in a real browser: axe finds no fault, and it fits the width of desktop and
phone.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe

from alerts.draft.edits import merge_words
from alerts.draft.fill import fill_form
from alerts.draft.form import get_form, load_forms
from alerts.draft.period import Row, select_period
from alerts.draft.period_report import build_period_report
from alerts.draft.report import Report
from alerts.draft.write.registry import WRITERS
from alerts.finding import BlindSpan, Certainty, ReleaseFacts
from alerts.incident import Entry, Incident, IncidentKind
from schedules.contract.verdict import (
    Exposure,
    Finding,
    FindingKind,
    Grade,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval
from tests.browser.pages import browsing, overflowing

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
LATE = Interval(SLOT + timedelta(minutes=20), SLOT + timedelta(minutes=21))
SOON = Interval(SLOT - timedelta(hours=2), SLOT - timedelta(hours=1))
NOW = SLOT + timedelta(hours=3)
URL = "https://www.gov.uk/government/statistics/a-release-with-a-rather-long-address-that-no-line-can-hold"
WIDTHS = pytest.mark.parametrize("width", [1280, 390], ids=["at a desk", "on a phone"])
pytestmark = pytest.mark.needs("chromium")


def incident() -> Incident:
    exposure = Exposure("data", SOON, Interval(), Bounds(3600, 7200), open=False)
    page = PartVerdict("page", "page", URL, True, VerdictKind.LATE, LATE, LATE, Bounds(1200, 1260))  # noqa: FBT003
    data = PartVerdict("data", "data", f"{URL}.ods", True, VerdictKind.EARLY, SOON, LATE)  # noqa: FBT003 # required
    parts = (page, replace(data, delay=Bounds(-7200, -3600), exposures=(exposure,)))
    gap = BlindSpan(SLOT + timedelta(minutes=1), SLOT + timedelta(minutes=3), "restarted")
    sure = Certainty("edge", 900, 3, 1.0, Bounds(-0.2, 0.4), (gap,), (("edge-1", "0" * 64),))
    facts = ReleaseFacts(
        release="r",
        title="Births",
        producer="ons",
        url=URL,
        timezone="Europe/London",
        slot=SLOT,
        slot_text="",
        slot_source="govuk",
        slot_learnt=SLOT,
        verdict=VerdictKind.EARLY,
        grade=Grade.REPORT,
        final=True,
        at=NOW,
        parts=parts,
        findings=(Finding(FindingKind.LATE, "page"), Finding(FindingKind.EARLY_EXPOSURE, "data")),
        certainty=sure,
    )
    noted = (Entry(NOW, "duty statistician", "called the web team"),)
    return Incident(
        "r-2018",
        IncidentKind.EARLY,
        "r",
        "ons",
        "Births",
        SLOT,
        SLOT,
        "report",
        facts,
        timeline=noted,
    )


def report(form: str) -> Report:
    """Return a draft of a form with all kinds of content: figures, gaps, edits of people and empty
    boxes.
    """
    found = incident()
    assert found.facts is not None
    if form == "period":
        row = Row(
            "r",
            "Births",
            "ons",
            URL,
            "Europe/London",
            SLOT,
            "early",
            LATE,
            Bounds(1200, 1260),
            Bounds(3600, 7200),
        )
        return build_period_report(
            select_period([row], date(2018, 1, 1), date(2018, 1, 31)), "www.gov.uk", NOW
        )
    filled = fill_form(found, get_form(form), {}, [], NOW)
    return merge_words(
        {f"{form}.4.corrective": "Extra checks.", "step.tell-head": "09:34", "gone": "kept"}, filled
    )


async def examined(folder: Path, width: int) -> list[str]:
    faults: list[str] = []
    async with browsing(width) as page:
        for form in load_forms():
            file = folder / f"{form}.html"
            await asyncio.to_thread(file.write_bytes, WRITERS["html"](report(form)))
            await page.goto(file.as_uri())
            found = await Axe().run(page)
            faults += [f"{form}: {line}" for line in found.generate_snapshot().splitlines()]
            faults += [f"{form} {told}" for told in await overflowing(page, width)]
    return faults


@WIDTHS
async def test_axe_finds_nothing_to_object_to_in_any_form_and_none_runs_off_the_side(
    tmp_path: Path, width: int
) -> None:
    assert await examined(tmp_path, width) == []
