"""What monitors of one store do by turns, such as draining the outbox: it belongs to whoever holds its lease."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.interface import Transaction
from monitor.store.rows import Lease

LASTS = timedelta(seconds=15)
"""How long a lease lasts unrenewed: so long nobody does the work of a monitor that was killed."""


@dataclass(frozen=True, slots=True)
class Leaseholder:
    """One process that takes leases. Its methods run inside a transaction.

    `now` is its own clock's: by it a lease runs out in a store that one process has for itself. What several share
    goes by the database's clock alone.
    """

    name: str
    lasts: timedelta = LASTS

    def take(self, tx: Transaction, thing: str, now: datetime) -> Lease | None:
        """Take a lease that is free or run out, or renew our own; None when somebody else holds it."""
        return tx.take_lease(thing, self.name, now, now + self.lasts)

    def release(self, tx: Transaction, thing: str) -> None:
        """Give a lease back, so that another monitor need not wait until it runs out."""
        tx.drop_lease(thing, self.name)

    def renewal_due(self, until: datetime) -> datetime:
        """Return when a lease that runs until then must be renewed: two attempts may fail before it is lost."""
        return until - 2 * self.lasts / 3


OUTBOX = "outbox"
"""The lease on sending what waits in the outbox."""
