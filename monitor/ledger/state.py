"""Evaluates one more read of a calendar against everything that it has shown. Pure: the ledger stores the results."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

from monitor.store.rows import Announced, CalendarRead
from schedules.announcement import Announcement
from schedules.as_json import announcement_from_json, announcement_json
from schedules.join import JoinRules, join_entries
from schedules.ledger_event import TitleChange, find_title_change, title_change_from_json, title_change_json
from schedules.matching import Key
from schedules.promise import Promise
from schedules.read_changes import EarlierReads, LastSeen, ReadChanges, compare_read, is_still_announced
from schedules.release import Release
from schedules.source import Reading
from schedules.times.zone import LONDON, local_date

T = TypeVar("T")
_MOST_TITLES = 100
_MOST_COUNTS = 20


@dataclass(frozen=True, slots=True)
class Checks:
    """The settings by which a calendar's reads are compared with earlier ones.

    `accept` is the local day on which changes raise no alarm, because a person has accepted them.
    """

    may_be_empty: bool = True
    accept: date | None = None
    timezone: str = LONDON

    def accepts(self, now: datetime) -> bool:
        """Return whether `now` is on the day for which changes were accepted."""
        return self.accept is not None and local_date(now, self.timezone) == self.accept


@dataclass(frozen=True, slots=True)
class Entry:
    """A calendar's entry that waits to be stored. To save memory, its JSON is made only when it is written."""

    calendar: str
    announcement: Announcement
    titles: Sequence[TitleChange]
    seen_first: datetime
    seen_last: datetime
    absent_since: datetime | None
    release: str

    def row(self) -> Announced:
        """Return the row to store."""
        body: dict[str, Any] = {"announcement": announcement_json(self.announcement)}
        if self.titles:
            body["titles"] = [title_change_json(change) for change in self.titles]
        uid, seen = self.announcement.uid, (self.seen_first, self.seen_last)
        return Announced(self.calendar, uid, body, *seen, self.absent_since, self.release)


@dataclass(frozen=True, slots=True)
class CalendarState:
    """Everything that one calendar has shown up to its last usable read. All mappings are by the uid of an entry.

    `announcements` has the last version of each entry, also of removed ones. `first_shown` is when an entry was first
    seen. `last_shown` is when a removed entry was last seen. `titles` has the changes of each title. `counts` has the
    number of entries of recent reads. `reading` is the read that made this state, None after a restart. `as_of` is the
    earliest instant that the last usable read can describe, given its time in caches.
    """

    name: str
    announcements: Mapping[str, Announcement] = field(default_factory=dict)
    last_seen: Mapping[str, LastSeen] = field(default_factory=dict)
    first_shown: Mapping[str, datetime] = field(default_factory=dict)
    last_shown: Mapping[str, datetime] = field(default_factory=dict)
    titles: Mapping[str, tuple[TitleChange, ...]] = field(default_factory=dict)
    counts: Sequence[int] = ()
    last_read: datetime | None = None
    reading: Reading | None = None
    as_of: datetime | None = None

    @classmethod
    def from_reads(cls, name: str, reads: Sequence[CalendarRead]) -> CalendarState:
        """Return the state of a calendar from its stored reads, newest first. It has no entries yet."""
        usable = [read for read in reads if read.usable]
        counts = [read.entries for read in reversed(usable)]
        finished, started = (usable[0].finished, usable[0].started) if usable else (None, None)
        return cls(name, counts=counts, last_read=finished, as_of=started)

    def with_stored_entries(self, rows: Iterable[Announced]) -> CalendarState:
        """Return this state with stored entries added. Entries that it already has do not change."""
        loader = StateLoader(self)
        for row in rows:
            loader.add_entry(row)
        return loader.state()

    def promised_entries(self) -> list[str]:
        """Return the ids of entries that are shown and are neither cancelled nor postponed."""
        shown = [uid for uid in self.announcements if self.last_seen[uid].is_listed]
        return [uid for uid in shown if is_still_announced(self.announcements[uid])]

    def is_under_another_id(self, uid: str) -> bool:
        """Return whether a removed entry is shown under another id, with the same slot and title.

        Some iCalendar exports give every entry a new id at each download. Another title may be of another release.
        """
        old = self.announcements[uid]
        return any(
            new.title == old.title and new.slot.is_same_time(old.slot)
            for other, new in self.announcements.items()
            if other != uid and self.last_seen[other].is_listed
        )

    def find_successors(self, uid: str) -> list[str]:
        """Return the titles of entries that may replace one that is no longer shown.

        They have the same producer and slot, and no read showed them together with it.
        """
        old, last_shown = self.announcements[uid], self.last_shown.get(uid)
        if last_shown is None:
            return []
        return [
            new.title
            for other, new in self.announcements.items()
            if other != uid
            and self.first_shown[other] > last_shown
            and self.last_seen[other].is_listed
            and new.producer == old.producer
            and new.slot.is_same_time(old.slot)
        ]

    def without(self, uids: Collection[str]) -> CalendarState:
        """Return this state without these entries."""
        return replace(
            self,
            announcements=_leave_out(self.announcements, uids),
            last_seen=_leave_out(self.last_seen, uids),
            first_shown=_leave_out(self.first_shown, uids),
            last_shown=_leave_out(self.last_shown, uids),
            titles=_leave_out(self.titles, uids),
        )

    def entry_to_store(self, uid: str, release: str, at: datetime) -> Entry:
        """Return an entry to store, of this `release`, after a read at `at`."""
        absent_since = self.last_seen[uid].absent_since
        last = at if absent_since is None else self.last_shown.get(uid, absent_since)
        first, titles = self.first_shown.get(uid, at), self.titles.get(uid, ())
        return Entry(self.name, self.announcements[uid], titles, first, last, absent_since, release)


class StateLoader:
    """Adds stored entries to a calendar's state, one after the other.

    A read counts only if its own row is stored, which is written last. If the process stopped before that, its removals
    of entries do not count either.
    """

    def __init__(self, state: CalendarState) -> None:
        """Begin with the entries of `state`."""
        self._state = state
        self._announcements, self._last_seen = {**state.announcements}, {**state.last_seen}
        self._first_shown, self._last_shown = {**state.first_shown}, {**state.last_shown}
        self._titles = {**state.titles}

    def add_entry(self, row: Announced) -> None:
        """Add an entry, unless the state already has it. It counts as removed only if the removing read is stored."""
        uid, last_read = row.uid, self._state.last_read
        if uid in self._last_seen:
            return
        is_removal_complete = row.gone is None or last_read is None or row.gone <= last_read
        absent_since = row.gone if is_removal_complete else None
        announcement = self._announcements[uid] = announcement_from_json(row.body["announcement"])
        self._last_seen[uid] = LastSeen.of(announcement, absent_since)
        self._first_shown[uid] = row.seen_first
        if absent_since is not None:
            self._last_shown[uid] = row.seen_last
        if titles := titles_of(row):
            self._titles[uid] = titles

    def state(self) -> CalendarState:
        """Return the state with all added entries."""
        return replace(
            self._state,
            announcements=self._announcements,
            last_seen=self._last_seen,
            first_shown=self._first_shown,
            last_shown=self._last_shown,
            titles=self._titles,
        )


def titles_of(row: Announced) -> tuple[TitleChange, ...]:
    """Return the changes of an entry's title, oldest first."""
    return tuple(title_change_from_json(change) for change in row.body.get("titles", ()))


def _add_title_changes(
    state: CalendarState, shown: Mapping[str, Announcement], at: datetime
) -> dict[str, tuple[TitleChange, ...]]:
    """Return the title changes of all entries by uid: those known, and those that a read at `at` shows (`shown`)."""
    titles = {**state.titles}
    for uid, announcement in shown.items():
        if uid in state.announcements:
            old_title = state.announcements[uid].title
            if new_change := find_title_change(old_title, announcement.title, at, state.last_read):
                titles[uid] = (*titles.get(uid, ()), *new_change)[-_MOST_TITLES:]
    return titles


def _leave_out(by_uid: Mapping[str, T], uids: Collection[str]) -> dict[str, T]:
    """Return a mapping by uid without these entries."""
    return {uid: value for uid, value in by_uid.items() if uid not in uids}


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The evaluation of one read: its changes, the state after it, and the ids of entries that are new or changed."""

    changes: ReadChanges
    state: CalendarState
    changed_ids: tuple[str, ...] = ()


def evaluate_read(
    state: CalendarState, read: CalendarRead, reading: Reading, checks: Checks, as_of: datetime | None = None
) -> ReadResult:
    """Return the changes of a reading, and the new state of its calendar: the old one if the changes raise an alarm.

    `as_of` is the earliest instant that the reading can describe, by default the end of the read.
    """
    is_accepted = checks.accepts(read.finished)
    earlier = EarlierReads(state.last_seen, state.counts, may_be_empty=checks.may_be_empty, accepted=is_accepted)
    changes = compare_read(earlier, reading, state.name, read.finished, state.last_read)
    if not changes.usable:
        return ReadResult(changes, state)
    as_of = as_of or read.finished
    promises = {uid: _with_earliest_change(promise, state, as_of) for uid, promise in changes.promises.items()}
    changes = replace(changes, promises=promises)
    shown = {announcement.uid: announcement for announcement in reading.announcements}
    last_seen = {**state.last_seen, **{uid: LastSeen.of(announcement) for uid, announcement in shown.items()}}
    last_seen |= {uid: replace(last_seen[uid], absent_since=read.finished) for uid in changes.first_missing}
    entry_count = len(reading.announcements)
    after = replace(
        state,
        announcements={**state.announcements, **shown},
        last_seen=last_seen,
        first_shown={**dict.fromkeys(shown, read.finished), **state.first_shown},
        last_shown={**state.last_shown, **dict.fromkeys(changes.first_missing, state.last_read or read.finished)},
        titles=_add_title_changes(state, shown, read.finished),
        # After a person has accepted a change, compare later reads only with this one.
        counts=[entry_count] if is_accepted else [*state.counts[1 - _MOST_COUNTS :], entry_count],
        last_read=read.finished,
        reading=reading,
        as_of=as_of,
    )
    changed = tuple(uid for uid, announcement in shown.items() if state.announcements.get(uid) != announcement)
    return ReadResult(changes, after, changed)


def _with_earliest_change(promise: Promise, state: CalendarState, as_of: datetime) -> Promise:
    """Return a promise that the last read did not show, as made after the earliest instant that it can describe."""
    not_shown_at = None if promise.unlearnt is None else state.as_of or promise.unlearnt
    return replace(promise, unlearnt=not_shown_at, confirmed_at=as_of)


@dataclass(frozen=True, slots=True)
class Joining:
    """The result of joining all entries again.

    `altered` are the ids of releases that are new or changed. `old_release_of` has the old release of each entry that
    now belongs to another one. `ambiguous` has groups of entries that could not be joined with certainty.
    """

    releases: Mapping[str, Release]
    release_of: Mapping[Key, str]
    altered: frozenset[str]
    old_release_of: Mapping[Key, str]
    ambiguous: frozenset[frozenset[Key]]

    def replaced_releases(self) -> dict[str, str]:
        """Return each release that no longer has an entry, with the release that it was joined into."""
        return {old: self.release_of[key] for key, old in self.old_release_of.items() if old not in self.releases}


def join_again(
    states: Iterable[CalendarState], rules: JoinRules, release_of: Mapping[Key, str], before: Mapping[str, Release]
) -> Joining:
    """Join the entries of all calendars again. Return how this differs from the releases `before` and `release_of`."""
    joined = join_entries({state.name: list(state.announcements.values()) for state in states}, rules, release_of)
    releases = {release.id: release for release in joined.releases}
    altered = frozenset(name for name, release in releases.items() if before.get(name) != release)
    old = {key: release_of[key] for key, new in joined.release_of.items() if release_of.get(key, new) != new}
    return Joining(releases, joined.release_of, altered, old, frozenset(joined.ambiguous))
