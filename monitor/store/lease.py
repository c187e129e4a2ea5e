"""What monitors of one store do by turns, such as draining the outbox: it belongs to whoever holds its lease."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.store.rows import Lease
from monitor.store.sql.write import Transaction

LASTS = timedelta(seconds=15)
"""How long a lease lasts unrenewed: so long nobody does the work of a monitor that was killed."""

_SLOWEST = timedelta(seconds=5)
"""A store that takes longer is not slow but away: whoever held a lease then is not waited for as long as that."""
_REMEMBERED = 20


@dataclass(slots=True)
class Leaseholder:
    """One process that takes leases. `take` and `release` run inside a transaction.

    `now` is its own clock's: by it a lease runs out in a store that one process has for itself. What several share
    goes by the database's clock alone. A lease lasts for `least`, and for longer where the store is slow: what is
    written seconds after it was asked for would else run out before anybody can read it.
    """

    name: str
    least: timedelta = LASTS
    _slow: timedelta = field(default=timedelta(), init=False)
    _took: deque[float] = field(default_factory=lambda: deque([0.0], maxlen=_REMEMBERED), init=False)

    @property
    def lasts(self) -> timedelta:
        """Return how long a lease lasts that is taken now: one renewed `took` later still runs when that is written."""
        return self.least + 2 * self._slow

    @property
    def patience(self) -> timedelta:
        """Return how much later than its time another lease may be renewed: the store is as slow for everybody."""
        return min(timedelta(seconds=max(self._took)), _SLOWEST)

    def took(self, seconds: float) -> None:
        """Note how long a lease took to be written. A store that was slow for once is forgotten in a few writes."""
        self._took.append(seconds)
        self._slow = max(min(timedelta(seconds=seconds), _SLOWEST), self._slow / 2)

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
