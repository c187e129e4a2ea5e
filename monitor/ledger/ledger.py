"""The ledger: every promise that calendars have made for releases, in memory and in the store."""

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
from monitor.ledger.state import CalendarState, Checks, ReadResult, evaluate_read
from monitor.ledger.write import LedgerChange
from monitor.look.fetch import Found
from monitor.store.batch import Write
from monitor.store.portions import Portions
from monitor.store.rows import CalendarRead
from monitor.store.sql.engine import Store
from monitor.store.writer import LATE, Writer
from monitor.threads import SMALL, Ask, offload_many, portions, repeat_until_answered, run_in_thread
from schedules.announcement import Announcement
from schedules.join import JoinRules
from schedules.ledger_event import Retitling
from schedules.matching import Key
from schedules.promise import Promise
from schedules.read_changes import Alarm, find_unlisted
from schedules.regular_series import series_of
from schedules.release import Release

_log = structlog.get_logger(__name__)
_CONFIRM_ALL_EVERY, _DROP_EVERY = timedelta(hours=6), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecordedRead:
    """The result of recording one calendar read: the alarms it raised, and what it changed in the ledger.

    `promised` are the releases with a new promise. `confirmed` are those whose promise it repeats. `unlisted` are
    those that it should show and does not. `retitled` are the changes of titles.
    """

    read: CalendarRead
    alarms: tuple[Alarm, ...] = ()
    change: LedgerChange | None = None
    promised: Collection[str] = ()
    confirmed: Collection[str] = ()
    retitled: Sequence[Retitling] = ()
    unlisted: Collection[str] = ()


class Ledger:
    """Records calendar reads, one at a time, and returns what is promised for each release."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        clock: Clock,
        rules: JoinRules,
        checks: Mapping[str, Checks] | None = None,
        ask: Ask = run_in_thread,
    ) -> None:
        """Begin empty. `checks` say, by calendar, how its reads are compared with earlier ones."""
        self._store = store
        self._rules = rules
        self._ask = ask
        self._memory = LedgerMemory(store, rules, ask)
        self._writer = writer
        self._clock = clock
        self._checks = checks or {}
        self._confirmed: dict[str, datetime] = {}
        self._last_dropped: datetime | None = None
        self._lock = asyncio.Lock()
        self._last_writes: dict[str, tuple[Write, object]] = {}

    @property
    def book(self) -> PromiseBook:
        """Return the promises in memory."""
        return self._memory.book

    @property
    def releases(self) -> Mapping[str, Release]:
        """Return every announced release in memory. Releases that are long over are only in the store."""
        return self._memory.releases

    async def take_up(self, now: datetime) -> None:
        """Load what is stored. Call `settle` afterwards."""
        async with self._lock:
            await run_in_thread(lambda: self._memory.load(now))
            await self._write_rejoined(self._memory, now)

    async def settle(self) -> None:
        """Store the releases that differ from their stored rows because the entries were joined again."""
        for names in portions(list(self.releases)):
            async with self._lock:
                if some := await self._memory.differing(names):
                    await self._write_briefly("", write.lost_rows(some))

    async def reconfigure(self, rules: JoinRules, checks: Mapping[str, Checks], now: datetime) -> None:
        """Use other rules to join calendars, and other checks for their reads, from now on."""
        async with self._lock:
            self._checks = checks
            if rules == self._rules:
                return
            # Until the new memory is complete, the old one answers queries.
            memory = LedgerMemory(self._store, rules, self._ask)
            await run_in_thread(lambda: memory.load(now))
            await self._write_rejoined(memory, now)
            self._memory, self._rules = memory, rules
        await self.settle()

    async def _write_rejoined(self, memory: LedgerMemory, now: datetime) -> None:
        """Join the loaded entries by the present rules, and store what that changes."""
        change = await memory.begin()
        await self._write_briefly("", write.rejoined_calendars(change, now))
        memory.take_over(change)
        self._last_dropped = now

    async def learn(self, outcome: Outcome, watched: Collection[str]) -> RecordedRead:
        """Record one read and store what it promises. Every read confirms the promises of `watched` releases."""
        async with self._lock:
            read, reading = outcome.read, outcome.reading
            state = self._memory.state(read.calendar)
            if reading is None:
                return await self._record_unusable(read, read.fault)
            as_of = outcome.as_of or read.finished
            if reading is state.reading:
                return await self._confirm(state, read, as_of, watched)
            if state.as_of is not None and as_of < state.as_of:
                return await self._record_unusable(read, "a copy that may be older than the last read")
            state = await self._memory.recalled(read.calendar, reading)
            checks = self._checks.get(read.calendar, Checks())
            evaluate = partial(evaluate_read, state, read, reading, checks, as_of)
            result = await offload_many(len(reading.announcements), evaluate)
            if not result.learnt.usable:
                alarms = result.learnt.alarms
                fault = "not believed: " + "; ".join(one.detail for one in alarms)
                return await self._record_unusable(read, fault, alarms)
            return await self._record_changes(read, result)

    async def write_again(self) -> None:
        """Store everything that is in memory again, because the store has lost some of it."""
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
            await self._write_briefly("", write.lost_rows(releases, promises, entries))

    async def roll(self, now: datetime, keep: Collection[str], ahead: timedelta) -> set[str]:
        """Drop releases that are long over from memory, except those to `keep`. Return those whose slot is near."""
        async with self._lock:
            if self._last_dropped is None or now - self._last_dropped >= _DROP_EVERY:
                self._last_dropped = now
                await self._memory.drop_past_releases(now, keep)
            names = self.book.releases()
            return set(await offload_many(len(names), lambda: self.book.near(names, now, ahead)))

    async def recall(self, release: str) -> Release | None:
        """Return an announced release, from the store if it is long over. None if no calendar announced it."""
        async with self._lock:
            await self._memory.recall([release])
            return self.releases.get(release)

    def promises(self, release: str) -> list[Promise]:
        """Return the promises of a release, oldest first."""
        return self.book.of(release)

    def begins(self, release: str) -> datetime | None:
        """Return when the slot in force of a release begins, or None if it has none."""
        known = self.releases.get(release)
        slot = None if known is None else self.book.slot(known, self._clock.now())
        return None if slot is None else slot.begins()

    def shown(self, calendar: str) -> list[Announcement]:
        """Return the last version of each entry that a calendar has ever shown."""
        return list(self._memory.state(calendar).shown.values())

    def last_read(self, calendar: str) -> datetime | None:
        """Return when a calendar was last read with success, also before this process started. None if never."""
        return self._memory.state(calendar).last_read

    async def missing_editions(self, now: datetime, fresh: Collection[str]) -> list[MissingEdition]:
        """Return the editions of regular series that no calendar has announced in time. See `missing_editions`."""
        async with self._lock:
            past = await self._memory.past(self._clock.now())
            found = list(self._memory.editions())
            return await offload_many(len(found), lambda: list(missing_editions(found, past, fresh, now)))

    async def has_series(self, producer: str, title: str) -> bool:
        """Return whether a producer has ever announced an edition of the series of this title."""
        series = series_of(producer, title)
        if any(series_of(one.producer, one.title) == series for one in self.releases.values()):
            return True
        async with self._lock:
            return series in (await self._memory.past(self._clock.now())).series()

    def matching(self, producer: str, found: Found) -> list[Release]:
        """Return the releases of a producer in memory that have the address or title of a listing entry."""
        return self._memory.matching(producer, found)

    async def matching_in_store(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the same from the store, for releases that are long over. Waits until the store answers."""
        found = partial(self._ask, lambda: self._memory.matching_in_store(producer, url, title))
        return await repeat_until_answered(found, self._clock)

    async def _write_briefly(self, calendar: str, portions: Portions, repeats: object = None) -> None:
        """Queue a write and wait for it, but only briefly, so that a slow store delays neither calendars nor looks.

        Reads are written in the order in which they were made. A read that only `repeats` what its calendar said
        replaces a queued one that repeats the same, unless its write has begun. Raises `StoreFault` if the queue is
        full.
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

    async def _record_unusable(self, read: CalendarRead, fault: str, alarms: tuple[Alarm, ...] = ()) -> RecordedRead:
        """Store a read that is not usable: it changes no promise."""
        doubted = replace(read, usable=False, fault=fault)
        await self._write_briefly(read.calendar, write.unusable_read(doubted), repeats=fault)
        return RecordedRead(doubted, alarms)

    async def _confirm(
        self, state: CalendarState, read: CalendarRead, as_of: datetime, watched: Collection[str]
    ) -> RecordedRead:
        """Record that a calendar repeats its promises: for watched releases always, for others every six hours."""
        name, at = read.calendar, read.finished
        last = self._confirmed.get(name)
        of = {uid: self._memory.release_of[name, uid] for uid in state.promised_entries()}
        some = len(of) > SMALL and last is not None and at - last < _CONFIRM_ALL_EVERY
        missing = [] if state.reading is None else find_unlisted(state.known, state.reading, at)
        unlisted = self._count_unlisted(state, self._memory.release_of, missing, of.values(), as_of)
        if some:
            of = {uid: release for uid, release in of.items() if release in watched}
        # A read that counts missing entries is not a repetition: the one before it must be written too.
        repeats = ("confirmed", some) if not unlisted else None
        await self._write_briefly(name, write.confirming_read(read, of, as_of, unlisted), repeats=repeats)
        self._memory.keep(replace(state, last_read=at, as_of=max(as_of, state.as_of or as_of)))
        self.book.put(unlisted)
        self.book.confirm(name, of.values(), as_of)
        if not some:
            self._confirmed[name] = at
        return RecordedRead(read, confirmed=of.values(), unlisted={one.release for one in unlisted})

    def _count_unlisted(
        self,
        state: CalendarState,
        release_of: Mapping[Key, str],
        missing: Iterable[str],
        shown: Iterable[str],
        at: datetime,
    ) -> list[Promise]:
        """Return the promises that a read at `at` no longer shows, with that read counted (rule 13).

        A release that the read shows under another id is left out. The titles of its likely successors are added.
        """
        releases = {release_of[state.name, uid]: uid for uid in missing if not state.is_under_another_id(uid)}
        for release in shown if releases else ():
            releases.pop(release, None)
        successors = {release: state.successors(uid) for release, uid in releases.items()}
        return self.book.with_unlisted(state.name, successors, at)

    async def _record_changes(self, read: CalendarRead, result: ReadResult) -> RecordedRead:
        """Store and keep what a usable read says that is new."""
        name, learnt, as_of = read.calendar, result.learnt, result.state.as_of
        change = await self._memory.change_from_read(name, result)
        count = len(result.changed) + len(learnt.confirmed)
        release_of, state, at = change.joined.release_of, change.states[name], as_of or read.finished
        shown = [release_of[name, uid] for uid, last in state.known.items() if last.is_listed]
        listing = self._count_unlisted(state, release_of, learnt.unlisted, shown, at)
        listing += self.book.relisted(name, (release_of[name, uid] for uid in learnt.confirmed))
        rows = await offload_many(count, lambda: write.changing_read(change, read, result, listing))
        await self._write_briefly(name, rows)
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
        titles = [changes[-1] for changes in result.state.titles.values() if changes[-1].at == read.finished]
        unlisted = {one.release for one in listing if one.unlisted is not None}
        return RecordedRead(read, (), change, promised, confirmed, titles, unlisted)
