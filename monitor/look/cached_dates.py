"""Whose `Date` an answer with an `Age` bears: the origin's, kept by a cache, or that of the cache itself."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple

_APART = 5.0
"""Two answers of one address show whose date they bear when so many seconds lie between them."""
_ALIKE = 2.0
"""Ages and dates, whole seconds each, may differ by so much from the time that our clock says lies between."""
_FOLLOWED = 120.0
"""An address that shows nothing for so many seconds is followed no longer."""


class DateOf(Enum):
    """Who wrote the date of an answer from a cache: the origin when it was made, or the cache at each request."""

    ORIGIN = "origin"
    CACHE = "cache"
    UNKNOWN = "unknown"


class Aged(NamedTuple):
    """An answer with an `Age` in seconds: its address, when it was asked for, and its date."""

    url: str
    sent: datetime
    date: datetime
    age: int


class CachedDates:
    """Compares two answers of one address of each host: its cache keeps the origin's date, or writes its own."""

    def __init__(self) -> None:
        self._followed: dict[str, Aged] = {}

    def date_of(self, host: str, aged: Aged) -> DateOf:
        """Return whose date an answer of a host bears, unknown until a second one of the same address shows it."""
        before = self._followed.setdefault(host, aged)
        elapsed = (aged.sent - before.sent).total_seconds()
        if 0.0 <= elapsed < (_APART if aged.url == before.url else _FOLLOWED):
            return DateOf.UNKNOWN
        self._followed[host] = aged
        return _compare(before, aged)

    def clear(self) -> None:
        """Forget every answer: our clock was set, so that the time between two is not known."""
        self._followed.clear()


def _compare(before: Aged, aged: Aged) -> DateOf:
    """Return whose date two answers bear whose age grew as our clock ran.

    A date that stayed the same is the origin's, one that grew with the age is the cache's.
    """
    elapsed = (aged.sent - before.sent).total_seconds()
    moved = (aged.date - before.date).total_seconds()
    if aged.url != before.url or elapsed < _APART or abs(aged.age - before.age - elapsed) > _ALIKE:
        return DateOf.UNKNOWN
    if not moved:
        return DateOf.ORIGIN
    return DateOf.CACHE if abs(moved - elapsed) <= _ALIKE else DateOf.UNKNOWN
