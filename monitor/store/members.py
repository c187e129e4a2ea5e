"""The monitors of one store: each holds its name by a lease, and knows by the others' who else lives."""

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
"""What begins the name of a lease that is the name of a monitor."""
_QUIET = "quiet "
"""What begins the name of a lease that is a host's, which told a monitor to wait until it runs out."""
_SURELY = timedelta(seconds=0.1)
"""How much longer the others wait: clocks are read from afar."""


class NameTaken(StoreFault):
    """Another process writes under this monitor's name, so that this one must not."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store tells of its monitors: its time, and every lease."""

    at: datetime
    leases: tuple[Lease, ...]

    @property
    def quiet(self) -> dict[str, float]:
        """Return until when each host told somebody to wait, in seconds of the store's time."""
        hosts = (lease for lease in self.leases if lease.name.startswith(_QUIET) and lease.until > self.at)
        return {lease.name.removeprefix(_QUIET): lease.until.timestamp() for lease in hosts}


class _Unrenewed:
    """For how long each lease has been seen as it is, by steady time."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, float]] = {}

    def told(self, lease: Lease, now: float) -> timedelta:
        """Tell it of a lease that is seen at `now`, in seconds."""
        until, since = self._seen.get(lease.name, (lease.until, now))
        since = since if until == lease.until else now
        self._seen[lease.name] = (lease.until, since)
        return timedelta(seconds=now - since)

    def forget(self) -> None:
        """Begin anew: for a while we could see nothing, and the others perhaps renew nothing."""
        self._seen.clear()


class Members:
    """One monitor among those of a store. `told` is called, in the loop, with each share.

    A name is renewed four times while its lease lasts at least; whoever comes waits for half of that before it asks
    anything, so that all others have made room by then, and the turns of one that fell silent are left alone for a
    quarter more, and for as long as this monitor's own renewals took of late: the store was as slow for others, or as
    far away.
    It is written with every batch of the writer, ahead of all else: what was decided before this monitor was taken for
    dead is not written any more (`term`). While the store is away the last share holds, so that nobody is blind for it,
    but for one that stood still beyond its lease before: the others may have its turns.
    `quiet` returns which hosts told this monitor to wait, and until when in seconds of steady time: none asks them.
    """

    def __init__(
        self, name: str, holder: Leaseholder, leases: Leases, writer: Writer, clock: Clock, *, divided: bool
    ) -> None:
        """`holder` is of this process alone; `divided`: each host is looked at by one monitor."""
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
        # Until when, in seconds of steady time, nobody can have taken us for dead.
        self._alive_until = 0.0
        self._awake = clock.monotonic()
        self._is_away = self._has_lapsed = False
        self._unrenewed = _Unrenewed()
        # How far the store's clock is ahead of our steady time, and how sure that is: the best of late readings.
        self._readings: list[tuple[float, float]] = []
        self.share = Share(name, (), 0.0, divided)
        self.told: Callable[[Share], None] = lambda _share: None
        self.quiet: Callable[[], Mapping[str, float]] = dict

    @property
    def term(self) -> datetime | None:
        """Return since when this monitor has been alive to all others without a break."""
        return None if self._held is None else self._held.since

    def still(self, term: datetime | None) -> bool:
        """Tell, inside a transaction, whether what was decided in a term may be written: else it is judged again.

        Whoever may not writes nothing and lets the rest be: a transaction taken back would take our name along.
        """
        return self._renewed is not None and self._renewed.since == term

    async def join(self) -> None:
        """Take our name. Raises `SurroundingsFault` when another process has it and is alive."""
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
        """Renew our name and see who else lives, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notice())
            while True:
                # Whoever was away for long asks nothing until it knows who else looks.
                if not self._has_lapsed or self._is_away:
                    await self._clock.sleep(self._every.total_seconds())
                await self._turn()

    async def _notice(self) -> None:
        while True:
            await self._clock.sleep(self._every.total_seconds())
            self._note_awake()

    def _note_awake(self) -> None:
        """Leave all turns alone when this process stood still until others could have taken it for dead."""
        now, before = self._clock.monotonic(), self._awake
        self._awake = now
        stood_still = now - before > 2 * self._every.total_seconds() and now > self._alive_until
        # Of a store that was away already, nobody can have learnt that we fell silent.
        if stood_still and not self._is_away:
            self._has_lapsed = True
            self.told(replace(self.share, members=()))

    async def leave(self) -> None:
        """Give our name back, so that the others need not wait until it runs out."""
        if self._is_in:
            self._is_in = False
            await self._writer.write(lambda tx: self._holder.release(tx, PREFIX + self._name), patient=False)

    def show(self, transaction: Transaction) -> None:
        """Take our name in a store that we cannot go over to yet: others see us there, and leave our turns alone."""
        if self._is_in:
            self._taken(transaction)

    def moved(self) -> None:
        """Take note that the store is another one, by another clock."""
        self._readings = []

    def prepare(self) -> None:
        """Have nothing to do before the transaction."""

    def write(self, transaction: Transaction) -> None:
        """Renew our name with a batch. Raises `NameTaken`."""
        if not self._is_in:
            return
        mine = self._taken(transaction)
        if mine is None:
            raise NameTaken(f"another monitor named “{self._name}” writes to this store")
        self._renewed = mine

    def written(self) -> None:
        """Go by the name as it was renewed: in a batch that was taken back it was not."""
        if self._held is not None and self._renewed is not None and self._renewed.since != self._held.since:
            _log.warning("taken_for_dead", monitor=self._name, until=str(self._held.until))
        self._held = self._renewed

    def more(self) -> int:
        """Return 0: a name is renewed with whatever is written."""
        return 0

    def close(self) -> None:
        """Write nothing more."""
        self._is_in = False

    def _taken(self, tx: Transaction) -> Lease | None:
        return self._holder.take(tx, PREFIX + self._name, self._now)

    def _ours_or_theirs(self, tx: Transaction) -> Lease | None:
        """Return our name as we hold it, or as another process does that bears it: only one that lives renews it."""
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
            # What failed as we stood still says nothing of the store then.
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
        # What was read before we stood still says nothing of now.
        self._has_lapsed = ended > self._alive_until
        ahead = seen.at.timestamp() - (began + ended) / 2
        self._readings = [*self._readings[1 - _READINGS :], ((ended - began) / 2, ahead)]
        self._tell(() if self._has_lapsed else self._members(seen), seen.quiet)

    async def _write(self, look: Callable[[Transaction], _Seen]) -> _Seen:
        # A disk may have no room for what one monitor would write, and for all that another does.
        if self._writer.is_refused:
            return await self._writer.write_alone(self, look)
        return await self._writer.write(look, patient=False, first=True)

    @property
    def _zero(self) -> float | None:
        """Return when the store's clock was at zero, in seconds of our steady time; None before it was read."""
        return -min(self._readings)[1] if self._readings else None

    def _look(self, tx: Transaction, quiet: Mapping[str, float]) -> _Seen:
        seen = _Seen(self._leases.now(self._now), tuple(self._leases.leases()))
        for host, told in quiet.items():
            until = datetime.fromtimestamp(told, UTC)
            if until > max(seen.at, datetime.fromtimestamp(seen.quiet.get(host, 0.0), UTC)):
                tx.take_lease(_QUIET + host, _QUIET, seen.at, until + _SURELY)
        return seen

    def _members(self, seen: _Seen) -> tuple[str, ...]:
        """Return who shares every budget: whoever lives, and we ourselves once all others know of us."""
        waits, now = self._every + self._holder.patience, self._clock.monotonic()
        others = {
            lease.name.removeprefix(PREFIX)
            for lease in seen.leases
            if lease.name.startswith(PREFIX)
            and (self._unrenewed.told(lease, now) < waits + self._every or lease.until + waits > seen.at)
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
