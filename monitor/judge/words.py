"""Instants and lengths as people read them, in the slot's own local time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil, floor
from zoneinfo import ZoneInfo

from schedules.times.interval import Bounds, Interval


def at(instant: datetime, timezone: str = "Europe/London") -> str:
    """Return `Fri 5 Jan 2018 09:30:00 GMT`; tenths of a second only where there are any."""
    local = instant.astimezone(ZoneInfo(timezone))
    tenths = f".{local.microsecond // 100_000}" if local.microsecond >= 100_000 else ""
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S}{tenths} {local.tzname()}"


def by(instant: datetime, timezone: str = "Europe/London") -> str:
    """Return the same at the next tenth of a second, so that a bound is never told too early."""
    return at(instant + timedelta(microseconds=-instant.microsecond % 100_000), timezone)


def spanned(interval: Interval, timezone: str = "Europe/London") -> str:
    """Return `between … and …`, or what is known of the two sides, rounded outward."""
    if interval.after is None and interval.by is None:
        return "at a time not known"
    if interval.by is None and interval.after is not None:
        return f"after {at(interval.after, timezone)}"
    if interval.after is None and interval.by is not None:
        return f"at or before {by(interval.by, timezone)}"
    assert interval.after is not None  # noqa: S101  # told apart above; narrows the type
    assert interval.by is not None  # noqa: S101  # as above
    return f"between {at(interval.after, timezone)} and {by(interval.by, timezone)}"


def lasting(seconds: float, towards: Callable[[float], int] = round) -> str:
    """Return a length in hours, minutes and seconds, rounded: `2 h 49 min`, `38 min 5 s`, `12 s`, `0.8 s`."""
    # Of microseconds, since 1.1 s is a little more than eleven tenths to a machine.
    if abs(seconds) < 10:
        return f"{towards(round(seconds * 1e6) / 1e5) / 10:.1f} s".replace(".0 s", " s")
    whole = abs(towards(round(seconds * 1e6) / 1e6))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    pieces = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{secs} s" if secs else ""]
    return ("-" if seconds < 0 else "") + (" ".join(filter(None, pieces)))


def length(bounds: Bounds) -> str:
    """Return `38 min to 39 min`, `at least 5 s`, `at most 5 s` or `an unknown time`; bounds are rounded outward."""
    least = None if bounds.min is None else lasting(bounds.min, floor)
    most = None if bounds.max is None else lasting(bounds.max, ceil)
    if least is None or most is None:
        return f"at least {least}" if least else f"at most {most}" if most else "an unknown time"
    return least if least == most else f"{least} to {most}"
