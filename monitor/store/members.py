"""The monitors of one store: each has a lease on its name, and the leases show which monitors are alive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import StoreFault, SurroundingsFault
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
    """Another process uses this monitor's name, so this one must not write."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The state of the leases: the store's time, and every lease."""

    at: datetime
    leases: tuple[Lease, ...]

    @property
    def quiet(self) -> dict[str, float]:
        """Return until when each paused host must not be asked, in seconds of the store's time."""
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
        """Start again. The store did not answer for a while, so the others could not renew their leases either."""
        self._seen.clear()


class Members:
    """One monitor among those that share a store. `told` is called in the event loop with each new share.

    - The lease on the name is renewed at least four times before it runs out. A new monitor waits for half of a
      lease before its first request, so that all others have reduced their shares by then.
    - The share of a monitor that stopped renewing stays reserved for another quarter of a lease, and for as long as
      this monitor's own renewals took recently, because the store is as slow for the others.
    - The lease is renewed first in every batch of the writer. A decision from before the others took this monitor for
      dead is not written (see `term`).
    - If the store does not answer, the last share stays in use so that looks go on. The exception is a monitor that
      was suspended beyond its lease: others may use its share.
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
        self._held: Lease | None = None
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
        self.told: Callable[[Share], None] = lambda _share: None
        self.quiet: Callable[[], Mapping[str, float]] = dict

    @property
    def term(self) -> datetime | None:
        """Return since when this monitor has been alive to all others without interruption. None before it joined."""
        return None if self._held is None else self._held.since

    def still(self, term: datetime | None) -> bool:
        """Return, inside a transaction, whether a decision made in `term` may be written.

        If not, make no writes and judge again. Do not roll back: that would undo the renewal of the lease too.
        """
        return self._renewed is not None and self._renewed.since == term

    async def join(self) -> None:
        """Take the lease on our name. Raises `SurroundingsFault` if another process that is alive has it."""
        self._now, theirs = self._clock.now(), None
        while (mine := await self._writer.write(self._ours_or_theirs)) is None or mine.holder != self._holder.name:
            if mine is not None and theirs is not None and mine.until != theirs.until:
                raise SurroundingsFault(
                    f"another monitor named “{self._name}” runs on this store: "
                    "give each a `vantage` of its own under [watch]"
                )
            theirs = theirs or mine
            await self._clock.sleep(self._every.total_seconds() / 2)
            self._now = self._clock.now()
        self._held, self._renewed, self._is_in = mine, mine, True
        self._writer.accompany(self)
        self.told(self.share)
        await self._turn()

    async def keep(self) -> None:
        """Renew the lease on our name and read those of the others, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notice())
            while True:
                # After a long suspension no request is sent until the other monitors are known.
                if not self._has_lapsed or self._is_away:
                    await self._clock.sleep(self._every.total_seconds())
                await self._turn()

    async def _notice(self) -> None:
        while True:
            await self._clock.sleep(self._every.total_seconds())
            self._note_awake()

    def _note_awake(self) -> None:
        """Stop requests if this process was suspended until the other monitors could take it for dead."""
        now, before = self._clock.monotonic(), self._awake
        self._awake = now
        stood_still = now - before > 2 * self._every.total_seconds() and now > self._alive_until
        # If the store was already away, the other monitors cannot have seen that our renewals stopped.
        if stood_still and not self._is_away:
            self._has_lapsed = True
            self.told(replace(self.share, members=()))

    async def leave(self) -> None:
        """Give our name back, so that the others need not wait until it runs out."""
        if self._is_in:
            self._is_in = False
            await self._writer.write(lambda tx: self._holder.release(tx, PREFIX + self._name), patient=False)

    def show(self, transaction: Transaction) -> None:
        """Take our name in a store that we cannot use yet, so that the others there reserve our share."""
        if self._is_in:
            self._taken(transaction)

    def moved(self) -> None:
        """Forget the readings of the clock, because the store was replaced by one with another clock."""
        self._readings = []

    def prepare(self) -> None:
        """Return None, because it needs no preparation."""

    def write(self, transaction: Transaction) -> None:
        """Renew the lease on our name with a batch. Raises `NameTaken`."""
        if not self._is_in:
            return
        mine = self._taken(transaction)
        if mine is None:
            raise NameTaken(f"another monitor named “{self._name}” writes to this store")
        self._renewed = mine

    def written(self) -> None:
        """Remember the lease that the committed batch renewed."""
        if self._held is not None and self._renewed is not None and self._renewed.since != self._held.since:
            _log.warning("taken_for_dead", monitor=self._name, until=str(self._held.until))
        self._held = self._renewed

    def more(self) -> int:
        """Return 0, because the renewal needs no further transaction."""
        return 0

    def close(self) -> None:
        """Stop renewing."""
        self._is_in = False

    def _taken(self, tx: Transaction) -> Lease | None:
        return self._holder.take(tx, PREFIX + self._name, self._now)

    def _ours_or_theirs(self, tx: Transaction) -> Lease | None:
        """Return the lease on our name after trying to take it: ours, or that of another process with this name."""
        return self._taken(tx) or self._leases.lease(PREFIX + self._name)

    async def _turn(self) -> None:
        self._now, began, zero = self._clock.now(), self._clock.monotonic(), self._zero
        quiet = {} if zero is None else {host: until - zero for host, until in self.quiet().items()}
        try:
            seen = await self._write(lambda tx: self._look(tx, quiet))
        except NameTaken:
            self._has_lapsed = False
            self._tell(())
            return
        except StoreFault:
            # If this process was suspended during the write, the failure does not show that the store is down.
            self._note_awake()
            self._is_away = True
            self._holder.took(self._clock.monotonic() - began)
            self._unrenewed.forget()
            if not self._has_lapsed:
                self.told(self.share)
            return
        ended = self._clock.monotonic()
        self._alive_until, self._is_away = began + self._holder.lasts.total_seconds(), False
        self._holder.took(ended - began)
        # If this process was suspended during the write, the leases that it read are outdated.
        self._has_lapsed = ended > self._alive_until
        ahead = seen.at.timestamp() - (began + ended) / 2
        self._readings = [*self._readings[1 - _READINGS :], ((ended - began) / 2, ahead)]
        self._tell(() if self._has_lapsed else self._members(seen), seen.quiet)

    async def _write(self, look: Callable[[Transaction], _Seen]) -> _Seen:
        # A full disk may refuse our large batch and still take other monitors' writes. So renew the lease separately.
        if self._writer.is_refused:
            return await self._writer.write_alone(self, look)
        return await self._writer.write(look, patient=False, first=True)

    @property
    def _zero(self) -> float | None:
        """Return the steady time in seconds at which the store's clock was zero. None before the clock was read."""
        return -min(self._readings)[1] if self._readings else None

    def _look(self, tx: Transaction, quiet: Mapping[str, float]) -> _Seen:
        seen = _Seen(self._leases.now(self._now), tuple(self._leases.leases()))
        for host, told in quiet.items():
            until = datetime.fromtimestamp(told, UTC)
            if until > max(seen.at, datetime.fromtimestamp(seen.quiet.get(host, 0.0), UTC)):
                tx.take_lease(_QUIET + host, _QUIET, seen.at, until + _SURELY)
        return seen

    def _members(self, seen: _Seen) -> tuple[str, ...]:
        """Return the monitors that share every budget: all that are alive, and this one once all others know it."""
        waits, now = self._every + self._holder.patience, self._clock.monotonic()
        others = {
            lease.name.removeprefix(PREFIX)
            for lease in seen.leases
            if lease.name.startswith(PREFIX)
            and (self._unrenewed.observe(lease, now) < waits + self._every or lease.until + waits > seen.at)
        } - {self._name}
        if self.term is not None and (not others or self.term + 2 * self._every <= seen.at):
            self._settled = self.term
        return tuple(sorted({*others, self._name} if self._settled == self.term else others))

    def _tell(self, members: tuple[str, ...], quiet: Mapping[str, float] | None = None) -> None:
        share = Share(self._name, members, self._zero or 0.0, self._divided, quiet or {})
        if share.members != self.share.members:
            _log.info("monitors", looking=share.members)
        self.share = share
        self.told(share)
