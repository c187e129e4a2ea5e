"""The ledger of a store in memory: releases, what was promised of them, and what calendars showed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from monitor.store.memory.transaction import Shelves, apart
from monitor.store.rows import Announced, CalendarRead, Judged, SeriesEdition
from schedules.promise import Promise
from schedules.release import Release

T = TypeVar("T")


class MemoryLedger:
    """What was promised, until the process ends."""

    def __init__(self) -> None:
        self._shelves = Shelves()

    def releases(self, begin: datetime | None = None, end: datetime | None = None) -> list[Release]:
        every = self._pick(Release, lambda release: release.joined_into is None, key=lambda release: release.id)
        if begin is None and end is None:
            return every
        within = self._pick(Judged, lambda it: is_within(it.slot, begin, end), key=lambda it: it.release)
        judged = {judged.release for judged in within}
        wanted = judged | self._promised(begin, end)
        return [release for release in every if release.id in wanted]

    def release(self, release: str) -> Release | None:
        return self._get(Release, release)

    def releases_named(self, releases: Sequence[str]) -> list[Release]:
        wanted = set(releases)
        return self._pick(Release, lambda release: release.id in wanted, key=lambda release: release.id)

    def releases_alike(self, producer: str, url: str, words: Sequence[str]) -> list[Release]:
        theirs = [one for one in self.releases() if one.producer == producer]
        return [one for one in theirs if _holds(one.url, url) or any(_holds(one.title, word) for word in words)]

    def promises(self, releases: Sequence[str] | None = None) -> list[Promise]:
        found = self._pick(Promise, key=lambda promise: (promise.learnt, promise.release, promise.calendar))
        return [promise for promise in found if releases is None or promise.release in releases]

    def editions(self, after: str = "", limit: int = 1000) -> list[SeriesEdition]:
        newest = {it.release: it for it in self._pick(Promise, key=lambda it: (it.learnt, it.calendar))}
        told = ((one, newest[one.id]) for one in self.releases() if one.id > after and one.id in newest)
        found = [SeriesEdition(one.id, one.producer, one.title, (it.calendar,), it.slot) for one, it in told]
        return found[:limit]

    def shown_since(self, since: datetime) -> list[str]:
        shown = self._pick(Announced, lambda it: it.gone is None or it.gone >= since, key=lambda it: it.release)
        promised = (it.release for it in self.promises() if is_within(it.slot.begins(), since, None))
        return sorted({it.release for it in shown}.union(promised))

    def announced(self, calendar: str) -> list[Announced]:
        return self._pick(Announced, lambda entry: entry.calendar == calendar, key=lambda entry: entry.uid)

    def entries_of(self, releases: Sequence[str]) -> list[Announced]:
        wanted = set(releases)
        return self._pick(Announced, lambda it: it.release in wanted, key=lambda it: (it.calendar, it.uid))

    def entries_named(self, calendar: str, uids: Sequence[str]) -> list[Announced]:
        wanted = set(uids)
        return [entry for entry in self.announced(calendar) if entry.uid in wanted]

    def reads(self, calendar: str | None = None, limit: int = 100) -> list[CalendarRead]:
        found = self._pick(CalendarRead, key=lambda read: (read.started, read.calendar))
        return [read for read in reversed(found) if calendar in {None, read.calendar}][:limit]

    def _get(self, kind: type[T], *key: str) -> T | None:
        with self._shelves.lock:
            return apart(self._shelves.of(kind).get(key))

    def _pick(self, kind: type[T], fits: Callable[[T], bool] = bool, *, key: Callable[[T], Any]) -> list[T]:
        with self._shelves.lock:
            return [apart(row) for row in sorted(filter(fits, self._shelves.of(kind).values()), key=key)]

    def _promised(self, begin: datetime | None, end: datetime | None) -> set[str]:
        newest: dict[str, datetime] = {}
        for promise in self.promises():
            newest[promise.release] = promise.learnt
        current = (promise for promise in self.promises() if promise.learnt == newest[promise.release])
        return {promise.release for promise in current if is_within(promise.slot.begins(), begin, end)}


def is_within(instant: datetime | None, begin: datetime | None, end: datetime | None) -> bool:
    """Tell whether an instant lies in `[begin, end)`."""
    if instant is None:
        return False
    return (begin is None or instant >= begin) and (end is None or instant < end)


def _holds(text: str, part: str) -> bool:
    return part.lower() in text.lower()
