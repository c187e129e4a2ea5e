"""How each database is connected to: what SQLite is told at every connection, and how long PostgreSQL is waited for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from monitor.errors import StoreFault, UserFault

_BUSY_MS = 5000
# What a long reader made the log grow by is cut off again at the next turn of it.
_LOG_BYTES = 8_000_000
# Pages that each of up to six connections keeps, a quarter of what is usual; the machine keeps them for all.
_CACHE_KB = 512


def identity(file: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None for none."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def make_folder(file: Path) -> None:
    """Make the folder of a file. Raises `StoreFault`."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreFault(f"store {file}: its folder cannot be made: {exc.strerror}") from exc


def postgresql(address: URL) -> Engine:
    """Return what connects to PostgreSQL. Raises `UserFault` if its driver is not installed."""
    try:
        engine = create_engine(address, pool_pre_ping=True)
    except ModuleNotFoundError as exc:
        raise UserFault(f"the store needs {exc.name}, which the extra `postgres` installs") from exc
    from monitor.store.sql.patience import make_impatient  # noqa: PLC0415  # its driver is loaded by its own users alone

    make_impatient(engine)
    return engine


def sqlite(address: URL, *, durable: bool) -> Engine:
    """Return what opens a file of SQLite; `durable`: what is committed outlives a power cut."""
    engine = create_engine(address, connect_args={"timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", partial(_set_up, "FULL" if durable else "OFF"))
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(synchronous: str, dbapi: Any, _record: object) -> None:  # noqa: ANN401  # sqlite3.Connection as its driver wraps it
    dbapi.isolation_level = None
    # FULL: a sighting that was committed must outlive a power cut; it is evidence, and there are few rows.
    dbapi.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    if not dbapi.execute("PRAGMA page_count").fetchone()[0]:
        # That freed room is handed back in portions must be said before there is anything.
        dbapi.execute("PRAGMA auto_vacuum=INCREMENTAL")
    log = ("journal_mode=WAL", f"journal_size_limit={_LOG_BYTES}")
    for pragma in (*log, f"synchronous={synchronous}", "foreign_keys=ON", f"cache_size=-{_CACHE_KB}"):
        dbapi.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another has committed meanwhile,
    # whatever the busy timeout says; one that takes the lock first waits its turn.
    asked = connection.get_execution_options()
    if not asked.get("once", False):
        connection.exec_driver_sql("BEGIN" if asked.get("ro", False) else "BEGIN IMMEDIATE")
