"""Writes instants, intervals and lengths for people, in local time with its zone.

Intervals are rounded outward to the unit shown, so that the text contains what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from math import ceil, floor

from schedules.times.interval import Bounds, Interval
from schedules.times.zone import LONDON, local, local_date

TENTH, SECOND, MINUTE = timedelta(milliseconds=100), timedelta(seconds=1), timedelta(minutes=1)
UNKNOWN = "at an unknown time"
_FOR_EVER = datetime.max.replace(tzinfo=UTC)

SURE = 5.0
"""If absence was proved so many seconds before the slot, "on time" needs no precision."""

_SECOND, _MINUTE, _HOUR, DAY = 1, 60, 3_600, 86_400
SHORT: Mapping[int, str] = {DAY: "d", _HOUR: "h", _MINUTE: "min", _SECOND: "s"}
LONG: Mapping[int, str] = {DAY: "day", _HOUR: "hour", _MINUTE: "minute", _SECOND: "second"}
LONG_WITHOUT_DAYS: Mapping[int, str] = {size: name for size, name in LONG.items() if size != DAY}


def rounded(instant: datetime, step: timedelta = SECOND, *, up: bool = False) -> datetime:
    """Return an instant rounded down, or `up`, to a multiple of `step`."""
    past = (instant - instant.replace(minute=0, second=0, microsecond=0)) % step
    if up:
        return instant + (step - past) % step
    return instant - past


def rounded_up_until(instant: datetime, now: datetime, step: timedelta = SECOND) -> datetime:
    """Return an instant rounded up to `step`, or less far than beyond `now`."""
    for unit in (step, SECOND):
        up = rounded(instant, unit, up=True)
        if up <= now:
            return up
    return instant


def exactly(instant: datetime, timezone: str = LONDON) -> str:
    """Return `Fri 5 Jan 2018 09:30:00.5 GMT`."""
    return stamp(instant, timezone, weekday=True, step=TENTH)


def day_text(value: date, *, weekday: bool = False) -> str:
    """Return `5 January 2018`, or `Friday 5 January 2018`."""
    if weekday:
        return f"{value:%A} {value.day} {value:%B %Y}"
    return f"{value.day} {value:%B %Y}"


def clock(
    instant: datetime,
    timezone: str,
    *,
    exact: bool = False,
    zone: bool = True,
    milliseconds: bool = False,
) -> str:
    """Return `09:30 GMT`, `09:30:05 GMT`. Zero seconds are written if `exact`, zero milliseconds
    never.
    """
    wall = local(instant, timezone)
    text = f"{wall:%H:%M:%S}" if wall.second or exact else f"{wall:%H:%M}"
    if milliseconds and wall.microsecond:
        text += f".{wall.microsecond // 1000:03d}"
    if zone:
        return f"{text} {wall.tzname()}"
    return text


def stamp(
    instant: datetime,
    timezone: str = LONDON,
    *,
    weekday: bool = False,
    step: timedelta = SECOND,
    up: bool = False,
) -> str:
    """Return `5 Jan 2018 09:30:00 GMT`, cut to a `step` of a minute, second or tenth.

    `up` rounds up, for the later end of an interval. Zero tenths are not written.
    """
    wall = local(rounded(instant, step, up=up), timezone)
    day = f"{wall:%a} " if weekday else ""
    seconds = ""
    if step != MINUTE:
        seconds = f":{wall:%S}"
    tenths = ""
    if step == TENTH and wall.microsecond:
        tenths = f".{wall.microsecond // 100_000}"
    return f"{day}{wall.day} {wall:%b %Y %H:%M}{seconds}{tenths} {wall.tzname()}"


def instant_text(instant: datetime, timezone: str) -> str:
    """Return `Friday 5 January 2018, 09:30 GMT`."""
    return f"{day_text(local_date(instant, timezone), weekday=True)}, {clock(instant, timezone)}"


def moment(instant: datetime, timezone: str, today: datetime, *, exact: bool = False) -> str:
    """Return the local time, with its date unless that is today: `4 May 09:30 BST`."""
    time_of_day = clock(instant, timezone, exact=exact, milliseconds=exact)
    if local_date(instant, timezone) == local_date(today, timezone):
        return time_of_day
    wall = local(instant, timezone)
    year = ""
    if wall.year != local(today, timezone).year:
        year = f" {wall.year}"
    return f"{wall.day} {wall:%B}{year} {time_of_day}"


def interval_text(interval: Interval, timezone: str = LONDON) -> str:
    """Return `between … and …`, `by …`, `after …` or `at …` to the second."""
    return write_interval(interval, lambda limit, _: stamp(limit, timezone), SECOND, timezone)


def between_exactly(interval: Interval, timezone: str = LONDON) -> str:
    """Return an interval with weekdays and tenths of a second."""
    return write_interval(interval, lambda limit, _: exactly(limit, timezone), TENTH)


def between_moments(interval: Interval, timezone: str, today: datetime) -> str:
    """Return an interval to the second, without dates that are today.

    No time is later than `today`, so an end of this second has milliseconds.
    """

    def write(limit: datetime, exact: bool) -> str:  # noqa: FBT001 # as `write_interval` calls it
        return moment(limit, timezone, today, exact=exact or bool(limit.microsecond))

    return write_interval(interval, write, SECOND, timezone, today)


def length(
    seconds: float,
    rounding: Callable[[float], int] = round,
    *,
    parts: int = 4,
    tenths: bool = True,
    names: Mapping[int, str] = SHORT,
) -> str:
    """Return a length such as `37 min 45 s`, in at most `parts` units, by `rounding` to the last.

    With `tenths`, below ten seconds it is `0.8 s`. `names` has the units by seconds, largest first.
    """
    # As a float, 1.1 s is a little more than eleven tenths.
    microseconds = round(seconds * 1e6)
    if tenths and abs(seconds) < 10:
        return f"{rounding(microseconds / 1e5) / 10:.1f} s".replace(".0 s", " s")
    # `floor` makes -1.5 s to -2 s, so the sign is written last.
    whole_seconds = abs(rounding(microseconds / 1e6))
    # 3,700 s in two parts are hours and minutes, rounded to the minute: `1 h 2 min`.
    sizes = [size for size in names if size <= whole_seconds] or [min(names)]
    finest = sizes[:parts][-1]
    rest = abs(rounding(microseconds / 1e6 / finest)) * finest
    written = []
    for size, name in names.items():
        number, rest = divmod(rest, size)
        if number:
            written.append(count(number, name))
    sign = "-" if seconds < 0 and written else ""
    return sign + (" ".join(written) or count(0, names[_SECOND]))


def count(number: int, noun: str) -> str:
    """Return `1 minute`, `2 minutes`, `2 min`."""
    if abs(number) == 1 or noun in SHORT.values():
        return f"{number:,} {noun}"
    return f"{number:,} {noun}s"


def lengths(
    bounds: Bounds, *, parts: int = 4, tenths: bool = True, unknown: str = "an unknown time"
) -> str:
    """Return `38 min to 39 min`, `at least 5 s` or `at most 5 s`, rounded outward."""
    least = None
    if bounds.min is not None:
        least = length(bounds.min, floor, parts=parts, tenths=tenths)
    most = None
    if bounds.max is not None:
        most = length(bounds.max, ceil, parts=parts, tenths=tenths)
    if least is None:
        if most is None:
            return unknown
        return f"at most {most}"
    if most is None:
        return f"at least {least}"
    if least == most:
        return least
    return f"{least} to {most}"


def sureness(seconds: float | None) -> str:
    """Return `, to 12 s` for "on time" if it may have appeared 12 s before its slot, or ""."""
    if seconds is not None and seconds > SURE:
        return f", to {length(seconds, ceil, tenths=False)}"
    return ""


def write_interval(
    interval: Interval,
    write: Callable[[datetime, bool], str],
    step: timedelta,
    zone: str = "",
    latest: datetime | None = None,
) -> str:
    """Return an interval in words, its limits rounded outward to a `step`, but not beyond `latest`.

    `write(limit, with_seconds)` writes a limit. A date common in `zone` is written once: `between 4
    May 09:30 and 09:35`, `between 9am and 9.05am on 4 May`.
    """
    after = None
    if interval.after is not None:
        after = rounded(interval.after, step)
    by = None
    if interval.by is not None:
        by = rounded_up_until(interval.by, latest or _FOR_EVER, step)
    with_seconds = any(
        limit is not None and (limit.second or limit.microsecond) for limit in (after, by)
    )
    if by is None:
        if after is None:
            return UNKNOWN
        return f"after {write(after, with_seconds)}"
    if after is None or after == by:
        return f"{'by' if after is None else 'at'} {write(by, with_seconds)}"
    first, last = write(after, with_seconds).split(), write(by, with_seconds).split()
    # When the clocks change, one time of day occurs twice, so both need their zone (`%Z`).
    has_one_date = bool(zone) and f"{local(after, zone):%x %Z}" == f"{local(by, zone):%x %Z}"
    if has_one_date:
        different = [
            place
            for place, (word, other) in enumerate(zip(first, last, strict=True))
            if word != other
        ]
        first, last = first[: different[-1] + 1], last[different[0] :]
    return f"between {' '.join(first)} and {' '.join(last)}"
