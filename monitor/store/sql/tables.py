"""The tables, with natural primary keys. Fields that are not needed as keys or for sorting and search are in JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from alerts.incident import Kind
from alerts.silence import Scope
from monitor.look.sighting import State
from monitor.store.rows import DeliveryState
from monitor.store.sql.columns import Body, Digest, Instant, Length, Name, Names, OneOf, Packed, Words

HEAD = "0011"
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


def _fact(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _since_then(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> sa.Column[Any]:
    """Return a text column that a later migration added."""
    return sa.Column(name, kind, nullable=False, server_default="")


def _table(name: str, *columns: sa.Column[Any] | sa.Index) -> sa.Table:
    return sa.Table(name, METADATA, *columns)


def _lean(name: str, *columns: sa.Column[Any] | sa.Index) -> sa.Table:
    # Without a row id, each row is stored in the tree of its key, so a target's name is stored once a run, not twice.
    # Use it only for short rows, because a long one would need a separate page. The key's columns must come first, or
    # the integrity check of SQLite 3.40 reports NULLs that do not exist.
    return sa.Table(name, METADATA, *columns, sqlite_with_rowid=False)


def _partial(name: str, column: sa.Column[Any], where: sa.ClauseElement) -> None:
    """Index only the rows for which `where` is true."""
    index = sa.Index(name, column, sqlite_where=where)

    # As an argument of Index, `where` would load PostgreSQL's dialect for users of SQLite too: 2 MB and 20 ms.
    @sa.event.listens_for(index, "before_create")
    def tell(index: sa.Index, connection: sa.Connection, **_: object) -> None:
        if connection.dialect.name == "postgresql":
            index.dialect_kwargs["postgresql_where"] = where


RELEASE = _table(
    "release",
    _key("id"),
    _fact("producer", Name),
    _fact("body", Packed),
    _maybe("joined_into", Name),
    _since_then("title"),
    _since_then("url"),
    sa.Index(None, "producer"),
)
RELEASE_KEYS = tuple(column.name for column in RELEASE.columns if column.name != "body")
"""The fields of a release that have their own columns."""
# Few releases were joined into others. With this index, every list can leave them out quickly.
_partial("ix_release_joined_into", RELEASE.c.joined_into, RELEASE.c.joined_into.is_not(None))

PROMISE = _lean(
    "promise",
    _key("release"),
    _key("calendar"),
    _key("learnt", Instant),
    _maybe("begins", Instant),
    _maybe("confirmed_at", Instant),
    _fact("body", Packed),
    sa.Index(None, "begins"),
)

ANNOUNCED = _table(
    "announced",
    _key("calendar"),
    _key("uid"),
    _fact("body", Body),
    _fact("seen_first", Instant),
    _fact("seen_last", Instant),
    _maybe("gone", Instant),
    _since_then("release", Name),
    sa.Index(None, "release"),
    sa.Index(None, "gone"),
)

CALENDAR_READ = _lean(
    "calendar_read",
    _key("calendar"),
    _key("started", Instant),
    _fact("finished", Instant),
    _fact("usable", sa.Boolean),
    _fact("entries", sa.Integer),
    _fact("digest"),
    _fact("fault"),
    _fact("evidence"),
    sa.Index(None, "started"),
)

RUN = _lean(
    "run",
    _key("target"),
    _key("first_sent", Instant),
    _key("monitor"),
    _fact("state", OneOf(State)),
    _fact("last_received", Instant),
    _fact("begin", Instant),
    _fact("end", Instant),
    _fact("looks", sa.BigInteger),
    _fact("largest_gap", Length),
    _fact("specific", sa.Boolean),
    _fact("why"),
    _maybe("status", sa.Integer),
    _maybe("digest"),
    _fact("evidence", Names),
    _maybe("version"),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    _since_then("address"),
)

BLIND = _lean(
    "blind",
    _key("begins", Instant),
    _key("cause"),
    _key("host"),
    _key("target"),
    _fact("ends", Instant),
    _since_then("monitor", Name),
    sa.Index(None, "ends"),
)
LONG = timedelta(days=60)
IS_LONG = sa.text(f"ends - begins > {LONG // timedelta(microseconds=1)}")
"""Few blind spans are that long. All others that overlap an instant begin shortly before it."""
_partial("ix_blind_long", BLIND.c.ends, IS_LONG)

JUDGED = _table(
    "judged",
    _key("release"),
    _fact("producer", Name),
    _maybe("slot", Instant),
    _fact("word", sa.Text),
    _fact("grade", sa.Text),
    _fact("final", sa.Boolean),
    _fact("at", Instant),
    _fact("body", Body),
    sa.Index(None, "slot"),
    sa.Index(None, "producer", "slot"),
    sa.Index(None, "final", "slot"),
)

EVENT = _table(
    "event",
    _key("id"),
    _fact("release", Name),
    _fact("at", Instant),
    _fact("before", sa.Text),
    _fact("after", sa.Text),
    _fact("body", Body),
    sa.Index(None, "release", "at"),
    sa.Index(None, "at"),
)

INCIDENT = _table(
    "incident",
    _key("id"),
    _fact("release", Name),
    _fact("producer", Name),
    _fact("kind", OneOf(Kind)),
    _fact("occurred", Instant),
    _fact("opened", Instant),
    _fact("body", Packed),
    sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index(None, "occurred", "id"),
    sa.Index(None, "release", "opened"),
    sa.Index(None, "producer", "occurred"),
)
IS_OPEN = sa.text("is_open")
"""The condition for the few incidents that still need action."""
_partial("ix_incident_open", INCIDENT.c.occurred, IS_OPEN)

DRAFT = _table(
    "draft",
    _key("incident"),
    _key("version", sa.Integer),
    _fact("at", Instant),
    _fact("by"),
    _fact("form", sa.Text),
    _fact("edition", sa.Text),
    _fact("facts", Body),
    _fact("words", Body),
    _maybe("signed", Instant),
    _fact("digest", sa.Text),
)

NOTICE = _table(
    "notice",
    _key("id"),
    _fact("incident", Name),
    _fact("at", Instant),
    _fact("body", Packed),
    sa.Index(None, "incident", "at"),
    sa.Index(None, "at"),
)

DELIVERY = _lean(
    "delivery",
    _key("notice", Name, sa.ForeignKey("notice.id")),
    _key("channel"),
    _fact("standing", OneOf(DeliveryState)),
    _fact("due", Instant),
    _fact("attempts", sa.Integer),
    _maybe("began", Instant),
    _maybe("finished", Instant),
    _fact("reason"),
    _fact("reference"),
    sa.Index(None, "standing", "due"),
)

SILENCE = _lean(
    "silence",
    _key("id"),
    _fact("scope", OneOf(Scope)),
    _fact("name", Name),
    _fact("begins", Instant),
    _fact("until", Instant),
    _fact("by"),
    _fact("reason"),
    _maybe("ended", Instant),
    _fact("ended_by"),
    sa.Index(None, "until"),
)

ROTA = _table("rota", _key("rota"), _fact("at", Instant), _fact("shifts", Packed))

CLAIM = _lean(
    "claim",
    _key("producer"),
    _key("url"),
    _key("at", Instant),
    _fact("title"),
    _maybe("slot", Instant),
    _fact("slot_source", sa.Text),
    _fact("source"),
    _fact("read", Instant),
    sa.Index(None, "at"),
    sa.Index(None, "url"),
)

HEARTBEAT = _lean("heartbeat", _key("monitor"), _fact("at", Instant), _fact("stopped", sa.Boolean))

EVIDENCE = _lean(
    "evidence",
    _key("monitor"),
    _key("number", sa.BigInteger),
    _fact("kind", sa.Text),
    _fact("at", Instant),
    _fact("file", Name),
    _fact("offset", sa.BigInteger),
    _fact("length", sa.BigInteger),
    _fact("sha256", Digest),
    _fact("chain", Digest),
    _maybe("expired", Instant),
)

LEASE = _lean("lease", _key("name"), _fact("holder", Name), _fact("until", Instant), _maybe("since", Instant))
