"""Shares the work among the monitors of one store. Each has a lease on its name, which shows that it is alive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import EnvironmentFault, StoreFault
from monitor.plan.share import Share
from monitor.store.lease import Leaseholder
from monitor.store.rows import Lease
from monitor.store.sql.read import Leases
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer

_log = structlog.get_logger(__name__)
_READINGS = 20
PREFIX = "monitor "
"""The start of the name of a lease on a monitor's name."""
_QUIET = "quiet "
"""The start of the name of a lease that marks a host as paused, because it asked a monitor to wait (Retry-After)."""
_SURELY = timedelta(seconds=0.1)
"""A margin for the other monitors, because they read the database's clock over a network."""


class NameTaken(StoreFault):
    """Raised if another process uses this monitor's name, so that this one must not write."""


@dataclass(frozen=True, slots=True)
class _LeaseState:
    """The state of the leases: the store's time, and every lease."""

    at: datetime
    leases: tuple[Lease, ...]

    @property
    def quiet(self) -> dict[str, float]:
        """Return the end of the pause of each host, in seconds of the store's time. Until then send it no request."""
        hosts = (lease for lease in self.leases if lease.name.startswith(_QUIET) and lease.until > self.at)
        return {lease.name.removeprefix(_QUIET): lease.until.timestamp() for lease in hosts}


class _Unrenewed:
    """Measures by steady time how long each lease has not been renewed."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, float]] = {}

    def observe(self, lease: Lease, now: float) -> timedelta:
        """Return how long a lease, read at `now` in seconds, has been unchanged."""
        until, since = self._seen.get(lease.name, (lease.until, now))
        since = since if until == lease.until else now
        self._seen[lease.name] = (lease.until, since)
        return timedelta(seconds=now - since)

    def forget(self) -> None:
        """Start again, because the store did not answer, so that the others could not renew their leases either."""
        self._seen.clear()


class Members:
    """One monitor among those that share a store. `on_share` is called in the event loop with each new share.

    - The lease on the name is renewed at least four times before it runs out. A new monitor waits for half of a
      lease before its first request, so that all others have reduced their shares by then.
    - If a monitor stops renewing, its share stays reserved for another quarter of a lease, and for as long as this
      monitor's own renewals took recently, because the store may be as slow for the others.
    - Every batch of the writer first renews the lease. If the others took this monitor for dead, decisions from before
      that are not written (see `term`).
    - If the store does not answer, the last share stays in use so that looks go on. The exception is a monitor that
      was suspended for longer than its lease, because others may use its share.
    - `quiet` returns the hosts that asked this monitor to wait, and until when in seconds of steady time. No monitor
      sends requests to them until then.
    """

    def __init__(
        self, name: str, holder: Leaseholder, leases: Leases, writer: Writer, clock: Clock, *, divided: bool
    ) -> None:
        """`holder` must be of this process only. If `divided`, each host is looked at by one monitor."""
        self._name, self._divided = name, divided
        self._holder = holder
        self._every = holder.least / 4
        self._leases = leases
        self._writer = writer
        self._clock = clock
        self._now = clock.now()
        self._lease: Lease | None = None
        self._renewed: Lease | None = None
        self._is_in = False
        self._settled: datetime | None = None
        # Until this time, in seconds of steady time, no other monitor can have taken us for dead.
        self._alive_until = 0.0
        self._awake = clock.monotonic()
        self._is_away = self._has_lapsed = False
        self._unrenewed = _Unrenewed()
        # Recent readings of how far the store's clock is ahead of our steady time, each with its uncertainty.
        self._readings: list[tuple[float, float]] = []
        self.share = Share(name, (), 0.0, divided)
        self.on_share: Callable[[Share], None] = lambda _share: None
        self.quiet: Callable[[], Mapping[str, float]] = dict

    @property
    def term(self) -> datetime | None:
        """Return since when all others have seen this monitor as alive without interruption. None before it joined."""
        return None if self._lease is None else self._lease.since

    def is_in_term(self, term: datetime | None) -> bool:
        """Return whether a decision that was made in `term` may be written. Call this inside a transaction.

        If not, make no writes and judge again. Do not roll back, because that would undo the renewal of the lease too.
        """
        return self._renewed is not None and self._renewed.since == term

    async def join(self) -> None:
        """Take the lease on our name. Raises `EnvironmentFault` if another process that is alive has it."""
        self._now, theirs = self._clock.now(), None
        while (mine := await self._writer.write(self._take_or_read_lease)) is None or mine.holder != self._holder.name:
            if mine is not None and theirs is not None and mine.until != theirs.until:
                raise EnvironmentFault(
                    f"another monitor named “{self._name}” runs on this store: "
                    "give each a `vantage` of its own under [watch]"
                )
            theirs = theirs or mine
            await self._clock.sleep(self._every.total_seconds() / 2)
            self._now = self._clock.now()
        self._lease, self._renewed, self._is_in = mine, mine, True
        self._writer.add_member(self)
        self.on_share(self.share)
        await self._renew_and_read()

    async def stay_alive(self) -> None:
        """Renew the lease on our name and read those of the others, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_for_suspension())
            while True:
                # After a long suspension no request is sent until the other monitors are known.
                if not self._has_lapsed or self._is_away:
                    await self._clock.sleep(self._every.total_seconds())
                await self._renew_and_read()

    async def _watch_for_suspension(self) -> None:
        """Check four times in each lease whether this process was suspended."""
        while True:
            await self._clock.sleep(self._every.total_seconds())
            self._check_suspension()

    def _check_suspension(self) -> None:
        """Stop requests if this process was suspended for so long that the other monitors could take it for dead."""
        now, before = self._clock.monotonic(), self._awake
        self._awake = now
        stood_still = now - before > 2 * self._every.total_seconds() and now > self._alive_until
        # If the store was already away, the other monitors cannot have seen that our renewals stopped.
        if stood_still and not self._is_away:
            self._has_lapsed = True
            self.on_share(replace(self.share, members=()))

    async def leave(self) -> None:
        """Give our name back, so that the others need not wait until it runs out."""
        if self._is_in:
            self._is_in = False
            await self._writer.write(lambda tx: self._holder.release(tx, PREFIX + self._name), patient=False)

    def take_name_in(self, transaction: Transaction) -> None:
        """Take the lease on our name in a store that we cannot use yet, so that the others reserve our share."""
        if self._is_in:
            self._take_lease(transaction)

    def forget_clock_readings(self) -> None:
        """Forget the readings of the clock, because the store was replaced by one with another clock."""
        self._readings = []

    def prepare(self) -> None:
        """Return None, because it needs no preparation."""

    def write(self, transaction: Transaction) -> None:
        """Renew the lease on our name with a batch. Raises `NameTaken`."""
        if not self._is_in:
            return
        mine = self._take_lease(transaction)
        if mine is None:
            raise NameTaken(f"another monitor named “{self._name}” writes to this store")
        self._renewed = mine

    def note_committed(self) -> None:
        """Remember the lease that the committed batch renewed."""
        if self._lease is not None and self._renewed is not None and self._renewed.since != self._lease.since:
            _log.warning("taken_for_dead", monitor=self._name, until=str(self._lease.until))
        self._lease = self._renewed

    def further_transactions(self) -> int:
        """Return 0, because the renewal needs no further transaction."""
        return 0

    def close(self) -> None:
        """Stop renewing."""
        self._is_in = False

    def _take_lease(self, tx: Transaction) -> Lease | None:
        return self._holder.take(tx, PREFIX + self._name, self._now)

    def _take_or_read_lease(self, tx: Transaction) -> Lease | None:
        """Try to take the lease on our name. Return it, or the lease of another process that uses this name."""
        return self._take_lease(tx) or self._leases.lease(PREFIX + self._name)

    async def _renew_and_read(self) -> None:
        """Renew the lease, read those of the others, and update the share. Without an answer the share stays."""
        self._now, began, zero = self._clock.now(), self._clock.monotonic(), self._store_clock_zero
        quiet = {} if zero is None else {host: until - zero for host, until in self.quiet().items()}
        try:
            seen = await self._write_renewal(lambda tx: self._read_leases(tx, quiet))
        except NameTaken:
            # The other process with our name makes the requests. This one has no share.
            self._has_lapsed = False
            self._update_share(())
            return
        except StoreFault:
            # If this process was suspended during the write, the failure does not show that the store is down.
            self._check_suspension()
            self._is_away = True
            self._holder.record_write_time(self._clock.monotonic() - began)
            self._unrenewed.forget()
            if not self._has_lapsed:
                self.on_share(self.share)
            return
        ended = self._clock.monotonic()
        self._alive_until, self._is_away = began + self._holder.lease_length.total_seconds(), False
        self._holder.record_write_time(ended - began)
        # If this process was suspended during the write, the leases that it read are outdated.
        self._has_lapsed = ended > self._alive_until
        ahead = seen.at.timestamp() - (began + ended) / 2
        self._readings = [*self._readings[1 - _READINGS :], ((ended - began) / 2, ahead)]
        self._update_share(() if self._has_lapsed else self._find_alive(seen), seen.quiet)

    async def _write_renewal(self, look: Callable[[Transaction], _LeaseState]) -> _LeaseState:
        # A full disk may refuse our large batch, but accept small writes of other monitors. So renew the lease alone.
        if self._writer.is_refused:
            return await self._writer.write_with_member(self, look)
        return await self._writer.write(look, patient=False, first=True)

    @property
    def _store_clock_zero(self) -> float | None:
        """Return the steady time in seconds at which the store's clock was zero. None before the clock was read."""
        return -min(self._readings)[1] if self._readings else None

    def _read_leases(self, tx: Transaction, quiet: Mapping[str, float]) -> _LeaseState:
        """Return the leases in the store, after adding those of `quiet` hosts, with ends in the store's time."""
        seen = _LeaseState(self._leases.now(self._now), tuple(self._leases.leases()))
        for host, seconds in quiet.items():
            until = datetime.fromtimestamp(seconds, UTC)
            if until > max(seen.at, datetime.fromtimestamp(seen.quiet.get(host, 0.0), UTC)):
                tx.take_lease(_QUIET + host, _QUIET, seen.at, until + _SURELY)
        return seen

    def _find_alive(self, seen: _LeaseState) -> tuple[str, ...]:
        """Return the monitors that share every budget: all that are alive, and this one once all others know of it."""
        margin, now = self._every + self._holder.renewal_margin, self._clock.monotonic()

        def is_alive(lease: Lease) -> bool:
            # By our steady time or by the store's time, whichever shows it alive for longer.
            return self._unrenewed.observe(lease, now) < margin + self._every or lease.until + margin > seen.at

        leases = [lease for lease in seen.leases if lease.name.startswith(PREFIX) and is_alive(lease)]
        others = {lease.name.removeprefix(PREFIX) for lease in leases} - {self._name}
        # After two intervals, all others have read our lease.
        if self.term is not None and (not others or self.term + 2 * self._every <= seen.at):
            self._settled = self.term
        return tuple(sorted({*others, self._name} if self._settled == self.term else others))

    def _update_share(self, members: tuple[str, ...], quiet: Mapping[str, float] | None = None) -> None:
        """Publish the share of this monitor among these members, and the waits of hosts."""
        share = Share(self._name, members, self._store_clock_zero or 0.0, self._divided, quiet or {})
        if share.members != self.share.members:
            _log.info("monitors", looking=share.members)
        self.share = share
        self.on_share(share)
