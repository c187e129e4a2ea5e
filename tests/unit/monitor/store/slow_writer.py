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
    """A writer whose store takes so many seconds more until it writes, and until it says that it has committed."""

    seconds_to_begin = 0.0
    is_away = is_writing = False

    def __init__(self, store: Store, clock: Clock, seconds_to_confirm: float = 0.0) -> None:
        super().__init__(store, clock)
        self.seconds_to_confirm = seconds_to_confirm
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
        self.is_writing = True
        await self._clock.sleep(self.seconds_to_begin)
        self.writes_at = self._clock.now()
        self.is_writing = False
        if self.is_away:
            raise StoreFault("the store is away")
        result = await super().write(make, patient=patient, for_journal=for_journal, urgent=urgent, release=release)
        await self._clock.sleep(self.seconds_to_confirm)
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
