"""The lease of the outbox: of all processes on one store, only its holder sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
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
_MIN_WAIT = timedelta(seconds=0.1)
_ENDS_WITHIN = 10.0
_MOST_SEEN_ATTEMPTS, _LONG_AGO = 1000, -1e6


@dataclass
class OutboxLease:
    """The right of this process to send. Its `holder` must have a name that no other process
    uses.
    """

    leases: Leases
    writer: Writer
    clock: Clock
    holder: Leaseholder
    ask: Ask
    is_ending: bool = False
    _renew_at: datetime | None = None
    _ours_until: datetime | None = None
    _under_way: set[asyncio.Future[None]] = field(default_factory=set)
    # When this process first saw each unfinished attempt of another, in seconds of the monotonic
    # clock.
    _seen_attempts: dict[tuple[str, str, int], float] = field(default_factory=dict)

    async def end(self) -> None:
        """Begin no more attempts.

        Wait up to ten seconds for those under way, because a cut-off one may be repeated.
        """
        self.is_ending = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_ENDS_WITHIN)

    @asynccontextmanager
    async def track_attempt(self) -> AsyncIterator[None]:
        """Make the method `end` wait for the attempt to send that the caller makes inside this
        context.
        """
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        try:
            yield
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)

    async def take_or_renew(self) -> datetime | None:
        """Take the lease, or renew it if that is due.

        Return when another process's lease ends, None if it is ours.
        """
        holder, now = self.holder, self.clock.now()
        if self._renew_at is not None and now < self._renew_at:
            return None
        began = self.clock.monotonic()
        # A slow store makes leases longer, so the length is read together with the taking.
        lease, length = await self.writer.write(
            lambda tx: (holder.take(tx, OUTBOX, now), holder.lease_length)
        )
        holder.record_write_time(self.clock.monotonic() - began)
        self._renew_at = None if lease is None else holder.renewal_due(now + length)
        self._ours_until = None if lease is None else now + length
        if lease is not None:
            return None
        # A shared database ends leases by its own clock, `store_now`. Another process may have
        # given its lease up.
        other, store_now = await self.ask(lambda: (self.leases.lease(OUTBOX), self.leases.now(now)))
        return now + (length if other is None else max(other.until - store_now, _MIN_WAIT))

    def renew_in_transaction(self, tx: Transaction, now: datetime) -> bool:
        """Renew the lease in the transaction that needs it. Return whether it is ours."""
        is_ours = self.holder.take(tx, OUTBOX, now) is not None
        self._ours_until = now + self.holder.lease_length if is_ours else None
        if not is_ours:
            self._renew_at = None  # the next regular renewal tries at once
        return is_ours

    def note_own_attempt(self, attempt: Delivery) -> None:
        """Remember that this attempt is ours, so that `earliest_attempt` does not wait for another
        process.
        """
        self._note_attempt(attempt, _LONG_AGO)

    def earliest_attempt(self, delivery: Delivery) -> datetime:
        """Return when a delivery may be attempted: when due, or after another process had time to
        record its attempt.

        The time allowed is twice that of our slowest recent write, because a slow store records the
        outcome late.
        """
        has_unfinished_attempt = delivery.began is not None and delivery.finished is None
        if not has_unfinished_attempt:
            return delivery.due
        now_seconds = self.clock.monotonic()
        # For an attempt of our own this is long ago, so that we need not wait.
        first_seen_seconds = self._note_attempt(delivery, now_seconds)
        remaining = 2 * self.holder.slowest_recent_write - timedelta(
            seconds=now_seconds - first_seen_seconds
        )
        return (
            max(delivery.due, self.clock.now() + remaining)
            if remaining > timedelta()
            else delivery.due
        )

    def _note_attempt(self, attempt: Delivery, at: float) -> float:
        """Note that an unfinished attempt was seen `at`, and return when it was first seen
        (monotonic seconds).
        """
        if len(self._seen_attempts) >= _MOST_SEEN_ATTEMPTS:
            del self._seen_attempts[next(iter(self._seen_attempts))]
        return self._seen_attempts.setdefault(
            (attempt.notice, attempt.channel, attempt.attempts), at
        )

    def is_still_ours(self, now: datetime) -> bool:
        """Return whether the lease cannot have passed to another process yet, for example while we
        were suspended.
        """
        return self._ours_until is not None and now < self._ours_until

    @asynccontextmanager
    async def keep_renewing(self) -> AsyncIterator[None]:
        """Renew the lease regularly inside this context, because a channel may need longer than the
        lease lasts.
        """
        renewing = asyncio.ensure_future(self._renew_until_lost())
        try:
            yield
        finally:
            renewing.cancel()

    async def release(self) -> None:
        """Give the lease up, so that another process can send at once."""
        if self._renew_at is not None:
            self._renew_at = None
            with suppress(StoreFault):
                await self.writer.write(lambda tx: self.holder.release(tx, OUTBOX), patient=False)

    async def _renew_until_lost(self) -> None:
        while True:
            await self.clock.sleep(self.holder.lease_length.total_seconds() / 3)
            if await self.take_or_renew() is not None:
                _log.warning("outbox_turn_lost")
                return
