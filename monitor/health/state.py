"""Is this monitor to be relied on now? And the spans in which it was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import StoreSilent
from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind
from monitor.store.evidence.appender import EvidenceRefused
from monitor.store.writer import LATE
from schedules.times.interval import Bounds

_log = structlog.get_logger(__name__)

FRESH_READS = 3
_STORE_SILENCE = timedelta(seconds=5)


@dataclass(slots=True)
class HealthState:
    """What is known of the monitor's own state.

    `spacings` are the configured spacings of calendar reads. A calendar is stale when no usable read was
    finished for three of them. `on_blind` is told each blind span when it ends, or grows. `costly` are hosts whose
    answers could not be read within their bounds, until people are told of them.
    """

    started: datetime
    spacings: Mapping[str, timedelta]
    unproven_offset: timedelta
    on_blind: Callable[[Blind], None] = lambda _span: None
    calendars: dict[str, datetime] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    costly: set[str] = field(default_factory=set)
    offset: Bounds | None = None
    _store_failing_since: datetime | None = None
    _clock_off_since: datetime | None = None
    _late_until: datetime | None = None

    def expect(self, spacings: Mapping[str, timedelta]) -> None:
        """Expect reads of these calendars from now on, and of no other."""
        self.spacings = spacings
        for gone in (self.calendars.keys() | self.faults.keys()) - spacings.keys():
            self.calendars.pop(gone, None)
            self.faults.pop(gone, None)

    def read(self, calendar: str, at: datetime, fault: str = "") -> None:
        """Take note of a read: usable at `at`, or not and why."""
        if fault:
            self.faults[calendar] = fault
        else:
            self.calendars[calendar] = at
            self.faults.pop(calendar, None)

    def committed(self, now: datetime) -> None:
        """Take note that the store works; ends a span in which it did not."""
        if self._store_failing_since is not None:
            self.on_blind(Blind(self._store_failing_since, now, "store"))
            self._store_failing_since = None

    def store_failed(self, now: datetime) -> None:
        """Take note that the store could not be written."""
        self._store_failing_since = self._store_failing_since or now

    def store_back(self) -> None:
        """Take note that the store works again, and has all that was seen meanwhile."""
        self._store_failing_since = None

    @property
    def store_fails(self) -> bool:
        """Tell whether the store did not take what it was given last."""
        return self._store_failing_since is not None

    def stalled(self, begin: datetime, end: datetime) -> None:
        """Take note that the loop stood still."""
        self._late_until = end + timedelta(minutes=1)
        self.on_blind(Blind(begin, end, "stalled"))

    def clock(self, offset: Bounds | None, now: datetime) -> None:
        """Take note of our clock's offset; while it may be too large, nothing is proved."""
        self.offset = offset
        if self.clock_is_off:
            self._clock_off_since = self._clock_off_since or now
            self.on_blind(Blind(self._clock_off_since, now, "clock"))
        else:
            self._clock_off_since = None

    @property
    def clock_is_off(self) -> bool:
        """Tell whether our clock is surely off by more than may be."""
        limit = self.unproven_offset.total_seconds()
        if self.offset is None or self.offset.min is None or self.offset.max is None:
            return False
        return self.offset.min > limit or self.offset.max < -limit

    def unready(self, now: datetime) -> list[str]:
        """Return why this monitor is not to be relied on, empty when it is."""
        reasons = [*(self._stale(name, now) for name in self.spacings), *self.unable(now)]
        if self.is_late(now):
            reasons.append("looks started late within the last minute")
        if self.clock_is_off:
            reasons.append("this machine's clock disagrees with the hosts it watches")
        return [reason for reason in reasons if reason]

    def unable(self, now: datetime) -> list[str]:
        """Return why this monitor can do nothing of use, empty when it can; all else only makes it doubtful."""
        failing = self._store_failing_since
        if failing is None or now - failing < _STORE_SILENCE:
            return []
        return [f"the store has not been writable since {failing:%H:%M:%S} UTC"]

    def is_late(self, now: datetime) -> bool:
        """Return whether looks started late within the last minute."""
        return self._late_until is not None and now < self._late_until

    def is_fresh(self, calendar: str, now: datetime) -> bool:
        """Tell whether a calendar was read with success not too long ago."""
        last = self.calendars.get(calendar)
        return last is not None and now - last <= FRESH_READS * self.spacings[calendar]

    def _stale(self, calendar: str, now: datetime) -> str:
        if self.is_fresh(calendar, now):
            return ""
        last = self.calendars.get(calendar)
        when = f"last read {last:%d %B %H:%M} UTC" if last else "no usable read yet"
        # Why is for the status page: a fault may quote an address, and this is told to whoever asks.
        return f"calendar {calendar}: {when}"


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What the writer tells of each attempt."""

    clock: Clock
    counters: Metrics
    health: HealthState
    is_away: Callable[[], bool] = lambda: False

    def committed(self, seconds: float, _rows: int) -> None:
        """Take note that a batch was committed, and how long that took."""
        self.counters.commit.observe(seconds)
        # What a journal takes in the store's place is safe, and the store is away all the same.
        if not self.is_away():
            self.health.committed(self.clock.now())

    def failed(self, fault: Exception) -> None:
        """Take note that a batch could not be committed."""
        # While a folder of evidence holds the batch up, looks go on and nothing is unseen.
        if not isinstance(fault, EvidenceRefused):
            silent = timedelta(seconds=LATE) if isinstance(fault, StoreSilent) else timedelta()
            self.health.store_failed(self.clock.now() - silent)
        self.counters.store_failures.inc()
        _log.error("store_failed", fault=str(fault))
