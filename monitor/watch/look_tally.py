"""Count looks, and update what they show about hosts, our clock and this monitor."""

from __future__ import annotations

from datetime import datetime

from monitor.clock import Clock
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.hosts import Connectivity, SilentHosts
from monitor.health.metrics import Metrics, outcome_of
from monitor.health.state import HealthState
from monitor.judge.runs import Blind
from monitor.look.clock_skew import Skew
from monitor.look.fetch import Answer, Failure
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target
from monitor.watch.blind_spans import BlindSpans
from schedules.times.interval import Bounds


class LookTally:
    """Counts looks, and updates metrics, silent hosts, connectivity, heartbeat and clock offset. Never blocks."""

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        health: HealthState,
        heartbeat: HeartbeatWriter,
        blind: BlindSpans,
        *,
        skew: Skew,
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._health = health
        self._heartbeat = heartbeat
        self._blind = blind
        self._skew = skew
        self._late: dict[str, float] = {}
        self._connectivity = Connectivity(blind.note)
        self.silent_hosts = SilentHosts()
        self._asleep = clock.asleep()

    def count(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Count a look, and update what it shows."""
        failure = outcome if isinstance(outcome, Failure) else None
        duration = (outcome.received - outcome.sent).total_seconds()
        late = self._late.pop(target.id, 0.0)
        self._connectivity.note(target.host, outcome)
        self.silent_hosts.note(target.host, sighting)
        self._heartbeat.note_alive(self._clock.now())
        self._metrics.count_look(target.host, outcome_of(sighting.state, failure), duration, late)
        if self._skew.is_known():
            bounds = Bounds(*self._skew.bounds())
            if bounds != self._health.offset:
                self._health.clock(bounds, sighting.received)
                self._metrics.clock_offset.set(((bounds.min or 0.0) + (bounds.max or 0.0)) / 2)

    def note_start(self, target: Target, late: float) -> None:
        """Remember by how many seconds a look started late, until its answer is counted."""
        self._late[target.id] = late

    def note_missed(self, target: Target, looks: int) -> None:
        """Count looks that were due and were not made."""
        self._metrics.count_missed(target.host, looks)

    def note_clock_set(self, begin: datetime, end: datetime, seconds: float) -> None:
        """Record a blind span because our clock jumped by `seconds`.

        Its cause is "suspended" if the machine slept for more than half of a jump ahead, else "clock".
        """
        before, self._asleep = self._asleep, self._clock.asleep()
        is_sleep = seconds > 0 and self._asleep - before > seconds / 2
        self._blind.note(Blind(min(begin, end), max(begin, end), "suspended" if is_sleep else "clock"))

    def note_stall(self, begin: datetime, end: datetime) -> None:
        """Record that the event loop was blocked from `begin` to `end`."""
        self._health.note_stall(begin, end)
