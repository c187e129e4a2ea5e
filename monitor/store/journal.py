"""The journal: a local file for rows that the store cannot take, so that looks go on while the store is down."""

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
from monitor.store.evidence.chain import following
from monitor.store.lease import OUTBOX
from monitor.store.members import PREFIX
from monitor.store.open import place_of
from monitor.store.rows import APART, Heartbeat, Record
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction

_log = structlog.get_logger(__name__)
_NEAR = timedelta(days=90)
_EVER = timedelta(days=3650)
_LOGS = ("", "-wal", "-shm")


class Journal:
    """Two SQLite files of one monitor: a copy of the near part of the store, and the journal.

    The near part (releases shown or due within 90 days) is copied while the store works. When the store fails, the
    journal starts as a copy of it and takes the rows that cannot be stored. A monitor that starts without its store
    uses the journal as its store. When the store works again, the rows that the journal has beyond the copy are
    written into the store, and the journal is deleted. Every method blocks, and one thread may call at a time.
    """

    def __init__(self, folder: Path, monitor: str, url: str, *, durable: bool = True) -> None:
        """`url` is the store's address. The journal of one store is never written into another. Raises `UserFault`."""
        self._name = f"{quote(monitor, safe='')}-{sha256(place_of(url).encode()).hexdigest()[:8]}"
        self._monitor = monitor
        self._folder = folder
        self._durable = durable
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, datetime, str], Run] = {}
        self._made: dict[int, Callable[[Transaction], object]] = {}
        self._proved = 0
        self._store: Store | None = None

    @property
    def near(self) -> Path:
        """Return the file with the copy of the near part."""
        return self._folder / f"{self._name}.near.db"

    @property
    def file(self) -> Path:
        """Return the file of the journal, which exists only while it has rows for the store."""
        return self._folder / f"{self._name}.journal.db"

    @property
    def holds(self) -> bool:
        """Return whether the journal has rows for the store."""
        # A process that is killed while it creates the journal leaves an empty file.
        return self.file.exists() and self.file.stat().st_size > 0

    def renew(self, store: Store, now: datetime, *, notices_only: bool = False) -> None:
        """Copy the near part again, unless the journal has rows. With `notices_only`, copy only tables about notices.

        Raises `StoreFault`.
        """
        with self._lock:
            if self.holds:
                return
            notices_only = notices_only and self.near.exists()
            with closing(self._opened(self.near)) as near:
                near.copy_near(store, now - _NEAR, now, notices_only=notices_only)

    def keep(
        self,
        runs: Sequence[Run],
        makes: Iterable[Callable[[Transaction], object]],
        beat: Heartbeat,
        evidence: Sequence[Record] = (),
    ) -> int:
        """Write rows that the store refuses to the journal, each version once. Return how many. Raises `StoreFault`."""
        with self._lock:
            news = [run for run in runs if self._kept.get(run.key) != run]
            fresh = [make for make in makes if id(make) not in self._made]
            records = [record for record in evidence if record.number > self._proved]
            self._store = self._store or self._begun()
            with self._store.transaction() as transaction:
                transaction.add_evidence(records)
                transaction.save_runs(news)
                for make in fresh:
                    make(transaction)
                transaction.save_heartbeat(beat)
            self._kept |= {run.key: run for run in news}
            self._made |= {id(make): make for make in fresh}
            self._proved = records[-1].number if records else self._proved
            return len(records) + len(news) + len(fresh)

    def settled(self) -> None:
        """Delete the journal, because the store has all its rows."""
        with self._lock:
            self._kept, self._made, self._proved = {}, {}, 0
            if self._store is not None:
                self._store.close()
                self._store = None
            self._remove()

    def merge_journal(self, store: Store) -> int:
        """Write the rows of the journal into a store. Return how many.

        A journal that contradicts the store is kept under another name. Evidence records that the store has lost are
        written again, also from the near part if no journal exists.
        """
        with self._lock:
            again = self._write_again(store)
            if not self.holds:
                return again
            for file in (self.near, self.file):
                self._opened(file).close()
            try:
                return again + store.merge_journal(self.file, self.near)
            except (Conflict, ValueError) as fault:
                aside = self.file.with_suffix(".refused")
                shutil.copyfile(self.file, aside)
                _log.error("journal_refused", fault=str(fault), kept=str(aside))
                return again

    def _write_again(self, store: Store) -> int:
        """Write this monitor's evidence records that follow those in the store. Return how many."""
        try:
            records = self._beyond(store)
        except StoreFault as fault:
            if self.holds:
                raise
            _log.warning("journal_failed", fault=str(fault))
            return 0
        with store.transaction() as transaction:
            transaction.add_evidence(records)
        return len(records)

    def _beyond(self, store: Store) -> list[Record]:
        file = self.file if self.holds else self.near
        if not file.exists():
            return []
        with closing(self._opened(file)) as known:
            names, apart = known.evidence.monitors(), self._monitor + APART
            mine = (name for name in names if name == self._monitor or name.startswith(apart))
            lasts = {name: store.evidence.last(name) for name in mine}
            # If the store has no record of a chain, it never had it, unless the journal began that chain.
            began = [(name, last) for name, last in lasts.items() if last is not None or self.holds]
            return [record for name, last in began for record in following(known.evidence, name, last)]

    def stand_in(self, now: datetime) -> Store:
        """Return the journal as a store to use while the configured one does not answer.

        If the folder cannot be written, it is a copy that is deleted with the process. Raises `StoreFault` if no near
        part was ever copied.
        """
        if not self.near.exists():
            raise StoreFault(f"journal {self._folder}: no releases are known yet")
        try:
            store = self._begun()
        except StoreFault as fault:
            _log.error("journal_failed", fault=str(fault))
            self._move_to_memory()
            store = self._begun()
        store.extend_other_leases(self._monitor, PREFIX, OUTBOX, now + _EVER)
        return store

    def _begun(self) -> Store:
        if not self.near.exists():
            self._opened(self.near).close()
        if not self.holds:
            self._remove()
            with closing(self._opened(self.near)) as near:
                near.backup(self.file)
        return self._opened(self.file)

    def _opened(self, file: Path) -> Store:
        return Store.ready(f"sqlite:///{file}", durable=self._durable)

    def _move_to_memory(self) -> None:
        """Copy the files to a temporary folder, because the configured one cannot be written."""
        folder = Path(tempfile.mkdtemp(prefix="ninethirty-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        for file in (self.near, self.file):
            for log in _LOGS:
                if (there := file.with_name(file.name + log)).exists():
                    shutil.copyfile(there, folder / there.name)
        self._folder = folder

    def _remove(self) -> None:
        for log in reversed(_LOGS):
            self.file.with_name(self.file.name + log).unlink(missing_ok=True)
