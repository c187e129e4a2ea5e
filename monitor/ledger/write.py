"""Prepares the rows to write for each kind of calendar read, in the order in which they must be
written.

An entry is written together with its release and its promise. The row of the read comes last: if
the process stops before that, the read does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.incident import Incident
from monitor.judge.runs import Run
from monitor.ledger.state import CalendarState, Joining, MakeRow, ReadResult
from monitor.store.batch import Portions
from monitor.store.rows import CalendarRead
from monitor.store.sql.write import Transaction
from schedules.matching import Key
from schedules.promise import Promise
from schedules.release import Release


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """The changes of the ledger when calendars are joined again, after one read or at a start.

    `states` are the states of all calendars, `before` the releases before the change.
    `copied_promises` are promises of entries that moved, as promises of their new release.
    `new_promises` are those of the read, by entry id. `runs` and `incidents` are of releases that
    were joined into others, and already name the new release.
    """

    joined: Joining
    states: Mapping[str, CalendarState]
    before: Mapping[str, Release]
    copied_promises: Sequence[Promise]
    runs: Sequence[Run]
    incidents: Sequence[Incident]
    new_promises: Mapping[str, Promise] = field(default_factory=dict)

    def new_releases(self) -> Collection[str]:
        """Return the ids of releases that the store does not have yet, because all their entries
        are new.
        """
        moved = {self.joined.release_of[key] for key in self.joined.old_release_of}
        return self.joined.altered.difference(self.before, moved)

    def releases_to_write(self) -> list[Release]:
        """Return the new and changed releases, those that entries moved to, and those joined into
        others.
        """
        joined = self.joined
        names = {*joined.altered, *(joined.release_of[key] for key in joined.old_release_of)}
        stored = (
            (old, new) for old, new in joined.replaced_releases().items() if old in self.before
        )
        replaced = [replace(self.before[old], joined_into=new) for old, new in stored]
        return [*(joined.releases[name] for name in sorted(names)), *replaced]


def prepare_confirming_read(
    read: CalendarRead,
    confirmed: Mapping[str, str],
    as_of: datetime,
    unlisted: Sequence[Promise],
) -> Portions:
    """Return what to store for a read with the same entries as the one before, in portions of one
    transaction each.

    `confirmed` are the uids of entries whose promises the read confirms, each with its release.
    `unlisted` are promises with a higher count, because also this read did not show their entries.
    `as_of` is the earliest instant that the read can describe, because it may come from a cache.
    """
    portions = Portions()
    _add_confirmed(
        portions, read, releases=list(confirmed.values()), uids=list(confirmed), as_of=as_of
    )
    portions.add(unlisted)
    portions.add([read])  # last, because the read counts only if everything else is stored
    return portions


def prepare_rejoined(change: LedgerChange, at: datetime) -> Portions:
    """Return the rows for calendars that were joined again without a read."""
    portions = Portions()
    _add_moves_of_entries(portions, change, change.releases_to_write(), at)
    return portions


def prepare_changing_read(
    change: LedgerChange, read: CalendarRead, result: ReadResult, updated: Sequence[Promise]
) -> Portions:
    """Return what to store for a read with new or changed entries, in the order in which it must be
    written.

    `updated` are earlier promises that the read no longer shows, or shows again.
    """
    calendar, confirmed = read.calendar, result.changes.confirmed
    joined, state = change.joined, change.states[calendar]

    def entry(uid: str) -> MakeRow:
        return state.entry_to_store(uid, joined.release_of[calendar, uid], read.finished)

    # of new and changed entries, each once, in order
    uids = dict.fromkeys((*result.changed_ids, *change.new_promises))
    release_of = {uid: joined.release_of[calendar, uid] for uid in (*uids, *confirmed)}
    # New and changed releases are written in one step with their entries, other releases before
    # that. A moved entry must not name a release that is not stored. So if any entry moves, all
    # releases are written first.
    with_entries = {release_of[uid] for uid in uids} & joined.altered
    has_moves = bool(joined.old_release_of)
    written_first = [
        each for each in change.releases_to_write() if has_moves or each.id not in with_entries
    ]
    portions = Portions()
    keys = {(calendar, uid) for uid in uids}
    _add_moves_of_entries(portions, change, written_first, read.finished, written_later=keys)
    release_to_write = {name: joined.releases[name] for name in with_entries}
    new = [
        (entry(uid), release_to_write.get(release_of[uid]), change.new_promises.get(uid))
        for uid in uids
    ]
    portions.add(new, _write_new_entries, rows=3)  # at most: an entry, its release and its promise
    portions.add(updated)
    # A confirmed entry can be among `uids` too: its promise is unchanged, but its title is not.
    unchanged = [uid for uid in confirmed if uid not in uids]
    confirmed_releases = [release_of[uid] for uid in confirmed]
    _add_confirmed(
        portions, read, confirmed_releases, unchanged, as_of=state.as_of or read.finished
    )
    # that they are missing now
    portions.add([entry(uid) for uid in result.changes.newly_missing], _write_entries)
    portions.add([read])
    return portions


def prepare_rewrite(
    releases: Sequence[Release],
    promises: Sequence[Promise] = (),
    entries: Sequence[MakeRow] = (),
) -> Portions:
    """Return the portions that write these rows again, because the store has lost them or has other
    values.
    """
    portions = Portions()
    portions.add(releases)
    # A row that is still there may have lost that its promise was confirmed.
    portions.add(promises, lambda tx, rows: tx.save_later(*rows))
    portions.add(entries, _write_entries)
    return portions


def _add_moves_of_entries(
    portions: Portions,
    change: LedgerChange,
    releases: Sequence[Release],
    at: datetime,
    written_later: Collection[Key] = (),
) -> None:
    """Add to a write these releases, and move entries to the releases that they now belong to.

    The promises, runs and incidents of moved entries come before the entries. So if the process
    stops in between, the next start finds the entries at their old release, and repeats the move.
    The caller writes the entries `written_later` itself. `at` is when the calendars were joined.
    """
    release_of = change.joined.release_of
    moved_keys = change.joined.old_release_of.keys() - set(written_later)
    moved = [
        change.states[calendar].entry_to_store(uid, release_of[calendar, uid], at)
        for calendar, uid in sorted(moved_keys)
    ]
    portions.add(releases)
    portions.add(change.copied_promises, lambda tx, rows: tx.add_promises(rows))
    portions.add(change.runs)
    portions.add(change.incidents)
    portions.add(moved, _write_entries)


def _add_confirmed(
    portions: Portions,
    read: CalendarRead,
    releases: Sequence[str],
    uids: Sequence[str],
    as_of: datetime,
) -> None:
    """Add that a read still showed the promises for these releases, as of this instant, and these
    entries.
    """
    portions.add(releases, lambda tx, ids: tx.confirm_all(read.calendar, ids, as_of))
    portions.add(uids, lambda tx, ids: tx.confirm_entries(read.calendar, ids, read.finished))


def _write_new_entries(
    tx: Transaction, entries: Sequence[tuple[MakeRow, Release | None, Promise | None]]
) -> None:
    """Write entries, each with its release and its promise if these are new or changed (None: they
    are not).
    """
    # A former leader may still store its reads. In one order, no two wait for each other's rows.
    releases = {release.id: release for _, release, _ in entries if release is not None}
    tx.save(*(releases[name] for name in sorted(releases)))
    tx.add_promises(promise for _, _, promise in entries if promise is not None)
    _write_entries(tx, [entry for entry, _, _ in entries])


def _write_entries(tx: Transaction, entries: Iterable[MakeRow]) -> None:
    tx.save(*(make_row() for make_row in entries))
