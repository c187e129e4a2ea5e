"""The store on SQLite (one file, WAL) or PostgreSQL, the same code for both."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, insert, inspect, text
from sqlalchemy.engine import make_url

from monitor.errors import StoreFault, UserFault
from monitor.store.sql import backup, near
from monitor.store.sql import integrity as whole
from monitor.store.sql.connect import identity, make_folder, postgresql, sqlite
from monitor.store.sql.driver_errors import faults_of
from monitor.store.sql.query import Asker, unhurried
from monitor.store.sql.read import EvidenceIndex, Leases, OutboxStore, RunStore, VerdictStore
from monitor.store.sql.read_ledger import LedgerStore
from monitor.store.sql.rewind import delete_after
from monitor.store.sql.shape import OURS, Shape, Standing
from monitor.store.sql.tables import HEAD, METADATA, REVISION, WORKS_FROM
from monitor.store.sql.write import Transaction

_log = structlog.get_logger(__name__)
# Any number will do as long as every monitor asks for the same one.
_UPGRADE_LOCK = 930
_TABLE_MS = 2000
_INCREMENTAL = 2
_KEPT = "SELECT version_num, works_from FROM alembic_version"
# Enough rows of each index to know how they lie; all of them would hold up writes for seconds.
_ROWS_WEIGHED = 1000


class Store:
    """A store behind one SQLAlchemy engine. `sqlite:///:memory:` is a private file, deleted when let go.

    `durable` False spares SQLite the wait for the disk: what is committed outlives the process, not a power cut.
    `shape` is what the program knows of tables: this version's, but for tests of versions side by side.
    """

    def __init__(self, url: str, *, durable: bool = True, shape: Shape = OURS) -> None:
        address = make_url(url)
        self._file: Path | None = None
        self._known: tuple[int, int] | None = None
        self._place = address.render_as_string(hide_password=True)
        match address.get_backend_name():
            case "sqlite":
                # As people write it: rendered, a space in a path would be %20.
                self._place = f"sqlite:///{address.database or ''}"
                self._engine = sqlite(self._settled(address), durable=durable)
            case "postgresql":
                self._engine = postgresql(address)
            case other:
                raise UserFault(f"no store of kind {other}: write sqlite:///FILE or postgresql+psycopg://…")
        self._standing = Standing(self._place, shape)
        self._is_settled = False
        self._ask = ask = Asker(self._engine, self._place)
        self.ledger = LedgerStore(ask)
        self.runs = RunStore(ask)
        self.verdicts = VerdictStore(ask)
        self.outbox = OutboxStore(ask)
        self.evidence = EvidenceIndex(ask)
        self.leases = Leases(ask)

    @classmethod
    def ready(cls, url: str, *, durable: bool = True) -> Store:
        """Return the store at an address, of this version's shape. Raises `StoreFault`, and leaves nothing open."""
        store = cls(url, durable=durable)
        try:
            store.upgrade()
        except StoreFault:
            store.close()
            raise
        return store

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction: committed at the end of the block, rolled back when it raises."""
        self._follow_file()
        with faults_of(self._place), self._engine.begin() as connection:
            if self._is_settled:
                # Another monitor may have taken steps since: a store that they made too new for us takes nothing.
                self._standing.still(_row(connection, _KEPT))
            with self._ask.within(connection):
                yield Transaction(connection)

    def _follow_file(self) -> None:
        """Go on in the file that bears our name now: what is written to one that lost it is lost with it."""
        there = identity(self._file)
        if self._known is None or there == self._known:
            return
        _log.error("store_replaced", store=self._place, gone=there is None)
        self._engine.dispose()
        self.upgrade()

    @property
    def newer(self) -> str:
        """Return the revision of a store that a newer version has changed; empty for one of this version's shape."""
        return self._standing.newer

    def upgrade(self, *, steps: bool = True) -> None:
        """Bring the store to this version's shape; creates it when it is empty.

        Without `steps` one of an older shape is refused, and left as it is.
        """
        with faults_of(self._place):
            if self._kept() is None:
                self._make()
            kept = self._kept() or {}
            if not steps:
                self._standing.accept(kept)
            elif self._standing.wants_steps(kept):
                self._migrate()
            self._known = identity(self._file)
            self._is_settled = steps

    def accept(self) -> None:
        """Refuse a store that is of another shape than this version can read; nothing is made or changed."""
        with faults_of(self._place):
            kept = self._kept()
            if kept is not None:
                self._standing.accept(kept)

    def give_back(self, most: int) -> int:
        """Hand up to `most` pages of freed room back to the disk; return how many are left to be.

        Holds other writes up for milliseconds. PostgreSQL looks after its room itself.
        """
        if self._engine.dialect.name != "sqlite":
            return 0
        with self._alone_on_sqlite() as driver:
            if driver.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
                return 0
            # One row is one page, and a single `execute` would stop after the first.
            driver.executescript(f"PRAGMA incremental_vacuum({most})")
            return int(driver.execute("PRAGMA freelist_count").fetchone()[0])

    def refresh(self) -> None:
        """Tell the database how its rows lie now, so that it goes on choosing the right indices."""
        if self._engine.dialect.name == "sqlite":
            with self._alone_on_sqlite() as driver:
                driver.executescript(f"PRAGMA analysis_limit={_ROWS_WEIGHED}; ANALYZE;")
            return
        each = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with faults_of(self._place), each.connect() as connection:
            for table in METADATA.sorted_tables:
                connection.exec_driver_sql(f'ANALYZE "{table.name}"')

    def check(self) -> list[str]:
        """Return what is wrong with the store, one line each; empty when whole."""
        with faults_of(self._place), self._engine.connect() as connection, unhurried(connection):
            return whole.faults_in(connection.execution_options(ro=True))

    def backup(self, file: Path) -> None:
        """Copy the store to an SQLite file while it is in use; raises `UserFault` when the file is there already."""
        with faults_of(self._place), backup.fresh(file) as copy:
            if self._engine.dialect.name == "sqlite":
                backup.copy_sqlite(self._engine, copy)
            else:
                self._copy_rows(copy)

    def fill_from(self, source: Store) -> dict[str, int]:
        """Copy every row of another store into this one; return how many of each table, every one or none.

        Raises `UserFault` when this one is not empty, or the other is not of this version's shape.
        """
        with faults_of(source._place):
            kept = source._kept()
            if kept is None:
                raise UserFault(f"store {source._place}: is no store of ninethirty")
            if source._standing.is_older(kept):
                shape = kept["version_num"]
                raise UserFault(
                    f"store {source._place}: its shape is {shape}: run `ninethirty store upgrade` on it first"
                )
        source._refuse_newer()
        self.upgrade()
        with faults_of(f"{source._place} into {self._place}"):
            return backup.copy_rows(source._engine, self._engine)

    def take_from(self, source: Store) -> None:
        """Add to this store, of SQLite, the rows of another that it does not have."""
        with faults_of(f"{source._place} into {self._place}"):
            backup.add_rows(source._engine, self._engine)

    def rewind(self, at: datetime) -> None:
        """Take this store back to `at`, all but its verdicts, which are deleted: only ever for a copy."""
        with faults_of(self._place):
            delete_after(self._engine, at)

    def copy_near(self, source: Store, since: datetime, now: datetime, *, told_only: bool = False) -> None:
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

    def become(self, other: Store) -> None:
        """Go on as another store: whoever holds this one reads and writes that one from now on."""
        left, self._engine = self._engine, other._engine
        self._file, self._known, self._place = other._file, other._known, other._place
        self._standing, self._is_settled = other._standing, other._is_settled
        self._ask.engine, self._ask.place = other._engine, other._place
        left.dispose()

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def _settled(self, address: URL) -> URL:
        if address.database not in {None, "", ":memory:"}:
            self._file = Path(str(address.database))
            make_folder(self._file)
            return address
        # A true database in memory is one connection's own: readers and the writer would not meet there.
        folder = tempfile.mkdtemp(prefix="ninethirty-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return address.set(database=f"{folder}/store.db")

    def _kept(self) -> Mapping[str, str | None] | None:
        """Return the row that keeps the revision, with the columns that this store has for it; None for none."""
        with self._engine.connect().execution_options(ro=True) as connection:
            return _row(connection) if inspect(connection).has_table(REVISION.name) else None

    def _refuse_newer(self) -> None:
        # What this version has no name for would be left behind without a word.
        if self.newer:
            raise UserFault(
                f"store {self._place}: its shape is {self.newer}, newer than this version's: use the one that made it"
            )

    def _make(self) -> None:
        """Make what all steps together make, which an empty store need not take one by one."""
        with self._alone() as connection:
            if not inspect(connection).has_table(REVISION.name):
                METADATA.create_all(connection, checkfirst=False)
                REVISION.create(connection)
                connection.execute(insert(REVISION), {"version_num": HEAD, "works_from": WORKS_FROM})

    def _migrate(self) -> None:
        from monitor.store.sql import migrate  # noqa: PLC0415  # 0.3 s and 8 MB that a store already up to date need not pay

        with self._alone() as connection:
            # Meanwhile another may have taken them, and more.
            if self._standing.wants_steps(_row(connection) or {}):
                migrate.upgrade(connection, shape=self._standing.shape)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """Open a transaction that no other monitor changes tables in."""
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                with unhurried(connection):
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
                    # Whoever waits for a table holds up all who come after: a step that must is tried again later.
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_TABLE_MS}")
                    yield connection
            else:
                yield connection

    @contextmanager
    def _alone_on_sqlite(self) -> Iterator[Any]:
        """Give a connection of the driver's own kind, in no transaction."""
        with faults_of(self._place), closing(self._engine.raw_connection()) as raw:
            yield raw.driver_connection

    def _copy_rows(self, copy: Path) -> None:
        self.accept()
        self._refuse_newer()
        target = Store(f"sqlite:///{copy}")
        try:
            target.upgrade()
            backup.copy_rows(self._engine, target._engine)
        finally:
            target.close()


def _row(connection: Connection, asked: str = "SELECT * FROM alembic_version") -> Mapping[str, str | None] | None:
    row = connection.exec_driver_sql(asked).mappings().first()
    return None if row is None else dict(row)
