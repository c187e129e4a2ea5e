"""The monitor's checks of itself, for readiness, the watchdog, the dead man's switch and metrics."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from monitor.clock import Clock
from monitor.deliver.outbox_rows import Backlog
from monitor.health.collector import MonitorState
from monitor.health.hosts import CHECK_EVERY
from monitor.health.state import HealthState
from monitor.health.system import NO_SERVICE_MANAGER, ServiceManager
from monitor.plan.targets import Target
from monitor.threads import Job

NOTICE_STUCK_AFTER = timedelta(minutes=10)
STALLED_AFTER = timedelta(seconds=30)
_SAMPLES = 7
"""The number of samples kept. One is taken every ten seconds, so they span a minute."""


class WatchedPoller(Protocol):
    """The poller. `made` counts the looks that have begun."""

    made: int

    def watched_targets(self) -> list[Target]:
        """Return the watched targets."""

    def next_due(self) -> datetime | None:
        """Return when the next look is due at a host that has not sent Retry-After, or None."""


class PollerProgress:
    """Detects a poller that is stuck, as distinct from one without due looks or budget."""

    def __init__(self, clock: Clock, poller: WatchedPoller) -> None:
        self._clock = clock
        self._poller = poller
        self._made = 0
        self._moved = clock.monotonic()

    def targets(self) -> int:
        """Return the number of watched addresses."""
        return len(self._poller.watched_targets())

    def overdue(self) -> float:
        """Return the delay of the most overdue look, in seconds. Hosts that sent Retry-After do not count."""
        due = self._poller.next_due()
        return 0.0 if due is None else max(0.0, (self._clock.now() - due).total_seconds())

    def is_moving(self) -> bool:
        """Return whether a look began in the last 30 seconds, or none was due. Call it regularly."""
        mono = self._clock.monotonic()
        if self._poller.made != self._made:
            self._made, self._moved = self._poller.made, mono
        if self.overdue() < STALLED_AFTER.total_seconds():
            self._moved = mono
        return mono - self._moved <= STALLED_AFTER.total_seconds()


@dataclass(frozen=True, slots=True)
class LookRates:
    """Measures looks a second at each host, from samples of a counter by host and outcome."""

    counts: Mapping[tuple[str, ...], float]
    monotonic: Callable[[], float]
    _samples: deque[tuple[float, Counter[str]]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    async def sample(self) -> None:
        """Take a sample. This is a recurring job."""
        by_host = Counter[str]()
        for (host, *_), count in self.counts.items():
            by_host[host] += round(count)
        self._samples.append((self.monotonic(), by_host))

    def per_second(self) -> dict[str, float]:
        """Return the looks a second at each host in the last minute, most first. Empty before the second sample."""
        if len(self._samples) < 2 or (span := self._samples[-1][0] - self._samples[0][0]) <= 0:
            return {}
        made = self._samples[-1][1] - self._samples[0][1]
        return {host: count / span for host, count in made.most_common()}


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Combines the state of all parts. It never queries the store, which may be the fault.

    `evidence()` returns why evidence cannot be stored (empty: it can), `workers()` why large responses cannot be read.
    """

    clock: Clock
    health: HealthState
    progress: PollerProgress
    stretch: Callable[[], Mapping[str, float]]
    backlogs: Callable[[], Mapping[str, Backlog]]
    _: KW_ONLY
    evidence: Callable[[], str] = str
    workers: Callable[[], list[str]] = list
    manager: ServiceManager = NO_SERVICE_MANAGER
    rates: LookRates = field(default_factory=lambda: LookRates({}, float))

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return the recurring jobs, each with its spacing and name."""
        watchdog = self.manager.watchdog
        pace = (CHECK_EVERY, "pace of looks", self.rates.sample)
        return [pace] if watchdog is None else [pace, (watchdog / 2, "watchdog", self._notify_watchdog)]

    def unready(self) -> list[str]:
        """Return why this monitor is not reliable now. Empty if it is."""
        lost = self.evidence()
        return [*self.health.unready(self.clock.now()), *([lost] if lost else []), *self.workers(), *self.stuck()]

    def unable(self) -> list[str]:
        """Return why this monitor cannot serve pages or look. Empty if it can, even if its evidence is doubtful."""
        return [*self.health.unable(self.clock.now()), *self.workers(), *self.stuck()]

    def stuck(self) -> list[str]:
        """Return why this process should be restarted. Empty if it should not."""
        return [] if self.progress.is_moving() else ["no look has begun for a while though some are due"]

    def reasons_to_alarm(self) -> list[str]:
        """Return why the dead man's switch must not ping: not ready, or a notice that no channel accepts."""
        is_stuck = self._oldest_delivery_seconds() > NOTICE_STUCK_AFTER.total_seconds()
        return [*self.unready(), *(["no channel has accepted a notice for ten minutes"] if is_stuck else [])]

    def monitor_state(self) -> MonitorState:
        """Return the state of the monitor for metrics."""
        return MonitorState(
            unready=self.unready(),
            stretch=self.stretch(),
            targets=self.progress.targets(),
            overdue=self.progress.overdue(),
            pending=sum(backlog.pending for backlog in self.backlogs().values()),
            oldest=self._oldest_delivery_seconds(),
        )

    def _oldest_delivery_seconds(self) -> float:
        since = min((backlog.since for backlog in self.backlogs().values() if backlog.since is not None), default=None)
        return 0.0 if since is None else max(0.0, (self.clock.now() - since).total_seconds())

    async def _notify_watchdog(self) -> None:
        if self.progress.is_moving():
            self.manager.notify("WATCHDOG=1")
