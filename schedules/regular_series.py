"""When the next edition of a regular series may be expected, though nobody has announced it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from schedules.ledger_event import LedgerEvent, What
from schedules.slot import Precision, Slot
from schedules.slot_relations import last_day
from schedules.times.zone import local_date
from schedules.titles import read_title

Series = tuple[str, tuple[str, ...]]

_LEAST_RELEASES = 4
_MARGIN = timedelta(days=7)
_NOTICE = timedelta(weeks=4)
# A gap may differ from the median by a week (monthly by weekday: 28 or 35 days) or by a quarter of it.
_REGULAR_WITHIN = 0.25


@dataclass(frozen=True, slots=True)
class Expectation:
    """The days, both included, in which the next edition of a series may be expected.

    An expectation is no promise: nothing is ever late by it.
    """

    series: Series
    first: date
    last: date

    @property
    def announced_by(self) -> date:
        """Return the day from which the lack of an announcement is worth telling: four weeks before the end."""
        return self.last - _NOTICE

    def is_announced(self, slots: Iterable[Slot]) -> bool:
        """Tell whether any slot of the series lies, or may lie, in the window or after it."""
        return any((last_day(slot) or date.min) >= self.first for slot in slots)

    def missing(self, slots: Iterable[Slot], now: datetime) -> LedgerEvent | None:
        """Return the event `unannounced` when the edition should have been announced by `now`, else None."""
        if local_date(now) < self.announced_by or self.is_announced(slots):
            return None
        window = Slot(Precision.RANGE, first=self.first, last=self.last)
        return LedgerEvent(What.UNANNOUNCED, now, "", after=window, detail=" ".join(self.series[1]))


def series_of(producer: str, title: str) -> Series:
    """Return what the editions of one series share: producer and title without its period."""
    return producer, read_title(title).words


def expected(series: Series, released: Sequence[date]) -> Expectation | None:
    """Return when the edition after `released` (dates in any order) may be expected.

    The median gap after the last release, a week either way. None with fewer than four releases, or when they do not
    come regularly.
    """
    days = sorted(set(released))
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    if len(days) < _LEAST_RELEASES or not _is_regular(gaps):
        return None
    middle = days[-1] + timedelta(days=round(median(gaps)))
    return Expectation(series, middle - _MARGIN, middle + _MARGIN)


def _is_regular(gaps: Sequence[int]) -> bool:
    usual = median(gaps)
    allowed = max(_MARGIN.days, _REGULAR_WITHIN * usual)
    # Editions less than a fortnight apart would have windows that touch, and mean nothing.
    return usual > 2 * _MARGIN.days and all(abs(gap - usual) <= allowed for gap in gaps)
