"""Instants and lengths in words. Local time with its zone; bounds are rounded outward, at the precision that is shown.

Whatever is told contains what was measured: earlier ends are rounded down, later ones up.
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
"""Seconds up to which "on time" stands alone: where absence was last proved longer before the slot, that is said."""

_SECOND, _MINUTE, _HOUR, DAY = 1, 60, 3_600, 86_400
SHORT: Mapping[int, str] = {DAY: "d", _HOUR: "h", _MINUTE: "min", _SECOND: "s"}
LONG: Mapping[int, str] = {DAY: "day", _HOUR: "hour", _MINUTE: "minute", _SECOND: "second"}
LONG_WITHOUT_DAYS: Mapping[int, str] = {size: name for size, name in LONG.items() if size != DAY}


def rounded(instant: datetime, step: timedelta = SECOND, *, up: bool = False) -> datetime:
    """Return the last multiple of `step` by an instant, or with `up` the first that is not before it."""
    past = (instant - instant.replace(minute=0, second=0, microsecond=0)) % step
    return instant + (step - past) % step if up else instant - past


def exactly(instant: datetime, timezone: str = LONDON) -> str:
    """Return `Fri 5 Jan 2018 09:30:00.5 GMT`: a stamp with its weekday and tenths."""
    return stamp(instant, timezone, weekday=True, step=TENTH)


def day_text(value: date, *, weekday: bool = False) -> str:
    """Return `5 January 2018`, or `Friday 5 January 2018`."""
    return f"{value:%A} " * weekday + f"{value.day} {value:%B %Y}"


def clock(instant: datetime, timezone: str, *, exact: bool = False, zone: bool = True) -> str:
    """Return the local time of day: `09:30 GMT`, `09:30:05 GMT`; seconds of nought are told only when `exact`."""
    here = local(instant, timezone)
    shown = f"{here:%H:%M:%S}" if here.second or exact else f"{here:%H:%M}"
    return f"{shown} {here.tzname()}" if zone else shown


def stamp(
    instant: datetime, timezone: str = LONDON, *, weekday: bool = False, step: timedelta = SECOND, up: bool = False
) -> str:
    """Return `5 Jan 2018 09:30:00 GMT`: with its `weekday`, to the `step` of a minute, second or tenth, never rounded.

    A later end is told `up`, so that it is never told too early. Tenths are shown where there are any.
    """
    here = local(rounded(instant, step, up=up), timezone)
    seconds = "" if step == MINUTE else f":{here:%S}"
    tenths = f".{here.microsecond // 100_000}" if step == TENTH and here.microsecond else ""
    return f"{here:%a} " * weekday + f"{here.day} {here:%b %Y %H:%M}{seconds}{tenths} {here.tzname()}"


def instant_text(instant: datetime, timezone: str) -> str:
    """Return the instant of a slot in full: `Friday 5 January 2018, 09:30 GMT`."""
    return f"{day_text(local_date(instant, timezone), weekday=True)}, {clock(instant, timezone)}"


def moment(instant: datetime, timezone: str, today: datetime, *, exact: bool = False) -> str:
    """Return the local time, with its date unless that is the date of `today`."""
    time_of_day = clock(instant, timezone, exact=exact)
    if local_date(instant, timezone) == local_date(today, timezone):
        return time_of_day
    here = local(instant, timezone)
    year = "" if here.year == local(today, timezone).year else f" {here.year}"
    return f"{here.day} {here:%B}{year} {time_of_day}"


def between(interval: Interval, timezone: str = LONDON) -> str:
    """Return `between … and …`, `by …`, `after …` or `at …` in stamps to the second, a date of both told once."""
    told = _told(interval, partial(stamp, timezone=timezone), SECOND)
    if interval.after is None or interval.by is None or not told.startswith("between "):
        return told
    begins, ends = told.removeprefix("between ").split(" and ")
    date_of, time_of, zone_of = ends.rsplit(" ", 2)
    is_one_day = begins.startswith(f"{date_of} ") and begins.endswith(f" {zone_of}")
    return f"between {begins.removesuffix(f' {zone_of}')} and {time_of} {zone_of}" if is_one_day else told


def between_exactly(interval: Interval, timezone: str = LONDON) -> str:
    """Return an interval in stamps with their weekdays, to the tenth of a second."""
    return _told(interval, partial(exactly, timezone=timezone), TENTH)


def between_moments(interval: Interval, timezone: str, today: datetime) -> str:
    """Return an interval in moments, to the second, as seen from `today`."""
    told = _told(interval, partial(moment, timezone=timezone, today=today), SECOND)
    if interval.after is None or interval.by is None or not told.startswith("between "):
        return told
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
    """Return a length such as `37 min 45 s`, in up to `parts` of its largest units, rounded `towards` the last of them.

    Below ten seconds `tenths` are told where there are any: `0.8 s`; without them every length is whole seconds.
    """
    # Of microseconds, since 1.1 s is a little more than eleven tenths to a machine.
    exact = round(seconds * 1e6) / 1e6
    if tenths and abs(seconds) < 10:
        return f"{towards(round(seconds * 1e6) / 1e5) / 10:.1f} s".replace(".0 s", " s")
    sizes = [size for size in names if abs(towards(exact)) >= size][:parts] or [_SECOND]
    finest = list(names)[min(list(names).index(sizes[0]) + parts, len(names)) - 1]
    left = abs(towards(exact / finest)) * finest
    told = []
    for size in names:
        count, left = divmod(left, size)
        if count:
            told.append(_count(count, names[size]))
    return ("-" if seconds < 0 and told else "") + (" ".join(told) or _count(0, names[_SECOND]))


def lengths(bounds: Bounds, *, parts: int = 4, tenths: bool = True, unknown: str = "an unknown time") -> str:
    """Return `38 min to 39 min`, `at least 5 s` or `at most 5 s`, each bound rounded outward at the unit it shows.

    One value stands alone only when both bounds come to it.
    """
    least = None if bounds.min is None else length(bounds.min, floor, parts=parts, tenths=tenths)
    most = None if bounds.max is None else length(bounds.max, ceil, parts=parts, tenths=tenths)
    if least is None or most is None:
        return f"at least {least}" if least else f"at most {most}" if most else unknown
    return least if least == most else f"{least} to {most}"


def sureness(seconds: float | None) -> str:
    """Return what stands beside "on time": `, to 12 s`, when it may have come up to 12 s before its slot."""
    return f", to {length(seconds, ceil, tenths=False)}" if seconds is not None and seconds > SURE else ""


def _told(interval: Interval, write: Callable[[datetime], str], step: timedelta) -> str:
    after = None if interval.after is None else rounded(interval.after, step)
    by = None if interval.by is None else rounded(interval.by, step, up=True)
    if by is None:
        return UNKNOWN if after is None else f"after {write(after)}"
    if after is None:
        return f"by {write(by)}"
    return f"at {write(by)}" if after == by else f"between {write(after)} and {write(by)}"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}s" if name in LONG.values() and number != 1 else f"{number:,} {name}"
