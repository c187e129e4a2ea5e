"""Receive each look of the poller: count it, and give it to its release or to the tripwires."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from monitor.clock import Clock
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.hosts import Connectivity, SilentHosts
from monitor.health.metrics import Metrics, outcome_of
from monitor.health.state import HealthState
from monitor.judge.runs import Blind
from monitor.look.clock_skew import Skew
from monitor.look.fetch import Answer, Failure
from monitor.look.poller import Hooks
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target, View
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.leads import Leads
from monitor.watch.tripwires import Tripwires
from monitor.watch.watch import Watch
from schedules.times.interval import Bounds


@dataclass(slots=True)
class LookTally:
    """Counts looks, and updates metrics, silent hosts, connectivity, heartbeat and clock offset.

    Never blocks.
    """

    clock: Clock
    metrics: Metrics
    health: HealthState
    heartbeat: HeartbeatWriter
    blind: BlindSpans
    skew: Skew
    silent_hosts: SilentHosts = field(default_factory=SilentHosts)
    # By target, the seconds by which its look started late.
    _late: dict[str, float] = field(default_factory=dict)
    _connectivity: Connectivity = field(init=False)
    _asleep: float = field(init=False)

    def __post_init__(self) -> None:
        self._connectivity, self._asleep = Connectivity(self.blind.note), self.clock.asleep()

    def count(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Count a look, and update what it shows about its host, our clock and this monitor."""
        failure = outcome if isinstance(outcome, Failure) else None
        duration = (outcome.received - outcome.sent).total_seconds()
        started_late = self._late.pop(target.id, 0.0)
        self._connectivity.note(target.host, outcome)
        self.silent_hosts.note(target.host, sighting)
        self.heartbeat.note_alive(self.clock.now())
        self.metrics.count_look(
            target.host, outcome_of(sighting.state, failure), duration, started_late
        )
        if self.skew.is_known():
            least, most = self.skew.bounds
            bounds = Bounds(least, most)
            if bounds != self.health.offset:
                self.health.note_clock_offset(bounds, sighting.received)
                self.metrics.clock_offset.set((least + most) / 2)

    def note_start(self, target: Target, late: float) -> None:
        """Remember by how many seconds a look started late, until its answer is counted."""
        self._late[target.id] = late

    def note_clock_set(self, begin: datetime, end: datetime, seconds: float) -> None:
        """Record a blind span because our clock jumped by `seconds`, ahead or back (negative).

        Its cause is "suspended" if the machine slept for more than half of a jump ahead, else
        "clock".
        """
        asleep_before, self._asleep = self._asleep, self.clock.asleep()
        has_slept = seconds > 0 and self._asleep - asleep_before > seconds / 2
        self.blind.note(
            Blind(min(begin, end), max(begin, end), "suspended" if has_slept else "clock")
        )


@dataclass(frozen=True, slots=True)
class Intake:
    """Receives every look: counts it, then gives it to its release or, for a listing, to the
    tripwires.
    """

    tally: LookTally
    watch: Watch
    tripwires: Tripwires
    leads: Leads

    def hooks(self) -> Hooks:
        """Return the callbacks for the poller."""
        return Hooks(
            self.see,
            self.tally.note_start,
            on_missed=lambda target, looks: self.tally.metrics.count_missed(target.host, looks),
            on_stall=self.tally.health.note_stall,
            on_clock_set=self.tally.note_clock_set,
        )

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Count one look, and pass its sighting to the tripwires or, for a release, to `watch` and
        `leads`.
        """
        self.tally.count(target, sighting, outcome)
        if target.view is View.TRIPWIRE:
            self.tripwires.see(target, sighting)
        else:
            self.watch.see(target, sighting, outcome)
            # An odd answer, such as another title, proves nothing. A person gets a hint to judge
            # it: a lead.
            self.leads.send_for_odd_answer(target, sighting)
