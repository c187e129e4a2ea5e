"""Runs queries, and converts dataclasses to rows and back: a column for each field, or key columns and JSON."""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

import pydantic_core
import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy import Column, ColumnElement, Connection, Engine, Executable, RowMapping, Select, Table

from monitor.store.sql.columns import replace_unstorable
from monitor.store.sql.driver_errors import convert_faults

T = TypeVar("T")
_ROWS_FETCHED = 1000
"""Rows that are fetched from the driver together, because fetching one by one is slow."""


@dataclass(slots=True)
class QueryRunner:
    """Runs queries, each on its own connection, which does not wait for writers. `place` must not contain a password.

    Inside `use_transaction`, queries of this thread use the open transaction, so that they see what it has written.
    """

    engine: Engine
    place: str
    _thread: threading.local = field(default_factory=threading.local)

    @contextmanager
    def use_transaction(self, transaction: Connection) -> Iterator[None]:
        """Run this thread's queries in a transaction for the length of a block."""
        self._thread.transaction = transaction
        try:
            yield
        finally:
            self._thread.transaction = None

    @contextmanager
    def _run_query(self, query: Executable, values: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Yield the result of a query with these parameters, in the open transaction of this thread if it has one."""
        open_transaction: Connection | None = getattr(self._thread, "transaction", None)
        with convert_faults(self.place):
            if open_transaction is not None:
                yield open_transaction.execute(query, values)
                return
            with self.engine.connect() as connection:
                # With `once`, SQLite begins no transaction: a single query sees one state of the store anyway.
                yield connection.execution_options(once=True).execute(query, values)

    def rows(self, query: Select[Any], values: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        """Return the rows of a query with these values of its parameters."""
        with self._run_query(query, values) as result:
            rows: Sequence[RowMapping] = result.mappings().all()
        return rows

    def make_each(self, make: Callable[..., T], query: Executable, values: Mapping[str, Any] | None = None) -> list[T]:
        """Call `make` with the columns of each row of a query, and return the results."""
        with self._run_query(query, values) as result:
            return [make(*row) for some in result.partitions(_ROWS_FETCHED) for row in some]

    def find_keyed(self, kind: type[T], table: Table, key: str) -> T | None:
        """Return the dataclass in a table with key columns and JSON, by its key. None if it is not stored."""
        return next((from_keyed_row(kind, row) for row in self.rows(_select_by_key(table), {"key": key})), None)

    def find(self, kind: type[T], table: Table, key: str) -> T | None:
        """Return the dataclass in a table with a column for each field, by its key. None if it is not stored."""
        return next(iter(self.make_each(kind, _select_by_key(table, field_names(kind)), {"key": key})), None)

    def make_each_of(
        self, make: Callable[..., T], query: Select[Any], column: Column[Any], ids: Sequence[str] | None
    ) -> list[T]:
        """Return the results of `make` for the rows with one of `ids` in `column`. If `ids` is None, use every row."""
        if ids is None:
            return self.make_each(make, query)
        queries = (query.where(self._is_one_of(column, some)) for some in chunks(ids))
        return [made for query_of_some in queries for made in self.make_each(make, query_of_some)]

    def _is_one_of(self, column: Column[Any], ids: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a column is one of these. One list parameter is faster than one for each id."""
        storable = [replace_unstorable(one) for one in ids]
        if self.engine.dialect.name == "sqlite":
            listed = sa.func.json_each(json.dumps(storable)).table_valued("value")
            return column.in_(sa.select(listed.c.value))
        return column == sa.any_(sa.literal(storable, sa.ARRAY(sa.Text)))


def select_all(kind: type[Any], table: Table) -> Select[Any]:
    """Return the query for every row of a table, with columns in the order of a dataclass's fields."""
    return sa.select(*(table.c[name] for name in field_names(kind)))


@cache
def _select_by_key(table: Table, names: tuple[str, ...] | None = None) -> Select[Any]:
    """Return the query for one row by its `key`, with these columns or all."""
    (key,) = table.primary_key
    columns = table.c if names is None else [table.c[name] for name in names]
    return sa.select(*columns).where(key == parameter("key", key))


def parameter(name: str, column: Column[Any]) -> sa.BindParameter[Any]:
    """Return a parameter of a statement that is built once, because building it takes longer than running it."""
    return sa.bindparam(name, type_=column.type)


def from_keyed_row(kind: type[T], row: Mapping[str, Any] | RowMapping) -> T:
    """Return a dataclass from a row with key columns and the JSON of the rest (`body`)."""
    keys = dict(row)
    return from_json(kind, keys.pop("body"), keys)


def keyed_row_maker(kind: type[T], query: Select[Any]) -> Callable[..., T]:
    """Return a function that makes a dataclass from the columns of a query's row, as `from_keyed_row` does."""
    names = query.selected_columns.keys()
    return lambda *row: from_keyed_row(kind, dict(zip(names, row, strict=True)))


def in_period(
    column: ColumnElement[datetime], begin: datetime | None, end: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions that a column is in `[begin, end)`. None means no bound."""
    conditions = [] if begin is None else [column >= begin]
    return conditions if end is None else [*conditions, column < end]


def equals(column: ColumnElement[Any], value: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a column equals a value, or no condition for None."""
    return [] if value is None else [column == value]


# Results by class. `functools.cache` would be shorter, but mypy refuses a `type` as its argument.
_FIELD_NAMES: dict[type[Any], tuple[str, ...]] = {}
_FIELD_GETTERS: dict[type[Any], Callable[[Any], tuple[Any, ...]]] = {}
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of a dataclass's fields, in order."""
    if kind not in _FIELD_NAMES:
        _FIELD_NAMES[kind] = tuple(field.name for field in fields(kind))
    return _FIELD_NAMES[kind]


def to_row(item: Any) -> dict[str, Any]:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as a row with a column for each field. Nested values stay as they are."""
    kind = type(item)
    if kind not in _FIELD_GETTERS:
        _FIELD_GETTERS[kind] = operator.attrgetter(*field_names(kind))
    return dict(zip(field_names(kind), _FIELD_GETTERS[kind](item), strict=True))


def keyed_row(item: Any, *keys: str) -> dict[str, Any]:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as a row with these key columns and the JSON of the rest (`body`)."""
    return {**{key: getattr(item, key) for key in keys}, "body": to_json(item, *keys)}


def to_json(item: Any, *leave_out: str) -> str:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as compact JSON, without fields that have their default and those in `leave_out`."""
    text = _adapter(type(item)).dump_json(item, exclude_defaults=True, exclude=set(leave_out))
    return text.decode()


def from_json(kind: type[T], text: str, left_out: Mapping[str, Any]) -> T:
    """Return the dataclass in a text of `to_json`, with the values of the left-out fields. Raises ValueError."""
    return cast("T", _adapter(kind).validate_python({**pydantic_core.from_json(text), **left_out}))


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    # Building an adapter takes milliseconds, and most commands need only a few.
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


LONG = 3600.0
"""Seconds that PostgreSQL gets for statements on whole tables: a migration, a copy."""


@contextmanager
def long_limits(connection: Connection, *, idles: bool = False) -> Iterator[None]:
    """Raise the time limits of one PostgreSQL transaction to `LONG`, for statements on whole tables.

    With `idles`, the transaction may also be idle for that long, while another store is read or written.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "postgresql":
        yield
        return
    usual, driver.silence_limit = driver.silence_limit, LONG
    try:
        for name in ("statement_timeout", "lock_timeout", *(("idle_in_transaction_session_timeout",) if idles else ())):
            connection.exec_driver_sql(f"SET LOCAL {name} = {round(LONG * 1000)}")
        yield
    finally:
        driver.silence_limit = usual


CHUNK = 500
"""The most ids in one statement. Both databases allow many more."""


def chunks(ids: Sequence[T]) -> Iterable[Sequence[T]]:
    """Return the ids in portions of at most `CHUNK`."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
