"""Keeps the part of the ledger that is in memory, without releases that are long over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, starmap

import structlog

from alerts.incident import Incident
from monitor.judge.runs import Run
from monitor.ledger.missing_editions import PastEditions
from monitor.ledger.promises import PromiseBook
from monitor.ledger.state import (
    MOST_COUNTS,
    CalendarEntry,
    CalendarState,
    Joining,
    ReadResult,
    join_again,
)
from monitor.ledger.write import LedgerChange
from monitor.plan.targets import release_from_id
from monitor.store.rows import Announced, SeriesEdition
from monitor.store.sql.engine import Store
from monitor.threads import Ask, offload_many, portions, run_in_thread
from schedules.address import canonical_address, last_segment
from schedules.join import JoinRules
from schedules.matching import Key
from schedules.promise import Promise
from schedules.release import Release
from schedules.source import Reading
from schedules.titles import is_nearer, read_title, title_matches

_log = structlog.get_logger(__name__)
KEPT_AFTER_END = timedelta(days=90)
"""How long a release stays after its last promised time, and after calendars last showed it."""


@dataclass(frozen=True, slots=True)
class StoredReleases:
    """Stored releases, with their entries and promises."""

    releases: list[Release]
    entries: list[Announced]
    promises: list[Promise]


def _name_releases(
    promises: Mapping[str, Promise], calendar: str, release_of: Mapping[Key, str]
) -> dict[str, Promise]:
    """Return the promises of a calendar's entries, each with its release."""
    return {
        uid: replace(promise, release=release_of[calendar, uid])
        for uid, promise in promises.items()
    }


def _release_ids(entries: Iterable[Announced]) -> list[str]:
    return sorted({entry.release for entry in entries})


def matching_releases(releases: Iterable[Release], url: str, title: str) -> list[Release]:
    """Return those with the address of a listing entry, or the title nearest to its own."""
    address = canonical_address(url)
    candidates = list(releases)
    titled = [one for one in candidates if title_matches(one.title, title)]
    nearest = [
        one
        for one in titled
        if not any(is_nearer(other.title, one.title, title) for other in titled)
    ]
    return [one for one in candidates if canonical_address(one.url) == address or one in nearest]


def find_past_releases(
    states: Iterable[CalendarState],
    release_of: Mapping[Key, str],
    ledger: PromiseBook,
    since: datetime,
) -> set[str]:
    """Return the releases neither shown since `since` nor promised later.

    The store's `shown_since` returns all others.
    """
    shown = set[str]()
    for state in states:
        for uid, entry in state.entries.items():
            if entry.missing_since is None or entry.missing_since >= since:
                shown.add(release_of[state.name, uid])
    past = set[str]()
    for release in {*release_of.values()} - shown:
        promised_times = [promise.slot.begins() for promise in ledger.promises_of(release)]
        if all(time is None or time < since for time in promised_times):
            past.add(release)
    return past


class LedgerMemory:
    """The state of each calendar, the releases of their entries, and the promises for these."""

    def __init__(self, store: Store, rules: JoinRules, ask: Ask = run_in_thread) -> None:
        """Begin empty. `ask` runs a query outside the event loop."""
        self._store, self._ask, self._rules = store, ask, rules
        self.book = PromiseBook()
        self.states: Mapping[str, CalendarState] = {}  # by the name of a calendar
        self.releases: Mapping[str, Release] = {}  # by id
        self.release_of: Mapping[Key, str] = {}  # by calendar and uid of an entry
        # Entries that the last join could not decide on, each logged once.
        self._ambiguous: frozenset[frozenset[Key]] = frozenset()
        self._cached_past_editions: PastEditions | None = None

    def load(self, now: datetime) -> None:
        """Load last reads, and entries and promises of releases not long over, without joining
        them.

        A release without a final verdict is not over. Blocks.
        """
        reads = {
            name: self._store.ledger.reads(name, MOST_COUNTS, usable=True)
            for name in self._rules.order
        }
        states = {name: CalendarState.from_reads(name, rows) for name, rows in reads.items()}
        entries: dict[str, dict[str, CalendarEntry]] = {name: {} for name in states}
        release_of: dict[Key, str] = {}
        open_verdicts = self._store.verdicts.open_judged()
        unsettled = [
            verdict.release
            for verdict in open_verdicts
            if verdict.slot is not None and verdict.slot < now
        ]
        for names in portions(
            sorted({*self._store.ledger.shown_since(now - KEPT_AFTER_END), *unsettled})
        ):
            rows = self._load_entries(names)
            for row in rows:
                entries[row.calendar][row.uid] = states[row.calendar].restore_entry(row)
                release_of[row.calendar, row.uid] = row.release
            self.book.add(self._store.ledger.promises(_release_ids(rows)))
        self.states = {
            name: replace(state, entries=entries[name]) for name, state in states.items()
        }
        self.release_of = release_of

    async def join_loaded(self) -> LedgerChange:
        """Join the loaded entries. Return what this changes, for `apply_change`."""
        # `find_differing` later finds those that differ from their stored rows.
        joined = replace(await self._join_all(self.states), altered=frozenset())
        replaced = list(joined.replaced_releases())
        stored = (
            await self._ask(lambda: self._store.ledger.releases_named(replaced)) if replaced else []
        )
        return await self._change_from_join(
            joined, self.states, {release.id: release for release in stored}
        )

    async def find_differing(self, names: Iterable[str]) -> list[Release]:
        """Return those of these releases that are not stored, or differ."""
        known = [self.releases[name] for name in names if name in self.releases]
        return [
            self.releases[name]
            for name in await self._ask(lambda: self._store.ledger.differing(known))
        ]

    def state_of(self, calendar: str) -> CalendarState:
        """Return the state of a calendar, perhaps an empty one."""
        return self.states.get(calendar) or CalendarState(calendar)

    def replace_state(self, state: CalendarState) -> None:
        """Replace the state of a calendar."""
        self.states = {**self.states, state.name: state}

    async def drop_past_releases(self, now: datetime, keep: Collection[str]) -> None:
        """Drop releases long over from memory, except those to `keep`."""
        find = partial(
            find_past_releases,
            self.states.values(),
            self.release_of,
            self.book,
            now - KEPT_AFTER_END,
        )
        past = (await offload_many(len(self.release_of), find)).difference(keep)
        if past:
            # The days of past editions show when the next one is due.
            if self._cached_past_editions is not None:
                for edition in self.editions():
                    if edition.release in past:
                        self._cached_past_editions.add(edition, now)
            self._forget_releases(past)

    async def load_releases(self, releases: Iterable[str]) -> StoredReleases:
        """Load those of these releases that are not in memory, and return them."""
        absent = [name for name in releases if name not in self.releases]
        loaded = StoredReleases([], [], [])
        for names in portions(absent):  # the store's time limit applies to each
            portion = await self._ask(partial(self._load_stored, names))
            loaded.releases.extend(portion.releases)
            loaded.entries.extend(portion.entries)
            loaded.promises.extend(portion.promises)
        if loaded.releases:
            self._add_stored(loaded)
        return loaded

    async def load_entries_of(self, calendar: str, reading: Reading) -> CalendarState:
        """Load the releases of entries that a read shows but only the store has.

        Return the calendar's new state.
        """
        known = self.state_of(calendar).entries
        unknown = [
            announcement.uid
            for announcement in reading.announcements
            if announcement.uid not in known
        ]
        for uids in portions(unknown):
            entries = await self._ask(partial(self._store.ledger.entries_named, calendar, uids))
            await self.load_releases({entry.release for entry in entries})
        return self.state_of(calendar)

    async def change_from_read(self, calendar: str, result: ReadResult) -> LedgerChange:
        """Return how a usable read of a calendar changes the ledger.

        Call `apply_change` when the change is written. If the read changed entries, join the
        entries of all calendars into releases again.
        """
        state = result.state
        if result.changed_ids:
            joined, state = await self._join_with_stored(state)
        else:
            # The releases stay as they are: none is altered (empty set), no entry moves to another
            # one (empty dict).
            joined = Joining(self.releases, self.release_of, frozenset(), {}, self._ambiguous)
        promises = result.changes.promises
        name_releases = partial(_name_releases, promises, calendar, joined.release_of)
        new = await offload_many(len(promises), name_releases)
        change = await self._change_from_join(
            joined, {**self.states, calendar: state}, self.releases
        )
        return replace(change, new_promises=new)

    async def past_editions(self, now: datetime) -> PastEditions:
        """Return the editions of releases that are only in the store. They are cached."""
        if self._cached_past_editions is None:
            return await self._ask(partial(self._load_past_editions, {*self.releases}, now))
        return self._cached_past_editions

    def find_matching_in_store(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the stored releases of a producer that have the address or title of a listing
        entry. Blocks.
        """
        address_end, words = last_segment(url) or canonical_address(url), read_title(title).words
        return matching_releases(
            self._store.ledger.releases_alike(producer, address_end, words), url, title
        )

    def apply_change(self, change: LedgerChange) -> None:
        """Apply a change to memory. Call it after the change was written."""
        joined = change.joined
        self.states = dict(change.states)
        self.releases, self.release_of = joined.releases, joined.release_of
        self.book.add((*change.copied_promises, *change.new_promises.values()))
        for (calendar, uid), old in joined.old_release_of.items():
            _log.info(
                "rejoined",
                calendar=calendar,
                entry=uid,
                was=old,
                release=joined.release_of[calendar, uid],
            )
        for rivals in joined.ambiguous - self._ambiguous:
            _log.warning("ambiguous_join", entries=sorted(" ".join(key) for key in rivals))
        self._ambiguous = joined.ambiguous

    def editions(self) -> Iterator[SeriesEdition]:
        """Yield each promised release in memory, with its last promised slot."""
        for release in self.releases.values():
            if promises := self.book.promises_of(release.id):
                yield SeriesEdition(
                    release.id,
                    release.producer,
                    release.title,
                    release.calendars,
                    promises[-1].slot,
                )

    def _forget_releases(self, names: Collection[str]) -> None:
        uids: dict[str, set[str]] = defaultdict(set)
        for (calendar, uid), release in self.release_of.items():
            if release in names:
                uids[calendar].add(uid)
        self.states = {
            calendar: state.without(uids[calendar]) for calendar, state in self.states.items()
        }
        self.releases = {
            name: release for name, release in self.releases.items() if name not in names
        }
        self.release_of = {key: name for key, name in self.release_of.items() if name not in names}
        self.book.forget(names)

    def _add_stored(self, loaded: StoredReleases) -> None:
        rows: dict[str, list[Announced]] = defaultdict(list)
        for entry in loaded.entries:
            rows[entry.calendar].append(entry)
        # New mappings, because a thread may be reading the old ones.
        changed = {
            calendar: self.state_of(calendar).with_stored_entries(added)
            for calendar, added in rows.items()
        }
        self.states = {**self.states, **changed}
        self.releases = {**self.releases, **{release.id: release for release in loaded.releases}}
        self.release_of = {
            **self.release_of,
            **{(row.calendar, row.uid): row.release for row in loaded.entries},
        }
        self.book.add(loaded.promises)
        self._cached_past_editions = None  # it may have editions of these releases

    def _load_entries(self, releases: Sequence[str]) -> list[Announced]:
        return [
            entry
            for entry in self._store.ledger.entries_of(releases)
            if entry.calendar in self._rules.order
        ]

    def _load_stored(self, releases: Sequence[str]) -> StoredReleases:
        """Return those of these releases that are stored and in a configured calendar, with entries
        and promises.
        """
        entries = self._load_entries(releases)
        names = _release_ids(entries)
        return StoredReleases(
            self._store.ledger.releases_named(names), entries, self._store.ledger.promises(names)
        )

    def _load_past_editions(
        self, releases_in_memory: Collection[str], now: datetime
    ) -> PastEditions:
        past = PastEditions()
        rows = self._store.ledger.editions()
        while rows:
            for edition in rows:
                if edition.release not in releases_in_memory:
                    past.add(edition, now)
            # the next portion, after this release
            rows = self._store.ledger.editions(rows[-1].release)
        self._cached_past_editions = past
        return past

    async def _join_all(self, states: Mapping[str, CalendarState]) -> Joining:
        entry_count = sum(len(state.entries) for state in states.values())
        work = partial(join_again, states.values(), self._rules, self.release_of, self.releases)
        return await offload_many(entry_count, work)

    async def _join_with_stored(self, state: CalendarState) -> tuple[Joining, CalendarState]:
        """Join all entries, with this state of one calendar.

        If the store has a release with the id of a new one, load it and join again, so that ids
        stay unique. Return the result, and the state as it was joined.
        """
        while True:
            joined = await self._join_all({**self.states, state.name: state})
            loaded = await self.load_releases(joined.releases)
            if not loaded.releases:
                return joined, state
            state = state.with_stored_entries(
                entry for entry in loaded.entries if entry.calendar == state.name
            )

    async def _change_from_join(
        self, joined: Joining, states: Mapping[str, CalendarState], before: Mapping[str, Release]
    ) -> LedgerChange:
        """Return how the ledger changes after entries were joined again.

        `before` are the releases as they were. The promises of entries that moved are copied to
        their new release. If all entries of a release moved to another one, its runs and incidents
        move too.
        """
        replaced = joined.replaced_releases()
        runs, incidents = list[Run](), list[Incident]()
        for names in portions(sorted(replaced)):
            for run in await self._ask(partial(self._store.runs.of_releases, names)):
                old = release_from_id(run.target)
                runs.append(replace(run, target=f"{replaced[old]}{run.target.removeprefix(old)}"))
            for name in names:
                old_incidents = await self._ask(partial(self._store.verdicts.incidents_of, name))
                incidents += (
                    replace(incident, release=replaced[name]) for incident in old_incidents
                )
        moved_entries = joined.old_release_of.items()
        # Each calendar, old release and new release once, because several entries of a calendar may
        # move together.
        moves = {
            (calendar, old, joined.release_of[calendar, uid])
            for (calendar, uid), old in moved_entries
        }
        copies = list(chain.from_iterable(starmap(self.book.copy_promises, sorted(moves))))
        return LedgerChange(joined, states, before, copies, runs, incidents)
