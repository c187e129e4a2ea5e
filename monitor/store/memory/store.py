"""The fake of the store: everything is remembered until the process ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from pathlib import Path

from alerts.incident import Incident
from alerts.notice import Notice
from monitor.errors import StoreFault
from monitor.judge.runs import Blind, Run
from monitor.plan.targets import release_of
from monitor.store.memory.ledger import MemoryLedger, is_within
from monitor.store.memory.transaction import MemoryTransaction
from monitor.store.rows import CalendarRead, Delivery, DeliveryState, Draft, Event, Heartbeat, Judged, Lease, Record
from schedules.release import Release

_RUNS_IN_TIME = attrgetter("first_sent", "target", "monitor")
_BLIND_IN_TIME = attrgetter("begins", "cause", "host", "target")


class MemoryStore(MemoryLedger):
    """Everything remembered until the process ends."""

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with self._shelves.undoing():
            yield MemoryTransaction(self._shelves)

    def upgrade(self) -> None:
        """Do nothing: a store in memory is always of this version."""

    def stale_reads(self, before: datetime) -> list[tuple[str, datetime]]:
        reads = self._pick(CalendarRead, lambda read: read.started < before, key=lambda it: (it.calendar, it.started))
        return [(read.calendar, read.started) for last, read in pairwise(reads) if _repeats(last, read)]

    def crowded(self, most: int) -> list[str]:
        counted = Counter(run.target for run in self._pick(Run, key=_RUNS_IN_TIME))
        return sorted({release_of(target) for target, runs in counted.items() if runs > most})

    def runs(self, targets: Sequence[str]) -> list[Run]:
        wanted = set(targets)
        return self._pick(Run, lambda run: run.target in wanted, key=_RUNS_IN_TIME)

    def runs_of_release(self, release: str) -> list[Run]:
        return self._pick(Run, lambda run: run.target.startswith(f"{release}/"), key=_RUNS_IN_TIME)

    def runs_of_releases(self, releases: Sequence[str]) -> list[Run]:
        return sorted((run for name in {*releases} for run in self.runs_of_release(name)), key=_RUNS_IN_TIME)

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        return self._pick(Blind, lambda span: span.begins < end and span.ends >= begin, key=_BLIND_IN_TIME)

    def judged(
        self, begin: datetime | None = None, end: datetime | None = None, producer: str | None = None
    ) -> list[Judged]:
        away = {
            release.id for release in self._pick(Release, lambda it: it.joined_into is not None, key=lambda it: it.id)
        }
        mine = self._pick(Judged, lambda judged: producer in {None, judged.producer}, key=_slot_first)
        found = [judged for judged in mine if judged.release not in away]
        return [judged for judged in found if (begin is None and end is None) or is_within(judged.slot, begin, end)]

    def judged_one(self, release: str) -> Judged | None:
        return self._get(Judged, release)

    def judged_on(self, releases: Sequence[str]) -> list[Judged]:
        wanted = {*releases}
        return self._pick(Judged, lambda judged: judged.release in wanted, key=lambda judged: judged.release)

    def open_judged(self) -> list[Judged]:
        return [judged for judged in self.judged() if not judged.final]

    def event(self, event: str) -> Event | None:
        return self._get(Event, event)

    def events(
        self, after: tuple[datetime, str] | None = None, release: str | None = None, limit: int = 1000
    ) -> list[Event]:
        mine = self._pick(Event, lambda it: release in {None, it.release}, key=lambda it: (it.at, it.id))
        return [event for event in mine if after is None or (event.at, event.id) > after][:limit]

    def incidents(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        producer: str | None = None,
        limit: int | None = None,
    ) -> list[Incident]:
        mine = self._pick(Incident, lambda it: producer in {None, it.producer}, key=lambda it: (it.occurred, it.id))
        found = [incident for incident in mine if is_within(incident.occurred, begin, end)]
        return found if limit is None else found[max(0, len(found) - limit) :]

    def incident(self, incident: str) -> Incident | None:
        return self._get(Incident, incident)

    def incidents_of(self, release: str) -> list[Incident]:
        return self._pick(Incident, lambda it: it.release == release, key=lambda it: (it.opened, it.id))

    def drafts(self, incident: str) -> list[Draft]:
        return self._pick(Draft, lambda draft: draft.incident == incident, key=lambda draft: draft.version)

    def notices(self, incident: str | None = None) -> list[Notice]:
        return self._pick(Notice, lambda it: incident in {None, it.incident}, key=lambda it: (it.at, it.id))

    def notice(self, notice: str) -> Notice | None:
        return self._get(Notice, notice)

    def due_deliveries(self, now: datetime, limit: int = 100) -> list[Delivery]:
        due = self._pick(Delivery, lambda it: it.due <= now, key=lambda it: (it.due, it.notice, it.channel))
        return [it for it in due if it.standing is DeliveryState.WAITING][:limit]

    def deliveries(self, notice: str | None = None) -> list[Delivery]:
        return self._pick(Delivery, lambda it: notice in {None, it.notice}, key=lambda it: (it.notice, it.channel))

    def given_up(self, since: datetime) -> list[Delivery]:
        over = self._pick(Delivery, lambda it: it.standing is DeliveryState.GIVEN_UP, key=_given_up_at)
        return [it for it in over if it.finished is not None and it.finished >= since][::-1]

    def outbox_pending(self) -> int:
        return sum(delivery.standing is DeliveryState.WAITING for delivery in self.deliveries())

    def heartbeat(self, monitor: str) -> Heartbeat | None:
        return self._get(Heartbeat, monitor)

    def evidence(self, ids: Sequence[str]) -> list[Record]:
        return self._pick(Record, lambda record: record.id in ids, key=lambda record: (record.monitor, record.number))

    def evidence_chain(self, monitor: str, after: int = 0, limit: int = 1000) -> list[Record]:
        mine = self._pick(Record, lambda record: record.monitor == monitor, key=lambda record: record.number)
        return [record for record in mine if record.number > after][:limit]

    def last_evidence(self, monitor: str) -> Record | None:
        mine = self._pick(Record, lambda record: record.monitor == monitor, key=lambda record: record.number)
        return mine[-1] if mine else None

    def evidence_monitors(self) -> list[str]:
        return sorted({record.monitor for record in self._pick(Record, key=lambda record: record.number)})

    def lease(self, name: str) -> Lease | None:
        return self._get(Lease, name)

    def leases(self) -> list[Lease]:
        return self._pick(Lease, key=lambda lease: lease.name)

    def give_back(self, most: int) -> int:
        """Do nothing: there are no pages."""
        del most
        return 0

    def refresh(self) -> None:
        """Do nothing: there are no indices."""

    def check(self) -> list[str]:
        """Return nothing: there is no disk to fail and no other program to meddle."""
        return []

    def backup(self, file: Path) -> None:
        """Refuse: what is in memory is there to be forgotten."""
        raise StoreFault(f"backup {file}: a store in memory cannot be copied to a file")

    def close(self) -> None:
        """Do nothing: there are no connections."""


def _given_up_at(delivery: Delivery) -> tuple[datetime, str, str]:
    return delivery.finished or delivery.due, delivery.notice, delivery.channel


def _repeats(last: CalendarRead, read: CalendarRead) -> bool:
    said = [(it.calendar, it.usable, it.digest, it.fault) for it in (last, read)]
    return said[0] == said[1]


def _slot_first(judged: Judged) -> tuple[bool, datetime, str]:
    return judged.slot is None, judged.slot or judged.at, judged.release
