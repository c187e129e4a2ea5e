"""Tracks whether this monitor is reliable now, and reports the blind spans in which it was not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.errors import StoreSilent
from monitor.health.metrics import FRESH_READS, Metrics
from monitor.judge.runs import Blind
from monitor.store.evidence.appender import EvidenceRefused
from monitor.store.writer import STALLED_AFTER
from schedules.times.interval import Bounds

_log = structlog.get_logger(__name__)

_STORE_SILENCE = timedelta(seconds=5)


@dataclass(slots=True)
class HealthState:
    """The monitor's own state: calendars, store, clock and event loop."""

    started: datetime
    spacings: Mapping[str, timedelta]
    """Those of calendar reads, by calendar. After three without a usable one, a calendar is stale.
    """
    unproven_offset: timedelta
    on_blind: Callable[[Blind], None] = lambda _span: None
    """Gets each blind span when it grows or ends."""
    blind_until: Callable[[], datetime | None] = lambda: None
    """Returns the latest end of a blind span."""
    calendars: dict[str, datetime] = field(default_factory=dict)
    """The last usable read of each."""
    faults: dict[str, str] = field(default_factory=dict)
    """The fault of the last read of each."""
    costly: set[str] = field(default_factory=set)
    """Hosts with too costly responses, until people are notified."""
    offset: Bounds | None = None
    """How far off our clock is, in seconds. None while unknown."""
    store_fails: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the last write to the store failed."""
    _store_failing_since: datetime | None = None
    _looks_lost_since: datetime | None = None
    _clock_off_since: datetime | None = None
    _late_until: datetime | None = None

    def expect_calendars(self, spacings: Mapping[str, timedelta]) -> None:
        """Replace the calendars whose reads are expected, with their spacings."""
        self.spacings = spacings
        for removed in (self.calendars.keys() | self.faults.keys()) - spacings.keys():
            self.calendars.pop(removed, None)
            self.faults.pop(removed, None)

    def note_calendar_read(self, calendar: str, at: datetime, fault: str) -> None:
        """Note a read of a calendar: usable at `at`, or with a fault."""
        if fault:
            self.faults[calendar] = fault
        else:
            self.calendars[calendar] = at
            self.faults.pop(calendar, None)

    def note_commit(self, now: datetime) -> None:
        """Note that the store works. From the first look that found no room, the time is blind."""
        self._store_failing_since = None
        self.store_fails.clear()
        if self._looks_lost_since is not None:
            self.on_blind(Blind(self._looks_lost_since, now, "store"))
            self._looks_lost_since = None

    def note_store_failure(self, now: datetime) -> None:
        """Note a failed write."""
        self._store_failing_since = self._store_failing_since or now
        self.store_fails.set()

    def note_lost_look(self, now: datetime) -> None:
        """Note that a look was lost, because too many already wait for the store."""
        self.note_store_failure(now)
        self._looks_lost_since = self._looks_lost_since or now

    @property
    def is_store_failing(self) -> bool:
        """Return whether `store_fails` is set."""
        return self.store_fails.is_set()

    def note_stall(self, begin: datetime, end: datetime) -> None:
        """Note that the event loop was blocked between two instants."""
        self._late_until = end + timedelta(minutes=1)
        self.on_blind(Blind(begin, end, "stalled"))

    def note_clock_offset(self, offset: Bounds | None, now: datetime) -> None:
        """Note our clock's offset. While it is too large, looks prove nothing."""
        self.offset = offset
        if self.is_clock_off:
            self._clock_off_since = self._clock_off_since or now
            self.on_blind(Blind(self._clock_off_since, now, "clock"))
        elif self._clock_off_since is not None:
            self.on_blind(Blind(self._clock_off_since, now, "clock"))
            self._clock_off_since = None

    def correct_dates(self, step: timedelta, now: datetime) -> None:
        """Correct what was dated by a clock that was ahead, and now is in the future."""
        for calendar, at in self.calendars.items():
            if at > now:
                self.calendars[calendar] = at + step
        if self._clock_off_since is not None:
            self._clock_off_since = min(self._clock_off_since, now)

    @property
    def is_clock_off(self) -> bool:
        """Return whether our clock is certainly wrong by more than the allowed offset."""
        limit = self.unproven_offset.total_seconds()
        if self.offset is None or self.offset.min is None or self.offset.max is None:
            return False
        return self.offset.min > limit or self.offset.max < -limit

    def unready(self, now: datetime) -> list[str]:
        """Return why this monitor is not reliable now. Empty if it is."""
        stale = (name for name in self.spacings if not self.is_fresh(name, now))
        reasons = [*map(self._stale_reason, stale), *self.unable(now)]
        if self.is_late(now):
            reasons.append("looks started late within the last minute")
        if self.is_clock_off:
            reasons.append("this machine's clock disagrees with the hosts it watches")
        blind_until = self.blind_until()
        if blind_until is not None and blind_until > now:
            reasons.append(f"nothing can be proved until {blind_until:%d %B %H:%M:%S} UTC")
        return reasons

    def unable(self, now: datetime) -> list[str]:
        """Return why this monitor cannot work. Other faults only make its evidence doubtful."""
        failing = self.store_failing_since(now)
        if failing is None:
            return []
        return [f"the store has not been writable since {failing:%H:%M:%S} UTC"]

    def store_failing_since(self, now: datetime) -> datetime | None:
        """Return since when the store fails. None if it works, or failed only seconds ago."""
        failing = self._store_failing_since
        is_certain = failing is not None and now - failing >= _STORE_SILENCE
        return failing if is_certain else None

    def is_late(self, now: datetime) -> bool:
        """Return whether looks started late within the last minute."""
        return self._late_until is not None and now < self._late_until

    def is_fresh(self, calendar: str, now: datetime) -> bool:
        """Return whether the last usable read of a calendar is recent."""
        last = self.calendars.get(calendar)
        return last is not None and now - last <= self.stale_after(calendar)

    def stale_after(self, calendar: str) -> timedelta:
        """Return how old the last usable read of a fresh calendar can be."""
        return FRESH_READS * self.spacings[calendar]

    def _stale_reason(self, calendar: str) -> str:
        last = self.calendars.get(calendar)
        when = f"last read {last:%d %B %H:%M} UTC" if last else "no usable read yet"
        # This text is public, and the fault may quote an address.
        return f"calendar {calendar}: {when}"


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Notes the outcome of each of the writer's batches."""

    clock: Clock
    counters: Metrics
    health: HealthState

    def note_commit(self, seconds: float, _rows: int) -> None:
        """Note that a batch was committed in so many seconds."""
        self.counters.commit.observe(seconds)
        self.health.note_commit(self.clock.now())

    def note_failure(self, fault: Exception) -> None:
        """Count and log a batch of writes that could not be committed."""
        # If only the evidence folder refuses the batch, the store works.
        if not isinstance(fault, EvidenceRefused):
            # `StoreSilent` comes `STALLED_AFTER` seconds late.
            failing_for = (
                timedelta(seconds=STALLED_AFTER) if isinstance(fault, StoreSilent) else timedelta()
            )
            self.health.note_store_failure(self.clock.now() - failing_for)
        self.counters.store_failures.inc()
        _log.error("store_failed", fault=str(fault))
