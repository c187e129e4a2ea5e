"""Makes copies of the store while it is in use, and rewinds a copy to an earlier instant."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, update

from monitor.errors import StoreFault, UserFault
from monitor.store.sql import tables
from monitor.store.sql.query import long_limits

_ROWS_AT_ONCE = 1000
_WRITTEN_AT = (
    tables.PROMISE.c.learnt,
    tables.ANNOUNCED.c.seen_first,
    tables.CALENDAR_READ.c.finished,
    tables.RUN.c.begin,
    tables.BLIND.c.begins,
    tables.EVENT.c.at,
    tables.INCIDENT.c.opened,
    tables.DRAFT.c.at,
    tables.NOTICE.c.at,
    tables.EVIDENCE.c.at,
)
"""For each table that grows, the column with the time when a row was written."""


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """Yield a temporary file to copy into.

    It is renamed to `file` at the end of the block, or deleted on failure.

    Raises `UserFault` if `file` exists, `StoreFault` if it cannot be created.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        # Reserve the name with an empty file, so that no other process can create it during the
        # copy.
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        except OSError:
            file.unlink()
            raise
    except FileExistsError as exc:
        raise UserFault(f"backup {file}: it is there already; a backup never overwrites") from exc
    except OSError as exc:
        raise StoreFault(f"backup {file}: {exc.strerror}") from exc
    try:
        yield part
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        raise


def copy_sqlite(engine: Engine, copy: Path) -> None:
    """Copy an SQLite store by SQLite's online backup.

    Raises `sqlite3.DatabaseError` if the copy is damaged.
    """
    with closing(engine.raw_connection()) as source, closing(sqlite3.connect(copy)) as target:
        source.driver_connection.backup(target)  # type: ignore[union-attr]  # an open connection has one
        # The store is in WAL mode, in which the copy would need two more files beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        verdict = target.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"malformed: {verdict}")


def copy_rows(source: Engine, target: Engine) -> dict[str, int]:
    """Copy all rows of a store, as of one instant, into an empty one.

    Return the number of rows by table.

    If it fails, no rows are copied. Raises `UserFault` if the target is not empty.
    """
    ordered = tables.METADATA.sorted_tables
    with (
        snapshot(source) as old,
        target.begin() as new,
        long_limits(old, idles=True),
        long_limits(new, idles=True),
    ):
        filled = ", ".join(
            table.name for table in ordered if new.execute(select(table).limit(1)).first()
        )
        if filled:
            reason = f"it has rows in {filled}: it exists, and no file is overwritten"
            raise UserFault(f"the store to copy into is not empty, {reason}")
        return {table.name: _copy_table(old, new, table) for table in ordered}


def add_rows(source: Engine, target: Engine) -> None:
    """Add the rows of a store that an SQLite store does not have."""
    with snapshot(source) as reader, target.begin() as writer:
        for table in tables.METADATA.sorted_tables:
            for rows in reader.execute(select(table)).mappings().partitions(_ROWS_AT_ONCE):
                writer.execute(insert(table).prefix_with("OR IGNORE"), [dict(row) for row in rows])


def delete_after(engine: Engine, at: datetime) -> None:
    """Rewind a copy of a store to `at`: delete rows written later, and end runs, blind spans and
    confirmations there.

    Entries that calendars removed later are listed again. All verdicts are deleted, and must be
    judged again.
    """
    with engine.begin() as connection:
        late = select(tables.NOTICE.c.id).where(tables.NOTICE.c.at > at)
        connection.execute(delete(tables.DELIVERY).where(tables.DELIVERY.c.notice.in_(late)))
        for written in _WRITTEN_AT:
            connection.execute(delete(written.table).where(written > at))
        connection.execute(delete(tables.JUDGED))
        connection.execute(
            update(tables.ANNOUNCED).where(tables.ANNOUNCED.c.gone > at).values(gone=None)
        )
        promise, run, blind = tables.PROMISE.c, tables.RUN.c, tables.BLIND.c
        for column in (promise.confirmed_at, run.end, run.last_received, blind.ends):
            connection.execute(update(column.table).where(column > at).values({column.name: at}))


@contextmanager
def snapshot(source: Engine) -> Iterator[Connection]:
    """Yield a connection that reads a store as of one instant."""
    # In SQLite, every transaction reads the store as of one instant, and does not block writers.
    is_sqlite = source.dialect.name == "sqlite"
    with source.connect() as reader:
        yield reader.execution_options(
            **{"ro": True} if is_sqlite else {"isolation_level": "REPEATABLE READ"}
        )


def _copy_table(reader: Connection, writer: Connection, table: Table) -> int:
    """Copy all rows of a table. Return how many. Raises `StoreFault` if some did not arrive."""
    count = 0
    for rows in reader.execute(select(table)).mappings().partitions(_ROWS_AT_ONCE):
        writer.execute(insert(table), [dict(row) for row in rows])
        count += len(rows)
    if writer.execute(select(func.count()).select_from(table)).scalar() != count:
        raise StoreFault(f"copying {table.name}: fewer rows arrived than were sent")
    return count
