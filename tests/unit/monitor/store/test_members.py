"""Several monitors on one store: who they are, what falls to each, and what one may still write
that was stopped.
"""

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

WHOLE_BUDGET = 1.0  # all requests that the monitors together may send to a host
NETWORK_DELAY = 0.1  # the seconds that a monitor allows for its way to the store
LEASE_SECONDS = 2
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
    """One monitor of a shared store, and how it learns which monitors share the budget of each
    host.
    """

    name: str
    members: Members
    writer: SlowWriter
    clock: Halting
    requesters_over_time: list[tuple[str, ...]] = field(default_factory=list)
    renewal_attempts: int = 0
    keeping: asyncio.Task[None] | None = None

    @property
    def requesters(self) -> tuple[str, ...]:
        """Return the monitors that make requests, as this one knows them.

        It makes none if it is not one of them.
        """
        return self.requesters_over_time[-1]

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
        """Note the monitors that make requests from now on.

        This follows each attempt to renew the lease.
        """
        self.renewal_attempts += 1
        if not self.requesters_over_time or self.requesters != share.members:
            self.requesters_over_time.append(share.members)

    def halt(self, seconds: float) -> None:
        """Halt this process only: nothing in it happens for so long, while the other monitors go
        on.
        """
        self.clock.halt(seconds)

    def fill_disk(self) -> None:
        """From now on, the store refuses each batch of this monitor, but not a write of its lease
        only.
        """
        self.writer.add_row_source(FullDisk())

    def receive_wait(self, host: str, until: float) -> None:
        """Let a host demand of this monitor that it waits until then, in seconds of steady time."""
        self.members.host_waits = lambda: {host: until}

    def wait_of_host(self, host: str) -> float | None:
        """Return until when this monitor sends no request to a host, in seconds of steady time."""
        steady_zero = self.clock.now() - timedelta(seconds=self.clock.monotonic())
        instant = self.members.share.quiet_until(host, steady_zero)
        return None if instant is None else (instant - steady_zero).total_seconds()


def on_one_store(test: Test) -> Callable[..., None]:
    """Run a coroutine as a test with a virtual clock, in which `start` starts monitors on one
    store.
    """

    async def run(clock: VirtualClock, tmp_path: Path, **arguments: object) -> None:
        monitors: list[Monitor] = []
        with closing(a_store(tmp_path)) as store:

            async def start(name: str) -> Monitor:
                own = Halting(SLOT)
                writer = SlowWriter(store, own)
                mark = Holder(
                    f"{name} {len(monitors)}", timedelta(seconds=LEASE_SECONDS), writer=writer
                )
                members = Members(name, mark, Shared(store.leases.runner, writer), writer, own)
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


async def highest_part_of_budget_used(monitors: Sequence[Monitor], *, next_seconds: float) -> float:
    """Return the highest part of one host's budget that the monitors used together within so many
    seconds.
    """
    highest = 0.0
    for _ in range(round(next_seconds / 0.1)):
        await monitors[0].clock.sleep(0.1)
        shares = [(monitor.name, monitor.requesters) for monitor in monitors]
        highest = max(highest, sum(1 / len(share) for name, share in shares if name in share))
    return highest


async def start_north_and_south(clock: VirtualClock, start: Start) -> tuple[Monitor, Monitor]:
    """Start two monitors, and wait until each knows that they share the turns."""
    both = await start("north"), await start("south")
    await clock.sleep(3)
    return both


@on_one_store
async def test_only_monitor_of_a_store_makes_requests_at_once(
    clock: VirtualClock, start: Start
) -> None:
    """A new monitor usually waits until the others know it.

    North is the only one on its store, so it does not wait.
    """
    began = clock.monotonic()
    north = await start("north")
    assert clock.monotonic() == began
    # The monitors that make requests, as north knew them over time: none at first, and then itself.
    assert north.requesters_over_time == [(), ("north",)]


@on_one_store
async def test_new_monitor_sends_nothing_until_the_others_know_it(
    clock: VirtualClock, start: Start
) -> None:
    """Monitors of one store share the requests that a host may get.

    North runs already. Then south starts.

    `requesters` are the monitors that make requests, as one monitor knows them. North reads in the
    store every 0.5 s which monitors there are. South waits for 1 s, so that north knows it by then.
    """
    north = await start("north")
    south = await start("south")
    assert south.requesters == ("north",)  # south leaves all requests to north
    await clock.sleep(0.9)
    assert north.requesters == ("north", "south")
    assert south.requesters == ("north",)
    await clock.sleep(1.0)
    assert south.requesters == ("north", "south")


@pytest.mark.parametrize("is_disk_of_the_other_full", [False, True])
@on_one_store
async def test_requests_of_a_killed_monitor_pass_on_within_three_seconds(
    clock: VirtualClock, start: Start, *, is_disk_of_the_other_full: bool
) -> None:
    """Two monitors share the requests that a host may get.

    Each renews a lease in the store, which lasts for 2 s.

    North is killed. Within 2 s its lease runs out. Its requests stay reserved for 0.5 s more. South
    reads the leases every 0.5 s. So after 3 s it makes all requests, even if its disk is full.
    """
    north, south = await start_north_and_south(clock, start)
    if is_disk_of_the_other_full:
        south.fill_disk()
        await clock.sleep(30)  # by then, south tries to store its looks only every 5 s
    north.kill()
    await clock.sleep(2 + 0.5 + 0.5)
    assert south.requesters == ("south",)  # the monitors that make requests, as south knows them


@on_one_store
async def test_kill_is_noticed_within_3_s_once_a_store_is_quick(
    clock: VirtualClock, start: Start
) -> None:
    """Each of two monitors renews a lease in the store, which usually lasts for 2 s.

    A commit here takes 2.6 s.

    So the monitors allow each other more than 2 s. Then the store becomes quick. After 10 s they
    allow 2 s again. So within 3 s after north is killed, south makes all requests.
    """
    north, south = await start_north_and_south(clock, start)
    north.writer.seconds_after_commit = south.writer.seconds_after_commit = LEASE_SECONDS + 0.6
    await clock.sleep(75)
    north.writer.seconds_after_commit = south.writer.seconds_after_commit = 0.0
    await clock.sleep(10)
    north.kill()
    await clock.sleep(3)
    assert south.requesters == ("south",)  # the monitors that make requests, as south knows them


@on_one_store
async def test_halted_monitor_makes_no_requests_until_its_lease_is_known(
    clock: VirtualClock, start: Start
) -> None:
    """Two monitors share the requests that a host may get.

    Each renews a lease in the store, which lasts for 2 s.

    The process of north stands still for longer. So south takes over its requests. Then north goes
    on, and takes a new lease. It makes no requests until south has read this lease in the store.
    """
    north, south = await start_north_and_south(clock, start)
    # south takes over north's requests within 1 s after the lease
    lease, time_to_take_over = LEASE_SECONDS, 1.0
    north.halt(seconds=lease + time_to_take_over + 0.2)
    await clock.sleep(6)
    # The monitors that make requests, as south knew them over time: only itself during the halt,
    # and then both.
    assert south.requesters_over_time[-2:] == [("south",), ("north", "south")]
    # As north knew them after its halt: first none, because its lease had run out. Then south, as
    # it read in the store. Then both, because south had read the new lease.
    assert north.requesters_over_time[-3:] == [(), ("south",), ("north", "south")]


@on_one_store
async def test_halted_monitor_makes_no_requests_without_its_store(
    clock: VirtualClock, start: Start
) -> None:
    """Two monitors share the requests that a host may get.

    Each renews a lease in the store, which lasts for 2 s.

    The process of north stands still for longer. So south takes over its requests. Then north goes
    on, but cannot reach the store. So it cannot know whether it may make requests, and makes none.
    """
    north, south = await start_north_and_south(clock, start)
    # south takes over north's requests within 1 s after the lease
    lease, time_to_take_over = LEASE_SECONDS, 1.0
    north.halt(seconds=lease + time_to_take_over + 0.2)
    north.writer.abandon()  # from here on, none of its writes reaches the store
    await clock.sleep(9)
    # The monitors that make requests, as each of the two knows them.
    assert south.requesters == ("south",)
    assert north.requesters == ()


@on_one_store
async def test_monitor_halted_while_the_store_is_away_goes_on(
    clock: VirtualClock, start: Start
) -> None:
    """Two monitors share the requests that a host may get.

    Each renews a lease in the store, which lasts for 2 s.

    North cannot reach the store any more. Then its process stands still for 4 s, and its lease runs
    out. It assumes that the store is away for south too, so that south did not take over its
    requests. So north goes on as one of two monitors.
    """
    north, _south = await start_north_and_south(clock, start)
    north.writer.abandon()  # from here on, none of its writes reaches the store
    north.halt(seconds=LEASE_SECONDS - 0.8)  # a short halt, before the lease runs out
    await clock.sleep(4)
    north.halt(seconds=2 * LEASE_SECONDS)
    await clock.sleep(6)
    # the monitors that make requests, as north knows them
    assert north.requesters == ("north", "south")


@on_one_store
async def test_halt_during_a_failing_write_keeps_the_shared_budget(
    clock: VirtualClock, start: Start
) -> None:
    """Two monitors share the budget of a host: together they never send more requests than it
    allows.

    Each renews a lease in the store, which lasts for 2 s. The process of north stands still for 6
    s, while it writes its lease. So the lease ends, and south takes over all requests. When north
    goes on, the write fails. North may not use its old share then, or the budget would be exceeded.
    """
    north, south = await start_north_and_south(clock, start)
    both = (north, south)
    north.writer.seconds_before_write = 0.2
    while not north.writer.is_write_pending:
        await clock.sleep(0.1)
    north.writer.is_store_away = True  # so the pending write will fail
    north.halt(seconds=6)
    await clock.sleep(6)
    assert south.requesters == ("south",)  # the monitors that make requests, as south knows them
    assert await highest_part_of_budget_used(both, next_seconds=6) <= WHOLE_BUDGET


@on_one_store
async def test_slow_store_stops_neither_of_two_monitors(clock: VirtualClock, start: Start) -> None:
    """Each of two monitors renews a lease in the store, which lasts for 2 s.

    But each commit takes 2.6 s.

    So at first a monitor may lose its lease, and stop its requests. Within 15 s, the leases are
    made longer. After that, neither monitor loses its lease or stops.
    """
    north, south = await start_north_and_south(clock, start)
    north.writer.seconds_after_commit = south.writer.seconds_after_commit = LEASE_SECONDS + 0.6
    await clock.sleep(15)
    begins_of_leases = [north.members.term, south.members.term]
    changes_before = [len(north.requesters_over_time), len(south.requesters_over_time)]
    await clock.sleep(60)
    assert [north.members.term, south.members.term] == begins_of_leases
    # `requesters` are the monitors that make requests, as each of the two knows them. They did not
    # change.
    assert [len(north.requesters_over_time), len(south.requesters_over_time)] == changes_before
    assert north.requesters == south.requesters == ("north", "south")


@pytest.mark.parametrize(
    ("north_write_seconds", "south_write_seconds"), [(1.0, 2.6), (1.0, 3.2), (1.8, 2.8), (2.6, 2.6)]
)
@on_one_store
async def test_store_that_becomes_slow_keeps_the_shared_budget(
    clock: VirtualClock, start: Start, north_write_seconds: float, south_write_seconds: float
) -> None:
    """Two monitors share the budget of a host: together they never send more requests than it
    allows.

    Each renews a lease in the store, which lasts for 2 s. The store becomes slow: each write begins
    1 to 3 s late. So a lease may run out, and the other monitor takes over. Meanwhile the budget is
    kept.
    """
    north, south = await start_north_and_south(clock, start)
    both = (north, south)
    north.writer.seconds_before_write, south.writer.seconds_before_write = (
        north_write_seconds,
        south_write_seconds,
    )
    assert await highest_part_of_budget_used(both, next_seconds=20) <= WHOLE_BUDGET


@pytest.mark.parametrize("seconds_between", [0.1, 0.3, 0.6])
@on_one_store
async def test_shared_budget_is_kept_if_the_store_returns_to_one_first(
    clock: VirtualClock, start: Start, seconds_between: float
) -> None:
    """Two monitors share the budget of a host: together they never send more requests than it
    allows.

    The store is away for 10 s. Then north can reach it again, and south a little later
    (`seconds_between`). North does not take over the requests of south, so the budget is kept all
    the time.
    """
    north, south = await start_north_and_south(clock, start)
    both = (north, south)
    for monitor in both:
        monitor.writer.is_store_away = True
    await clock.sleep(10)
    north.writer.is_store_away = False
    assert await highest_part_of_budget_used(both, next_seconds=seconds_between) <= WHOLE_BUDGET
    south.writer.is_store_away = False
    assert await highest_part_of_budget_used(both, next_seconds=10) <= WHOLE_BUDGET
    # both know that both make requests
    assert {monitor.requesters for monitor in both} == {("north", "south")}


@on_one_store
async def test_monitor_with_a_full_disk_keeps_its_budget_share(
    clock: VirtualClock, start: Start
) -> None:
    """Two monitors share the budget of a host: together they never send more requests than it
    allows.

    The disk of south has no room for its looks. But it can still renew its lease in the store,
    which shows that it runs. So both go on with their requests, and the budget is kept.
    """
    north, south = await start_north_and_south(clock, start)
    both = (north, south)
    begins_of_leases = [north.members.term, south.members.term]
    south.fill_disk()
    assert await highest_part_of_budget_used(both, next_seconds=30) <= WHOLE_BUDGET
    assert [north.members.term, south.members.term] == begins_of_leases  # neither lost its lease
    # `requesters` are the monitors that make requests, as each of the two knows them.
    assert north.requesters == south.requesters == ("north", "south")


@on_one_store
async def test_write_that_outlasts_an_outage_keeps_the_shared_budget(
    clock: VirtualClock, start: Start
) -> None:
    """Two monitors share the budget of a host: together they never send more requests than it
    allows.

    During an outage of the store, two writes of north fail. The second write of south goes on until
    the outage is over. So it is committed. The budget is kept, and both monitors go on.
    """
    north, south = await start_north_and_south(clock, start)
    both = (north, south)
    # The outage begins. Writes of north begin 4 s late, at about 5 s and 9 s. Those of south begin
    # 5 s late.
    north.writer.is_store_away = south.writer.is_store_away = True
    north.writer.seconds_before_write, south.writer.seconds_before_write = 4.0, 5.0
    await clock.sleep(6)
    # Wait until the second write of north has failed, at about 9 s.
    attempts_before = north.renewal_attempts
    while north.renewal_attempts == attempts_before:
        await clock.sleep(0.1)
    # Now the outage ends. South's second write begins at about 11 s.
    assert south.writer.is_write_pending
    north.writer.is_store_away = south.writer.is_store_away = False
    north.writer.seconds_before_write = 0.1
    assert await highest_part_of_budget_used(both, next_seconds=20) <= WHOLE_BUDGET
    # `requesters` are the monitors that make requests, as each of the two knows them.
    assert north.requesters == south.requesters == ("north", "south")


@on_one_store
async def test_requests_of_a_leaving_monitor_pass_to_the_other(
    clock: VirtualClock, start: Start
) -> None:
    """Two monitors share the requests that a host may get.

    Each has a lease in the store, as a sign that it runs.

    North stops, and gives its lease back. South reads the leases every 0.5 s. So it soon makes all
    requests.
    """
    north, south = await start_north_and_south(clock, start)
    north.stop_renewing()
    await north.members.leave()  # gives the lease back
    seconds_between_reads_of_leases = 0.5
    await clock.sleep(seconds_between_reads_of_leases + 0.1)
    assert south.requesters == ("south",)  # the monitors that make requests, as south knows them


@on_one_store
async def test_all_monitors_obey_the_longest_wait_demanded_of_one(
    clock: VirtualClock, start: Start
) -> None:
    """Three monitors use one store.

    The host www.gov.uk demands of north to wait 20 s, and of south 10 s.

    Each monitor stores such a wait, and reads those of the others every 0.5 s.
    So north and south both wait 20 s, and so does west, which starts later.
    """
    north, south = await start("north"), await start("south")
    shorter, longer = clock.monotonic() + 10, clock.monotonic() + 20
    north.receive_wait("www.gov.uk", until=longer)
    south.receive_wait("www.gov.uk", until=shorter)
    await clock.sleep(1.2)
    west = await start("west")
    # NETWORK_DELAY (0.1 s) is added because a monitor reads the clock of the store over a network.
    stored_until = pytest.approx(longer + NETWORK_DELAY)
    assert north.wait_of_host("www.gov.uk") == stored_until
    assert south.wait_of_host("www.gov.uk") == stored_until
    assert west.wait_of_host("www.gov.uk") == stored_until
    await clock.sleep(20)  # now the wait is over
    assert north.wait_of_host("www.gov.uk") is None
    assert south.wait_of_host("www.gov.uk") is None


@on_one_store
async def test_second_monitor_of_a_name_is_refused(clock: VirtualClock, start: Start) -> None:
    await start("north")
    with pytest.raises(
        EnvironmentFault, match=r"another monitor named “north” runs on this store.*vantage"
    ):
        await start("north")


@on_one_store
async def test_killed_monitor_comes_back_under_its_name(clock: VirtualClock, start: Start) -> None:
    """A monitor has a lease on its name.

    North is killed, so no one renews its lease, which lasts for 2 s.

    A start under the same name waits until the lease has run out. Then it makes requests.
    """
    north = await start("north")
    north.kill()
    north_again = await start("north")
    assert north_again.requesters == ("north",)  # the monitors that make requests, as it knows them


@on_one_store
async def test_decision_from_before_a_lost_lease_is_out_of_term(
    clock: VirtualClock, start: Start
) -> None:
    """A monitor renews a lease in the store.

    A term is the time in which it has its lease without a break.

    North loses its lease and takes a new one, so a second term begins. Meanwhile others may have
    decided differently. So a decision of the first term may not be written any more. `is_in_term`
    says whether it may be.
    """
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
async def test_suspended_monitor_whose_name_was_taken_does_nothing(
    clock: VirtualClock, start: Start
) -> None:
    """A monitor has a lease on its name.

    The process of north is suspended for longer than its lease lasts.

    Meanwhile another process starts under the same name. Then the old process goes on.
    It makes no requests, and its writes wait.
    """
    old = await start("north")
    old.stop_renewing()
    await clock.sleep(5)  # its lease of 2 s runs out
    new = await start("north")
    old.resume_renewing()
    await clock.sleep(3)
    # `requesters` are the monitors that make requests. For the old process there are none.
    assert (old.requesters, new.requesters) == ((), ("north",))
    writing = asyncio.ensure_future(old.writer.write(lambda _tx: None))
    await clock.sleep(5)
    assert not writing.done()
    writing.cancel()


@on_one_store
async def test_halted_monitor_whose_name_was_taken_makes_no_requests(
    clock: VirtualClock, start: Start
) -> None:
    """A monitor has a lease on its name, which lasts for 2 s. Its process stands still for 6 s.

    After 4 s, another process starts under the same name. Then the halted process goes on.
    It makes no requests. It tries to take back its lease, but at most twice a second.
    """
    halted = await start("north")
    await clock.sleep(3)
    halted.halt(seconds=6)
    await clock.sleep(4)
    new = await start("north")
    await clock.sleep(4)  # 2 s of these are after the halt
    attempts_before = halted.renewal_attempts
    await clock.sleep(10)
    # `requesters` are the monitors that make requests, as each of the two processes knows them.
    assert halted.requesters == ()
    assert new.requesters == ("north",)
    assert halted.renewal_attempts - attempts_before <= 2 * 10
