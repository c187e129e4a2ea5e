"""Days and instants as people write them at a prompt: `2026-11-25`, `25/11/2026`, `25 Nov`, `friday`, `9.30am`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click

from monitor.clock import SystemClock
from schedules.dates import read_date
from schedules.times.zone import LONDON, local_date

_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEAR = timedelta(days=365)
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


class Day(click.ParamType[date]):
    """A day, in London: `2026-11-26`, `26/11/2026`, `26 Nov`, `friday` (the next one), `today`, `yesterday`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401 # click's own signature
        """Return the day, or fail with wrong usage."""
        if isinstance(value, date):
            return value
        if (day := read_day(str(value), today())) is None:
            self.fail(f'not a day, write "2026-11-26" or "26/11/2026" (got "{value}")', param, ctx)
        return day


class Instant(click.ParamType[datetime]):
    """An instant: `2026-11-26T09:31:00Z`, `26/11/2026 9:31`, `9.31am` (today). Without an offset it is in London."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 # click's own signature
        """Return the instant in UTC, or fail with wrong usage."""
        if (instant := read_instant(str(value), today())) is None:
            example = '"2026-11-26T09:31:00Z" or "26/11/2026 9:31"'
            self.fail(f'not an instant, write {example} (got "{value}")', param, ctx)
        return instant


def today(timezone: str = LONDON) -> date:
    """Return the local date of now."""
    return local_date(SystemClock().now(), timezone)


def read_day(text: str, today: date) -> date | None:
    """Return the day that `text` names, or None. Without a year it is the one nearest to `today`."""
    text = text.strip()
    if (named := _named_day(text, today)) is not None:
        return named
    try:
        read: date | None = date.fromisoformat(text)
    except ValueError:
        read = _nearest_day(text, today)
    return read if read is not None and _FIRST_YEAR <= read.year <= _LAST_YEAR else None


def read_instant(text: str, today: date) -> datetime | None:
    """Return the instant that `text` names, in UTC, or None. A time without a day is on `today`."""
    text = text.strip()
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return _parse_instant(text, today)
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        return None
    return (read if read.tzinfo is not None else read.replace(tzinfo=ZoneInfo(LONDON))).astimezone(UTC)


def _named_day(text: str, today: date) -> date | None:
    """Return the day of a word such as `yesterday` or `friday` (the next one, or today), or None."""
    word = text.lower()
    if word in _DAYS:
        return today + timedelta(days=_DAYS[word])
    if word in _WEEKDAYS:
        return today + timedelta(days=(_WEEKDAYS.index(word) - today.weekday()) % 7)
    return None


def _nearest_day(text: str, today: date) -> date | None:
    # A date without a year is read as one on or after the anchor: try this year and the last.
    slots = [read_date(text, anchor, LONDON).slot for anchor in (today, today - _YEAR)]
    days = [slot.first for slot in slots if slot.first is not None and slot.first == slot.last and slot.doubt is None]
    return min(days, key=lambda day: abs(day - today), default=None)


def _parse_instant(text: str, today: date) -> datetime | None:
    """Return the instant that a date and time in words names, nearest to `today`, or None if no reading is certain."""
    first, _, rest = text.partition(" ")
    day = _named_day(first, today)
    dated = f"{day.isoformat()} {rest}" if day is not None else text
    for words in (dated, f"{today.isoformat()} {text}"):
        slots = [read_date(words, anchor, LONDON).slot for anchor in (today, today - _YEAR)]
        if found := [slot.instant for slot in slots if slot.instant is not None and slot.doubt is None]:
            return min(found, key=lambda instant: abs(instant.date() - today))
    return None
