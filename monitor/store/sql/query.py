"""Runs queries, and converts dataclasses to rows and back."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

import pydantic_core
import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    ColumnElement,
    ColumnExpressionArgument,
    Connection,
    Engine,
    Executable,
    Select,
    Table,
)

from alerts.claim import Claim
from alerts.incident import Incident
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.judge.runs import Blind, Run
from monitor.store import rows
from monitor.store.sql import tables
from monitor.store.sql.columns import replace_unstorable
from monitor.store.sql.driver_errors import convert_faults
from schedules.promise import Promise
from schedules.release import Release

T = TypeVar("T")
_ROWS_FETCHED = 1000
"""Fetching rows one by one is slow."""


@dataclass(frozen=True, slots=True)
class QueryRunner:
    """Runs queries in an open transaction, whose writes they see, or each in a connection of its
    own.

    These do not wait for writers. `place` must not contain a password.
    """

    engine: Engine
    place: str
    transaction: Connection | None = None

    @contextmanager
    def _open_connection(self) -> Iterator[Connection]:
        if self.transaction is not None:
            yield self.transaction
            return
        with self.engine.connect() as connection:
            yield connection.execution_options(once=True)

    def make_each(
        self, make: Callable[..., T], query: Executable, values: Mapping[str, Any] | None = None
    ) -> list[T]:
        """Return the results of `make` for each row of a query."""
        with convert_faults(self.place), self._open_connection() as connection:
            result = connection.execute(query, values)
            return [make(*row) for some in result.partitions(_ROWS_FETCHED) for row in some]

    def find(self, kind: type[T], key: str) -> T | None:
        """Return the stored object with this key, or None."""
        form = FORMS[kind]
        return next(iter(self.make_each(form.make, form.select_by_key, {"key": key})), None)

    def find_all(
        self,
        kind: type[T],
        *conditions: ColumnExpressionArgument[bool],
        order_by: Iterable[ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> list[T]:
        """Return the first `limit` stored objects that meet all conditions, in this order."""
        form = FORMS[kind]
        return self.make_each(
            form.make, form.select.where(*conditions).order_by(*order_by).limit(limit)
        )

    def find_each_of(
        self,
        kind: type[T],
        column: Column[Any],
        ids: Sequence[str],
        *conditions: ColumnElement[bool],
    ) -> list[T]:
        """Return the stored objects with one of `ids` in `column` that meet all conditions."""
        form = FORMS[kind]
        return self.make_each_of(form.make, form.select.where(*conditions), column, ids)

    def make_each_of(
        self,
        make: Callable[..., T],
        query: Select[Any],
        column: Column[Any],
        ids: Sequence[str] | None,
    ) -> list[T]:
        """Return the results of `make` for the rows with one of `ids` in `column`, None for all
        rows.
        """
        if ids is None:
            return self.make_each(make, query)
        made: list[T] = []
        for some in chunks(ids):
            made += self.make_each(make, query.where(self._is_one_of(column, some)))
        return made

    def _is_one_of(self, column: Column[Any], ids: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a column is one of these. One list parameter is faster."""
        storable = [replace_unstorable(one) for one in ids]
        if self.engine.dialect.name == "sqlite":
            listed = sa.func.json_each(json.dumps(storable)).table_valued("value")
            return column.in_(sa.select(listed.c.value))
        return column == sa.any_(sa.literal(storable, sa.ARRAY(sa.Text)))


@dataclass(frozen=True, slots=True)
class Queries:
    """Queries of a store, which `runner` runs."""

    runner: QueryRunner


def in_period(
    column: ColumnElement[datetime], begin: datetime | None, end: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions that a column is in `[begin, end)`, without bounds for None."""
    conditions = [] if begin is None else [column >= begin]
    return conditions if end is None else [*conditions, column < end]


def equals(column: ColumnElement[Any], value: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a column equals a value, or no condition for None."""
    return [] if value is None else [column == value]


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def to_json(item: Any, *leave_out: str) -> str:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as compact JSON, without defaults and the fields in `leave_out`."""
    text = _adapter_for(type(item)).dump_json(item, exclude_defaults=True, exclude=set(leave_out))
    return text.decode()


def from_json(kind: type[T], text: str, left_out: Mapping[str, Any]) -> T:
    """Return the dataclass in a text of `to_json`. Raises ValueError."""
    return from_values(kind, {**pydantic_core.from_json(text), **left_out})


def from_values(kind: type[T], values: Mapping[str, Any]) -> T:
    """Return a dataclass from values of parsed JSON. Raises ValueError."""
    return cast("T", _adapter_for(kind).validate_python(values))


def _adapter_for(kind: type[Any]) -> TypeAdapter[Any]:
    # Building an adapter takes milliseconds, and most commands need only a few.
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


class RowForm:
    """How objects of a dataclass are rows: a column for each field, or some columns and JSON.

    In the second form, a column `body` that is not a field has the JSON of the other fields.
    """

    def __init__(self, kind: type[Any], table: Table) -> None:
        self._kind, self.table = kind, table
        field_names = tuple(one.name for one in fields(kind))
        self.make: Callable[..., Any]
        self._has_json = "body" in table.c and "body" not in field_names
        if self._has_json:
            self._column_names = tuple(
                column.name for column in table.c if hasattr(kind, column.name)
            )
            selected_names = (*self._column_names, "body")
            # Pages show the same rows again and again.
            self.make = lru_cache(maxsize=512)(self._make_from_json)
        else:
            self._column_names = selected_names = field_names
            self.make = kind
        self._get_values = operator.attrgetter(*self._column_names)
        self.select = sa.select(*(table.c[name] for name in selected_names))
        # Used only for tables with a key of one column.
        key = next(iter(table.primary_key))
        # Building it takes longer than running it.
        self.select_by_key = self.select.where(key == sa.bindparam("key", type_=key.type))

    def _make_from_json(self, *columns: Any) -> Any:  # noqa: ANN401  # any of our dataclasses
        *values, body = columns
        return from_json(self._kind, body, dict(zip(self._column_names, values, strict=True)))

    def to_row(self, item: Any) -> dict[str, Any]:  # noqa: ANN401  # any of our dataclasses
        """Return an object as a row. Nested values stay as they are, except in JSON."""
        row = dict(zip(self._column_names, self._get_values(item), strict=True))
        if self._has_json:
            row["body"] = to_json(item, *self._column_names)
        return row


Storable = (
    Release
    | Promise
    | Run
    | Blind
    | Incident
    | Notice
    | Silence
    | Claim
    | rows.Announced
    | rows.CalendarRead
    | rows.Judged
    | rows.Event
    | rows.Draft
    | rows.Delivery
    | rows.Act
    | rows.StoredSession
    | rows.RotaRead
    | rows.Heartbeat
    | rows.Record
    | rows.Lease
    | rows.Leader
)
"""What the store keeps."""
_TABLES: Mapping[type[Storable], Table] = {
    Release: tables.RELEASE,
    Promise: tables.PROMISE,
    rows.Announced: tables.ANNOUNCED,
    rows.CalendarRead: tables.CALENDAR_READ,
    Run: tables.RUN,
    Blind: tables.BLIND,
    rows.Judged: tables.JUDGED,
    rows.Event: tables.EVENT,
    Incident: tables.INCIDENT,
    rows.Draft: tables.DRAFT,
    Notice: tables.NOTICE,
    rows.Delivery: tables.DELIVERY,
    Silence: tables.SILENCE,
    rows.Act: tables.ACT,
    rows.StoredSession: tables.SESSION,
    rows.RotaRead: tables.ROTA,
    Claim: tables.CLAIM,
    rows.Heartbeat: tables.HEARTBEAT,
    rows.Record: tables.EVIDENCE,
    rows.Lease: tables.LEASE,
    rows.Leader: tables.LEADER,
}
FORMS: Mapping[type[Any], RowForm] = {kind: RowForm(kind, table) for kind, table in _TABLES.items()}

LONG = 3600.0
"""Seconds that PostgreSQL gets for statements on whole tables, such as a migration."""


@contextmanager
def long_limits(connection: Connection, *, idles: bool = False) -> Iterator[None]:
    """Raise the time limits of one PostgreSQL transaction to `LONG`.

    With `idles`, it may also be idle for so long, while another store is used.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "postgresql":
        yield
        return
    usual, driver.silence_limit = driver.silence_limit, LONG
    try:
        for name in (
            "statement_timeout",
            "lock_timeout",
            *(("idle_in_transaction_session_timeout",) if idles else ()),
        ):
            connection.exec_driver_sql(f"SET LOCAL {name} = {round(LONG * 1000)}")
        yield
    finally:
        driver.silence_limit = usual


CHUNK = 500
"""The most ids in one statement. Both databases allow many more."""


def chunks(ids: Sequence[T]) -> Iterable[Sequence[T]]:
    """Return the ids in portions of at most `CHUNK`."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
