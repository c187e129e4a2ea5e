"""Keeps rows in a local file, the journal, while the store is down, so that looks go on."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import structlog

from monitor.errors import Conflict, StoreFault
from monitor.judge.runs import Run
from monitor.store.evidence.chain import records_after
from monitor.store.open import place_of
from monitor.store.rows import OFFLINE_MARK, Heartbeat, Record
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction

_log = structlog.get_logger(__name__)
_RECENT = timedelta(days=90)
_LONGER_THAN_ANY_OUTAGE = timedelta(days=3650)
_SUFFIXES = ("", "-wal", "-shm")
"""The suffixes of the files that make up one SQLite database."""


class Journal:
    """Two SQLite files of one monitor: the journal, and a copy of the part of the store that a
    start needs.

    That part (releases that are listed or due, or were in the last 90 days) is copied while the
    store works. When the store fails, the journal begins as a copy of this file, and the rows that
    cannot be stored are added to it. A monitor that starts while its store is down uses the journal
    as its store. When the store works again, the rows that were added to the journal are written
    into the store, and the journal is deleted. Every method blocks.
    """

    def __init__(self, folder: Path, monitor: str, url: str, *, durable: bool = True) -> None:
        """Use files in `folder` while the store at `url` fails.

        Raises `UserFault` if `url` is not a valid address.
        """
        self._name = f"{quote(monitor, safe='')}-{sha256(place_of(url).encode()).hexdigest()[:8]}"
        self._monitor = monitor
        self._folder = folder
        self._durable = durable
        self._lock = threading.Lock()
        # The rows that are in the journal already: runs by key, and functions that made writes, by
        # Python's `id`. The functions are kept alive, because Python may give the `id` of a deleted
        # function to a new one.
        self._runs: dict[tuple[str, datetime, str], Run] = {}
        self._writes: dict[int, Callable[[Transaction], object]] = {}
        self._last_record = 0
        self._store: Store | None = None

    @property
    def store_copy(self) -> Path:
        """Return the file with the copy of the store's recent and coming releases."""
        return self._folder / f"{self._name}.near.db"

    @property
    def file(self) -> Path:
        """Return the file of the journal. It exists only while it has rows for the store."""
        return self._folder / f"{self._name}.journal.db"

    @property
    def has_rows(self) -> bool:
        """Return whether the journal has rows for the store."""
        # A process that is killed while it creates the journal leaves an empty file.
        return self.file.exists() and self.file.stat().st_size > 0

    def refresh_copy(self, store: Store, now: datetime, *, notices_only: bool = False) -> None:
        """Copy the store's recent and coming releases into the file `store_copy`, unless the
        journal has rows.

        With `notices_only`, copy only the tables about notices if there is a copy already. Raises
        `StoreFault`.
        """
        with self._lock:
            # The rows of the journal are found by comparing it with the copy that it began as. So
            # keep that copy.
            if not self.has_rows:
                notices_only = notices_only and self.store_copy.exists()
                with closing(self._open_or_create(self.store_copy)) as copy:
                    copy.copy_near(store, since=now - _RECENT, now=now, notices_only=notices_only)

    def add_rows(
        self,
        runs: Sequence[Run],
        writes: Iterable[Callable[[Transaction], object]],
        beat: Heartbeat,
        evidence: Sequence[Record] = (),
    ) -> int:
        """Write rows to the journal that are not in it yet. Return how many. Raises `StoreFault`.

        `writes` are functions that write other rows. Each is called once, even if it is passed
        again. `evidence` are this monitor's records in the order of their numbers. The heartbeat
        `beat` is always written.
        """
        with self._lock:
            new_runs = [run for run in runs if self._runs.get(run.key) != run]
            new_writes = [write for write in writes if id(write) not in self._writes]
            records = [record for record in evidence if record.number > self._last_record]
            self._store = self._store or self._open_journal()
            with self._store.transaction() as transaction:
                transaction.add_evidence(records)
                transaction.save(*new_runs)
                for write in new_writes:
                    write(transaction)
                transaction.save(beat)
            self._runs |= {run.key: run for run in new_runs}
            self._writes |= {id(write): write for write in new_writes}
            if records:
                self._last_record = records[-1].number
            return len(records) + len(new_runs) + len(new_writes)

    def delete(self) -> None:
        """Delete the journal, because the store has all its rows."""
        with self._lock:
            self._runs, self._writes, self._last_record = {}, {}, 0
            if self._store is not None:
                self._store.close()
                self._store = None
            self._remove_files()

    def merge_journal(self, store: Store) -> int:
        """Write the rows of the journal into a store.

        Return how many were written, evidence records included.

        The journal is a local file with rows from a time without the store. It began as a copy of
        the local file `store_copy`, which has a part of the store from before. So rows that are
        equal in both are not written. First write this monitor's evidence records that the store
        has lost, from the journal or, if it has no rows, from `store_copy`. If the journal
        contradicts the store, write only these, and copy the journal to a `.refused` file.
        """
        with self._lock:
            rewritten = self._rewrite_lost_records(store)
            if not self.has_rows:
                return rewritten
            # Both files must have this version's schema, even if an earlier version wrote them.
            for file in (self.store_copy, self.file):
                self._open_or_create(file).close()
            try:
                return rewritten + store.merge_journal(self.file, self.store_copy)
            except (Conflict, ValueError) as fault:
                refused = self.file.with_suffix(".refused")
                shutil.copyfile(self.file, refused)
                _log.error("journal_refused", fault=str(fault), kept=str(refused))
                return rewritten

    def _rewrite_lost_records(self, store: Store) -> int:
        """Write back this monitor's evidence records that the store has lost. Return how many.

        If the local files cannot be read: return 0, or raise `StoreFault` if the journal has rows.
        """
        try:
            records = self._find_lost_records(store)
        except StoreFault as fault:
            # after a normal return, callers of `merge_journal` delete the journal with its rows
            if self.has_rows:
                raise
            _log.warning("journal_failed", fault=str(fault))
            return 0
        with store.transaction() as transaction:
            transaction.add_evidence(records)
        return len(records)

    def _find_lost_records(self, store: Store) -> list[Record]:
        """Return this monitor's evidence records that the store lacks, from the journal or else the
        local copy.
        """
        local_file = self.file if self.has_rows else self.store_copy
        if not local_file.exists():
            return []
        found: list[Record] = []
        with closing(self._open_or_create(local_file)) as local:
            for name in local.evidence.monitors():
                # After a start without the store, this monitor's records are under its name,
                # OFFLINE_MARK and the time.
                if name == self._monitor or name.startswith(self._monitor + OFFLINE_MARK):
                    last_stored = store.evidence.last(name)
                    # The store may have no record at all under this name. Then records in the
                    # journal are new, so return them. Records in the copy were in the store, so
                    # people have emptied it: leave them out.
                    if last_stored is not None or self.has_rows:
                        found += records_after(local.evidence, name, last_stored)
        return found

    def open_as_store(self) -> Store:
        """Return the journal as a store to use while the configured one does not answer.

        The journal begins as a copy of the store (`store_copy`). Raises `StoreFault` if there is no
        copy. If the folder cannot be written, the journal is a temporary file.
        """
        if not self.store_copy.exists():
            raise StoreFault(f"journal {self._folder}: no releases are known yet")
        try:
            store = self._open_journal()
        except StoreFault as fault:
            _log.error("journal_failed", fault=str(fault))
            self._move_to_temporary_folder()
            store = self._open_journal()
        return store

    def _open_journal(self) -> Store:
        """Open the journal.

        If it has no rows, make it a copy of the file `store_copy`, which is created if absent.
        """
        if not self.store_copy.exists():
            self._open_or_create(self.store_copy).close()
        if not self.has_rows:
            self._remove_files()
            with closing(self._open_or_create(self.store_copy)) as copy:
                copy.backup(self.file)
        return self._open_or_create(self.file)

    def _open_or_create(self, file: Path) -> Store:
        """Open a file as a store and give it this version's schema.

        If it is absent, create an empty store.
        """
        return Store.open_upgraded(f"sqlite:///{file}", durable=self._durable)

    def _move_to_temporary_folder(self) -> None:
        """Copy the journal's files to a temporary folder and use that, because the configured one
        cannot be written.
        """
        folder = Path(tempfile.mkdtemp(prefix="ninethirty-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        for file in (self.store_copy, self.file):
            for suffix in _SUFFIXES:
                if (part := file.with_name(file.name + suffix)).exists():
                    shutil.copyfile(part, folder / part.name)
        self._folder = folder

    def _remove_files(self) -> None:
        for suffix in reversed(_SUFFIXES):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
