"""What is written of reads of calendars, and in which order: a read that is cut off counts for nothing.

An entry is written with its release and its promise. The row of the read itself comes last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.incident import Incident
from monitor.judge.runs import Run
from monitor.ledger.state import CalendarState, Entry, ReadResult, Rejoined
from monitor.store.portions import Portions
from monitor.store.rows import CalendarRead
from monitor.store.sql.write import Transaction
from schedules.joinable import Key
from schedules.promise import Promise
from schedules.release import Release


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """What joining the calendars again comes to, after one read or at a start.

    `states` are those of all calendars and `before` the releases as they were. `copies` are the promises that
    entries which moved bring to their new release, `new` those of the read itself by uid. `runs` and `incidents` are
    those of releases that were joined into others, as these have them from then on.
    """

    joined: Rejoined
    states: Mapping[str, CalendarState]
    before: Mapping[str, Release] = field(default_factory=dict)
    copies: Sequence[Promise] = ()
    new: Mapping[str, Promise] = field(default_factory=dict)
    runs: Sequence[Run] = ()
    incidents: Sequence[Incident] = ()

    def left(self) -> dict[str, str]:
        """Return the releases that no entry belongs to any more, and the one that each was joined into."""
        return self.joined.left()

    def new_releases(self) -> Collection[str]:
        """Return the releases that were none before, of entries that belonged to no other: the store knows of none."""
        moved = {self.joined.release_of[key] for key in self.joined.moved}
        return self.joined.altered.difference(self.before, moved)

    def releases(self) -> list[Release]:
        """Return every release to be written."""
        joined = self.joined
        names = {*joined.altered, *(joined.release_of[key] for key in joined.moved)}
        gone = [replace(self.before[old], joined_into=new) for old, new in self.left().items() if old in self.before]
        return [*(joined.releases[name] for name in sorted(names)), *gone]


def doubted(read: CalendarRead) -> Portions:
    """Return what is written of a read that changed nothing in force."""
    portions = Portions()
    _add_read(portions, read)
    return portions


def confirmed(
    read: CalendarRead, releases: Mapping[str, str], as_of: datetime, unlisted: Sequence[Promise] = ()
) -> Portions:
    """Return what is written of a read that still showed these entries, by uid; it speaks `as_of` that instant.

    `unlisted` are the promises that it does not show.
    """
    portions = Portions()
    _add_confirmed(portions, read, [*releases.values()], [*releases], as_of)
    portions.add(unlisted, lambda tx, some: tx.save_promises(some))
    _add_read(portions, read)
    return portions


def rejoined(change: LedgerChange, at: datetime) -> Portions:
    """Return what is written when the calendars were joined again without a read."""
    portions = Portions()
    if releases := change.releases():
        _add_joined(portions, change, releases, at, frozenset())
    return portions


def learnt(change: LedgerChange, read: CalendarRead, weighed: ReadResult, listing: Sequence[Promise] = ()) -> Portions:
    """Return what is written of a read that said something new.

    `listing` are earlier promises that it no longer shows, or shows again.
    """
    name, release_of, state = read.calendar, change.joined.release_of, change.states[read.calendar]
    uids = dict.fromkeys((*weighed.changed, *change.new))
    with_entries = {release_of[name, uid] for uid in uids} & change.joined.altered
    # The releases of entries that say something new are written with these, unless others moved to them.
    rest = [one for one in change.releases() if change.joined.moved or one.id not in with_entries]

    def entry(uid: str) -> Entry:
        return state.entry(uid, release_of[name, uid], read.finished)

    portions = Portions()
    _add_joined(portions, change, rest, read.finished, {(name, uid) for uid in uids})
    altered = {release: change.joined.releases[release] for release in with_entries}
    new = [(entry(uid), altered.get(release_of[name, uid]), change.new.get(uid)) for uid in uids]
    portions.add(new, _write_entries, rows=3)
    portions.add(listing, lambda tx, some: tx.save_promises(some))
    shown = weighed.learnt.confirmed
    same = [uid for uid in shown if uid not in uids]
    _add_confirmed(portions, read, [release_of[name, uid] for uid in shown], same, state.as_of or read.finished)
    portions.add([entry(uid) for uid in weighed.learnt.gone], _write_rows)
    _add_read(portions, read)
    return portions


def again(releases: Sequence[Release], promises: Sequence[Promise] = (), entries: Sequence[Entry] = ()) -> Portions:
    """Return what is written when the store has lost these, or has them otherwise."""
    portions = Portions()
    portions.add(releases, lambda tx, some: tx.save_releases(some))
    portions.add(promises, lambda tx, some: tx.add_promises(some))
    portions.add(entries, _write_rows)
    return portions


def _add_joined(
    portions: Portions, change: LedgerChange, releases: Sequence[Release], at: datetime, leave_out: Collection[Key]
) -> None:
    """Add what joining again altered: entries that moved come after all that they bring to their new release.

    A start finds by the entries what has moved, and writes the rest again. Entries to be left out are written with
    their promise.
    """
    release_of = change.joined.release_of
    keys = sorted(change.joined.moved.keys() - leave_out)
    moved = [change.states[key[0]].entry(key[1], release_of[key], at) for key in keys]
    portions.add(releases, lambda tx, some: tx.save_releases(some))
    portions.add(change.copies, lambda tx, some: tx.add_promises(some))
    portions.add(change.runs, lambda tx, some: tx.save_runs(some))
    portions.add(change.incidents, _write_incidents)
    portions.add(moved, _write_rows)


def _add_confirmed(
    portions: Portions, read: CalendarRead, releases: Sequence[str], uids: Sequence[str], as_of: datetime
) -> None:
    name, at = read.calendar, read.finished
    portions.add(releases, lambda tx, some: tx.confirm_all(name, some, as_of))
    portions.add(uids, lambda tx, some: tx.touch_announced(name, some, at))


def _add_read(portions: Portions, read: CalendarRead) -> None:
    portions.add([read], lambda tx, _: tx.add_read(read))


def _write_entries(tx: Transaction, entries: Sequence[tuple[Entry, Release | None, Promise | None]]) -> None:
    # In one order for all monitors: in any other, each could wait for rows that another has written.
    releases = {release.id: release for _, release, _ in entries if release is not None}
    tx.save_releases(releases[name] for name in sorted(releases))
    tx.add_promises(promise for _, _, promise in entries if promise is not None)
    _write_rows(tx, [entry for entry, _, _ in entries])


def _write_rows(tx: Transaction, entries: Iterable[Entry]) -> None:
    tx.save_announced(entry.row() for entry in entries)


def _write_incidents(tx: Transaction, incidents: Iterable[Incident]) -> None:
    for incident in incidents:
        tx.save_incident(incident)
