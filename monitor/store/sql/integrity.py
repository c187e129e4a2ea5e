"""Checks the store: by the database's own checks, and by comparing rows with each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Text,
    case,
    exists,
    func,
    select,
    text,
    type_coerce,
)
from sqlalchemy.exc import DatabaseError, OperationalError

from alerts.incident import Kind
from monitor.store.rows import DeliveryState
from monitor.store.sql import tables
from monitor.store.sql.columns import Body, Packed
from monitor.store.sql.driver_errors import MEND
from monitor.store.sql.json_compression import unpack
from monitor.store.sql.tables import HEAD, METADATA

_MOST = 20


def faults_in(connection: Connection) -> list[str]:
    """Return the faults found, one line each, at most twenty of a kind."""
    found = _find_damage(connection) if connection.dialect.name == "sqlite" else []
    # Queries would fail on a damaged file or another schema.
    if found := found or _find_other_schema(connection):
        return found
    lines = [line for one in _queries() for line in connection.execute(one.limit(_MOST)).scalars()]
    return [*lines, *islice(_find_unreadable(connection), _MOST), *islice(_find_lost_evidence(connection), _MOST)]


def _find_damage(connection: Connection) -> list[str]:
    try:
        return _run_sqlite_checks(connection)
    except OperationalError:
        raise
    except DatabaseError as exc:
        # With some damage, even SQLite's check fails.
        return [f"the database is damaged ({exc.orig}): {MEND}"]


def _run_sqlite_checks(connection: Connection) -> list[str]:
    verdict = connection.execute(text("PRAGMA integrity_check(1)")).scalars().first()
    reason = " ".join(str(verdict).split())
    damage = [] if verdict == "ok" else [f"the database is damaged ({reason}): {MEND}"]
    dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
    return damage + [f"a {row[0]} refers to a {row[2]} that is not there" for row in dangling[:_MOST]]


def _find_other_schema(connection: Connection) -> list[str]:
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    fault = f"its shape is {revision}, this version needs {HEAD}: run `ninethirty store upgrade`"
    # A newer schema that was not refused has everything that is checked here.
    return [] if revision is not None and revision >= HEAD else [fault]


def _find_lost_evidence(connection: Connection) -> Iterable[str]:
    """Yield the lost evidence that runs and reads name, because the chain cannot show lost records at its end."""
    kept = tables.EVIDENCE
    lasts = select(kept.c.monitor, func.max(kept.c.number)).group_by(kept.c.monitor)
    last = {row[0]: row[1] for row in connection.execute(lasts)}
    run, read = tables.RUN, tables.CALENDAR_READ
    for target, names in connection.execute(select(run.c.target, run.c.evidence)):
        yield from (
            f"a run of {target} rests on evidence {name}, which is lost" for name in names if _is_lost(name, last)
        )
    for calendar, names in connection.execute(select(read.c.calendar, read.c.evidence).where(read.c.evidence != "")):
        lost = (name for name in names.split() if _is_lost(name, last))
        yield from (f"a read of {calendar} rests on evidence {name}, which is lost" for name in lost)


def _is_lost(name: str, last: Mapping[str, int]) -> bool:
    monitor, _, number = name.rpartition("-")
    return not number.isdecimal() or int(number) > last.get(monitor, 0)


def _queries() -> Iterable[Select[str]]:
    yield from (_orphans(), _quiet_incidents(), _unmatched_verdicts(), _backward_runs(), _unsent())
    yield from (_lost_verdicts(), _lost_releases(), _lost_promises())


def _orphans() -> Select[str]:
    notice, incident = tables.NOTICE, tables.INCIDENT
    known = exists().where(incident.c.id == notice.c.incident)
    line = "notice " + notice.c.id + " is about an unknown incident: " + notice.c.incident
    # A digest covers many incidents and names none.
    return select(line).where(~known, notice.c.incident != "")


def _quiet_incidents() -> Select[str]:
    """Return the query for incidents without a notice, which should have been written in the same transaction.

    An incident that a person logged needs none. One about a calendar may share the notice of another entry.
    """
    incident, notice = tables.INCIDENT, tables.NOTICE
    has_notice = exists().where(notice.c.incident == incident.c.id)
    line = "incident " + incident.c.id + " has no notice"
    return select(line).where(~has_notice, incident.c.kind.not_in((Kind.HAND, Kind.CALENDAR)))


def _unmatched_verdicts() -> Select[str]:
    """Return the query for verdicts of a kind to which the events of their release do not lead.

    Count events to and from this kind. Their times are not used, because a clock may have been set in between.
    """
    judged, event = tables.JUDGED, tables.EVENT
    leads_there = case((event.c.after == judged.c.word, 1), else_=0)
    leads_away = case((event.c.before == judged.c.word, 1), else_=0)
    balance = select(func.sum(leads_there - leads_away)).where(event.c.release == judged.c.release)
    line = "the verdict on " + judged.c.release + " is " + judged.c.word + ", its events lead to another"
    # A release without events has no sum, so it is not reported here.
    return select(line).where(balance.correlate(judged).scalar_subquery() < 1)


def _lost_verdicts() -> Select[str]:
    event, judged = tables.EVENT, tables.JUDGED
    line = "the verdict on " + event.c.release + " is lost, its events are there"
    return select(line).distinct().where(~exists().where(judged.c.release == event.c.release))


def _lost_releases() -> Select[str]:
    judged, release = tables.JUDGED, tables.RELEASE
    line = "release " + judged.c.release + " is lost, its verdict is there"
    return select(line).where(~exists().where(release.c.id == judged.c.release))


def _lost_promises() -> Select[str]:
    """Return the query for verdicts with a slot that have no promise, although promises are never deleted."""
    judged, promise = tables.JUDGED, tables.PROMISE
    line = "every promise of " + judged.c.release + " is lost, its verdict is there"
    promised = exists().where(promise.c.release == judged.c.release)
    return select(line).where(judged.c.slot.is_not(None), ~promised)


def _find_unreadable(connection: Connection) -> Iterable[str]:
    """Yield the rows with compressed JSON that cannot be read."""
    for table in METADATA.sorted_tables:
        bodies = [column for column in table.c if isinstance(column.type, Body | Packed)]
        if bodies:
            raw = (type_coerce(column, LargeBinary) for column in bodies)
            key = type_coerce(next(iter(table.primary_key)), Text)
            for row in connection.execute(select(key, *raw)):
                if not all(map(_can_be_read, row[1:])):
                    yield f"a row of {row[0]} in {table.name} cannot be read"


def _can_be_read(body: bytes) -> bool:
    try:
        json.loads(unpack(bytes(body)))
    except ValueError:
        return False
    return True


def _backward_runs() -> Select[str]:
    run = tables.RUN
    backward: ColumnElement[bool] = run.c.last_received < run.c.first_sent
    return select("a run of " + run.c.target + " ends before it begins").where(backward)


def _unsent() -> Select[str]:
    delivery = tables.DELIVERY
    begun_never: ColumnElement[bool] = (delivery.c.standing == DeliveryState.SENT) & (delivery.c.attempts == 0)
    return select("notice " + delivery.c.notice + " is marked sent without an attempt").where(begun_never)
