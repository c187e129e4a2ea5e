"""ISO 8601 date-times, extended and basic: 2026-07-23T08:30:00Z, 2026-07-23 09:30, 20260723T093000."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from schedules.dates.span import at_instant, at_wall, no_slot, on_days
from schedules.patterns import quick
from schedules.slot import Slot

_EXTENDED = quick(
    r"(?P<y>\d{4})[-/](?P<mo>\d{1,2})[-/](?P<d>\d{1,2})(?: ?t ?| )"
    r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d+))?)?"
    r" ?(?P<zone>z|[+-]\d{2}(?::?\d{2})?)?"
)
_BASIC = quick(
    r"(?P<y>20\d{2})(?P<mo>\d{2})(?P<d>\d{2})t(?P<h>\d{2})(?P<mi>\d{2})(?:(?P<s>\d{2})(?P<f>)?)?(?P<zone>z|[+-]\d{2}:?\d{2})?"
)


def iso_slot(plain: str, raw: str, timezone: str) -> Slot | None:
    """Return the slot of a normalised ISO date-time; None when the text is none.

    A local time of 00:00 is how exports write a bare date: it gives the day, with doubt `midnight`.
    """
    match = _EXTENDED.fullmatch(plain) or _BASIC.fullmatch(plain)
    if match is None:
        return None
    wall = _wall(match)
    offset = _offset(match["zone"])
    if wall is None or (match["zone"] and offset is None):
        return no_slot(raw, "impossible", timezone)
    if offset is not None:
        return at_instant((wall - offset).replace(tzinfo=UTC), raw, timezone)
    if wall.time() == time():
        return on_days(wall.date(), wall.date(), raw, timezone, doubt="midnight")
    return at_wall(wall, raw, timezone)


def _wall(match: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second = (int(match[name] or 0) for name in ("y", "mo", "d", "h", "mi", "s"))
    micro = int((match["f"] or "0").ljust(6, "0")[:6])
    try:
        return datetime.combine(date(year, month, day), time(hour, minute, second, micro))
    except ValueError:
        return None


def _offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if text == "z":
        return timedelta()
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size > timedelta(hours=14):
        return None
    return -size if text[0] == "-" else size
