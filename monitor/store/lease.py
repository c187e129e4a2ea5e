"""Takes and renews leases.

Of several monitors that share a store, only the holder of a lease does its work.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.store.rows import Lease
from monitor.store.sql.write import Transaction

LASTS = timedelta(seconds=15)
"""How long a lease lasts without renewal. If its holder is killed, its work stops for this long."""

_SLOWEST = timedelta(seconds=5)
"""A store that takes longer counts as down, not as slow. So longer write times do not extend leases
further.
"""
_WRITES_REMEMBERED = 20


@dataclass(slots=True)
class Leaseholder:
    """A process that takes leases. Call `take` and `release` inside a transaction.

    In SQLite, leases run out by the process's own clock, given as `now`. In PostgreSQL only the
    database's clock counts. A lease lasts for `least`. It lasts longer if the store is slow,
    because its renewal takes longer too.
    """

    name: str
    least: timedelta = LASTS
    _delay: timedelta = field(default=timedelta(), init=False)
    _write_seconds: deque[float] = field(
        default_factory=lambda: deque([0.0], maxlen=_WRITES_REMEMBERED), init=False
    )

    @property
    def lease_length(self) -> timedelta:
        """Return how long a lease lasts that is taken now, with extra time for slow writes of its
        renewal.
        """
        return self.least + 2 * self._delay

    @property
    def slowest_recent_write(self) -> timedelta:
        """Return the time of the slowest of our last writes.

        The store may be as slow for other processes too.
        """
        return min(timedelta(seconds=max(self._write_seconds)), _SLOWEST)

    def record_write_time(self, seconds: float) -> None:
        """Record how many seconds a write took. Each later write halves the effect of a slow
        one.
        """
        self._write_seconds.append(seconds)
        self._delay = max(min(timedelta(seconds=seconds), _SLOWEST), self._delay / 2)

    def take(self, tx: Transaction, thing: str, now: datetime) -> Lease | None:
        """Take a free or expired lease, or renew our own. Return None if another process has it."""
        return tx.take_lease(thing, self.name, now, now + self.lease_length)

    def release(self, tx: Transaction, thing: str) -> None:
        """Give up a lease, so that another monitor need not wait until it runs out."""
        tx.drop_lease(thing, self.name)

    def renewal_due(self, until: datetime) -> datetime:
        """Return when to renew a lease that lasts until `until`.

        Two attempts can fail before it is lost.
        """
        return until - 2 * self.lease_length / 3


OUTBOX = "outbox"
"""The name of the lease on sending notices from the outbox."""
