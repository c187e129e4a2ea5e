"""The journal at work: it takes what a store that is away cannot, and is home to a monitor that starts without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from monitor.clock import Clock
from monitor.errors import StoreFault, StoreTooNew, SurroundingsFault
from monitor.health.state import StoreHealth
from monitor.ledger.ledger import Ledger
from monitor.store.evidence.evidence import Evidence
from monitor.store.journal import Journal
from monitor.store.members import Members
from monitor.store.open import file_of, is_shared, open_store
from monitor.store.rows import APART, Heartbeat, Record
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.threads import Job, off_the_loop

_log = structlog.get_logger(__name__)
_OFTEN, _SOON, _MINUTE, _LONG = timedelta(seconds=1), timedelta(seconds=10), 60.0, 600.0


@dataclass(slots=True)
class Opened:
    """The store that a monitor goes by, and its journal. While it is away it is `near`, the journal itself."""

    store: Store
    url: str = ""
    journal: Journal | None = None
    near: Store | None = None

    @property
    def is_away(self) -> bool:
        """Tell whether the store at the configured address is not the one that all go by."""
        return self.near is not None

    def keeper(self, vantage: str, clock: Clock) -> str:
        """Return in whose name evidence is kept: what is written apart cannot go on from what the store has last."""
        return f"{vantage}{APART}{clock.now():%Y%m%dT%H%M%SZ}" if self.is_away else vantage


def opened(url: str, folder: str | None, monitor: str, clock: Clock, *, durable: bool) -> Opened:
    """Return the store at an address with its journal, after writing into the store what the journal kept.

    While the store is away the journal itself is returned in its place. Without `folder` a store on SQLite has no
    journal, because that would be on the disk that it insures against. Raises `StoreFault` if the store is away and
    there is no journal or it knows nothing yet, or if a newer version made the store.
    """
    file = file_of(url) or Path("var/store")
    journal = Journal(Path(folder) if folder else file.parent / "journal", monitor, url, durable=durable)
    has_journal = folder is not None or is_shared(url)
    try:
        store = open_store(url, durable=durable)
        store.upgrade()
        # Versions before kept a journal beside SQLite by default. What is in it must not be lost.
        if has_journal or journal.holds:
            if rows := journal.bring_in(store):
                _log.warning("journal_taken_in", rows=rows)
            journal.settled()
    except StoreTooNew:
        raise
    except StoreFault as fault:
        if not has_journal:
            raise
        try:
            near = journal.stand_in(clock.now())
        except StoreFault as unknown:
            raise fault from unknown
        _log.critical("store_away", fault=str(fault), journal=str(journal.file))
        return Opened(near, url, journal, near)
    return Opened(store, url, journal if has_journal else None)


@dataclass(slots=True)
class StoreFailover:
    """Keeps in the journal what waits for a store that fails, and goes over to one that is back."""

    opened: Opened
    monitor: str
    writer: Writer
    evidence: Evidence
    clock: Clock
    told: StoreHealth
    members: Members | None
    ledger: Ledger
    hold: Callable[[], object] = lambda: None
    _back: Job | None = None
    _failed: bool = False
    _copied: object = None
    _due: float = 0.0
    _all_due: float = 0.0

    def on_back(self, told: Job) -> None:
        """Have `told` called once the store is back: others may have written there meanwhile what they knew."""
        self._back = told

    def jobs(self) -> Iterator[tuple[timedelta, str, Job]]:
        """Yield what recurs; nothing without a journal."""
        if self.opened.journal is not None:
            yield _OFTEN, "journal", self.keep
            yield _SOON, "near part", self.renew

    async def keep(self) -> None:
        """Go over to the store, where that was away; or keep apart what it does not take."""
        journal = self.opened.journal
        if journal is None:
            return
        if self.opened.near is not None:
            await self._go_over(journal, self.opened.near)
        elif self.told.health.store_fails:
            await self.keep_held()
        elif journal.holds:
            await off_the_loop(journal.settled)

    async def renew(self, *, stopping: bool = False) -> None:
        """Copy all that is near once calendars said something new, and each minute what was told."""
        opened, now = self.opened, self.clock.now()
        if opened.journal is None or opened.is_away or self.told.health.store_fails:
            return
        journal, known, mono = opened.journal, self.ledger.releases, self.clock.monotonic()
        # Around a slot calendars say something new again and again.
        is_new = known is not self._copied and (stopping or mono >= self._all_due)
        if not is_new and mono < self._due:
            return
        if not await self._tried(lambda: journal.renew(opened.store, now, told_only=not is_new)):
            return
        self._due = mono + _MINUTE
        if is_new:
            # The first copy is of a ledger that has read nothing yet.
            self._all_due = mono + (0.0 if self._copied is None else _LONG)
            self._copied = known

    async def keep_held(self) -> None:
        """Keep apart what waits for a store that fails."""
        journal = self.opened.journal
        if journal is None or self.opened.is_away or not self.told.health.store_fails:
            return
        if not journal.holds:
            _log.warning("journal_begun", journal=str(journal.file))
        (runs, makes), beat = self.writer.held(), Heartbeat(self.monitor, self.clock.now())
        await self._tried(lambda: journal.keep(runs, makes, beat, self._records()))

    def _records(self) -> list[Record]:
        """Return every record of evidence that is known: a store that comes back may have lost some that it took."""
        laid = self.evidence.flush()
        # What is committed meanwhile is among both.
        return sorted({*laid, *self.evidence.committed()}, key=lambda record: record.number)

    async def _tried(self, work: Callable[[], object]) -> bool:
        """Do something to the journal; that it cannot be written is told once, until it can."""
        try:
            await off_the_loop(work)
        except StoreFault as fault:
            if not self._failed:
                _log.error("journal_failed", fault=str(fault))
            self._failed = True
        else:
            self._failed = False
        return not self._failed

    async def _go_over(self, journal: Journal, near: Store) -> None:
        try:
            store = await off_the_loop(lambda: _ready(self.opened.url, self.hold))
            rows = await self.writer.between(lambda: self._brought_in(journal, near, store))
        except SurroundingsFault as fault:
            self.told.failed(fault)
            return
        self.opened.near = None
        if self.members is not None:
            self.members.moved()
        self.told.health.store_back()
        _log.warning("store_back", rows=rows)
        if self._back is not None:
            await self._back()

    def _brought_in(self, journal: Journal, near: Store, store: Store) -> int:
        """Go over to the store; for the writer's thread."""
        try:
            if self.members is not None:
                # A disk may have room for a name, and none yet for what the journal holds.
                with store.transaction() as transaction:
                    self.members.show(transaction)
            rows = journal.bring_in(store)
        except StoreFault:
            store.close()
            raise
        near.become(store)
        self.evidence.doubt()
        journal.settled()
        return rows


def _ready(url: str, hold: Callable[[], object]) -> Store:
    """Return the store that is back, with every other monitor kept off it."""
    store = Store.ready(url)
    try:
        hold()
    except SurroundingsFault:
        store.close()
        raise
    return store
