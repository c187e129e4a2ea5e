"""The seam to the store. Blocking: the one writer calls it from its own thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from alerts.claim import Claim
from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.judge.runs import Blind, Run
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
    SeriesEdition,
)
from monitor.store.transaction import Conflict, Transaction
from schedules.promise import Promise
from schedules.release import Release

__all__ = [
    "Conflict",
    "EvidenceIndex",
    "Leases",
    "LedgerStore",
    "OutboxStore",
    "RunStore",
    "Store",
    "Transaction",
    "VerdictStore",
]


class LedgerStore(Protocol):
    """What calendars showed and promised."""

    def releases(self, begin: datetime | None = None, end: datetime | None = None) -> list[Release]:
        """Return releases whose newest promise (or verdict's slot) begins in `[begin, end)`; all without bounds.

        Releases without a readable slot are returned only without bounds, those joined into others never.
        """

    def release(self, release: str) -> Release | None:
        """Return one release."""

    def releases_named(self, releases: Sequence[str]) -> list[Release]:
        """Return those of these releases that there are, by id."""

    def differing(self, releases: Sequence[Release]) -> list[str]:
        """Return which of these releases are stored otherwise or not at all."""

    def releases_alike(self, producer: str, url: str, words: Sequence[str]) -> list[Release]:
        """Return a producer's releases with `url` in their address or one of `words` in their title, by id.

        Letters A to Z count alike in both cases.
        """

    def promises(self, releases: Sequence[str] | None = None) -> list[Promise]:
        """Return promises in the order learnt, of these releases or of all."""

    def editions(self, after: str = "", limit: int = 1000) -> list[SeriesEdition]:
        """Return the newest promise of each release whose id comes after `after`, by id: the first `limit`."""

    def shown_since(self, since: datetime) -> list[str]:
        """Return the ids of releases shown in a calendar since then or still, or promised for then or later; sorted."""

    def announced(self, calendar: str) -> list[Announced]:
        """Return the entries a calendar has shown, by uid."""

    def entries_of(self, releases: Sequence[str]) -> list[Announced]:
        """Return the entries of these releases, by calendar and uid."""

    def entries_named(self, calendar: str, uids: Sequence[str]) -> list[Announced]:
        """Return those of these entries that a calendar has shown, by uid."""

    def reads(self, calendar: str | None = None, limit: int = 100) -> list[CalendarRead]:
        """Return reads, newest first."""

    def stale_reads(self, before: datetime) -> list[tuple[str, datetime]]:
        """Return the reads before `before` that repeat the one before them, by calendar and when they began."""

    def claims(self, begin: datetime | None = None, end: datetime | None = None, url: str | None = None) -> list[Claim]:
        """Return what publishers claim to have published in `[begin, end)`, at any address or at one, in time order."""


class RunStore(Protocol):
    """What was seen of targets, and when nothing could be."""

    def of_release(self, release: str) -> list[Run]:
        """Return the runs of every target of a release (ids begin with `RELEASE/`) in time order."""

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        """Return the runs of every target of these releases in time order; the releases are kept themselves."""

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        """Return blind spans that touch `[begin, end)`, in time order."""

    def crowded(self, most: int) -> list[str]:
        """Return the releases with a target that has more than `most` runs."""


class VerdictStore(Protocol):
    """What was judged, and the incidents and drafts that came of it."""

    def judged(
        self, begin: datetime | None = None, end: datetime | None = None, producer: str | None = None
    ) -> list[Judged]:
        """Return verdicts whose slot begins in `[begin, end)`, by slot and then release; without a slot last.

        Those on releases that were joined into others are left out.
        """

    def judged_ids(self, begin: datetime | None = None, end: datetime | None = None) -> list[str]:
        """Return the releases of `judged`, in its order: for whoever goes through more of them than memory holds."""

    def judged_one(self, release: str) -> Judged | None:
        """Return the verdict on one release."""

    def judged_on(self, releases: Sequence[str]) -> list[Judged]:
        """Return the verdicts on these releases, by release."""

    def open_judged(self) -> list[Judged]:
        """Return the verdicts that are not final, of releases that were not joined into others."""

    def event(self, event: str) -> Event | None:
        """Return one event."""

    def events(
        self, after: tuple[datetime, str] | None = None, release: str | None = None, limit: int = 1000
    ) -> list[Event]:
        """Return the first `limit` events by instant and id, of one release or of all; those `after` that position."""

    def incidents(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        producer: str | None = None,
        limit: int | None = None,
    ) -> list[Incident]:
        """Return incidents that occurred in `[begin, end)`, in that order; the newest `limit` of them."""

    def incident(self, incident: str) -> Incident | None:
        """Return one incident."""

    def words_on(self, incidents: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Return what people filled in of the incidents of these ids, by id."""

    def open_incidents(self, limit: int) -> list[Incident]:
        """Return the newest `limit` incidents that somebody still has something to do about, newest first."""

    def incidents_of(self, release: str) -> list[Incident]:
        """Return every incident of a release, in the order they were opened."""

    def drafts(self, incident: str) -> list[Draft]:
        """Return the versions of a draft, oldest first."""


class OutboxStore(Protocol):
    """What people are told, and how far it has got."""

    def notices(self, incident: str | None = None) -> list[Notice]:
        """Return notices in time order."""

    def notice(self, notice: str) -> Notice | None:
        """Return one notice."""

    def due_deliveries(self, now: datetime, limit: int = 100) -> list[Delivery]:
        """Return waiting deliveries due by `now`, the longest due first."""

    def deliveries(self, notice: str | None = None) -> list[Delivery]:
        """Return deliveries, of one notice or of all."""

    def given_up(self, since: datetime) -> list[Delivery]:
        """Return deliveries given up at `since` or later, the newest first."""

    def pending(self) -> int:
        """Return how many deliveries wait."""

    def silences(self, since: datetime) -> list[Silence]:
        """Return the silences made to last until `since` or longer, in the order they began."""

    def rotas(self) -> list[RotaRead]:
        """Return what the calendar of each rota said when it was last read with success, by name."""


class EvidenceIndex(Protocol):
    """Which bytes are kept as evidence, and where they lie."""

    def records(self, ids: Sequence[str]) -> list[Record]:
        """Return these records of evidence, by monitor and number; ids that name none are left out."""

    def chain(self, monitor: str, after: int = 0, limit: int = 1000) -> list[Record]:
        """Return a monitor's records numbered above `after`, in order."""

    def last(self, monitor: str) -> Record | None:
        """Return the newest record of a monitor."""

    def monitors(self) -> list[str]:
        """Return the monitors that have kept evidence."""


class Leases(Protocol):
    """Which monitor is alive, and who does what only one may do."""

    def heartbeat(self, monitor: str) -> Heartbeat | None:
        """Return the last sign of life of a monitor."""

    def lease(self, name: str) -> Lease | None:
        """Return who holds a lease, run out or not."""

    def leases(self) -> list[Lease]:
        """Return every lease, by name."""

    def now(self, own: datetime) -> datetime:
        """Return the time by which leases run out: the database's where several monitors share it, else `own`."""


class Store(Protocol):
    """Everything remembered, in six parts. Each raises `StoreFault` when it cannot be read or written."""

    ledger: LedgerStore
    runs: RunStore
    verdicts: VerdictStore
    outbox: OutboxStore
    evidence: EvidenceIndex
    leases: Leases

    @property
    def newer(self) -> str:
        """Return the shape of a store that a newer version changed, beside which this one may work; else nothing."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a transaction: committed at the end of the block, rolled back when it raises."""

    def upgrade(self, *, steps: bool = True) -> None:
        """Bring the store to this version's shape; creates it when it is empty.

        Without `steps` one of an older shape is refused, and left as it is.
        """

    def accept(self) -> None:
        """Refuse a store of a shape that this version cannot read; makes and changes nothing."""

    def give_back(self, most: int) -> int:
        """Hand up to `most` pages of freed room back to the disk; return how many are left to be.

        Holds other writes up for milliseconds. PostgreSQL looks after its room itself.
        """

    def refresh(self) -> None:
        """Tell the database how its rows lie now, so that it goes on choosing the right indices."""

    def check(self) -> list[str]:
        """Return what is wrong with the store, one line each; empty when whole."""

    def backup(self, file: Path) -> None:
        """Copy the store to an SQLite file while it is in use; raises `UserFault` when the file is there already."""

    def close(self) -> None:
        """Let go of every connection."""
