"""Instants and lengths as a person on call reads them: local time with BST or GMT, bounds rounded outward."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from schedules.times.interval import Bounds, Interval

_EVERY_WHITE = dict.fromkeys([*range(32), 127, 0x85, 0x2028, 0x2029], " ")


def one_line(text: str, longest: int = 0) -> str:
    """Return `text` on one line without control characters, cut with … where it is longer than `longest`."""
    line = " ".join(text.translate(_EVERY_WHITE).split())
    return line if not longest or len(line) <= longest else line[: longest - 1].rstrip() + "…"


def local_day(instant: datetime, timezone: str) -> date:
    """Return the local date of an instant."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def day(instant: datetime, timezone: str) -> str:
    """Return the local date, such as `Friday 5 January 2018`."""
    local = instant.astimezone(ZoneInfo(timezone))
    return f"{local:%A} {local.day} {local:%B %Y}"


def clock(instant: datetime, timezone: str, *, exact: bool = False) -> str:
    """Return the local time of day with its zone; seconds of nought are left out unless it must be `exact`."""
    local = instant.astimezone(ZoneInfo(timezone))
    return f"{local:%H:%M:%S %Z}" if local.second or exact else f"{local:%H:%M %Z}"


def moment(instant: datetime, timezone: str, today: datetime, *, exact: bool = False) -> str:
    """Return the local time, with its date unless that is the date of `today`."""
    time_of_day = clock(instant, timezone, exact=exact)
    if local_day(instant, timezone) == local_day(today, timezone):
        return time_of_day
    local = instant.astimezone(ZoneInfo(timezone))
    year = "" if local.year == today.astimezone(ZoneInfo(timezone)).year else f" {local.year}"
    return f"{local.day} {local:%B}{year} {time_of_day}"


def span(between: Interval, timezone: str, today: datetime) -> str:
    """Return an interval in words, its ends rounded outward to whole seconds."""
    after = None if between.after is None else _floor(between.after)
    by = None if between.by is None else _ceil(between.by)
    if after is None or by is None:
        return _open_span(after, by, timezone, today)
    if after == by:
        return f"at {moment(by, timezone, today)}"
    exact = bool(after.second or by.second)
    first, second = (moment(end, timezone, today, exact=exact) for end in (after, by))
    if local_day(after, timezone) == local_day(by, timezone) and first.split()[-1] == second.split()[-1]:
        return f"between {first.rpartition(' ')[0]} and {clock(by, timezone, exact=exact)}"
    return f"between {first} and {second}"


def length(seconds: float) -> str:
    """Return whole seconds in words, such as `37 min 45 s` or `40 h 30 min`."""
    rest = abs(int(seconds))
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def lengths(seconds: Bounds) -> str:
    """Return a length with both bounds, rounded outward to whole seconds; signs are left to the caller."""
    low, high = magnitude(seconds)
    if low is None or high is None:
        return _open_length(low, high)
    return length(low) if low == high else f"{length(low)} to {length(high)}"


def magnitude(seconds: Bounds) -> tuple[int | None, int | None]:
    """Return the bounds of the length without its sign, the smaller first, rounded outward."""
    low, high = seconds.min, seconds.max
    if (low or 0) < 0 or (high or 0) < 0:
        low, high = (None if high is None else -high), (None if low is None else -low)
    return (None if low is None else max(0, math.floor(low))), (None if high is None else math.ceil(high))


def instant_text(instant: datetime | None) -> str | None:
    """Return an instant for machines: RFC 3339, `Z`, milliseconds."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _open_span(after: datetime | None, by: datetime | None, timezone: str, today: datetime) -> str:
    if by is not None:
        return f"by {moment(by, timezone, today)}"
    return "at an unknown time" if after is None else f"after {moment(after, timezone, today)}"


def _open_length(low: int | None, high: int | None) -> str:
    if high is not None:
        return f"at most {length(high)}"
    return "an unknown time" if low is None else f"at least {length(low)}"


def _floor(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _ceil(instant: datetime) -> datetime:
    return instant if instant.microsecond == 0 else datetime.fromtimestamp(math.ceil(instant.timestamp()), UTC)
