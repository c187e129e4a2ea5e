"""A month after 5 May, "5 May" in a calendar still means the day of the first read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.ledger.state import CalendarState, Checks, evaluate_read
from monitor.store.rows import CalendarRead
from schedules.announcement import Announcement
from schedules.dates.read import read_date
from schedules.slot import first_day
from schedules.source import Reading

IN_MAY, IN_JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 15, tzinfo=UTC)


def read_text(state: CalendarState, text: str, at: datetime) -> CalendarState:
    """Return the state after a read that shows one entry with this date text."""
    slot = read_date(text, at.date()).slot
    entry = Announcement("u", "Prices", "example", "https://example.org/u", slot)
    read = CalendarRead("c", at - timedelta(seconds=5), at, usable=True, entries=1)
    return evaluate_read(state, read, Reading((entry,)), Checks()).state


@pytest.mark.parametrize(
    ("before", "after", "day"),
    [
        pytest.param("5 May", "5 May", date(2026, 5, 5), id="the same text"),
        pytest.param("5 May 2026", "5 May 2027", date(2027, 5, 5), id="another year"),
        pytest.param("5 May", "6 May", date(2027, 5, 6), id="another day"),
    ],
)
def test_text_without_a_year_keeps_its_year(before: str, after: str, day: date) -> None:
    first_read = read_text(CalendarState("c"), before, IN_MAY)
    entry = read_text(first_read, after, IN_JUNE).entries["u"]
    assert first_day(entry.announcement.slot) == day
