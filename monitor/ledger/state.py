"""Evaluates one more read of a calendar against all earlier ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from monitor.store.rows import Announced, CalendarRead
from schedules.announcement import BY_HAND, Announcement, announcement_from_json
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
from schedules.same_entry import find_next_editions, keep_ids
from schedules.source import Reading
from schedules.times.zone import LONDON, local_date

_MOST_TITLES = 100
MOST_COUNTS = 20
"""For so many reads, the number of their entries is remembered."""
# Summer time may differ by an hour.
_SHORTEST_YEAR, _LONGEST_YEAR = timedelta(days=364, hours=22), timedelta(days=366, hours=2)
MakeRow = Callable[[], Announced]
"""Makes the row of an entry. Its JSON is made late, to save memory."""


@dataclass(frozen=True, slots=True)
class Checks:
    """The settings for comparing a calendar's reads.

    On the local day `accept`, a person has accepted all changes. `has_given_ids`: people choose the
    ids of its entries.
    """

    may_be_empty: bool = True
    accept: date | None = None
    timezone: str = LONDON
    has_given_ids: bool = False

    def are_changes_accepted(self, now: datetime) -> bool:
        """Return whether `now` is on that day."""
        return self.accept is not None and local_date(now, self.timezone) == self.accept


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """An entry of a calendar as last shown, with the changes of its title in order.

    If it was removed, `last_shown` and `missing_since` are the last read with it and the first one
    without.
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

    def row(self, calendar: str, release: str, at: datetime) -> Announced:
        """Return the row to store after a read at `at`."""
        body: dict[str, Any] = {"announcement": self.announcement.as_json()}
        if self.titles:
            body["titles"] = [title_change_json(change) for change in self.titles]
        uid, last_shown = self.announcement.uid, self.last_shown or at
        return Announced(
            calendar, uid, body, self.first_shown, last_shown, self.missing_since, release
        )


@dataclass(frozen=True, slots=True)
class CalendarState:
    """Everything that one calendar has shown.

    `entries` are by uid, removed ones too. `counts` are the numbers of entries in recent reads,
    oldest first. `reading` is the last read, None after a restart. It describes the calendar as it
    was at `as_of` or later.
    """

    name: str
    entries: Mapping[str, CalendarEntry] = field(default_factory=dict)
    counts: Sequence[int] = ()
    last_read: datetime | None = None
    reading: Reading | None = None
    as_of: datetime | None = None

    @classmethod
    def from_reads(cls, name: str, usable: Sequence[CalendarRead]) -> CalendarState:
        """Return a state without entries from stored usable reads, newest first."""
        counts = [read.entries for read in reversed(usable)]
        finished, started = (usable[0].finished, usable[0].started) if usable else (None, None)
        return cls(name, counts=counts, last_read=finished, as_of=started)

    def unreadable_dates(self, first: date, last: date) -> list[tuple[str, str]]:
        """Return title and date text of shown entries whose date cannot be read, but may be in this
        span.
        """
        shown = [entry.announcement for entry in self.entries.values() if entry.is_shown]
        unread = [each for each in shown if not each.published and not is_informative(each)]
        texts = [(each.title, each.slot.raw) for each in unread if each.slot.raw]
        return [(title, text) for title, text in texts if may_fall_within(text, first, last)]

    def announcements(self) -> list[Announcement]:
        """Return the last version of each entry."""
        return [entry.announcement for entry in self.entries.values()]

    def with_stored_entries(self, rows: Iterable[Announced]) -> CalendarState:
        """Return this state with those stored entries added that it lacks."""
        added = {row.uid: self.restore_entry(row) for row in rows if row.uid not in self.entries}
        return replace(self, entries={**self.entries, **added})

    def restore_entry(self, row: Announced) -> CalendarEntry:
        """Return a stored entry."""
        # `gone` is the read that first lacked the entry. A read stores its own row last. If it has
        # no row, the process stopped before that, and the read does not count.
        is_read_complete = row.gone is None or self.last_read is None or row.gone <= self.last_read
        missing_since = row.gone if is_read_complete else None
        announcement = announcement_from_json(row.body["announcement"])
        last_shown = None if missing_since is None else row.seen_last
        return CalendarEntry(
            announcement, row.seen_first, last_shown, missing_since, titles_of(row)
        )

    def has_next_edition(self, published: Mapping[str, datetime], at: datetime) -> bool:
        """Return whether an entry of a release that is out (by entry, its slot) is shown with a
        later day, which may be that of the next edition.
        """
        shown = [self.entries[uid].announcement for uid in published if self.entries[uid].is_shown]
        return bool(find_next_editions(shown, published, at))

    def promised_entries(self) -> list[str]:
        """Return the ids of entries that still show their slot."""
        return [
            uid
            for uid, entry in self.entries.items()
            if entry.is_shown and is_still_announced(entry.announcement)
        ]

    def find_successors(self, removed: Iterable[str]) -> dict[str, list[str]]:
        """Return, by removed entry, the titles of entries that may replace it.

        These have its producer and slot, and were never shown together with it.
        """
        shown: defaultdict[object, list[CalendarEntry]] = defaultdict(list)
        for entry in self.entries.values():
            if entry.is_shown:
                shown[_producer_and_time(entry)].append(entry)
        found = {}
        for uid in removed:
            old = self.entries[uid]
            found[uid] = [
                new.announcement.title
                for new in shown[_producer_and_time(old)]
                if old.last_shown is not None and new.first_shown > old.last_shown
            ]
        return found

    def without(self, uids: Collection[str]) -> CalendarState:
        """Return this state without these entries."""
        return replace(
            self, entries={uid: entry for uid, entry in self.entries.items() if uid not in uids}
        )

    def entry_to_store(self, uid: str, release: str, at: datetime) -> MakeRow:
        """Return a function for `CalendarEntry.row` of an entry."""
        return partial(self.entries[uid].row, self.name, release, at)


def _producer_and_time(entry: CalendarEntry) -> tuple[object, ...]:
    return (entry.announcement.producer, entry.announcement.slot.time_key)


def titles_of(row: Announced) -> tuple[TitleChange, ...]:
    """Return the changes of an entry's title, oldest first."""
    return tuple(title_change_from_json(change) for change in row.body.get("titles", ()))


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The evaluation of one read, with the ids of entries that are new, changed or shown again."""

    changes: ReadChanges
    state: CalendarState
    changed_ids: tuple[str, ...] = ()


def evaluate_read(
    state: CalendarState,
    read: CalendarRead,
    reading: Reading,
    checks: Checks,
    as_of: datetime | None = None,
    published: Mapping[str, datetime] = MappingProxyType({}),
) -> ReadResult:
    """Return what a `read` with these entries changes, and the new state.

    After an alarm, the state stays. `as_of` is the earliest instant that the entries can describe,
    by default the end of the read. `published` are the slots of releases that are out, by entry.
    """
    entries = reading.announcements
    if state.name != BY_HAND:  # its pages name entries by the ids of its file
        known = {uid: entry.announcement for uid, entry in state.entries.items()}
        entries = tuple(keep_ids(known, entries, read.finished, has_given_ids=checks.has_given_ids))
    kept = [_keep_year(state.entries.get(each.uid), each) for each in entries]
    kept += find_next_editions(kept, published, read.finished)
    kept_reading = replace(reading, announcements=tuple(kept))
    is_accepted = checks.are_changes_accepted(read.finished)
    last_seen = {uid: entry.last_seen for uid, entry in state.entries.items()}
    earlier = EarlierReads(
        last_seen,
        state.counts,
        state.last_read,
        state.as_of,
        may_be_empty=checks.may_be_empty,
        accepted=is_accepted,
    )
    as_of = as_of or read.finished
    changes = compare_read(earlier, kept_reading, state.name, read.finished, as_of)
    if not changes.usable:
        return ReadResult(changes, state)
    shown = {announcement.uid: announcement for announcement in kept}
    updated = {
        uid: _show_entry(state, uid, announcement, read.finished)
        for uid, announcement in shown.items()
    }
    previous_read = state.last_read or read.finished
    for uid in changes.newly_missing:
        updated[uid] = replace(
            state.entries[uid], last_shown=previous_read, missing_since=read.finished
        )
    entry_count = len(reading.announcements)
    after = replace(
        state,
        entries={**state.entries, **updated},
        # After an accepted change, only the new number is usual.
        counts=[entry_count] if is_accepted else [*state.counts, entry_count][-MOST_COUNTS:],
        last_read=read.finished,
        reading=reading,
        as_of=as_of,
    )
    changed = tuple(uid for uid in shown if updated[uid] is not state.entries.get(uid))
    return ReadResult(changes, after, changed)


def _keep_year(known: CalendarEntry | None, shown: Announcement) -> Announcement:
    """Return a shown entry, with its known slot if the same text is read as a year later now.

    A month after 5 May, "5 May" in a table does not mean the next year.
    """
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
    """Return an entry as a read at `at` shows it, with any change of its title."""
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

    `altered` releases are new or changed. `old_release_of` is by entries that moved. `ambiguous`
    groups could not be joined with certainty.
    """

    releases: Mapping[str, Release]
    release_of: Mapping[Key, str]
    altered: frozenset[str]
    old_release_of: Mapping[Key, str]
    ambiguous: frozenset[frozenset[Key]]

    def replaced_releases(self) -> dict[str, str]:
        """Return each release without entries, with the one that it was joined into."""
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
    """Join the entries of all calendars again. Return the differences from before."""
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
