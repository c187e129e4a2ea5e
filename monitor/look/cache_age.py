"""How old an answer was when it reached us: what caches say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from monitor.look.fetch import Answer
from schedules.patterns import quick

_LIFETIME = quick(r"(s-maxage|max-age)\s*=\s*\"?(\d{1,10})", re.IGNORECASE)

_CUT_OFF = 2.0
_LONGEST = 365 * 86_400
"""Seconds. No answer should be kept for longer (RFC 9111): an older copy is stale whatever its lifetime."""


def age_bounds(headers: Mapping[str, str]) -> tuple[float, float]:
    """Return the least and most seconds that the answer had lain in a cache.

    `headers` have lower-case names. Ages are whole seconds: one told by a shield and the edge behind it, each of which
    cuts off a fraction, and counted from the arrival of what took a while to come, may be almost two too low.
    """
    age = age_of(headers)
    if age is None or (age == 0 and _is_fresh(headers)):
        return 0.0, 0.0
    return max(0.0, age - 1.0), age + _CUT_OFF


def spoken_of(answer: Answer) -> tuple[datetime, datetime]:
    """Return the earliest and the latest instant of which an answer may speak, given how long it lay in caches."""
    youngest, oldest = age_bounds(answer.headers)
    return answer.sent - timedelta(seconds=oldest), answer.received - timedelta(seconds=youngest)


def age_of(headers: Mapping[str, str]) -> int | None:
    """Return the `Age` in whole seconds, a year at most; None where there is none that is a number (RFC 9111, 5.1)."""
    text = headers.get("age")
    if text is None:
        return None
    text = text.partition(",")[0].strip()
    if not text.isdecimal():
        return None
    digits = text.lstrip("0")
    return min(int(digits or "0"), _LONGEST) if len(digits) < 10 else _LONGEST


def is_stale(headers: Mapping[str, str]) -> bool:
    """Return whether a cache served the answer beyond its lifetime, as it may while the origin fails.

    A lifetime of zero says nothing: it is meant for browsers, and the shared cache has an order of its own. An age of
    a year or more is always beyond it.
    """
    age = age_of(headers)
    if not age:
        return False
    lives = {name.lower(): int(seconds) for name, seconds in _LIFETIME.findall(headers.get("cache-control", ""))}
    lifetime = lives.get("s-maxage", lives.get("max-age", 0))
    return 0 < lifetime < age or age == _LONGEST


def _is_fresh(headers: Mapping[str, str]) -> bool:
    """Tell whether every cache on the way says that it had no copy."""
    words = headers.get("x-cache", "").replace(",", " ").split()
    return bool(words) and all(word.upper() == "MISS" for word in words)
