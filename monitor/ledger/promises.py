"""Keeps every promise in memory, by release, oldest first."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import attrgetter

from monitor.plan.proof import NEVER
from schedules.in_force import InForce, slot_in_force
from schedules.promise import Promise, Unlisted
from schedules.release import Release
from schedules.slot import Slot, first_day

BEHIND = timedelta(days=15)
"""How long after its slot a release still counts as near."""


class PromiseBook:
    """The promises of each release, in the order of the reads that made them."""

    def __init__(self) -> None:
        self._promises: dict[str, list[Promise]] = defaultdict(list)

    def add(self, promises: Iterable[Promise]) -> None:
        """Add promises of any release."""
        for promise in promises:
            insort(self._promises[promise.release], promise, key=attrgetter("learnt"))

    def merge(self, promises: Iterable[Promise]) -> None:
        """Add stored promises. Keep the later confirmation of those that are known."""
        for promise in promises:
            of_calendar = (
                one
                for one in self._promises.get(promise.release, ())
                if (one.calendar, one.learnt) == (promise.calendar, promise.learnt)
            )
            known = next(of_calendar, None)
            if known is None:
                self.add([promise])
            elif (promise.confirmed_at or NEVER) > (known.confirmed_at or NEVER):
                self.replace_promises([promise])

    def confirm(self, calendar: str, releases: Iterable[str], at: datetime) -> None:
        """Record that a calendar still showed its newest promise for these releases at `at`, or
        keep a later time.
        """
        for release in releases:
            newest = self.newest_promise(calendar, release)
            if newest is not None and (newest.confirmed_at or at) <= at:
                self.replace_promises([replace(newest, confirmed_at=at)])

    def replace_promises(self, promises: Iterable[Promise]) -> None:
        """Replace the known promises with the same release, calendar and time of reading."""
        for promise in promises:
            known = self._promises.get(promise.release, [])
            for place, earlier in enumerate(known):
                if (earlier.calendar, earlier.learnt) == (promise.calendar, promise.learnt):
                    known[place] = promise

    def correct_dates(self, step: timedelta, now: datetime) -> dict[Promise, Promise]:
        """Move times after `now` by `step` (negative), because the clock was ahead.

        Return each changed promise with its corrected version.
        """
        changed: dict[Promise, Promise] = {}
        for release, promises in self._promises.items():
            corrected = [promise.moved_back(step, now) for promise in promises]
            if corrected != promises:
                pairs = zip(promises, corrected, strict=True)
                changed |= {old: new for old, new in pairs if old != new}
                self._promises[release] = sorted(corrected, key=attrgetter("learnt"))
        return changed

    def newest_promise(self, calendar: str, release: str) -> Promise | None:
        """Return a calendar's last promise for a release, or None if it made none."""
        latest_first = reversed(self.promises_of(release))
        return next((promise for promise in latest_first if promise.calendar == calendar), None)

    def count_unlisted(
        self, calendar: str, successors: Mapping[str, Sequence[str]], at: datetime
    ) -> list[Promise]:
        """Return a calendar's newest promise for each release in `successors`, with one more read
        that did not show it.

        The read was made at `at`. `successors` has, by release, the titles of entries that may
        replace its entry.
        """
        counted = []
        for release, titles in successors.items():
            if (promise := self.newest_promise(calendar, release)) is not None:
                before = promise.unlisted or Unlisted(at, 0)
                all_titles = tuple(dict.fromkeys((*before.successors, *titles)))
                counted.append(
                    replace(promise, unlisted=Unlisted(before.since, before.reads + 1, all_titles))
                )
        return counted

    def mark_relisted(self, calendar: str, releases: Iterable[str]) -> list[Promise]:
        """Return those newest promises of a calendar that earlier reads did not show, marked as
        shown again.
        """
        promises = (self.newest_promise(calendar, release) for release in releases)
        return [
            replace(newest, unlisted=None)
            for newest in promises
            if newest is not None and newest.unlisted
        ]

    def promises_of(self, release: str) -> list[Promise]:
        """Return the promises of a release, oldest first."""
        return self._promises.get(release, [])

    def releases(self) -> list[str]:
        """Return the ids of all releases with promises."""
        return list(self._promises)

    def forget(self, releases: Iterable[str]) -> None:
        """Remove the promises of these releases."""
        for release in releases:
            self._promises.pop(release, None)

    def in_force(self, release: Release, now: datetime) -> InForce:
        """Return what is in force for a release."""
        return slot_in_force(release, self.promises_of(release.id), now)

    def promised_instants(self, release: str, begin: datetime, end: datetime) -> list[datetime]:
        """Return every instant in `[begin, end]` at which a release was ever promised."""
        promised: set[datetime | None] = set()
        for promise in self.promises_of(release):
            promised.update((promise.slot.instant, *promise.slot.readings))
        return [instant for instant in promised if instant is not None and begin <= instant <= end]

    def find_near(self, releases: Iterable[str], now: datetime, ahead: timedelta) -> list[str]:
        """Return the releases with a promised time at most `ahead` in the future or `BEHIND` in the
        past.
        """
        until, since = now + ahead, now - BEHIND
        near: list[str] = []
        for name in releases:
            for promise in self.promises_of(name):
                if _is_near(promise.slot, since, until):
                    near.append(name)
                    break
        return near

    def last_promised_day(self, release: str) -> date | None:
        """Return the local day on which the last promised slot of a release begins, None if it has
        none.
        """
        promises = self.promises_of(release)
        return first_day(promises[-1].slot) if promises else None

    def copy_promises(self, calendar: str, old: str, new: str) -> list[Promise]:
        """Return a calendar's promises for `old` as promises for `new`, except those that `new` has
        already.
        """
        known = {(promise.calendar, promise.learnt) for promise in self.promises_of(new)}
        to_copy = (promise for promise in self.promises_of(old) if promise.calendar == calendar)
        return [
            replace(promise, release=new)
            for promise in to_copy
            if (calendar, promise.learnt) not in known
        ]


def _is_near(slot: Slot, since: datetime, until: datetime) -> bool:
    """Return whether the instant or a part of the span of a slot is after `since` and not after
    `until`.
    """
    if slot.instant is not None:
        return since < slot.instant <= until
    begins, passes = slot.begins(), slot.passes()
    return begins is not None and passes is not None and begins <= until and since < passes
