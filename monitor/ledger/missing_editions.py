"""Finds editions of regular series that should have been announced by now, from earlier promises. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from monitor.store.rows import SeriesEdition
from schedules.regular_series import Series, expect_next_edition, series_of
from schedules.slot import Precision
from schedules.slot_relations import first_day, has_passed
from schedules.times.zone import local_date

_DATED = (Precision.INSTANT, Precision.DAY)


@dataclass(frozen=True, slots=True)
class MissingEdition:
    """An edition that no calendar has announced, and the days when it is expected. `title` is the last edition's."""

    title: str
    producer: str
    first: date
    last: date


class Past:
    """Past editions by series: the days of all, and the latest one."""

    def __init__(self) -> None:
        self._days: dict[Series, set[date]] = defaultdict(set)
        self._latest: dict[Series, SeriesEdition] = {}

    def add(self, edition: SeriesEdition, now: datetime) -> None:
        """Add an edition."""
        series, day = series_of(edition.producer, edition.title), _day(edition, now)
        if series[1] and day is not None:
            if day >= max(self._days[series], default=day):
                self._latest[series] = edition
            self._days[series].add(day)

    def series(self) -> Collection[Series]:
        """Return the series that have a past edition."""
        return self._latest.keys()

    def days(self, series: Series) -> Collection[date]:
        """Return the days of a series' editions."""
        return self._days.get(series, ())

    def latest(self, series: Series) -> Iterator[SeriesEdition]:
        """Yield the latest edition of a series, if there is one."""
        if series in self._latest:
            yield self._latest[series]


def missing_editions(
    editions: Iterable[SeriesEdition], past: Past, fresh: Collection[str], now: datetime
) -> Iterator[MissingEdition]:
    """Yield the missing editions of the series that `editions` and the `past` ones form.

    Only calendars in `fresh`, which were read recently with success, can show that an edition is missing. After its
    window an edition is no longer expected, because the series has ended or has changed its rhythm.
    """
    by_series = _by_series(editions)
    for series in {*by_series, *past.series()}:
        known = by_series.get(series, [])
        days = {day for edition in known if (day := _day(edition, now)) is not None}
        expectation = expect_next_edition(series, [*days.union(past.days(series))])
        if expectation is None or local_date(now) > expectation.last:
            continue
        latest = max([*past.latest(series), *known], key=lambda edition: first_day(edition.slot) or date.min)
        is_missing = expectation.find_unannounced([edition.slot for edition in known], now) is not None
        if is_missing and all(calendar in fresh for calendar in latest.calendars):
            yield MissingEdition(latest.title, latest.producer, expectation.first, expectation.last)


def _by_series(editions: Iterable[SeriesEdition]) -> dict[Series, list[SeriesEdition]]:
    found: dict[Series, list[SeriesEdition]] = defaultdict(list)
    for edition in editions:
        series = series_of(edition.producer, edition.title)
        if series[1]:
            found[series].append(edition)
    return found


def _day(edition: SeriesEdition, now: datetime) -> date | None:
    """Return the day of an edition whose slot has passed and was announced with at least day precision, else None."""
    slot = edition.slot
    return first_day(slot) if slot.precision in _DATED and has_passed(slot, now) else None
