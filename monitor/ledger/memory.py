"""What calendars have said of releases, as far as it is kept in memory; the rest stays in the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from alerts.incident import Incident
from monitor.judge.runs import Run
from monitor.ledger.dormant import AWAKE, DormantReleases, Recalled, alike, long_over
from monitor.ledger.missing_editions import Past
from monitor.ledger.promises import PromiseBook
from monitor.ledger.state import CalendarState, ReadResult, Recall, Rejoined, rejoin
from monitor.ledger.write import LedgerChange
from monitor.look.fetch import Found
from monitor.plan.targets import release_of
from monitor.store.rows import Announced, SeriesEdition
from monitor.store.sql.engine import Store
from monitor.threads import Ask, aside, off_the_loop, portions
from schedules.join import Rules
from schedules.joinable import Key
from schedules.promise import Promise
from schedules.release import Release
from schedules.source import Reading

_log = structlog.get_logger(__name__)
_NOTHING = Recalled((), (), ())


class LedgerMemory:
    """Calendars' states, the releases that their entries make up, and what was promised of these."""

    def __init__(self, store: Store, rules: Rules, ask: Ask = off_the_loop) -> None:
        """Begin empty. `ask` puts questions to the store."""
        self._store = store
        self._ask = ask
        self._archive = DormantReleases(store, rules.order)
        self.book = PromiseBook()
        self.states: Mapping[str, CalendarState] = {}
        self.releases: Mapping[str, Release] = {}
        self.release_of: Mapping[Key, str] = {}
        self._rules = rules
        self._ambiguous: frozenset[frozenset[Key]] = frozenset()

    def read_back(self, now: datetime) -> None:
        """Read back what calendars said of releases that are not long over, which `begin` joins; blocks."""
        reads = {name: self._store.ledger.reads(name, limit=20) for name in self._rules.order}
        recalls = {name: Recall(CalendarState.of(name, mine)) for name, mine in reads.items()}
        release_of: dict[Key, str] = {}
        for portion in self._archive.current(now):
            for entry in portion.entries:
                recalls[entry.calendar].take(entry)
            release_of |= {(entry.calendar, entry.uid): entry.release for entry in portion.entries}
            self.book.add(portion.promises)
        self.states = {name: recall.state() for name, recall in recalls.items()}
        self.release_of = release_of

    async def begin(self) -> LedgerChange:
        """Return what joining again what was read back comes to, under the rules of today.

        What only differs from what is stored is not among what it has altered: see `differing`.
        """
        joined = replace(await self._joined(self.states), altered=frozenset())
        left = [*joined.left()]
        if left:
            self.releases = {one.id: one for one in await self._ask(lambda: self._store.ledger.releases_named(left))}
        return await self._change(joined, self.states)

    async def differing(self, names: Iterable[str]) -> list[Release]:
        """Return those of these releases that the store has otherwise."""
        some = [self.releases[name] for name in names if name in self.releases]
        return [self.releases[name] for name in await self._ask(lambda: self._store.ledger.differing(some))]

    def state(self, calendar: str) -> CalendarState:
        """Return what a calendar has shown."""
        return self.states.get(calendar) or CalendarState(calendar)

    def keep(self, state: CalendarState) -> None:
        """Keep what a calendar has shown now."""
        self.states = {**self.states, state.name: state}

    async def put_away(self, now: datetime, keep: Collection[str]) -> None:
        """Let go of the releases that are long over, but for those to `keep`."""
        states, since = self.states.values(), now - AWAKE
        over = await aside(len(self.release_of), lambda: long_over(states, self.release_of, self.book, since))
        if over := over.difference(keep):
            self._archive.add_past((edition for edition in self.editions() if edition.release in over), now)
            self._let_go_of(over)

    async def recall(self, releases: Iterable[str]) -> Recalled:
        """Read back those of these releases that are not in memory, and that a calendar ever announced."""
        forgotten = [name for name in releases if name not in self.releases]
        recalled = _NOTHING
        for some in portions(forgotten):  # the store has its time to answer for each
            recalled = recalled.with_more(await self._ask(partial(self._archive.recall, some)))
        if recalled.releases:
            self._keep_in_memory(recalled)
        return recalled

    async def recalled(self, calendar: str, reading: Reading) -> CalendarState:
        """Return what a calendar has shown, with those of a read's entries that it showed long ago."""
        known = self.state(calendar).known
        uids = [each.uid for each in reading.announcements if each.uid not in known]
        for some in portions(uids):
            await self.recall(await self._ask(partial(self._archive.behind, calendar, some)))
        return self.state(calendar)

    async def change_of(self, calendar: str, weighed: ReadResult) -> LedgerChange:
        """Return what a read comes to, held against everything known. Nothing is taken over yet."""
        state, learnt = weighed.state, weighed.learnt.promises
        joined = await self._joined({**self.states, calendar: state}) if weighed.changed else self._as_it_is()
        # A name that was given long ago is recalled before it would be given to another.
        while (recalled := await self.recall(joined.releases)).releases:
            state = state.recalling(entry for entry in recalled.entries if entry.calendar == calendar)
            joined = await self._joined({**self.states, calendar: state})
        new = {uid: replace(each, release=joined.release_of[calendar, uid]) for uid, each in learnt.items()}
        return replace(await self._change(joined, {**self.states, calendar: state}), new=new)

    async def past(self, now: datetime) -> Past:
        """Return the editions of series that are not in memory."""
        awake = {*self.releases}
        return await self._ask(lambda: self._archive.past(awake, now))

    def bearing(self, producer: str, found: Found) -> list[Release]:
        """Return the releases of a producer, in memory, that bear the address or the title of an entry."""
        theirs = (one for one in self.releases.values() if producer in one.producers)
        return alike(theirs, found.url, found.title)

    def long_past(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the same of those that are not in memory any more; asks the store."""
        return self._archive.alike(producer, url, title)

    def take_over(self, change: LedgerChange) -> None:
        """Keep in memory what is written down."""
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
        """Yield what was last promised of each release in memory."""
        for release in self.releases.values():
            for promise in self.book.of(release.id)[-1:]:
                yield SeriesEdition(release.id, release.producer, release.title, release.calendars, promise.slot)

    def _let_go_of(self, over: Collection[str]) -> None:
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
        changed = {name: self.state(name).recalling(mine) for name, mine in rows.items()}
        self.states = {**self.states, **changed}
        self.releases = {**self.releases, **{one.id: one for one in recalled.releases}}
        self.release_of = {**self.release_of, **{(it.calendar, it.uid): it.release for it in recalled.entries}}
        self.book.add(recalled.promises)
        self._archive.forget_past()

    async def _joined(self, states: Mapping[str, CalendarState]) -> Rejoined:
        """Join the entries of all calendars again."""
        every = sum(len(state.shown) for state in states.values())
        return await aside(every, lambda: rejoin(states.values(), self._rules, self.release_of, self.releases))

    def _as_it_is(self) -> Rejoined:
        return Rejoined(self.releases, self.release_of, frozenset(), {}, self._ambiguous)

    async def _change(self, joined: Rejoined, states: Mapping[str, CalendarState]) -> LedgerChange:
        """Return what changes in the ledger once entries are joined to releases again.

        Runs and incidents of a release whose entries all moved follow them to the new release.
        """
        left, runs, incidents = joined.left(), list[Run](), list[Incident]()
        for some in portions(sorted(left)):
            seen, told = await self._ask(partial(self._seen_of, some))
            runs += (_moved(run, left) for run in seen)
            incidents += (replace(one, release=left[one.release]) for one in told)
        return LedgerChange(joined, states, self.releases, self._copies(joined), runs=runs, incidents=incidents)

    def _seen_of(self, releases: Sequence[str]) -> tuple[list[Run], list[Incident]]:
        """Return what was seen of some releases, and their incidents."""
        incidents = (one for name in releases for one in self._store.verdicts.incidents_of(name))
        return self._store.runs.of_releases(releases), list(incidents)

    def _copies(self, joined: Rejoined) -> list[Promise]:
        """Return what entries that moved promised, as promises of the releases they moved to."""
        moved = {(key[0], old, joined.release_of[key]) for key, old in joined.moved.items()}
        return [promise for road in sorted(moved) for promise in self.book.copies(*road)]


def _moved(run: Run, left: Mapping[str, str]) -> Run:
    old = release_of(run.target)
    return replace(run, target=f"{left[old]}{run.target.removeprefix(old)}")
