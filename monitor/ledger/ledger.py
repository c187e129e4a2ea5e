"""Keeps the ledger, every promise that calendars have made, in memory and in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

import structlog

from monitor.clock import Clock
from monitor.errors import UnknownName
from monitor.ledger import write
from monitor.ledger.memory import LedgerMemory, matching_releases
from monitor.ledger.missing_editions import find_missing_editions
from monitor.ledger.promises import PromiseBook
from monitor.ledger.reader import Outcome
from monitor.ledger.similar_titles import SimilarTitles
from monitor.ledger.state import CalendarState, Checks, ReadResult, evaluate_read
from monitor.ledger.write import LedgerChange
from monitor.look.fetch import Found
from monitor.store.batch import Portions, Write
from monitor.store.rows import CalendarRead, SeriesEdition
from monitor.store.sql.engine import Store
from monitor.store.writer import STALLED_AFTER, Writer
from monitor.threads import SMALL, Ask, offload_many, portions, repeat_until_answered, run_in_thread
from schedules.in_force import slot_in_force
from schedules.join import JoinRules
from schedules.ledger_event import TitleChange
from schedules.matching import Key
from schedules.promise import Promise
from schedules.read_changes import Alarm, find_unlisted
from schedules.regular_series import Expectation, series_of
from schedules.release import Release

_log = structlog.get_logger(__name__)
_CONFIRM_ALL_EVERY, _DROP_EVERY = timedelta(hours=6), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecordedRead:
    """The result of recording one calendar read.

    `promised` releases have a new promise, `confirmed` ones a repeated one. `unlisted` are not
    shown although they should be. `retitled` are changes of titles.
    """

    read: CalendarRead
    alarms: tuple[Alarm, ...] = ()
    change: LedgerChange | None = None
    promised: Collection[str] = ()
    confirmed: Collection[str] = ()
    retitled: Sequence[TitleChange] = ()
    unlisted: Collection[str] = ()


class Ledger:
    """Records calendar reads, one at a time, and returns the promises for each release."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        clock: Clock,
        rules: JoinRules,
        checks: Mapping[str, Checks] | None = None,
        ask: Ask = run_in_thread,
    ) -> None:
        """Begin empty. `checks` are by calendar."""
        self._store, self._rules, self._ask = store, rules, ask
        self._memory = LedgerMemory(store, rules, ask)
        self._similar_titles = SimilarTitles()
        self._writer, self._clock = writer, clock
        self._checks = checks or {}
        # By calendar, when a read last confirmed the promises for all its releases.
        self._last_confirmed_all: dict[str, datetime] = {}
        self._past_dropped_at: datetime | None = None
        self._lock = asyncio.Lock()
        # By calendar or None: the last write, and the kind of write that may replace it.
        self._last_writes: dict[str | None, tuple[Write, object]] = {}

    @property
    def book(self) -> PromiseBook:
        """Return the promises in memory."""
        return self._memory.book

    @property
    def releases(self) -> Mapping[str, Release]:
        """Return the announced releases in memory, by id, without those long over."""
        return self._memory.releases

    async def load(self, now: datetime) -> None:
        """Load the stored calendars, join their entries, and store what this changes.

        Then call `store_differing`.
        """
        async with self._lock:
            await run_in_thread(lambda: self._memory.load(now))
            await self._write_rejoined(self._memory, now)

    async def store_differing(self) -> None:
        """Store the releases that differ from their stored rows after a join."""
        for names in portions(list(self.releases)):
            async with self._lock:
                if differing := await self._memory.find_differing(names):
                    await self._write_with_short_wait(write.prepare_rewrite(differing))

    async def reconfigure(
        self, rules: JoinRules, checks: Mapping[str, Checks], now: datetime
    ) -> None:
        """Use other rules and checks. Then call `store_differing`.

        If the store fails, raise `StoreFault` and change nothing.
        """
        async with self._lock:
            if rules != self._rules:
                # Queries use the old memory meanwhile.
                memory = LedgerMemory(self._store, rules, self._ask)
                await run_in_thread(lambda: memory.load(now))
                await self._write_rejoined(memory, now)
                self._memory, self._rules = memory, rules
            self._checks = checks

    async def _write_rejoined(self, memory: LedgerMemory, now: datetime) -> None:
        change = await memory.join_loaded()
        await self._write_with_short_wait(write.prepare_rejoined(change, now))
        memory.apply_change(change)
        self._past_dropped_at = now

    def _find_published(
        self, state: CalendarState, published: Mapping[str, datetime]
    ) -> dict[str, datetime]:
        """Return the slots of releases that are out and that only this calendar shows, by entry."""
        slots: dict[str, datetime] = {}
        if not published:
            return slots
        for uid in state.entries:
            release = self._memory.release_of.get((state.name, uid))
            if release is None or release not in published:
                continue
            if self.releases[release].calendars == (state.name,):
                slots[uid] = published[release]
        return slots

    async def record_read(
        self, outcome: Outcome, watched: Collection[str], published: Mapping[str, datetime]
    ) -> RecordedRead:
        """Record one read: its promises if it is usable, newer than the last, and without alarm.

        A repetition confirms the promises for `watched` releases at once, others less often. A read
        with `unread` entries counts as new, so that it does not confirm these. So does one with the
        next edition of a release that only this calendar shows. `published` are the slots of
        releases that are out.
        """
        async with self._lock:
            read, reading = outcome.read, outcome.reading
            state = self._memory.state_of(read.calendar)
            if reading is None:
                return await self._record_unusable(read, read.fault)
            as_of = outcome.as_of or read.finished
            published_entries = self._find_published(state, published)
            is_new = reading is not state.reading or bool(reading.unread)
            if not is_new and not state.has_next_edition(published_entries, read.finished):
                return await self._record_repeated(state, read, as_of, watched)
            # If that is in the future, the clock was wrong then.
            last_as_of = None if state.as_of is None else min(state.as_of, self._clock.now())
            if last_as_of is not None and as_of < last_as_of:
                return await self._record_unusable(
                    read, "a copy that may be older than the last read"
                )
            state = await self._memory.load_entries_of(read.calendar, reading)
            checks = self._checks.get(read.calendar, Checks())
            evaluate = partial(
                evaluate_read, state, read, reading, checks, as_of, published_entries
            )
            result = await offload_many(len(reading.announcements), evaluate)
            if not result.changes.usable:
                alarms = result.changes.alarms
                fault = "not believed: " + "; ".join(alarm.detail for alarm in alarms)
                return await self._record_unusable(read, fault, alarms)
            return await self._record_changes(read, result)

    async def settle(self, release: str, meant: datetime, by: str) -> None:
        """Record that a person, in the role `by`, said which time a text means.

        Raises `UnknownName`, `StoreFault`, and ValueError if it cannot mean that time.
        """
        async with self._lock:
            await self._memory.load_releases([release])
            known, now = self.releases.get(release), self._clock.now()
            if known is None:
                raise UnknownName(f"no release {release!r}")
            asked = slot_in_force(known, self.promises(release), now).promise
            if asked is None:
                raise ValueError("No time is announced for it.")
            answer = asked.settle(meant, by, now)
            await self._write_with_short_wait(write.prepare_rewrite([], [answer]))
            self.book.add([answer])

    async def rewrite_all_rows(self) -> None:
        """Write all that memory has to the store again, which may have lost some of it."""
        async with self._lock:
            memory, at = self._memory, self._clock.now()
            releases = list(self.releases.values())
            of_releases = (self.book.promises_of(release.id) for release in releases)
            promises = list(chain.from_iterable(of_releases))
            entries = []
            for state in memory.states.values():
                for uid in state.entries:
                    release_id = memory.release_of.get((state.name, uid))
                    if release_id is not None:
                        entries.append(state.entry_to_store(uid, release_id, at))
            await self._write_with_short_wait(write.prepare_rewrite(releases, promises, entries))

    async def merge_stored_promises(self, releases: Sequence[str]) -> None:
        """Add stored promises, which a former leader may have stored late. Raises `StoreFault`."""
        async with self._lock:
            self.book.merge(await self._ask(lambda: self._store.ledger.promises(releases)))

    async def correct_dates(self, step: timedelta, now: datetime) -> None:
        """Move the times of reads after `now` by a negative `step`."""
        async with self._lock:
            changed = self.book.correct_dates(step, now)
            if changed:
                await self._writer.write(
                    lambda tx: tx.replace_promises(list(changed), changed.values())
                )

    async def drop_past_and_find_near(
        self, now: datetime, keep: Collection[str], ahead: timedelta
    ) -> set[str]:
        """Drop releases long over but those to `keep`. Return those promised within `ahead`."""
        async with self._lock:
            if self._past_dropped_at is None or now - self._past_dropped_at >= _DROP_EVERY:
                self._past_dropped_at = now
                await self._memory.drop_past_releases(now, keep)
            names = self.book.releases()
            return set(
                await offload_many(len(names), lambda: self.book.find_near(names, now, ahead))
            )

    async def load_release(self, release: str) -> Release | None:
        """Return an announced release, loaded if it is long over, None if it never was
        announced.
        """
        async with self._lock:
            await self._memory.load_releases([release])
            return self.releases.get(release)

    def promises(self, release: str) -> list[Promise]:
        """Return the promises of a release, oldest first."""
        return self.book.promises_of(release)

    def slot_begins(self, release: str) -> datetime | None:
        """Return when the slot in force of a release begins, or None."""
        known = self.releases.get(release)
        return None if known is None else self.book.in_force(known, self._clock.now()).slot_begins

    def state_of(self, calendar: str) -> CalendarState:
        """Return what is known of a calendar."""
        return self._memory.state_of(calendar)

    async def find_missing_editions(self, now: datetime) -> list[tuple[SeriesEdition, Expectation]]:
        """Return regular series without a next edition, with the last one and the expected date.

        Calendars not read lately count by their last read.
        """
        async with self._lock:
            past = await self._memory.past_editions(now)
            found = list(self._memory.editions())
            return await offload_many(
                len(found), lambda: list(find_missing_editions(found, past, now))
            )

    async def has_series(self, producer: str, title: str) -> bool:
        """Return whether a producer has ever announced an edition of the series of this title."""
        series = series_of(producer, title)
        if any(
            series_of(release.producer, release.title) == series
            for release in self.releases.values()
        ):
            return True
        async with self._lock:
            return series in (await self._memory.past_editions(self._clock.now())).latest

    def similar_titles(self, title: str, named: str | None = None) -> tuple[str, ...]:
        """Return titles of other releases in memory that may be confused with this one, or with its
        file's name.
        """
        return self._similar_titles.find(title, self.releases, named)

    def find_matching(self, producer: str, found: Found) -> list[Release]:
        """Return a producer's releases in memory with the address or title of an entry."""
        of_producer = (
            release for release in self.releases.values() if producer in release.producers
        )
        return matching_releases(of_producer, found.url, found.title)

    async def find_matching_in_store(self, producer: str, url: str, title: str) -> list[Release]:
        """Do what `find_matching` does, with stored releases.

        Waits until the store answers.
        """
        query = partial(
            self._ask, lambda: self._memory.find_matching_in_store(producer, url, title)
        )
        return await repeat_until_answered(query, self._clock)

    async def _write_with_short_wait(
        self, portions: Portions, calendar: str | None = None, replaceable_by: object = None
    ) -> None:
        """Queue a write, and wait for it shortly, or not at all if an earlier one still waits.

        So a slow store delays neither calendars nor looks. The next write of the `calendar` with an
        equal `replaceable_by` replaces this one unless it has begun. Raises `StoreFault` if the
        queue is full or the write fails meanwhile.
        """
        if not portions.rows:
            return
        is_store_behind = any(not earlier.done.done() for earlier, _ in self._last_writes.values())
        replaced, last_replaceable_by = self._last_writes.get(calendar, (None, None))
        is_replaceable = replaceable_by is not None and replaceable_by == last_replaceable_by
        if not is_replaceable or (replaced is not None and replaced.is_begun):
            replaced = None
        queued = self._writer.write_in_portions(portions, instead_of=replaced)
        self._last_writes[calendar] = (queued, replaceable_by)
        await asyncio.wait({queued.done}, timeout=0.0 if is_store_behind else STALLED_AFTER)
        if queued.done.done():
            queued.done.result()

    async def _record_unusable(
        self, read: CalendarRead, fault: str, alarms: tuple[Alarm, ...] = ()
    ) -> RecordedRead:
        """Store a read as not usable because of a `fault`, and return it."""
        unusable = replace(read, usable=False, fault=fault)
        rows = Portions()
        rows.add([unusable])
        await self._write_with_short_wait(rows, read.calendar, replaceable_by=fault)
        return RecordedRead(unusable, alarms)

    async def _record_repeated(
        self, state: CalendarState, read: CalendarRead, as_of: datetime, watched: Collection[str]
    ) -> RecordedRead:
        """Record a read with the same entries as the last one, and confirm their promises.

        In a large calendar, unwatched releases are confirmed every six hours only. `as_of` is the
        earliest instant that the read can describe.
        """
        name, at = read.calendar, read.finished
        release_of, shown_uids = self._memory.release_of, state.promised_entries()
        last_all = self._last_confirmed_all.get(name)
        confirms_all = (
            len(shown_uids) <= SMALL or last_all is None or at - last_all >= _CONFIRM_ALL_EVERY
        )
        confirmed = {
            uid: release
            for uid in shown_uids
            if (release := release_of[name, uid]) in watched or confirms_all
        }
        # Their promises count such reads.
        not_shown = {
            uid: entry.last_seen for uid, entry in state.entries.items() if not entry.is_shown
        }
        uids = [] if state.reading is None else find_unlisted(not_shown, state.reading, at)
        unlisted = self._make_unlisted_promises(
            state, release_of, uids, (release_of[name, uid] for uid in shown_uids), as_of
        )
        rows = write.prepare_confirming_read(read, confirmed, as_of, unlisted)
        # A later equal write may replace one that waits, but not one with counts, which would be
        # lost.
        replaceable_by = None if unlisted else ("confirmed", confirms_all)
        await self._write_with_short_wait(rows, name, replaceable_by=replaceable_by)
        self._memory.replace_state(
            replace(state, last_read=at, as_of=max(as_of, state.as_of or as_of))
        )
        self.book.replace_promises(unlisted)
        self.book.confirm(name, confirmed.values(), as_of)
        if confirms_all:
            self._last_confirmed_all[name] = at
        return RecordedRead(
            read, confirmed=confirmed.values(), unlisted={promise.release for promise in unlisted}
        )

    def _make_unlisted_promises(
        self,
        state: CalendarState,
        release_of: Mapping[Key, str],
        unlisted_uids: Collection[str],
        shown_releases: Iterable[str],
        at: datetime,
    ) -> list[Promise]:
        """Return promises of entries not shown at `at` although their slot is ahead, one read more
        counted.

        Left out are releases shown by another entry.
        """
        # A calendar counts once for each release.
        uid_of_release = {release_of[state.name, uid]: uid for uid in unlisted_uids}
        if not uid_of_release:
            return []
        for release in shown_releases:
            uid_of_release.pop(release, None)
        titles = state.find_successors(uid_of_release.values())
        successors = {release: titles[uid] for release, uid in uid_of_release.items()}
        return self.book.count_unlisted(state.name, successors, at)

    async def _record_changes(self, read: CalendarRead, result: ReadResult) -> RecordedRead:
        """Store a usable read that differs from the last, and then apply it to memory."""
        name, read_changes = read.calendar, result.changes
        as_of = result.state.as_of or read.finished
        ledger_change = await self._memory.change_from_read(name, result)
        release_of, state = ledger_change.joined.release_of, ledger_change.states[name]
        shown = (release_of[name, uid] for uid, entry in state.entries.items() if entry.is_shown)
        confirmed = [release_of[name, uid] for uid in read_changes.confirmed]
        unlisted = self._make_unlisted_promises(
            state, release_of, read_changes.unlisted, shown, as_of
        )
        # Known promises, with another number of reads that lacked them.
        updated = [*unlisted, *self.book.mark_relisted(name, confirmed)]
        prepare = partial(write.prepare_changing_read, ledger_change, read, result, updated)
        rows = await offload_many(len(result.changed_ids) + len(confirmed), prepare)
        await self._write_with_short_wait(rows, name)
        self._last_confirmed_all[name] = read.finished
        self._memory.apply_change(ledger_change)
        self.book.replace_promises(updated)
        self.book.confirm(name, confirmed, as_of)
        # Absent in two reads in a row, and shown again after that.
        for what, uids in (
            ("absent", read_changes.unlisted_twice),
            ("reappeared", read_changes.reappeared),
        ):
            for uid in uids:
                _log.info(
                    "calendar_entry",
                    calendar=name,
                    entry=uid,
                    what=what,
                    release=release_of[name, uid],
                )
        last_title_changes = (
            entry.titles[-1] for entry in result.state.entries.values() if entry.titles
        )
        return RecordedRead(
            read,
            change=ledger_change,
            promised={release_of[name, uid] for uid in read_changes.promises},
            confirmed=confirmed,
            retitled=[change for change in last_title_changes if change.at == read.finished],
            unlisted={promise.release for promise in unlisted},
        )
