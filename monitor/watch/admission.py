"""Decides which releases are watched: those with a near slot, and those that a listing shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.judge.runs import Run
from monitor.ledger.ledger import Ledger, RecordedRead
from monitor.ledger.promises import BEHIND
from monitor.ledger.reader import Outcome
from monitor.look.fetch import Found
from monitor.plan.targets import Target
from monitor.store.rows import Judged
from monitor.store.sql.engine import Store
from monitor.threads import (
    Ask,
    Tasks,
    offload_many,
    repeat_until_answered,
    with_pauses,
)
from monitor.watch.listing_match import NearRelease, recognise_by_title
from monitor.watch.rejudge import judged_found_page, judged_parts
from monitor.watch.release import WatchedRelease, group_by_release
from monitor.watch.watch import Watch
from schedules.release import Release

LISTINGS_AHEAD = timedelta(days=400)
"""How far ahead listings are searched for releases. Calendars announce no further ahead."""
_BEFORE_FIRST_LOOK = timedelta(hours=36)
"""Releases due so soon are watched before the first look, others during looks."""
_RETRY_SECONDS = 1.0


@dataclass
class Admission:
    """Adds releases to the watch when their slot is near, and passes on what calendars change."""

    store: Store
    ledger: Ledger
    watch: Watch
    clock: Clock
    ask: Ask
    _has_watched_all: bool = False
    # Ids of releases that listings may show: due within `LISTINGS_AHEAD`, or lately.
    _near_for_listings: set[str] = field(default_factory=set)
    # What calendars said when a release was finished. A change lets it be watched again.
    _finished: dict[str, tuple[Release | None, int]] = field(default_factory=dict)
    _tasks: Tasks = field(default_factory=Tasks)

    async def begin(self, now: datetime) -> None:
        """Watch the releases due next, before the first look. The first `roll` adds others."""
        near = await self._add_near_for_listings(self.ledger.book.releases(), now)
        ahead = min(_BEFORE_FIRST_LOOK, self.watch.ahead)
        await self._update_watch(now, near, ahead, soon=True)

    async def watch_all_near(self) -> None:
        """Watch all near releases and those without a final verdict, and store what differs."""
        now = self.clock.now()
        # Listings may show more of them than are watched.
        near = await self._add_near_for_listings(self.ledger.book.releases(), now)
        await self._update_watch(now, near, self.watch.ahead, soon=True)
        announced = self.ledger.releases
        not_final = await self.ask(self.store.verdicts.open_judged)
        unsettled = [row.release for row in not_final if row.slot is not None and row.slot < now]
        # One that is long over may be only in the store.
        await self._watch_or_update(announced[name] for name in unsettled if name in announced)
        await self.ledger.store_differing()
        self._has_watched_all = True

    async def watch_finished_again(self) -> None:
        """Watch releases again that were finished lately, to judge them with looks stored since."""
        self._finished.clear()
        await self._update_watch(self.clock.now(), self.ledger.book.releases(), self.watch.ahead)

    async def record_calendar_read(self, outcome: Outcome) -> RecordedRead:
        """Record a calendar read, watch new releases that are due soon, and update watched ones.

        Those joined into others are forgotten.
        """
        watched = self.watch.releases
        slots = ((name, release.published_slot) for name, release in watched.items())
        published = {name: slot for name, slot in slots if slot is not None}
        read = await self.ledger.record_read(outcome, watched, published)
        if read.change is not None:
            for joined_into_another in read.change.joined.replaced_releases():
                self.watch.forget(joined_into_another)
        for name in self.watch.releases.keys() & {*read.confirmed, *read.unlisted}:
            self.watch.update_promises(name, self.ledger.promises(name))
        if read.change is not None:
            now = self.clock.now()
            new_or_changed = {*read.change.joined.altered, *read.promised}
            to_update = {*new_or_changed, *self.watch.releases}
            await self._add_near_for_listings(to_update, now)
            new = read.change.new_releases()
            # This makes no query, so it needs no retry.
            await self._update_watch(now, new, self.watch.ahead, is_new=True)
            await self._update_or_retry(to_update.difference(new))
        return read

    async def settle_slot(self, release: str, meant: datetime, by: str) -> None:
        """Record which time a person said a text means, and judge by it.

        Raises `UnknownName`, `StoreFault`, and ValueError if the text cannot mean that.
        """
        await self.ledger.settle(release, meant, by)
        await self._update_or_retry([release])

    async def watch_all_near_or_retry(self) -> None:
        """Watch all near releases, in the background until the store answers."""
        await self._run_or_retry(self.watch_all_near)

    async def _update_or_retry(self, names: Collection[str]) -> None:
        await self._run_or_retry(
            lambda: self._update_watch(self.clock.now(), names, self.watch.ahead)
        )

    async def _run_or_retry(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except StoreFault:
            self._tasks.start(repeat_until_answered(work, self.clock, _RETRY_SECONDS))

    async def roll(self) -> None:
        """Watch the releases that have come near, and forget old ones: an hourly job."""
        if not self._has_watched_all:
            await repeat_until_answered(self.watch_all_near, self.clock, _RETRY_SECONDS)
        now = self.clock.now()
        # `_update_watch` chooses those near enough for looks.
        ahead = max(LISTINGS_AHEAD, self.watch.ahead)
        self._near_for_listings = await self.ledger.drop_past_and_find_near(
            now, self.watch.releases, ahead
        )
        # Without a near slot it is not watched again anyway.
        self._finished = {
            name: state for name, state in self._finished.items() if name in self._near_for_listings
        }
        await self._update_watch(now, self._near_for_listings, self.watch.ahead)

    def slots_by_calendar(
        self, begin: datetime, end: datetime
    ) -> Mapping[str, Collection[datetime]]:
        """Return the slots of watched releases in a span, by announcing calendar."""
        now = self.clock.now()
        book = self.ledger.book
        slots: dict[str, set[datetime]] = defaultdict(set)
        for name, watched in self.watch.releases.items():
            # Finding the slot in force is slow, so do it only for an instant not found yet.
            instants = book.promised_instants(name, begin, end)
            calendars = watched.release.calendars
            if all(instant in slots[calendar] for instant in instants for calendar in calendars):
                continue
            slot = book.in_force(watched.release, now).slot
            if slot is not None and slot.instant is not None and begin <= slot.instant <= end:
                for calendar in calendars:
                    slots[calendar].add(slot.instant)
        return slots

    def near_releases(self, producer: str) -> list[NearRelease]:
        """Return a producer's releases that listings may show, by id."""
        now = self.clock.now()
        known = self.ledger.releases
        watched = self.watch.releases
        found = []
        for release in [known[name] for name in sorted(self._near_for_listings) if name in known]:
            if producer not in release.producers:
                continue
            slot = self.ledger.book.in_force(release, now).slot
            passes = slot.passes() if slot is not None else None
            # It may have passed long ago since the last `roll`.
            if slot is not None and passes is not None and passes > now - BEHIND:
                # With the parts that looks have found.
                with_parts = watched[release.id].release if release.id in watched else release
                similar_titles = self.ledger.similar_titles(release.title)
                found.append(NearRelease(with_parts, slot.begins(), similar_titles))
        return found

    def find_same_address_or_title(self, producer: str, found: Found) -> list[NearRelease]:
        """Return a producer's releases with the address or title of an entry, without old ones."""
        now = self.clock.now()
        book = self.ledger.book
        return [
            NearRelease(release, book.in_force(release, now).slot_begins)
            for release in self.ledger.find_matching(producer, found)
        ]

    async def watch_release(self, release: str) -> WatchedRelease | None:
        """Watch a release at any distance from its slot, and return it if a calendar
        announces it.
        """
        known = self.ledger.releases.get(release)
        if known is not None and release not in self.watch.releases:
            await self._watch_or_update([known])
        return self.watch.releases.get(release)

    def targets_on(self, day: date | None) -> list[Target]:
        """Return the targets of watched releases due on a local day, or of all."""
        last_day = self.ledger.book.last_promised_day
        releases = self.watch.releases.items()
        chosen = [watched for name, watched in releases if day is None or last_day(name) == day]
        return list(chain.from_iterable(watched.targets.values() for watched in chosen))

    async def _add_near_for_listings(self, names: Collection[str], now: datetime) -> list[str]:
        """Remember and return those of these releases that a listing may show."""
        near = await self._find_near(names, now, LISTINGS_AHEAD)
        self._near_for_listings.update(near)
        return near

    async def _find_near(
        self, names: Collection[str], now: datetime, ahead: timedelta
    ) -> list[str]:
        """Return those with a slot within `ahead` or lately."""
        book = self.ledger.book
        names = [*names]
        return await offload_many(len(names), lambda: book.find_near(names, now, ahead))

    async def _update_watch(
        self,
        now: datetime,
        names: Collection[str],
        ahead: timedelta,
        *,
        soon: bool = False,
        is_new: bool = False,
    ) -> None:
        """Watch those with a slot within `ahead`, update watched ones, and forget finished ones.

        `is_new`: the store has none of these. `soon`: look now.
        """
        # Not all of these are near: a cancelled one has no slot any more.
        watched = [name for name in names if name in self.watch.releases]
        near = await self._find_near(names, now, ahead)
        releases = self.ledger.releases
        chosen = [releases[name] for name in dict.fromkeys([*near, *watched]) if name in releases]
        await self._watch_or_update(chosen, soon=soon, is_new=is_new)
        if is_new:
            # The changed releases of the same read are updated next. That can prevent an end.
            return
        for name in self.watch.forget_old(now):
            self._finished[name] = self._calendar_state(name)

    async def _watch_or_update(
        self, releases: Iterable[Release], *, soon: bool = False, is_new: bool = False
    ) -> None:
        """Update the watched ones of these releases, and watch others that need looks."""
        releases = list(releases)
        self._update_if_watched(releases)
        unwatched = [release for release in releases if self._needs_watch(release)]
        if not unwatched:
            return
        names = [release.id for release in unwatched]
        runs: dict[str, list[Run]] = {}
        verdicts: dict[str, Judged] = {}
        if not is_new:
            runs, verdicts = await self.ask(lambda: self._read_stored(names))
        async for release in with_pauses(unwatched, self.clock):
            # Another call may have begun to watch it during the query.
            self._update_if_watched([release])
            if self._needs_watch(release):
                verdict = verdicts.get(release.id)
                self.watch.adopt(
                    release,
                    self.ledger.promises(release.id),
                    runs.get(release.id, ()),
                    # The store does not keep how parts from listings are recognised.
                    found_parts=[recognise_by_title(part) for part in judged_parts(verdict)],
                    found_page=judged_found_page(verdict),
                    soon=soon,
                )

    def _update_if_watched(self, releases: Iterable[Release]) -> None:
        for release in releases:
            watched = self.watch.releases.get(release.id)
            if watched is None:
                continue
            promises = self.ledger.promises(release.id)
            if watched.announced != release or not watched.has_promises(promises):
                self.watch.adopt(release, promises)

    def _needs_watch(self, release: Release) -> bool:
        """Return whether a release is neither watched nor, as calendars show it now, finished."""
        if release.id in self.watch.releases:
            return False
        return self._finished.get(release.id) != self._calendar_state(release.id)

    def _read_stored(
        self, releases: Sequence[str]
    ) -> tuple[dict[str, list[Run]], dict[str, Judged]]:
        """Return by release the stored runs, and the stored verdicts of those with runs."""
        runs = group_by_release(self.store.runs.of_releases(releases))
        return runs, {row.release: row for row in self.store.verdicts.judged_on(list(runs))}

    def _calendar_state(self, release: str) -> tuple[Release | None, int]:
        """Return a release as calendars show it, and its number of promises: any change changes
        them.
        """
        return self.ledger.releases.get(release), len(self.ledger.promises(release))
