"""Instants around one slot: 9.30am on Friday 5 January 2018, when London has the time of UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
MILLISECOND, SECOND, MINUTE = timedelta(milliseconds=1), timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONDON = ZoneInfo("Europe/London")


def after_slot(seconds: float | None) -> datetime | None:
    """Return the instant so many seconds after the slot, to the millisecond; before it if negative.

    None stays None.
    """
    return None if seconds is None else SLOT + timedelta(milliseconds=round(seconds * 1000))


def at(text: str) -> datetime:
    """Return an instant given in London time: `09:31`, `09:31:05` on the day of the slot, or
    `2017-03-20 17:00`.
    """
    day = "" if "-" in text else f"{SLOT:%Y-%m-%d} "
    return datetime.fromisoformat(day + text).replace(tzinfo=LONDON).astimezone(UTC)


def seconds_at(text: str) -> float:
    """Return how many seconds after the slot a London time is."""
    return (at(text) - SLOT).total_seconds()


def as_instant(when: float | datetime) -> datetime:
    """Return an instant that is given as itself or in seconds after the slot."""
    return when if isinstance(when, datetime) else after_slot(when)
