"""Intervals and bounds: an instant or a length of time that is known only between two limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """An instant (UTC) in `(after, by]`: absent at `after`, present at `by`.

    A limit of None is not known.
    """

    after: datetime | None = None
    by: datetime | None = None

    def __bool__(self) -> bool:
        """Return whether a limit is known."""
        return self.after is not None or self.by is not None


NOTHING = Interval()


@dataclass(frozen=True, slots=True)
class Bounds:
    """A length of time in seconds in `[min, max]`. None: that limit is unknown."""

    min: float | None = None
    max: float | None = None


def since(interval: Interval, origin: datetime) -> Bounds:
    """Return how long after `origin` an instant is (negative: before)."""
    return Bounds(seconds_between(origin, interval.after), seconds_between(origin, interval.by))


def between(start: Interval, end: Interval) -> Bounds:
    """Return the time from an instant in `start` to a later one in `end`, at least zero."""
    least, most = seconds_between(start.by, end.after), seconds_between(start.after, end.by)
    return Bounds(
        None if least is None else max(0.0, least), None if most is None else max(0.0, most)
    )


def magnitude(length: Bounds) -> Bounds:
    """Return the bounds of a length without its sign."""
    low, high = length.min, length.max
    if low is not None and high is not None and low < 0 < high:
        return Bounds(0.0, max(-low, high))
    if (low or 0) < 0 or (high or 0) < 0:
        low, high = (None if high is None else -high), (None if low is None else -low)
    return Bounds(None if low is None else max(0.0, low), high)


def earliest_known(instants: Iterable[datetime | None]) -> datetime | None:
    """Return the earliest of the instants that are known, or None if none is."""
    return min((instant for instant in instants if instant is not None), default=None)


def latest_known(instants: Iterable[datetime | None]) -> datetime | None:
    """Return the latest of the instants that are known, or None if none is."""
    return max((instant for instant in instants if instant is not None), default=None)


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from `start` to `end`, None if either is unknown."""
    if start is None or end is None:
        return None
    return round((end - start).total_seconds(), 3)
