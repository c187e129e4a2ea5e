"""The queries of the store, one class for each subject. Those of the ledger are in `read_ledger`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Integer, RowMapping, Select, bindparam, func, or_, select

from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.judge.runs import Blind, Run
from monitor.plan.targets import release_from_id
from monitor.store.rows import Delivery, DeliveryState, Draft, Event, Heartbeat, Judged, Lease, Record, RotaRead
from monitor.store.sql import tables
from monitor.store.sql.columns import database_clock
from monitor.store.sql.query import QueryRunner, chunks, equals, from_json, from_row, in_period, parameter, select_all

_RUNS_IN_TIME = attrgetter("first_sent", "target", "monitor")
_BLIND_IN_TIME = attrgetter("begins", "cause", "host", "target")


# These statements are built once, because an idle monitor runs them every few minutes.


@cache
def _open_incidents() -> Select[Any]:
    table = tables.INCIDENT
    newest = select(table).where(tables.IS_OPEN).order_by(table.c.occurred.desc(), table.c.id.desc())
    return newest.limit(bindparam("limit", type_=Integer))


@cache
def _drafts_of() -> Select[Any]:
    table = tables.DRAFT
    wanted = select_all(Draft, table).where(table.c.incident == parameter("incident", table.c.incident))
    return wanted.order_by(table.c.version)


@cache
def _due_deliveries() -> Select[Any]:
    table = tables.DELIVERY
    waiting = (table.c.standing == DeliveryState.WAITING, table.c.due <= parameter("now", table.c.due))
    soonest = select_all(Delivery, table).where(*waiting).order_by(table.c.due, *table.primary_key)
    return soonest.limit(bindparam("limit", type_=Integer))


@cache
def _given_up() -> Select[Any]:
    table = tables.DELIVERY
    over = (table.c.standing == DeliveryState.GIVEN_UP, table.c.finished >= parameter("since", table.c.finished))
    newest = (table.c.finished.desc(), table.c.notice.desc(), table.c.channel.desc())
    return select_all(Delivery, table).where(*over).order_by(*newest)


@dataclass(frozen=True, slots=True)
class RunStore:
    """Queries for runs and blind spans."""

    ask: QueryRunner

    def of_release(self, release: str) -> list[Run]:
        """Return the runs of all targets of a release (their ids begin with `RELEASE/`) in time order."""
        target = tables.RUN.c.target
        # "0" is the character after "/", so all ids that begin with "RELEASE/" are one range of the index.
        mine = select_all(Run, tables.RUN).where(target >= f"{release}/", target < f"{release}0")
        return sorted(self.ask.make_each(Run, mine), key=_RUNS_IN_TIME)

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        """Return the runs of all targets of these stored releases in time order."""
        target, release = tables.RUN.c.target, tables.RELEASE.c.id
        mine = select_all(Run, tables.RUN).join(tables.RELEASE, (target >= release + "/") & (target < release + "0"))
        return sorted(self.ask.make_among(Run, mine, release, releases), key=_RUNS_IN_TIME)

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        """Return blind spans that overlap `[begin, end)`, in time order."""
        table = tables.BLIND
        touching = select_all(Blind, table).where(table.c.begins < end, table.c.ends >= begin)
        # Long spans have an index of their own. Otherwise every query would read half of all spans.
        recent, long = touching.where(table.c.begins >= begin - tables.LONG), touching.where(tables.IS_LONG)
        return sorted({*self.ask.make_each(Blind, recent), *self.ask.make_each(Blind, long)}, key=_BLIND_IN_TIME)

    def find_crowded(self, most: int) -> list[str]:
        """Return the releases with a target that has more than `most` runs."""
        target = tables.RUN.c.target
        full = self.ask.rows(select(target).group_by(target).having(func.count() > most))
        return sorted({release_from_id(row["target"]) for row in full})


@lru_cache(maxsize=512)
def _parse_incident(body: str, columns: tuple[tuple[str, Any], ...]) -> Incident:
    return from_json(Incident, body, dict(columns))


@lru_cache(maxsize=512)
def _parse_words(body: str) -> Mapping[str, str]:
    words: Mapping[str, str] = json.loads(body).get("words", {})
    return words


def _make_incident(row: RowMapping) -> Incident:
    """Return an incident from its row. The result is cached, because pages show today's incidents again and again."""
    columns = dict(row)
    return _parse_incident(columns.pop("body"), tuple(columns.items()))


@dataclass(frozen=True, slots=True)
class VerdictStore:
    """Queries for verdicts, events, incidents and drafts."""

    ask: QueryRunner

    def judged(
        self, begin: datetime | None = None, end: datetime | None = None, producer: str | None = None
    ) -> list[Judged]:
        """Return verdicts with a slot that begins in `[begin, end)`, by slot and release. Those without one are last.

        Releases that were joined into others are left out.
        """
        table = tables.JUDGED
        asked = (*in_period(table.c.slot, begin, end), *equals(table.c.producer, producer))
        wanted = select_all(Judged, table).where(*asked, table.c.release.not_in(tables.REPLACED))
        return sorted(self.ask.make_each(Judged, wanted), key=_slot_first)

    def judged_ids(self, begin: datetime | None = None, end: datetime | None = None) -> list[str]:
        """Return the release ids of `judged` in the same order, for callers that must not load all rows at once."""
        table = tables.JUDGED
        asked = select(table.c.release).where(*in_period(table.c.slot, begin, end))
        slot_first = (table.c.slot.is_(None), func.coalesce(table.c.slot, table.c.at), table.c.release)
        return self.ask.make_each(str, asked.where(table.c.release.not_in(tables.REPLACED)).order_by(*slot_first))

    def judged_one(self, release: str) -> Judged | None:
        """Return the verdict on one release, or None if it is not stored."""
        return self.ask.make_one(Judged, tables.JUDGED, release)

    def judged_on(self, releases: Sequence[str]) -> list[Judged]:
        """Return the verdicts on these releases, by release."""
        found = self.ask.make_among(Judged, select_all(Judged, tables.JUDGED), tables.JUDGED.c.release, releases)
        return sorted(found, key=lambda judged: judged.release)

    def open_judged(self) -> list[Judged]:
        """Return the verdicts that are not final, except of releases that were joined into others."""
        table = tables.JUDGED
        still = select_all(Judged, table).where(table.c.final.is_(False), table.c.release.not_in(tables.REPLACED))
        return sorted(self.ask.make_each(Judged, still), key=_slot_first)

    def event(self, event: str) -> Event | None:
        """Return one event, or None if no event has this id."""
        return self.ask.make_one(Event, tables.EVENT, event)

    def events(
        self, after: tuple[datetime, str] | None = None, release: str | None = None, limit: int = 1000
    ) -> list[Event]:
        """Return the first `limit` events by time and id, of one release or of all, after the position `after`."""
        table = tables.EVENT
        wanted = select_all(Event, table).where(*equals(table.c.release, release))
        if after is not None:
            # The first condition lets the database use the index.
            wanted = wanted.where(table.c.at >= after[0], or_(table.c.at > after[0], table.c.id > after[1]))
        return self.ask.make_each(Event, wanted.order_by(table.c.at, table.c.id).limit(limit))

    def incidents(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        producer: str | None = None,
        limit: int | None = None,
    ) -> list[Incident]:
        """Return the newest `limit` incidents that occurred in `[begin, end)`, oldest first."""
        table = tables.INCIDENT
        wanted = select(table).where(*in_period(table.c.occurred, begin, end), *equals(table.c.producer, producer))
        newest = wanted.order_by(table.c.occurred.desc(), table.c.id.desc()).limit(limit)
        return [_make_incident(row) for row in self.ask.rows(newest)][::-1]

    def incident(self, incident: str) -> Incident | None:
        """Return one incident, or None if no incident has this id."""
        return self.ask.find(Incident, tables.INCIDENT, incident)

    def words_on(self, incidents: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Return the form fields that people filled in, for each of these incidents."""
        table = tables.INCIDENT
        asked = select(table.c.id, table.c.body)
        return dict(self.ask.make_among(lambda name, body: (name, _parse_words(body)), asked, table.c.id, incidents))

    def open_incidents(self, limit: int) -> list[Incident]:
        """Return the newest `limit` incidents that still need action, newest first."""
        return [_make_incident(row) for row in self.ask.rows(_open_incidents(), {"limit": limit})]

    def incidents_of(self, release: str) -> list[Incident]:
        """Return every incident of a release in the order of opening."""
        table = tables.INCIDENT
        wanted = select(table).where(table.c.release == release)
        return [_make_incident(row) for row in self.ask.rows(wanted.order_by(table.c.opened, table.c.id))]

    def drafts(self, incident: str) -> list[Draft]:
        """Return the versions of a draft, oldest first."""
        return self.ask.make_each(Draft, _drafts_of(), {"incident": incident})


@dataclass(frozen=True, slots=True)
class OutboxStore:
    """Queries for notices, deliveries, silences and rotas."""

    ask: QueryRunner

    def notices(self, incident: str | None = None) -> list[Notice]:
        """Return the notices of one incident or of all, in time order."""
        table = tables.NOTICE
        wanted = select(table).where(*equals(table.c.incident, incident))
        return [from_row(Notice, row) for row in self.ask.rows(wanted.order_by(table.c.at, table.c.id))]

    def notice(self, notice: str) -> Notice | None:
        """Return one notice, or None if no notice has this id."""
        return self.ask.find(Notice, tables.NOTICE, notice)

    def due_deliveries(self, now: datetime, limit: int = 100) -> list[Delivery]:
        """Return waiting deliveries due by `now`, the longest due first."""
        return self.ask.make_each(Delivery, _due_deliveries(), {"now": now, "limit": limit})

    def deliveries(self, notice: str | None = None) -> list[Delivery]:
        """Return deliveries, of one notice or of all."""
        table = tables.DELIVERY
        wanted = select_all(Delivery, table).where(*equals(table.c.notice, notice))
        return self.ask.make_each(Delivery, wanted.order_by(*table.primary_key))

    def given_up(self, since: datetime) -> list[Delivery]:
        """Return the deliveries that were given up at `since` or later, newest first."""
        return self.ask.make_each(Delivery, _given_up(), {"since": since})

    def silences(self, since: datetime) -> list[Silence]:
        """Return the silences that end at `since` or later, in the order of their start."""
        table = tables.SILENCE
        wanted = select_all(Silence, table).where(table.c.until >= since)
        return self.ask.make_each(Silence, wanted.order_by(table.c.begins, table.c.id))

    def rotas(self) -> list[RotaRead]:
        """Return the last successful read of each rota's calendar, by name."""
        return self.ask.make_each(RotaRead, select_all(RotaRead, tables.ROTA).order_by(tables.ROTA.c.rota))

    def pending(self) -> int:
        """Return the number of waiting deliveries."""
        waiting = tables.DELIVERY.c.standing == DeliveryState.WAITING
        return int(self.ask.rows(select(func.count().label("n")).where(waiting))[0]["n"])


@dataclass(frozen=True, slots=True)
class EvidenceIndex:
    """Queries for records of evidence."""

    ask: QueryRunner

    def records(self, ids: Sequence[str]) -> list[Record]:
        """Return these records of evidence, by monitor and number. Unknown ids are left out."""
        table = tables.EVIDENCE
        numbers = defaultdict[str, list[int]](list)
        for monitor, _, number in (name.rpartition("-") for name in ids):
            if number.isdecimal():
                numbers[monitor].append(int(number))
        asked = ((monitor, some) for monitor, mine in sorted(numbers.items()) for some in chunks(sorted(mine)))
        wanted = (table.c.number.in_(some) & (table.c.monitor == monitor) for monitor, some in asked)
        queries = (select_all(Record, table).where(those) for those in wanted)
        found = [record for query in queries for record in self.ask.make_each(Record, query)]
        return sorted(found, key=lambda record: (record.monitor, record.number))

    def chain(self, monitor: str, after: int = 0, limit: int = 1000) -> list[Record]:
        """Return a monitor's first `limit` records with numbers above `after`, in order."""
        table = tables.EVIDENCE
        mine = select_all(Record, table).where(table.c.monitor == monitor, table.c.number > after)
        return self.ask.make_each(Record, mine.order_by(table.c.number).limit(limit))

    def last(self, monitor: str) -> Record | None:
        """Return the newest record of a monitor, None if it has none."""
        table = tables.EVIDENCE
        mine = select_all(Record, table).where(table.c.monitor == monitor)
        return next(iter(self.ask.make_each(Record, mine.order_by(table.c.number.desc()).limit(1))), None)

    def monitors(self) -> list[str]:
        """Return the monitors that have kept evidence."""
        column = tables.EVIDENCE.c.monitor
        return [row["monitor"] for row in self.ask.rows(select(column).distinct().order_by(column))]


@dataclass(frozen=True, slots=True)
class Leases:
    """Queries for leases and heartbeats."""

    ask: QueryRunner

    def heartbeat(self, monitor: str) -> Heartbeat | None:
        """Return the last heartbeat of a monitor, None if it has none."""
        return self.ask.make_one(Heartbeat, tables.HEARTBEAT, monitor)

    def lease(self, name: str) -> Lease | None:
        """Return a lease, even if it has run out. None if it was never taken."""
        return self.ask.make_one(Lease, tables.LEASE, name)

    def leases(self) -> list[Lease]:
        """Return every lease, by name."""
        return self.ask.make_each(Lease, select_all(Lease, tables.LEASE).order_by(tables.LEASE.c.name))

    def now(self, own: datetime) -> datetime:
        """Return the present time for leases: the database's for PostgreSQL, `own` for SQLite."""
        if self.ask.engine.dialect.name != "postgresql":
            return own
        (row,) = self.ask.rows(select(database_clock().label("now")))
        now: datetime = row["now"]
        return now


def _slot_first(judged: Judged) -> tuple[bool, datetime, str]:
    return judged.slot is None, judged.slot or judged.at, judged.release
