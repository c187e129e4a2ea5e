"""Evaluates one more read of a calendar against everything that it has shown.

Pure: the ledger stores the results.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from monitor.store.rows import Announced, CalendarRead
from schedules.announcement import Announcement, announcement_from_json
from schedules.change import is_informative
from schedules.dates.unread import may_fall_within
from schedules.join import JoinRules, join_entries
from schedules.ledger_event import (
    TitleChange,
    find_title_change,
    title_change_from_json,
    title_change_json,
)
from schedules.matching import Key
from schedules.read_changes import (
    EarlierReads,
    LastSeen,
    ReadChanges,
    compare_read,
    is_still_announced,
)
from schedules.release import Release
from schedules.source import Reading
from schedules.times.zone import LONDON, local_date

_MOST_TITLES = 100
MOST_COUNTS = 20
"""The most reads of a calendar whose numbers of entries are remembered."""
# with the hour by which summer time may differ
_SHORTEST_YEAR, _LONGEST_YEAR = timedelta(days=364, hours=22), timedelta(days=366, hours=2)


@dataclass(frozen=True, slots=True)
class Checks:
    """The settings by which a calendar's reads are compared with earlier ones.

    `accept` is the local day on which changes raise no alarm, because a person has accepted them.
    """

    may_be_empty: bool = True
    accept: date | None = None
    timezone: str = LONDON

    def are_changes_accepted(self, now: datetime) -> bool:
        """Return whether `now` is on the day for which a person has accepted all changes."""
        return self.accept is not None and local_date(now, self.timezone) == self.accept


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """An entry of a calendar: the last version that a read showed, and the changes of its title,
    oldest first.

    `first_shown` is the first read that showed it. If it was removed, `last_shown` is the last read
    that showed it, and `missing_since` the first one that did not. Both are None while it is shown.
    """

    announcement: Announcement
    first_shown: datetime
    last_shown: datetime | None = None
    missing_since: datetime | None = None
    titles: tuple[TitleChange, ...] = ()

    @property
    def is_shown(self) -> bool:
        """Return whether the last usable read showed it."""
        return self.missing_since is None

    @property
    def last_seen(self) -> LastSeen:
        """Return what the calendar last said about it."""
        return LastSeen.of(self.announcement, self.missing_since)


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that waits to be stored after a read at `at`.

    To save memory, `row` makes its JSON only when called.
    """

    calendar: str
    entry: CalendarEntry
    release: str
    at: datetime

    def row(self) -> Announced:
        """Return the row to store."""
        entry = self.entry
        body: dict[str, Any] = {"announcement": entry.announcement.as_json()}
        if entry.titles:
            body["titles"] = [title_change_json(change) for change in entry.titles]
        uid, last_shown = entry.announcement.uid, entry.last_shown or self.at
        return Announced(
            self.calendar,
            uid,
            body,
            entry.first_shown,
            last_shown,
            entry.missing_since,
            self.release,
        )


@dataclass(frozen=True, slots=True)
class CalendarState:
    """Everything that one calendar has shown up to its last usable read.

    `entries` are by uid, also removed ones. `counts` has the number of entries of recent reads.
    `reading` is the read that made this state, None after a restart. `as_of` is the earliest
    instant that the last usable read can describe.
    """

    name: str
    entries: Mapping[str, CalendarEntry] = field(default_factory=dict)
    counts: Sequence[int] = ()
    last_read: datetime | None = None
    reading: Reading | None = None
    as_of: datetime | None = None

    @classmethod
    def from_reads(cls, name: str, usable: Sequence[CalendarRead]) -> CalendarState:
        """Return the state of a calendar from its stored usable reads, newest first.

        It has no entries yet.
        """
        counts = [read.entries for read in reversed(usable)]
        finished, started = (usable[0].finished, usable[0].started) if usable else (None, None)
        return cls(name, counts=counts, last_read=finished, as_of=started)

    def unreadable_dates(self, first: date, last: date) -> list[tuple[str, str]]:
        """Return title and date text of each shown entry that cannot be read and may be due on one
        of these days.
        """
        shown = [entry.announcement for entry in self.entries.values() if entry.is_shown]
        unread = [each for each in shown if not each.published and not is_informative(each)]
        return [
            (each.title, each.slot.raw)
            for each in unread
            if each.slot.raw and may_fall_within(each.slot.raw, first, last)
        ]

    def announcements(self) -> list[Announcement]:
        """Return the last version of each entry."""
        return [entry.announcement for entry in self.entries.values()]

    def with_stored_entries(self, rows: Iterable[Announced]) -> CalendarState:
        """Return this state with stored entries added. Entries that it already has do not
        change.
        """
        stored = {row.uid: self.restore_entry(row) for row in rows}
        return replace(self, entries={**self.entries, **stored, **self.entries})

    def restore_entry(self, row: Announced) -> CalendarEntry:
        """Return a stored entry.

        Its columns `gone` and `seen_last` become `missing_since` and `last_shown`.
        """
        # `gone` is the time of the first read without the entry. A read stores its own row last,
        # and `last_read` is the last one with a row. If `gone` is later, the process stopped while
        # it stored that read, which does not count.
        is_read_complete = row.gone is None or self.last_read is None or row.gone <= self.last_read
        missing_since = row.gone if is_read_complete else None
        announcement = announcement_from_json(row.body["announcement"])
        # None for an entry that is still shown
        last_shown = None if missing_since is None else row.seen_last
        return CalendarEntry(
            announcement, row.seen_first, last_shown, missing_since, titles_of(row)
        )

    def promised_entries(self) -> list[str]:
        """Return the ids of entries that the last read showed, without those that redirect to their
        publication.
        """
        shown = ((uid, entry.announcement) for uid, entry in self.entries.items() if entry.is_shown)
        return [uid for uid, announcement in shown if is_still_announced(announcement)]

    def is_under_another_id(self, uid: str) -> bool:
        """Return whether a removed entry is shown under another id, with the same slot and title.

        Some iCalendar exports give every entry a new id at each download. Another title may be of
        another release.
        """
        old = self.entries[uid].announcement
        others = (
            entry.announcement
            for other, entry in self.entries.items()
            if other != uid and entry.is_shown
        )
        return any(new.title == old.title and new.slot.is_same_time(old.slot) for new in others)

    def find_successors(self, uid: str) -> list[str]:
        """Return the titles of entries that may replace one that is no longer shown.

        They have the same producer and slot, and no read showed them together with it.
        """
        old, last_shown = self.entries[uid].announcement, self.entries[uid].last_shown
        if last_shown is None:
            return []
        shown = (entry for entry in self.entries.values() if entry.is_shown)
        newer = (entry.announcement for entry in shown if entry.first_shown > last_shown)
        return [
            new.title
            for new in newer
            if new.producer == old.producer and new.slot.is_same_time(old.slot)
        ]

    def without(self, uids: Collection[str]) -> CalendarState:
        """Return this state without these entries."""
        return replace(
            self, entries={uid: entry for uid, entry in self.entries.items() if uid not in uids}
        )

    def entry_to_store(self, uid: str, release: str, at: datetime) -> PendingEntry:
        """Return an entry to store, of this `release`, after a read at `at`."""
        return PendingEntry(self.name, self.entries[uid], release, at)


def titles_of(row: Announced) -> tuple[TitleChange, ...]:
    """Return the changes of an entry's title, oldest first."""
    return tuple(title_change_from_json(change) for change in row.body.get("titles", ()))


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The evaluation of one read: its changes, the state after it, and the ids of entries that are
    new or changed.
    """

    changes: ReadChanges
    state: CalendarState
    changed_ids: tuple[str, ...] = ()


def evaluate_read(
    state: CalendarState,
    read: CalendarRead,
    reading: Reading,
    checks: Checks,
    as_of: datetime | None = None,
) -> ReadResult:
    """Return what a `read` of a calendar changes, and the new state of the calendar.

    `reading` has the read's entries.

    If the changes raise an alarm, the read is not usable and the state stays as it was. `as_of` is
    the earliest instant that the reading can describe (it may come from a cache), by default the
    end of the read.
    """
    # A table still shows "5 May" a month after that day. It does not mean the next year then. So
    # each entry keeps the year of its date text, if that has none.
    kept = [_keep_year(state.entries.get(each.uid), each) for each in reading.announcements]
    shown_reading, reading = reading, replace(reading, announcements=tuple(kept))
    is_accepted = checks.are_changes_accepted(read.finished)
    last_seen = {uid: entry.last_seen for uid, entry in state.entries.items()}
    earlier = EarlierReads(
        last_seen, state.counts, may_be_empty=checks.may_be_empty, accepted=is_accepted
    )
    changes = compare_read(earlier, reading, state.name, read.finished, state.last_read)
    if not changes.usable:
        return ReadResult(changes, state)
    as_of = as_of or read.finished
    promises = {}
    for uid, promise in changes.promises.items():
        # `unlearnt` is the time of the previous read, which did not show the promise yet. If that
        # read was at 9:30, but from a copy in a cache of 9:20 (`state.as_of`), the promise may have
        # been made from 9:20 on.
        not_shown_at = None if promise.unlearnt is None else state.as_of or promise.unlearnt
        promises[uid] = replace(promise, unlearnt=not_shown_at, confirmed_at=as_of)
    changes = replace(changes, promises=promises)
    shown = {announcement.uid: announcement for announcement in reading.announcements}
    updated = {
        uid: _show_entry(state, uid, announcement, read.finished)
        for uid, announcement in shown.items()
    }
    # it still showed the entries that are now missing
    previous_read = state.last_read or read.finished
    for uid in changes.newly_missing:
        updated[uid] = replace(
            state.entries[uid], last_shown=previous_read, missing_since=read.finished
        )
    entry_count = len(reading.announcements)
    after = replace(
        state,
        entries={**state.entries, **updated},
        # Later reads with far fewer entries raise an alarm. After an accepted change, only the new
        # number is usual.
        counts=[entry_count] if is_accepted else [*state.counts, entry_count][-MOST_COUNTS:],
        last_read=read.finished,
        reading=shown_reading,
        as_of=as_of,
    )
    changed = (
        uid
        for uid in shown
        if uid not in state.entries or state.entries[uid].announcement != shown[uid]
    )
    return ReadResult(changes, after, tuple(changed))


def _keep_year(known: CalendarEntry | None, shown: Announcement) -> Announcement:
    if known is None:
        return shown
    before, now = known.announcement.slot.begins(), shown.slot.begins()
    is_same_text = known.announcement.slot.raw == shown.slot.raw and shown.slot.raw
    if not is_same_text or before is None or now is None:
        return shown
    is_a_year_later = _SHORTEST_YEAR <= now - before <= _LONGEST_YEAR
    return replace(shown, slot=known.announcement.slot) if is_a_year_later else shown


def _show_entry(
    state: CalendarState, uid: str, announcement: Announcement, at: datetime
) -> CalendarEntry:
    """Return an entry as a read at `at` shows it, with the change of its title since the last read,
    if any.
    """
    known = state.entries.get(uid)
    if known is None:
        return CalendarEntry(announcement, first_shown=at)
    if known.is_shown and known.announcement == announcement:
        return known
    change = find_title_change(known.announcement.title, announcement.title, at, state.last_read)
    titles = (*known.titles, *change)[-_MOST_TITLES:]
    return CalendarEntry(announcement, known.first_shown, titles=titles)


@dataclass(frozen=True, slots=True)
class Joining:
    """The result of joining all entries again.

    `altered` are the ids of releases that are new or changed. `old_release_of` has the old release
    of each entry that now belongs to another one. `ambiguous` has groups of entries that could not
    be joined with certainty.
    """

    releases: Mapping[str, Release]
    release_of: Mapping[Key, str]
    altered: frozenset[str]
    old_release_of: Mapping[Key, str]
    ambiguous: frozenset[frozenset[Key]]

    def replaced_releases(self) -> dict[str, str]:
        """Return each release that no longer has an entry, with the release that it was joined
        into.
        """
        return {
            old: self.release_of[key]
            for key, old in self.old_release_of.items()
            if old not in self.releases
        }


def join_again(
    states: Iterable[CalendarState],
    rules: JoinRules,
    release_of: Mapping[Key, str],
    before: Mapping[str, Release],
) -> Joining:
    """Join the entries of all calendars again.

    Return how this differs from the releases `before` and `release_of`.
    """
    joined = join_entries(
        {state.name: state.announcements() for state in states}, rules, release_of
    )
    releases = {release.id: release for release in joined.releases}
    altered = frozenset(name for name, release in releases.items() if before.get(name) != release)
    old = {
        key: release_of[key]
        for key, new in joined.release_of.items()
        if release_of.get(key, new) != new
    }
    return Joining(releases, joined.release_of, altered, old, frozenset(joined.ambiguous))
