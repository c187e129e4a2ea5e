"""Bounds turned into honest sentences, in British usage.

Lower bounds are rounded down and upper bounds up, so that what is said always contains what was
measured. Times are local with the zone's own abbreviation (BST, GMT); UTC stands in the annex.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime

from schedules.times import words as times
from schedules.times.interval import Bounds, Interval
from schedules.times.words import clock, day_text, rounded
from schedules.times.zone import local, local_date

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400
UNKNOWN_TIME = "at a time that was not measured"


def count(number: int, noun: str) -> str:
    """Return `1 minute`, `2 minutes`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def capital(text: str) -> str:
    """Return the text with its first letter as a capital, the rest as it is."""
    return f"{text[:1].upper()}{text[1:]}"


def joined(items: Sequence[str], by: str = "and") -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {by} {items[-1]}" if items else ""


def length(seconds: int) -> str:
    """Return whole seconds in the largest units that fit; days only from three days up: `40 hours 30 minutes`."""
    return times.length(seconds, tenths=False, names=times.LONG if seconds >= 3 * DAY else times.LONG_WITHOUT_DAYS)


def span(measured: Bounds | None) -> str:
    """Return a length of time with its bounds: `37 to 38 minutes`, `at least 12 minutes`, `up to 45 seconds`."""
    if measured is None or (measured.min is None and measured.max is None):
        return "a time that is not known"
    unit = _unit(measured)
    low = None if measured.min is None else _down(measured.min, unit)
    high = None if measured.max is None else _up(measured.max, unit)
    if high is None:
        return f"at least {length(low)}" if low else "a time that is not known yet"
    if low is None or low <= 0 < high:
        return f"up to {length(high)}"
    return length(high) if low == high else f"{_both(low, high)}{_in_minutes(low, high)}"


def about(measured: Bounds) -> str:
    """Return a length as one round figure, `about 38 minutes`; with its bounds where they lie too far apart for one."""
    if measured.min is None or measured.max is None:
        return span(measured)
    middle = (measured.min + measured.max) / 2
    if measured.max - measured.min > max(MINUTE, middle / 10):
        return span(measured)
    steps = ((2 * MINUTE, SECOND), (10 * HOUR, MINUTE), (3 * DAY, HOUR // 2))
    unit = next((step for below, step in steps if middle < below), HOUR)
    return f"about {length(round(middle / unit) * unit)}"


def _unit(measured: Bounds) -> int:
    top = measured.max if measured.max is not None else measured.min or 0.0
    # One precision for all that a report says of one length: finer is noise to a reader, coarser would hide it.
    return SECOND if top < 10 * MINUTE else MINUTE if top < 3 * DAY else HOUR


def _down(seconds: float, unit: int) -> int:
    return math.floor(round(seconds, 3) / unit) * unit


def _up(seconds: float, unit: int) -> int:
    return math.ceil(round(seconds, 3) / unit) * unit


def _both(low: int, high: int) -> str:
    first, last = length(low), length(high)
    if " " not in first.split(" ", 1)[1] and first.rstrip("s").split(" ")[1] == last.rstrip("s").split(" ", 1)[1]:
        return f"{first.split(' ')[0]} to {last}"
    return f"{first} to {last}"


def _in_minutes(low: int, high: int) -> str:
    if high <= HOUR or high > 12 * HOUR or low % MINUTE or high % MINUTE:
        return ""
    return f" ({low // MINUTE} to {high // MINUTE} minutes)"


def against(delay: Bounds | None, slot: str) -> str:
    """Return a delay in words, negative being early: `37 to 38 minutes after the announced 09:30`."""
    if delay is None:
        return ""
    if delay.max is not None and delay.max <= 0:
        lead = Bounds(-delay.max, None if delay.min is None else -delay.min)
        return f"{span(lead)} before the announced {slot}"
    if delay.min is not None and delay.min < 0 and delay.max is not None:
        early, late = (span(Bounds(0, bound)).removeprefix("up to ") for bound in (-delay.min, delay.max))
        return f"between {early} before and {late} after the announced {slot}"
    return f"{span(delay)} after the announced {slot}"


def days(first: date, last: date) -> str:
    """Return a range of days without saying month or year twice: `1 to 4 October 2016`."""
    if first == last:
        return day_text(first)
    if first.year != last.year:
        return f"{day_text(first)} to {day_text(last)}"
    opening = str(first.day) if first.month == last.month else f"{first.day} {first:%B}"
    return f"{opening} to {day_text(last)}"


def moment(at: datetime, timezone: str) -> str:
    """Return `09:30 BST on Thursday 23 July 2015`."""
    return f"{clock(at, timezone)} on {day_text(local_date(at, timezone), weekday=True)}"


def style_clock(at: datetime, timezone: str) -> str:
    """Return the time of day as the civil service writes it, without seconds: `9.30am`, `noon`, `5pm`."""
    here = local(at, timezone)
    if not here.minute and here.hour in (0, 12):
        return "noon" if here.hour else "midnight"
    minute = f".{here:%M}" if here.minute else ""
    return f"{here.hour % 12 or 12}{minute}{'am' if here.hour < 12 else 'pm'}"


def in_style(at: datetime, timezone: str) -> str:
    """Return `9.30am on Friday 5 January 2018`."""
    return f"{style_clock(at, timezone)} on {day_text(local_date(at, timezone), weekday=True)}"


def brief(at: datetime, timezone: str) -> str:
    """Return `09:30 BST on 23 July 2015`, outward to the second below."""
    return f"{clock(at, timezone)} on {day_text(local_date(at, timezone))}"


def between(seen: Interval, timezone: str, known_day: date | None = None) -> str:
    """Return an interval in words: `between 10:07:45 and 10:08:00 BST`.

    The date is left out when both ends fall on `known_day`, which the reader has just been told.
    """
    after = None if seen.after is None else rounded(seen.after)
    by = None if seen.by is None else rounded(seen.by, up=True)
    if after is None or by is None:
        return _one_sided(after, by, timezone, known_day)
    if after == by:
        return f"at {_at(by, timezone, known_day)}"
    return f"between {_pair(after, by, timezone, known_day)}"


def _one_sided(after: datetime | None, by: datetime | None, timezone: str, known_day: date | None) -> str:
    if by is not None:
        return f"by {_at(by, timezone, known_day)}"
    return UNKNOWN_TIME if after is None else f"after {_at(after, timezone, known_day)}"


def _at(at: datetime, timezone: str, known_day: date | None) -> str:
    here = local_date(at, timezone)
    text = clock(at, timezone)
    return text if here == known_day else f"{text} on {day_text(here)}"


def _pair(after: datetime, by: datetime, timezone: str, known_day: date | None) -> str:
    first_day, last_day = local_date(after, timezone), local_date(by, timezone)
    # In the night of a clock change one time of day occurs twice: only the zone tells them apart.
    if first_day != last_day or local(after, timezone).tzname() != local(by, timezone).tzname():
        return f"{_at(after, timezone, None)} and {_at(by, timezone, None)}"
    fine = bool(after.second or by.second)
    dated = "" if last_day == known_day else f" on {day_text(last_day)}"
    first, last = clock(after, timezone, exact=fine, zone=False), clock(by, timezone, exact=fine)
    return f"{first} and {last}{dated}"
