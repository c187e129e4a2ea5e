"""The queries of the store, one class for each subject, and `Reads`, which has them all."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter

from sqlalchemy import func, or_, select

from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.judge.runs import Blind, Run
from monitor.store.rows import (
    LEADER,
    NAME_PREFIX,
    Act,
    Delivery,
    DeliveryState,
    Draft,
    Event,
    Heartbeat,
    Judged,
    Leader,
    Lease,
    Record,
    RotaRead,
    StoredSession,
)
from monitor.store.sql import tables
from monitor.store.sql.columns import database_clock
from monitor.store.sql.query import FORMS, Queries, QueryRunner, chunks, equals, in_period
from monitor.store.sql.read_ledger import LedgerStore

_RUNS_IN_TIME = attrgetter("first_sent", "target", "monitor")
_BLIND_IN_TIME = attrgetter("begins", "cause", "host", "target")
_IS_NOT_JOINED = tables.JUDGED.c.release.not_in(tables.JOINED_RELEASES)
"""The condition that the release of a verdict was not joined into another."""
_NEWEST_INCIDENTS = (tables.INCIDENT.c.occurred.desc(), tables.INCIDENT.c.id.desc())


class RunStore(Queries):
    """Queries for runs and blind spans."""

    def of_release(self, release: str) -> list[Run]:
        """Return the runs of all targets of a release in time order."""
        target = tables.RUN.c.target
        # "0" follows "/", so ids that begin with "RELEASE/" are one range of the index.
        return sorted(
            self.runner.find_all(Run, target >= f"{release}/", target < f"{release}0"),
            key=_RUNS_IN_TIME,
        )

    def of_releases(self, releases: Sequence[str]) -> list[Run]:
        """Return the runs of several releases, as `of_release` does."""
        target, release = tables.RUN.c.target, tables.RELEASE.c.id
        query = FORMS[Run].select.join(
            tables.RELEASE, (target >= release + "/") & (target < release + "0")
        )
        return sorted(self.runner.make_each_of(Run, query, release, releases), key=_RUNS_IN_TIME)

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        """Return blind spans that overlap `[begin, end)`, in time order."""
        begins = tables.BLIND.c.begins
        overlaps = (begins < end, tables.BLIND.c.ends >= begin)
        # Without the index of long spans, every query would read half of all.
        recent = self.runner.find_all(Blind, *overlaps, begins >= begin - tables.LONG)
        return sorted(
            {*recent, *self.runner.find_all(Blind, *overlaps, tables.IS_LONG)}, key=_BLIND_IN_TIME
        )


@lru_cache(maxsize=512)
def _parse_words(body: str) -> Mapping[str, str]:
    """Return the `words` in the JSON of an incident."""
    words: Mapping[str, str] = json.loads(body).get("words", {})
    return words


class VerdictStore(Queries):
    """Queries for verdicts, events, incidents and drafts."""

    def judged(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        producer: str | None = None,
    ) -> list[Judged]:
        """Return the verdicts by slot and release, those without a slot last.

        With bounds, only those in `[begin, end)`. Releases joined into others are left out.
        """
        judged = tables.JUDGED.c
        conditions = (*in_period(judged.slot, begin, end), *equals(judged.producer, producer))
        return sorted(self.runner.find_all(Judged, *conditions, _IS_NOT_JOINED), key=_slot_first)

    def judged_ids(self, begin: datetime | None = None, end: datetime | None = None) -> list[str]:
        """Return the release ids of `judged`, for callers that must not load all rows at once."""
        table = tables.JUDGED
        slot_first = (
            table.c.slot.is_(None),
            func.coalesce(table.c.slot, table.c.at),
            table.c.release,
        )
        query = select(table.c.release).where(*in_period(table.c.slot, begin, end), _IS_NOT_JOINED)
        return self.runner.make_each(str, query.order_by(*slot_first))

    def producers(self) -> list[str]:
        """Return the producers of judged releases."""
        return self.runner.make_each(str, select(tables.JUDGED.c.producer).distinct())

    def judged_one(self, release: str) -> Judged | None:
        """Return the verdict on one release, if it is stored."""
        return self.runner.find(Judged, release)

    def judged_on(self, releases: Sequence[str]) -> list[Judged]:
        """Return the verdicts on these releases, by release."""
        found = self.runner.find_each_of(Judged, tables.JUDGED.c.release, releases)
        return sorted(found, key=lambda judged: judged.release)

    def open_judged(self) -> list[Judged]:
        """Return the verdicts that are not final, joined releases left out."""
        found = self.runner.find_all(Judged, tables.JUDGED.c.final.is_(False), _IS_NOT_JOINED)
        return sorted(found, key=_slot_first)

    def event(self, event: str) -> Event | None:
        """Return one event, if there is one with this id."""
        return self.runner.find(Event, event)

    def events(
        self,
        after: tuple[datetime, str] | None = None,
        release: str | None = None,
        limit: int = 1000,
    ) -> list[Event]:
        """Return the first `limit` events of one release or all, after the (time, id) `after`."""
        event = tables.EVENT.c
        conditions = equals(event.release, release)
        if after is not None:
            at, name = after
            conditions += (event.at >= at, or_(event.at > at, event.id > name))
        return self.runner.find_all(Event, *conditions, order_by=(event.at, event.id), limit=limit)

    def incidents(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        producer: str | None = None,
        limit: int | None = None,
    ) -> list[Incident]:
        """Return the newest `limit` incidents that occurred in `[begin, end)`, oldest first."""
        incident = tables.INCIDENT.c
        conditions = (
            *in_period(incident.occurred, begin, end),
            *equals(incident.producer, producer),
        )
        return self.runner.find_all(Incident, *conditions, order_by=_NEWEST_INCIDENTS, limit=limit)[
            ::-1
        ]

    def incident(self, incident: str) -> Incident | None:
        """Return one incident, if there is one with this id."""
        return self.runner.find(Incident, incident)

    def words_on(self, incidents: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Return the form fields that people filled in, by incident."""
        table = tables.INCIDENT
        rows = self.runner.make_each_of(
            lambda *row: row, select(table.c.id, table.c.body), table.c.id, incidents
        )
        return {name: _parse_words(body) for name, body in rows}

    def open_incidents(self, limit: int) -> list[Incident]:
        """Return the newest `limit` incidents that still need action, newest first."""
        return self.runner.find_all(
            Incident, tables.IS_OPEN, order_by=_NEWEST_INCIDENTS, limit=limit
        )

    def incidents_of(self, release: str) -> list[Incident]:
        """Return every incident of a release in the order of opening."""
        incident = tables.INCIDENT.c
        return self.runner.find_all(
            Incident, incident.release == release, order_by=(incident.opened, incident.id)
        )

    def drafts(self, incident: str) -> list[Draft]:
        """Return the versions of a draft, oldest first."""
        draft = tables.DRAFT.c
        return self.runner.find_all(Draft, draft.incident == incident, order_by=(draft.version,))

    def acts(self, subject: str) -> list[Act]:
        """Return what people and programs did to a subject, in time order."""
        act = tables.ACT.c
        return self.runner.find_all(Act, act.subject == subject, order_by=(act.at, act.what))

    def acts_on(self, subjects: Sequence[str]) -> list[Act]:
        """Return the acts on these subjects, in time order."""
        found = self.runner.find_each_of(Act, tables.ACT.c.subject, subjects)
        return sorted(found, key=lambda act: (act.at, act.what))


class OutboxStore(Queries):
    """Queries for notices, deliveries, silences and rotas."""

    def notices(self, incident: str | None = None) -> list[Notice]:
        """Return the notices of one incident or of all, in time order."""
        notice = tables.NOTICE.c
        return self.runner.find_all(
            Notice, *equals(notice.incident, incident), order_by=(notice.at, notice.id)
        )

    def notice(self, notice: str) -> Notice | None:
        """Return one notice, if there is one with this id."""
        return self.runner.find(Notice, notice)

    def due_deliveries(self, now: datetime, limit: int = 100) -> list[Delivery]:
        """Return waiting deliveries due by `now`, the longest due first."""
        due, is_waiting = tables.DELIVERY.c.due, tables.DELIVERY.c.standing == DeliveryState.WAITING
        order = (due, *tables.DELIVERY.primary_key)
        return self.runner.find_all(Delivery, is_waiting, due <= now, order_by=order, limit=limit)

    def deliveries(self, notice: str | None = None) -> list[Delivery]:
        """Return deliveries, of one notice or of all."""
        is_of_notice = equals(tables.DELIVERY.c.notice, notice)
        return self.runner.find_all(Delivery, *is_of_notice, order_by=tables.DELIVERY.primary_key)

    def given_up(self, since: datetime) -> list[Delivery]:
        """Return the deliveries given up at `since` or later, newest first."""
        delivery = tables.DELIVERY.c
        conditions = (delivery.standing == DeliveryState.GIVEN_UP, delivery.finished >= since)
        newest_first = (delivery.finished.desc(), delivery.notice.desc(), delivery.channel.desc())
        return self.runner.find_all(Delivery, *conditions, order_by=newest_first)

    def last_finished(self, state: DeliveryState) -> dict[str, datetime]:
        """Return when the last delivery with this status was finished, by channel."""
        delivery = tables.DELIVERY.c
        query = select(delivery.channel, func.max(delivery.finished))
        of_state = query.where(delivery.standing == state, delivery.finished.is_not(None))
        rows = self.runner.make_each(lambda *row: row, of_state.group_by(delivery.channel))
        return dict(rows)

    def silences(self, since: datetime) -> list[Silence]:
        """Return the silences that end at `since` or later, by start."""
        silence = tables.SILENCE.c
        return self.runner.find_all(
            Silence, silence.until >= since, order_by=(silence.begins, silence.id)
        )

    def rotas(self) -> list[RotaRead]:
        """Return the last successful read of each rota's calendar, by name."""
        return self.runner.find_all(RotaRead, order_by=(tables.ROTA.c.rota,))


class SessionStore(Queries):
    """Queries for sessions."""

    def session(self, key_hash: str) -> StoredSession | None:
        """Return one session, even if it has ended."""
        return self.runner.find(StoredSession, key_hash)

    def sessions(self, account: str | None = None) -> list[StoredSession]:
        """Return the sessions of one account or of all, the longest unused first."""
        session = tables.SESSION.c
        order = (session.seen, session.began, session.key_hash)
        of_account = equals(session.account, account)
        return self.runner.find_all(StoredSession, *of_account, order_by=order)


class EvidenceIndex(Queries):
    """Queries for records of evidence."""

    def records(self, ids: Sequence[str]) -> list[Record]:
        """Return these records by monitor and number, without unknown ones."""
        evidence = tables.EVIDENCE.c
        numbers = defaultdict[str, list[int]](list)
        for monitor, _, number in (name.rpartition("-") for name in ids):
            if number.isdecimal():  # else it is not the id of a record
                numbers[monitor].append(int(number))
        found: list[Record] = []
        for monitor, own_numbers in sorted(numbers.items()):
            for some in chunks(sorted(own_numbers)):
                found += self.runner.find_all(
                    Record, evidence.number.in_(some), evidence.monitor == monitor
                )
        return sorted(found, key=lambda record: (record.monitor, record.number))

    def chain(self, monitor: str, after: int = 0, limit: int = 1000) -> list[Record]:
        """Return a monitor's first `limit` records with numbers above `after`."""
        evidence = tables.EVIDENCE.c
        is_after = (evidence.monitor == monitor, evidence.number > after)
        return self.runner.find_all(Record, *is_after, order_by=(evidence.number,), limit=limit)

    def last(self, monitor: str) -> Record | None:
        """Return the newest record of a monitor."""
        evidence = tables.EVIDENCE.c
        newest = self.runner.find_all(
            Record, evidence.monitor == monitor, order_by=(evidence.number.desc(),), limit=1
        )
        return next(iter(newest), None)

    def monitors(self) -> list[str]:
        """Return the monitors that have kept evidence."""
        column = tables.EVIDENCE.c.monitor
        return self.runner.make_each(str, select(column).distinct().order_by(column))


class Leases(Queries):
    """Queries for leases and heartbeats."""

    def heartbeat(self, monitor: str) -> Heartbeat | None:
        """Return the last heartbeat of a monitor."""
        return self.runner.find(Heartbeat, monitor)

    def lease(self, name: str) -> Lease | None:
        """Return a lease, even if it has run out."""
        return self.runner.find(Lease, name)

    def leases(self) -> list[Lease]:
        """Return every lease, by name."""
        return self.runner.find_all(Lease, order_by=(tables.LEASE.c.name,))

    def names(self) -> list[Lease]:
        """Return the leases on the names of the monitors that share the store."""
        return [lease for lease in self.leases() if lease.name.startswith(NAME_PREFIX)]

    def heartbeats(self) -> list[Heartbeat]:
        """Return the last heartbeat of each monitor, the newest first."""
        return self.runner.find_all(Heartbeat, order_by=(tables.HEARTBEAT.c.at.desc(),))

    def leader(self) -> Leader | None:
        """Return the leader, even if its time has run out."""
        return self.runner.find(Leader, LEADER)

    def now(self, own: datetime) -> datetime:
        """Return the present time for leases: the database's for PostgreSQL, `own` for SQLite."""
        if self.runner.engine.dialect.name != "postgresql":
            return own
        times: list[datetime] = self.runner.make_each(lambda now: now, select(database_clock()))
        return times[0]


class Reads:
    """The queries of a store by subject, in an open transaction or without one."""

    def __init__(self, runner: QueryRunner) -> None:
        self.ledger = LedgerStore(runner)
        self.runs = RunStore(runner)
        self.verdicts = VerdictStore(runner)
        self.outbox = OutboxStore(runner)
        self.sessions = SessionStore(runner)
        self.evidence = EvidenceIndex(runner)
        self.leases = Leases(runner)


def _slot_first(judged: Judged) -> tuple[bool, datetime, str]:
    """Return the sort key by slot, those without last by their time."""
    return judged.slot is None, judged.slot or judged.at, judged.release
