"""Decides by a row of the store which of several monitors leads.

Only the leader looks, judges and sends. It renews its row, which lasts for `length`, in every
batch. If the row ends, the first standby that takes it leads, with the next epoch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import Deposed, EnvironmentFault, StoreFault, StoreTooNew
from monitor.store.batch import RowSource
from monitor.store.rows import NAME_PREFIX, Leader
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer

_log = structlog.get_logger(__name__)
_WAIT_PREFIX = "quiet "
"""Prefix of a lease that lasts as long as a host must get no request (Retry-After)."""
_LOOKS_PREFIX = "looks "
"""Prefix of a lease on looking, which each leader renews.

Its monitor drops it when it resigns or is a standby again. So if it has ended without being
dropped, the monitor may still look, and have unstored facts.
"""
_ATTEMPTS = 4
"""How often the leader renews its row before it ends."""
_STOPS_LOOKING_AFTER = timedelta(minutes=15)
"""A leader whose row has ended looks at half of its rate for so long, then it stops.

A new leader halves its rate for each former one that may still look. So together they never exceed
a host's rate.
"""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a renewal read: the store's time, the ends of waits, and of former leaders' leases."""

    now: datetime
    waits: Mapping[str, datetime]
    former: Mapping[str, datetime]


class Leadership(RowSource):
    """The leadership of this process, among the monitors that share a store.

    A standby calls `wait_to_lead`, the leader `stay`. If another monitor has led since, a batch
    raises `Deposed`, and the writer stores only what was seen.

    `on_allowance` gets the part of each host's rate that may be used, 1 down to 0. `host_waits`
    returns until when, by our monotonic clock, hosts want no request. `adopt_waits` gets the
    seconds of the former leader's waits. `on_handed_in` is called once a former leader is a
    standby: its looks are stored.
    """

    guards_decisions = True

    def __init__(
        self,
        monitor: str,
        process: str,
        writer: Writer,
        clock: Clock,
        length: timedelta,
    ) -> None:
        """Begin as a standby. `process` must be a name that no other process has, `length` is how
        long a row or lease lasts.
        """
        self._monitor, self._process = monitor, process
        self._writer, self._clock = writer, clock
        self._length = length
        self._interval = (length / _ATTEMPTS).total_seconds()
        self.leader: Leader | None = None
        self.epoch: int | None = None
        """Our epoch, None for a standby."""
        self._is_deposed = False
        self._now = clock.now()
        """The time of the next transaction, which runs in another thread. See `prepare`."""
        self._renewed_at = 0.0
        """The row ends `length` after this monotonic time, or later."""
        self._former = dict[str, float]()
        """Until which monotonic time each former leader may still look."""
        self.on_allowance: Callable[[float], None] = lambda _allowance: None
        self.host_waits: Callable[[], Mapping[str, float]] = dict
        self.adopt_waits: Callable[[Mapping[str, float]], None] = lambda _waits: None
        self.on_handed_in: Callable[[], object] = lambda: None

    @property
    def is_leading(self) -> bool:
        """Return whether this monitor leads, as far as it knows."""
        return self.epoch is not None and not self._is_deposed

    def describe(self) -> str:
        """Return who leads since when, in words."""
        if self.leader is None or not self.leader.holder:
            return "no monitor leads"
        who = "this monitor" if self.is_leading else self.leader.monitor
        return f"{who} leads since {self.leader.since:%d %B %H:%M:%S} UTC"

    async def is_led_by_other(self) -> bool:
        """Return whether another monitor leads now."""

        def read(tx: Transaction) -> bool:
            self.leader = tx.read.leases.leader()
            now = tx.read.leases.now(self._now)
            return self.leader is not None and self.leader.until > now

        self.prepare()
        return await self._writer.write(read)

    async def wait_to_lead(self) -> None:
        """Wait until this monitor leads. Raises `EnvironmentFault` if its name is taken."""
        await self._take_name()
        self._writer.add_row_source(self)
        while not await self._try_to_lead():
            await self._clock.sleep(self._interval)
        self.on_allowance(self._find_allowance())
        former = ", ".join(self._former)
        _log.warning("leads", monitor=self._monitor, epoch=self.epoch, former=former)

    async def stay(self) -> None:
        """Renew the leadership until another monitor leads."""
        watching = asyncio.ensure_future(self._keep_allowance())
        try:
            while not self._is_deposed:
                await self._clock.sleep(self._interval)
                await self._renew_lease()
        finally:
            watching.cancel()
            self.on_allowance(0.0)
        _log.warning("deposed", monitor=self._monitor)

    async def resign(self) -> None:
        """Give up leadership and name, so that another can lead at once."""
        if self._is_deposed:
            return

        # Then the row is not ours, so the writer writes no decision.
        def give_up(tx: Transaction) -> None:
            # A stop can cancel `wait_to_lead` after the row became ours.
            leader = tx.read.leases.leader()
            if leader is not None and leader.holder == self._process:
                tx.resign_leader(self._process, leader.epoch, self._now)
                tx.drop_lease(_LOOKS_PREFIX + self._monitor, _LOOKS_PREFIX)
            tx.drop_lease(NAME_PREFIX + self._monitor, self._process)

        await self._writer.write(give_up, patient=False)

    def prepare(self) -> None:
        """Read our clock for the next transaction."""
        self._now = self._clock.now()

    def write(self, transaction: Transaction) -> None:
        """Renew the leader's row in a batch's transaction. Raises `Deposed`."""
        if self.epoch is None:
            return
        now = self._now
        if self._is_deposed or not transaction.renew_leader(
            self._process, self.epoch, now, now + self._length
        ):
            self._is_deposed = True
            raise Deposed

    async def _take_name(self) -> None:
        """Take the lease on our name, once that of a dead process has ended."""
        first_end: datetime | None = None
        while True:
            self.prepare()
            holder, until = await self._writer.write(self._take_name_in)
            if holder == self._process:
                return
            if first_end is not None and until != first_end:
                remedy = "give each a `vantage` of its own under [watch]"
                raise EnvironmentFault(
                    f"another monitor named “{self._monitor}” runs on this store: {remedy}"
                )
            first_end = until
            await self._clock.sleep(self._interval)

    def _take_name_in(self, tx: Transaction) -> tuple[str, datetime | None]:
        """Take or renew our name. Return who has it, and until when."""
        now, name = self._now, NAME_PREFIX + self._monitor
        lease = tx.take_lease(name, self._process, now, now + self._length)
        lease = lease or tx.read.leases.lease(name)
        return ("", None) if lease is None else (lease.holder, lease.until)

    async def _try_to_lead(self) -> bool:
        """Lead if no monitor does. Return whether this one leads."""
        began = self._clock.monotonic()
        self.prepare()
        try:
            stored = await self._writer.write(self._take_lead_in, patient=False)
        except StoreTooNew:
            raise
        except StoreFault:
            return False
        if stored is None or self.leader is None:
            return False
        self.epoch, self._renewed_at = self.leader.epoch, began
        self._note_former(stored)
        waits = {host: until - stored.now for host, until in stored.waits.items()}
        self.adopt_waits({host: wait.total_seconds() for host, wait in waits.items()})
        return True

    def _take_lead_in(self, tx: Transaction) -> _Stored | None:
        """Renew our name, and lead if no monitor does. Return what the store has then,
        else None.
        """
        self._take_name_in(tx)
        now = self._now
        self.leader = tx.read.leases.leader()
        # Trying to take the row would lock it, which delays its leader.
        if self.leader is None or self.leader.until <= tx.read.leases.now(now):
            taken = tx.take_leader(self._process, self._monitor, now, now + self._length)
            if taken is not None:
                self.leader = taken
                return self._store_looking(tx)
        tx.drop_lease(_LOOKS_PREFIX + self._monitor, _LOOKS_PREFIX)
        return None

    def _store_looking(self, tx: Transaction) -> _Stored:
        """Renew our lease on looking, and read waits and other leases."""
        name = _LOOKS_PREFIX + self._monitor
        tx.take_lease(name, _LOOKS_PREFIX, self._now, self._now + self._length)
        now = tx.read.leases.now(self._now)
        waits, looking = dict[str, datetime](), dict[str, datetime]()
        for lease in tx.read.leases.leases():
            if lease.holder == _WAIT_PREFIX and lease.until > now:
                waits[lease.name.removeprefix(_WAIT_PREFIX)] = lease.until
            elif lease.holder == _LOOKS_PREFIX and lease.name != name:
                looking[lease.name.removeprefix(_LOOKS_PREFIX)] = lease.until
        return _Stored(now, waits, looking)

    def _note_former(self, stored: _Stored) -> None:
        """Note until when each former leader may still look."""
        now = self._clock.monotonic()
        looks_on = _STOPS_LOOKING_AFTER + self._length
        self._former = {
            name: now + (end - stored.now + looks_on).total_seconds()
            for name, end in stored.former.items()
        }

    async def _renew_lease(self) -> None:
        """Renew the row, store the waits of hosts, and see what former leaders do."""
        began = self._clock.monotonic()
        self.prepare()
        waits = {host: until - began for host, until in self.host_waits().items() if until > began}

        def renew(tx: Transaction) -> _Stored:
            self._take_name_in(tx)
            now = tx.read.leases.now(self._now)
            for host, seconds in waits.items():
                until = now + timedelta(seconds=seconds)
                tx.take_lease(_WAIT_PREFIX + host, _WAIT_PREFIX, now, until)
            return self._store_looking(tx)

        try:
            # The disk may be too full for the waiting rows, so write only the leader's.
            if self._writer.is_refused:
                stored = await self._writer.write_with_source(self, renew)
            else:
                stored = await self._writer.write(renew, patient=False, urgent=True)
        except StoreTooNew:
            raise
        except StoreFault:
            return  # `_keep_allowance` reduces our rate when the row has ended
        self._renewed_at = began
        are_handed_in = not stored.former.keys() >= self._former.keys()
        self._note_former(stored)
        if are_handed_in:
            self.on_handed_in()

    async def _keep_allowance(self) -> None:
        """Report the allowance as often as the row is renewed."""
        while True:
            self.on_allowance(self._find_allowance())
            await self._clock.sleep(self._interval)

    def _find_allowance(self) -> float:
        """Return the part of each host's rate that we may use now."""
        now = self._clock.monotonic()
        row_ends = self._renewed_at + self._length.total_seconds()
        if now > row_ends + _STOPS_LOOKING_AFTER.total_seconds():
            return 0.0
        halvings = sum(now < until for until in self._former.values())
        if now > row_ends:
            halvings += 1
        return 0.5**halvings
