"""A slow store, and a fake store of leases with its own clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.store.batch import RowSource
from monitor.store.lease import Leaseholder
from monitor.store.rows import Lease
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer

T = TypeVar("T")


class SlowWriter(Writer):
    """A writer to a slow store: a write begins late, and the writer learns late that it was
    committed.

    `is_write_pending` is true from the call of `write` until the write begins.
    """

    seconds_before_write = 0.0
    is_store_away = is_write_pending = False

    def __init__(self, store: Store, clock: Clock, seconds_after_commit: float = 0.0) -> None:
        super().__init__(store, clock)
        self.seconds_after_commit = seconds_after_commit
        self.writes_at = clock.now()

    async def write(
        self,
        make: Callable[[Transaction], T],
        *,
        patient: bool = True,
        for_journal: bool = False,
        urgent: bool = False,
        release: str = "",
    ) -> T:
        """Write late, and learn of it late."""
        self.is_write_pending = True
        await self._clock.sleep(self.seconds_before_write)
        self.writes_at = self._clock.now()
        self.is_write_pending = False
        if self.is_store_away:
            raise StoreFault("the store is away")
        result = await super().write(
            make, patient=patient, for_journal=for_journal, urgent=urgent, release=release
        )
        await self._clock.sleep(self.seconds_after_commit)
        return result

    async def write_with_source(self, source: RowSource, make: Callable[[Transaction], T]) -> T:
        """Write as soon as a store can."""
        self.writes_at = self._clock.now()
        return await super().write_with_source(source, make)


class FullDisk(RowSource):
    """A source of rows that the store refuses because the disk is full."""

    def write(self, transaction: Transaction) -> None:  # noqa: ARG002
        """Raise as a store does on a full disk."""
        raise StoreFault("the disk is full")


@dataclass(slots=True)
class Holder(Leaseholder):
    """A process that takes leases by the clock of a database that several monitors share."""

    writer: SlowWriter = field(kw_only=True)

    def take(self, tx: Transaction, thing: str, now: datetime) -> Lease | None:  # noqa: ARG002
        """Take a lease, at the time at which it is written."""
        return Leaseholder.take(self, tx, thing, self.writer.writes_at)
