"""The monitor's watch over itself: readiness, the watchdog, the dead man's switch, and what metrics tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta

from monitor.clock import Clock
from monitor.deliver.outbox_rows import Backlog
from monitor.health.collector import Vitals
from monitor.health.hosts import CHECKED
from monitor.health.look_rates import LookRates
from monitor.health.progress import PollerProgress
from monitor.health.state import HealthState
from monitor.health.system import SILENT, ServiceManager
from monitor.threads import Job

STUCK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Asks each part how it is; never the store, which may be what is wrong.

    `evidence` tells why bytes cannot be kept, empty when they can; `workers` why large answers cannot be read.
    """

    clock: Clock
    health: HealthState
    progress: PollerProgress
    stretch: Callable[[], Mapping[str, float]]
    backlogs: Callable[[], Mapping[str, Backlog]]
    _: KW_ONLY
    evidence: Callable[[], str] = str
    workers: Callable[[], list[str]] = list
    manager: ServiceManager = SILENT
    rates: LookRates = field(default_factory=lambda: LookRates({}, float))

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return its recurring jobs: spacing, name and job."""
        watchdog = self.manager.watchdog
        pace = (CHECKED, "pace of looks", self.rates.sample)
        return [pace] if watchdog is None else [pace, (watchdog / 2, "watchdog", self._alive)]

    def unready(self) -> list[str]:
        """Return why this monitor is not to be relied on, empty when it is."""
        lost = self.evidence()
        return [*self.health.unready(self.clock.now()), *([lost] if lost else []), *self.workers(), *self.stuck()]

    def unable(self) -> list[str]:
        """Return why this monitor cannot serve and look, empty when it can, however doubtful its evidence."""
        return [*self.health.unable(self.clock.now()), *self.workers(), *self.stuck()]

    def stuck(self) -> list[str]:
        """Return why this process should be started anew, empty when it need not be."""
        return [] if self.progress.moves() else ["no look has begun for a while though some are due"]

    def troubles(self) -> list[str]:
        """Return what the dead man's switch falls silent for: also notices that nobody takes."""
        stuck = self._oldest() > STUCK.total_seconds()
        return [*self.unready(), *(["a notice has not been taken for ten minutes"] if stuck else [])]

    def vitals(self) -> Vitals:
        """Return the state of the monitor as metrics tell it."""
        return Vitals(
            unready=self.unready(),
            stretch=self.stretch(),
            targets=self.progress.targets(),
            overdue=self.progress.overdue(),
            pending=sum(backlog.pending for backlog in self.backlogs().values()),
            oldest=self._oldest(),
        )

    def _oldest(self) -> float:
        since = min((backlog.since for backlog in self.backlogs().values() if backlog.since is not None), default=None)
        return 0.0 if since is None else max(0.0, (self.clock.now() - since).total_seconds())

    async def _alive(self) -> None:
        if self.progress.moves():
            self.manager.tell("WATCHDOG=1")
