"""Waiting that can be cut short."""

from __future__ import annotations

import asyncio


class Alarm:
    """A sleep that `ring` ends early. One waits, any may ring; a ring while nobody waits ends the next wait."""

    __slots__ = ("_rung", "_waiter")

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._rung = False

    def ring(self) -> None:
        """End the wait."""
        self._rung = True
        self._wake()

    async def wait(self, seconds: float) -> bool:
        """Wait in the loop's time; True when the time is over, False when it was rung."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(max(0.0, seconds), self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        rung, self._rung = self._rung, False
        return not rung

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
