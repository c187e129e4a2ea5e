"""What each calendar has shown, and the evaluation of one more read. Pure: the ledger keeps and stores the results."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

from monitor.store.rows import Announced, CalendarRead
from schedules.announcement import Announcement
from schedules.as_json import announcement_from_json, announcement_json
from schedules.join import Joined, JoinRules, join
from schedules.ledger_event import Retitling, find_retitling, retitling_from_json, retitling_json
from schedules.matching import Key
from schedules.promise import Promise
from schedules.read_changes import EarlierReads, LastSeen, ReadChanges, compare_read, is_still_announced
from schedules.release import Release
from schedules.source import Reading
from schedules.times.zone import LONDON, local_date

T = TypeVar("T")
_MOST_TITLES = 100


@dataclass(frozen=True, slots=True)
class Checks:
    """How a calendar's reads are compared with earlier ones.

    `accept` is the local day on which changes raise no alarm, because a person has agreed to them.
    """

    may_be_empty: bool = True
    accept: date | None = None
    timezone: str = LONDON

    def accepts(self, now: datetime) -> bool:
        """Return whether `now` is on the day for which changes were accepted."""
        return self.accept is not None and local_date(now, self.timezone) == self.accept


@dataclass(frozen=True, slots=True)
class Entry:
    """A calendar's entry that waits to be stored. Its JSON is made when it is written, because many may wait."""

    calendar: str
    announcement: Announcement
    titles: Sequence[Retitling]
    seen_first: datetime
    seen_last: datetime
    absent_since: datetime | None
    release: str

    def row(self) -> Announced:
        """Return the row that is stored."""
        body: dict[str, Any] = {"announcement": announcement_json(self.announcement)}
        if self.titles:
            body["titles"] = [retitling_json(one) for one in self.titles]
        uid, seen = self.announcement.uid, (self.seen_first, self.seen_last)
        return Announced(self.calendar, uid, body, *seen, self.absent_since, self.release)


@dataclass(frozen=True, slots=True)
class CalendarState:
    """What one calendar has shown as of its last usable read, entries by uid.

    `first` is when each entry was first seen. `left` is the last read that showed an entry that was removed since.
    `titles` are the changes of each title. `reading` is the read that made this state, None after a restart. `as_of`
    is the earliest instant that the last usable read can describe: caches may have kept it for a while.
    """

    name: str
    shown: Mapping[str, Announcement] = field(default_factory=dict)
    known: Mapping[str, LastSeen] = field(default_factory=dict)
    first: Mapping[str, datetime] = field(default_factory=dict)
    left: Mapping[str, datetime] = field(default_factory=dict)
    titles: Mapping[str, tuple[Retitling, ...]] = field(default_factory=dict)
    counts: Sequence[int] = ()
    last_read: datetime | None = None
    reading: Reading | None = None
    as_of: datetime | None = None

    @classmethod
    def of(cls, name: str, reads: Sequence[CalendarRead]) -> CalendarState:
        """Return the state of a calendar from its stored reads, newest first. It has no entries yet."""
        usable = [read for read in reads if read.usable]
        counts = [read.entries for read in reversed(usable)]
        finished, started = (usable[0].finished, usable[0].started) if usable else (None, None)
        return cls(name, counts=counts, last_read=finished, as_of=started)

    def with_stored_entries(self, rows: Iterable[Announced]) -> CalendarState:
        """Return this state with stored entries added. An entry that is known already stays as it is."""
        recall = StateLoader(self)
        for row in rows:
            recall.take(row)
        return recall.state()

    def promised_entries(self) -> list[str]:
        """Return the ids of entries that are shown and are neither cancelled nor postponed."""
        return [uid for uid, one in self.shown.items() if self.known[uid].is_listed and is_still_announced(one)]

    def is_under_another_id(self, uid: str) -> bool:
        """Return whether a removed entry is shown under another id, with the same slot and the same page or title.

        Some iCalendar exports give every entry a new id at each download.
        """
        old = self.shown[uid]
        return any(
            new.slot.says_same_as(old.slot) and (new.title == old.title or (new.url is not None and new.url == old.url))
            for other, new in self.shown.items()
            if other != uid and self.known[other].is_listed
        )

    def successors(self, uid: str) -> list[str]:
        """Return the titles of entries that may replace one that is no longer shown.

        They have the same producer and slot, and no read showed them together with it.
        """
        old, left = self.shown[uid], self.left.get(uid)
        return [
            new.title
            for other, new in self.shown.items()
            if other != uid
            and left is not None
            and self.first.get(other, left) > left
            and self.known[other].is_listed
            and new.producer == old.producer
            and new.slot.says_same_as(old.slot)
        ]

    def without(self, uids: Collection[str]) -> CalendarState:
        """Return this state without these entries."""
        return replace(
            self,
            shown=_without(self.shown, uids),
            known=_without(self.known, uids),
            first=_without(self.first, uids),
            left=_without(self.left, uids),
            titles=_without(self.titles, uids),
        )

    def entry(self, uid: str, release: str, at: datetime) -> Entry:
        """Return an entry to store, given a read at `at`, which showed it unless it was removed."""
        gone = self.known[uid].absent_since
        last = at if gone is None else self.left.get(uid, gone)
        first, titles = self.first.get(uid, at), self.titles.get(uid, ())
        return Entry(self.name, self.shown[uid], titles, first, last, gone, release)


class StateLoader:
    """Adds stored entries to a calendar's state, one after the other.

    A read counts once its own row is stored, which is written last. If the process stopped before that, the entries
    that this read marked as removed are not removed.
    """

    def __init__(self, state: CalendarState) -> None:
        """Begin with the entries that are known."""
        self._state = state
        self._shown, self._known, self._first = {**state.shown}, {**state.known}, {**state.first}
        self._left, self._titles = {**state.left}, {**state.titles}

    def take(self, row: Announced) -> None:
        """Add an entry, unless it is known already."""
        uid = row.uid
        if uid in self._known:
            return
        last_read = self._state.last_read
        gone = None if row.gone and last_read and row.gone > last_read else row.gone
        each = self._shown[uid] = announcement_from_json(row.body["announcement"])
        self._known[uid], self._first[uid] = LastSeen.of(each, gone), row.seen_first
        if gone is not None:
            self._left[uid] = row.seen_last
        if titles := titles_of(row):
            self._titles[uid] = titles

    def state(self) -> CalendarState:
        """Return the state with all added entries."""
        return replace(
            self._state,
            shown=self._shown,
            known=self._known,
            first=self._first,
            left=self._left,
            titles=self._titles,
        )


def titles_of(row: Announced) -> tuple[Retitling, ...]:
    """Return the changes of an entry's title, oldest first."""
    return tuple(retitling_from_json(one) for one in row.body.get("titles", ()))


def _title_changes(
    state: CalendarState, made: Mapping[str, Announcement], at: datetime
) -> dict[str, tuple[Retitling, ...]]:
    """Return all changes of title, old and new, of the entries that a read at `at` shows under another title."""
    old = ((uid, state.shown[uid], each) for uid, each in made.items() if uid in state.shown)
    found = {uid: find_retitling(was.title, each.title, at, state.last_read) for uid, was, each in old}
    return {uid: (*state.titles.get(uid, ()), *new)[-_MOST_TITLES:] for uid, new in found.items() if new}


def _without(known: Mapping[str, T], uids: Collection[str]) -> dict[str, T]:
    return {uid: it for uid, it in known.items() if uid not in uids}


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The evaluation of one read: what it says, the state after it, and the ids of entries that are new or changed."""

    learnt: ReadChanges
    state: CalendarState
    changed: tuple[str, ...] = ()


def evaluate_read(
    state: CalendarState, read: CalendarRead, reading: Reading, checks: Checks, as_of: datetime | None = None
) -> ReadResult:
    """Compare a reading with what its calendar showed before. A reading that raises an alarm does not change the state.

    `as_of` is the earliest instant that the reading can describe, by default the end of the read.
    """
    accepted = checks.accepts(read.finished)
    before = EarlierReads({}, state.counts, may_be_empty=checks.may_be_empty, accepted=accepted)
    learnt = compare_read(state.known, reading, state.name, read.finished, state.last_read, before)
    if not learnt.usable:
        return ReadResult(learnt, state)
    as_of = as_of or read.finished
    promises = {uid: _with_earliest_change(each, state, as_of) for uid, each in learnt.promises.items()}
    learnt = replace(learnt, promises=promises)
    made = {each.uid: each for each in reading.announcements}
    known = {**state.known, **{uid: LastSeen.of(each) for uid, each in made.items()}}
    known |= {uid: replace(known[uid], absent_since=read.finished) for uid in learnt.first_missing}
    left = dict.fromkeys(learnt.first_missing, state.last_read or read.finished)
    count = len(reading.announcements)
    after = replace(
        state,
        shown={**state.shown, **made},
        known=known,
        first={**dict.fromkeys(made, read.finished), **state.first},
        left={**state.left, **left},
        titles={**state.titles, **_title_changes(state, made, read.finished)},
        # After a person accepted a change, later reads are compared with this one only.
        counts=[count] if accepted else [*state.counts[-19:], count],
        last_read=read.finished,
        reading=reading,
        as_of=as_of,
    )
    changed = tuple(uid for uid, each in made.items() if state.shown.get(uid) != each)
    return ReadResult(learnt, after, changed)


def _with_earliest_change(promise: Promise, state: CalendarState, as_of: datetime) -> Promise:
    """Return a promise whose change may have come as early as the oldest copy that the read before can have shown."""
    since = None if promise.unlearnt is None else state.as_of or promise.unlearnt
    return replace(promise, unlearnt=since, confirmed_at=as_of)


@dataclass(frozen=True, slots=True)
class Rejoined:
    """The result of joining all entries again: all releases, those that are new or changed, and entries that moved.

    `moved` maps each entry that now belongs to another release to its old release.
    """

    releases: Mapping[str, Release]
    release_of: Mapping[Key, str]
    altered: frozenset[str]
    moved: Mapping[Key, str]
    ambiguous: frozenset[frozenset[Key]]

    def left(self) -> dict[str, str]:
        """Return the releases that no longer have an entry, each with the release that it was joined into."""
        return {old: self.release_of[key] for key, old in self.moved.items() if old not in self.releases}


def rejoin(
    states: Iterable[CalendarState], rules: JoinRules, release_of: Mapping[Key, str], before: Mapping[str, Release]
) -> Rejoined:
    """Join the entries of all calendars again, and compare the releases with those `before`."""
    joined: Joined = join({state.name: list(state.shown.values()) for state in states}, rules, release_of)
    releases = {release.id: release for release in joined.releases}
    return Rejoined(
        releases,
        joined.release_of,
        frozenset(name for name, release in releases.items() if before.get(name) != release),
        {
            key: release_of[key]
            for key, name in joined.release_of.items()
            if key in release_of and release_of[key] != name
        },
        frozenset(joined.ambiguous),
    )
