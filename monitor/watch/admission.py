"""Which releases come under watch, and when: those whose slot comes near, and those that a listing shows."""

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
from monitor.threads import Ask, Tasks, aside, in_turns, off_the_loop, until_answered
from monitor.watch.listing_match import Near, read_by_title
from monitor.watch.rejudge import judged_parts, judged_place
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.release import Release

LISTED = timedelta(days=400)
"""How far ahead of its slot a release is looked for in listings: as far as calendars promise any."""
_AT_ONCE = timedelta(hours=36)
"""What is promised for so soon comes under watch before any look is made; the rest while looks go on."""
_PATIENCE = 1.0


@dataclass
class Admission:
    """Says which releases of the ledger are near enough to be watched, and tells the watch what the ledger learns."""

    store: Store
    ledger: Ledger
    watch: Watch
    clock: Clock
    ask: Ask = off_the_loop
    share: Share | None = None
    _has_begun: bool = False
    _listed: set[str] = field(default_factory=set)
    _over: dict[str, tuple[Release | None, int]] = field(default_factory=dict)
    _tasks: Tasks = field(default_factory=Tasks)

    async def begin(self, now: datetime) -> None:
        """Watch what is next of all that the ledger has read back; the first `roll` watches what is near besides."""
        promised = await self._look_ahead(self.ledger.book.releases(), now)
        await self._watch_near(now, promised, min(_AT_ONCE, self.watch.ahead), soon=True)

    async def take_up(self, now: datetime) -> None:
        """Watch what is near of all that the ledger knows, and what was left open at the last stop."""
        promised = await self._look_ahead(self.ledger.book.releases(), now)
        await self._watch_near(now, promised, self.watch.ahead, soon=True)
        await self._settle_left_open(now)
        await self.ledger.settle()
        self._has_begun = True

    async def learn(self, outcome: Outcome) -> RecordedRead:
        """Have the ledger take in one read, and watch what is near of what it promises."""
        learnt = await self.ledger.learn(outcome, self.watch.releases)
        if learnt.change is not None:
            for old in learnt.change.left():
                self.watch.forget(old)
        for name in self.watch.releases.keys() & {*learnt.confirmed, *learnt.unlisted}:
            self.watch.update_promises(name, self.ledger.promises(name))
        if learnt.change is not None:
            now = self.clock.now()
            names = {*learnt.change.joined.altered, *learnt.promised, *self.watch.releases}
            await self._look_ahead(names, now)
            new = learnt.change.new_releases()
            await self._watch_near(now, new, self.watch.ahead, unseen=True)
            await self._watch_known(names.difference(new))
        return learnt

    async def _watch_known(self, names: Collection[str]) -> None:
        """Watch what is near of releases of which the store may know more: as soon as it answers."""

        async def work() -> None:
            await self._watch_near(self.clock.now(), names, self.watch.ahead)

        try:
            await work()
        except StoreFault:
            self._tasks.start(until_answered(work, self.clock, _PATIENCE))

    async def roll(self) -> None:
        """Watch what has come near since, and forget what is long over."""
        if not self._has_begun:
            # What lies open for want of a look is not left for an hour, until the next turn.
            await until_answered(lambda: self.take_up(self.clock.now()), self.clock, _PATIENCE)
        now = self.clock.now()
        self._listed = await self.ledger.roll(now, self.watch.releases, max(LISTED, self.watch.ahead))
        self._over = {name: said for name, said in self._over.items() if name in self._listed}
        await self._watch_near(now, self._listed, self.watch.ahead)

    def slots(self, begin: datetime, end: datetime) -> Mapping[str, Collection[datetime]]:
        """Return, by calendar, the instants in force from `begin` to `end` of the watched releases it announces."""
        found, now, book = defaultdict[str, set[datetime]](set), self.clock.now(), self.ledger.book
        for name, watched in self.watch.releases.items():
            # What is in force takes long to tell, and many releases share an instant.
            promised = {
                (calendar, at) for at in book.instants(name, begin, end) for calendar in watched.release.calendars
            }
            if all(at in found[calendar] for calendar, at in promised):
                continue
            slot = book.slot(watched.release, now)
            if slot is not None and slot.instant is not None and begin <= slot.instant <= end:
                for calendar in watched.release.calendars:
                    found[calendar].add(slot.instant)
        return found

    def near(self, producer: str) -> list[Near]:
        """Return the releases of a producer whose slot lies not far ahead or has not long passed."""
        now, known = self.clock.now(), self.ledger.releases
        mine = [release for release in map(known.get, self._listed) if release and producer in release.producers]
        watched = self.watch.releases
        return [
            Near(watched[release.id].release if release.id in watched else release, slot.begins())
            for release in sorted(mine, key=lambda release: release.id)
            if (slot := self.ledger.book.slot(release, now)) is not None
            and (passes := slot.passes()) is not None
            and passes > now - BEHIND
        ]

    def bearing(self, producer: str, found: Found) -> list[Near]:
        """Return the releases of a producer, not long over, that bear the address or the title of an entry."""
        now, book = self.clock.now(), self.ledger.book
        theirs = self.ledger.matching(producer, found)
        return [Near(one, slot.begins() if (slot := book.slot(one, now)) else None) for one in theirs]

    async def deal(self, share: Share) -> None:
        """Watch from now on what falls to this monitor among several, and nothing else."""
        self.share = share
        if share.name not in share.members:
            # We look at nothing until we are known to live; most of it, or all, will be ours again.
            return
        async for name, watched in in_turns(list(self.watch.releases.items()), self.clock):
            if not self._is_ours(watched.release):
                self.watch.forget(name)
        came = [name async for name in in_turns([*self._listed], self.clock) if self._is_missing(name)]
        await self._watch_near(self.clock.now(), came, self.watch.ahead, soon=True)

    async def take(self, release: str) -> WatchedRelease | None:
        """Watch a release, however far ahead its slot; None when no calendar tells of it."""
        known = self.ledger.releases.get(release)
        if known is not None and release not in self.watch.releases:
            await self._adopt([known])
        return self.watch.releases.get(release)

    def targets_on(self, day: date | None) -> list[Target]:
        """Return the targets of watched releases, of one local day or of all."""
        watched = self.watch.releases.values()
        chosen = [one for one in watched if day is None or self.ledger.book.day(one.release.id) == day]
        return [target for one in chosen for target in one.targets.values()]

    async def _settle_left_open(self, now: datetime) -> None:
        """Have verdicts judged to their end that were open at the last stop, long ago."""
        known, open_ones = self.ledger.releases, await self.ask(self.store.verdicts.open_judged)
        rows = [row for row in open_ones if row.slot is not None and row.slot < now]
        await self._adopt(known[row.release] for row in rows if row.release in known)

    async def _look_ahead(self, names: Collection[str], now: datetime) -> list[str]:
        """Have listings watched for those that are promised for within `LISTED`; return which."""
        listed = await self._near_among(names, now, LISTED)
        self._listed.update(listed)
        return listed

    async def _near_among(self, names: Collection[str], now: datetime, ahead: timedelta) -> list[str]:
        book, wanted = self.ledger.book, [*names]
        return await aside(len(wanted), lambda: book.near(wanted, now, ahead))

    async def _watch_near(
        self, now: datetime, wanted: Collection[str], ahead: timedelta, *, soon: bool = False, unseen: bool = False
    ) -> None:
        # A release that was called off has no slot near any more; those who watch it must hear of it all the same.
        known = [name for name in wanted if name in self.watch.releases]
        near = await self._near_among(wanted, now, ahead)
        names, releases = dict.fromkeys([*near, *known]), self.ledger.releases
        await self._adopt((releases[name] for name in names if name in releases), soon=soon, unseen=unseen)
        for name in self.watch.forget_old(now):
            self._over[name] = self._said_of(name)

    async def _adopt(self, releases: Iterable[Release], *, soon: bool = False, unseen: bool = False) -> None:
        """Have releases watched as they are now, but for those that were over and nothing new was said of since.

        Of those `unseen` nothing is stored that was seen of them.
        """
        new = [release for release in releases if self._is_ours(release) and self._is_new(release)]
        if not new:
            return
        runs, judged = ({}, {}) if unseen else await self.ask(lambda: self._stored([release.id for release in new]))
        async for release in in_turns(new, self.clock):
            # Another may have been faster while the store was asked, or others have come that it falls to.
            if self._is_ours(release) and self._is_new(release):
                row = judged.get(release.id)
                found, place = [read_by_title(part) for part in judged_parts(row)], judged_place(row)
                promises = self.ledger.promises(release.id)
                seen = runs.get(release.id, ())
                self.watch.adopt(release, promises, seen, found=found, place=place, soon=soon)

    def _is_ours(self, release: Release) -> bool:
        return self.share is None or self.share.watches(urlsplit(release.url).hostname or release.id)

    def _is_missing(self, name: str) -> bool:
        """Tell whether a release that falls to this monitor is not watched: far ahead, or what another watched."""
        known = self.ledger.releases.get(name)
        return known is not None and name not in self.watch.releases and self._is_ours(known)

    def _is_new(self, release: Release) -> bool:
        """Tell whether a release is to come under watch; one that is watched already is as its calendars now say."""
        name, promises = release.id, self.ledger.promises(release.id)
        watched = self.watch.releases.get(name)
        if watched is None:
            return self._over.get(name) != self._said_of(name)
        if watched.announced != release or not watched.has_promises(promises):
            self.watch.adopt(release, promises)
        return False

    def _stored(self, releases: Sequence[str]) -> tuple[dict[str, list[Run]], dict[str, Judged]]:
        runs: dict[str, list[Run]] = defaultdict(list)
        for run in self.store.runs.of_releases(releases):
            runs[release_from_id(run.target)].append(run)
        return runs, {row.release: row for row in self.store.verdicts.judged_on(list(runs))}

    def _said_of(self, release: str) -> tuple[Release | None, int]:
        return self.ledger.releases.get(release), len(self.ledger.promises(release))
