"""Keeps the part of the ledger that is in memory. Releases that are long over are only in the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from alerts.incident import Incident
from monitor.judge.runs import Run
from monitor.ledger.dormant import AWAKE, DormantReleases, StoredReleases, find_past_releases, matching_releases
from monitor.ledger.missing_editions import PastEditions
from monitor.ledger.promises import PromiseBook
from monitor.ledger.state import CalendarState, Joining, ReadResult, StateLoader, join_again
from monitor.ledger.write import LedgerChange
from monitor.look.fetch import Found
from monitor.plan.targets import release_from_id
from monitor.store.rows import Announced, SeriesEdition
from monitor.store.sql.engine import Store
from monitor.threads import Ask, offload_many, portions, run_in_thread
from schedules.join import JoinRules
from schedules.matching import Key
from schedules.promise import Promise
from schedules.release import Release
from schedules.source import Reading

_log = structlog.get_logger(__name__)
_NOTHING = StoredReleases((), (), ())


class LedgerMemory:
    """The state of each calendar, the releases that their entries are joined into, and the promises for these."""

    def __init__(self, store: Store, rules: JoinRules, ask: Ask = run_in_thread) -> None:
        """Begin empty. `ask` runs a query of the store outside the event loop."""
        self._store = store
        self._ask = ask
        self._archive = DormantReleases(store, rules.order)
        self.book = PromiseBook()
        self.states: Mapping[str, CalendarState] = {}
        self.releases: Mapping[str, Release] = {}
        self.release_of: Mapping[Key, str] = {}
        self._rules = rules
        self._ambiguous: frozenset[frozenset[Key]] = frozenset()

    def load(self, now: datetime) -> None:
        """Load the entries of releases that are not long over. Blocks. Call `join_loaded` afterwards to join them."""
        reads = {name: self._store.ledger.reads(name, limit=20) for name in self._rules.order}
        loaders = {name: StateLoader(CalendarState.from_reads(name, mine)) for name, mine in reads.items()}
        release_of: dict[Key, str] = {}
        for portion in self._archive.load_current(now):
            for entry in portion.entries:
                loaders[entry.calendar].add_entry(entry)
            release_of |= {(entry.calendar, entry.uid): entry.release for entry in portion.entries}
            self.book.add(portion.promises)
        self.states = {name: loader.state() for name, loader in loaders.items()}
        self.release_of = release_of

    async def join_loaded(self) -> LedgerChange:
        """Join the loaded entries by the present rules, and return what this changes.

        Releases that only differ from their stored rows are not included: `find_differing` finds them.
        """
        joined = replace(await self._join_all(self.states), altered=frozenset())
        if names := [*joined.replaced_releases()]:
            self.releases = {one.id: one for one in await self._ask(lambda: self._store.ledger.releases_named(names))}
        return await self._change_from_join(joined, self.states)

    async def find_differing(self, names: Iterable[str]) -> list[Release]:
        """Return those of these releases that differ from their stored rows."""
        some = [self.releases[name] for name in names if name in self.releases]
        return [self.releases[name] for name in await self._ask(lambda: self._store.ledger.differing(some))]

    def state_of(self, calendar: str) -> CalendarState:
        """Return the state of a calendar, an empty one if it was never read."""
        return self.states.get(calendar) or CalendarState(calendar)

    def replace_state(self, state: CalendarState) -> None:
        """Replace the state of a calendar."""
        self.states = {**self.states, state.name: state}

    async def drop_past_releases(self, now: datetime, keep: Collection[str]) -> None:
        """Drop the releases that are long over from memory, except those to `keep`."""
        states, release_of, since = self.states.values(), self.release_of, now - AWAKE
        over = await offload_many(len(release_of), lambda: find_past_releases(states, release_of, self.book, since))
        if over := over.difference(keep):
            self._archive.add_past_editions((edition for edition in self.editions() if edition.release in over), now)
            self._forget_releases(over)

    async def load_releases(self, releases: Iterable[str]) -> StoredReleases:
        """Load those of these releases that are not in memory, if they are stored. Return them."""
        absent = [name for name in releases if name not in self.releases]
        loaded = _NOTHING
        for some in portions(absent):  # the time limit of the store applies to each portion
            loaded = loaded.combine(await self._ask(partial(self._archive.load_releases, some)))
        if loaded.releases:
            self._add_stored(loaded)
        return loaded

    async def load_entries_of(self, calendar: str, reading: Reading) -> CalendarState:
        """Load the entries that a read shows and that are only in the store. Return the state of the calendar then."""
        known = self.state_of(calendar).last_seen
        uids = [each.uid for each in reading.announcements if each.uid not in known]
        for some in portions(uids):
            await self.load_releases(await self._ask(partial(self._archive.releases_of_entries, calendar, some)))
        return self.state_of(calendar)

    async def change_from_read(self, calendar: str, result: ReadResult) -> LedgerChange:
        """Return how a read changes the ledger. Memory stays the same until `apply_change`."""
        state = result.state
        joined = Joining(self.releases, self.release_of, frozenset(), {}, self._ambiguous)
        if result.changed_ids:
            joined = await self._join_all({**self.states, calendar: state})
        # If the store has a release with the id of a new one, load it and join again, so that ids stay unique.
        while (loaded := await self.load_releases(joined.releases)).releases:
            state = state.with_stored_entries(entry for entry in loaded.entries if entry.calendar == calendar)
            joined = await self._join_all({**self.states, calendar: state})
        promises = result.changes.promises.items()
        new = {uid: replace(promise, release=joined.release_of[calendar, uid]) for uid, promise in promises}
        return replace(await self._change_from_join(joined, {**self.states, calendar: state}), new=new)

    async def past_editions(self, now: datetime) -> PastEditions:
        """Return the editions of releases that are only in the store."""
        awake = {*self.releases}
        return await self._ask(lambda: self._archive.past_editions(awake, now))

    def find_matching(self, producer: str, found: Found) -> list[Release]:
        """Return the releases of a producer in memory that have the address or title of a listing entry."""
        theirs = (one for one in self.releases.values() if producer in one.producers)
        return matching_releases(theirs, found.url, found.title)

    def find_matching_in_store(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the same for releases that are only in the store. Blocks."""
        return self._archive.find_matching(producer, url, title)

    def apply_change(self, change: LedgerChange) -> None:
        """Apply a change to memory. Call it after the change was written."""
        joined = change.joined
        self.states = dict(change.states)
        self.releases, self.release_of = joined.releases, joined.release_of
        self.book.add((*change.copies, *change.new.values()))
        for key, old in joined.moved.items():
            _log.info("rejoined", calendar=key[0], entry=key[1], was=old, release=joined.release_of[key])
        for rivals in joined.ambiguous - self._ambiguous:
            _log.warning("ambiguous_join", entries=sorted(" ".join(key) for key in rivals))
        self._ambiguous = joined.ambiguous

    def editions(self) -> Iterator[SeriesEdition]:
        """Yield each release in memory with its last promised slot."""
        for release in self.releases.values():
            for promise in self.book.promises_of(release.id)[-1:]:
                yield SeriesEdition(release.id, release.producer, release.title, release.calendars, promise.slot)

    def _forget_releases(self, over: Collection[str]) -> None:
        """Remove releases, with their entries and promises, from memory."""
        uids: dict[str, set[str]] = defaultdict(set)
        for (calendar, uid), release in self.release_of.items():
            if release in over:
                uids[calendar].add(uid)
        self.states = {name: state.without(uids[name]) for name, state in self.states.items()}
        self.releases = {name: one for name, one in self.releases.items() if name not in over}
        self.release_of = {key: name for key, name in self.release_of.items() if name not in over}
        self.book.forget(over)

    def _add_stored(self, loaded: StoredReleases) -> None:
        """Add releases from the store, with their entries and promises, to memory."""
        rows: dict[str, list[Announced]] = defaultdict(list)
        for entry in loaded.entries:
            rows[entry.calendar].append(entry)
        changed = {name: self.state_of(name).with_stored_entries(mine) for name, mine in rows.items()}
        self.states = {**self.states, **changed}
        self.releases = {**self.releases, **{one.id: one for one in loaded.releases}}
        self.release_of = {**self.release_of, **{(it.calendar, it.uid): it.release for it in loaded.entries}}
        self.book.add(loaded.promises)
        self._archive.forget_past_editions()

    async def _join_all(self, states: Mapping[str, CalendarState]) -> Joining:
        """Join the entries of all calendars again."""
        count, given = sum(len(state.announcements) for state in states.values()), states.values()
        return await offload_many(count, lambda: join_again(given, self._rules, self.release_of, self.releases))

    async def _change_from_join(self, joined: Joining, states: Mapping[str, CalendarState]) -> LedgerChange:
        """Return how the ledger changes after entries were joined to releases again.

        If all entries of a release moved to another one, its runs and incidents move too.
        """
        replaced, runs, incidents = joined.replaced_releases(), list[Run](), list[Incident]()
        for some in portions(sorted(replaced)):
            old_runs, old_incidents = await self._ask(partial(self._load_runs_and_incidents, some))
            runs += (_move_run(run, replaced) for run in old_runs)
            incidents += (replace(one, release=replaced[one.release]) for one in old_incidents)
        copies = self._promises_of_moved_entries(joined)
        return LedgerChange(joined, states, self.releases, copies, runs=runs, incidents=incidents)

    def _load_runs_and_incidents(self, releases: Sequence[str]) -> tuple[list[Run], list[Incident]]:
        """Return the stored runs and incidents of these releases. Blocks."""
        incidents = (one for name in releases for one in self._store.verdicts.incidents_of(name))
        return self._store.runs.of_releases(releases), list(incidents)

    def _promises_of_moved_entries(self, joined: Joining) -> list[Promise]:
        """Return the promises of entries that moved, as promises of their new releases."""
        moves = sorted({(key[0], old, joined.release_of[key]) for key, old in joined.moved.items()})
        return [one for calendar, old, new in moves for one in self.book.copy_promises(calendar, old, new)]


def _move_run(run: Run, replaced: Mapping[str, str]) -> Run:
    """Return a run for the same part of the release that replaced its own."""
    old = release_from_id(run.target)
    return replace(run, target=f"{replaced[old]}{run.target.removeprefix(old)}")
