"""The tables. Every primary key is the natural one; columns that are no key, order or search live in a JSON body."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.types import TypeEngine

from alerts.incident import Kind
from monitor.look.sighting import State
from monitor.store.rows import DeliveryState
from monitor.store.sql.columns import Body, Digest, Instant, Length, Name, Names, OneOf, Packed, Words

HEAD = "0005"
"""The migration that makes these tables; `upgrade` has nothing to do in a store that carries it."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
REVISION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Where Alembic keeps the step that a store has reached, made as Alembic makes it."""


def _key(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Name, *more: ForeignKey) -> Column[Any]:
    return Column(name, kind, *more, primary_key=True, autoincrement=False, nullable=False)


def _fact(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _maybe(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _since_then(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] = Words) -> Column[Any]:
    """Return a column of text that a later migration added."""
    return Column(name, kind, nullable=False, server_default="")


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(name, METADATA, *columns)


def _lean(name: str, *columns: Column[Any] | Index) -> Table:
    # Without a row id the row lives in its key's own tree: a target's name is stored once a run, not twice.
    # Only for short rows: a long one would spill into a page of its own there. The columns of the key come
    # first, or the integrity check of SQLite 3.40 reports NULLs that are not there.
    return Table(name, METADATA, *columns, sqlite_with_rowid=False)


def _partial(name: str, column: Column[Any], where: ClauseElement) -> None:
    """Index those rows alone for which `where` holds."""
    index = Index(name, column, sqlite_where=where)

    # Told above, it would load PostgreSQL's dialect for those as well who use SQLite: 2 MB and 20 ms.
    @event.listens_for(index, "before_create")
    def tell(index: Index, connection: Connection, **_: object) -> None:
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
    Index(None, "producer"),
)
# Those few that are shown no more, to be left out of every list.
_partial("ix_release_joined_into", RELEASE.c.joined_into, RELEASE.c.joined_into.is_not(None))

PROMISE = _lean(
    "promise",
    _key("release"),
    _key("calendar"),
    _key("learnt", Instant),
    _maybe("begins", Instant),
    _maybe("confirmed_at", Instant),
    _fact("body", Packed),
    Index(None, "begins"),
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
    Index(None, "release"),
    Index(None, "gone"),
)

CALENDAR_READ = _lean(
    "calendar_read",
    _key("calendar"),
    _key("started", Instant),
    _fact("finished", Instant),
    _fact("usable", Boolean),
    _fact("entries", Integer),
    _fact("digest"),
    _fact("fault"),
    _fact("evidence"),
    Index(None, "started"),
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
    _fact("looks", BigInteger),
    _fact("largest_gap", Length),
    _fact("specific", Boolean),
    _fact("why"),
    _maybe("status", Integer),
    _maybe("digest"),
    _fact("evidence", Names),
    _maybe("version"),
    Column("failed", Integer, nullable=False, server_default="0"),
    _since_then("address"),
)

BLIND = _lean(
    "blind",
    _key("begins", Instant),
    _key("cause"),
    _key("host"),
    _key("target"),
    _fact("ends", Instant),
    Index(None, "ends"),
)
LONG = timedelta(days=60)
IS_LONG = text(f"ends - begins > {LONG // timedelta(microseconds=1)}")
"""Blind spans so long are few; all others that touch an instant begin not long before it."""
_partial("ix_blind_long", BLIND.c.ends, IS_LONG)

JUDGED = _table(
    "judged",
    _key("release"),
    _fact("producer", Name),
    _maybe("slot", Instant),
    _fact("word", Text),
    _fact("grade", Text),
    _fact("final", Boolean),
    _fact("at", Instant),
    _fact("body", Body),
    Index(None, "slot"),
    Index(None, "producer", "slot"),
    Index(None, "final", "slot"),
)

EVENT = _table(
    "event",
    _key("id"),
    _fact("release", Name),
    _fact("at", Instant),
    _fact("before", Text),
    _fact("after", Text),
    _fact("body", Body),
    Index(None, "release", "at"),
    Index(None, "at"),
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
    Index(None, "occurred", "id"),
    Index(None, "release", "opened"),
    Index(None, "producer", "occurred"),
)

DRAFT = _table(
    "draft",
    _key("incident"),
    _key("version", Integer),
    _fact("at", Instant),
    _fact("by"),
    _fact("form", Text),
    _fact("edition", Text),
    _fact("facts", Body),
    _fact("words", Body),
    _maybe("signed", Instant),
    _fact("digest", Text),
)

NOTICE = _table(
    "notice",
    _key("id"),
    _fact("incident", Name),
    _fact("at", Instant),
    _fact("body", Packed),
    Index(None, "incident", "at"),
    Index(None, "at"),
)

DELIVERY = _lean(
    "delivery",
    _key("notice", Name, ForeignKey("notice.id")),
    _key("channel"),
    _fact("standing", OneOf(DeliveryState)),
    _fact("due", Instant),
    _fact("attempts", Integer),
    _maybe("began", Instant),
    _maybe("finished", Instant),
    _fact("reason"),
    _fact("reference"),
    Index(None, "standing", "due"),
)

HEARTBEAT = _lean("heartbeat", _key("monitor"), _fact("at", Instant), _fact("stopped", Boolean))

EVIDENCE = _lean(
    "evidence",
    _key("monitor"),
    _key("number", BigInteger),
    _fact("kind", Text),
    _fact("at", Instant),
    _fact("file", Name),
    _fact("offset", BigInteger),
    _fact("length", BigInteger),
    _fact("sha256", Digest),
    _fact("chain", Digest),
    _maybe("expired", Instant),
)

LEASE = _lean("lease", _key("name"), _fact("holder", Name), _fact("until", Instant))
