"""Days and instants as people write them at a prompt: `2026-11-25`, `25/11/2026`, `25 Nov`,
`friday`, `9.30am`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from alerts.by_hand import FIRST_YEAR, LAST_YEAR
from monitor.cli.common import Parsed
from monitor.clock import SystemClock
from schedules.dates.read import read_date
from schedules.slot import Slot
from schedules.times.zone import LONDON, local, local_date

_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEAR = timedelta(days=365)

Verb = TypeVar("Verb", bound=Callable[..., Any])


def _parse_day(text: str) -> date:
    if (day := read_day(text, today())) is None:
        raise ValueError('not a day, write "26/11/2026", "26 Nov" or "friday"')
    return day


def _parse_instant(text: str) -> datetime:
    if (instant := read_instant(text, today())) is None:
        raise ValueError(
            'not an instant, write "26/11/2026 9:31", "9.31am" or "2026-11-26T09:31:00Z"'
        )
    return instant


def to_local_iso(text: str) -> str:
    """Return a typed time or day, such as `9.30am`, as local ISO text.

    Return ISO or unreadable text unchanged.
    """
    try:
        datetime.fromisoformat(text)
    except ValueError:
        if (instant := read_instant(text, today())) is not None:
            return local(instant, LONDON).replace(tzinfo=None).isoformat(timespec="minutes")
        day = read_day(text, today())
        return text if day is None else day.isoformat()
    return text


def _parse_local_time(text: str) -> str:
    typed = to_local_iso(text)
    try:
        datetime.fromisoformat(typed)
    except ValueError as exc:
        raise ValueError('not a time, write "9.31am", "26/11/2026 9:31" or "26 Nov"') from exc
    return typed


DAY = Parsed("day", _parse_day)
"""A day, in London: `2026-11-26`, `26/11/2026`, `26 Nov`, `friday` (the next one), `today`,
`yesterday`.
"""
INSTANT = Parsed("instant", _parse_instant)
"""An instant: `2026-11-26T09:31:00Z`, `26/11/2026 9:31`, `9.31am` (today). Without an offset it is
in London.
"""
LOCAL_TIME = Parsed("time", _parse_local_time)
"""A local time or day, as ISO text."""


def day_option(meaning: str) -> Callable[[Verb], Verb]:
    """Add the option --date. Help says what a day means here, and the default."""
    return click.option("--date", "day", type=DAY, help=meaning)


def period_options(subject: str, *, required: bool = False) -> Callable[[Verb], Verb]:
    """Add the options --from and --to, the first and the last day of `subject`.

    A last day before the first is wrong usage.
    """

    def check_order(ctx: click.Context, _param: click.Parameter, last: date | None) -> date | None:
        first = ctx.params["from"]
        if first and last and last < first:
            raise click.BadParameter(f"is before --from {first}")
        return last

    def add_options(verb: Verb) -> Verb:
        # --from is eager, so that it is read first.
        first = click.option(
            "--from", type=DAY, required=required, is_eager=True, help=f"First day of {subject}."
        )
        last = click.option(
            "--to",
            type=DAY,
            required=required,
            callback=check_order,
            help=f"Last day of {subject}.",
        )
        return first(last(verb))

    return add_options


def today(timezone: str = LONDON) -> date:
    """Return the current local date."""
    return local_date(SystemClock().now(), timezone)


def read_day(text: str, today: date) -> date | None:
    """Return the day that `text` names, or None.

    Without a year, it is the one nearest to `today`.
    """
    text = text.strip()
    if (named := _read_day_word(text, today)) is not None:
        return named
    try:
        day = date.fromisoformat(text)
    except ValueError:
        slots = _read_slots(text, today)
        days = [slot.first for slot in slots if slot.first is not None and slot.first == slot.last]
        return min(days, key=lambda day: abs(day - today), default=None)
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def read_instant(text: str, today: date) -> datetime | None:
    """Return the UTC instant that `text` names, or None.

    It is London time if it has no offset, and today if it has no day. A year is found as by
    `read_day`.
    """
    text = text.strip()
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        first_word, _, rest = text.partition(" ")
        day = _read_day_word(first_word, today)
        with_day = text if day is None else f"{day} {rest}"
        # If the text cannot be read as a date and time, read it as a time of today.
        for words in (with_day, f"{today} {text}"):
            slots = _read_slots(words, today)
            if instants := [slot.instant for slot in slots if slot.instant is not None]:
                return min(instants, key=lambda instant: abs(instant.date() - today))
        return None
    if not FIRST_YEAR <= written.year <= LAST_YEAR:
        return None  # a typing error
    in_zone = written
    if not written.tzinfo:
        in_zone = written.replace(tzinfo=ZoneInfo(LONDON))
    return in_zone.astimezone(UTC)


def _read_day_word(text: str, today: date) -> date | None:
    """Return the day of a word such as `yesterday` or `friday` (the next one, or today), or
    None.
    """
    word = text.lower()
    if word in _DAYS:
        return today + timedelta(days=_DAYS[word])
    if word in _WEEKDAYS:
        return today + timedelta(days=(_WEEKDAYS.index(word) - today.weekday()) % 7)
    return None


def _read_slots(text: str, today: date) -> list[Slot]:
    """Return the certain readings of a date in words. Without a year, it can be in the coming
    twelve months or in the last twelve.
    """
    slots = [read_date(text, earliest, LONDON).slot for earliest in (today, today - _YEAR)]
    return [slot for slot in slots if slot.doubt is None]
