"""Calendars are read around slots: which, by how often they are read anyway and since when they were."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from monitor.health.state import HealthState
from monitor.ledger.reading import OFTEN, CalendarReads, is_due

if TYPE_CHECKING:
    from monitor.clock import Clock
    from monitor.health.metrics import Metrics
    from monitor.ledger.incidents import CalendarIncidents
    from monitor.ledger.reader import CalendarReader

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)
SLOT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def is_read_due(now: int, *, last_try: int, last_usable: int = -600, often: bool = False) -> bool:
    """Return whether a read is due `now`, after the last try and the last usable read: all in minutes from the slot."""
    at = [SLOT + minutes * MINUTE for minutes in (now, last_try, last_usable)]
    return is_due([SLOT], *at, often=often)


@pytest.mark.parametrize(
    ("now", "last_try", "last_usable", "is_due_now"),
    [
        (-11, -60, -60, False),
        (-10, -60, -60, True),
        (-10, -11, -16, True),
        (-10, -11, -15, False),
        (-9, -10, -10, False),
        (-9, -14, -14, False),
        (-5, -10, -60, False),
        (-4, -10, -10, True),
        (-4, -5, -60, True),
        (-4, -4, -60, False),
        (-3, -4, -60, False),
        (0, -10, -10, False),
        (1, -10, -10, True),
        (4, 1, 1, False),
        (5, 1, 1, True),
        (5, 4, 4, True),
        (5, 5, 5, False),
        (6, 5, 5, False),
        (19, 4, 4, True),
        (19, 5, 5, False),
        (20, 4, 4, False),
        (60, 5, 5, True),
        (60, 20, 20, True),
        (80, 5, 5, False),
    ],
)
def test_a_calendar_read_is_due_10_and_4_minutes_before_a_slot_and_1_5_and_60_after_it_unless_tried_since(
    now: int, last_try: int, last_usable: int, *, is_due_now: bool
) -> None:
    assert is_read_due(now, last_try=last_try, last_usable=last_usable) is is_due_now


@pytest.mark.parametrize(("now", "last_try"), [(-10, -11), (5, 4)])
def test_a_calendar_that_is_read_often_anyway_needs_no_read_ten_minutes_before_or_five_after_a_slot(
    now: int, last_try: int
) -> None:
    assert is_read_due(now, last_try=last_try, often=False)
    assert not is_read_due(now, last_try=last_try, often=True)


class ReadAttempt(Exception):
    """Raised by a reader instead of a read."""


class Reader:
    """A reader of calendar `A` that only shows that it was called."""

    name = "A"

    async def read(self) -> None:
        raise ReadAttempt


@dataclass
class FixedClock:
    """A clock that always shows the same time."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def is_read_for_slot(*, every: timedelta, now: datetime, usable: datetime | None = None) -> bool:
    """Return whether a calendar with this spacing is read for its slot at `now`, last read with success at `usable`."""
    health = HealthState(T0, {}, timedelta(seconds=30))
    if usable is not None:
        health.note_calendar_read("A", usable)
    reads = CalendarReads(
        [(cast("CalendarReader", Reader()), every)],
        cast("Any", None),
        lambda _begin, _end: {"A": [SLOT]},
        cast("CalendarIncidents", None),
        health,
        cast("Metrics", None),
        cast("Clock", FixedClock(now)),
    )
    try:
        asyncio.run(reads.around_slots())
    except ReadAttempt:
        return True
    return False


@pytest.mark.parametrize(
    ("minutes_after_slot", "every_15_minutes", "every_16_minutes"),
    [(0, False, False), (1, True, True), (60, False, True)],
)
def test_a_calendar_read_every_15_minutes_is_read_after_a_slot_once_and_a_rarer_one_again_after_an_hour(
    minutes_after_slot: int, *, every_15_minutes: bool, every_16_minutes: bool
) -> None:
    now = SLOT + minutes_after_slot * MINUTE
    assert is_read_for_slot(every=OFTEN, now=now) is every_15_minutes
    assert is_read_for_slot(every=OFTEN + MINUTE, now=now) is every_16_minutes


def test_an_hourly_calendar_is_read_ten_minutes_before_a_slot_unless_it_was_read_two_minutes_ago() -> None:
    now, hour = SLOT - 10 * MINUTE, timedelta(hours=1)
    assert is_read_for_slot(every=hour, now=now, usable=None)
    assert not is_read_for_slot(every=hour, now=now, usable=now - 2 * MINUTE)
