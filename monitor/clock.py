"""The only place that reads the clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """The time, and waiting for it. Instants are aware UTC; spans are seconds."""

    def now(self) -> datetime:
        """Return the wall-clock time as this monitor believes it."""

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary origin."""

    def asleep(self) -> float:
        """Return the seconds for which this machine has been suspended in all, from an arbitrary origin."""

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less, after letting other tasks run."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's wall-clock time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def asleep(self) -> float:
        """Return by how much Linux's clock that counts suspension is ahead of the one that does not."""
        return time.clock_gettime(_SINCE_BOOT) - time.monotonic() if _SINCE_BOOT is not None else 0.0

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(max(0.0, seconds))


class VirtualClock:
    """A clock that shows `start` plus the time of the running loop, which a `JumpingLoop` skips through.

    `offset` makes the clock wrong by that much from now on, as a monitor's own clock can be; `suspended` is for how
    long, in seconds, the machine has been asleep.
    """

    def __init__(self, start: datetime, offset: timedelta = timedelta()) -> None:
        """Begin at `start` (aware) when the loop's time is zero."""
        self._start = start.astimezone(UTC)
        self.offset = offset
        self.suspended = 0.0

    def now(self) -> datetime:
        """Return the virtual time, wrong by `offset`."""
        return self._start + timedelta(seconds=self.monotonic()) + self.offset

    def monotonic(self) -> float:
        """Return the loop's own seconds."""
        return round(asyncio.get_running_loop().time(), 6)

    def asleep(self) -> float:
        """Return for how long the machine is said to have been asleep."""
        return self.suspended

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(max(0.0, seconds))
