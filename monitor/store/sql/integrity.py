"""Checks the store: by the database's own checks, and by comparing rows with each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

import sqlalchemy as sa
from sqlalchemy import Connection, LargeBinary, Select, Text, case, exists, func, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from alerts.incident import IncidentKind
from monitor.store.rows import DeliveryState
from monitor.store.sql import tables
from monitor.store.sql.columns import Body, Packed
from monitor.store.sql.driver_errors import MEND
from monitor.store.sql.json_compression import unpack
from monitor.store.sql.tables import HEAD, METADATA

_MOST_OF_A_KIND = 20


def faults_in(connection: Connection) -> list[str]:
    """Return the faults found, one line each, at most twenty of a kind.

    If SQLite's file is damaged, or the store has an older schema, return only that, because the
    queries would fail.
    """
    damage = _find_damage(connection) if connection.dialect.name == "sqlite" else []
    if damage:
        return damage
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is None or revision < HEAD:
        return [
            f"its shape is {revision}, this version needs {HEAD}: run `ninethirty store upgrade`"
        ]
    lines: list[str] = []
    for query in _contradiction_queries():
        lines += connection.execute(query.limit(_MOST_OF_A_KIND)).scalars()
    lines += islice(_find_unreadable(connection), _MOST_OF_A_KIND)
    return [*lines, *islice(_find_lost_evidence(connection), _MOST_OF_A_KIND)]


def _find_damage(connection: Connection) -> list[str]:
    try:
        verdict = connection.execute(text("PRAGMA integrity_check(1)")).scalars().first()
        dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
    except OperationalError:  # a locked file or a full disk is not damage
        raise
    except DatabaseError as exc:
        # With some damage, even SQLite's check fails.
        return [f"the database is damaged ({exc.orig}): {MEND}"]
    reason = " ".join(str(verdict).split())
    damage = [] if verdict == "ok" else [f"the database is damaged ({reason}): {MEND}"]
    return damage + [
        f"a {row[0]} refers to a {row[2]} that is not there" for row in dangling[:_MOST_OF_A_KIND]
    ]


def _contradiction_queries() -> Iterator[Select[str]]:
    """Yield a query for each kind of contradiction between rows. It returns a line for each
    fault.
    """
    notice, incident = tables.NOTICE, tables.INCIDENT
    # an incident has a notice, or the reverse
    has_counterpart = exists().where(incident.c.id == notice.c.incident)
    unknown_incident = (
        "notice " + notice.c.id + " is about an unknown incident: " + notice.c.incident
    )
    # A digest covers many incidents and names none.
    yield select(unknown_incident).where(~has_counterpart, notice.c.incident != "")
    # An incident and its notice are written in one transaction. But an incident that a person
    # logged needs no notice. An incident about a calendar may share the notice of another incident
    # about the same calendar.
    may_lack_notice = incident.c.kind.in_((IncidentKind.HAND, IncidentKind.CALENDAR))
    yield select("incident " + incident.c.id + " has no notice").where(
        ~has_counterpart, ~may_lack_notice
    )
    judged, event, release, promise = tables.JUDGED, tables.EVENT, tables.RELEASE, tables.PROMISE
    # Each event changes the verdict on a release from the kind `before` to the kind `after`. The
    # stored kind is `word`. Example: the events none → late and late → on time. For `late`, 1 leads
    # there and 1 leads away. For `on time`, 1 leads there and 0 lead away. So `on time` must be
    # stored. A set clock can disorder times, so they do not count.
    leads_there = case((event.c.after == judged.c.word, 1), else_=0)
    leads_away = case((event.c.before == judged.c.word, 1), else_=0)
    # no events: NULL
    balance = select(func.sum(leads_there - leads_away)).where(event.c.release == judged.c.release)
    wrong_kind = (
        "the verdict on "
        + judged.c.release
        + " is "
        + judged.c.word
        + ", its events lead to another"
    )
    yield select(wrong_kind).where(balance.correlate(judged).scalar_subquery() < 1)
    lost_verdict = "the verdict on " + event.c.release + " is lost, its events are there"
    yield (
        select(lost_verdict).distinct().where(~exists().where(judged.c.release == event.c.release))
    )
    lost_release = "release " + judged.c.release + " is lost, its verdict is there"
    yield select(lost_release).where(~exists().where(release.c.id == judged.c.release))
    # Promises are never deleted, so a verdict with a slot has one.
    lost_promises = "every promise of " + judged.c.release + " is lost, its verdict is there"
    has_promise = exists().where(promise.c.release == judged.c.release)
    yield select(lost_promises).where(judged.c.slot.is_not(None), ~has_promise)
    run, delivery = tables.RUN, tables.DELIVERY
    yield select("a run of " + run.c.target + " ends before it begins").where(
        run.c.last_received < run.c.first_sent
    )
    never_attempted = "notice " + delivery.c.notice + " is marked sent without an attempt"
    yield select(never_attempted).where(
        delivery.c.standing == DeliveryState.SENT, delivery.c.attempts == 0
    )


def _find_lost_evidence(connection: Connection) -> Iterator[str]:
    """Yield a fault for each evidence record that a run or a read names, but whose number is above
    the last stored one.

    A check of the chain cannot find such a loss, because a chain without its last records is
    intact.
    """
    kept, run, read = tables.EVIDENCE, tables.RUN, tables.CALENDAR_READ
    query = select(kept.c.monitor, func.max(kept.c.number)).group_by(kept.c.monitor)
    last_numbers = {row[0]: row[1] for row in connection.execute(query)}

    def is_lost(name: str) -> bool:
        monitor, _, number = name.rpartition("-")
        return not number.isdecimal() or int(number) > last_numbers.get(monitor, 0)

    for target, names in connection.execute(select(run.c.target, run.c.evidence)):
        yield from (
            f"a run of {target} rests on evidence {name}, which is lost"
            for name in names
            if is_lost(name)
        )
    for calendar, names in connection.execute(
        select(read.c.calendar, read.c.evidence).where(read.c.evidence != "")
    ):
        lost = filter(is_lost, names.split())
        yield from (
            f"a read of {calendar} rests on evidence {name}, which is lost" for name in lost
        )


def _find_unreadable(connection: Connection) -> Iterator[str]:
    """Yield a fault for each row with compressed JSON that cannot be read."""
    for table in METADATA.sorted_tables:
        bodies = [column for column in table.c if isinstance(column.type, Body | Packed)]
        if bodies:
            key = sa.type_coerce(next(iter(table.primary_key)), Text)
            compressed = (sa.type_coerce(column, LargeBinary) for column in bodies)
            for name, *values in connection.execute(select(key, *compressed)):
                try:
                    for value in values:
                        json.loads(unpack(bytes(value)))
                except ValueError:
                    yield f"a row of {name} in {table.name} cannot be read"
