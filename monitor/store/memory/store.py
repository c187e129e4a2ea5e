"""The fake of the store: everything is remembered until the process ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path

from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.errors import StoreFault
from monitor.judge.runs import Blind, Run
from monitor.plan.targets import release_of
from monitor.store.interface import EvidenceIndex, Leases, LedgerStore, OutboxStore, RunStore, VerdictStore
from monitor.store.memory.ledger import MemoryLedger, is_within
from monitor.store.memory.transaction import MemoryTransaction, Shelves
from monitor.store.rows import Delivery, DeliveryState, Draft, Event, Heartbeat, Judged, Lease, Record, RotaRead
from schedules.release import Release

_RUNS_IN_TIME = attrgetter("first_sent", "target", "monitor")
_BLIND_IN_TIME = attrgetter("begins", "cause", "host", "target")


@dataclass(frozen=True, slots=True)
class MemoryRuns:
    """What was seen."""

    rows: Shelves

    def of_release(self, release: str) -> list[Run]:
        return self.rows.pick(Run, lambda run: run.target.startswith(f"{release}/"), key=_RUNS_IN_TIME)

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        return sorted((run for name in {*releases} for run in self.of_release(name)), key=_RUNS_IN_TIME)

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        return self.rows.pick(Blind, lambda span: span.begins < end and span.ends >= begin, key=_BLIND_IN_TIME)

    def crowded(self, most: int) -> list[str]:
        counted = Counter(run.target for run in self.rows.pick(Run, key=_RUNS_IN_TIME))
        return sorted({release_of(target) for target, runs in counted.items() if runs > most})


@dataclass(frozen=True, slots=True)
class MemoryVerdicts:
    """What was judged, and what came of it."""

    rows: Shelves

    def judged(
        self, begin: datetime | None = None, end: datetime | None = None, producer: str | None = None
    ) -> list[Judged]:
        away = {
            release.id
            for release in self.rows.pick(Release, lambda it: it.joined_into is not None, key=lambda it: it.id)
        }
        mine = self.rows.pick(Judged, lambda judged: producer in {None, judged.producer}, key=_slot_first)
        found = [judged for judged in mine if judged.release not in away]
        return [judged for judged in found if (begin is None and end is None) or is_within(judged.slot, begin, end)]

    def judged_ids(self, begin: datetime | None = None, end: datetime | None = None) -> list[str]:
        return [judged.release for judged in self.judged(begin, end)]

    def judged_one(self, release: str) -> Judged | None:
        return self.rows.get(Judged, release)

    def judged_on(self, releases: Sequence[str]) -> list[Judged]:
        wanted = {*releases}
        return self.rows.pick(Judged, lambda judged: judged.release in wanted, key=lambda judged: judged.release)

    def open_judged(self) -> list[Judged]:
        return [judged for judged in self.judged() if not judged.final]

    def event(self, event: str) -> Event | None:
        return self.rows.get(Event, event)

    def events(
        self, after: tuple[datetime, str] | None = None, release: str | None = None, limit: int = 1000
    ) -> list[Event]:
        mine = self.rows.pick(Event, lambda it: release in {None, it.release}, key=lambda it: (it.at, it.id))
        return [event for event in mine if after is None or (event.at, event.id) > after][:limit]

    def incidents(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        producer: str | None = None,
        limit: int | None = None,
    ) -> list[Incident]:
        mine = self.rows.pick(Incident, lambda it: producer in {None, it.producer}, key=lambda it: (it.occurred, it.id))
        found = [incident for incident in mine if is_within(incident.occurred, begin, end)]
        return found if limit is None else found[max(0, len(found) - limit) :]

    def incident(self, incident: str) -> Incident | None:
        return self.rows.get(Incident, incident)

    def words_on(self, incidents: Sequence[str]) -> dict[str, Mapping[str, str]]:
        found = (self.rows.get(Incident, name) for name in incidents)
        return {incident.id: incident.words for incident in found if incident is not None}

    def open_incidents(self, limit: int) -> list[Incident]:
        return [incident for incident in self.incidents()[::-1] if incident.is_open][:limit]

    def incidents_of(self, release: str) -> list[Incident]:
        return self.rows.pick(Incident, lambda it: it.release == release, key=lambda it: (it.opened, it.id))

    def drafts(self, incident: str) -> list[Draft]:
        return self.rows.pick(Draft, lambda draft: draft.incident == incident, key=lambda draft: draft.version)


@dataclass(frozen=True, slots=True)
class MemoryOutbox:
    """What people are told."""

    rows: Shelves

    def notices(self, incident: str | None = None) -> list[Notice]:
        return self.rows.pick(Notice, lambda it: incident in {None, it.incident}, key=lambda it: (it.at, it.id))

    def notice(self, notice: str) -> Notice | None:
        return self.rows.get(Notice, notice)

    def due_deliveries(self, now: datetime, limit: int = 100) -> list[Delivery]:
        due = self.rows.pick(Delivery, lambda it: it.due <= now, key=lambda it: (it.due, it.notice, it.channel))
        return [it for it in due if it.standing is DeliveryState.WAITING][:limit]

    def deliveries(self, notice: str | None = None) -> list[Delivery]:
        return self.rows.pick(Delivery, lambda it: notice in {None, it.notice}, key=lambda it: (it.notice, it.channel))

    def given_up(self, since: datetime) -> list[Delivery]:
        over = self.rows.pick(Delivery, lambda it: it.standing is DeliveryState.GIVEN_UP, key=_given_up_at)
        return [it for it in over if it.finished is not None and it.finished >= since][::-1]

    def silences(self, since: datetime) -> list[Silence]:
        return self.rows.pick(Silence, lambda it: it.until >= since, key=lambda it: (it.begins, it.id))

    def rotas(self) -> list[RotaRead]:
        return self.rows.pick(RotaRead, lambda _: True, key=lambda it: it.rota)

    def pending(self) -> int:
        return sum(delivery.standing is DeliveryState.WAITING for delivery in self.deliveries())


@dataclass(frozen=True, slots=True)
class MemoryEvidence:
    """The index of evidence."""

    rows: Shelves

    def records(self, ids: Sequence[str]) -> list[Record]:
        return self.rows.pick(
            Record, lambda record: record.id in ids, key=lambda record: (record.monitor, record.number)
        )

    def chain(self, monitor: str, after: int = 0, limit: int = 1000) -> list[Record]:
        mine = self.rows.pick(Record, lambda record: record.monitor == monitor, key=lambda record: record.number)
        return [record for record in mine if record.number > after][:limit]

    def last(self, monitor: str) -> Record | None:
        mine = self.rows.pick(Record, lambda record: record.monitor == monitor, key=lambda record: record.number)
        return mine[-1] if mine else None

    def monitors(self) -> list[str]:
        return sorted({record.monitor for record in self.rows.pick(Record, key=lambda record: record.number)})


@dataclass(frozen=True, slots=True)
class MemoryLeases:
    """Monitors, and what each does for all."""

    rows: Shelves

    def heartbeat(self, monitor: str) -> Heartbeat | None:
        return self.rows.get(Heartbeat, monitor)

    def lease(self, name: str) -> Lease | None:
        return self.rows.get(Lease, name)

    def leases(self) -> list[Lease]:
        return self.rows.pick(Lease, key=lambda lease: lease.name)

    def now(self, own: datetime) -> datetime:
        return own


class MemoryStore:
    """Everything remembered until the process ends."""

    def __init__(self) -> None:
        self._shelves = rows = Shelves()
        self.ledger: LedgerStore = MemoryLedger(rows)
        self.runs: RunStore = MemoryRuns(rows)
        self.verdicts: VerdictStore = MemoryVerdicts(rows)
        self.outbox: OutboxStore = MemoryOutbox(rows)
        self.evidence: EvidenceIndex = MemoryEvidence(rows)
        self.leases: Leases = MemoryLeases(rows)

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with self._shelves.undoing():
            yield MemoryTransaction(self._shelves)

    @property
    def newer(self) -> str:
        return ""

    def upgrade(self, *, steps: bool = True) -> None:
        """Do nothing: a store in memory is always of this version."""

    def accept(self) -> None:
        """Do nothing likewise."""

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


def _slot_first(judged: Judged) -> tuple[bool, datetime, str]:
    return judged.slot is None, judged.slot or judged.at, judged.release
