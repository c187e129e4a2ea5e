"""Reads how long an answer was in caches before it reached us, from its `Age` header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.look.fetch import Answer
from schedules.patterns import quick

_LIFETIME = quick(r"(s-maxage|max-age)\s*=\s*\"?(\d{1,10})", re.IGNORECASE)

_ROUNDING = 2.0
"""Seconds: two caches in a row may both round down."""
_ONE_YEAR = 365 * 86_400
"""Seconds. No answer may be kept longer (RFC 9111)."""
_SERVED_BY = ("x-served-by", "via")
"""Names of the cache that answered."""
_PAIRS_TO_IGNORE = 2
"""Pairs of answers in a row that a real age cannot explain."""
_SECONDS_TO_GROW = 3.0
"""An age in whole seconds must have grown after so many."""


def age_bounds(headers: Mapping[str, str]) -> tuple[float, float]:
    """Return the least and most seconds that an answer may have been in caches."""
    age = age_of(headers)
    if age is None:
        return 0.0, 0.0  # a cache must send an age
    cache_reports = headers.get("x-cache", "").replace(",", " ").upper().split()
    if age == 0 and set(cache_reports) == {"MISS"}:
        return 0.0, 0.0  # no cache had a copy
    # One cache may round up, or two in a row down.
    return max(0.0, age - 1.0), age + _ROUNDING


def answer_time_bounds(answer: Answer) -> tuple[datetime, datetime]:
    """Return the earliest and latest instant at which the origin may have made an answer."""
    youngest, oldest = age_bounds(answer.headers)
    return answer.sent - timedelta(seconds=oldest), answer.received - timedelta(seconds=youngest)


def age_of(headers: Mapping[str, str]) -> int | None:
    """Return the `Age` in seconds, at most a year, None if it is not a number (RFC 9111, 5.1)."""
    text = headers.get("age", "").partition(",")[0].strip()
    if not text.isdecimal():
        return None
    digits = text.lstrip("0")
    if len(digits) < 10:
        return min(int(digits or "0"), _ONE_YEAR)
    return _ONE_YEAR


def is_stale(headers: Mapping[str, str]) -> bool:
    """Return whether a copy is older than its lifetime, as caches serve if the origin fails."""
    if headers.get("warning", "")[:3] in ("110", "111", "112"):  # RFC 7234, 5.5
        return True
    age = age_of(headers)
    if not age:
        return False
    stated = {
        name.lower(): int(seconds)
        for name, seconds in _LIFETIME.findall(headers.get("cache-control", ""))
    }
    lifetime = stated.get("s-maxage", stated.get("max-age", 0))
    # A lifetime of 0 is unknown: sites write "max-age=0" for browsers only.
    return age == _ONE_YEAR or 0 < lifetime < age


@dataclass(slots=True)
class ConstantAge:
    """Detects that an address always sends the same `Age`, as some servers do.

    One pair of answers does not prove it: another cache may have had a copy of that age.
    """

    _last_headers: tuple[str | None, ...] = ()
    _last_sent: datetime | None = None
    _unexplained_pairs: int = 0

    def remove_constant_age(self, answer: Answer) -> Answer:
        """Return an answer without an `Age` that is none.

        E.g. 300 at 9:30:00 and 9:30:10: the copy would be 310 s old by then, a newer one at most 10
        s.
        """
        age = age_of(answer.headers)
        if not age or age == _ONE_YEAR:
            # A real age of a year or more stays constant here.
            self._last_headers = ()
            return answer
        headers = (answer.url, str(age), *(answer.headers.get(name) for name in _SERVED_BY))
        if headers != self._last_headers or self._last_sent is None:
            self._last_headers = headers
            self._last_sent = answer.sent
            self._unexplained_pairs = 0
            return answer
        elapsed = (answer.sent - self._last_sent).total_seconds()
        if elapsed >= _SECONDS_TO_GROW:
            self._last_sent = answer.sent
            # A newer one is at most `elapsed` seconds old.
            if age > elapsed + _ROUNDING:
                self._unexplained_pairs += 1
        if self._unexplained_pairs < _PAIRS_TO_IGNORE:
            return answer
        return replace(
            answer, headers={name: text for name, text in answer.headers.items() if name != "age"}
        )
