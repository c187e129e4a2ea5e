"""Facts of releases with incidents, for tests of notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.finding import ReleaseFacts
from schedules.contract.verdict import (
    Ended,
    Exposure,
    Finding,
    FindingKind,
    Grade,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
PAGE = "https://www.gov.uk/government/statistics/malpractice"
Facts = Callable[..., ReleaseFacts]


def page_part(verdict: VerdictKind, **fields: object) -> PartVerdict:
    return replace(PartVerdict("page", "page", PAGE, required=True, verdict=verdict), **fields)


def _make_facts(at: datetime = SLOT, **changes: object) -> ReleaseFacts:
    plain = ReleaseFacts(
        release="malpractice-2017",
        title="Malpractice for GCSE and A level: summer 2017 exam series",
        producer="ofqual",
        url=PAGE,
        timezone="Europe/London",
        slot=SLOT,
        slot_text="5 January 2018 9:30am",
        slot_source="govuk",
        slot_learnt=SLOT - timedelta(days=35),
        verdict=VerdictKind.PENDING,
        grade=Grade.NONE,
        final=False,
        at=at,
        parts=(page_part(VerdictKind.PENDING),),
    )
    return replace(plain, **changes)


@pytest.fixture
def make_facts() -> Facts:
    return _make_facts


@pytest.fixture
def overdue_by_seconds() -> Callable[[float], ReleaseFacts]:
    """Nothing to be seen so many seconds after the slot."""

    def make(seconds: float) -> ReleaseFacts:
        delay = Bounds(seconds, None)
        page = page_part(VerdictKind.OVERDUE, delay=delay)
        grade = "report" if seconds > 300 else "note"
        found = (Finding(FindingKind.LATE, "page", seconds=delay),)
        at = SLOT + timedelta(seconds=seconds)
        return _make_facts(
            at, verdict=VerdictKind.OVERDUE, grade=grade, parts=(page,), findings=found
        )

    return make


@pytest.fixture
def late_by_seconds() -> Callable[..., ReleaseFacts]:
    """Published at last: absent so many seconds after the slot, seen a second later."""

    def make(seconds: float, *, final: bool = False) -> ReleaseFacts:
        delay = Bounds(seconds, seconds + 1)
        seen = Interval(SLOT + timedelta(seconds=seconds), SLOT + timedelta(seconds=seconds + 1))
        page = page_part(VerdictKind.LATE, first_seen=seen, released=seen, delay=delay)
        grade = "report" if seconds > 300 else "note"
        found = (Finding(FindingKind.LATE, "page", seconds=delay),)
        at = SLOT + timedelta(seconds=seconds + 1)
        return _make_facts(
            at, verdict=VerdictKind.LATE, grade=grade, parts=(page,), findings=found, final=final
        )

    return make


@pytest.fixture
def public_early() -> Callable[..., ReleaseFacts]:
    """Public for half an hour two days before the slot, in as many places as there are names."""

    def make(
        *names: str, is_open: bool, begins: datetime = SLOT - timedelta(hours=40, minutes=30)
    ) -> ReleaseFacts:
        start = Interval(begins - timedelta(minutes=5), begins)
        to = (
            Interval()
            if is_open
            else Interval(begins + timedelta(minutes=25), begins + timedelta(minutes=30))
        )
        length = Bounds(0 if is_open else 1500, None if is_open else 2100)
        ended = None if is_open else Ended.REMOVED
        parts = tuple(
            PartVerdict(
                name,
                "page" if name == "page" else "html",
                f"{PAGE}/{name}",
                required=True,
                verdict=VerdictKind.EARLY,
                first_seen=start,
                exposures=(Exposure(name, start, to, length, open=is_open, ended=ended),),
            )
            for name in names
        )
        found = tuple(
            Finding(FindingKind.EARLY_EXPOSURE, name, detail="Attacks rose by 12 %")
            for name in names
        )
        at = begins if is_open else begins + timedelta(minutes=30)
        return _make_facts(
            at, verdict=VerdictKind.EARLY, grade=Grade.REPORT, parts=parts, findings=found
        )

    return make
