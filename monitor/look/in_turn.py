"""Work in the loop that lets everything else go first."""

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
