"""Instants and lengths as people read them, in the slot's own local time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.judge.interval import Bounds, Interval


def at(instant: datetime, timezone: str = "Europe/London") -> str:
    """Return `Fri 5 Jan 2018 09:30:00 GMT`; tenths of a second only where there are any."""
    local = instant.astimezone(ZoneInfo(timezone))
    tenths = f".{local.microsecond // 100_000}" if local.microsecond >= 100_000 else ""
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S}{tenths} {local.tzname()}"


def spanned(interval: Interval, timezone: str = "Europe/London") -> str:
    """Return `between … and …`, or what is known of the two sides."""
    if interval.after is None and interval.by is None:
        return "at a time not known"
    if interval.by is None and interval.after is not None:
        return f"after {at(interval.after, timezone)}"
    if interval.after is None and interval.by is not None:
        return f"at or before {at(interval.by, timezone)}"
    assert interval.after is not None  # noqa: S101  # told apart above; narrows the type
    assert interval.by is not None  # noqa: S101  # as above
    return f"between {at(interval.after, timezone)} and {at(interval.by, timezone)}"


def lasting(seconds: float) -> str:
    """Return a length in hours, minutes and seconds: `2 h 49 min`, `38 min 5 s`, `12 s`, `0.8 s`."""
    if abs(seconds) < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    pieces = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{secs} s" if secs else ""]
    return ("-" if seconds < 0 else "") + (" ".join(filter(None, pieces)))


def length(bounds: Bounds) -> str:
    """Return `38 min to 39 min`, `at least 5 s`, `at most 5 s` or `an unknown time`."""
    least, most = bounds.min, bounds.max
    if least is None or most is None:
        known = [f"at least {lasting(least)}"] if least is not None else []
        known += [f"at most {lasting(most)}"] if most is not None else []
        return known[0] if known else "an unknown time"
    return lasting(least) if lasting(least) == lasting(most) else f"{lasting(least)} to {lasting(most)}"
