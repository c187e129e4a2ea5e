"""Several monitors on one store: who they are, what falls to each, and what one may still write that was stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.clock import VirtualClock
from monitor.errors import EnvironmentFault
from monitor.plan.share import Share
from monitor.store.members import Members
from monitor.store.sql.read import Leases
from tests.unit.monitor.store.slow_writer import Holder, Refused, SlowWriter
from tests.worlds.instants import SLOT
from tests.worlds.stores import a_store
from tests.worlds.virtual import Test, asking_for, virtually

Start = Callable[[str], Awaitable["Living"]]


class Halting(VirtualClock):
    """The clock of a process that may be halted: nothing in it wakes before it goes on."""

    halted_until = 0.0

    def halt(self, seconds: float) -> None:
        """Stand still for so long from now on."""
        self.halted_until = self.monotonic() + seconds

    async def sleep(self, seconds: float) -> None:
        """Wait, and for as long as the process stands still."""
        await super().sleep(seconds)
        await super().sleep(self.halted_until - self.monotonic())


@dataclass(frozen=True, slots=True)
class Shared(Leases):
    """The leases of a database that several monitors share: it goes by its own clock."""

    writer: SlowWriter

    def now(self, own: datetime) -> datetime:  # noqa: ARG002
        """Return the time at which it is asked."""
        return self.writer.writes_at


@dataclass
class Living:
    """One monitor's hold on its name, and every share that fell to it."""

    name: str
    members: Members
    writer: SlowWriter
    clock: Halting
    shares: list[tuple[str, ...]] = field(default_factory=list)
    turns: int = 0
    keeping: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Stop renewing, as by SIGSTOP."""
        assert self.keeping is not None
        self.keeping.cancel()

    def kill(self) -> None:
        """End without a word, as by SIGKILL."""
        self.stop()
        self.writer.abandon()

    def go_on(self) -> None:
        """Go on, as by SIGCONT."""
        self.keeping = asyncio.create_task(self.members.stay_alive())

    def told(self, share: Share) -> None:
        """Remember a share that differs from the last, and how many came."""
        self.turns += 1
        if not self.shares or self.shares[-1] != share.members:
            self.shares.append(share.members)


def on_one_store(test: Test) -> Callable[..., None]:
    """Run a coroutine as a test with a virtual clock, in which `start` starts monitors on one store."""

    async def run(clock: VirtualClock, tmp_path: Path, **arguments: object) -> None:
        lives: list[Living] = []
        with closing(a_store(tmp_path)) as store:

            async def start(name: str) -> Living:
                own = Halting(SLOT)
                writer = SlowWriter(store, own)
                mark = Holder(f"{name} {len(lives)}", timedelta(seconds=2), writer=writer)
                members = Members(name, mark, Shared(store.leases.runner, writer), writer, own, divided=False)
                life = Living(name, members, writer, own)
                members.on_share = life.told
                await members.join()
                life.go_on()
                lives.append(life)
                return life

            try:
                await test(clock=clock, start=start, **arguments)
            finally:
                for life in lives:
                    life.kill()

    return virtually(asking_for(run, test, given=("start",), more=("tmp_path",)))


@on_one_store
async def test_a_single_monitor_has_every_turn_at_once(clock: VirtualClock, start: Start) -> None:
    assert (await start("north")).shares == [(), ("north",)]


@on_one_store
async def test_a_new_monitor_waits_until_the_others_share(clock: VirtualClock, start: Start) -> None:
    north = await start("north")
    south = await start("south")
    assert south.shares[-1] == ("north",)
    await clock.sleep(0.9)
    assert (north.shares[-1], south.shares[-1]) == (("north", "south"), ("north",))
    await clock.sleep(1.0)
    assert south.shares[-1] == ("north", "south")


@on_one_store
async def test_others_use_the_turns_of_a_killed_monitor_within_three_seconds(clock: VirtualClock, start: Start) -> None:
    north, south = await start("north"), await start("south")
    await clock.sleep(3)
    north.kill()
    await clock.sleep(3)
    assert south.shares[-1] == ("south",)


@on_one_store
async def test_a_halted_monitor_waits_until_it_knows_the_others(clock: VirtualClock, start: Start) -> None:
    north, south = await start("north"), await start("south")
    await clock.sleep(3)
    north.clock.halt(3.2)
    await clock.sleep(6)
    assert south.shares[-2:] == [("south",), ("north", "south")]
    assert north.shares[-3:] == [(), ("south",), ("north", "south")]
    # Its store goes away while it stands still: the other, which may have taken its turns, cannot be asked.
    north.clock.halt(3.2)
    north.writer.abandon()
    await clock.sleep(9)
    assert (south.shares[-1], north.shares[-1]) == (("south",), ())


@on_one_store
async def test_after_a_moment_without_the_store_a_monitor_still_has_its_share(
    clock: VirtualClock, start: Start
) -> None:
    north = (await start("north"), await start("south"))[0]
    await clock.sleep(3)
    north.writer.abandon()
    north.clock.halt(1.2)
    await clock.sleep(4)
    # Who could not tell the store for long that it lives was not taken for dead by one that cannot ask either.
    north.clock.halt(4)
    await clock.sleep(6)
    assert north.shares[-1] == ("north", "south")


@on_one_store
async def test_a_monitor_halted_during_a_failing_write_does_not_exceed_the_shared_budget(
    clock: VirtualClock, start: Start
) -> None:
    both = north, _ = await start("north"), await start("south")
    await clock.sleep(3)
    north.writer.slow_to_begin = 0.2
    while not north.writer.is_asked:
        await clock.sleep(0.1)
    north.writer.is_away = True
    north.clock.halt(6)
    await clock.sleep(6)
    assert await most_spent(both, 6) <= 1


@on_one_store
async def test_monitors_of_a_very_slow_store_keep_their_shares(clock: VirtualClock, start: Start) -> None:
    both = north, south = await start("north"), await start("south")
    await clock.sleep(3)
    for life in both:
        life.writer.slow = 2.6
    # What was slow of a sudden costs some turns, and no more than that.
    await clock.sleep(15)
    known, terms = [list(life.shares) for life in both], [life.members.term for life in both]
    await clock.sleep(60)
    assert [life.shares for life in both] == known
    assert [life.members.term for life in both] == terms
    assert {life.shares[-1] for life in both} == {("north", "south")}
    for life in both:
        life.writer.slow = 0.0
    await clock.sleep(10)
    north.kill()
    await clock.sleep(3)
    assert south.shares[-1] == ("south",)


@pytest.mark.parametrize(("slow", "slower"), [(1.0, 2.6), (1.0, 3.2), (1.8, 2.8), (2.6, 2.6)])
@on_one_store
async def test_monitors_never_exceed_the_shared_budget_when_their_store_becomes_slow(
    clock: VirtualClock, start: Start, slow: float, slower: float
) -> None:
    both = (await start("north"), await start("south"))
    await clock.sleep(3)
    for life, delay in zip(both, (slow, slower), strict=True):
        life.writer.slow_to_begin = delay
    assert await most_spent(both, 20) <= 1


@pytest.mark.parametrize("later", [0.1, 0.3, 0.6])
@on_one_store
async def test_monitors_never_exceed_the_shared_budget_when_the_store_is_back_for_one_first(
    clock: VirtualClock, start: Start, later: float
) -> None:
    both = north, south = await start("north"), await start("south")
    await clock.sleep(3)
    for life in both:
        life.writer.is_away = True
    await clock.sleep(10)
    north.writer.is_away = False
    assert await most_spent(both, later) <= 1
    south.writer.is_away = False
    assert await most_spent(both, 10) <= 1
    assert {life.shares[-1] for life in both} == {("north", "south")}


@on_one_store
async def test_monitors_never_exceed_the_shared_budget_when_the_disk_has_no_room_for_looks(
    clock: VirtualClock, start: Start
) -> None:
    both = north, south = await start("north"), await start("south")
    await clock.sleep(3)
    terms = [life.members.term for life in both]
    south.writer.add_member(Refused())
    assert await most_spent(both, 30) <= 1
    assert [life.members.term for life in both] == terms
    assert {life.shares[-1] for life in both} == {("north", "south")}
    # It hears as soon as ever that it is alone.
    north.kill()
    await clock.sleep(3)
    assert south.shares[-1] == ("south",)


@on_one_store
async def test_after_an_outage_of_the_store_a_monitor_waits_as_long_before_it_takes_its_share(
    clock: VirtualClock, start: Start
) -> None:
    both = north, south = await start("north"), await start("south")
    await clock.sleep(3)
    for life in both:
        life.writer.slow_to_begin, life.writer.is_away = 4.0, True
    await clock.sleep(6)
    failed = north.turns
    while north.turns == failed:
        await clock.sleep(0.1)
    # What the other asked a moment ago comes through, and late.
    north.writer.slow_to_begin, north.writer.is_away, south.writer.is_away = 0.1, False, False
    assert await most_spent(both, 20) <= 1
    assert {life.shares[-1] for life in both} == {("north", "south")}


async def most_spent(lives: Sequence[Living], seconds: float) -> float:
    """Return how much of a budget all ask for together at most within so many seconds."""
    most = 0.0
    for _ in range(round(seconds / 0.1)):
        await lives[0].clock.sleep(0.1)
        shares = [(life.name, life.shares[-1]) for life in lives]
        most = max(most, sum(1 / len(share) for name, share in shares if name in share))
    return most


@on_one_store
async def test_others_use_the_turns_of_a_stopped_monitor_at_once(clock: VirtualClock, start: Start) -> None:
    north, south = await start("north"), await start("south")
    await clock.sleep(3)
    north.stop()
    await north.members.leave()
    await clock.sleep(0.6)
    assert south.shares[-1] == ("south",)


@on_one_store
async def test_all_monitors_obey_the_wait_that_a_host_demanded_of_one(clock: VirtualClock, start: Start) -> None:
    north, south = await start("north"), await start("south")
    until, epoch = clock.monotonic() + 20, clock.now() - timedelta(seconds=clock.monotonic())

    def wait(life: Living) -> float:
        told = life.members.share.quiet_until("www.gov.uk", epoch)
        return 0.0 if told is None else (told - epoch).total_seconds() - until

    north.members.host_waits = lambda: {"www.gov.uk": until}
    # It was told of a shorter time, and takes nothing back.
    south.members.host_waits = lambda: {"www.gov.uk": until - 10}
    await clock.sleep(1.2)
    assert (wait(north), wait(south)) == (pytest.approx(0.1), pytest.approx(0.1))
    assert wait(await start("west")) == pytest.approx(0.1)
    await clock.sleep(20)
    assert {wait(life) for life in (north, south)} == {0.0}


@on_one_store
async def test_name_in_use_is_refused_with_the_key_to_change(clock: VirtualClock, start: Start) -> None:
    await start("north")
    with pytest.raises(EnvironmentFault, match=r"another monitor named “north” runs on this store.*vantage"):
        await start("north")


@on_one_store
async def test_a_killed_monitor_comes_back_under_its_name(clock: VirtualClock, start: Start) -> None:
    north = await start("north")
    north.kill()
    assert (await start("north")).shares[-1] == ("north",)


@on_one_store
async def test_a_decision_from_before_a_lost_lease_is_not_written(clock: VirtualClock, start: Start) -> None:
    north = await start("north")
    members, term = north.members, north.members.term
    await clock.sleep(10)
    assert await north.writer.write(lambda _tx: members.is_in_term(term))
    north.stop()
    await clock.sleep(10)
    north.go_on()
    await clock.sleep(1)
    assert not await north.writer.write(lambda _tx: members.is_in_term(term))
    later = members.term
    assert await north.writer.write(lambda _tx: members.is_in_term(later))


@on_one_store
async def test_suspended_monitor_with_a_taken_name_gets_no_share_and_writes_nothing(
    clock: VirtualClock, start: Start
) -> None:
    old = await start("north")
    old.stop()
    await clock.sleep(5)
    new = await start("north")
    old.go_on()
    await clock.sleep(3)
    assert (old.shares[-1], new.shares[-1]) == ((), ("north",))
    writing = asyncio.ensure_future(old.writer.write(lambda _tx: None))
    await clock.sleep(5)
    assert not writing.done()
    writing.cancel()


@on_one_store
async def test_a_monitor_whose_name_was_taken_keeps_to_its_old_share(clock: VirtualClock, start: Start) -> None:
    old = await start("north")
    await clock.sleep(3)
    old.clock.halt(6)
    await clock.sleep(4)
    new = await start("north")
    await clock.sleep(4)
    before = old.turns
    await clock.sleep(10)
    assert (old.shares[-1], new.shares[-1]) == ((), ("north",))
    assert old.turns - before <= 20
