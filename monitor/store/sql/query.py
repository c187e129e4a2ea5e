"""Runs queries, and converts dataclasses to rows and back: a column for each field, or key columns and JSON."""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

import pydantic_core
from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    RowMapping,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal,
    select,
)

from monitor.store.sql.columns import replace_unstorable
from monitor.store.sql.driver_errors import convert_faults

T = TypeVar("T")
_AT_ONCE = 1000
"""Rows that are fetched from the driver together, because fetching one by one is slow."""


@dataclass(slots=True)
class QueryRunner:
    """Runs queries, each on its own connection, which does not wait for writers. `place` must not contain a password.

    Inside `use_transaction`, queries of this thread use the open transaction, so that they see what it has written.
    """

    engine: Engine
    place: str
    _mine: threading.local = field(default_factory=threading.local)

    @contextmanager
    def use_transaction(self, transaction: Connection) -> Iterator[None]:
        """Run this thread's queries in a transaction for the length of a block."""
        self._mine.open = transaction
        try:
            yield
        finally:
            self._mine.open = None

    @contextmanager
    def _execute(self, statement: Executable, of: Mapping[str, Any] | None = None) -> Iterator[Any]:
        mine: Connection | None = getattr(self._mine, "open", None)
        with convert_faults(self.place), nullcontext(mine) if mine is not None else self.engine.connect() as connection:
            if mine is None:
                # A single query sees one state of the store anyway, so it needs no transaction.
                connection.execution_options(once=True)
            yield connection.execute(statement, of)

    def rows(self, statement: Select[Any], of: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        """Return the rows of a query. `of` has the values of its parameters."""
        with self._execute(statement, of) as found:
            rows: Sequence[RowMapping] = found.mappings().all()
        return rows

    def make_each(self, make: Callable[..., T], statement: Executable, of: Mapping[str, Any] | None = None) -> list[T]:
        """Call `make` with the columns of each row, and return the results. `of` is as in `rows`."""
        with self._execute(statement, of) as found:
            return [make(*row) for some in found.partitions(_AT_ONCE) for row in some]

    def find(self, kind: type[T], table: Table, key: str) -> T | None:
        """Return the object with this key, from a table with key columns and JSON. None if it is not stored."""
        return next((from_row(kind, row) for row in self.rows(_of_key(table), {"key": key})), None)

    def make_one(self, kind: type[T], table: Table, key: str) -> T | None:
        return next(iter(self.make_each(kind, _of_key(table, field_names(kind)), {"key": key})), None)

    def make_among(
        self, make: Callable[..., T], wanted: Select[Any], column: Column[Any], ids: Sequence[str] | None
    ) -> list[T]:
        """Return the results of `make` for the rows with one of `ids` in `column`. If `ids` is None, use every row."""
        if ids is None:
            return self.make_each(make, wanted)
        return [made for some in chunks(ids) for made in self.make_each(make, wanted.where(self._one_of(column, some)))]

    def _one_of(self, column: Column[Any], ids: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a column is one of these. One list parameter is faster than one for each id."""
        named = [replace_unstorable(one) for one in ids]
        if self.engine.dialect.name == "sqlite":
            listed = func.json_each(json.dumps(named)).table_valued("value")
            return column.in_(select(listed.c.value))
        return column == any_(literal(named, ARRAY(Text)))


def select_all(kind: type[Any], table: Table) -> Select[Any]:
    """Return the query for every row of a table, with columns in the order of a dataclass's fields."""
    return select(*(table.c[name] for name in field_names(kind)))


@cache
def _of_key(table: Table, names: tuple[str, ...] | None = None) -> Select[Any]:
    (column,) = table.primary_key
    wanted = table.c if names is None else [table.c[name] for name in names]
    return select(*wanted).where(column == parameter("key", column))


def parameter(name: str, column: Column[Any]) -> BindParameter[Any]:
    """Return a parameter of a statement that is built once, because building it takes longer than running it."""
    return bindparam(name, type_=column.type)


def from_row(kind: type[T], row: Mapping[str, Any] | RowMapping) -> T:
    """Return a dataclass from a row with key columns and the JSON of the rest."""
    keys = dict(row)
    return from_json(kind, keys.pop("body"), keys)


def whole_of(kind: type[T], wanted: Select[Any]) -> Callable[..., T]:
    """Return a function that makes a dataclass from the columns of a query's row."""
    names = wanted.selected_columns.keys()
    return lambda *row: from_row(kind, dict(zip(names, row, strict=True)))


def in_period(
    column: ColumnElement[datetime], begin: datetime | None, end: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions that a column is in `[begin, end)`. None means no bound."""
    lower = [] if begin is None else [column >= begin]
    return lower if end is None else [*lower, column < end]


def equals(column: ColumnElement[Any], value: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a column equals a value, or no condition for None."""
    return [] if value is None else [column == value]


_NAMES: dict[type[Any], tuple[str, ...]] = {}
_VALUES: dict[type[Any], Callable[[Any], tuple[Any, ...]]] = {}
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of a dataclass's fields, in order."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def to_row(thing: Any) -> dict[str, Any]:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as a row. Nested values stay as they are."""
    kind = type(thing)
    names = field_names(kind)
    if kind not in _VALUES:
        _VALUES[kind] = operator.attrgetter(*names)
    return dict(zip(names, _VALUES[kind](thing), strict=True))


def keyed_row(thing: Any, *keys: str) -> dict[str, Any]:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as a row with these key columns and the JSON of the rest."""
    return {**{key: getattr(thing, key) for key in keys}, "body": to_json(thing, *keys)}


def to_json(thing: Any, *leave_out: str) -> str:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as compact JSON, without fields that have their default and those in `leave_out`."""
    text = _adapter(type(thing)).dump_json(thing, exclude_defaults=True, exclude=set(leave_out))
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
    usual, driver.seconds = driver.seconds, LONG
    try:
        for name in ("statement_timeout", "lock_timeout", *(("idle_in_transaction_session_timeout",) if idles else ())):
            connection.exec_driver_sql(f"SET LOCAL {name} = {round(LONG * 1000)}")
        yield
    finally:
        driver.seconds = usual


CHUNK = 500
"""The most ids in one statement. Both databases allow many more."""


def chunks(ids: Sequence[T]) -> Iterable[Sequence[T]]:
    """Return the ids in portions of at most `CHUNK`."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
