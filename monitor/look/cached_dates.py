"""Find out who wrote the `Date` of an answer with an `Age`: the origin, or the cache that sent it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple

_APART = 5.0
"""Seconds between two answers of one address from which on they show who wrote their dates."""
_ALIKE = 2.0
"""Seconds by which ages and dates may differ from the time between two answers: both are whole seconds."""
_FOLLOWED = 120.0
"""Seconds after which another address of the host is compared, if this one showed nothing."""


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
    """Compares two answers of one address of a host: does its cache keep the origin's date, or write its own."""

    def __init__(self) -> None:
        self._followed: dict[str, Aged] = {}

    def date_of(self, host: str, aged: Aged) -> DateOf:
        """Return who wrote the date of this answer, unknown until a second answer of the same address shows it."""
        before = self._followed.setdefault(host, aged)
        elapsed = (aged.sent - before.sent).total_seconds()
        if 0.0 <= elapsed < (_APART if aged.url == before.url else _FOLLOWED):
            return DateOf.UNKNOWN
        self._followed[host] = aged
        return _compare(before, aged)

    def clear(self) -> None:
        """Forget every answer, because our clock was set and the time between two answers is not known."""
        self._followed.clear()


def _compare(before: Aged, aged: Aged) -> DateOf:
    """Return who wrote the dates of two answers, if their ages grew as fast as our clock.

    A date that stayed the same is the origin's. A date that grew with the age is the cache's.
    """
    elapsed = (aged.sent - before.sent).total_seconds()
    moved = (aged.date - before.date).total_seconds()
    if aged.url != before.url or elapsed < _APART or abs(aged.age - before.age - elapsed) > _ALIKE:
        return DateOf.UNKNOWN
    if not moved:
        return DateOf.ORIGIN
    return DateOf.CACHE if abs(moved - elapsed) <= _ALIKE else DateOf.UNKNOWN
