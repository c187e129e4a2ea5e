from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor.app.jobs import LoopJobs
from monitor.clock import VirtualClock
from monitor.deliver.outbox_rows import Backlog
from monitor.health.self_check import DeadManSwitch, PollerProgress, SelfCheck
from monitor.health.state import HealthState
from monitor.health.system import NO_SERVICE_MANAGER, ServiceManager
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from tests.worlds.fetcher import Reply, ScriptedFetcher
from tests.worlds.virtual import virtually

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
PAGE = Target("r/page/edge", "r", "page", View.EDGE, "https://www.gov.uk/x", "www.gov.uk", "status")


@dataclass
class FakePoller:
    """A poller with one target. A test sets when that is due, and how many looks were made."""

    made: int = 0
    due_at: datetime | None = None

    def watched_targets(self) -> list[Target]:
        return [PAGE]

    def next_due(self) -> datetime | None:
        return self.due_at


@dataclass
class World:
    """A self-check with a fake poller, a calendar that was just read, and the outbox's `backlogs`."""

    clock: VirtualClock
    poller: FakePoller = field(default_factory=FakePoller)
    backlogs: dict[str, Backlog] = field(default_factory=dict)

    def self_check(self, manager: ServiceManager = NO_SERVICE_MANAGER) -> SelfCheck:
        progress = PollerProgress(self.clock, self.poller)
        self.health = HealthState(NOON, {"govuk": timedelta(minutes=10)}, timedelta(seconds=30))
        self.health.note_calendar_read("govuk", self.clock.now())
        return SelfCheck(self.clock, self.health, progress, dict, lambda: self.backlogs, manager=manager)


@partial(virtually, begins=NOON)
async def test_a_poller_with_no_due_look_is_healthy(clock: VirtualClock) -> None:
    world = World(clock)
    self_check = world.self_check()
    await world.clock.sleep(600)
    assert self_check.unready() == []


@partial(virtually, begins=NOON)
async def test_a_poller_that_begins_no_due_look_is_stalled(clock: VirtualClock) -> None:
    world = World(clock)
    self_check = world.self_check()
    world.poller.due_at = NOON
    for _ in range(4):
        await world.clock.sleep(20)
        self_check.unready()
    assert self_check.unready() == ["no look has begun for a while though some are due"]
    assert self_check.stuck() == self_check.unable() == self_check.unready()
    assert self_check.monitor_state().overdue == 80
    world.poller.made += 1
    assert self_check.unready() == []


@pytest.mark.parametrize(("since", "stuck"), [(-599, False), (-601, True), (60, False), (None, False)])
@partial(virtually, begins=NOON)
async def test_a_stalled_outbox_is_a_fault_but_the_monitor_stays_ready(
    clock: VirtualClock, since: float | None, *, stuck: bool
) -> None:
    world = World(clock)
    self_check = world.self_check()
    world.backlogs = {
        "mail": Backlog(3, None if since is None else NOON + timedelta(seconds=since)),
        "chat": Backlog(),
    }
    assert (self_check.unready(), bool(self_check.reasons_to_alarm())) == ([], stuck)
    assert (self_check.monitor_state().pending, self_check.monitor_state().oldest) == (3, max(0.0, -(since or 0.0)))


def test_the_dead_man_switch_pings_only_while_all_is_well() -> None:
    async def story(clock: VirtualClock) -> list[float]:
        world = World(clock)
        pings: list[float] = []

        def answer(_request: object) -> Reply:
            pings.append(world.clock.monotonic())
            return Reply(200, b"OK")

        self_check = world.self_check()
        url = "https://watch.example/ping"
        deadman = DeadManSwitch(
            ScriptedFetcher(world.clock, answer), url, self_check.reasons_to_alarm, lambda _outcome: None
        )
        clockwork = LoopJobs(world.clock, lambda name, fault: pytest.fail(f"{name}: {fault}"))
        clockwork.add_job(timedelta(minutes=1), "deadman", deadman.ping)
        clockwork.start()
        await world.clock.sleep(130)
        world.health.note_store_failure(world.clock.now())
        await world.clock.sleep(180)
        world.health.note_commit(world.clock.now())
        await world.clock.sleep(60)
        await clockwork.stop()
        return pings

    assert run_virtually(story, NOON) == pytest.approx([0, 60, 120, 360], abs=0.1)


def test_the_watchdog_is_notified_at_half_its_time_and_only_while_looks_begin(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        world = World(clock)
        self_check = world.self_check(ServiceManager(str(tmp_path / "notify"), timedelta(seconds=30)))
        (*_, (every, name, job)) = self_check.jobs()
        assert (every, name) == (timedelta(seconds=15), "watchdog")
        await job()
        world.poller.due_at = NOON
        for _ in range(4):
            await world.clock.sleep(15)
            await job()

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        run_virtually(story, NOON)
        bound.setblocking(False)  # noqa: FBT003  # the socket's own
        messages = []
        with suppress(BlockingIOError):
            while True:
                messages.append(bound.recv(100))
    # A look that is due for less than 30 s, as at 15 s, is no standstill. At 60 s it was due too long.
    assert messages == [b"WATCHDOG=1"] * 4
