"""The store on SQLite (one file, WAL) or PostgreSQL, the same code for both."""

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
from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine import make_url

from monitor.errors import StoreFault, UserFault
from monitor.store.interface import EvidenceIndex, Leases, LedgerStore, OutboxStore, RunStore, VerdictStore
from monitor.store.sql import backup, near
from monitor.store.sql import integrity as whole
from monitor.store.sql.driver_errors import faults_of
from monitor.store.sql.query import Asker, unhurried
from monitor.store.sql.read import SqlEvidence, SqlLeases, SqlOutbox, SqlRuns, SqlVerdicts
from monitor.store.sql.read_ledger import SqlLedger
from monitor.store.sql.tables import HEAD, METADATA, REVISION
from monitor.store.sql.write import SqlTransaction

_log = structlog.get_logger(__name__)
_BUSY_MS = 5000
# What a long reader made the log grow by is cut off again at the next turn of it.
_LOG_BYTES = 8_000_000
# Pages that each of up to six connections keeps, a quarter of what is usual; the machine keeps them for all.
_CACHE_KB = 512
# Any number will do as long as every monitor asks for the same one.
_UPGRADE_LOCK = 930
_INCREMENTAL = 2
# Enough rows of each index to know how they lie; all of them would hold up writes for seconds.
_ROWS_WEIGHED = 1000


class StoreTooNew(StoreFault):
    """A newer version of the program made the store: no waiting mends that."""


class SqlStore:
    """A store behind one SQLAlchemy engine. `sqlite:///:memory:` is a private file, deleted when let go.

    `durable` False spares SQLite the wait for the disk: what is committed outlives the process, not a power cut.
    """

    def __init__(self, url: str, *, durable: bool = True) -> None:
        address = make_url(url)
        self._file: Path | None = None
        self._known: tuple[int, int] | None = None
        self._place = address.render_as_string(hide_password=True)
        match address.get_backend_name():
            case "sqlite":
                # As people write it: rendered, a space in a path would be %20.
                self._place = f"sqlite:///{address.database or ''}"
                self._engine = _sqlite(self._settled(address), durable=durable)
            case "postgresql":
                self._engine = _postgresql(address)
            case other:
                raise UserFault(f"no store of kind {other}: write sqlite:///FILE or postgresql+psycopg://…")
        self._ask = ask = Asker(self._engine, self._place)
        self.ledger: LedgerStore = SqlLedger(ask)
        self.runs: RunStore = SqlRuns(ask)
        self.verdicts: VerdictStore = SqlVerdicts(ask)
        self.outbox: OutboxStore = SqlOutbox(ask)
        self.evidence: EvidenceIndex = SqlEvidence(ask)
        self.leases: Leases = SqlLeases(ask)

    @classmethod
    def ready(cls, url: str, *, durable: bool = True) -> SqlStore:
        """Return the store at an address, of this version's shape. Raises `StoreFault`, and leaves nothing open."""
        store = cls(url, durable=durable)
        try:
            store.upgrade()
        except StoreFault:
            store.close()
            raise
        return store

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        self._follow_file()
        with faults_of(self._place), self._engine.begin() as connection:
            yield SqlTransaction(connection)

    def _follow_file(self) -> None:
        """Go on in the file that bears our name now: what is written to one that lost it is lost with it."""
        there = _identity(self._file)
        if self._known is None or there == self._known:
            return
        _log.error("store_replaced", store=self._place, gone=there is None)
        self._engine.dispose()
        self.upgrade()

    def upgrade(self) -> None:
        with faults_of(self._place):
            if self._revision() is None:
                self._make()
            if self._revision() != HEAD:
                self._migrate()
            self._known = _identity(self._file)

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

    def check(self) -> list[str]:
        with faults_of(self._place), self._engine.connect() as connection, unhurried(connection):
            return whole.faults_in(connection.execution_options(ro=True))

    def backup(self, file: Path) -> None:
        with faults_of(self._place), backup.fresh(file) as copy:
            if self._engine.dialect.name == "sqlite":
                backup.copy_sqlite(self._engine, copy)
            else:
                self._copy_rows(copy)

    def fill_from(self, source: SqlStore) -> dict[str, int]:
        """Copy every row of another store into this one; return how many of each table, every one or none.

        Raises `UserFault` when this one is not empty, or the other is not of this version's shape.
        """
        with faults_of(source._place):
            revision = source._revision()
        if revision is None:
            raise UserFault(f"store {source._place}: is no store of ninethirty")
        if revision != HEAD:
            raise UserFault(
                f"store {source._place}: its shape is {revision}: run `ninethirty store upgrade` on it first"
            )
        self.upgrade()
        with faults_of(f"{source._place} into {self._place}"):
            return backup.copy_rows(source._engine, self._engine)

    def take_from(self, source: SqlStore) -> None:
        """Add to this store, of SQLite, the rows of another that it does not have."""
        with faults_of(f"{source._place} into {self._place}"):
            backup.add_rows(source._engine, self._engine)

    def copy_near(self, source: SqlStore, since: datetime, now: datetime, *, told_only: bool = False) -> None:
        """Hold what another store knows of releases shown or due `since` then, instead of what this one held.

        With `told_only`, what says what people were told is copied alone.
        """
        with faults_of(f"{source._place} into {self._place}"):
            near.copy_near(source._engine, self._engine, since, now, near.TOLD if told_only else ())

    def hold_leases(self, own: str, prefix: str, outbox: str, until: datetime) -> None:
        """Take every other monitor of this copy for alive `until` then: nobody can ask."""
        with faults_of(self._place):
            near.hold_leases(self._engine, own, prefix, outbox, until)

    def bring_in(self, journal: Path, before: Path) -> int:
        """Write what a journal has beyond the copy it was begun from; return how many rows."""
        with faults_of(f"{journal} into {self._place}"):
            return near.bring_in(journal, before, self._engine)

    def become(self, other: SqlStore) -> None:
        """Go on as another store: whoever holds this one reads and writes that one from now on."""
        left, self._engine = self._engine, other._engine
        self._file, self._known, self._place = other._file, other._known, other._place
        self._ask.engine, self._ask.place = other._engine, other._place
        left.dispose()

    def close(self) -> None:
        self._engine.dispose()

    def _settled(self, address: URL) -> URL:
        if address.database not in {None, "", ":memory:"}:
            self._file = Path(str(address.database))
            _make_folder(self._file)
            return address
        # A true database in memory is one connection's own: readers and the writer would not meet there.
        folder = tempfile.mkdtemp(prefix="ninethirty-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return address.set(database=f"{folder}/store.db")

    def _revision(self) -> str | None:
        with self._engine.connect().execution_options(ro=True) as connection:
            if not inspect(connection).has_table(REVISION.name):
                return None
            return connection.execute(select(REVISION)).scalar()

    def _make(self) -> None:
        """Make what all steps together make, which an empty store need not take one by one."""
        with self._alone() as connection:
            if not inspect(connection).has_table(REVISION.name):
                METADATA.create_all(connection, checkfirst=False)
                REVISION.create(connection)
                connection.execute(insert(REVISION), {"version_num": HEAD})

    def _migrate(self) -> None:
        from monitor.store.sql import migrate  # noqa: PLC0415  # 0.3 s and 8 MB that a store already up to date need not pay

        revision = self._revision()
        if revision is not None and revision not in migrate.known_revisions():
            raise StoreTooNew(f"store {self._place}: a newer version of ninethirty made it (its shape is {revision})")
        with self._alone() as connection:
            migrate.upgrade(connection)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """Open a transaction that no other monitor changes tables in."""
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                with unhurried(connection):
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
                    yield connection
            else:
                yield connection

    @contextmanager
    def _alone_on_sqlite(self) -> Iterator[Any]:
        """Give a connection of the driver's own kind, in no transaction."""
        with faults_of(self._place), closing(self._engine.raw_connection()) as raw:
            yield raw.driver_connection

    def _copy_rows(self, copy: Path) -> None:
        target = SqlStore(f"sqlite:///{copy}")
        try:
            target.upgrade()
            backup.copy_rows(self._engine, target._engine)
        finally:
            target.close()


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None for none."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreFault(f"store {file}: its folder cannot be made: {exc.strerror}") from exc


def _postgresql(address: URL) -> Engine:
    engine = create_engine(address, pool_pre_ping=True)
    from monitor.store.sql.patience import make_impatient  # noqa: PLC0415  # its driver is loaded by its own users alone

    make_impatient(engine)
    return engine


def _sqlite(address: URL, *, durable: bool) -> Engine:
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
    reads_only = connection.get_execution_options().get("ro", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
