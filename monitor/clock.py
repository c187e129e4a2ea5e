"""The only place that reads the clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

_SINCE_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """The time, and waiting. Instants are aware and in UTC. Lengths are seconds."""

    def now(self) -> datetime:
        """Return the wall-clock time of this machine, which may be wrong."""

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary origin."""

    def steady(self) -> float:
        """Return `monotonic` plus the seconds for which this machine was suspended, from an
        arbitrary origin.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait. For zero or less, let other tasks run once and return."""


class SystemClock:
    """The machine's clock.

    Its methods are those of Python, because each look reads it a dozen times.
    """

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.monotonic)
    # Linux has a clock that also counts suspension.
    steady = staticmethod(
        time.monotonic if _SINCE_BOOT is None else partial(time.clock_gettime, _SINCE_BOOT)
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

    def steady(self) -> float:
        """Return the seconds of the event loop and those suspended."""
        return self.monotonic() + self.suspended

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(max(0.0, seconds))


class SteadyClock:
    """The wall clock as it was at the start of this process, moved on by steady time.

    So nobody who sets the wall clock changes the order of instants. `wall_lead` measures that, and
    `move` corrects this clock if it is the one that is wrong.
    """

    def __init__(self, wall: Clock) -> None:
        """Begin at the present time of `wall`."""
        self.monotonic, self.steady, self.sleep = wall.monotonic, wall.steady, wall.sleep
        self._wall_now = wall.now
        self._origin = wall.now() - timedelta(seconds=wall.steady())
        self.moved = 0.0
        """The seconds by which it was moved in total."""

    def now(self) -> datetime:
        """Return the time. It goes back only if the clock is moved."""
        return self._origin + timedelta(seconds=self.steady())

    def wall_lead(self) -> float:
        """Return by how many seconds the wall clock is ahead of this clock, negative if behind."""
        return (self._wall_now() - self.now()).total_seconds()

    def move(self, seconds: float) -> None:
        """Move this clock ahead, or back if negative."""
        self._origin += timedelta(seconds=seconds)
        self.moved += seconds
