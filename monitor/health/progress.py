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

    def due(self, target_id: str) -> datetime | None:
        """Return when a target is looked at next."""

    def is_quiet(self, host: str) -> bool:
        """Tell whether a host is being left alone."""


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
        looking, now = self._looking, self._clock.now()
        told = [looking.due(target.id) for target in looking.watching() if not looking.is_quiet(target.host)]
        oldest = min((due for due in told if due is not None), default=now)
        return max(0.0, (now - oldest).total_seconds())

    def moves(self) -> bool:
        """Tell whether a look began within the last 30 seconds since this was first asked, or none was due."""
        mono = self._clock.monotonic()
        if self._looking.made != self._made:
            self._made, self._moved = self._looking.made, mono
        if self.overdue() < STILL.total_seconds():
            self._moved = mono
        return mono - self._moved <= STILL.total_seconds()
