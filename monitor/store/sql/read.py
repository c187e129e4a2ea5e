"""The queries of the store, one class for each subject. Those of the ledger are in `read_ledger`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.judge.runs import Blind, Run
from monitor.plan.targets import release_from_id
from monitor.store.rows import Delivery, DeliveryState, Draft, Event, Heartbeat, Judged, Lease, Record, RotaRead
from monitor.store.sql import tables
from monitor.store.sql.columns import database_clock
from monitor.store.sql.query import QueryRunner, chunks, equals, from_keyed_row, in_period, select_all

_RUNS_IN_TIME = attrgetter("first_sent", "target", "monitor")
_BLIND_IN_TIME = attrgetter("begins", "cause", "host", "target")


@dataclass(frozen=True, slots=True)
class RunStore:
    """Queries for runs and blind spans."""

    runner: QueryRunner

    def of_release(self, release: str) -> list[Run]:
        """Return the runs of all targets of a release (their ids begin with `RELEASE/`) in time order."""
        target = tables.RUN.c.target
        # "0" is the character after "/", so all ids that begin with "RELEASE/" are one range of the index.
        query = select_all(Run, tables.RUN).where(target >= f"{release}/", target < f"{release}0")
        return sorted(self.runner.make_each(Run, query), key=_RUNS_IN_TIME)

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        """Return the runs of all targets of these stored releases in time order."""
        target, release = tables.RUN.c.target, tables.RELEASE.c.id
        # The range of ids is explained in `of_release`.
        query = select_all(Run, tables.RUN).join(tables.RELEASE, (target >= release + "/") & (target < release + "0"))
        return sorted(self.runner.make_each_of(Run, query, release, releases), key=_RUNS_IN_TIME)

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        """Return blind spans that overlap `[begin, end)`, in time order."""
        table = tables.BLIND
        overlapping = select_all(Blind, table).where(table.c.begins < end, table.c.ends >= begin)
        # Long spans have an index of their own. Otherwise every query would read half of all spans.
        recent, long = overlapping.where(table.c.begins >= begin - tables.LONG), overlapping.where(tables.IS_LONG)
        return sorted({*self.runner.make_each(Blind, recent), *self.runner.make_each(Blind, long)}, key=_BLIND_IN_TIME)

    def find_crowded(self, most: int) -> list[str]:
        """Return the releases with a target that has more than `most` runs."""
        target = tables.RUN.c.target
        crowded = select(target).group_by(target).having(func.count() > most)
        return sorted({release_from_id(name) for name in self.runner.make_each(str, crowded)})


# Cached, because pages show today's incidents again and again.
@lru_cache(maxsize=512)
def _make_incident(row: tuple[tuple[str, Any], ...]) -> Incident:
    """Return an incident from the columns of its row, each as its name and value."""
    return from_keyed_row(Incident, dict(row))


@lru_cache(maxsize=512)
def _parse_words(body: str) -> Mapping[str, str]:
    """Return the form fields that people filled in, from the JSON of an incident."""
    words: Mapping[str, str] = json.loads(body).get("words", {})
    return words


@dataclass(frozen=True, slots=True)
class VerdictStore:
    """Queries for verdicts, events, incidents and drafts."""

    runner: QueryRunner

    def judged(
        self, begin: datetime | None = None, end: datetime | None = None, producer: str | None = None
    ) -> list[Judged]:
        """Return the verdicts, sorted by slot and release. With bounds, only those with a slot in `[begin, end)`.

        Without bounds, verdicts without a slot are last. Releases that were joined into others are left out.
        """
        table = tables.JUDGED
        conditions = (*in_period(table.c.slot, begin, end), *equals(table.c.producer, producer))
        query = select_all(Judged, table).where(*conditions, _is_not_joined())
        return sorted(self.runner.make_each(Judged, query), key=_slot_first)

    def judged_ids(self, begin: datetime | None = None, end: datetime | None = None) -> list[str]:
        """Return the release ids of `judged` in the same order, for callers that must not load all rows at once."""
        table = tables.JUDGED
        slot_first = (table.c.slot.is_(None), func.coalesce(table.c.slot, table.c.at), table.c.release)
        query = select(table.c.release).where(*in_period(table.c.slot, begin, end), _is_not_joined())
        return self.runner.make_each(str, query.order_by(*slot_first))

    def judged_one(self, release: str) -> Judged | None:
        """Return the verdict on one release, or None if it is not stored."""
        return self.runner.find(Judged, tables.JUDGED, release)

    def judged_on(self, releases: Sequence[str]) -> list[Judged]:
        """Return the verdicts on these releases, by release."""
        found = self.runner.make_each_of(Judged, select_all(Judged, tables.JUDGED), tables.JUDGED.c.release, releases)
        return sorted(found, key=lambda judged: judged.release)

    def open_judged(self) -> list[Judged]:
        """Return the verdicts that are not final, except of releases that were joined into others."""
        query = select_all(Judged, tables.JUDGED).where(tables.JUDGED.c.final.is_(False), _is_not_joined())
        return sorted(self.runner.make_each(Judged, query), key=_slot_first)

    def event(self, event: str) -> Event | None:
        """Return one event, or None if no event has this id."""
        return self.runner.find(Event, tables.EVENT, event)

    def events(
        self, after: tuple[datetime, str] | None = None, release: str | None = None, limit: int = 1000
    ) -> list[Event]:
        """Return the first `limit` events by time and id, of one release or of all, after the position `after`."""
        table = tables.EVENT
        query = select_all(Event, table).where(*equals(table.c.release, release))
        if after is not None:
            at, name = after
            # The first condition lets the database use the index.
            query = query.where(table.c.at >= at, or_(table.c.at > at, table.c.id > name))
        return self.runner.make_each(Event, query.order_by(table.c.at, table.c.id).limit(limit))

    def incidents(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        producer: str | None = None,
        limit: int | None = None,
    ) -> list[Incident]:
        """Return the newest `limit` incidents that occurred in `[begin, end)`, oldest first."""
        table = tables.INCIDENT
        query = select(table).where(*in_period(table.c.occurred, begin, end), *equals(table.c.producer, producer))
        newest = query.order_by(table.c.occurred.desc(), table.c.id.desc()).limit(limit)
        return self._read_incidents(newest)[::-1]

    def incident(self, incident: str) -> Incident | None:
        """Return one incident, or None if no incident has this id."""
        return self.runner.find_keyed(Incident, tables.INCIDENT, incident)

    def words_on(self, incidents: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Return the form fields that people filled in, for each of these incidents."""
        table = tables.INCIDENT
        query = select(table.c.id, table.c.body)
        rows = self.runner.make_each_of(lambda *row: row, query, table.c.id, incidents)
        return {name: _parse_words(body) for name, body in rows}

    def open_incidents(self, limit: int) -> list[Incident]:
        """Return the newest `limit` incidents that still need action, newest first."""
        table = tables.INCIDENT
        newest = select(table).where(tables.IS_OPEN).order_by(table.c.occurred.desc(), table.c.id.desc())
        return self._read_incidents(newest.limit(limit))

    def incidents_of(self, release: str) -> list[Incident]:
        """Return every incident of a release in the order of opening."""
        table = tables.INCIDENT
        query = select(table).where(table.c.release == release)
        return self._read_incidents(query.order_by(table.c.opened, table.c.id))

    def _read_incidents(self, query: Select[Any]) -> list[Incident]:
        return [_make_incident(tuple(row.items())) for row in self.runner.rows(query)]

    def drafts(self, incident: str) -> list[Draft]:
        """Return the versions of a draft, oldest first."""
        table = tables.DRAFT
        query = select_all(Draft, table).where(table.c.incident == incident)
        return self.runner.make_each(Draft, query.order_by(table.c.version))

    def is_draft_signed(self, incident: str) -> bool:
        """Return whether a version of a draft is signed, without reading the versions."""
        table = tables.DRAFT
        signed = select(table.c.version).where(table.c.incident == incident, table.c.signed.is_not(None))
        return bool(self.runner.rows(signed.limit(1)))


@dataclass(frozen=True, slots=True)
class OutboxStore:
    """Queries for notices, deliveries, silences and rotas."""

    runner: QueryRunner

    def notices(self, incident: str | None = None) -> list[Notice]:
        """Return the notices of one incident or of all, in time order."""
        table = tables.NOTICE
        query = select(table).where(*equals(table.c.incident, incident))
        return [from_keyed_row(Notice, row) for row in self.runner.rows(query.order_by(table.c.at, table.c.id))]

    def notice(self, notice: str) -> Notice | None:
        """Return one notice, or None if no notice has this id."""
        return self.runner.find_keyed(Notice, tables.NOTICE, notice)

    def due_deliveries(self, now: datetime, limit: int = 100) -> list[Delivery]:
        """Return waiting deliveries due by `now`, the longest due first."""
        table = tables.DELIVERY
        query = select_all(Delivery, table).where(table.c.standing == DeliveryState.WAITING, table.c.due <= now)
        return self.runner.make_each(Delivery, query.order_by(table.c.due, *table.primary_key).limit(limit))

    def deliveries(self, notice: str | None = None) -> list[Delivery]:
        """Return deliveries, of one notice or of all."""
        table = tables.DELIVERY
        query = select_all(Delivery, table).where(*equals(table.c.notice, notice))
        return self.runner.make_each(Delivery, query.order_by(*table.primary_key))

    def given_up(self, since: datetime) -> list[Delivery]:
        """Return the deliveries that were given up at `since` or later, newest first."""
        table = tables.DELIVERY
        query = select_all(Delivery, table).where(table.c.standing == DeliveryState.GIVEN_UP, table.c.finished >= since)
        newest_first = (table.c.finished.desc(), table.c.notice.desc(), table.c.channel.desc())
        return self.runner.make_each(Delivery, query.order_by(*newest_first))

    def silences(self, since: datetime) -> list[Silence]:
        """Return the silences that end at `since` or later, in the order of their start."""
        table = tables.SILENCE
        query = select_all(Silence, table).where(table.c.until >= since)
        return self.runner.make_each(Silence, query.order_by(table.c.begins, table.c.id))

    def rotas(self) -> list[RotaRead]:
        """Return the last successful read of each rota's calendar, by name."""
        return self.runner.make_each(RotaRead, select_all(RotaRead, tables.ROTA).order_by(tables.ROTA.c.rota))

    def pending(self) -> int:
        """Return the number of waiting deliveries."""
        waiting = tables.DELIVERY.c.standing == DeliveryState.WAITING
        (count,) = self.runner.make_each(int, select(func.count()).where(waiting))
        return count


@dataclass(frozen=True, slots=True)
class EvidenceIndex:
    """Queries for records of evidence."""

    runner: QueryRunner

    def records(self, ids: Sequence[str]) -> list[Record]:
        """Return these records of evidence, by monitor and number. Unknown ids are left out."""
        table = tables.EVIDENCE
        numbers = defaultdict[str, list[int]](list)
        for monitor, _, number in (name.rpartition("-") for name in ids):
            if number.isdecimal():
                numbers[monitor].append(int(number))
        found: list[Record] = []
        for monitor, own_numbers in sorted(numbers.items()):
            for some in chunks(sorted(own_numbers)):
                query = select_all(Record, table).where(table.c.number.in_(some), table.c.monitor == monitor)
                found += self.runner.make_each(Record, query)
        return sorted(found, key=lambda record: (record.monitor, record.number))

    def chain(self, monitor: str, after: int = 0, limit: int = 1000) -> list[Record]:
        """Return a monitor's first `limit` records with numbers above `after`, in order."""
        table = tables.EVIDENCE
        query = select_all(Record, table).where(table.c.monitor == monitor, table.c.number > after)
        return self.runner.make_each(Record, query.order_by(table.c.number).limit(limit))

    def last(self, monitor: str) -> Record | None:
        """Return the newest record of a monitor, None if it has none."""
        table = tables.EVIDENCE
        query = select_all(Record, table).where(table.c.monitor == monitor)
        return next(iter(self.runner.make_each(Record, query.order_by(table.c.number.desc()).limit(1))), None)

    def monitors(self) -> list[str]:
        """Return the monitors that have kept evidence."""
        column = tables.EVIDENCE.c.monitor
        return self.runner.make_each(str, select(column).distinct().order_by(column))


@dataclass(frozen=True, slots=True)
class Leases:
    """Queries for leases and heartbeats."""

    runner: QueryRunner

    def heartbeat(self, monitor: str) -> Heartbeat | None:
        """Return the last heartbeat of a monitor, None if it has none."""
        return self.runner.find(Heartbeat, tables.HEARTBEAT, monitor)

    def lease(self, name: str) -> Lease | None:
        """Return a lease, even if it has run out. None if it was never taken."""
        return self.runner.find(Lease, tables.LEASE, name)

    def leases(self) -> list[Lease]:
        """Return every lease, by name."""
        return self.runner.make_each(Lease, select_all(Lease, tables.LEASE).order_by(tables.LEASE.c.name))

    def now(self, own: datetime) -> datetime:
        """Return the present time for leases: the database's for PostgreSQL, `own` for SQLite."""
        if self.runner.engine.dialect.name != "postgresql":
            return own
        (row,) = self.runner.rows(select(database_clock().label("now")))
        now: datetime = row["now"]
        return now


def _is_not_joined() -> ColumnElement[bool]:
    """Return the condition that the release of a verdict was not joined into another."""
    return tables.JUDGED.c.release.not_in(tables.JOINED_RELEASES)


def _slot_first(judged: Judged) -> tuple[bool, datetime, str]:
    """Return the sort key by slot. Verdicts without one are last, by their time."""
    return judged.slot is None, judged.slot or judged.at, judged.release
