"""Predicts when the next edition of a regular series is due, if no calendar has announced it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from schedules.ledger_event import EventKind, LedgerEvent
from schedules.slot import Precision, Slot, last_day
from schedules.times.zone import local_date
from schedules.titles import read_title

Series = tuple[str, tuple[str, ...]]

_LEAST_RELEASES = 4
_MARGIN = timedelta(days=7)
_NOTICE = timedelta(weeks=4)
# A gap may differ from the median by a week (monthly by weekday: 28 or 35 days) or by a quarter of
# it.
_REGULAR_WITHIN = 0.25


@dataclass(frozen=True, slots=True)
class Expectation:
    """The days, both included, in which the next edition of a series is expected.

    An expectation is not a promise: no release is ever late because of it.
    """

    series: Series
    first: date
    last: date

    def find_unannounced(self, slots: Iterable[Slot], now: datetime) -> LedgerEvent | None:
        """Return the event `unannounced` from four weeks before the end, unless a slot is in these
        days or later.
        """
        is_announced = any((last_day(slot) or date.min) >= self.first for slot in slots)
        if local_date(now) < self.last - _NOTICE or is_announced:
            return None
        window = Slot(Precision.RANGE, first=self.first, last=self.last)
        return LedgerEvent(
            EventKind.UNANNOUNCED, now, calendar="", after=window, detail=" ".join(self.series[1])
        )


def series_of(producer: str, title: str) -> Series:
    """Return what all editions of a series share: the producer, and the title without its
    period.
    """
    return producer, read_title(title).words


def expect_next_edition(series: Series, released: Sequence[date]) -> Expectation | None:
    """Return when the edition after `released` (dates in any order) is expected, or None if that is
    not known.

    It is expected one median gap after the last release, at most a week earlier or later. Fewer
    than four releases, or irregular ones, are not enough to know.
    """
    days = sorted(set(released))
    if len(days) < _LEAST_RELEASES:
        return None
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    usual = median(gaps)
    allowed = max(_MARGIN.days, _REGULAR_WITHIN * usual)
    # If editions are less than a fortnight apart, their windows would touch and mean nothing.
    if usual <= 2 * _MARGIN.days or any(abs(gap - usual) > allowed for gap in gaps):
        return None
    middle = days[-1] + timedelta(days=round(usual))
    return Expectation(series, middle - _MARGIN, middle + _MARGIN)
