"""Two ways to wait in the event loop: until other ready tasks have run, and for a time that can be cut short."""

from __future__ import annotations

import asyncio
from collections import deque


class TurnQueue:
    """Lets waiting tasks continue one at a time. Before each, the loop runs all other tasks that are ready."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Wait until it is this task's turn."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            self._schedule_next()
        await turn

    def _schedule_next(self) -> None:
        asyncio.get_running_loop().call_soon(self._release_next)

    def _release_next(self) -> None:
        turn = self._waiting.popleft()
        if not turn.done():
            turn.set_result(None)
        if self._waiting:
            self._schedule_next()


class Wakeup:
    """A sleep that `set` ends early. One task waits. A call of `set` while none waits ends the next wait."""

    __slots__ = ("_is_set", "_timer", "_timer_at", "_until", "_waiter")

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._until = 0.0
        self._is_set = False

    def set(self) -> None:
        """End the wait."""
        self._is_set = True
        self._wake_waiter()

    async def wait(self, seconds: float) -> None:
        """Wait for `seconds` of the loop's time, or until `set` is called."""
        if not self._is_set:
            loop = asyncio.get_running_loop()
            self._until = loop.time() + max(0.0, seconds)
            if self._timer is None or self._until < self._timer_at:
                self._start_timer(loop)
            self._waiter = loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._is_set = False

    def _start_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._until
        self._timer = loop.call_at(self._until, self._on_timer, loop)

    def _on_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        # One timer serves many waits: if the current wait ends later, it is started again.
        self._timer = None
        if self._waiter is not None and loop.time() < self._until:
            self._start_timer(loop)
        else:
            self._wake_waiter()

    def _wake_waiter(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
