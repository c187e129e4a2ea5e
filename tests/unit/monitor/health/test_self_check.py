from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor.app.jobs import Jobs
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
STALLED = "no look has begun for a while though some are due"


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
    """What a self-check examines: a fake poller, a calendar that was just read, and the outbox's
    `backlogs`.
    """

    clock: VirtualClock
    poller: FakePoller = field(default_factory=FakePoller)
    backlogs: dict[str, Backlog] = field(default_factory=dict)

    def self_check(self, manager: ServiceManager = NO_SERVICE_MANAGER) -> SelfCheck:
        progress = PollerProgress(self.clock, self.poller)
        self.health = HealthState(NOON, {"govuk": timedelta(minutes=10)}, timedelta(seconds=30))
        self.health.note_calendar_read("govuk", self.clock.now(), "")
        return SelfCheck(
            self.clock, self.health, progress, dict, lambda: self.backlogs, manager=manager
        )


@partial(virtually, begins=NOON)
async def test_poller_with_no_due_look_is_healthy(clock: VirtualClock) -> None:
    """The poller makes the looks. For ten minutes none is due, so it makes none."""
    world = World(clock)
    self_check = world.self_check()
    await clock.sleep(600)
    assert self_check.unready() == []


@partial(virtually, begins=NOON)
async def test_poller_with_overdue_look_is_stalled_until_one_begins(clock: VirtualClock) -> None:
    """The poller makes the looks.

    One is due at noon, but does not begin. The self-check is made every 20 s.
    """
    world = World(clock)
    self_check = world.self_check()
    world.poller.due_at = NOON
    # At 20 s, the look is not yet 30 s overdue, which is normal. The poller is stalled at the first
    # check that is over 30 s after the last normal one: at 60 s.
    for seconds_overdue, reasons in ((20, []), (40, []), (60, [STALLED]), (80, [STALLED])):
        await clock.sleep(20)
        assert self_check.unready() == reasons
        assert self_check.monitor_state().overdue == seconds_overdue
    # `stuck`: systemd should restart the process. `unable`: it cannot serve.
    assert self_check.stuck() == self_check.unable() == [STALLED]
    world.poller.made += 1  # a look begins
    assert self_check.unready() == []


@partial(virtually, begins=NOON)
async def test_damaged_evidence_is_shown_and_hides_no_later_fault(clock: VirtualClock) -> None:
    """It stays damaged, so a dead man's switch without pings would tell of nothing else."""
    self_check = replace(World(clock).self_check(), evidence_damage=lambda: "it is damaged")
    assert self_check.unready() == ["it is damaged"]
    assert self_check.unable() == self_check.reasons_to_alarm() == []


@pytest.mark.parametrize(
    ("seconds_since_sendable", "alarms"),
    [(599, False), (601, True), (-60, False), (None, False)],
    ids=["under ten minutes", "over ten minutes", "not due yet", "nothing can be sent"],
)
@partial(virtually, begins=NOON)
async def test_notice_unsent_for_over_ten_minutes_causes_alarm(
    clock: VirtualClock, seconds_since_sendable: float | None, *, alarms: bool
) -> None:
    """Three notices wait to be mailed. The oldest one could have been sent so many seconds ago:
    below zero, it is to be sent later. None: no notice can be sent.
    """
    world = World(clock)
    self_check = world.self_check()
    since = (
        None if seconds_since_sendable is None else NOON - timedelta(seconds=seconds_since_sendable)
    )
    world.backlogs = {"mail": Backlog(pending=3, since=since), "chat": Backlog()}
    assert bool(self_check.reasons_to_alarm()) is alarms
    # The monitor still looks and records, so there is no reason to call it unready.
    reasons_against_readiness = self_check.unready()
    assert reasons_against_readiness == []
    metrics = self_check.monitor_state()
    assert metrics.pending == 3
    # For how long the oldest notice has waited: 0 if none is due.
    assert metrics.oldest == max(0.0, seconds_since_sendable or 0.0)


@partial(virtually, begins=NOON)
async def test_dead_man_switch_pings_each_minute_unless_store_fails(clock: VirtualClock) -> None:
    """The switch pings a service, which alerts people if no ping comes.

    The store fails from 130 s to 310 s.
    """
    world = World(clock)
    self_check = world.self_check()
    pinged_at: list[float] = []

    def note_ping(_request: object) -> Reply:
        pinged_at.append(clock.monotonic())
        return Reply(200, b"OK")

    fetcher = ScriptedFetcher(clock, note_ping)
    switch = DeadManSwitch(
        fetcher, "https://watch.example/ping", self_check.reasons_to_alarm, lambda _outcome: None
    )
    jobs = Jobs(clock, lambda name, fault: pytest.fail(f"{name}: {fault}"))
    jobs.add_job(timedelta(minutes=1), "deadman", switch.ping)
    jobs.start()
    await clock.sleep(130)
    world.health.note_store_failure(clock.now())
    await clock.sleep(180)
    world.health.note_commit(clock.now())
    await clock.sleep(60)
    await jobs.stop()
    # There was no ping at 180, 240 and 300 seconds.
    assert pinged_at == pytest.approx([0, 60, 120, 360], abs=0.1)


@partial(virtually, begins=NOON)
async def test_watchdog_is_notified_until_the_poller_stands_still(
    clock: VirtualClock, tmp_path: Path
) -> None:
    """systemd restarts the process if it gets no notification for 30 s, so one is sent every 15
    s.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)  # noqa: FBT003  # the socket's own
        world = World(clock)
        self_check = world.self_check(
            ServiceManager(str(tmp_path / "notify"), watchdog=timedelta(seconds=30))
        )
        last_job = self_check.jobs()[-1]
        every, name, notify_watchdog = last_job
        assert (every, name) == (timedelta(seconds=15), "watchdog")
        world.poller.due_at = NOON
        notified_at = []
        for seconds in (0, 15, 30, 45, 60):
            await notify_watchdog()
            with suppress(BlockingIOError):
                assert systemd.recv(100) == b"WATCHDOG=1"
                notified_at.append(seconds)
            await clock.sleep(15)
    # A look is due at 0 s and never begins. At 15 s, it is not yet 30 s overdue, so the poller is
    # not suspect. The poller stands still at the first check that is more than 30 s later, at 60 s.
    assert notified_at == [0, 15, 30, 45]
