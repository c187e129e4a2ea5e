"""The ledger of a store in memory: releases, what was promised of them, and what calendars showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from alerts.claim import Claim
from monitor.store.memory.transaction import Shelves
from monitor.store.rows import Announced, CalendarRead, Judged, SeriesEdition
from schedules.promise import Promise
from schedules.release import Release


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """What was promised, until the process ends."""

    rows: Shelves

    def releases(self, begin: datetime | None = None, end: datetime | None = None) -> list[Release]:
        every = self.rows.pick(Release, lambda release: release.joined_into is None, key=lambda release: release.id)
        if begin is None and end is None:
            return every
        within = self.rows.pick(Judged, lambda it: is_within(it.slot, begin, end), key=lambda it: it.release)
        judged = {judged.release for judged in within}
        wanted = judged | self._promised(begin, end)
        return [release for release in every if release.id in wanted]

    def release(self, release: str) -> Release | None:
        return self.rows.get(Release, release)

    def releases_named(self, releases: Sequence[str]) -> list[Release]:
        wanted = set(releases)
        return self.rows.pick(Release, lambda release: release.id in wanted, key=lambda release: release.id)

    def differing(self, releases: Sequence[Release]) -> list[str]:
        return [one.id for one in releases if self.release(one.id) != one]

    def releases_alike(self, producer: str, url: str, words: Sequence[str]) -> list[Release]:
        theirs = [one for one in self.releases() if one.producer == producer]
        return [one for one in theirs if _holds(one.url, url) or any(_holds(one.title, word) for word in words)]

    def promises(self, releases: Sequence[str] | None = None) -> list[Promise]:
        found = self.rows.pick(Promise, key=lambda promise: (promise.learnt, promise.release, promise.calendar))
        return [promise for promise in found if releases is None or promise.release in releases]

    def editions(self, after: str = "", limit: int = 1000) -> list[SeriesEdition]:
        newest = {it.release: it for it in self.rows.pick(Promise, key=lambda it: (it.learnt, it.calendar))}
        told = ((one, newest[one.id]) for one in self.releases() if one.id > after and one.id in newest)
        found = [SeriesEdition(one.id, one.producer, one.title, (it.calendar,), it.slot) for one, it in told]
        return found[:limit]

    def shown_since(self, since: datetime) -> list[str]:
        shown = self.rows.pick(Announced, lambda it: it.gone is None or it.gone >= since, key=lambda it: it.release)
        promised = (it.release for it in self.promises() if is_within(it.slot.begins(), since, None))
        return sorted({it.release for it in shown}.union(promised))

    def announced(self, calendar: str) -> list[Announced]:
        return self.rows.pick(Announced, lambda entry: entry.calendar == calendar, key=lambda entry: entry.uid)

    def entries_of(self, releases: Sequence[str]) -> list[Announced]:
        wanted = set(releases)
        return self.rows.pick(Announced, lambda it: it.release in wanted, key=lambda it: (it.calendar, it.uid))

    def entries_named(self, calendar: str, uids: Sequence[str]) -> list[Announced]:
        wanted = set(uids)
        return [entry for entry in self.announced(calendar) if entry.uid in wanted]

    def reads(self, calendar: str | None = None, limit: int = 100) -> list[CalendarRead]:
        found = self.rows.pick(CalendarRead, key=lambda read: (read.started, read.calendar))
        return [read for read in reversed(found) if calendar in {None, read.calendar}][:limit]

    def stale_reads(self, before: datetime) -> list[tuple[str, datetime]]:
        reads = self.rows.pick(
            CalendarRead, lambda read: read.started < before, key=lambda it: (it.calendar, it.started)
        )
        return [(read.calendar, read.started) for last, read in pairwise(reads) if _repeats(last, read)]

    def claims(self, begin: datetime | None = None, end: datetime | None = None, url: str | None = None) -> list[Claim]:
        every = self.rows.pick(Claim, lambda it: url in {None, it.url}, key=lambda it: (it.at, it.url, it.producer))
        return [claim for claim in every if is_within(claim.at, begin, end)]

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


def _repeats(last: CalendarRead, read: CalendarRead) -> bool:
    said = [(it.calendar, it.usable, it.digest, it.fault) for it in (last, read)]
    return said[0] == said[1]
