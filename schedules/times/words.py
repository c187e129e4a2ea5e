"""Writes instants, intervals and lengths for people, in local time with its zone.

Intervals are rounded outward to the unit that is shown: the earlier end down, the later end up. So the text always
contains what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from math import ceil, floor

from schedules.times.interval import Bounds, Interval
from schedules.times.zone import LONDON, local, local_date

TENTH, SECOND, MINUTE = timedelta(milliseconds=100), timedelta(seconds=1), timedelta(minutes=1)
UNKNOWN = "at an unknown time"

SURE = 5.0
"""If absence was proved at most this many seconds before the slot, "on time" needs no precision beside it."""

_SECOND, _MINUTE, _HOUR, DAY = 1, 60, 3_600, 86_400
SHORT: Mapping[int, str] = {DAY: "d", _HOUR: "h", _MINUTE: "min", _SECOND: "s"}
LONG: Mapping[int, str] = {DAY: "day", _HOUR: "hour", _MINUTE: "minute", _SECOND: "second"}
LONG_WITHOUT_DAYS: Mapping[int, str] = {size: name for size, name in LONG.items() if size != DAY}


def rounded(instant: datetime, step: timedelta = SECOND, *, up: bool = False) -> datetime:
    """Return an instant rounded down to a multiple of `step`, or with `up` rounded up."""
    past = (instant - instant.replace(minute=0, second=0, microsecond=0)) % step
    return instant + (step - past) % step if up else instant - past


def exactly(instant: datetime, timezone: str = LONDON) -> str:
    """Return `Fri 5 Jan 2018 09:30:00.5 GMT`: a stamp with its weekday and tenths."""
    return stamp(instant, timezone, weekday=True, step=TENTH)


def day_text(value: date, *, weekday: bool = False) -> str:
    """Return `5 January 2018`, or `Friday 5 January 2018`."""
    return f"{value:%A} " * weekday + f"{value.day} {value:%B %Y}"


def clock(instant: datetime, timezone: str, *, exact: bool = False, zone: bool = True) -> str:
    """Return the local time of day: `09:30 GMT`, `09:30:05 GMT`. Seconds of zero are written only if `exact`."""
    here = local(instant, timezone)
    shown = f"{here:%H:%M:%S}" if here.second or exact else f"{here:%H:%M}"
    return f"{shown} {here.tzname()}" if zone else shown


def stamp(
    instant: datetime, timezone: str = LONDON, *, weekday: bool = False, step: timedelta = SECOND, up: bool = False
) -> str:
    """Return `5 Jan 2018 09:30:00 GMT`, with its `weekday`, cut to a `step` of a minute, second or tenth.

    `up` rounds up, for the later end of an interval. Tenths of zero are not written.
    """
    here = local(rounded(instant, step, up=up), timezone)
    seconds = "" if step == MINUTE else f":{here:%S}"
    tenths = f".{here.microsecond // 100_000}" if step == TENTH and here.microsecond else ""
    return f"{here:%a} " * weekday + f"{here.day} {here:%b %Y %H:%M}{seconds}{tenths} {here.tzname()}"


def instant_text(instant: datetime, timezone: str) -> str:
    """Return the instant of a slot in full: `Friday 5 January 2018, 09:30 GMT`."""
    return f"{day_text(local_date(instant, timezone), weekday=True)}, {clock(instant, timezone)}"


def moment(instant: datetime, timezone: str, today: datetime, *, exact: bool = False) -> str:
    """Return the local time, with its date unless that is today."""
    time_of_day = clock(instant, timezone, exact=exact)
    if local_date(instant, timezone) == local_date(today, timezone):
        return time_of_day
    here = local(instant, timezone)
    year = "" if here.year == local(today, timezone).year else f" {here.year}"
    return f"{here.day} {here:%B}{year} {time_of_day}"


def interval_text(interval: Interval, timezone: str = LONDON) -> str:
    """Return `between … and …`, `by …`, `after …` or `at …` to the second. A date common to both is written once."""
    text = _write_interval(interval, partial(stamp, timezone=timezone), SECOND)
    if interval.after is None or interval.by is None or not text.startswith("between "):
        return text
    begins, ends = text.removeprefix("between ").split(" and ")
    date_of, time_of, zone_of = ends.rsplit(" ", 2)
    is_one_day = begins.startswith(f"{date_of} ") and begins.endswith(f" {zone_of}")
    return f"between {begins.removesuffix(f' {zone_of}')} and {time_of} {zone_of}" if is_one_day else text


def between_exactly(interval: Interval, timezone: str = LONDON) -> str:
    """Return an interval with weekdays and tenths of a second."""
    return _write_interval(interval, partial(exactly, timezone=timezone), TENTH)


def between_moments(interval: Interval, timezone: str, today: datetime) -> str:
    """Return an interval to the second, without dates that are today."""
    text = _write_interval(interval, partial(moment, timezone=timezone, today=today), SECOND)
    if interval.after is None or interval.by is None or not text.startswith("between "):
        return text
    after, by = rounded(interval.after), rounded(interval.by, up=True)
    exact = bool(after.second or by.second)
    first, second = (moment(end, timezone, today, exact=exact) for end in (after, by))
    if local_date(after, timezone) == local_date(by, timezone) and first.split()[-1] == second.split()[-1]:
        return f"between {first.rpartition(' ')[0]} and {clock(by, timezone, exact=exact)}"
    return f"between {first} and {second}"


def length(
    seconds: float,
    towards: Callable[[float], int] = round,
    *,
    parts: int = 4,
    tenths: bool = True,
    names: Mapping[int, str] = SHORT,
) -> str:
    """Return a length such as `37 min 45 s`, in at most `parts` units. `towards` rounds the last of them.

    With `tenths`, a length below ten seconds is written as `0.8 s`. Without, all are whole seconds.
    """
    # Rounded to microseconds, because as a float 1.1 s is a little more than eleven tenths.
    exact = round(seconds * 1e6) / 1e6
    if tenths and abs(seconds) < 10:
        return f"{towards(round(seconds * 1e6) / 1e5) / 10:.1f} s".replace(".0 s", " s")
    sizes = [size for size in names if abs(towards(exact)) >= size][:parts] or [_SECOND]
    finest = list(names)[min(list(names).index(sizes[0]) + parts, len(names)) - 1]
    left = abs(towards(exact / finest)) * finest
    written = []
    for size in names:
        count, left = divmod(left, size)
        if count:
            written.append(_write_count(count, names[size]))
    return ("-" if seconds < 0 and written else "") + (" ".join(written) or _write_count(0, names[_SECOND]))


def lengths(bounds: Bounds, *, parts: int = 4, tenths: bool = True, unknown: str = "an unknown time") -> str:
    """Return `38 min to 39 min`, `at least 5 s` or `at most 5 s`, each bound rounded outward to the unit shown.

    One value is written only if both bounds round to it.
    """
    least = None if bounds.min is None else length(bounds.min, floor, parts=parts, tenths=tenths)
    most = None if bounds.max is None else length(bounds.max, ceil, parts=parts, tenths=tenths)
    if least is None or most is None:
        return f"at least {least}" if least else f"at most {most}" if most else unknown
    return least if least == most else f"{least} to {most}"


def sureness(seconds: float | None) -> str:
    """Return `, to 12 s` for "on time" if it may have appeared up to 12 s before its slot, "" if that is known well."""
    return f", to {length(seconds, ceil, tenths=False)}" if seconds is not None and seconds > SURE else ""


def _write_interval(interval: Interval, write: Callable[[datetime], str], step: timedelta) -> str:
    after = None if interval.after is None else rounded(interval.after, step)
    by = None if interval.by is None else rounded(interval.by, step, up=True)
    if by is None:
        return UNKNOWN if after is None else f"after {write(after)}"
    if after is None:
        return f"by {write(by)}"
    return f"at {write(by)}" if after == by else f"between {write(after)} and {write(by)}"


def _write_count(number: int, name: str) -> str:
    return f"{number:,} {name}s" if name in LONG.values() and number != 1 else f"{number:,} {name}"
