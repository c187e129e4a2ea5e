"""The ledger: what calendars have promised of releases, kept in memory and in the store alike."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.ledger import write
from monitor.ledger.memory import LedgerMemory
from monitor.ledger.missing_editions import MissingEdition, missing_editions
from monitor.ledger.promises import PromiseBook
from monitor.ledger.reader import Outcome
from monitor.ledger.state import CalendarState, Checks, ReadResult, weigh
from monitor.ledger.write import LedgerChange
from monitor.look.fetch import Found
from monitor.store.batch import Write
from monitor.store.portions import Portions
from monitor.store.rows import CalendarRead
from monitor.store.sql.engine import Store
from monitor.store.writer import LATE, Writer
from monitor.threads import SMALL, Ask, aside, off_the_loop, portions, until_answered
from schedules.announcement import Announcement
from schedules.join import Rules
from schedules.joinable import Key
from schedules.learn import still_unlisted
from schedules.promise import Promise
from schedules.regular_series import series_of
from schedules.release import Release
from schedules.retitled import Retitled
from schedules.sanity import Alarm

_log = structlog.get_logger(__name__)
_CONFIRM_ALL, _PUT_AWAY = timedelta(hours=6), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LearntRead:
    """One read as it was judged: the alarms it raised, and what it changed in the ledger.

    `promised` are the releases with a new promise, `confirmed` those whose promise it repeats, `unlisted` those that it
    should show and does not, and `retitled` are the changes of titles.
    """

    read: CalendarRead
    alarms: tuple[Alarm, ...] = ()
    change: LedgerChange | None = None
    promised: Collection[str] = ()
    confirmed: Collection[str] = ()
    retitled: Sequence[Retitled] = ()
    unlisted: Collection[str] = ()


class Ledger:
    """Learns reads, one at a time, and tells what is promised of each release; `book` has all promises in memory."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        clock: Clock,
        rules: Rules,
        checks: Mapping[str, Checks] | None = None,
        ask: Ask = off_the_loop,
    ) -> None:
        """Begin empty. `checks` say by calendar how its reads are held against earlier ones."""
        self._store = store
        self._rules = rules
        self._ask = ask
        self._memory = LedgerMemory(store, rules, ask)
        self._writer = writer
        self._clock = clock
        self._checks = checks or {}
        self._confirmed: dict[str, datetime] = {}
        self._put_away: datetime | None = None
        self._lock = asyncio.Lock()
        self._last_writes: dict[str, tuple[Write, object]] = {}

    @property
    def book(self) -> PromiseBook:
        """Return the promises in memory."""
        return self._memory.book

    @property
    def releases(self) -> Mapping[str, Release]:
        """Return every release that a calendar has announced, but for those that are long over."""
        return self._memory.releases

    async def take_up(self, now: datetime) -> None:
        """Read back what is stored; `settle` is to follow."""
        async with self._lock:
            await off_the_loop(lambda: self._memory.read_back(now))
            await self._begin(self._memory, now)

    async def settle(self) -> None:
        """Write down the releases that joining again has made other than they are stored."""
        for names in portions(list(self.releases)):
            async with self._lock:
                if some := await self._memory.differing(names):
                    await self._written("", write.again(some))

    async def reconfigure(self, rules: Rules, checks: Mapping[str, Checks], now: datetime) -> None:
        """Join calendars by other rules from now on, and hold their reads against earlier ones by other checks."""
        async with self._lock:
            self._checks = checks
            if rules == self._rules:
                return
            # What is asked meanwhile is answered by the old one.
            memory = LedgerMemory(self._store, rules, self._ask)
            await off_the_loop(lambda: memory.read_back(now))
            await self._begin(memory, now)
            self._memory, self._rules = memory, rules
        await self.settle()

    async def _begin(self, memory: LedgerMemory, now: datetime) -> None:
        change = await memory.begin()
        await self._written("", write.rejoined(change, now))
        memory.take_over(change)
        self._put_away = now

    async def learn(self, outcome: Outcome, watched: Collection[str]) -> LearntRead:
        """Take in one read and write down what it promises; `watched` releases are confirmed by every read."""
        async with self._lock:
            read, reading = outcome.read, outcome.reading
            state = self._memory.state(read.calendar)
            if reading is None:
                return await self._doubted(read, read.fault)
            as_of = outcome.as_of or read.finished
            if reading is state.reading:
                return await self._confirm(state, read, as_of, watched)
            if state.as_of is not None and as_of < state.as_of:
                return await self._doubted(read, "a copy that may be older than the last read")
            state = await self._memory.recalled(read.calendar, reading)
            checks = self._checks.get(read.calendar, Checks())
            weighed = await aside(len(reading.announcements), lambda: weigh(state, read, reading, checks, as_of))
            if not weighed.learnt.usable:
                alarms = weighed.learnt.alarms
                return await self._doubted(read, "not believed: " + "; ".join(one.detail for one in alarms), alarms)
            return await self._enter(read, weighed)

    async def write_again(self) -> None:
        """Write down everything that is in memory: the store has lost some of it."""
        async with self._lock:
            memory, at = self._memory, self._clock.now()
            releases = list(self.releases.values())
            promises = [promise for release in releases for promise in self.book.of(release.id)]
            entries = [
                state.entry(uid, memory.release_of[state.name, uid], at)
                for state in memory.states.values()
                for uid in state.shown
                if (state.name, uid) in memory.release_of
            ]
            await self._written("", write.again(releases, promises, entries))

    async def roll(self, now: datetime, keep: Collection[str], ahead: timedelta) -> set[str]:
        """Let go of releases that are long over, but for those to `keep`; return those whose slot is near."""
        async with self._lock:
            if self._put_away is None or now - self._put_away >= _PUT_AWAY:
                self._put_away = now
                await self._memory.put_away(now, keep)
            names = self.book.releases()
            return set(await aside(len(names), lambda: self.book.near(names, now, ahead)))

    async def recall(self, release: str) -> Release | None:
        """Return a release that a calendar has announced, however long ago; None for any other."""
        async with self._lock:
            await self._memory.recall([release])
            return self.releases.get(release)

    def promises(self, release: str) -> list[Promise]:
        """Return the promises of a release in the order learnt."""
        return self.book.of(release)

    def begins(self, release: str) -> datetime | None:
        """Return when the slot in force of a release begins, None without one."""
        known = self.releases.get(release)
        slot = None if known is None else self.book.slot(known, self._clock.now())
        return None if slot is None else slot.begins()

    def shown(self, calendar: str) -> list[Announcement]:
        """Return what a calendar last said of each entry that it has ever shown."""
        return list(self._memory.state(calendar).shown.values())

    def last_read(self, calendar: str) -> datetime | None:
        """Return when a calendar was last read with success, before or after the last start."""
        return self._memory.state(calendar).last_read

    async def missing_editions(self, now: datetime, fresh: Collection[str]) -> list[MissingEdition]:
        """Return the editions of regular series that no calendar announces in time; see `missing_editions`."""
        async with self._lock:
            past = await self._memory.past(self._clock.now())
            found = list(self._memory.editions())
            return await aside(len(found), lambda: list(missing_editions(found, past, fresh, now)))

    async def has_series(self, producer: str, title: str) -> bool:
        """Tell whether a producer has announced an edition of the series of this title, however long ago."""
        series = series_of(producer, title)
        if any(series_of(one.producer, one.title) == series for one in self.releases.values()):
            return True
        async with self._lock:
            return series in (await self._memory.past(self._clock.now())).series()

    def bearing(self, producer: str, found: Found) -> list[Release]:
        """Return the releases of a producer, not long over, that bear the address or the title of an entry."""
        return self._memory.bearing(producer, found)

    async def long_past(self, producer: str, url: str, title: str) -> list[Release]:
        """Return those that are long over, and that only the store knows: once it answers."""
        found = partial(self._ask, lambda: self._memory.long_past(producer, url, title))
        return await until_answered(found, self._clock)

    async def _written(self, calendar: str, portions: Portions, repeats: object = None) -> None:
        """Have something written, and wait for it, but not for long: neither calendars nor the watch are held up.

        All reads are written in the order in which they were made. One that only `repeats` what its calendar said takes
        the place of the one before it that repeats the same, unless that is under way. Raises `StoreFault` when too
        much waits.
        """
        if not portions.rows:
            return
        is_behind = any(not earlier.done.done() for earlier, _ in self._last_writes.values())
        last, says = self._last_writes.get(calendar, (None, None))
        is_repeated = last is not None and not last.is_begun and repeats is not None and repeats == says
        made = self._writer.write_in_portions(portions, instead_of=last if is_repeated else None)
        self._last_writes[calendar] = (made, repeats)
        await asyncio.wait({made.done}, timeout=0.0 if is_behind else LATE)
        if made.done.done():
            made.done.result()

    async def _doubted(self, read: CalendarRead, fault: str, alarms: tuple[Alarm, ...] = ()) -> LearntRead:
        """Write down a read that teaches nothing."""
        doubted = replace(read, usable=False, fault=fault)
        await self._written(read.calendar, write.doubted(doubted), repeats=fault)
        return LearntRead(doubted, alarms)

    async def _confirm(
        self, state: CalendarState, read: CalendarRead, as_of: datetime, watched: Collection[str]
    ) -> LearntRead:
        """Note that a calendar says what it said: of watched releases at every read, of all others now and then."""
        name, at = read.calendar, read.finished
        last = self._confirmed.get(name)
        of = {uid: self._memory.release_of[name, uid] for uid in state.standing()}
        some = len(of) > SMALL and last is not None and at - last < _CONFIRM_ALL
        missing = [] if state.reading is None else still_unlisted(state.known, state.reading, at)
        unlisted = self._count_unlisted(state, self._memory.release_of, missing, of.values(), as_of)
        if some:
            of = {uid: release for uid, release in of.items() if release in watched}
        # A read that counts entries as not shown repeats nothing: the one before it must be written too.
        repeats = ("confirmed", some) if not unlisted else None
        await self._written(name, write.confirmed(read, of, as_of, unlisted), repeats=repeats)
        self._memory.keep(replace(state, last_read=at, as_of=max(as_of, state.as_of or as_of)))
        self.book.put(unlisted)
        self.book.confirm(name, of.values(), as_of)
        if not some:
            self._confirmed[name] = at
        return LearntRead(read, confirmed=of.values(), unlisted={one.release for one in unlisted})

    def _count_unlisted(
        self,
        state: CalendarState,
        release_of: Mapping[Key, str],
        missing: Iterable[str],
        shown: Iterable[str],
        at: datetime,
    ) -> list[Promise]:
        """Count a read at `at` against each promise that it does not show, and return those promises.

        A release that the read shows under another id is left out. New entries that may replace one are noted.
        """
        releases = {release_of[state.name, uid]: uid for uid in missing if not state.is_under_another_id(uid)}
        for release in shown if releases else ():
            releases.pop(release, None)
        successors = {release: state.successors(uid) for release, uid in releases.items()}
        return self.book.with_unlisted(state.name, successors, at)

    async def _enter(self, read: CalendarRead, weighed: ReadResult) -> LearntRead:
        name, learnt, as_of = read.calendar, weighed.learnt, weighed.state.as_of
        change = await self._memory.change_of(name, weighed)
        count = len(weighed.changed) + len(learnt.confirmed)
        release_of, state, at = change.joined.release_of, change.states[name], as_of or read.finished
        shown = [release_of[name, uid] for uid, last in state.known.items() if last.gone is None]
        listing = self._count_unlisted(state, release_of, learnt.unlisted, shown, at)
        listing += self.book.relisted(name, (release_of[name, uid] for uid in learnt.confirmed))
        await self._written(name, await aside(count, lambda: write.learnt(change, read, weighed, listing)))
        self._confirmed[name] = read.finished
        self._memory.take_over(change)
        self.book.put(listing)
        confirmed = [] if as_of is None else [release_of[name, uid] for uid in learnt.confirmed]
        if as_of is not None:
            self.book.confirm(name, confirmed, as_of)
        for what, uids in (("absent", learnt.absent), ("reappeared", learnt.reappeared)):
            for uid in uids:
                _log.info("calendar_entry", calendar=name, entry=uid, what=what, release=release_of[name, uid])
        promised = {release_of[name, uid] for uid in learnt.promises}
        titles = [told[-1] for told in weighed.state.titles.values() if told[-1].at == read.finished]
        unlisted = {one.release for one in listing if one.unlisted is not None}
        return LearntRead(read, (), change, promised, confirmed, titles, unlisted)
