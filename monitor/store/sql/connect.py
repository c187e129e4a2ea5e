"""Creates the database engines: the settings of every SQLite connection, and the time limits of PostgreSQL."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from monitor.errors import UserFault

_BUSY_MS = 5000
# After a long read, the write-ahead log is truncated to this size.
_LOG_BYTES = 8_000_000
# The page cache of each connection, a quarter of the default. The system's file cache serves all of them.
_CACHE_KB = 512


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
    # FULL: a committed sighting is evidence and must survive a power cut. There are few rows, so it costs little.
    event.listen(engine, "connect", partial(_set_up, "FULL" if durable else "OFF"))
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(synchronous: str, dbapi: Any, _record: object) -> None:  # noqa: ANN401  # sqlite3.Connection as its driver wraps it
    """Set up one SQLite connection by pragmas. `synchronous` is FULL, or OFF not to wait for the disk."""
    # SQLAlchemy begins every transaction, by `_begin`. The driver must not.
    dbapi.isolation_level = None
    dbapi.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    if not dbapi.execute("PRAGMA page_count").fetchone()[0]:
        # Incremental vacuum can only be set while the database is empty.
        dbapi.execute("PRAGMA auto_vacuum=INCREMENTAL")
    log = ("journal_mode=WAL", f"journal_size_limit={_LOG_BYTES}")
    for pragma in (*log, f"synchronous={synchronous}", "foreign_keys=ON", f"cache_size=-{_CACHE_KB}"):
        dbapi.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin a transaction as its execution options say: `ro` only reads, and `once` is a single query without one."""
    # A deferred transaction that reads and then writes fails at once if another one has committed in between,
    # despite the busy timeout. A transaction that takes the write lock first waits for its turn.
    options = connection.get_execution_options()
    if not options.get("once", False):
        connection.exec_driver_sql("BEGIN" if options.get("ro", False) else "BEGIN IMMEDIATE")
