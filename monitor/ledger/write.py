"""Writes down what reads of calendars come to. Whoever keeps it in memory takes it over once it is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from alerts.incident import Incident
from monitor.judge.runs import Run
from monitor.ledger.state import CalendarState, Rejoined, Weighed
from monitor.store.interface import Transaction
from monitor.store.rows import Announced, CalendarRead
from monitor.store.writer import Writer
from monitor.threads import SMALL
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

    def unheard_of(self) -> Collection[str]:
        """Return the releases that were none before, of entries that belonged to no other: the store knows of none."""
        moved = {self.joined.release_of[key] for key in self.joined.moved}
        return self.joined.altered.difference(self.before, moved)

    def releases(self) -> list[Release]:
        """Return every release to be written."""
        joined = self.joined
        names = {*joined.altered, *(joined.release_of[key] for key in joined.moved)}
        gone = [replace(self.before[old], joined_into=new) for old, new in self.left().items() if old in self.before]
        return [*(joined.releases[name] for name in sorted(names)), *gone]


async def note(writer: Writer, read: CalendarRead) -> None:
    """Write down a read that changed nothing in force."""
    await writer.write(lambda tx: tx.add_read(read), apart=True)


async def confirm(writer: Writer, read: CalendarRead, releases: Mapping[str, str], as_of: datetime) -> None:
    """Write down that these entries, by uid, were still shown, and what their releases were promised `as_of`."""

    def write(tx: Transaction) -> None:
        tx.confirm_all(read.calendar, list(releases.values()), as_of)
        tx.touch_announced(read.calendar, list(releases), read.finished)
        tx.add_read(read)

    await writer.write(write, apart=True)


async def settle(writer: Writer, change: LedgerChange, at: datetime) -> None:
    """Write down what joining again changed without a read, as of `at`."""
    releases = change.releases()
    if releases:
        await writer.write(lambda tx: _write_joined(change, releases, at, tx), apart=True)


async def enter(writer: Writer, change: LedgerChange, read: CalendarRead, weighed: Weighed) -> None:
    """Write down a read that said something new. In one transaction, unless it said very much."""
    uids = list(dict.fromkeys((*weighed.changed, *change.new)))
    for start in range(SMALL, len(uids), SMALL):
        await writer.write(partial(_write_entries, change, read, uids[start : start + SMALL]), apart=True)
    # The releases of entries that say something new are written with these.
    with_entries = {change.joined.release_of[read.calendar, uid] for uid in uids} & change.joined.altered
    rest = [release for release in change.releases() if release.id not in with_entries]

    def write(tx: Transaction) -> None:
        _write_joined(change, rest, read.finished, tx)
        _write_entries(change, read, uids[:SMALL], tx)
        _write_the_same(change, read, weighed, tx)
        tx.add_read(read)

    await writer.write(write, apart=True)


async def again(
    writer: Writer, releases: Sequence[Release], promises: Sequence[Promise] = (), entries: Sequence[Announced] = ()
) -> None:
    """Write down what the store has lost or has otherwise: these releases, promises and entries."""

    def write(tx: Transaction) -> None:
        tx.save_releases(releases)
        tx.add_promises(promises)
        tx.save_announced(entries)

    await writer.write(write, apart=True)


def _write_joined(change: LedgerChange, releases: Iterable[Release], at: datetime, tx: Transaction) -> None:
    release_of = change.joined.release_of
    tx.save_releases(releases)
    tx.add_promises(change.copies)
    tx.save_runs(change.runs)
    for incident in change.incidents:
        tx.save_incident(incident)
    tx.save_announced(change.states[key[0]].row(key[1], release_of[key], at) for key in change.joined.moved)


def _write_entries(change: LedgerChange, read: CalendarRead, uids: Sequence[str], tx: Transaction) -> None:
    joined, state = change.joined, change.states[read.calendar]
    release_of = {uid: joined.release_of[read.calendar, uid] for uid in uids}
    # In one order for all monitors: in any other, each could wait for rows that another has written.
    tx.save_releases(joined.releases[release] for release in sorted({*release_of.values()} & joined.altered))
    tx.add_promises(change.new[uid] for uid in uids if uid in change.new)
    tx.save_announced(state.row(uid, release, read.finished) for uid, release in release_of.items())


def _write_the_same(change: LedgerChange, read: CalendarRead, weighed: Weighed, tx: Transaction) -> None:
    """Write which entries are gone, and which say what they said."""
    name, release_of, state = read.calendar, change.joined.release_of, change.states[read.calendar]
    gone, confirmed = weighed.learnt.gone, weighed.learnt.confirmed
    tx.save_announced(state.row(uid, release_of[name, uid], read.finished) for uid in gone)
    tx.confirm_all(name, [release_of[name, uid] for uid in confirmed], state.as_of or read.finished)
    tx.touch_announced(name, [uid for uid in confirmed if uid not in weighed.changed], read.finished)
