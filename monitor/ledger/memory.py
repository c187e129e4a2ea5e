"""The part of the ledger that is kept in memory. Releases that are long over are only in the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from alerts.incident import Incident
from monitor.judge.runs import Run
from monitor.ledger.dormant import AWAKE, DormantReleases, Recalled, long_over, matching_releases
from monitor.ledger.missing_editions import Past
from monitor.ledger.promises import PromiseBook
from monitor.ledger.state import CalendarState, ReadResult, Rejoined, StateLoader, rejoin
from monitor.ledger.write import LedgerChange
from monitor.look.fetch import Found
from monitor.plan.targets import release_from_id
from monitor.store.rows import Announced, SeriesEdition
from monitor.store.sql.engine import Store
from monitor.threads import Ask, aside, off_the_loop, portions
from schedules.join import JoinRules
from schedules.matching import Key
from schedules.promise import Promise
from schedules.release import Release
from schedules.source import Reading

_log = structlog.get_logger(__name__)
_NOTHING = Recalled((), (), ())


class LedgerMemory:
    """The state of each calendar, the releases that their entries are joined into, and their promises."""

    def __init__(self, store: Store, rules: JoinRules, ask: Ask = off_the_loop) -> None:
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
        """Load the entries of releases that are not long over. Blocks. Call `begin` afterwards to join them."""
        reads = {name: self._store.ledger.reads(name, limit=20) for name in self._rules.order}
        recalls = {name: StateLoader(CalendarState.of(name, mine)) for name, mine in reads.items()}
        release_of: dict[Key, str] = {}
        for portion in self._archive.current(now):
            for entry in portion.entries:
                recalls[entry.calendar].take(entry)
            release_of |= {(entry.calendar, entry.uid): entry.release for entry in portion.entries}
            self.book.add(portion.promises)
        self.states = {name: recall.state() for name, recall in recalls.items()}
        self.release_of = release_of

    async def begin(self) -> LedgerChange:
        """Join the loaded entries by the present rules, and return what that changes.

        A release that only differs from its stored row is not among the altered ones: see `differing`.
        """
        joined = replace(await self._join_all(self.states), altered=frozenset())
        left = [*joined.left()]
        if left:
            self.releases = {one.id: one for one in await self._ask(lambda: self._store.ledger.releases_named(left))}
        return await self._change_from_join(joined, self.states)

    async def differing(self, names: Iterable[str]) -> list[Release]:
        """Return those of these releases that differ from their stored rows."""
        some = [self.releases[name] for name in names if name in self.releases]
        return [self.releases[name] for name in await self._ask(lambda: self._store.ledger.differing(some))]

    def state(self, calendar: str) -> CalendarState:
        """Return the state of a calendar, an empty one if it was never read."""
        return self.states.get(calendar) or CalendarState(calendar)

    def keep(self, state: CalendarState) -> None:
        """Replace the state of a calendar."""
        self.states = {**self.states, state.name: state}

    async def drop_past_releases(self, now: datetime, keep: Collection[str]) -> None:
        """Drop the releases that are long over from memory, except those to `keep`."""
        states, since = self.states.values(), now - AWAKE
        over = await aside(len(self.release_of), lambda: long_over(states, self.release_of, self.book, since))
        if over := over.difference(keep):
            self._archive.add_past((edition for edition in self.editions() if edition.release in over), now)
            self._drop(over)

    async def recall(self, releases: Iterable[str]) -> Recalled:
        """Load those of these releases that a calendar announced and that are not in memory. Return them."""
        forgotten = [name for name in releases if name not in self.releases]
        recalled = _NOTHING
        for some in portions(forgotten):  # the store has its time to answer for each
            recalled = recalled.with_more(await self._ask(partial(self._archive.recall, some)))
        if recalled.releases:
            self._keep_in_memory(recalled)
        return recalled

    async def recalled(self, calendar: str, reading: Reading) -> CalendarState:
        """Return the state of a calendar after loading those of a read's entries that were dropped from memory."""
        known = self.state(calendar).known
        uids = [each.uid for each in reading.announcements if each.uid not in known]
        for some in portions(uids):
            await self.recall(await self._ask(partial(self._archive.releases_of_entries, calendar, some)))
        return self.state(calendar)

    async def change_from_read(self, calendar: str, result: ReadResult) -> LedgerChange:
        """Return what a read changes in the ledger. Memory stays as it is until `take_over`."""
        state, learnt = result.state, result.learnt.promises
        joined = await self._join_all({**self.states, calendar: state}) if result.changed else self._unchanged()
        # An id that was given to a release long ago must not be given to another one. So load it first.
        while (recalled := await self.recall(joined.releases)).releases:
            state = state.with_stored_entries(entry for entry in recalled.entries if entry.calendar == calendar)
            joined = await self._join_all({**self.states, calendar: state})
        new = {uid: replace(each, release=joined.release_of[calendar, uid]) for uid, each in learnt.items()}
        return replace(await self._change_from_join(joined, {**self.states, calendar: state}), new=new)

    async def past(self, now: datetime) -> Past:
        """Return the past editions of series that are only in the store."""
        awake = {*self.releases}
        return await self._ask(lambda: self._archive.past(awake, now))

    def matching(self, producer: str, found: Found) -> list[Release]:
        """Return the releases of a producer in memory that have the address or title of a listing entry."""
        theirs = (one for one in self.releases.values() if producer in one.producers)
        return matching_releases(theirs, found.url, found.title)

    def matching_in_store(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the same for releases that are only in the store. Blocks."""
        return self._archive.matching_releases(producer, url, title)

    def take_over(self, change: LedgerChange) -> None:
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
            for promise in self.book.of(release.id)[-1:]:
                yield SeriesEdition(release.id, release.producer, release.title, release.calendars, promise.slot)

    def _drop(self, over: Collection[str]) -> None:
        uids: dict[str, set[str]] = defaultdict(set)
        for (calendar, uid), release in self.release_of.items():
            if release in over:
                uids[calendar].add(uid)
        self.states = {name: state.without(uids[name]) for name, state in self.states.items()}
        self.releases = {name: one for name, one in self.releases.items() if name not in over}
        self.release_of = {key: name for key, name in self.release_of.items() if name not in over}
        self.book.forget(over)

    def _keep_in_memory(self, recalled: Recalled) -> None:
        rows: dict[str, list[Announced]] = defaultdict(list)
        for entry in recalled.entries:
            rows[entry.calendar].append(entry)
        changed = {name: self.state(name).with_stored_entries(mine) for name, mine in rows.items()}
        self.states = {**self.states, **changed}
        self.releases = {**self.releases, **{one.id: one for one in recalled.releases}}
        self.release_of = {**self.release_of, **{(it.calendar, it.uid): it.release for it in recalled.entries}}
        self.book.add(recalled.promises)
        self._archive.forget_past()

    async def _join_all(self, states: Mapping[str, CalendarState]) -> Rejoined:
        """Join the entries of all calendars again."""
        every = sum(len(state.shown) for state in states.values())
        return await aside(every, lambda: rejoin(states.values(), self._rules, self.release_of, self.releases))

    def _unchanged(self) -> Rejoined:
        return Rejoined(self.releases, self.release_of, frozenset(), {}, self._ambiguous)

    async def _change_from_join(self, joined: Rejoined, states: Mapping[str, CalendarState]) -> LedgerChange:
        """Return what changes in the ledger after entries were joined to releases again.

        If all entries of a release moved to another one, its runs and incidents move too.
        """
        left, runs, incidents = joined.left(), list[Run](), list[Incident]()
        for some in portions(sorted(left)):
            old_runs, old_incidents = await self._ask(partial(self._runs_and_incidents, some))
            runs += (_run_of_new_release(run, left) for run in old_runs)
            incidents += (replace(one, release=left[one.release]) for one in old_incidents)
        copies = self._promises_of_moved_entries(joined)
        return LedgerChange(joined, states, self.releases, copies, runs=runs, incidents=incidents)

    def _runs_and_incidents(self, releases: Sequence[str]) -> tuple[list[Run], list[Incident]]:
        """Return the stored runs and incidents of these releases. Blocks."""
        incidents = (one for name in releases for one in self._store.verdicts.incidents_of(name))
        return self._store.runs.of_releases(releases), list(incidents)

    def _promises_of_moved_entries(self, joined: Rejoined) -> list[Promise]:
        """Return the promises of entries that moved, as promises of their new releases."""
        moved = {(key[0], old, joined.release_of[key]) for key, old in joined.moved.items()}
        return [promise for road in sorted(moved) for promise in self.book.copies(*road)]


def _run_of_new_release(run: Run, left: Mapping[str, str]) -> Run:
    old = release_from_id(run.target)
    return replace(run, target=f"{left[old]}{run.target.removeprefix(old)}")
