"""Times, lengths and their bounds as English text, in British usage.

The evidence shows times with their zone (BST, GMT), lower bounds rounded down and upper bounds up.
Reports and letters use civil-service style: `round_interval` and `round_length` give the nearest
minute, or both bounds if far apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta

from schedules.times import words as times
from schedules.times.interval import Bounds, Interval
from schedules.times.words import clock, day_text, rounded, write_interval
from schedules.times.zone import local, local_date, zone

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400
NOON = time(12)
NARROW_INTERVAL = timedelta(minutes=2)
"""The longest interval that is shown as one time "to the minute". A longer one is shown with both
ends.
"""

_ORDINALS = "second third fourth fifth sixth seventh eighth ninth tenth".split()  # noqa: SIM905 # short
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def capitalise(text: str) -> str:
    """Return the text with a capital first letter and the rest unchanged."""
    return f"{text[:1].upper()}{text[1:]}"


def join(items: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def format_ordinal(number: int) -> str:
    """Return `second`, `third` …, in digits from eleven up: `21st`. `number` is at least two."""
    if number < 2 + len(_ORDINALS):
        return _ORDINALS[number - 2]
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"


def format_length(seconds: int) -> str:
    """Return whole seconds in the largest units that fit; days only from three days up: `40 hours
    30 minutes`.
    """
    names = times.LONG if seconds >= 3 * DAY else times.LONG_WITHOUT_DAYS
    return times.length(seconds, tenths=False, names=names)


def format_bounds(measured: Bounds | None) -> str:
    """Return a length, rounded outward: `37 to 38 minutes`, `at least 12 minutes`, `up to 45
    seconds`.
    """
    if measured is None or (measured.min is None and measured.max is None):
        return "a time that is not known"
    # A longer length is shown in larger units.
    longest = measured.max if measured.max is not None else measured.min or 0.0
    unit = _choose_unit(longest) if longest >= 10 * MINUTE else SECOND
    low = None if measured.min is None else _round_to(unit, measured.min, math.floor)
    if measured.max is None:
        return f"at least {format_length(low)}" if low else "a time that is not known yet"
    high = _round_to(unit, measured.max, math.ceil)
    if low is None or low <= 0 < high:
        return f"up to {format_length(high)}"
    if low == high:
        return format_length(high)
    both = _join_lengths(format_length(low), format_length(high))
    # A range of up to 12 hours, such as `1 hour 5 minutes to 2 hours`, also gets both ends in
    # minutes.
    if HOUR < high <= 12 * HOUR and not low % MINUTE and not high % MINUTE:
        both += f" ({low // MINUTE} to {high // MINUTE} minutes)"
    return both


def round_length(measured: Bounds | None) -> str:
    """Return a length for reports, such as `about 38 minutes`.

    Bounds that are far apart give both ends, or `up to` or `at least` one of them. Empty without a
    measurement, or for a length that still grows and is under a minute so far.
    """
    measured = measured or Bounds()
    low, high = measured.min or 0.0, measured.max
    if high is None:  # the length still grows, or was not measured
        return f"at least {_format_in_units(low, math.floor)}" if low >= MINUTE else ""
    if high < MINUTE:
        return "less than a minute"
    # One length is given where its instants are one time each: for bounds up to 2 minutes apart.
    # For a short length the limit is 1 minute: `about 3 minutes` from 9.30am to 9.35am would look
    # wrong.
    widest_gap = MINUTE if high < 5 * MINUTE else NARROW_INTERVAL.total_seconds()
    is_wide = high - low > widest_gap
    # Beside a far upper bound, a lower one of less than a minute says nothing.
    if low <= 0 or (is_wide and low < MINUTE):
        return f"up to {_format_in_units(high, math.ceil)}"
    if is_wide:
        return _join_lengths(_format_in_units(low, math.floor), _format_in_units(high, math.ceil))
    middle = (low + high) / 2
    # Within five minutes of a half hour, `some 4½ hours` is easier to read than hours and minutes.
    half_hours = round(middle * 2 / HOUR)
    is_odd_half = half_hours % 2 == 1 and abs(middle - half_hours * HOUR / 2) <= 5 * MINUTE
    if is_odd_half and 3 * HOUR <= middle < 3 * DAY:
        return f"some {half_hours // 2}½ hours"
    return f"about {_format_in_units(max(middle, MINUTE), round)}"


def _format_in_units(seconds: float, towards: Callable[[float], int]) -> str:
    """Return a length in whole minutes, or in hours from three days up; `towards` rounds it."""
    return format_length(_round_to(_choose_unit(seconds), seconds, towards))


def _choose_unit(seconds: float) -> int:
    return MINUTE if seconds < 3 * DAY else HOUR


def _round_to(unit: int, seconds: float, towards: Callable[[float], int]) -> int:
    # Rounding to milliseconds first removes errors of floating point.
    return towards(round(seconds, 3) / unit) * unit


def _join_lengths(first: str, last: str) -> str:
    number, _, unit = first.partition(" ")
    if " " not in unit and unit.rstrip("s") == last.partition(" ")[2].rstrip("s"):
        first = number
    return f"{first} to {last}"


def format_days(first: date, last: date) -> str:
    """Return a range of days that names a shared month or year once: `1 to 4 October 2016`."""
    if first == last:
        return day_text(first)
    if first.year != last.year:
        return f"{day_text(first)} to {day_text(last)}"
    if first.month != last.month:
        return f"{first.day} {first:%B} to {day_text(last)}"
    return f"{first.day} to {day_text(last)}"


def format_clock(at: datetime, timezone: str) -> str:
    """Return the time of day as the civil service writes it, without seconds: `9.30am`, `noon`,
    `5pm`.
    """
    here = local(at, timezone)
    if not here.minute and here.hour in (0, 12):
        return "noon" if here.hour else "midnight"
    clock_time = str(here.hour % 12 or 12)
    if here.minute:
        clock_time += f".{here:%M}"
    return f"{clock_time}{'am' if here.hour < 12 else 'pm'}"


def round_interval(
    seen: Interval,
    timezone: str,
    known_day: date | None,
    prefix: str = "at about ",
    *,
    names_day: bool = False,
) -> str:
    """Return an interval for reports: `at about 9.51am`, or `between 9.40am and 9.51am` if it is
    wide.

    `prefix` are the words before a single time. `known_day` is not repeated: the text named it
    before, unless `names_day`.
    """

    def write(at: datetime, _exact: bool = False) -> str:  # noqa: FBT001, FBT002 # as `write_interval` calls it
        return format_clock_day(at, timezone, known_day, names_day=names_day)

    if (minute := find_nearest_minute(seen)) is not None:
        return f"{prefix}{write(minute)}"
    return write_interval(seen, write, times.MINUTE, timezone)


def find_nearest_minute(seen: Interval) -> datetime | None:
    """Return the nearest minute of an interval, None if it is open or too long to be one minute."""
    if seen.after is None or seen.by is None or seen.by - seen.after > NARROW_INTERVAL:
        return None
    return rounded(seen.after + (seen.by - seen.after) / 2 + times.MINUTE / 2, times.MINUTE)


def is_one_minute(seen: Interval) -> bool:
    """Return whether every instant of an interval has the same nearest minute."""
    minute = find_nearest_minute(seen)
    if minute is None or seen.after is None or seen.by is None:
        return False
    half_a_minute = times.MINUTE / 2
    return minute - half_a_minute <= seen.after and seen.by <= minute + half_a_minute


def format_clock_day(
    at: datetime, timezone: str, known_day: date | None = None, *, names_day: bool = False
) -> str:
    """Return `9.30am on Friday 5 January 2018`, without the year if it is that of `known_day`, and
    without the day too unless `names_day`.

    A time before or after a change of the clocks from that day names its zone: `5pm BST`.
    """
    day, clock_time = local_date(at, timezone), format_clock(at, timezone)
    if known_day is None:
        return f"{clock_time} on {day_text(day, weekday=True)}"
    name = local(at, timezone).tzname()
    noon = datetime.combine(known_day, NOON, zone(timezone))
    if noon.tzname() != name:
        clock_time += f" {name}"
    if day == known_day and not names_day:
        return clock_time
    if day.year == known_day.year:
        return f"{clock_time} on {day.day} {day:%B}"
    return f"{clock_time} on {day_text(day, weekday=True)}"


def format_instant(at: datetime, timezone: str, *, exact: bool = False) -> str:
    """Return `09:30 BST on 23 July 2015`, with seconds (rounded down) if they are not zero, or if
    `exact`.
    """
    return f"{clock(at, timezone, exact=exact)} on {day_text(local_date(at, timezone))}"


def format_interval(seen: Interval, timezone: str) -> str:
    """Return an interval to the second, rounded outward: `between 10:07:45 and 10:08:00 BST on 23
    July 2015`.
    """
    return write_interval(
        seen, lambda at, exact: format_instant(at, timezone, exact=exact), times.SECOND, timezone
    )
