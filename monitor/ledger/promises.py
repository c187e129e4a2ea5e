"""Every promise in memory, by release, oldest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from schedules.in_force import slot_in_force
from schedules.promise import Promise, Unlisted
from schedules.release import Release
from schedules.slot import Slot
from schedules.times.zone import local_date

BEHIND = timedelta(days=15)
"""How long after its slot a release still counts as near."""


class PromiseBook:
    """Promises by release."""

    def __init__(self) -> None:
        self._promises: dict[str, list[Promise]] = defaultdict(list)

    def __len__(self) -> int:
        """Return the number of releases with promises."""
        return len(self._promises)

    def add(self, promises: Iterable[Promise]) -> None:
        """Add promises, and keep those of each release in the order of their reads."""
        for promise in promises:
            known = self._promises[promise.release]
            in_order = not known or known[-1].learnt <= promise.learnt
            known.append(promise)
            if not in_order:
                known.sort(key=_learnt)

    def confirm(self, calendar: str, releases: Iterable[str], at: datetime) -> None:
        """Record that a calendar still showed its newest promise for each of these releases at `at`."""
        for release in releases:
            newest = self.newest(calendar, release)
            if newest is not None and (newest.confirmed_at or at) <= at:
                self.put([replace(newest, confirmed_at=at)])

    def put(self, promises: Iterable[Promise]) -> None:
        """Replace known promises that have the same release, calendar and read."""
        for promise in promises:
            known = self._promises.get(promise.release, [])
            for place, one in enumerate(known):
                if (one.calendar, one.learnt) == (promise.calendar, promise.learnt):
                    known[place] = promise

    def newest(self, calendar: str, release: str) -> Promise | None:
        """Return a calendar's last promise for a release, or None if it made none."""
        return next((one for one in reversed(self.of(release)) if one.calendar == calendar), None)

    def with_unlisted(self, calendar: str, successors: Mapping[str, Sequence[str]], at: datetime) -> list[Promise]:
        """Return the newest promises of releases that a read at `at` did not show, with that read counted.

        `successors` maps these releases to the titles of entries that may replace them.
        """
        found = ((self.newest(calendar, release), titles) for release, titles in successors.items())
        return [replace(one, unlisted=_counted(one.unlisted, at, titles)) for one, titles in found if one]

    def relisted(self, calendar: str, releases: Iterable[str]) -> list[Promise]:
        """Return the newest promises of these releases that reads did not show before, marked as shown again."""
        newest = (self.newest(calendar, release) for release in releases)
        return [replace(one, unlisted=None) for one in newest if one is not None and one.unlisted is not None]

    def of(self, release: str) -> list[Promise]:
        """Return the promises of a release."""
        return self._promises.get(release, [])

    def releases(self) -> list[str]:
        """Return the ids of all releases."""
        return list(self._promises)

    def forget(self, releases: Iterable[str]) -> None:
        """Remove the promises of these releases."""
        for release in releases:
            self._promises.pop(release, None)

    def slot(self, release: Release, now: datetime) -> Slot | None:
        """Return the slot in force of a release, or None if it has none."""
        return slot_in_force(release, self.of(release.id), now).slot

    def instants(self, release: str, begin: datetime, end: datetime) -> list[datetime]:
        """Return every instant in `[begin, end]` for which a release was ever promised."""
        promised = (promise.slot.instant for promise in self.of(release))
        return [instant for instant in promised if instant is not None and begin <= instant <= end]

    def near(self, releases: Iterable[str], now: datetime, ahead: timedelta) -> list[str]:
        """Return the releases with a promised time at most `ahead` in the future or `BEHIND` in the past."""
        until, since = now + ahead, now - BEHIND
        return [name for name in releases if any(_is_near(it.slot, since, until) for it in self.of(name))]

    def day(self, release: str) -> date | None:
        """Return the local day of a release's last promise, or None."""
        promises = self.of(release)
        slot = promises[-1].slot if promises else None
        begins = slot.begins() if slot else None
        return local_date(begins, slot.timezone) if slot is not None and begins is not None else None

    def copies(self, calendar: str, old: str, new: str) -> list[Promise]:
        """Return a calendar's promises for `old` as promises for `new`, except those that `new` has already."""
        there = {(promise.calendar, promise.learnt) for promise in self.of(new)}
        mine = (promise for promise in self.of(old) if promise.calendar == calendar)
        return [replace(promise, release=new) for promise in mine if (calendar, promise.learnt) not in there]


def _counted(before: Unlisted | None, at: datetime, successors: Sequence[str]) -> Unlisted:
    if before is None:
        return Unlisted(at, 1, tuple(successors))
    return Unlisted(before.since, before.reads + 1, tuple(dict.fromkeys((*before.successors, *successors))))


def _learnt(promise: Promise) -> datetime:
    return promise.learnt


def _is_near(slot: Slot, since: datetime, until: datetime) -> bool:
    if slot.instant is not None:
        return since < slot.instant <= until
    begins, passes = slot.begins(), slot.passes()
    return begins is not None and passes is not None and begins <= until and since < passes
