from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.clock import VirtualClock
from monitor.health.hosts import WorkerHealth
from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
WHY = "no process: Resource temporarily unavailable"


class Noon(VirtualClock):
    """A clock that shows as many seconds after noon as a test says."""

    seconds = 0.0

    def now(self) -> datetime:
        return after(self.seconds)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass
class World:
    clock: Noon = field(default_factory=lambda: Noon(NOON))
    metrics: Metrics = field(default_factory=lambda: Metrics("1"))
    blind: list[Blind] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.health = WorkerHealth(self.clock, self.metrics, self.blind.append)

    def attempt_start(self, *, at: float, fault: str) -> None:
        """Try for a second to start a worker, which fails for this reason or succeeds if it is empty."""
        self.clock.seconds = at
        self.health.note_start_attempt(after(at - 1), fault)


def test_while_no_worker_starts_readiness_gives_that_reason_and_since_when() -> None:
    world = World()
    assert world.health.reasons() == []
    # The first attempt began at noon.
    world.attempt_start(at=1, fault=WHY)
    world.attempt_start(at=20, fault=WHY)
    reason = "nothing larger than 16 KB can be read since 12:00:00 UTC: no worker process starts"
    assert (world.health.reasons(), world.health.fault) == ([reason], WHY)
    assert world.metrics.registry.get_sample_value("ninethirty_worker_start_failures_total") == 2
    world.attempt_start(at=30, fault="")
    assert (world.health.reasons(), world.health.fault) == ([], "")
    assert world.metrics.registry.get_sample_value("ninethirty_worker_start_failures_total") == 2


def test_each_host_is_blind_from_its_first_unread_answer_until_a_worker_starts() -> None:
    world = World()
    world.attempt_start(at=1, fault=WHY)
    world.health.note_unread("www.gov.uk", after(0))
    world.health.note_unread("www.gov.uk", after(5))
    world.attempt_start(at=10, fault=WHY)
    world.health.note_unread("stats.example", after(12))
    world.attempt_start(at=45, fault=WHY)
    world.attempt_start(at=50, fault=WHY)
    world.attempt_start(at=60, fault="")
    world.attempt_start(at=90, fault="")
    # Each failed start and the first that succeeds report the span so far, which replaces the shorter one.
    assert world.blind == [
        Blind(after(0), after(10), "no_worker", "www.gov.uk"),
        Blind(after(0), after(45), "no_worker", "www.gov.uk"),
        Blind(after(12), after(45), "no_worker", "stats.example"),
        Blind(after(0), after(60), "no_worker", "www.gov.uk"),
        Blind(after(12), after(60), "no_worker", "stats.example"),
    ]


def test_an_unread_answer_while_a_worker_runs_is_no_blind_span() -> None:
    world = World()
    world.attempt_start(at=1, fault=WHY)
    world.attempt_start(at=2, fault="")
    world.health.note_unread("www.gov.uk", after(2))
    world.attempt_start(at=3, fault=WHY)
    world.attempt_start(at=40, fault=WHY)
    world.attempt_start(at=41, fault="")
    assert world.blind == []
