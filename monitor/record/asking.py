"""How a question is put to the SQL store: each on a connection of its own, which waits for no writer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Engine, RowMapping, Select, Table, select

from monitor.record import tables
from monitor.record.codec import field_names, from_json
from monitor.record.faults import faults_of
from monitor.record.writing import chunks

T = TypeVar("T")


class SqlAsker:
    """Questions to the store; `_place` is its address without a password."""

    _engine: Engine
    _place: str

    def _rows(self, statement: Select[Any]) -> Sequence[RowMapping]:
        with faults_of(self._place), self._engine.connect() as connection:
            return connection.execution_options(ro=True).execute(statement).mappings().all()

    def _flat(self, kind: type[T], statement: Select[Any]) -> list[T]:
        with faults_of(self._place), self._engine.connect() as connection:
            return [kind(*row) for row in connection.execution_options(ro=True).execute(statement)]

    def _one(self, kind: type[T], statement: Select[Any]) -> T | None:
        return next((whole(kind, row) for row in self._rows(statement)), None)

    def _among(self, wanted: Select[Any], column: Column[Any], ids: Sequence[str] | None) -> Iterable[RowMapping]:
        """Return the rows whose `column` is one of `ids`, asking in portions; every row for None."""
        if ids is None:
            return self._rows(wanted)
        return [row for some in chunks(ids) for row in self._rows(wanted.where(column.in_(some)))]


def all_of(kind: type[Any], table: Table) -> Select[Any]:
    """Return the question for every row of a table, in the order of a dataclass's fields."""
    return select(*(table.c[name] for name in field_names(kind)))


def whole(kind: type[T], row: RowMapping) -> T:
    """Return a dataclass from its row: its columns and the JSON of the rest."""
    keys = dict(row)
    return from_json(kind, keys.pop("body"), keys)


def within(column: ColumnElement[datetime], begin: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    """Return the conditions that a column lies in `[begin, end)`."""
    lower = [] if begin is None else [column >= begin]
    return lower if end is None else [*lower, column < end]


def joined_away() -> Select[Any]:
    """Return the question for the releases that were joined into others."""
    into = tables.RELEASE.c.joined_into
    return select(tables.RELEASE.c.id).where(into.is_not(None))
