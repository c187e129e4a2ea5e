"""How old an answer was when it reached us: what caches say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.look.fetch import Answer
from schedules.patterns import quick

_LIFETIME = quick(r"(s-maxage|max-age)\s*=\s*\"?(\d{1,10})", re.IGNORECASE)

_CUT_OFF = 2.0
_LONGEST = 365 * 86_400
"""Seconds. No answer should be kept for longer (RFC 9111): an older copy is stale whatever its lifetime."""
_SERVED_BY = ("x-served-by", "via")
_PAIRS = 2
_TELLING = 3.0
"""Seconds after which an age in whole seconds must have grown."""


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


@dataclass(slots=True)
class ConstantAge:
    """Finds out whether one address answers with an `Age` that does not grow, and so is none.

    Some servers send the same number for ever. A copy's age grows with time; it is lower again only once the cache has
    fetched a new copy, which cannot be older than the time since the last answer. An edge may also take over another
    cache's copy, which by chance has the same age: hence two such pairs of answers in a row.
    """

    _told: tuple[str | None, ...] = ()
    _since: datetime | None = None
    _pairs: int = 0

    def checked(self, answer: Answer) -> Answer:
        """Return the next answer of an address, without its `Age` if that is none."""
        age = age_of(answer.headers)
        if not age or age == _LONGEST:
            # Caches send the largest number that they know for whatever is older.
            self._told = ()
            return answer
        told = (answer.url, str(age), *(answer.headers.get(name) for name in _SERVED_BY))
        if told != self._told or self._since is None:
            self._told, self._since, self._pairs = told, answer.sent, 0
            return answer
        elapsed = (answer.sent - self._since).total_seconds()
        if elapsed >= _TELLING:
            self._since, self._pairs = answer.sent, self._pairs + (age > elapsed + _CUT_OFF)
        if self._pairs < _PAIRS:
            return answer
        return replace(answer, headers={name: text for name, text in answer.headers.items() if name != "age"})


def _is_fresh(headers: Mapping[str, str]) -> bool:
    """Tell whether every cache on the way says that it had no copy."""
    words = headers.get("x-cache", "").replace(",", " ").split()
    return bool(words) and all(word.upper() == "MISS" for word in words)
