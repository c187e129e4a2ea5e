"""One of several monitors on a store leads: who takes over, what a former leader may still do, and
how many requests both send together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import VirtualClock
from monitor.errors import Deposed, EnvironmentFault, StoreTooNew
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.leadership import Leadership
from monitor.store.rows import DeliveryState
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import SlowChannel, an_outbox, open_late_incidents
from tests.worlds.instants import SLOT
from tests.worlds.looks import EDGE, a_run
from tests.worlds.stores import CutStore, a_store_file, a_verdict_row, runs_of

LENGTH = timedelta(seconds=2)
MINUTES = 60.0


@dataclass
class Monitor:
    """A process of a monitor, with its own connection to the store, and the rate that it may use."""

    name: str
    clock: VirtualClock
    store: CutStore
    process: str = ""
    allowance: float = 1.0
    adopted: dict[str, float] = field(default_factory=dict)
    handed_in: int = 0

    def __post_init__(self) -> None:
        self.store.upgrade()
        self.writer = Writer(self.store, self.clock)
        process = self.process or f"{self.name} 1"
        self.leadership = Leadership(self.name, process, self.writer, self.clock, LENGTH)
        self.leadership.on_allowance = self._set_allowance
        self.leadership.adopt_waits = self.adopted.update
        self.leadership.on_handed_in = self._note_handed_in
        self.task: asyncio.Task[None] | None = None

    def _set_allowance(self, allowance: float) -> None:
        self.allowance = allowance

    def _note_handed_in(self) -> None:
        self.handed_in += 1

    @property
    def leads(self) -> bool:
        return self.leadership.is_leading

    def start(self) -> None:
        async def run() -> None:
            await self.leadership.wait_to_lead()
            await self.leadership.stay()

        self.task = asyncio.create_task(run())

    def kill(self) -> None:
        """End as kill -9 does."""
        if self.task is not None:
            self.task.cancel()
        self.writer.abandon()


Story = Callable[[VirtualClock, Callable[..., Monitor]], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    """Give a function that plays a story of monitors on one store, and ends them after it."""
    url = a_store_file(tmp_path / "store.db")

    def play(story: Story) -> None:
        async def run(clock: VirtualClock) -> None:
            monitors: list[Monitor] = []

            def start(name: str, **fields: Any) -> Monitor:  # noqa: ANN401
                monitor = Monitor(name, clock, CutStore(url, durable=False), **fields)
                monitors.append(monitor)
                monitor.start()
                return monitor

            await story(clock, start)
            for monitor in monitors:
                monitor.kill()
                monitor.store.close()

        run_virtually(run, SLOT)

    return play


async def start_leader_and_standby(
    clock: VirtualClock, start: Callable[..., Monitor]
) -> tuple[Monitor, Monitor]:
    """Start a leader, then a standby, and give them time to see each other."""
    leader = start("north")
    await clock.sleep(1)
    standby = start("south")
    await clock.sleep(5)
    return leader, standby


def test_the_first_monitor_leads_and_the_second_is_a_standby(play: Callable[[Story], None]) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north = start("north")
        await clock.sleep(1)
        south = start("south")
        await clock.sleep(60)
        assert (north.leads, south.leads) == (True, False)
        assert (north.allowance, north.leadership.epoch) == (1.0, 1)
        assert south.leadership.describe() == "north leads since 05 January 09:30:00 UTC"
        assert north.leadership.describe() == "this monitor leads since 05 January 09:30:00 UTC"

    play(story)


def test_standby_takes_over_three_seconds_after_a_kill_and_looks_at_half_of_the_rate(
    play: Callable[[Story], None],
) -> None:
    """The killed monitor may be only cut off, so the new leader looks at half of the rate until a
    quarter of an hour has passed, or the former one is a standby.
    """

    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        north.kill()
        await clock.sleep(3)
        assert (south.leads, south.leadership.epoch, south.allowance) == (True, 2, 0.5)
        await clock.sleep(14 * MINUTES)
        assert south.allowance == 0.5
        await clock.sleep(MINUTES + 3)
        assert (south.allowance, south.handed_in) == (1.0, 0)

    play(story)


def test_new_leader_uses_the_whole_rate_once_the_former_one_is_a_standby(
    play: Callable[[Story], None],
) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        north.kill()
        await clock.sleep(60)
        restarted = start("north", process="north 2")
        await clock.sleep(2)
        assert (south.allowance, south.handed_in, restarted.leads) == (1.0, 1, False)

    play(story)


def test_monitor_that_resigns_is_followed_at_once_at_the_whole_rate(
    play: Callable[[Story], None],
) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        await north.leadership.resign()
        await clock.sleep(0.6)
        assert (south.leads, south.allowance) == (True, 1.0)

    play(story)


def test_monitor_that_stops_while_it_takes_the_lead_gives_it_up(
    play: Callable[[Story], None],
) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north = start("north")
        leases = north.store.leases
        while (leader := leases.leader()) is None or not leader.holder:  # noqa: ASYNC110 # no event tells it
            await asyncio.sleep(0)
        assert not north.leads
        assert north.task is not None
        north.task.cancel()
        await north.leadership.resign()
        leader = leases.leader()
        assert leader is not None
        assert leader.holder == ""

    play(story)


def test_leader_that_is_cut_off_looks_at_half_of_the_rate_and_stops_after_a_quarter_of_an_hour(
    play: Callable[[Story], None],
) -> None:
    """Together with the new leader, it never exceeds the rate. When the store is back, it is
    deposed.
    """

    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        north.store.is_cut = True
        together = []
        for _ in range(20 * 60):
            await clock.sleep(1)
            leading = south.allowance if south.leads else 0.0
            together.append(north.allowance + leading)
        assert max(together[3:]) <= 1.0
        assert (north.allowance, south.allowance) == (0.0, 1.0)
        north.store.is_cut = False
        await clock.sleep(10)
        assert (north.leads, north.allowance) == (False, 0.0)
        assert north.task is not None
        assert north.task.done()

    play(story)


@pytest.mark.parametrize("successor", ["south", "west"])
def test_third_leader_shares_the_rate_with_the_first_until_that_one_is_a_standby(
    play: Callable[[Story], None], successor: str
) -> None:
    """The second leader was killed. It is started again, or another one takes over."""

    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        north.store.is_cut = True
        await clock.sleep(5)
        assert south.leads
        south.kill()
        third = start(successor, process="third")
        await clock.sleep(5)
        # A killed monitor may be only cut off, unless it was started again.
        allowance = 0.5 if successor == "south" else 0.25
        assert (third.leads, third.allowance, north.allowance) == (True, allowance, 0.5)
        handed_in = third.handed_in

        north.store.is_cut = False
        await clock.sleep(2)
        north.kill()
        start("north", process="north 2")
        await clock.sleep(4)
        assert third.handed_in == handed_in + 1
        assert third.allowance == 2 * allowance

    play(story)


@pytest.mark.parametrize("minutes", [1, 5, 14])
def test_leaders_cut_off_one_after_the_other_never_exceed_the_rate_together(
    play: Callable[[Story], None], minutes: int
) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        started = list[Monitor]()
        most = 0.0
        for name in ("north", "south", "west"):
            started.append(start(name))
            await clock.sleep(10)
            assert started[-1].leads
            for _ in range(minutes * 60):
                most = max(most, sum(monitor.allowance for monitor in started))
                await clock.sleep(1)
            started[-1].store.is_cut = True
            await clock.sleep(3)
        assert most <= 1.0

    play(story)


def test_killed_standby_does_not_halve_the_rate(play: Callable[[Story], None]) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        south.kill()
        await clock.sleep(30)
        assert (north.allowance, north.handed_in) == (1.0, 0)

    play(story)


def test_former_leader_hands_in_its_looks_but_no_decision(play: Callable[[Story], None]) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        north.store.is_cut = True
        north.writer.queue_run(a_run())

        def decide(tx: Transaction) -> None:
            tx.save(a_verdict_row())

        deciding = asyncio.create_task(north.writer.write(decide))
        await clock.sleep(30)
        assert south.leads
        north.store.is_cut = False
        with pytest.raises(Deposed):
            await deciding
        with pytest.raises(Deposed):
            await north.writer.write(decide)
        await north.writer.close()
        assert runs_of(south.store, EDGE) == [a_run()]
        assert south.store.verdicts.judged() == []

    play(story)


def test_message_that_a_former_leader_sent_is_not_sent_by_its_successor(
    play: Callable[[Story], None],
) -> None:
    """The leader is cut off while a channel takes a message, and is deposed."""

    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north, south = await start_leader_and_standby(clock, start)
        await open_late_incidents(north.store, north.writer, clock, ["r"])
        channel = SlowChannel(clock, seconds=3.0)
        outboxes = [an_outbox(one.store, one.writer, [channel], clock) for one in (north, south)]
        sending = asyncio.create_task(outboxes[0].send_due("mail"))
        await clock.sleep(1)
        north.store.is_cut = True
        await clock.sleep(30)
        assert south.leads
        # It reads what waits, just before the former leader reaches the store again.
        assert await outboxes[1].send_due("mail") == clock.now() + timedelta(seconds=10)
        north.store.is_cut = False
        await asyncio.wait([sending])
        await clock.sleep(15)
        assert await outboxes[1].send_due("mail") is None
        assert len(channel.begun_ids) == 1
        (sent,) = south.store.outbox.deliveries()
        assert sent.standing is DeliveryState.SENT

    play(story)


def test_leader_that_was_cut_off_goes_on_if_no_monitor_took_over(
    play: Callable[[Story], None],
) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north = start("north")
        await clock.sleep(5)
        north.store.is_cut = True
        await clock.sleep(60)
        assert north.allowance == 0.5
        north.store.is_cut = False
        await clock.sleep(10)
        assert (north.leads, north.leadership.epoch, north.allowance) == (True, 1, 1.0)

    play(story)


def test_wait_that_a_host_asked_for_binds_the_next_leader(play: Callable[[Story], None]) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north = start("north")
        north.leadership.host_waits = lambda: {"www.gov.uk": 100.0}  # of the monotonic clock
        await clock.sleep(5)
        south = start("south")
        await clock.sleep(5)
        north.kill()
        await clock.sleep(3)
        asked_until = clock.monotonic() + south.adopted["www.gov.uk"]
        # South took over a moment ago.
        assert 100.0 <= asked_until <= 103.0

    play(story)


def test_monitor_with_a_name_in_use_does_not_start(play: Callable[[Story], None]) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        start("north")
        await clock.sleep(1)
        twin = start("north", process="north 2")
        assert twin.task is not None
        with pytest.raises(EnvironmentFault, match="another monitor named “north” runs"):
            await twin.task

    play(story)


def test_leader_ends_when_a_newer_version_has_upgraded_the_store(
    play: Callable[[Story], None],
) -> None:
    async def story(clock: VirtualClock, start: Callable[..., Monitor]) -> None:
        north = start("north")
        await clock.sleep(5)
        with north.store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        assert north.task is not None
        with pytest.raises(StoreTooNew, match="a newer version of ninethirty made it"):
            await north.task

    play(story)
