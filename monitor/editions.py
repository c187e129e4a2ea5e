"""Editions of regular series that should have been announced by now, found in the ledger. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from monitor.ledger import Ledger
from schedules.expectation import Series, expected, series_of
from schedules.london import local_date
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.span import first_day, has_passed

_LEAST = 4
_DATED = (Precision.INSTANT, Precision.DAY)


@dataclass(frozen=True, slots=True)
class MissingEdition:
    """An edition that nobody has announced, and the days in which it may be expected; `title` is the last one's."""

    title: str
    producer: str
    first: date
    last: date


def missing_editions(
    releases: Iterable[Release], ledger: Ledger, fresh: Collection[str], now: datetime
) -> Iterator[MissingEdition]:
    """Yield the missing editions of the series that `releases` make up.

    Only calendars in `fresh`, read lately and with success, can show that something is missing; and once its window is
    over an edition is no more expected: the series has ended, or has changed its rhythm.
    """
    for series, editions in _by_series(releases).items():
        slots = [(slot, release) for release in editions if (slot := _promised(ledger, release)) is not None]
        days = [
            day for slot, _ in slots if slot.precision in _DATED and has_passed(slot, now) and (day := first_day(slot))
        ]
        expectation = expected(series, days)
        if expectation is None or local_date(now) > expectation.last:
            continue
        latest = max(slots, key=lambda pair: first_day(pair[0]) or date.min)[1]
        is_missing = expectation.missing([slot for slot, _ in slots], now) is not None
        if is_missing and all(calendar in fresh for calendar in latest.calendars):
            yield MissingEdition(latest.title, latest.producer, expectation.first, expectation.last)


def _by_series(releases: Iterable[Release]) -> dict[Series, list[Release]]:
    found: dict[Series, list[Release]] = defaultdict(list)
    for release in releases:
        found[series_of(release.producer, release.title)].append(release)
    return {series: editions for series, editions in found.items() if series[1] and len(editions) >= _LEAST}


def _promised(ledger: Ledger, release: Release) -> Slot | None:
    promises = ledger.of(release.id)
    return promises[-1].slot if promises else None
