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
from tests.unit.monitor.store.slow_writer import FullDisk, Holder, SlowWriter
from tests.worlds.instants import SLOT
from tests.worlds.stores import a_store
from tests.worlds.virtual import Test, asking_for, virtually

NETWORK_DELAY = 0.1  # the seconds that a monitor allows for its way to the store
LEASE_SECONDS = 2
LONGER_THAN_OTHERS_WAIT = LEASE_SECONDS + 1.2  # they use the turns of a monitor at most 1 s after its lease ran out
Start = Callable[[str], Awaitable["Monitor"]]


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
class Monitor:
    """One monitor of a shared store, and how it learns which monitors share the budget of each host."""

    name: str
    members: Members
    writer: SlowWriter
    clock: Halting
    sharers_over_time: list[tuple[str, ...]] = field(default_factory=list)
    shares_received: int = 0
    keeping: asyncio.Task[None] | None = None

    @property
    def sharers(self) -> tuple[str, ...]:
        """Return the monitors that share the budget, as this one knows it. It makes no requests if it is not one."""
        return self.sharers_over_time[-1]

    def stop_renewing(self) -> None:
        """Stop renewing its lease, as by SIGSTOP."""
        assert self.keeping is not None
        self.keeping.cancel()

    def kill(self) -> None:
        """End without a word, as by SIGKILL."""
        self.stop_renewing()
        self.writer.abandon()

    def resume_renewing(self) -> None:
        """Renew its lease again, as by SIGCONT."""
        self.keeping = asyncio.create_task(self.members.stay_alive())

    def record_share(self, share: Share) -> None:
        """Remember a share that differs from the last, and how many came."""
        self.shares_received += 1
        if not self.sharers_over_time or self.sharers != share.members:
            self.sharers_over_time.append(share.members)


def on_one_store(test: Test) -> Callable[..., None]:
    """Run a coroutine as a test with a virtual clock, in which `start` starts monitors on one store."""

    async def run(clock: VirtualClock, tmp_path: Path, **arguments: object) -> None:
        monitors: list[Monitor] = []
        with closing(a_store(tmp_path)) as store:

            async def start(name: str) -> Monitor:
                own = Halting(SLOT)
                writer = SlowWriter(store, own)
                mark = Holder(f"{name} {len(monitors)}", timedelta(seconds=LEASE_SECONDS), writer=writer)
                members = Members(name, mark, Shared(store.leases.runner, writer), writer, own, divided=False)
                monitor = Monitor(name, members, writer, own)
                members.on_share = monitor.record_share
                await members.join()
                monitor.resume_renewing()
                monitors.append(monitor)
                return monitor

            try:
                await test(clock=clock, start=start, **arguments)
            finally:
                for monitor in monitors:
                    monitor.kill()

    return virtually(asking_for(run, test, given=("start",), more=("tmp_path",)))


async def highest_part_of_budget_used(monitors: Sequence[Monitor], *, within: float) -> float:
    """Return the highest part of one host's budget that the monitors used together within so many seconds."""
    highest = 0.0
    for _ in range(round(within / 0.1)):
        await monitors[0].clock.sleep(0.1)
        shares = [(monitor.name, monitor.sharers) for monitor in monitors]
        highest = max(highest, sum(1 / len(share) for name, share in shares if name in share))
    return highest


async def start_north_and_south(clock: VirtualClock, start: Start) -> tuple[Monitor, Monitor]:
    """Start two monitors, and wait until each knows that they share the turns."""
    both = await start("north"), await start("south")
    await clock.sleep(3)
    return both


@on_one_store
async def test_a_monitor_that_is_alone_makes_all_requests_at_once(clock: VirtualClock, start: Start) -> None:
    north = await start("north")
    # `sharers_over_time` are the monitors that make requests, as north knew them: at first none, and then only north.
    assert north.sharers_over_time == [(), ("north",)]


@on_one_store
async def test_a_new_monitor_sends_nothing_until_the_others_know_of_it(clock: VirtualClock, start: Start) -> None:
    north = await start("north")
    south = await start("south")
    # `sharers` are the monitors that share the budgets of hosts, as each monitor knows them. At first south leaves all
    # requests to north. Leases of 2 s are read every 0.5 s, and a new monitor waits for half of one.
    assert south.sharers == ("north",)
    await clock.sleep(0.9)
    assert (north.sharers, south.sharers) == (("north", "south"), ("north",))
    await clock.sleep(1.0)
    assert south.sharers == ("north", "south")


@pytest.mark.parametrize("is_disk_of_the_other_full", [False, True])
@on_one_store
async def test_another_monitor_makes_the_requests_of_a_killed_one_within_three_seconds(
    clock: VirtualClock, start: Start, *, is_disk_of_the_other_full: bool
) -> None:
    north, south = await start_north_and_south(clock, start)
    if is_disk_of_the_other_full:
        # With this member, the store refuses every batch of south, but not a write of its lease only. After 30 s, its
        # attempts to write a batch are already 5 s apart, but it still reads the leases every 0.5 s.
        south.writer.add_row_source(FullDisk())
        await clock.sleep(30)
    north.kill()
    # Its lease of 2 s runs out, its requests stay reserved for 0.5 s more, and south reads all leases every 0.5 s. Then
    # south knows of no other monitor that makes requests.
    await clock.sleep(3)
    assert south.sharers == ("south",)


@on_one_store
async def test_a_killed_monitor_is_noticed_within_three_seconds_again_after_the_store_was_slow(
    clock: VirtualClock, start: Start
) -> None:
    both = north, south = await start_north_and_south(clock, start)
    # While the store is slow, the monitors allow each other more time to renew their leases. After ten seconds in which
    # it is quick, they do not any more.
    longer_than_a_lease = LEASE_SECONDS + 0.6
    for seconds_to_confirm, duration in ((longer_than_a_lease, 75), (0.0, 10)):
        for monitor in both:
            monitor.writer.seconds_to_confirm = seconds_to_confirm
        await clock.sleep(duration)
    north.kill()
    await clock.sleep(3)
    # South knows of no other monitor that makes requests.
    assert south.sharers == ("south",)


@on_one_store
async def test_a_monitor_that_was_halted_makes_no_requests_until_the_others_leave_some_to_it_again(
    clock: VirtualClock, start: Start
) -> None:
    north, south = await start_north_and_south(clock, start)
    # After the lease of north (2 s), south waits for it for at most 1 s. This halt takes 3.2 s.
    north.clock.halt(LONGER_THAN_OTHERS_WAIT)
    await clock.sleep(6)
    # `sharers` are the monitors that make requests. South makes those of north from the end of its lease until north is
    # back.
    assert south.sharers_over_time[-2:] == [("south",), ("north", "south")]
    # North makes no requests before it is one of the sharers again.
    assert north.sharers_over_time[-3:] == [(), ("south",), ("north", "south")]


@on_one_store
async def test_a_monitor_halted_for_longer_than_its_lease_makes_no_requests_until_it_reaches_its_store(
    clock: VirtualClock, start: Start
) -> None:
    north, south = await start_north_and_south(clock, start)
    north.clock.halt(LONGER_THAN_OTHERS_WAIT)
    north.writer.abandon()  # from here on, none of its writes reaches the store
    await clock.sleep(9)
    # Each names the monitors that make requests, as it knows them. South makes those of north now, so north makes none.
    assert (south.sharers, north.sharers) == (("south",), ())


@on_one_store
async def test_a_monitor_whose_store_was_away_before_it_was_halted_still_makes_its_requests_after_that(
    clock: VirtualClock, start: Start
) -> None:
    north, _south = await start_north_and_south(clock, start)
    north.writer.abandon()  # from here on, none of its writes reaches the store
    shorter_than_its_lease, longer_than_its_lease = LEASE_SECONDS - 0.8, 2 * LEASE_SECONDS
    north.clock.halt(shorter_than_its_lease)
    await clock.sleep(4)
    # The store was away before this halt, so north assumes that the others cannot use its turns either.
    north.clock.halt(longer_than_its_lease)
    await clock.sleep(6)
    assert north.sharers == ("north", "south")


@on_one_store
async def test_a_monitor_halted_during_a_failing_write_does_not_exceed_the_shared_budget(
    clock: VirtualClock, start: Start
) -> None:
    both = north, _south = await start_north_and_south(clock, start)
    north.writer.seconds_to_begin = 0.2
    while not north.writer.is_writing:
        await clock.sleep(0.1)
    north.writer.is_away = True
    # Meanwhile its lease runs out, and south makes all requests.
    north.clock.halt(6)
    await clock.sleep(6)
    # 1 is the whole budget of requests to a host. With more, the monitors together would send it too many.
    assert await highest_part_of_budget_used(both, within=6) <= 1


@on_one_store
async def test_monitors_of_a_slow_store_keep_their_leases_and_their_requests(clock: VirtualClock, start: Start) -> None:
    both = await start_north_and_south(clock, start)
    for monitor in both:
        monitor.writer.seconds_to_confirm = LEASE_SECONDS + 0.6
    # A sudden slowness costs some requests at first. Then no lease runs out: a new lease would begin another term.
    await clock.sleep(15)
    changes_before = [len(monitor.sharers_over_time) for monitor in both]
    terms_before = [monitor.members.term for monitor in both]
    await clock.sleep(60)
    assert [len(monitor.sharers_over_time) for monitor in both] == changes_before
    assert [monitor.members.term for monitor in both] == terms_before
    assert {monitor.sharers for monitor in both} == {("north", "south")}


# So many seconds pass until a write of each monitor begins, less or more than the 2 s of their leases.
@pytest.mark.parametrize(
    ("north_write_seconds", "south_write_seconds"), [(1.0, 2.6), (1.0, 3.2), (1.8, 2.8), (2.6, 2.6)]
)
@on_one_store
async def test_monitors_never_exceed_the_shared_budget_when_their_store_becomes_slow(
    clock: VirtualClock, start: Start, north_write_seconds: float, south_write_seconds: float
) -> None:
    both = north, south = await start_north_and_south(clock, start)
    north.writer.seconds_to_begin, south.writer.seconds_to_begin = north_write_seconds, south_write_seconds
    # 1 is the whole budget of requests to a host. With more, the monitors together would send it too many.
    assert await highest_part_of_budget_used(both, within=20) <= 1


# For so many seconds the store is back for north only. A monitor renews its lease every 0.5 s.
@pytest.mark.parametrize("seconds_between", [0.1, 0.3, 0.6])
@on_one_store
async def test_monitors_never_exceed_the_shared_budget_when_the_store_is_back_for_one_first(
    clock: VirtualClock, start: Start, seconds_between: float
) -> None:
    both = north, south = await start_north_and_south(clock, start)
    for monitor in both:
        monitor.writer.is_away = True
    await clock.sleep(10)
    north.writer.is_away = False
    # 1 is the whole budget of requests to a host. With more, the monitors together would send it too many.
    assert await highest_part_of_budget_used(both, within=seconds_between) <= 1
    south.writer.is_away = False
    assert await highest_part_of_budget_used(both, within=10) <= 1
    assert {monitor.sharers for monitor in both} == {("north", "south")}


@on_one_store
async def test_monitors_keep_their_leases_and_the_shared_budget_when_the_disk_has_no_room_for_looks(
    clock: VirtualClock, start: Start
) -> None:
    both = _north, south = await start_north_and_south(clock, start)
    terms_before = [monitor.members.term for monitor in both]  # each new lease begins a term
    # With this member, the store refuses the batches of south, but not a write of its lease only.
    south.writer.add_row_source(FullDisk())
    assert await highest_part_of_budget_used(both, within=30) <= 1
    assert [monitor.members.term for monitor in both] == terms_before
    assert {monitor.sharers for monitor in both} == {("north", "south")}


@on_one_store
async def test_the_shared_budget_is_kept_when_a_write_that_began_in_an_outage_is_committed_after_it(
    clock: VirtualClock, start: Start
) -> None:
    both = north, south = await start_north_and_south(clock, start)
    north.writer.seconds_to_begin, south.writer.seconds_to_begin = 4.0, 5.0
    north.writer.is_away = south.writer.is_away = True
    await clock.sleep(6)
    # Wait until another write of north fails, after which it gets its old share of the budget once more. Each begins a
    # write 0.5 s after the last one ended. So this is north's second write, which ends after about 9 s. South's second
    # write lasts until about 11 s, so it is committed, because the outage ends before.
    received_before = north.shares_received
    while north.shares_received == received_before:
        await clock.sleep(0.1)
    assert south.writer.is_writing
    north.writer.seconds_to_begin, north.writer.is_away, south.writer.is_away = 0.1, False, False
    assert await highest_part_of_budget_used(both, within=20) <= 1
    assert {monitor.sharers for monitor in both} == {("north", "south")}


@on_one_store
async def test_others_make_the_requests_of_a_stopped_monitor_at_once(clock: VirtualClock, start: Start) -> None:
    north, south = await start_north_and_south(clock, start)
    north.stop_renewing()
    # A monitor that stops in order gives its lease back.
    await north.members.leave()
    await clock.sleep(0.6)  # leases are read every 0.5 s
    assert south.sharers == ("south",)


@on_one_store
async def test_all_monitors_obey_the_wait_that_a_host_demanded_of_one(clock: VirtualClock, start: Start) -> None:
    north, south = await start("north"), await start("south")
    until = clock.monotonic() + 20
    steady_zero = clock.now() - timedelta(seconds=clock.monotonic())  # the time at which `monotonic` was zero

    def wait_until(monitor: Monitor) -> float | None:
        """Return until when a monitor sends no request to the host, in seconds of the steady clock."""
        instant = monitor.members.share.quiet_until("www.gov.uk", steady_zero)
        return None if instant is None else (instant - steady_zero).total_seconds()

    north.members.host_waits = lambda: {"www.gov.uk": until}
    # The host also demanded a shorter wait of south. All monitors obey the longer one.
    south.members.host_waits = lambda: {"www.gov.uk": until - 10}
    await clock.sleep(1.2)  # leases are renewed every 0.5 s: one renewal stores the waits, and the next one reads them
    # All monitors, also north, obey the stored wait. It is longer by the time that a monitor may need to read the clock
    # of the store over a network, so that no monitor ends it too soon.
    after_until = pytest.approx(until + NETWORK_DELAY)
    assert (wait_until(north), wait_until(south)) == (after_until, after_until)
    assert wait_until(await start("west")) == after_until
    await clock.sleep(20)
    assert (wait_until(north), wait_until(south)) == (None, None)


@on_one_store
async def test_a_second_monitor_of_a_name_is_refused_with_the_key_to_change(clock: VirtualClock, start: Start) -> None:
    await start("north")
    with pytest.raises(EnvironmentFault, match=r"another monitor named “north” runs on this store.*vantage"):
        await start("north")


@on_one_store
async def test_a_killed_monitor_comes_back_under_its_name(clock: VirtualClock, start: Start) -> None:
    north = await start("north")
    north.kill()
    # A start waits until the lease on its name has run out. It is refused only if another process renews that lease.
    north_again = await start("north")
    assert north_again.sharers == ("north",)


@on_one_store
async def test_a_decision_from_before_a_lost_lease_is_not_written(clock: VirtualClock, start: Start) -> None:
    north = await start("north")
    members, first_term = north.members, north.members.term
    await clock.sleep(10)  # meanwhile its lease of 2 s is renewed many times
    assert await north.writer.write(lambda _tx: members.is_in_term(first_term))
    north.stop_renewing()
    await clock.sleep(10)  # its lease runs out
    north.resume_renewing()
    await clock.sleep(1)  # it takes a new lease, which begins a second term
    assert not await north.writer.write(lambda _tx: members.is_in_term(first_term))
    second_term = members.term
    assert await north.writer.write(lambda _tx: members.is_in_term(second_term))


@on_one_store
async def test_a_suspended_monitor_whose_name_was_taken_makes_no_requests_and_writes_nothing(
    clock: VirtualClock, start: Start
) -> None:
    old = await start("north")
    old.stop_renewing()
    await clock.sleep(5)  # longer than its lease lasts
    new = await start("north")
    old.resume_renewing()
    await clock.sleep(3)
    # `sharers` are the monitors that make requests. For the old process there are none.
    assert (old.sharers, new.sharers) == ((), ("north",))
    # A write waits until the monitor has its name again.
    writing = asyncio.ensure_future(old.writer.write(lambda _tx: None))
    await clock.sleep(5)
    assert not writing.done()
    writing.cancel()


@on_one_store
async def test_a_halted_monitor_whose_name_was_taken_makes_no_requests_and_seldom_tries_again(
    clock: VirtualClock, start: Start
) -> None:
    old = await start("north")
    await clock.sleep(3)
    old.clock.halt(6)
    # After 4 s its lease of 2 s has ended, and another process takes its name. Then the halted one goes on.
    await clock.sleep(4)
    new = await start("north")
    await clock.sleep(4)
    # Each attempt to renew its lease gives it a share of the requests, which is empty. It tries at most twice a second.
    attempts_before, seconds = old.shares_received, 10
    await clock.sleep(seconds)
    assert (old.sharers, new.sharers) == ((), ("north",))
    assert old.shares_received - attempts_before <= 2 * seconds
