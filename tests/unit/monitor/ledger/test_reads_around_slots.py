"""Calendars are read around slots: which, by how often they are read anyway and since when they were."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from monitor.health.state import HealthState
from monitor.ledger.reading import OFTEN, CalendarReads

if TYPE_CHECKING:
    from monitor.clock import Clock
    from monitor.health.metrics import Metrics
    from monitor.ledger.incidents import CalendarIncidents
    from monitor.ledger.reader import CalendarReader

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)
SLOT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Read(Exception):  # it says what was done
    """A calendar was read."""


class Reader:
    """A reader of which only that it is asked counts."""

    name = "A"

    async def read(self) -> None:
        raise Read


@dataclass
class Now:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def is_read_for_slot(*, every: timedelta, now: datetime, usable: datetime | None = None) -> bool:
    """Return whether a calendar with this spacing is read for its slot at `now`, last read with success at `usable`."""
    health = HealthState(T0, {}, timedelta(seconds=30))
    if usable is not None:
        health.note_calendar_read("A", usable)
    made = CalendarReads(
        [(cast("CalendarReader", Reader()), every)],
        cast("Any", None),
        lambda _begin, _end: {"A": [SLOT]},
        cast("CalendarIncidents", None),
        health,
        cast("Metrics", None),
        cast("Clock", Now(now)),
    )
    try:
        asyncio.run(made.around_slots())
    except Read:
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
