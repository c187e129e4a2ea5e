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
    """What a self-check examines: a fake poller, a calendar that was just read, and the outbox's `backlogs`."""

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
    await clock.sleep(600)
    assert self_check.unready() == []


@partial(virtually, begins=NOON)
async def test_a_poller_that_begins_no_due_look_is_stalled_until_it_begins_one(clock: VirtualClock) -> None:
    world = World(clock)
    self_check = world.self_check()
    world.poller.due_at = NOON
    # A look may be due for 30 s. If none begins in 30 s more, the poller is stalled. Each check notes the progress.
    for _ in range(4):
        await clock.sleep(20)
        self_check.unready()
    assert self_check.unready() == ["no look has begun for a while though some are due"]
    # For the same reason systemd should restart the process, and it cannot serve.
    assert self_check.stuck() == self_check.unable() == self_check.unready()
    assert self_check.monitor_state().overdue == 4 * 20
    world.poller.made += 1  # a look begins
    assert self_check.unready() == []


@pytest.mark.parametrize(
    ("waits_for_seconds", "alarms"),
    [(599, False), (601, True), (-60, False), (None, False)],
    ids=["under ten minutes", "over ten minutes", "not due yet", "nothing can be sent"],
)
@partial(virtually, begins=NOON)
async def test_a_notice_that_waits_over_ten_minutes_is_a_reason_to_alarm_but_the_monitor_stays_ready(
    clock: VirtualClock, waits_for_seconds: float | None, *, alarms: bool
) -> None:
    world = World(clock)
    self_check = world.self_check()
    since = None if waits_for_seconds is None else NOON - timedelta(seconds=waits_for_seconds)
    # Three notices wait in `mail`. The oldest of them could have been sent since `since`, or none can be sent if it is
    # None.
    world.backlogs = {"mail": Backlog(pending=3, since=since), "chat": Backlog()}
    assert (self_check.unready(), bool(self_check.reasons_to_alarm())) == ([], alarms)
    assert self_check.monitor_state().pending == 3
    # The metric of how long the oldest notice has waited is 0 if none is due.
    assert self_check.monitor_state().oldest == max(0.0, waits_for_seconds or 0.0)


@partial(virtually, begins=NOON)
async def test_the_dead_man_switch_pings_each_minute_and_not_while_the_store_fails(clock: VirtualClock) -> None:
    world = World(clock)
    self_check = world.self_check()
    pinged_at: list[float] = []

    def note_ping(_request: object) -> Reply:
        pinged_at.append(clock.monotonic())
        return Reply(200, b"OK")

    fetcher = ScriptedFetcher(clock, note_ping)
    switch = DeadManSwitch(fetcher, "https://watch.example/ping", self_check.reasons_to_alarm, lambda _outcome: None)
    jobs = LoopJobs(clock, lambda name, fault: pytest.fail(f"{name}: {fault}"))
    jobs.add_job(timedelta(minutes=1), "deadman", switch.ping)
    jobs.start()
    await clock.sleep(130)
    world.health.note_store_failure(clock.now())
    await clock.sleep(180)
    world.health.note_commit(clock.now())
    await clock.sleep(60)
    await jobs.stop()
    # None at 180, 240 and 300 seconds, because the store failed from second 130 to second 310.
    assert pinged_at == pytest.approx([0, 60, 120, 360], abs=0.1)


@partial(virtually, begins=NOON)
async def test_the_watchdog_is_notified_at_half_its_time_until_the_poller_stands_still(
    clock: VirtualClock, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)  # noqa: FBT003  # the socket's own
        world = World(clock)
        self_check = world.self_check(ServiceManager(str(tmp_path / "notify"), watchdog=timedelta(seconds=30)))
        (*_, (every, name, notify_watchdog)) = self_check.jobs()
        assert (every, name) == (timedelta(seconds=15), "watchdog")
        world.poller.due_at = NOON
        notified_at = []
        for seconds in (0, 15, 30, 45, 60):
            await notify_watchdog()
            with suppress(BlockingIOError):
                assert systemd.recv(100) == b"WATCHDOG=1"
                notified_at.append(seconds)
            await clock.sleep(15)
    # A look is due from 0 s on. At 15 s it is less than 30 s late, so the poller counts as moving for the last time. It
    # stands still once that was over 30 s ago, which is true at 60 s and not yet at 45 s.
    assert notified_at == [0, 15, 30, 45]
