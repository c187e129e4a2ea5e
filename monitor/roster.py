"""The releases that calendars promise: reads come in, promises are written down, the watch is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from monitor.calendar_state import CalendarState, Checks, Rejoined, Weighed, rejoin, weigh
from monitor.calendars import Outcome
from monitor.casefile import judged_parts
from monitor.clock import Clock
from monitor.editions import MissingEdition, missing_editions
from monitor.ledger import BEHIND, Ledger
from monitor.plan.targets import Target
from monitor.record.rows import CalendarRead
from monitor.record.store import Store, Transaction
from monitor.record.writer import Writer
from monitor.tripwires import Near, read_by_title
from monitor.watch import Watch
from schedules.announcement import Announcement
from schedules.entry import Key
from schedules.join import Rules
from schedules.promise import Promise
from schedules.release import Release
from schedules.sanity import Alarm

T = TypeVar("T")
_log = structlog.get_logger(__name__)
LISTED = timedelta(days=60)
"""How far ahead of its slot a release is looked for in listings."""
_SMALL = 2_000
"""Entries that are dealt with at once; more are in a thread, and written in portions, so that no look has to wait."""
_CONFIRM_ALL = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Taken:
    """One read as it was judged, with the alarms it raised."""

    read: CalendarRead
    alarms: tuple[Alarm, ...] = ()


class Roster:
    """Keeps the ledger and says which releases are near enough to be watched."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        watch: Watch,
        clock: Clock,
        rules: Rules,
        checks: Mapping[str, Checks] | None = None,
    ) -> None:
        """Begin empty. `checks` say by calendar how its reads are held against earlier ones."""
        self._store = store
        self._writer = writer
        self._watch = watch
        self._clock = clock
        self._rules = rules
        self._checks = checks or {}
        self._states: dict[str, CalendarState] = {}
        self._confirmed: dict[str, datetime] = {}
        self._ledger = Ledger()
        self._releases: Mapping[str, Release] = {}
        self._release_of: Mapping[Key, str] = {}
        self._ambiguous: frozenset[frozenset[Key]] = frozenset()
        self._listed: set[str] = set()
        self._lock = asyncio.Lock()

    @property
    def releases(self) -> Mapping[str, Release]:
        """Return every release that a calendar has announced."""
        return self._releases

    async def take_up(self, now: datetime) -> None:
        """Read back what an earlier life knew, and watch what is near."""
        known: dict[Key, str] = {}
        for name in self._rules.order:
            rows = self._store.announced(name)
            known.update(((name, row.uid), row.body["release"]) for row in rows)
            self._states[name] = CalendarState.of(name, rows, self._store.reads(name, limit=20))
        self._ledger.add(self._store.promises())
        self._release_of = known
        if known:
            before = {release.id: release for release in self._store.releases()}
            joined = rejoin(self._states.values(), self._rules, known, before)
            await self._settle(joined, joined.altered, now)
        self._look_ahead(self._ledger.releases(), now)
        self._watch_near(now, self._ledger.releases(), soon=True)

    async def learn(self, outcome: Outcome) -> Taken:
        """Take in one read: write down what it promises and watch what is near."""
        async with self._lock:
            read, reading = outcome.read, outcome.reading
            state = self._states.get(read.calendar) or CalendarState(read.calendar)
            if reading is None:
                await self._writer.write(lambda tx: tx.add_read(read))
                return Taken(read)
            if reading is state.reading:
                await self._confirm(state, read)
                return Taken(read)
            checks = self._checks.get(read.calendar, Checks())
            weighed = await _aside(len(reading.announcements), lambda: weigh(state, read, reading, checks))
            if not weighed.learnt.usable:
                fault = "not believed: " + "; ".join(alarm.detail for alarm in weighed.learnt.alarms)
                doubted = replace(read, usable=False, fault=fault)
                await self._writer.write(lambda tx: tx.add_read(doubted))
                return Taken(doubted, weighed.learnt.alarms)
            await self._take(read, weighed)
            return Taken(read)

    async def roll(self) -> None:
        """Watch what has come near since, and forget what is long over."""
        async with self._lock:
            now = self._clock.now()
            names = self._ledger.releases()
            ahead = max(LISTED, self._watch.ahead)
            self._listed = set(await _aside(len(names), lambda: self._ledger.near(names, now, ahead)))
            self._watch_near(now, self._listed)

    def promises(self, release: str) -> list[Promise]:
        """Return the promises of a release in the order learnt."""
        return self._ledger.of(release)

    def shown(self, calendar: str) -> list[Announcement]:
        """Return what a calendar last said of each entry that it has ever shown."""
        state = self._states.get(calendar)
        return [] if state is None else list(state.shown.values())

    def last_read(self, calendar: str) -> datetime | None:
        """Return when a calendar was last read with success, in this life or an earlier one."""
        state = self._states.get(calendar)
        return None if state is None else state.last_read

    async def missing_editions(self, now: datetime, fresh: Collection[str]) -> list[MissingEdition]:
        """Return the editions of regular series that no calendar announces in time; see `missing_editions`."""
        async with self._lock:
            found = list(self._releases.values())
            return await _aside(len(found), lambda: list(missing_editions(found, self._ledger, fresh, now)))

    def slots(self, calendar: str) -> list[datetime]:
        """Return the instants in force of the watched releases that a calendar announces."""
        watched = [one.release for one in self._watch.releases.values() if calendar in one.release.calendars]
        slots = (self._ledger.slot(release, self._clock.now()) for release in watched)
        return [slot.instant for slot in slots if slot is not None and slot.instant is not None]

    def near(self, producer: str) -> list[Near]:
        """Return the releases of a producer whose slot lies not far ahead or has not long passed."""
        now = self._clock.now()
        mine = [
            release for release in map(self._releases.get, self._listed) if release and release.producer == producer
        ]
        watched = self._watch.releases
        return [
            Near(watched[release.id].release if release.id in watched else release, slot.begins())
            for release in sorted(mine, key=lambda release: release.id)
            if (slot := self._ledger.slot(release, now)) is not None
            and (passes := slot.passes()) is not None
            and passes > now - BEHIND
        ]

    def targets_on(self, day: date | None) -> list[Target]:
        """Return the targets of watched releases, of one local day or of all."""
        watched = self._watch.releases.values()
        chosen = [one for one in watched if day is None or self._ledger.day(one.release.id) == day]
        return [target for one in chosen for target in one.targets.values()]

    async def _confirm(self, state: CalendarState, read: CalendarRead) -> None:
        """Note that a calendar says what it said: of watched releases at every read, of all others now and then."""
        name, at = read.calendar, read.finished
        last = self._confirmed.get(name)
        uids = [uid for uid, seen in state.known.items() if seen.gone is None]
        if len(uids) > _SMALL and last is not None and at - last < _CONFIRM_ALL:
            uids = [uid for uid in uids if self._release_of[name, uid] in self._watch.releases]
        else:
            self._confirmed[name] = at
        self._states[name] = replace(state, last_read=at)

        def write(tx: Transaction) -> None:
            tx.confirm_all(name, [self._release_of[name, uid] for uid in uids], at)
            tx.touch_announced(name, uids, at)
            tx.add_read(read)

        await self._writer.write(write)

    async def _take(self, read: CalendarRead, weighed: Weighed) -> None:
        name = read.calendar
        self._states[name] = weighed.state
        altered: frozenset[str] = frozenset()
        if weighed.changed:
            states, before, of = list(self._states.values()), self._releases, self._release_of
            joined = await _aside(len(weighed.state.shown) + len(of), lambda: rejoin(states, self._rules, of, before))
            altered = joined.altered
            # The releases of entries that say something new are written with these.
            with_entries = {joined.release_of[name, uid] for uid in weighed.changed}
            await self._settle(joined, altered - with_entries, read.finished)
        await self._write(read, weighed, altered)
        now = self._clock.now()
        names = {*altered, *(self._release_of[name, uid] for uid in weighed.learnt.promises), *self._watch.releases}
        self._look_ahead(names, now)
        self._watch_near(now, names)
        for what, uids in (("absent", weighed.learnt.absent), ("reappeared", weighed.learnt.reappeared)):
            for uid in uids:
                _log.info("calendar_entry", calendar=name, entry=uid, what=what, release=self._release_of[name, uid])

    async def _settle(self, joined: Rejoined, saved: frozenset[str], at: datetime) -> None:
        """Take the releases as joined again; what an entry promised goes with it to its release."""
        self._releases, self._release_of = joined.releases, joined.release_of
        promises = [
            promise for key, old in joined.moved.items() for promise in self._ledger.move(key[0], old, self._of(key))
        ]
        entries = [self._states[key[0]].row(key[1], self._of(key), at) for key in joined.moved]
        releases = {self._of(key) for key in joined.moved} | saved

        def write(tx: Transaction) -> None:
            tx.save_releases(self._releases[release] for release in sorted(releases))
            tx.add_promises(promises)
            tx.save_announced(entries)

        if releases:
            await self._writer.write(write)
        for key, old in joined.moved.items():
            _log.info("rejoined", calendar=key[0], entry=key[1], was=old, release=self._of(key))
            if old not in self._releases:
                self._watch.forget(old)
        for rivals in joined.ambiguous - self._ambiguous:
            _log.warning("ambiguous_join", entries=sorted(" ".join(key) for key in rivals))
        self._ambiguous = joined.ambiguous

    async def _write(self, read: CalendarRead, weighed: Weighed, altered: frozenset[str]) -> None:
        name = read.calendar
        learnt, of = weighed.learnt.promises, self._release_of
        new = await _aside(
            len(learnt), lambda: {uid: replace(each, release=of[name, uid]) for uid, each in learnt.items()}
        )
        self._ledger.add(new.values())
        uids = list(dict.fromkeys((*weighed.changed, *new)))
        for start in range(_SMALL, len(uids), _SMALL):
            some = uids[start : start + _SMALL]
            await self._writer.write(partial(self._write_entries, read, weighed, some, new, altered))

        def write(tx: Transaction) -> None:
            self._write_entries(read, weighed, uids[:_SMALL], new, altered, tx)
            tx.save_announced(
                weighed.state.row(uid, self._of((name, uid)), read.finished) for uid in weighed.learnt.gone
            )
            tx.confirm_all(name, [self._release_of[name, uid] for uid in weighed.learnt.confirmed], read.finished)
            tx.touch_announced(
                name, [uid for uid in weighed.learnt.confirmed if uid not in weighed.changed], read.finished
            )
            tx.add_read(read)

        await self._writer.write(write)
        self._confirmed[name] = read.finished

    def _write_entries(
        self,
        read: CalendarRead,
        weighed: Weighed,
        uids: Sequence[str],
        new: Mapping[str, Promise],
        altered: frozenset[str],
        tx: Transaction,
    ) -> None:
        release_of = {uid: self._release_of[read.calendar, uid] for uid in uids}
        tx.save_releases(self._releases[release] for release in {*release_of.values()} & altered)
        tx.add_promises(new[uid] for uid in uids if uid in new)
        tx.save_announced(weighed.state.row(uid, release, read.finished) for uid, release in release_of.items())

    def _of(self, key: Key) -> str:
        return self._release_of[key]

    def _look_ahead(self, names: Iterable[str], now: datetime) -> None:
        self._listed.update(self._ledger.near(names, now, LISTED))

    def _watch_near(self, now: datetime, names: Iterable[str], *, soon: bool = False) -> None:
        wanted = list(names)
        # A release that was called off has no slot near any more; those who watch it must hear of it all the same.
        known = [name for name in wanted if name in self._watch.releases]
        for name in {**dict.fromkeys(self._ledger.near(wanted, now, self._watch.ahead)), **dict.fromkeys(known)}:
            release, promises = self._releases.get(name), self._ledger.of(name)
            if release is None:
                continue
            watched = self._watch.releases.get(name)
            if watched is None:
                runs = self._store.runs_of_release(name)
                found = [read_by_title(part) for part in judged_parts(self._store.judged_one(name))] if runs else []
                self._watch.adopt(release, promises, runs, found=found, soon=soon)
            elif len(watched.promises) != len(promises) or watched.announced != release:
                self._watch.adopt(release, promises)
        self._watch.forget_old(now)


async def _aside(count: int, work: Callable[[], T]) -> T:
    """Do work on this many entries, in a thread when they are many."""
    if count <= _SMALL:
        return work()
    return await asyncio.get_running_loop().run_in_executor(None, work)
