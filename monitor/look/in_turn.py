"""Waiting in the loop: until an alarm, and until everything else has had its turn."""

from __future__ import annotations

import asyncio
from collections import deque


class InTurn:
    """Lets those who wait go on one at a time, each after whatever else was ready in the loop."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Wait for the turn; returns at once when nobody else waits and nothing is ready."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            self._later()
        await turn

    def _later(self) -> None:
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        turn = self._waiting.popleft()
        if not turn.done():
            turn.set_result(None)
        if self._waiting:
            self._later()


class Alarm:
    """A sleep that `ring` ends early. One waits, any may ring; a ring while nobody waits ends the next wait."""

    __slots__ = ("_rung", "_set_to", "_timer", "_until", "_waiter")

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._set_to = self._until = 0.0
        self._rung = False

    def ring(self) -> None:
        """End the wait."""
        self._rung = True
        self._wake()

    async def wait(self, seconds: float) -> None:
        """Wait in the loop's time until it is over or the alarm is rung."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._until = loop.time() + max(0.0, seconds)
            if self._timer is None or self._until < self._set_to:
                self._set(loop)
            self._waiter = loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._rung = False

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._set_to = self._until
        self._timer = loop.call_at(self._until, self._is_over, loop)

    def _is_over(self, loop: asyncio.AbstractEventLoop) -> None:
        # One timer serves many waits: it is set anew when it comes before the end of the one under way.
        self._timer = None
        if self._waiter is not None and loop.time() < self._until:
            self._set(loop)
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
