"""Which releases are to be judged, and when."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Collection
from datetime import datetime

from monitor.clock import Clock

_LONGEST_PAUSE = 3600.0
PORTION = 100
"""So many of all are due at once, so that what has changed meanwhile waits for no more of them than that."""


class JudgingQueue:
    """Releases to be judged at the next turn of the loop, or at an instant; each once, however often it was put.

    Where all are to be judged again, what has changed goes before them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._soon: set[str] = set()
        self._later: list[tuple[datetime, str]] = []
        self._everything = False
        # The next is the last.
        self._rest: list[str] = []
        self._bell = asyncio.Event()

    def soon(self, release: str) -> None:
        """Have a release judged at the next turn."""
        self._soon.add(release)
        self._bell.set()

    def at(self, instant: datetime, release: str) -> None:
        """Have a release judged at an instant."""
        if (instant, release) not in self._later[:1]:
            heapq.heappush(self._later, (instant, release))
            self._bell.set()

    def everything(self) -> None:
        """Have every release judged soon."""
        self._everything = True
        self._bell.set()

    async def next(self, known: Collection[str] = ()) -> list[str]:
        """Wait until something is due; return it in the order of ids. `known` are those that everything stands for."""
        while not (due := self._due(known)):
            self._bell.clear()
            await self._wait()
        return due

    def _due(self, known: Collection[str]) -> list[str]:
        now = self._clock.now()
        if self._everything:
            # Those left of the last time come first: else some might never have their turn.
            self._rest = [*sorted({*known}.difference(self._rest), reverse=True), *self._rest]
            self._everything = False
        while self._later and self._later[0][0] <= now:
            self._soon.add(heapq.heappop(self._later)[1])
        if not self._soon:
            self._soon.update(self._rest[-PORTION:])
            del self._rest[-PORTION:]
        due, self._soon = sorted(self._soon), set()
        return due

    async def _wait(self) -> None:
        pause = _LONGEST_PAUSE
        if self._later:
            pause = min(pause, max(0.0, (self._later[0][0] - self._clock.now()).total_seconds()))
        try:
            async with asyncio.timeout(pause):
                await self._bell.wait()
        except TimeoutError:
            return
