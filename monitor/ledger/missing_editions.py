"""Finds editions of regular series that should have been announced by now.

Pure: by the slots of earlier ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from monitor.store.rows import SeriesEdition
from schedules.regular_series import Expectation, Series, expect_next_edition, series_of
from schedules.slot import Precision, first_day, has_passed
from schedules.times.zone import local_date

_DATED = (Precision.INSTANT, Precision.DAY)


class PastEditions:
    """The days of past editions by series, and the latest edition of each."""

    def __init__(self) -> None:
        self.days: dict[Series, set[date]] = defaultdict(set)
        self.latest: dict[Series, SeriesEdition] = {}

    def add(self, edition: SeriesEdition, now: datetime) -> None:
        """Add an edition, if its slot has passed and has at least day precision."""
        series, day = series_of(edition.producer, edition.title), _day_if_passed(edition, now)
        if series[1] and day is not None:
            if day >= max(self.days[series], default=day):
                self.latest[series] = edition
            self.days[series].add(day)


def find_missing_editions(
    editions: Iterable[SeriesEdition], past: PastEditions, now: datetime
) -> Iterator[tuple[SeriesEdition, Expectation]]:
    """Yield the last edition of each series whose next edition should be announced and is not, and
    when it is expected.

    `editions` are those in memory, `past` has older ones. The caller must check that the calendar
    was read lately.
    """
    by_series: dict[Series, list[SeriesEdition]] = defaultdict(list)
    for edition in editions:
        by_series[series_of(edition.producer, edition.title)].append(edition)
    for series in {*by_series, *past.latest}:
        _producer, title_words = series
        if not title_words:
            continue  # no word of the title names a series
        in_memory = by_series.get(series, [])
        days_in_memory = (_day_if_passed(edition, now) for edition in in_memory)
        passed_days = {day for day in days_in_memory if day is not None}.union(
            past.days.get(series, ())
        )
        expectation = expect_next_edition(series, [*passed_days])
        # After the last expected day, the series has probably ended or changed its rhythm.
        if expectation is None or local_date(now) > expectation.last:
            continue
        all_editions = [*in_memory, past.latest[series]] if series in past.latest else in_memory
        latest = max(all_editions, key=lambda edition: first_day(edition.slot) or date.min)
        is_missing = (
            expectation.find_unannounced([edition.slot for edition in in_memory], now) is not None
        )
        if is_missing:
            yield latest, expectation


def _day_if_passed(edition: SeriesEdition, now: datetime) -> date | None:
    """Return the day of an edition, or None before its slot has passed or if it has no day."""
    slot = edition.slot
    return first_day(slot) if slot.precision in _DATED and has_passed(slot, now) else None
