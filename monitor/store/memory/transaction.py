"""The writing half of the store in memory: rows on shelves, and how to take a transaction back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from alerts.claim import Claim
from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.judge.runs import Blind, Run
from monitor.store.interface import Conflict
from monitor.store.rows import (
    Announced,
    CalendarRead,
    Delivery,
    Draft,
    Event,
    Heartbeat,
    Judged,
    Lease,
    Record,
    RotaRead,
)
from schedules.promise import Promise
from schedules.release import Release

T = TypeVar("T")
Key = tuple[Any, ...]

_CHANGEABLE = (Announced, Judged, Event, Draft, Incident)


def apart(thing: T) -> T:
    """Return a row that shares nothing changeable with this one."""
    return deepcopy(thing) if isinstance(thing, _CHANGEABLE) else thing


class Shelves:
    """Rows by kind and key."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._rows: dict[type[Any], dict[Key, Any]] = {}
        self._undo: list[Callable[[], object]] = []

    def of(self, kind: type[T]) -> dict[Key, T]:
        """Return every row of a kind by its key."""
        return self._rows.setdefault(kind, {})

    def put(self, thing: Any, *key: Any) -> None:  # noqa: ANN401  # any row
        """Insert or replace a row."""
        rows = self.of(type(thing))
        old = rows.get(key)
        self._undo.append(lambda: rows.pop(key) if old is None else rows.update({key: old}))
        rows[key] = apart(thing)

    def add(self, thing: Any, *key: Any) -> bool:  # noqa: ANN401  # any row
        """Insert a row; False when its key is taken."""
        if key in self.of(type(thing)):
            return False
        self.put(thing, *key)
        return True

    def drop(self, kind: type[Any], *key: Any) -> None:  # noqa: ANN401  # parts of a key
        """Remove a row."""
        rows = self.of(kind)
        old = rows.pop(key)
        self._undo.append(lambda: rows.update({key: old}))

    def get(self, kind: type[T], *key: str) -> T | None:
        """Return the row of a key."""
        with self.lock:
            return apart(self.of(kind).get(key))

    def pick(self, kind: type[T], fits: Callable[[T], bool] = bool, *, key: Callable[[T], Any]) -> list[T]:
        """Return the rows of a kind that fit, in the order of `key`."""
        with self.lock:
            return [apart(row) for row in sorted(filter(fits, self.of(kind).values()), key=key)]

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Take everything back when the block raises."""
        with self.lock:
            self._undo.clear()
            done = False
            try:
                yield
                done = True
            finally:
                while self._undo and not done:
                    self._undo.pop()()


class MemoryTransaction:
    """Writes of one transaction."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def save_release(self, release: Release) -> None:
        self._shelves.put(release, release.id)

    def save_releases(self, releases: Iterable[Release]) -> None:
        for release in releases:
            self.save_release(release)

    def add_promises(self, promises: Iterable[Promise]) -> None:
        for promise in promises:
            self._shelves.add(promise, promise.release, promise.calendar, promise.learnt)

    def save_promises(self, promises: Iterable[Promise]) -> None:
        for promise in promises:
            self._shelves.put(promise, promise.release, promise.calendar, promise.learnt)

    def confirm_all(self, calendar: str, releases: Sequence[str], at: datetime) -> None:
        for release in releases:
            self._confirm(release, calendar, at)

    def save_announced(self, announced: Iterable[Announced]) -> None:
        for entry in announced:
            self._shelves.put(entry, entry.calendar, entry.uid)

    def touch_announced(self, calendar: str, uids: Sequence[str], at: datetime) -> None:
        shown = [key for key in ((calendar, uid) for uid in uids) if key in self._shelves.of(Announced)]
        for key in shown:
            self._shelves.put(replace(self._shelves.of(Announced)[key], seen_last=at, gone=None), *key)

    def add_read(self, read: CalendarRead) -> None:
        self._shelves.put(read, read.calendar, read.started)

    def forget_reads(self, reads: Sequence[tuple[str, datetime]]) -> None:
        for key in reads:
            self._shelves.drop(CalendarRead, *key)

    def add_claim(self, claim: Claim) -> bool:
        return self._shelves.add(claim, claim.producer, claim.url, claim.at)

    def save_runs(self, runs: Iterable[Run]) -> None:
        for run in runs:
            self._shelves.put(run, *run.key)

    def merge_runs(self, runs: Sequence[Run], merged: Sequence[Run]) -> None:
        for run in runs:
            self._shelves.drop(Run, *run.key)
        self.save_runs(merged)

    def add_blind(self, blind: Blind) -> None:
        key = (blind.begins, blind.cause, blind.host, blind.target)
        known = self._shelves.of(Blind).get(key, blind)
        whose = known.monitor if known.monitor == blind.monitor else ""
        self._shelves.put(replace(blind, ends=max(blind.ends, known.ends), monitor=whose), *key)

    def save_judged(self, judged: Judged) -> None:
        self._shelves.put(judged, judged.release)

    def add_event(self, event: Event) -> bool:
        return self._shelves.add(event, event.id)

    def save_incident(self, incident: Incident) -> None:
        self._shelves.put(incident, incident.id)

    def add_draft(self, draft: Draft) -> None:
        if not self._shelves.add(draft, draft.incident, draft.version):
            raise Conflict(f"version {draft.version} of the draft of {draft.incident} is there already")

    def add_notice(self, notice: Notice, deliveries: Sequence[Delivery]) -> bool:
        if not self._shelves.add(notice, notice.id):
            return False
        for delivery in deliveries:
            self.save_delivery(delivery)
        return True

    def save_notice(self, notice: Notice) -> None:
        self._shelves.put(notice, notice.id)

    def save_delivery(self, delivery: Delivery) -> None:
        if (delivery.notice,) not in self._shelves.of(Notice):
            raise Conflict(f"a delivery of notice {delivery.notice}, which is not there")
        self._shelves.put(delivery, delivery.notice, delivery.channel)

    def save_silence(self, silence: Silence) -> None:
        self._shelves.put(silence, silence.id)

    def save_rota(self, read: RotaRead) -> None:
        self._shelves.put(read, read.rota)

    def save_heartbeat(self, heartbeat: Heartbeat) -> None:
        self._shelves.put(heartbeat, heartbeat.monitor)

    def add_evidence(self, records: Iterable[Record]) -> None:
        for record in records:
            key = (record.monitor, record.number)
            if not self._shelves.add(record, *key) and self._shelves.of(Record)[key].chain != record.chain:
                raise Conflict(f"evidence {record.id} is there already, and is another")

    def expire_evidence(self, monitor: str, last: int, at: datetime) -> None:
        stale = [it for it in self._shelves.of(Record).values() if it.monitor == monitor and it.number <= last]
        for record in stale:
            self._shelves.put(replace(record, expired=record.expired or at), record.monitor, record.number)

    def take_lease(self, name: str, holder: str, now: datetime, until: datetime) -> Lease | None:
        held = self._shelves.of(Lease).get((name,))
        is_held = held is not None and held.until > now
        if held is not None and is_held and held.holder != holder:
            return None
        taken = Lease(name, holder, until, held.since if held is not None and is_held else now)
        self._shelves.put(taken, name)
        return taken

    def drop_lease(self, name: str, holder: str) -> None:
        held = self._shelves.of(Lease).get((name,))
        if held is not None and held.holder == holder:
            self._shelves.drop(Lease, name)

    def _confirm(self, release: str, calendar: str, at: datetime) -> None:
        mine = [key for key in self._shelves.of(Promise) if key[:2] == (release, calendar)]
        if not mine:
            return
        newest = self._shelves.of(Promise)[max(mine)]
        if newest.confirmed_at is None or newest.confirmed_at < at:
            self._shelves.put(replace(newest, confirmed_at=at), *max(mine))
