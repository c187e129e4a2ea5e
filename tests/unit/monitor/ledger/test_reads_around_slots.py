"""Calendars are read around slots: which, by how often they are read anyway and since when they were."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

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


def is_read(every: timedelta, now: datetime, usable: datetime | None = None) -> bool:
    """Tell whether a calendar is read for the sake of its slot, last read with success at `usable`."""
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


def test_a_calendar_read_every_quarter_of_an_hour_needs_one_read_after_a_slot() -> None:
    read = {
        minutes: [is_read(OFTEN + more, SLOT + minutes * MINUTE) for more in (timedelta(), MINUTE)]
        for minutes in (0, 1, 60)
    }
    assert read == {0: [False, False], 1: [True, True], 60: [False, True]}


def test_a_calendar_counts_as_read_since_it_was_and_else_since_the_start() -> None:
    before = SLOT - 10 * MINUTE
    assert [is_read(timedelta(hours=1), before, usable) for usable in (None, SLOT - 12 * MINUTE)] == [True, False]
