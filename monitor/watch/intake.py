"""Receives each look of the poller."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from monitor.clock import Clock
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.hosts import Connectivity, SilentHosts
from monitor.health.metrics import Metrics, outcome_of
from monitor.health.state import HealthState
from monitor.judge.runs import Blind
from monitor.look.clock_skew import shift_span
from monitor.look.clock_steps import ClockSteps
from monitor.look.fetch import Answer, Failure
from monitor.look.poller import Hooks
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target, View
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.file_readings import FileReadings
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
    steps: ClockSteps
    watch: Watch
    silent_hosts: SilentHosts = field(default_factory=SilentHosts)
    # by target
    _late: dict[str, float] = field(default_factory=dict)
    """By how many seconds each running look started late, by its target."""
    _connectivity: Connectivity = field(init=False)

    def __post_init__(self) -> None:
        self._connectivity = Connectivity(self.blind.note)

    def count(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Count a look, and update what it shows about its host, our clock and this monitor."""
        failure = outcome if isinstance(outcome, Failure) else None
        duration = (outcome.received - outcome.sent).total_seconds()
        started_late = self._late.pop(target.id, 0.0)
        self._connectivity.note(target.host, outcome)
        self.silent_hosts.note(target.host, sighting)
        self.heartbeat.note_alive(self.clock.now())
        counted = outcome_of(sighting.state, failure, is_embargoed=self.watch.is_embargoed(target))
        self.metrics.count_look(target.host, counted, duration, started_late)

    def check_clock(self) -> None:
        """Move our clock if it is wrong, and note how wrong the wall clock is."""
        wall_error = self.steps.check()
        if not wall_error and not self.steps.skew.is_known():
            return
        least, most = shift_span(self.steps.skew.bounds, round(wall_error, 1))
        bounds = Bounds(least, most)
        if bounds != self.health.offset:
            self.health.note_clock_offset(bounds, self.clock.now())
            self.metrics.clock_offset.set((least + most) / 2)

    def note_start(self, target: Target, late: float) -> None:
        """Note by how many seconds a look started late."""
        self._late[target.id] = late

    def note_suspension(self, begin: datetime, end: datetime, _seconds: float) -> None:
        """Record a blind span because the machine was suspended."""
        self.blind.note(Blind(begin, end, "suspended"))


@dataclass(frozen=True, slots=True)
class Intake:
    """Receives every look: counts it, then gives it to its release or, for a listing, to the
    tripwires.
    """

    tally: LookTally
    watch: Watch
    tripwires: Tripwires
    leads: Leads
    files: FileReadings

    def hooks(self) -> Hooks:
        """Return the callbacks for the poller."""
        return Hooks(
            self.see,
            self.tally.note_start,
            on_missed=lambda target, looks: self.tally.metrics.count_missed(target.host, looks),
            on_stall=self.tally.health.note_stall,
            # Only suspension steps this clock: `ClockSteps` reports its moves.
            on_clock_set=self.tally.note_suspension,
        )

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Count one look, and give it to its release or to the tripwires."""
        self.tally.count(target, sighting, outcome)
        if target.view is View.TRIPWIRE:
            self.tripwires.see(target, sighting)
        else:
            self.watch.see(target, sighting, outcome)
            # An odd answer, such as another title, proves nothing. A person gets a hint to judge
            # it: a lead.
            self.leads.send_for_odd_answer(target, sighting)
            self.leads.send_for_change_in_place(target, sighting)
            self.files.consider(target, sighting, outcome)
        # Last, because this look is dated by the clock as it was.
        self.tally.check_clock()
