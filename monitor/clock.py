"""The only place that reads the clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from typing import Protocol

SET = 0.01
"""By so many seconds our clock must leave steady time to have been set: between reading both, less passes."""
_TRIES = 5
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
    """The machine's clock. A look reads it a dozen times: nothing of ours stands between."""

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.monotonic)

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


def ahead(clock: Clock) -> float:
    """Return by how many seconds our clock is ahead of steady time, the time asleep counted as passed."""
    for _ in range(_TRIES):
        before = clock.monotonic()
        found = clock.now().timestamp() - clock.asleep() - before
        # Whoever is held up between the two has not read them together.
        if clock.monotonic() - before < SET / 2:
            break
    return found


class Ahead:
    """Tells what `ahead` does, and asks the clock all that takes only when something has moved since it was told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart, self._told = inf, 0.0

    def __call__(self) -> float:
        """Return it, to a quarter of what tells that a clock was set."""
        apart = self._clock.now().timestamp() - self._clock.monotonic()
        if abs(apart - self._apart) >= SET / 4:
            self._apart, self._told = apart, ahead(self._clock)
        return self._told
