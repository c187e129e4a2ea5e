"""The store, on SQLite (one file, WAL) or PostgreSQL, with the same code for both."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import make_url

from monitor.errors import (
    StoreDamaged,
    StoreFault,
    StoreLed,
    StoreTooNew,
    StoreTooOld,
    UserFault,
)
from monitor.store.sql import backup, integrity
from monitor.store.sql.columns import database_clock
from monitor.store.sql.driver_errors import MEND, convert_faults
from monitor.store.sql.query import QueryRunner, long_limits
from monitor.store.sql.read import Reads
from monitor.store.sql.tables import HEAD, LEADER, METADATA, OLDEST, REVISION
from monitor.store.sql.write import Transaction

_log = structlog.get_logger(__name__)
# Any number that all monitors use.
_UPGRADE_LOCK = 930
_LONGEST_TABLE_WAIT_MS = 2000
_BUSY_MS = 5000
# Of the write-ahead log after a long read.
_LOG_BYTES = 8_000_000
# Of each connection, a quarter of the default: the system's file cache serves all.
_CACHE_KB = 512
# Analysing all rows would delay writes for seconds.
_ROWS_ANALYSED = 1000


class Store(Reads):
    """A store at an address of SQLAlchemy. `sqlite:///:memory:` is a temporary file.

    If not `durable`, SQLite does not wait for the disk: a commit does not survive a power cut.
    """

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Connect at the first query. Raises `UserFault` for another kind of database."""
        address = make_url(url)
        self._file: Path | None = None
        # Device and inode of the file. If they change, it was replaced.
        self._file_id: tuple[int, int] | None = None
        # The query may contain a password too.
        self._place = address.set(query={}).render_as_string(hide_password=True)
        match address.get_backend_name():
            case "sqlite":
                # As people write it. SQLAlchemy would render a space as %20.
                self._place = f"sqlite:///{address.database or ''}"
                self._engine = _connect_sqlite(self._prepare_file(address), durable=durable)
            case "postgresql":
                self._engine = _connect_postgresql(address)
            case other:
                raise UserFault(
                    f"no store of kind {other}: write sqlite:///FILE or postgresql+psycopg://…"
                )
        # Whether each transaction checks that no newer version has upgraded the schema.
        self._rechecks_schema = False
        super().__init__(QueryRunner(self._engine, self._place))

    @classmethod
    def open_upgraded(cls, url: str, *, durable: bool = True) -> Store:
        """Open and upgrade the store at an address. Raises `StoreFault` and closes it."""
        store = cls(url, durable=durable)
        try:
            store.upgrade()
        except StoreFault:
            store.close()
            raise
        return store

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction, committed at the end of the block, rolled back if that raises."""
        self._reopen_if_replaced()
        with convert_faults(self._place), self._engine.begin() as connection:
            if self._rechecks_schema:
                self._check_revision(_read_revision(connection))
            runner = QueryRunner(self._engine, self._place, connection)
            yield Transaction(connection, Reads(runner))

    def _reopen_if_replaced(self) -> None:
        """Reopen the store if its file was replaced, because writes to the old one
        would be lost.
        """
        file_id = self._find_file_id()
        if self._file_id is None or file_id == self._file_id:
            return
        _log.error("store_replaced", store=self._place, gone=file_id is None)
        self._engine.dispose()
        self.upgrade()

    def _find_file_id(self) -> tuple[int, int] | None:
        """Return the device and inode of the file, None without one."""
        try:
            found = self._file.stat() if self._file is not None else None
        except OSError:
            return None
        return None if found is None else (found.st_dev, found.st_ino)

    def upgrade(self, *, may_migrate: bool = True) -> None:
        """Upgrade the schema to this version, or create it in an empty store.

        Raises `StoreTooOld` for an older one unless it `may_migrate`, `StoreTooNew` after a newer
        version's upgrade, and `StoreLed` while a monitor of an older version leads.
        """
        with convert_faults(self._place):
            if self._find_revision() is None:
                self._create_tables()
            revision = self._find_revision() or ""
            if may_migrate and OLDEST <= revision < HEAD:
                # A leader must not wait for the locks of a migration.
                self.refuse_while_led()
                self._migrate_tables()
            else:
                self._check_revision(revision)
                self._refuse_incomplete()
            self._file_id = self._find_file_id()
            self._rechecks_schema = may_migrate

    def check_schema(self) -> None:
        """Raise if this version cannot use the store's schema."""
        with convert_faults(self._place):
            revision = self._find_revision()
            if revision is not None:
                self._check_revision(revision)
                self._refuse_incomplete()

    def refuse_while_led(self) -> None:
        """Raise `StoreLed` while a monitor of an older version leads."""
        with convert_faults(self._place), self._engine.connect() as connection:
            self._refuse_while_led(connection)

    def _refuse_while_led(self, connection: Connection) -> None:
        if connection.dialect.name != "postgresql":
            return  # the lock of the file keeps others out
        # 1.0.0rc1 has no table of the leader.
        if not inspect(connection).has_table(LEADER.name) or _read_revision(connection) >= HEAD:
            return
        leads_now = LEADER.c.until > database_clock()
        leader = connection.execute(select(LEADER.c.monitor).where(leads_now)).scalar()
        if leader is not None:
            raise StoreLed(
                f"store {self._place}: {leader} leads on it with an older version: it can be"
                " upgraded once that monitor has stopped"
            )

    def _check_revision(self, revision: str) -> None:
        """Raise `StoreTooOld`, `StoreTooNew` or `StoreDamaged` unless the revision is this
        version's.

        Revisions are numbers of four digits, so a later one is greater.
        """
        if not revision.isdecimal():
            raise StoreDamaged(f"store {self._place}: the database is damaged: {MEND}")
        if revision > HEAD:
            made_by = f"a newer version of ninethirty made it (its shape is {revision})"
            raise StoreTooNew(f"store {self._place}: {made_by}: upgrade this one")
        if revision < OLDEST:
            raise StoreTooOld(
                f"store {self._place}: its shape, {revision}, is from before version 1.0.0rc1,"
                " which can still upgrade it"
            )
        if revision < HEAD:
            fault = f"its shape is {revision}, this version needs {HEAD}"
            remedy = "run `ninethirty store upgrade`, or start the monitor"
            raise StoreTooOld(f"store {self._place}: {fault}: {remedy}")

    def _refuse_incomplete(self) -> None:
        """Raise `StoreDamaged` if a table of this version's schema is missing."""
        missing = METADATA.tables.keys() - set(inspect(self._engine).get_table_names())
        if missing:
            lacks = f"the database is damaged, it lacks {', '.join(sorted(missing))}"
            raise StoreDamaged(f"store {self._place}: {lacks}: {MEND}")

    def update_statistics(self) -> None:
        """Update the statistics by which the database chooses indexes."""
        if self._engine.dialect.name == "sqlite":
            with convert_faults(self._place), closing(self._engine.raw_connection()) as raw:
                driver: Any = raw.driver_connection
                driver.executescript(f"PRAGMA analysis_limit={_ROWS_ANALYSED}; ANALYZE;")
            return
        autocommitting = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with convert_faults(self._place), autocommitting.connect() as connection:
            for table in METADATA.sorted_tables:
                connection.exec_driver_sql(f'ANALYZE "{table.name}"')

    def check(self) -> list[str]:
        """Return the faults in the store, one line each."""
        with (
            convert_faults(self._place),
            self._engine.connect() as connection,
            long_limits(connection),
        ):
            return integrity.faults_in(connection.execution_options(ro=True))

    def backup(self, file: Path) -> None:
        """Copy the store to a new SQLite file while it is in use. Raises `UserFault` if that
        exists.
        """
        with convert_faults(self._place), backup.new_file(file) as copy:
            if self._engine.dialect.name == "sqlite":
                backup.copy_sqlite(self._engine, copy)
            else:
                self.check_schema()
                target: Store = Store.open_upgraded(f"sqlite:///{copy}")
                with closing(target):
                    backup.copy_rows(self._engine, target._engine)

    def fill_from(self, source: Store) -> dict[str, int]:
        """Copy all rows of another store into this one. Return their number by table.

        Raises `UserFault` if this one is not empty, or the other has another version's schema.
        """
        with convert_faults(source._place):
            if source._find_revision() is None:
                raise UserFault(f"store {source._place}: is not a store of ninethirty")
            source.check_schema()
        self.upgrade()
        with convert_faults(f"{source._place} into {self._place}"):
            return backup.copy_rows(source._engine, self._engine)

    def add_rows_from(self, source: Store) -> None:
        """Add the rows of another store that this SQLite store does not have."""
        with convert_faults(f"{source._place} into {self._place}"):
            backup.add_rows(source._engine, self._engine)

    def delete_after(self, at: datetime) -> None:
        """Delete all rows written after `at`, and all verdicts. For a copy, which is
        judged again.
        """
        with convert_faults(self._place):
            backup.delete_after(self._engine, at)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _prepare_file(self, address: URL) -> URL:
        """Return the address of the file to open, in a folder that is there."""
        if address.database not in {None, "", ":memory:"}:
            self._file = Path(str(address.database))
            try:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as exc:
                raise StoreFault(
                    f"store {self._file}: its folder cannot be made: {exc.strerror}"
                ) from exc
            return address
        # A real in-memory database belongs to one connection, whose rows readers could not see.
        folder = tempfile.mkdtemp(prefix="ninethirty-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return address.set(database=f"{folder}/store.db")

    def _find_revision(self) -> str | None:
        """Return the revision of the schema, None without tables."""
        with self._engine.connect().execution_options(ro=True) as connection:
            if not inspect(connection).has_table(REVISION.name):
                return None
            return _read_revision(connection)

    def _create_tables(self) -> None:
        with self._begin_exclusive() as connection:
            if not inspect(connection).has_table(REVISION.name):
                METADATA.create_all(connection, checkfirst=False)
                REVISION.create(connection)
                connection.execute(insert(REVISION), {"version_num": HEAD})

    def _migrate_tables(self) -> None:
        # 0.3 s and 8 MB
        from monitor.store.sql import migrate  # noqa: PLC0415

        with self._begin_exclusive() as connection:
            if connection.dialect.name == "postgresql":
                # Each transaction of a monitor has read this table, so none of an older version is
                # open from now on.
                connection.exec_driver_sql("LOCK TABLE alembic_version")
            self._refuse_while_led(connection)
            # Another process may have run them meanwhile.
            if _read_revision(connection) < HEAD:
                migrate.upgrade(connection)

    @contextmanager
    def _begin_exclusive(self) -> Iterator[Connection]:
        """Open a transaction in which no other monitor can run migrations."""
        with self._engine.begin() as connection, long_limits(connection):
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK}
                )
                # A migration that waits for a table delays all later queries.
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LONGEST_TABLE_WAIT_MS}")
            yield connection


def _read_revision(connection: Connection) -> str:
    """Return the revision of the store's schema, "" if Alembic's table is empty."""
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found or ""


def _connect_postgresql(address: URL) -> Engine:
    """Return an engine for PostgreSQL. Raises `UserFault` without its driver."""
    try:
        engine = create_engine(address, pool_pre_ping=True)
    except ModuleNotFoundError as exc:
        raise UserFault(f"the store needs {exc.name}, which the extra `postgres` installs") from exc
    from monitor.store.sql.patience import set_up_transactions  # noqa: PLC0415

    set_up_transactions(engine)
    return engine


def _connect_sqlite(address: URL, *, durable: bool) -> Engine:
    """Return an engine for an SQLite file. If `durable`, a commit survives a power cut."""
    engine = create_engine(address, connect_args={"timeout": _BUSY_MS / 1000})
    # A committed sighting is evidence, so FULL. There are few rows, so it costs little.
    event.listen(engine, "connect", partial(_set_up_sqlite, "FULL" if durable else "OFF"))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(synchronous: str, dbapi: Any, _record: object) -> None:  # noqa: ANN401  # sqlite3.Connection as its driver wraps it
    """Set up one SQLite connection. `synchronous` is FULL, or OFF not to wait for the disk."""
    # SQLAlchemy begins every transaction, by `_begin_sqlite`.
    dbapi.isolation_level = None
    dbapi.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    write_ahead_log = ("journal_mode=WAL", f"journal_size_limit={_LOG_BYTES}")
    for pragma in (
        *write_ahead_log,
        f"synchronous={synchronous}",
        "foreign_keys=ON",
        f"cache_size=-{_CACHE_KB}",
    ):
        dbapi.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction, unless `once`: a single query. One that is `ro` only reads."""
    # A deferred transaction that reads and then writes fails at once if another has committed in
    # between. One that takes the write lock first waits for its turn.
    options = connection.get_execution_options()
    if not options.get("once", False):
        connection.exec_driver_sql("BEGIN" if options.get("ro", False) else "BEGIN IMMEDIATE")
