"""Defines the tables. Most fields that no query sorts or searches by are in a column of JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from alerts.incident import IncidentKind
from alerts.silence import Scope
from monitor.look.sighting import State
from monitor.store.rows import DeliveryState, SessionUse
from monitor.store.sql.columns import (
    Body,
    Digest,
    Inside,
    Instant,
    Length,
    Name,
    NameList,
    OneOf,
    Packed,
    Words,
)

HEAD = "0016"
"""The migration that makes these tables. `upgrade` does not change a store that has reached it."""
OLDEST = "0012"
"""The first migration: a store of an earlier revision cannot be upgraded."""

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
REVISION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's table: the last migration of the store."""


_Kind = TypeEngine[Any] | type[TypeEngine[Any]]


def keys(**kinds: _Kind) -> list[sa.Column[Any]]:
    """Return the columns of a primary key."""
    return [
        sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)
        for name, kind in kinds.items()
    ]


def not_null(**kinds: _Kind) -> list[sa.Column[Any]]:
    """Return columns that always have a value."""
    return [sa.Column(name, kind, nullable=False) for name, kind in kinds.items()]


def nullable(**kinds: _Kind) -> list[sa.Column[Any]]:
    """Return columns that may be NULL."""
    return [sa.Column(name, kind, nullable=True) for name, kind in kinds.items()]


def _added_later(**kinds: _Kind) -> list[sa.Column[Any]]:
    """Return text columns that were added to a table with rows, which then have an empty text."""
    return [
        sa.Column(name, kind, nullable=False, server_default="") for name, kind in kinds.items()
    ]


def _define_table(name: str, *columns: SchemaItem) -> sa.Table:
    return sa.Table(name, METADATA, *columns)


def _compact_table(name: str, *columns: SchemaItem) -> sa.Table:
    """Return a table for short rows, which SQLite stores in the tree of their key, without a row
    id.

    So the name of a target is stored once for each run, not twice. A long row would need a separate
    page. The key's columns must come first. Otherwise the integrity check of SQLite 3.40 reports
    NULLs that do not exist.
    """
    return sa.Table(name, METADATA, *columns, sqlite_with_rowid=False)


def _add_partial_index(name: str, column: sa.Column[Any], where: sa.ClauseElement) -> None:
    """Add an index on a column to its table.

    The index has only the rows that meet the condition `where`.
    """
    index = sa.Index(name, column, sqlite_where=where)

    # As an argument of Index, `where` would load PostgreSQL's dialect even for SQLite, which takes
    # 2 MB and 20 ms.
    @sa.event.listens_for(index, "before_create")
    def set_postgresql_condition(index: sa.Index, connection: sa.Connection, **_: object) -> None:
        if connection.dialect.name == "postgresql":
            index.dialect_kwargs["postgresql_where"] = where


RELEASE = _define_table(
    "release",
    *keys(id=Name),
    *not_null(producer=Name, body=Packed),
    *nullable(joined_into=Name),
    *_added_later(title=Words, url=Words),
    sa.Index(None, "producer"),
)
# Few releases were joined into others. With this index, every list can leave them out quickly.
_add_partial_index(
    "ix_release_joined_into", RELEASE.c.joined_into, RELEASE.c.joined_into.is_not(None)
)
JOINED_RELEASES = sa.select(RELEASE.c.id).where(RELEASE.c.joined_into.is_not(None))
"""The query for the ids of releases that were joined into others."""

PROMISE = _compact_table(
    "promise",
    *keys(release=Name, calendar=Name, learnt=Instant),
    *nullable(begins=Instant, confirmed_at=Instant),
    *not_null(body=Packed),
    sa.Index(None, "begins"),
)

ANNOUNCED = _define_table(
    "announced",
    *keys(calendar=Name, uid=Name),
    *not_null(body=Body, seen_first=Instant, seen_last=Instant),
    *nullable(gone=Instant),
    *_added_later(release=Name),
    sa.Index(None, "release"),
    sa.Index(None, "gone"),
)

CALENDAR_READ = _compact_table(
    "calendar_read",
    *keys(calendar=Name, started=Instant),
    *not_null(
        finished=Instant,
        usable=sa.Boolean,
        entries=sa.Integer,
        digest=Words,
        fault=Words,
        evidence=Words,
    ),
    sa.Index(None, "started"),
)

RUN = _compact_table(
    "run",
    *keys(target=Name, first_sent=Instant, monitor=Name),
    *not_null(
        state=OneOf(State), last_received=Instant, begin=Instant, end=Instant, looks=sa.BigInteger
    ),
    *not_null(largest_gap=Length, specific=sa.Boolean, why=Words),
    *nullable(status=sa.Integer, digest=Words),
    *not_null(evidence=NameList),
    *nullable(version=Words),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    *_added_later(address=Words),
    *nullable(first_received=Instant, inside=Inside),
)

BLIND = _compact_table(
    "blind",
    *keys(begins=Instant, cause=Name, host=Name, target=Name),
    *not_null(ends=Instant),
    *_added_later(monitor=Name),
    sa.Index(None, "ends"),
)
LONG = timedelta(days=60)
IS_LONG = sa.text(f"ends - begins > {LONG // timedelta(microseconds=1)}")
"""Few blind spans are longer than `LONG`. All others end at most `LONG` after they begin."""
_add_partial_index("ix_blind_long", BLIND.c.ends, IS_LONG)

JUDGED = _define_table(
    "judged",
    *keys(release=Name),
    *not_null(producer=Name),
    *nullable(slot=Instant),
    *not_null(word=sa.Text, grade=sa.Text, final=sa.Boolean, at=Instant, body=Body),
    sa.Index(None, "slot"),
    sa.Index(None, "producer", "slot"),
    sa.Index(None, "final", "slot"),
)

EVENT = _define_table(
    "event",
    *keys(id=Name),
    *not_null(release=Name, at=Instant, before=sa.Text, after=sa.Text, body=Body),
    sa.Index(None, "release", "at"),
    sa.Index(None, "at"),
)

INCIDENT = _define_table(
    "incident",
    *keys(id=Name),
    *not_null(
        release=Name,
        producer=Name,
        kind=OneOf(IncidentKind),
        occurred=Instant,
        opened=Instant,
        body=Packed,
    ),
    sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index(None, "occurred", "id"),
    sa.Index(None, "release", "opened"),
    sa.Index(None, "producer", "occurred"),
)
IS_OPEN = sa.text("is_open")
"""The condition for the few incidents that still need action."""
_add_partial_index("ix_incident_open", INCIDENT.c.occurred, IS_OPEN)

DRAFT = _define_table(
    "draft",
    *keys(incident=Name, version=sa.Integer),
    *not_null(at=Instant, by=Words, form=sa.Text, edition=sa.Text, facts=Body, words=Body),
    *nullable(signed=Instant),
    *not_null(digest=sa.Text),
)

NOTICE = _define_table(
    "notice",
    *keys(id=Name),
    *not_null(incident=Name, at=Instant, body=Packed),
    sa.Index(None, "incident", "at"),
    sa.Index(None, "at"),
)

DELIVERY = _compact_table(
    "delivery",
    *keys(notice=Name, channel=Name),
    *not_null(standing=OneOf(DeliveryState), due=Instant, attempts=sa.Integer),
    *nullable(began=Instant, finished=Instant),
    *not_null(reason=Words, reference=Words),
    sa.ForeignKeyConstraint(["notice"], ["notice.id"]),
    sa.Index(None, "standing", "due"),
)

SILENCE = _compact_table(
    "silence",
    *keys(id=Name),
    *not_null(scope=OneOf(Scope), name=Name, begins=Instant, until=Instant, by=Words, reason=Words),
    *nullable(ended=Instant),
    *not_null(ended_by=Words),
    sa.Index(None, "until"),
)

ACT = _compact_table(
    "act",
    *keys(subject=Name, at=Instant, account=Name, what=Name),
    *not_null(role=Words),
)

SESSION = _define_table(
    "session",
    *keys(key_hash=Name),
    *not_null(account=Name, use=OneOf(SessionUse), began=Instant, seen=Instant),
    *nullable(ends=Instant),
    *not_null(body=Body),
    sa.Index(None, "account"),
)

ROTA = _define_table("rota", *keys(rota=Name), *not_null(at=Instant, shifts=Packed))

CLAIM = _compact_table(
    "claim",
    *keys(producer=Name, url=Name, at=Instant),
    *not_null(title=Words),
    *nullable(slot=Instant),
    *not_null(slot_source=sa.Text, source=Words, read=Instant),
    sa.Index(None, "at"),
    sa.Index(None, "url"),
)

HEARTBEAT = _compact_table(
    "heartbeat", *keys(monitor=Name), *not_null(at=Instant, stopped=sa.Boolean)
)

EVIDENCE = _compact_table(
    "evidence",
    *keys(monitor=Name, number=sa.BigInteger),
    *not_null(
        kind=sa.Text,
        at=Instant,
        file=Name,
        offset=sa.BigInteger,
        length=sa.BigInteger,
        sha256=Digest,
    ),
    *not_null(chain=Digest),
    *nullable(expired=Instant),
)

# `since` stays as earlier versions made it. Nothing reads or writes it any more.
LEASE = _compact_table(
    "lease", *keys(name=Name), *not_null(holder=Name, until=Instant), *nullable(since=Instant)
)

LEADER = _compact_table(
    "leader",
    *keys(role=Name),
    *not_null(holder=Name, monitor=Name, epoch=sa.BigInteger, since=Instant, until=Instant),
)
