"""Creates the database engines: the settings of every SQLite connection, and the time limits of PostgreSQL."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from monitor.errors import StoreFault, UserFault

_BUSY_MS = 5000
# After a long read, the write-ahead log is truncated to this size.
_LOG_BYTES = 8_000_000
# The page cache of each connection, a quarter of the default. The system's file cache serves all of them.
_CACHE_KB = 512


def identity(file: Path | None) -> tuple[int, int] | None:
    """Return the device and inode of a file, which differ if the file was replaced. None if the file does not exist."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def make_folder(file: Path) -> None:
    """Create the folder of a file, if it does not exist. Raises `StoreFault`."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreFault(f"store {file}: its folder cannot be made: {exc.strerror}") from exc


def postgresql(address: URL) -> Engine:
    """Return an engine for PostgreSQL. Raises `UserFault` if its driver is not installed."""
    try:
        engine = create_engine(address, pool_pre_ping=True)
    except ModuleNotFoundError as exc:
        raise UserFault(f"the store needs {exc.name}, which the extra `postgres` installs") from exc
    from monitor.store.sql.patience import set_time_limits  # noqa: PLC0415  # imports the optional driver

    set_time_limits(engine)
    return engine


def sqlite(address: URL, *, durable: bool) -> Engine:
    """Return an engine for an SQLite file. If `durable`, a commit survives a power cut."""
    engine = create_engine(address, connect_args={"timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", partial(_set_up, "FULL" if durable else "OFF"))
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(synchronous: str, dbapi: Any, _record: object) -> None:  # noqa: ANN401  # sqlite3.Connection as its driver wraps it
    """Set up one SQLite connection by pragmas."""
    dbapi.isolation_level = None
    # FULL: a committed sighting is evidence and must survive a power cut. There are few rows, so it costs little.
    dbapi.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    if not dbapi.execute("PRAGMA page_count").fetchone()[0]:
        # Incremental vacuum can only be set while the database is empty.
        dbapi.execute("PRAGMA auto_vacuum=INCREMENTAL")
    log = ("journal_mode=WAL", f"journal_size_limit={_LOG_BYTES}")
    for pragma in (*log, f"synchronous={synchronous}", "foreign_keys=ON", f"cache_size=-{_CACHE_KB}"):
        dbapi.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once if another one has committed in between,
    # despite the busy timeout. A transaction that takes the write lock first waits for its turn.
    asked = connection.get_execution_options()
    if not asked.get("once", False):
        connection.exec_driver_sql("BEGIN" if asked.get("ro", False) else "BEGIN IMMEDIATE")
