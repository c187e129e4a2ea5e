"""What the poller sees and feels, passed on to the watch, the metrics and the record of blind spans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from monitor.clock import Clock
from monitor.health.hosts import Connectivity, SilentHosts
from monitor.health.metrics import Metrics, outcome_of
from monitor.health.state import HealthState
from monitor.judge.runs import Blind, Run
from monitor.look.clock_skew import Skew
from monitor.look.fetch import Answer, Failure
from monitor.look.poller import Hooks
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target, View
from schedules.times.interval import Bounds

_log = structlog.get_logger(__name__)
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Troubles:
    """Who hears of what keeps the watch from seeing: a span that cannot be put in order, a run nobody had room for."""

    blind: Callable[[Blind], None] = lambda _span: None
    refused: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Disorder:
    """Tells once that our clock went back: until it catches up, what a target shows cannot be put in order."""

    troubles: Troubles
    told: dict[str, datetime] = field(default_factory=dict)

    def tell(self, sighting: Sighting, last: Run | None) -> None:
        """Take note of a sighting that is older than the last run of its target."""
        until = sighting.received if last is None else last.last_received
        if self.told.get(sighting.target) == until:
            return
        self.told[sighting.target] = until
        _log.warning("sighting_out_of_order", target=sighting.target)
        # Whoever waits for the next look notices more than that, and tells of it for all targets at once.
        if until - sighting.received <= _MOMENT:
            self.troubles.blind(Blind(sighting.received, until, "clock", target=sighting.target))

    def forget(self, target: str) -> None:
        """Let go of a target that nobody looks at any more."""
        self.told.pop(target, None)


_MINUTE = timedelta(minutes=1)


class Seeing(Protocol):
    """What takes in sightings."""

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Take in one sighting."""


class Tripping(Protocol):
    """What takes in looks at tripwires."""

    def see(self, target: Target, sighting: Sighting) -> None:
        """Take in one look at a tripwire."""


class Noting(Protocol):
    """What writes blind spans down."""

    async def note_blind(self, span: Blind) -> None:
        """Write down a blind span."""


class Intake:
    """Sits between the poller and everything that must hear of its looks. Never blocks."""

    def __init__(self, clock: Clock, metrics: Metrics, health: HealthState) -> None:
        self._clock = clock
        self._metrics = metrics
        self._health = health
        self._watch: Seeing | None = None
        self._noting: Noting | None = None
        self._tripwires: Tripping | None = None
        self.alive: Callable[[datetime], None] = lambda _now: None
        self._notes: set[asyncio.Task[Any]] = set()
        self._late: dict[str, float] = {}
        self.skew: Skew | None = None
        self._reach = Connectivity(self.blind)
        self.unheard = SilentHosts()
        self._asleep = clock.asleep()
        health.on_blind = self.blind

    def attach(self, watch: Seeing, noting: Noting, tripwires: Tripping) -> None:
        """Say who hears from now on."""
        self._watch = watch
        self._noting = noting
        self._tripwires = tripwires

    def hooks(self) -> Hooks:
        """Return what the poller tells it."""
        return Hooks(self.see, self.started, self.missed, self.stalled, self.clock_set)

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Count a look, weigh our clock, and pass the sighting on."""
        failure = outcome if isinstance(outcome, Failure) else None
        duration = (outcome.received - outcome.sent).total_seconds()
        late = self._late.pop(target.id, 0.0)
        self._reach.hear(target.host, outcome)
        self.unheard.hear(target.host, sighting)
        self.alive(self._clock.now())
        self._metrics.look(target.host, outcome_of(sighting.state, failure), duration, late)
        if self.skew is not None:
            self._clock_seen(sighting.received)
        if target.view is View.TRIPWIRE and self._tripwires is not None:
            self._tripwires.see(target, sighting)
        elif self._watch is not None:
            self._watch.see(target, sighting, outcome)

    def started(self, target: Target, late: float) -> None:
        """Remember how late a look began, until its answer is counted."""
        self._late[target.id] = late

    def missed(self, target: Target, looks: int) -> None:
        """Count looks that were due and not made."""
        self._metrics.miss(target.host, looks)

    def stalled(self, begin: datetime, end: datetime) -> None:
        """Take note that the loop stood still."""
        self._health.stalled(begin, end)

    def clock_set(self, begin: datetime, end: datetime, seconds: float) -> None:
        """Take note that our clock was set, or that the machine slept for about as long as it went ahead."""
        before, self._asleep = self._asleep, self._clock.asleep()
        is_sleep = seconds > 0 and self._asleep - before > seconds / 2
        self.blind(Blind(min(begin, end), max(begin, end), "suspended" if is_sleep else "clock"))

    def blind(self, span: Blind) -> None:
        """Have a blind span written down, soon."""
        if self._noting is not None:
            self.soon(self._noting.note_blind(span))

    def _clock_seen(self, at: datetime) -> None:
        if self.skew is None or not self.skew.is_known():
            return
        bounds = Bounds(*self.skew.bounds())
        if bounds != self._health.offset:
            self._health.clock(bounds, at)
            self._metrics.clock_offset.set(((bounds.min or 0.0) + (bounds.max or 0.0)) / 2)

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done that must not hold up the look at hand."""
        task = asyncio.get_running_loop().create_task(work)
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


def is_worth_a_line(span: Blind, until: datetime) -> bool:
    """Tell whether a blind span known `until` then is to be logged anew: at its beginning, and once a minute after."""
    grown, known = span.ends - span.begins, until - span.begins
    return until == span.begins or grown // _MINUTE > known // _MINUTE
