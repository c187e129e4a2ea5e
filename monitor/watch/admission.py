"""Decide which releases are watched: those with a near slot, and those that a listing shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.judge.runs import Run
from monitor.ledger.ledger import Ledger, RecordedRead
from monitor.ledger.promises import BEHIND
from monitor.ledger.reader import Outcome
from monitor.look.fetch import Found
from monitor.plan.share import Share
from monitor.plan.targets import Target, release_from_id
from monitor.store.rows import Judged
from monitor.store.sql.engine import Store
from monitor.threads import Ask, Tasks, offload_many, repeat_until_answered, run_in_thread, with_pauses
from monitor.watch.listing_match import NearRelease, recognise_by_title
from monitor.watch.rejudge import judged_parts, judged_place
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.release import Release

LISTINGS_AHEAD = timedelta(days=400)
"""How far ahead of its slot a release is searched for in listings. Calendars announce no further ahead."""
_BEFORE_FIRST_LOOK = timedelta(hours=36)
"""Releases due within this are watched before the first look. The others are added while looks are made."""
_PATIENCE = 1.0


@dataclass
class Admission:
    """Adds releases to the watch when their slot is near, and passes on what calendar reads change."""

    store: Store
    ledger: Ledger
    watch: Watch
    clock: Clock
    ask: Ask = run_in_thread
    share: Share | None = None
    _has_begun: bool = False
    _listed: set[str] = field(default_factory=set)
    _finished: dict[str, tuple[Release | None, int]] = field(default_factory=dict)
    _tasks: Tasks = field(default_factory=Tasks)

    async def begin(self, now: datetime) -> None:
        """Watch the releases that are due next, before the first look. The first `roll` adds the others."""
        promised = await self._add_listed(self.ledger.book.releases(), now)
        await self._watch_near(now, promised, min(_BEFORE_FIRST_LOOK, self.watch.ahead), soon=True)

    async def watch_all_near(self, now: datetime) -> None:
        """Watch all releases with a near slot, and those with an open verdict from before the last stop."""
        promised = await self._add_listed(self.ledger.book.releases(), now)
        await self._watch_near(now, promised, self.watch.ahead, soon=True)
        await self._adopt_left_open(now)
        await self.ledger.store_differing()
        self._has_begun = True

    async def take_read(self, outcome: Outcome) -> RecordedRead:
        """Record one calendar read in the ledger, and update the watch with what it changed."""
        read = await self.ledger.record_read(outcome, self.watch.releases)
        if read.change is not None:
            for old in read.change.joined.replaced_releases():
                self.watch.forget(old)
        for name in self.watch.releases.keys() & {*read.confirmed, *read.unlisted}:
            self.watch.update_promises(name, self.ledger.promises(name))
        if read.change is not None:
            now = self.clock.now()
            names = {*read.change.joined.altered, *read.promised, *self.watch.releases}
            await self._add_listed(names, now)
            new = read.change.new_releases()
            await self._watch_near(now, new, self.watch.ahead, unseen=True)
            await self._watch_known(names.difference(new))
        return read

    async def _watch_known(self, names: Collection[str]) -> None:
        """Watch those releases that are near. If the store does not answer, retry in the background until it does."""

        async def work() -> None:
            await self._watch_near(self.clock.now(), names, self.watch.ahead)

        try:
            await work()
        except StoreFault:
            self._tasks.start(repeat_until_answered(work, self.clock, _PATIENCE))

    async def roll(self) -> None:
        """Watch the releases that have come near since the last call, and forget old ones."""
        if not self._has_begun:
            # Try until the store answers: the next call is an hour away.
            await repeat_until_answered(lambda: self.watch_all_near(self.clock.now()), self.clock, _PATIENCE)
        now = self.clock.now()
        ahead = max(LISTINGS_AHEAD, self.watch.ahead)
        self._listed = await self.ledger.drop_past_and_find_near(now, self.watch.releases, ahead)
        self._finished = {name: known for name, known in self._finished.items() if name in self._listed}
        await self._watch_near(now, self._listed, self.watch.ahead)

    def slots(self, begin: datetime, end: datetime) -> Mapping[str, Collection[datetime]]:
        """Return the slots of watched releases from `begin` to `end`, by the calendar that announces them."""
        found, now, book = defaultdict[str, set[datetime]](set), self.clock.now(), self.ledger.book
        for name, watched in self.watch.releases.items():
            # Finding the slot in force is slow. Skip it if another release of the same instants was found before.
            instants, calendars = book.promised_instants(name, begin, end), watched.release.calendars
            if all(at in found[calendar] for at in instants for calendar in calendars):
                continue
            slot = book.slot(watched.release, now)
            if slot is not None and slot.instant is not None and begin <= slot.instant <= end:
                for calendar in calendars:
                    found[calendar].add(slot.instant)
        return found

    def near(self, producer: str) -> list[NearRelease]:
        """Return a producer's releases with a slot within `LISTINGS_AHEAD` or recently passed, in order of id."""
        now, known = self.clock.now(), self.ledger.releases
        mine = [release for release in map(known.get, self._listed) if release and producer in release.producers]
        watched = self.watch.releases
        return [
            NearRelease(watched[release.id].release if release.id in watched else release, slot.begins())
            for release in sorted(mine, key=lambda release: release.id)
            if (slot := self.ledger.book.slot(release, now)) is not None
            and (passes := slot.passes()) is not None
            and passes > now - BEHIND
        ]

    def find_same_address_or_title(self, producer: str, found: Found) -> list[NearRelease]:
        """Return the releases of a producer, except old ones, that have the address or the title of an entry."""
        now, book = self.clock.now(), self.ledger.book
        matching = self.ledger.find_matching(producer, found)
        return [NearRelease(one, slot.begins() if (slot := book.slot(one, now)) else None) for one in matching]

    async def apply_share(self, share: Share) -> None:
        """Watch from now on only the releases in this monitor's share of the hosts."""
        self.share = share
        if share.name not in share.members:
            # Our lease has ended, and we send no requests until we have it again. Then most of these are ours again.
            return
        async for name, watched in with_pauses(list(self.watch.releases.items()), self.clock):
            if not self._is_ours(watched.release):
                self.watch.forget(name)
        came = [name async for name in with_pauses([*self._listed], self.clock) if self._is_missing(name)]
        await self._watch_near(self.clock.now(), came, self.watch.ahead, soon=True)

    async def watch_release(self, release: str) -> WatchedRelease | None:
        """Watch a release at any distance from its slot, and return it. None if no calendar announces it."""
        known = self.ledger.releases.get(release)
        if known is not None and release not in self.watch.releases:
            await self._adopt([known])
        return self.watch.releases.get(release)

    def targets_on(self, day: date | None) -> list[Target]:
        """Return the targets of watched releases due on one local day, or of all watched releases."""
        watched = self.watch.releases.values()
        chosen = [one for one in watched if day is None or self.ledger.book.last_promised_day(one.release.id) == day]
        return [target for one in chosen for target in one.targets.values()]

    async def _adopt_left_open(self, now: datetime) -> None:
        """Watch the releases that have passed their slot and had an open verdict at the last stop."""
        known, open_ones = self.ledger.releases, await self.ask(self.store.verdicts.open_judged)
        rows = [row for row in open_ones if row.slot is not None and row.slot < now]
        await self._adopt(known[row.release] for row in rows if row.release in known)

    async def _add_listed(self, names: Collection[str], now: datetime) -> list[str]:
        """Search listings for those of these releases that are due within `LISTINGS_AHEAD`. Return their ids."""
        listed = await self._near_among(names, now, LISTINGS_AHEAD)
        self._listed.update(listed)
        return listed

    async def _near_among(self, names: Collection[str], now: datetime, ahead: timedelta) -> list[str]:
        book, wanted = self.ledger.book, [*names]
        return await offload_many(len(wanted), lambda: book.find_near(wanted, now, ahead))

    async def _watch_near(
        self, now: datetime, wanted: Collection[str], ahead: timedelta, *, soon: bool = False, unseen: bool = False
    ) -> None:
        # A watched release that was cancelled has no slot any more. It must be updated all the same.
        known = [name for name in wanted if name in self.watch.releases]
        near = await self._near_among(wanted, now, ahead)
        names, releases = dict.fromkeys([*near, *known]), self.ledger.releases
        await self._adopt((releases[name] for name in names if name in releases), soon=soon, unseen=unseen)
        for name in self.watch.forget_old(now):
            self._finished[name] = self._last_known(name)

    async def _adopt(self, releases: Iterable[Release], *, soon: bool = False, unseen: bool = False) -> None:
        """Watch or update these releases, except finished ones that no calendar has changed.

        `unseen`: the store has no runs of them, so it is not queried. `soon`: look at every target at once.
        """
        new = [release for release in releases if self._is_ours(release) and self._should_adopt(release)]
        if not new:
            return
        runs, judged = ({}, {}) if unseen else await self.ask(lambda: self._stored([release.id for release in new]))
        async for release in with_pauses(new, self.clock):
            # During the query it may have been adopted, or may have moved to another monitor's share.
            if self._is_ours(release) and self._should_adopt(release):
                row = judged.get(release.id)
                found, place = [recognise_by_title(part) for part in judged_parts(row)], judged_place(row)
                promises = self.ledger.promises(release.id)
                seen = runs.get(release.id, ())
                self.watch.adopt(release, promises, seen, found=found, place=place, soon=soon)

    def _is_ours(self, release: Release) -> bool:
        return self.share is None or self.share.watches(urlsplit(release.url).hostname or release.id)

    def _is_missing(self, name: str) -> bool:
        """Return whether a release in this monitor's share is not watched here."""
        known = self.ledger.releases.get(name)
        return known is not None and name not in self.watch.releases and self._is_ours(known)

    def _should_adopt(self, release: Release) -> bool:
        """Return whether to start watching a release. If it is watched already, update it and return False."""
        name, promises = release.id, self.ledger.promises(release.id)
        watched = self.watch.releases.get(name)
        if watched is None:
            return self._finished.get(name) != self._last_known(name)
        if watched.announced != release or not watched.has_promises(promises):
            self.watch.adopt(release, promises)
        return False

    def _stored(self, releases: Sequence[str]) -> tuple[dict[str, list[Run]], dict[str, Judged]]:
        runs: dict[str, list[Run]] = defaultdict(list)
        for run in self.store.runs.of_releases(releases):
            runs[release_from_id(run.target)].append(run)
        return runs, {row.release: row for row in self.store.verdicts.judged_on(list(runs))}

    def _last_known(self, release: str) -> tuple[Release | None, int]:
        return self.ledger.releases.get(release), len(self.ledger.promises(release))
