"""Upkeep of the SQL store: who holds which lease, what can be thinned out, and room given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, func, select

from monitor.plan.targets import release_of
from monitor.store.rows import Lease
from monitor.store.sql import tables
from monitor.store.sql.driver_errors import faults_of
from monitor.store.sql.query import all_of
from monitor.store.sql.read import SqlReader
from monitor.store.sql.tables import METADATA

_INCREMENTAL = 2
# Enough rows of each index to know how they lie; all of them would hold up writes for seconds.
_ROWS_WEIGHED = 1000


class SqlUpkeep(SqlReader):
    """Questions and chores of upkeep."""

    def stale_reads(self, before: datetime) -> list[tuple[str, datetime]]:
        table = tables.CALENDAR_READ
        said = (table.c.usable, table.c.digest, table.c.fault)
        read = select(table, *(_the_one_before(column) for column in said)).where(table.c.started < before).subquery()
        repeats = [read.c[column.name] == read.c[f"before_{column.name}"] for column in said]
        return [(row["calendar"], row["started"]) for row in self._rows(select(read).where(*repeats))]

    def crowded(self, most: int) -> list[str]:
        target = tables.RUN.c.target
        full = self._rows(select(target).group_by(target).having(func.count() > most))
        return sorted({release_of(row["target"]) for row in full})

    def lease(self, name: str) -> Lease | None:
        return self._flat_one(Lease, tables.LEASE, name)

    def leases(self) -> list[Lease]:
        return self._flat(Lease, all_of(Lease, tables.LEASE).order_by(tables.LEASE.c.name))

    def give_back(self, most: int) -> int:
        if self._engine.dialect.name != "sqlite":
            return 0
        with self._alone_on_sqlite() as driver:
            if driver.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
                return 0
            # One row is one page, and a single `execute` would stop after the first.
            driver.executescript(f"PRAGMA incremental_vacuum({most})")
            return int(driver.execute("PRAGMA freelist_count").fetchone()[0])

    def refresh(self) -> None:
        if self._engine.dialect.name == "sqlite":
            with self._alone_on_sqlite() as driver:
                driver.executescript(f"PRAGMA analysis_limit={_ROWS_WEIGHED}; ANALYZE;")
            return
        each = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with faults_of(self._place), each.connect() as connection:
            for table in METADATA.sorted_tables:
                connection.exec_driver_sql(f'ANALYZE "{table.name}"')

    @contextmanager
    def _alone_on_sqlite(self) -> Iterator[Any]:
        """Give a connection of the driver's own kind, in no transaction."""
        with faults_of(self._place), closing(self._engine.raw_connection()) as raw:
            yield raw.driver_connection


def _the_one_before(column: Column[Any]) -> ColumnElement[Any]:
    """Return what this column holds in the read of the same calendar before."""
    table = tables.CALENDAR_READ
    before = func.lag(column).over(partition_by=table.c.calendar, order_by=table.c.started)
    return before.label(f"before_{column.name}")
