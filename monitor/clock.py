"""The only place that reads the clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from typing import Protocol

LEAST_CLOCK_STEP = 0.01
"""If the wall clock moves by at least so many seconds against the monotonic clock, someone has set
it.
"""
_TRIES = 5
_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """The time, and waiting. Instants are aware and in UTC. Lengths are seconds."""

    def now(self) -> datetime:
        """Return the wall-clock time of this machine, which may be wrong."""

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary origin."""

    def asleep(self) -> float:
        """Return for how many seconds this machine has been suspended in total, from an arbitrary
        origin.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait. For zero or less, let other tasks run once and return."""


class SystemClock:
    """The machine's clock.

    Its methods are those of Python, because each look reads it a dozen times.
    """

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.monotonic)

    def asleep(self) -> float:
        """Return how far Linux's clock that counts suspension is ahead of the one that does not."""
        return (
            time.clock_gettime(_SINCE_BOOT) - time.monotonic() if _SINCE_BOOT is not None else 0.0
        )

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(max(0.0, seconds))


class VirtualClock:
    """A clock that shows `start` plus the time of the running event loop.

    A `JumpingLoop` makes that time jump.

    `offset` is by how much the clock is wrong, as a real clock can be. `suspended` is for how many
    seconds the machine was suspended. Both can be changed while it runs.
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
        """Return the seconds of the event loop."""
        return round(asyncio.get_running_loop().time(), 6)

    def asleep(self) -> float:
        """Return `suspended`."""
        return self.suspended

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(max(0.0, seconds))


def seconds_ahead(clock: Clock) -> float:
    """Return by how many seconds the wall clock exceeds the sum of the monotonic clock and the time
    suspended.

    The origins of the clocks are arbitrary, so only a change of the result has a meaning: someone
    set the wall clock.
    """
    for _ in range(_TRIES):
        before = clock.monotonic()
        ahead = clock.now().timestamp() - (before + clock.asleep())
        # If the process was interrupted between the readings, they do not belong together: read
        # again.
        if clock.monotonic() - before < LEAST_CLOCK_STEP / 2:
            break
    return ahead


class SecondsAhead:
    """A cache of `seconds_ahead`, which is computed again only after the clocks have moved against
    each other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._difference, self._last = inf, 0.0

    def __call__(self) -> float:
        """Return the result of `seconds_ahead`, to within a quarter of `LEAST_CLOCK_STEP`."""
        difference = self._clock.now().timestamp() - self._clock.monotonic()
        if abs(difference - self._difference) >= LEAST_CLOCK_STEP / 4:
            self._difference, self._last = difference, seconds_ahead(self._clock)
        return self._last
