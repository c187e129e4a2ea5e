"""Which process sends from the outbox: of all processes on one store, that of the one that holds its lease."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.store.lease import OUTBOX, Leaseholder
from monitor.store.rows import Delivery
from monitor.store.sql.read import Leases
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask

_log = structlog.get_logger(__name__)
_SOON = timedelta(seconds=0.1)
_ENDS_WITHIN = 10.0
_MOST_OPEN, _EVER = 1000, 1e6


class OutboxLease:
    """One process's hold on the outbox; without a holder it is always ours."""

    def __init__(self, leases: Leases, writer: Writer, clock: Clock, holder: Leaseholder | None, ask: Ask) -> None:
        """`holder` must be of this process alone: two of one name would both believe that it is theirs."""
        self._leases = leases
        self._writer = writer
        self._clock = clock
        self._holder = holder
        self._ask = ask
        self._renew_at: datetime | None = None
        self._ours_until: datetime | None = None
        self._under_way: set[asyncio.Future[None]] = set()
        # Since when each attempt is known that another process began and has not ended, in seconds of steady time.
        self._open: dict[tuple[str, str, int], float] = {}
        self.is_ending = False

    async def end(self) -> None:
        """Let attempts under way end, after which none begins: one that is cut off may be made twice.

        A channel that hangs is waited for no longer than ten seconds.
        """
        self.is_ending = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_ENDS_WITHIN)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Make an attempt that `end` waits for."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        try:
            yield
        finally:
            self._under_way.discard(ended)
            ended.cancel()

    async def begin(self) -> datetime | None:
        """Take or renew the turn; returns None when it is ours, else when the other's runs out."""
        holder, now = self._holder, self._clock.now()
        if holder is None or (self._renew_at is not None and now < self._renew_at):
            return None
        began = self._clock.monotonic()
        mine, lasts = await self._writer.write(lambda tx: (holder.take(tx, OUTBOX, now), holder.lasts))
        holder.took(self._clock.monotonic() - began)
        self._renew_at = holder.renewal_due(now + lasts) if mine else None
        self._ours_until = now + lasts if mine else None
        if mine:
            return None
        lease, at = await self._ask(lambda: (self._leases.lease(OUTBOX), self._leases.now(now)))
        return now + (lasts if lease is None else max(lease.until - at, _SOON))

    def confirm(self, tx: Transaction, now: datetime) -> bool:
        """Tell, inside a transaction, whether the turn is still ours, and hold on to it."""
        if self._holder is None:
            return True
        is_ours = self._holder.take(tx, OUTBOX, now) is not None
        self._ours_until = now + self._holder.lasts if is_ours else None
        self._renew_at = self._renew_at if is_ours else None
        return is_ours

    def began(self, attempt: Delivery) -> None:
        """Take note of an attempt that is our own."""
        self._note(attempt, -_EVER)

    def due(self, delivery: Delivery) -> datetime:
        """Return when a delivery is due: not while whoever had the turn before may be at it still.

        Where the store is slow what was sent is told late: it is waited for twice as long as the store takes for us.
        """
        if self._holder is None or delivery.began is None or delivery.finished is not None:
            return delivery.due
        steady = self._clock.monotonic()
        left = 2 * self._holder.patience - timedelta(seconds=steady - self._note(delivery, steady))
        return max(delivery.due, self._clock.now() + left) if left > timedelta() else delivery.due

    def _note(self, attempt: Delivery, at: float) -> float:
        if len(self._open) >= _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return self._open.setdefault((attempt.notice, attempt.channel, attempt.attempts), at)

    def holds(self, now: datetime) -> bool:
        """Tell whether the turn that was confirmed cannot have gone to another yet, as after we were stopped."""
        return self._holder is None or (self._ours_until is not None and now < self._ours_until)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Hold on to the turn while a message is on its way, however long that takes."""
        renewing = asyncio.ensure_future(self._renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def give_back(self) -> None:
        """Let another process have the turn at once."""
        holder = self._holder
        if holder is not None and self._renew_at is not None:
            self._renew_at = None
            with contextlib.suppress(StoreFault):
                await self._writer.write(lambda tx: holder.release(tx, OUTBOX), patient=False)

    async def _renew(self) -> None:
        while self._holder is not None:
            await self._clock.sleep(self._holder.lasts.total_seconds() / 3)
            if await self.begin() is not None:
                _log.warning("outbox_turn_lost")
                return
