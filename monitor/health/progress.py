"""Do looks still begin? What the watchdog, the dead man's switch and readiness go by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from monitor.clock import Clock
from monitor.plan.targets import Target

STILL = timedelta(seconds=30)


class Looking(Protocol):
    """The poller, as it is watched here. `made` counts the looks begun."""

    made: int

    def watching(self) -> list[Target]:
        """Return what is being watched."""

    def next_due(self) -> datetime | None:
        """Return when the next look is due at a host that need not be left alone, None when none is."""


class PollerProgress:
    """Tells a poller that is stuck from one that has nothing to do, or no budget for it."""

    def __init__(self, clock: Clock, looking: Looking) -> None:
        self._clock = clock
        self._looking = looking
        self._made = 0
        self._moved = clock.monotonic()

    def targets(self) -> int:
        """Return how many addresses are being watched."""
        return len(self._looking.watching())

    def overdue(self) -> float:
        """Return by how many seconds the most overdue look is late; hosts that want to be left alone do not count."""
        due = self._looking.next_due()
        return 0.0 if due is None else max(0.0, (self._clock.now() - due).total_seconds())

    def moves(self) -> bool:
        """Tell whether a look began within the last 30 seconds since this was first asked, or none was due."""
        mono = self._clock.monotonic()
        if self._looking.made != self._made:
            self._made, self._moved = self._looking.made, mono
        if self.overdue() < STILL.total_seconds():
            self._moved = mono
        return mono - self._moved <= STILL.total_seconds()
