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
"""Seconds by which an age may be too low: each of two caches in a row rounds down."""
_ONE_YEAR = 365 * 86_400
"""Seconds. No answer should be kept longer (RFC 9111), so an older copy is always stale."""
_SERVED_BY = ("x-served-by", "via")
"""Headers that name the cache that answered."""
_PAIRS_TO_IGNORE = 2
"""An `Age` is ignored after this many pairs of answers in a row that a real age cannot explain."""
_SECONDS_TO_GROW = 3.0
"""Seconds after which an age in whole seconds must have grown."""


def age_bounds(headers: Mapping[str, str]) -> tuple[float, float]:
    """Return the least and most seconds that the answer may have been in caches.

    `headers` have lower-case names.
    """
    age = age_of(headers)
    if age is None:
        return 0.0, 0.0  # a cache must send an age, so without one the answer counts as made for us
    cache_reports = headers.get("x-cache", "").replace(",", " ").upper().split()
    if age == 0 and set(cache_reports) == {"MISS"}:
        return 0.0, 0.0  # every cache on the way reports that it had no copy
    # The age is in whole seconds. One cache may round it up by a second, or two in a row round it
    # down.
    return max(0.0, age - 1.0), age + _ROUNDING


def answer_time_bounds(answer: Answer) -> tuple[datetime, datetime]:
    """Return the earliest and latest instant at which the origin may have made an answer, given its
    `Age`.
    """
    youngest, oldest = age_bounds(answer.headers)
    return answer.sent - timedelta(seconds=oldest), answer.received - timedelta(seconds=youngest)


def age_of(headers: Mapping[str, str]) -> int | None:
    """Return the `Age` in whole seconds, at most a year.

    None if it is absent or not a number (RFC 9111, 5.1).
    """
    text = headers.get("age", "").partition(",")[0].strip()
    if not text.isdecimal():
        return None
    digits = text.lstrip("0")
    return min(int(digits or "0"), _ONE_YEAR) if len(digits) < 10 else _ONE_YEAR


def is_stale(headers: Mapping[str, str]) -> bool:
    """Return whether a cache answered with a copy older than its lifetime, as caches do if the
    origin fails.
    """
    age = age_of(headers)
    if not age:
        return False
    stated = {
        name.lower(): int(seconds)
        for name, seconds in _LIFETIME.findall(headers.get("cache-control", ""))
    }
    lifetime = stated.get("s-maxage", stated.get("max-age", 0))
    # No lifetime is longer than a year. A lifetime of 0 is unknown: sites write "max-age=0" for
    # browsers only.
    return age == _ONE_YEAR or 0 < lifetime < age


@dataclass(slots=True)
class ConstantAge:
    """Detects that an address always sends the same `Age`, as some servers do.

    Such a number is not an age.

    One pair of answers does not prove that: the cache may have copied from another cache that
    happened to have a copy of the same age. So the `Age` is ignored only after two pairs that a
    real age cannot explain.
    """

    _last_headers: tuple[str | None, ...] = ()
    _last_sent: datetime | None = None
    # How many answers in a row had an age that a real age cannot explain, given the answer before.
    _unexplained_pairs: int = 0

    def remove_constant_age(self, answer: Answer) -> Answer:
        """Return an answer, without its `Age` header if this address always sends the same number,
        which is no age.

        E.g. 300 at 9:30:00 and at 9:30:10. The copy of 9:30:00 would be 310 s old by then, a newer
        copy at most 10 s.
        """
        age = age_of(answer.headers)
        if not age or age == _ONE_YEAR:
            # `age_of` returns at most a year, so a real age of that length stays constant. The
            # comparison starts again.
            self._last_headers = ()
            return answer
        headers = (answer.url, str(age), *(answer.headers.get(name) for name in _SERVED_BY))
        if headers != self._last_headers or self._last_sent is None:
            # Another age, address or cache: the comparison starts again.
            self._last_headers = headers
            self._last_sent = answer.sent
            self._unexplained_pairs = 0
            return answer
        elapsed = (answer.sent - self._last_sent).total_seconds()
        if elapsed >= _SECONDS_TO_GROW:
            self._last_sent = answer.sent
            # The age has not grown, so this copy is not the earlier one. A newer copy is at most
            # `elapsed` seconds old.
            if age > elapsed + _ROUNDING:
                self._unexplained_pairs += 1
        if self._unexplained_pairs < _PAIRS_TO_IGNORE:
            return answer
        return replace(
            answer, headers={name: text for name, text in answer.headers.items() if name != "age"}
        )
