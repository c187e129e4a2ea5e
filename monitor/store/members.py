"""Shares the work among the monitors of one store.

Each has a lease on its name, which shows that it is alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.errors import EnvironmentFault, StoreFault
from monitor.plan.share import Share
from monitor.store.batch import RowSource
from monitor.store.lease import Leaseholder
from monitor.store.rows import Lease
from monitor.store.sql.read import Leases
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer

_log = structlog.get_logger(__name__)
_CLOCK_READINGS = 20
"""How many readings of the store's clock are remembered. The quickest of them is used, because it
is the most exact.
"""
PREFIX = "monitor "
"""The start of the name of a lease on a monitor's name."""
_WAIT_PREFIX = "quiet "
"""The start of the name of a lease that lasts as long as a host must get no request
(Retry-After).
"""
_NETWORK_DELAY = timedelta(seconds=0.1)
"""The others read the database's clock over a network. So a host's wait lasts this much longer in
the store.
"""


class NameTaken(StoreFault):
    """Raised if another process uses this monitor's name, so that this one must not write."""


@dataclass(frozen=True, slots=True)
class _StoredLeases:
    """All leases of a store, as read at `at` by the store's clock."""

    at: datetime
    leases: tuple[Lease, ...]

    def host_waits(self) -> dict[str, datetime]:
        """Return until when, by the store's clock, each host must get no request.

        Waits that are over are left out.
        """
        waits = (
            lease
            for lease in self.leases
            if lease.name.startswith(_WAIT_PREFIX) and lease.until > self.at
        )
        return {lease.name.removeprefix(_WAIT_PREFIX): lease.until for lease in waits}


class Members(RowSource):
    """One monitor among those that share a store.

    `on_share` is called in the event loop with each new share.

    - The lease on the name is renewed at least four times before it runs out. A new monitor waits
      for half of a lease before its first request, so that all others have reduced their shares by
      then.
    - If a monitor stops renewing, its share stays reserved for another quarter of a lease, and for
      as long as this monitor's own renewals took recently, because the store may be as slow for the
      others.
    - Every batch of the writer first renews the lease. If the others took this monitor for dead,
      decisions from before that are not written (see `term`).
    - If the store does not answer, the last share stays in use so that looks go on. The exception
      is a monitor that was suspended for longer than its lease, because others may use its share.
    """

    def __init__(
        self,
        name: str,
        holder: Leaseholder,
        leases: Leases,
        writer: Writer,
        clock: Clock,
    ) -> None:
        """Begin without a lease, which `join` takes."""
        self._name = name
        self._lease_name = PREFIX + name
        self._holder = holder
        # The time between two renewals: a quarter of the shortest lease. So several renewals may
        # fail before it ends.
        self._interval = holder.least / 4
        self._leases = leases
        self._writer = writer
        self._clock = clock
        # when the last renewal began: the lease lasts from then on
        self._renewal_time = clock.now()
        # The lease on our name as last committed, and as renewed in the transaction that is open.
        self._lease: Lease | None = None
        self._renewed: Lease | None = None
        self._is_joined = False
        # The begin of our last term that all other monitors know of, or None. In it, they share
        # budgets with us.
        self._known_term: datetime | None = None
        # no other monitor can take us for dead before this time of our monotonic clock
        self._alive_until = 0.0
        # a long time since then shows that this process was suspended
        self._last_awake = clock.monotonic()
        self._is_store_away = False  # whether the store did not answer the last renewal
        # whether requests are stopped because our lease may have run out
        self._must_renew_at_once = False
        # For each lease, its end as last read, and since when (by our monotonic clock) it has had
        # this end.
        self._renewals: dict[str, tuple[datetime, float]] = {}
        # For each reading, its uncertainty, and how far the store's clock is ahead of our monotonic
        # one. In seconds.
        self._clock_readings: list[tuple[float, float]] = []
        # Without members, no monitor makes requests, so it does not matter that the store's clock
        # is not known yet.
        self.share = Share(name, members=(), store_zero=0.0)
        # The owner sets both functions. `host_waits` returns until when each host has asked this
        # monitor to wait.
        self.on_share: Callable[[Share], None] = lambda _share: None
        self.host_waits: Callable[[], Mapping[str, float]] = dict

    @property
    def term(self) -> datetime | None:
        """Return since when all others have seen this monitor as alive without interruption.

        None before it joined.
        """
        return None if self._lease is None else self._lease.since

    def is_in_term(self, term: datetime | None) -> bool:
        """Return whether a decision that was made in `term` may be written.

        Call this inside a transaction.

        If not, make no writes and judge again. Do not roll back, because that would undo the
        renewal of the lease too.
        """
        return self._renewed is not None and self._renewed.since == term

    async def join(self) -> None:
        """Take the lease on our name, and begin to share the budgets.

        Wait until a dead process's lease has run out.

        Raises `EnvironmentFault` if the other process renews it meanwhile, because it is alive
        then.
        """
        first_seen: Lease | None = None
        while True:
            self._renewal_time = self._clock.now()
            lease = await self._writer.write(
                lambda tx: self._take_lease(tx) or self._leases.lease(self._lease_name)
            )
            if lease is not None and lease.holder == self._holder.name:
                break
            if lease is not None and first_seen is not None and lease.until != first_seen.until:
                remedy = "give each a `vantage` of its own under [watch]"
                raise EnvironmentFault(
                    f"another monitor named “{self._name}” runs on this store: {remedy}"
                )
            first_seen = first_seen or lease
            await self._clock.sleep(self._interval.total_seconds() / 2)
        self._lease, self._renewed, self._is_joined = lease, lease, True
        self._writer.add_row_source(self)
        self.on_share(self.share)
        await self._renew_and_read()

    async def stay_alive(self) -> None:
        """Renew our lease, which shows that this monitor is alive, and read those of the others,
        until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_for_suspension())
            while True:
                # Even if the renewal cannot wait, pause between the attempts while the store is
                # away.
                if not self._must_renew_at_once or self._is_store_away:
                    await self._clock.sleep(self._interval.total_seconds())
                await self._renew_and_read()

    async def _watch_for_suspension(self) -> None:
        """Check four times in each lease whether this process was suspended. Runs until
        cancelled.
        """
        while True:
            await self._clock.sleep(self._interval.total_seconds())
            self._stop_if_suspended()

    def _stop_if_suspended(self) -> None:
        """Stop requests if this process was suspended for so long that the other monitors could
        take it for dead.
        """
        now = self._clock.monotonic()
        pause = now - self._last_awake  # one interval, unless this process was suspended
        self._last_awake = now
        was_suspended = pause > 2 * self._interval.total_seconds()
        # Our lease may have run out. But while the store is away, no other monitor can read that it
        # has.
        may_seem_dead = now > self._alive_until and not self._is_store_away
        if was_suspended and may_seem_dead:
            self._must_renew_at_once = True
            # a share without members permits no requests
            self.on_share(replace(self.share, members=()))

    async def leave(self) -> None:
        """Give our name back, so that the others need not wait until it runs out."""
        if self._is_joined:
            self._is_joined = False
            await self._writer.write(
                lambda tx: self._holder.release(tx, self._lease_name), patient=False
            )

    def take_name_in(self, transaction: Transaction) -> None:
        """Take the lease on our name in a store that we cannot use yet, so that the others reserve
        our share.
        """
        if self._is_joined:
            self._take_lease(transaction)

    def forget_clock_readings(self) -> None:
        """Forget the readings of the clock, because the store was replaced by one with another
        clock.
        """
        self._clock_readings = []

    def write(self, transaction: Transaction) -> None:
        """Renew the lease on our name in a batch's transaction, if this monitor has joined.

        Raises `NameTaken`.
        """
        if not self._is_joined:
            return
        lease = self._take_lease(transaction)
        if lease is None:
            raise NameTaken(f"another monitor named “{self._name}” writes to this store")
        self._renewed = lease

    def note_committed(self) -> None:
        """Remember the lease that the committed batch renewed.

        Log it if the others took this monitor for dead.
        """
        if (
            self._lease is not None
            and self._renewed is not None
            and self._renewed.since != self._lease.since
        ):
            _log.warning("taken_for_dead", monitor=self._name, until=str(self._lease.until))
        self._lease = self._renewed

    def close(self) -> None:
        """Stop renewing."""
        self._is_joined = False

    def _take_lease(self, tx: Transaction) -> Lease | None:
        """Take or renew the lease on our name. Return None if another process has it."""
        return self._holder.take(tx, self._lease_name, self._renewal_time)

    async def _renew_and_read(self) -> None:
        """Renew our lease, read those of the others, and publish this monitor's new share of the
        hosts' budgets.

        The share has no members (we make no requests) if another process has our name. It stays if
        the store fails.
        """
        self._renewal_time = self._clock.now()
        began = self._clock.monotonic()
        # Convert the ends of the waits that hosts demand from our monotonic clock to the store's
        # clock.
        store_zero = self._store_clock_zero
        waits = (
            {}
            if store_zero is None
            else {host: until - store_zero for host, until in self.host_waits().items()}
        )
        try:
            add_and_read = partial(self._add_waits_and_read_leases, waits=waits)
            # Each transaction of the writer also renews our lease, because this object is one of
            # its row sources.
            # perhaps the disk is too full for waiting rows, so write only the lease
            if self._writer.is_refused:
                stored = await self._writer.write_with_source(self, add_and_read)
            else:
                stored = await self._writer.write(add_and_read, patient=False, urgent=True)
        except NameTaken:
            # The other process with our name makes the requests. This one tries again at the usual
            # interval.
            self._must_renew_at_once = False
            self._publish_share(members=())
        except StoreFault:
            self._note_failed_renewal(began)
        else:
            self._note_renewal(began, stored)

    def _note_failed_renewal(self, began: float) -> None:
        """Keep our last share of the hosts' budgets, because the store failed.

        `began` is by our monotonic clock.
        """
        # If this process was suspended during the write, the failure does not show that the store
        # is down.
        self._stop_if_suspended()
        self._is_store_away = True
        self._holder.record_write_time(self._clock.monotonic() - began)
        # The others could not renew their leases either. So when the store is back, each counts as
        # just renewed.
        self._renewals.clear()
        if not self._must_renew_at_once:  # else requests are stopped
            self.on_share(self.share)

    def _note_renewal(self, began: float, stored: _StoredLeases) -> None:
        """Note a renewal, which began at `began` (monotonic clock), and publish our share of the
        hosts' budgets.
        """
        ended = self._clock.monotonic()
        self._is_store_away = False
        self._alive_until = began + self._holder.lease_length.total_seconds()
        self._holder.record_write_time(ended - began)
        # If this process was suspended during the write, the leases that it read are outdated.
        self._must_renew_at_once = ended > self._alive_until
        # The store's clock was read between `began` and `ended`. The middle is wrong by half of
        # this time at most.
        uncertainty = (ended - began) / 2
        ahead = stored.at.timestamp() - (began + ended) / 2
        self._clock_readings = [*self._clock_readings, (uncertainty, ahead)][-_CLOCK_READINGS:]
        members: tuple[str, ...] = ()
        if not self._must_renew_at_once:
            self._update_renewals(stored, ended)
            members = self._choose_members(stored, ended)
        self._publish_share(members, stored.host_waits())

    @property
    def _store_clock_zero(self) -> float | None:
        """Return what our monotonic clock read when the store's clock was zero.

        None before the first reading.
        """
        _uncertainty, ahead = min(self._clock_readings, default=(0.0, None))
        return None if ahead is None else -ahead

    def _add_waits_and_read_leases(
        self, tx: Transaction, waits: Mapping[str, float]
    ) -> _StoredLeases:
        """Read all stored leases.

        Then store the waits that hosts asked this monitor for, so that all monitors wait.

        `waits` has for each host the end of its wait, in seconds of the store's clock. A wait is a
        lease with the host in its name. Return the leases as they were read.
        """
        leases = _StoredLeases(self._leases.now(self._renewal_time), tuple(self._leases.leases()))
        store_now, stored_ends = leases.at, leases.host_waits()
        for host, end in waits.items():
            until = datetime.fromtimestamp(end, UTC)
            if until > store_now and (host not in stored_ends or until > stored_ends[host]):
                # A wait until 9:31:00 is stored until 9:31:00.1. So the next call with the same
                # wait changes nothing.
                until += _NETWORK_DELAY
                # Only its holder can extend a lease. All monitors pass the same holder, so each of
                # them can.
                tx.take_lease(_WAIT_PREFIX + host, holder=_WAIT_PREFIX, now=store_now, until=until)
        return leases

    def _choose_members(self, stored: _StoredLeases, now: float) -> tuple[str, ...]:
        """Return who shares the hosts' budgets: the other live monitors, and this one once all
        others know of it.
        """
        others, term_begin = self._find_live_others(stored, now), self.term
        if term_begin is None:  # the term, in which this monitor has its lease, has not begun
            return tuple(sorted(others))
        # Each monitor reads all leases at every interval. So two intervals after this monitor took
        # its lease, all know of it. From then on it is a member until its lease ends, because a
        # monitor that joins later waits itself.
        if not others or stored.at >= term_begin + 2 * self._interval:
            self._known_term = term_begin
        is_known_to_all = self._known_term == term_begin
        return tuple(sorted(others | {self._name} if is_known_to_all else others))

    def _update_renewals(self, stored: _StoredLeases, now: float) -> None:
        """Note which leases of monitors were renewed since the last read.

        `now` is by our monotonic clock.
        """
        for lease in stored.leases:
            if lease.name.startswith(PREFIX):
                # When first read, a lease counts as renewed now, because we cannot know how old its
                # renewal is.
                last_end, renewed_at = self._renewals.get(lease.name, (lease.until, now))
                self._renewals[lease.name] = (
                    lease.until,
                    renewed_at if lease.until == last_end else now,
                )

    def _find_live_others(self, stored: _StoredLeases, now: float) -> set[str]:
        """Return the names of the other monitors that may be alive.

        `now` is by our monotonic clock.
        """
        # A renewal is expected each interval. It may be late by another one, and by the time that a
        # slow store needs.
        lateness = self._interval + self._holder.slowest_recent_write
        alive = set[str]()
        for lease in stored.leases:
            if lease.name.startswith(PREFIX) and lease.name != self._lease_name:
                # One sign of life is enough: a recent renewal by our clock, or the lease's end by
                # the store's clock.
                _end, renewed_at = self._renewals[lease.name]
                was_renewed = timedelta(seconds=now - renewed_at) < self._interval + lateness
                if was_renewed or lease.until + lateness > stored.at:
                    alive.add(lease.name.removeprefix(PREFIX))
        return alive

    def _publish_share(
        self, members: tuple[str, ...], waits: Mapping[str, datetime] | None = None
    ) -> None:
        """Pass to `on_share` this monitor's share of the requests that hosts may get.

        The `members` share them.

        `waits` has each host that must get no request for now, and the end of that wait.
        """
        # by the store's clock
        wait_ends = {host: until.timestamp() for host, until in (waits or {}).items()}
        # our monotonic clock minus the store's, 0 before it was read
        store_zero = self._store_clock_zero or 0.0
        share = Share(self._name, members, store_zero, quiet=wait_ends)
        if share.members != self.share.members:
            _log.info("monitors", looking=share.members)
        self.share = share
        self.on_share(share)
