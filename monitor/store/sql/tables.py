"""Defines the tables, with natural primary keys. Fields that are not needed for sorting and search are in JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from alerts.incident import Kind
from alerts.silence import Scope
from monitor.look.sighting import State
from monitor.store.rows import DeliveryState
from monitor.store.sql.columns import Body, Digest, Instant, Length, Name, NameList, OneOf, Packed, Words

HEAD = "0012"
"""The migration that makes these tables. `upgrade` does not change a store that has reached it."""
WORKS_FROM = "0006"
"""Programs of this migration can still use the tables, because later ones only added (docs/architecture.md)."""

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
    sa.Column("works_from", sa.String(32)),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's table: the last migration of the store, and the oldest one with a program that can use the store."""


def _key(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Name, *more: sa.ForeignKey) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, primary_key=True, autoincrement=False, nullable=False)


def _not_null(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _nullable(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _added_later(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> sa.Column[Any]:
    """Return a text column that a later migration added, so that older programs can insert rows without it."""
    return sa.Column(name, kind, nullable=False, server_default="")


def _table(name: str, *columns: sa.Column[Any] | sa.Index) -> sa.Table:
    """Return a table of the store's schema, with a row id in SQLite."""
    return sa.Table(name, METADATA, *columns)


def _compact_table(name: str, *columns: sa.Column[Any] | sa.Index) -> sa.Table:
    """Return a table for short rows, which SQLite stores in the tree of their key, without a row id.

    So the name of a target is stored once for each run, not twice. A long row would need a separate page. The key's
    columns must come first. Otherwise the integrity check of SQLite 3.40 reports NULLs that do not exist.
    """
    return sa.Table(name, METADATA, *columns, sqlite_with_rowid=False)


def _add_partial_index(name: str, column: sa.Column[Any], where: sa.ClauseElement) -> None:
    """Add an index of the rows for which `where` is true."""
    index = sa.Index(name, column, sqlite_where=where)

    # As an argument of Index, `where` would load PostgreSQL's dialect even for SQLite, which takes 2 MB and 20 ms.
    @sa.event.listens_for(index, "before_create")
    def set_postgresql_condition(index: sa.Index, connection: sa.Connection, **_: object) -> None:
        if connection.dialect.name == "postgresql":
            index.dialect_kwargs["postgresql_where"] = where


RELEASE = _table(
    "release",
    _key("id"),
    _not_null("producer", Name),
    _not_null("body", Packed),
    _nullable("joined_into", Name),
    _added_later("title"),
    _added_later("url"),
    sa.Index(None, "producer"),
)
# Few releases were joined into others. With this index, every list can leave them out quickly.
_add_partial_index("ix_release_joined_into", RELEASE.c.joined_into, RELEASE.c.joined_into.is_not(None))
JOINED_RELEASES = sa.select(RELEASE.c.id).where(RELEASE.c.joined_into.is_not(None))
"""The query for the ids of releases that were joined into others."""

PROMISE = _compact_table(
    "promise",
    _key("release"),
    _key("calendar"),
    _key("learnt", Instant),
    _nullable("begins", Instant),
    _nullable("confirmed_at", Instant),
    _not_null("body", Packed),
    sa.Index(None, "begins"),
)

ANNOUNCED = _table(
    "announced",
    _key("calendar"),
    _key("uid"),
    _not_null("body", Body),
    _not_null("seen_first", Instant),
    _not_null("seen_last", Instant),
    _nullable("gone", Instant),
    _added_later("release", Name),
    sa.Index(None, "release"),
    sa.Index(None, "gone"),
)

CALENDAR_READ = _compact_table(
    "calendar_read",
    _key("calendar"),
    _key("started", Instant),
    _not_null("finished", Instant),
    _not_null("usable", sa.Boolean),
    _not_null("entries", sa.Integer),
    _not_null("digest"),
    _not_null("fault"),
    _not_null("evidence"),
    sa.Index(None, "started"),
)

RUN = _compact_table(
    "run",
    _key("target"),
    _key("first_sent", Instant),
    _key("monitor"),
    _not_null("state", OneOf(State)),
    _not_null("last_received", Instant),
    _not_null("begin", Instant),
    _not_null("end", Instant),
    _not_null("looks", sa.BigInteger),
    _not_null("largest_gap", Length),
    _not_null("specific", sa.Boolean),
    _not_null("why"),
    _nullable("status", sa.Integer),
    _nullable("digest"),
    _not_null("evidence", NameList),
    _nullable("version"),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    _added_later("address"),
    _nullable("first_received", Instant),
)

BLIND = _compact_table(
    "blind",
    _key("begins", Instant),
    _key("cause"),
    _key("host"),
    _key("target"),
    _not_null("ends", Instant),
    _added_later("monitor", Name),
    sa.Index(None, "ends"),
)
LONG = timedelta(days=60)
IS_LONG = sa.text(f"ends - begins > {LONG // timedelta(microseconds=1)}")
"""Few blind spans are that long. All others that overlap an instant begin shortly before it."""
_add_partial_index("ix_blind_long", BLIND.c.ends, IS_LONG)

JUDGED = _table(
    "judged",
    _key("release"),
    _not_null("producer", Name),
    _nullable("slot", Instant),
    _not_null("word", sa.Text),
    _not_null("grade", sa.Text),
    _not_null("final", sa.Boolean),
    _not_null("at", Instant),
    _not_null("body", Body),
    sa.Index(None, "slot"),
    sa.Index(None, "producer", "slot"),
    sa.Index(None, "final", "slot"),
)

EVENT = _table(
    "event",
    _key("id"),
    _not_null("release", Name),
    _not_null("at", Instant),
    _not_null("before", sa.Text),
    _not_null("after", sa.Text),
    _not_null("body", Body),
    sa.Index(None, "release", "at"),
    sa.Index(None, "at"),
)

INCIDENT = _table(
    "incident",
    _key("id"),
    _not_null("release", Name),
    _not_null("producer", Name),
    _not_null("kind", OneOf(Kind)),
    _not_null("occurred", Instant),
    _not_null("opened", Instant),
    _not_null("body", Packed),
    sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index(None, "occurred", "id"),
    sa.Index(None, "release", "opened"),
    sa.Index(None, "producer", "occurred"),
)
IS_OPEN = sa.text("is_open")
"""The condition for the few incidents that still need action."""
_add_partial_index("ix_incident_open", INCIDENT.c.occurred, IS_OPEN)

DRAFT = _table(
    "draft",
    _key("incident"),
    _key("version", sa.Integer),
    _not_null("at", Instant),
    _not_null("by"),
    _not_null("form", sa.Text),
    _not_null("edition", sa.Text),
    _not_null("facts", Body),
    _not_null("words", Body),
    _nullable("signed", Instant),
    _not_null("digest", sa.Text),
)

NOTICE = _table(
    "notice",
    _key("id"),
    _not_null("incident", Name),
    _not_null("at", Instant),
    _not_null("body", Packed),
    sa.Index(None, "incident", "at"),
    sa.Index(None, "at"),
)

DELIVERY = _compact_table(
    "delivery",
    _key("notice", Name, sa.ForeignKey("notice.id")),
    _key("channel"),
    _not_null("standing", OneOf(DeliveryState)),
    _not_null("due", Instant),
    _not_null("attempts", sa.Integer),
    _nullable("began", Instant),
    _nullable("finished", Instant),
    _not_null("reason"),
    _not_null("reference"),
    sa.Index(None, "standing", "due"),
)

SILENCE = _compact_table(
    "silence",
    _key("id"),
    _not_null("scope", OneOf(Scope)),
    _not_null("name", Name),
    _not_null("begins", Instant),
    _not_null("until", Instant),
    _not_null("by"),
    _not_null("reason"),
    _nullable("ended", Instant),
    _not_null("ended_by"),
    sa.Index(None, "until"),
)

ROTA = _table("rota", _key("rota"), _not_null("at", Instant), _not_null("shifts", Packed))

CLAIM = _compact_table(
    "claim",
    _key("producer"),
    _key("url"),
    _key("at", Instant),
    _not_null("title"),
    _nullable("slot", Instant),
    _not_null("slot_source", sa.Text),
    _not_null("source"),
    _not_null("read", Instant),
    sa.Index(None, "at"),
    sa.Index(None, "url"),
)

HEARTBEAT = _compact_table("heartbeat", _key("monitor"), _not_null("at", Instant), _not_null("stopped", sa.Boolean))

EVIDENCE = _compact_table(
    "evidence",
    _key("monitor"),
    _key("number", sa.BigInteger),
    _not_null("kind", sa.Text),
    _not_null("at", Instant),
    _not_null("file", Name),
    _not_null("offset", sa.BigInteger),
    _not_null("length", sa.BigInteger),
    _not_null("sha256", Digest),
    _not_null("chain", Digest),
    _nullable("expired", Instant),
)

LEASE = _compact_table(
    "lease", _key("name"), _not_null("holder", Name), _not_null("until", Instant), _nullable("since", Instant)
)
