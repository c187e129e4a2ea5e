"""Keeps a monitor running without its store: writes go to a journal, and back into the store when
it recovers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from monitor.clock import Clock
from monitor.errors import EnvironmentFault, StoreFault, StoreTooNew
from monitor.health.state import StoreHealth
from monitor.ledger.ledger import Ledger
from monitor.store.evidence.evidence import Evidence
from monitor.store.journal import Journal
from monitor.store.open import file_of, is_shared, open_store
from monitor.store.rows import OFFLINE_MARK, Heartbeat, Record
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.threads import Job, RecurringJob, run_in_thread

_log = structlog.get_logger(__name__)
_CHECK_STORE_EVERY = timedelta(seconds=1)
_CHECK_COPY_EVERY = timedelta(seconds=10)
_COPY_SECONDS = 60.0
_FULL_COPY_SECONDS = 600.0


@dataclass(slots=True)
class OpenedStore:
    """The store that a monitor uses, and its journal.

    While the configured store is away, `store` works on `stand_in`, a store in the journal's
    folder. Its rows are merged into the configured store later.
    """

    store: Store
    url: str = ""
    journal: Journal | None = None
    stand_in: Store | None = None

    @property
    def uses_stand_in(self) -> bool:
        """Return whether the journal is used in place of the configured store."""
        return self.stand_in is not None

    def evidence_name(self, vantage: str, clock: Clock) -> str:
        """Return the name for new evidence.

        Without the store it is unique, as the store's last record is unknown.
        """
        return (
            f"{vantage}{OFFLINE_MARK}{clock.now():%Y%m%dT%H%M%SZ}"
            if self.uses_stand_in
            else vantage
        )


def open_with_journal(url: str, folder: str | None, monitor: str, *, durable: bool) -> OpenedStore:
    """Return the store at an address with its journal, after writing the journal's rows into the
    store.

    If an SQLite store is away, the journal replaces it. Raises `StoreFault` if PostgreSQL is away,
    if the journal cannot replace the store, or if a newer version made it. Without `folder`, a
    store on SQLite has no journal: both would be on the same disk.
    """
    file = file_of(url) or Path("var/store")
    journal = Journal(
        Path(folder) if folder else file.parent / "journal", monitor, url, durable=durable
    )
    has_journal = folder is not None or is_shared(url)
    try:
        store = open_store(url, durable=durable)
        store.upgrade()
        # Earlier versions kept a journal beside SQLite by default. If it still has rows, they must
        # not be lost.
        if has_journal or journal.has_rows:
            if rows := journal.merge_journal(store):
                _log.warning("journal_taken_in", rows=rows)
            journal.delete()
    except StoreTooNew:
        raise
    except StoreFault as fault:
        # Without the store, no monitor can know which of them leads.
        if not has_journal or is_shared(url):
            raise
        try:
            stand_in = journal.open_as_store()
        except (
            StoreFault
        ) as journal_fault:  # for example, the journal has no copy of the rows that a start needs
            raise fault from journal_fault
        _log.critical("store_away", fault=str(fault), journal=str(journal.file))
        return OpenedStore(stand_in, url, journal, stand_in=stand_in)
    return OpenedStore(store, url, journal if has_journal else None)


@dataclass(slots=True)
class StoreFailover:
    """Writes to the journal while the store fails, and switches to the store when it is back.

    `lock` locks a recovered store for this monitor, or raises `EnvironmentFault`. `on_store_back`
    runs once the store is back, because other monitors may have written to it in between.
    """

    opened: OpenedStore
    monitor: str
    writer: Writer
    evidence: Evidence
    clock: Clock
    store_health: StoreHealth
    ledger: Ledger
    lock: Callable[[], object] = lambda: None
    on_store_back: Job | None = None
    _is_journal_failing: bool = False
    _copied_releases: object = None
    _next_copy: float = 0.0
    _next_full_copy: float = 0.0

    def jobs(self) -> Iterator[RecurringJob]:
        """Yield the recurring jobs, none without a journal."""
        if self.opened.journal is not None:
            yield _CHECK_STORE_EVERY, "journal", self.switch_or_journal
            yield _CHECK_COPY_EVERY, "near part", self.refresh_copy

    async def switch_or_journal(self) -> None:
        """If the journal is used as the store, try to switch back.

        Else add what the store refuses, or delete it.
        """
        journal = self.opened.journal
        if journal is None:
            return
        if self.opened.stand_in is not None:
            await self._switch_to_store(journal, self.opened.stand_in)
        elif self.store_health.health.is_store_failing:
            await self.journal_waiting_writes()
        elif journal.has_rows:
            # The store works and has these rows by now.
            await run_in_thread(journal.delete)

    async def refresh_copy(self, *, stopping: bool = False) -> None:
        """Copy to a local file what a start without the store needs, if the store works.

        Notices are copied each minute. Releases are copied too if they have changed, but at most
        every ten minutes. A monitor that is `stopping` copies changed releases at once.
        """
        opened, now = self.opened, self.clock.now()
        if (
            opened.journal is None
            or opened.uses_stand_in
            or self.store_health.health.is_store_failing
        ):
            return
        journal, releases, mono = opened.journal, self.ledger.releases, self.clock.monotonic()
        # the ledger makes a new object at each change
        have_changed = releases is not self._copied_releases
        # copies releases and notices
        is_full = have_changed and (stopping or mono >= self._next_full_copy)
        if not is_full and mono < self._next_copy:
            return
        if not await self._try_on_journal(
            lambda: journal.refresh_copy(opened.store, now, notices_only=not is_full)
        ):
            return
        self._next_copy = mono + _COPY_SECONDS
        if is_full:
            # The first copy lacks the releases of calendars that were not read yet. So the second
            # one must not wait.
            is_first = self._copied_releases is None
            self._next_full_copy = mono + (0.0 if is_first else _FULL_COPY_SECONDS)
            self._copied_releases = releases

    async def journal_waiting_writes(self) -> None:
        """If the store fails, write uncommitted writes to the journal, unless the journal is in use
        as the store.
        """
        journal = self.opened.journal
        if (
            journal is None
            or self.opened.uses_stand_in
            or not self.store_health.health.is_store_failing
        ):
            return
        if not journal.has_rows:
            _log.warning("journal_begun", journal=str(journal.file))
        (runs, writes), heartbeat = (
            self.writer.uncommitted(),
            Heartbeat(self.monitor, self.clock.now()),
        )
        # The journal also needs the records of evidence, because runs refer to them.
        await self._try_on_journal(
            lambda: journal.add_rows(runs, writes, heartbeat, self._known_records())
        )

    def _known_records(self) -> list[Record]:
        """Return every known record of evidence, also committed ones, because a store can lose its
        last batches.
        """
        # A record that is committed in between is in both.
        records = {*self.evidence.flush_to_disk(), *self.evidence.last_committed()}
        return sorted(records, key=lambda record: record.number)

    async def _try_on_journal(self, work: Callable[[], object]) -> bool:
        """Return whether `work` on the journal succeeded. The first of several failures is
        logged.
        """
        try:
            await run_in_thread(work)
        except StoreFault as fault:
            if not self._is_journal_failing:
                _log.error("journal_failed", fault=str(fault))
            self._is_journal_failing = True
        else:
            self._is_journal_failing = False
        return not self._is_journal_failing

    async def _switch_to_store(self, journal: Journal, stand_in: Store) -> None:
        """If the store is back, write the journal's rows into it, use it from now on, and call
        `on_store_back`.
        """
        try:
            store = await run_in_thread(lambda: _open_recovered_store(self.opened.url, self.lock))
            rows = await self.writer.run_between_batches(
                lambda: self._move_journal_into(journal, stand_in, store)
            )
        except EnvironmentFault as fault:
            # The store is not back, or another monitor has locked it.
            self.store_health.note_failure(fault)
            return
        self.opened.stand_in = None
        self.store_health.health.note_commit(self.clock.now())
        _log.warning("store_back", rows=rows)
        if self.on_store_back is not None:
            await self.on_store_back()

    def _move_journal_into(self, journal: Journal, stand_in: Store, store: Store) -> int:
        """Write the journal's rows into the store, use the store from now on, and delete the
        journal.

        Return how many rows were written. The writer calls this between two batches of its writes.
        """
        try:
            rows = journal.merge_journal(store)
        except StoreFault:
            store.close()
            raise
        # Everything that used the stand-in now uses the store.
        stand_in.switch_to(store)
        self.evidence.check_for_lost_records()
        journal.delete()
        return rows


def _open_recovered_store(url: str, lock: Callable[[], object]) -> Store:
    """Return the store that is back, locked for this monitor. Raises `EnvironmentFault`."""
    store = Store.open_upgraded(url)
    try:
        lock()
    except EnvironmentFault:
        store.close()
        raise
    return store
