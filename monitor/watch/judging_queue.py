"""The queue of releases to judge."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Collection
from datetime import datetime

from monitor.clock import Clock

_LONGEST_PAUSE = 3600.0
PORTION = 100
"""The most releases taken at a time if all are due. A release that changes waits for no more than these."""


class JudgingQueue:
    """Releases to judge in the next iteration of the event loop or at an instant. Duplicates are judged once.

    If all releases are to be judged again, those that were queued by id go first.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._soon: set[str] = set()
        self._later: list[tuple[datetime, str]] = []
        self._everything = False
        # In reverse order: the last one is the next.
        self._remaining: list[str] = []
        self._wakeup = asyncio.Event()

    def soon(self, release: str) -> None:
        """Queue a release for the next iteration of the event loop."""
        self._soon.add(release)
        self._wakeup.set()

    def at(self, instant: datetime, release: str) -> None:
        """Queue a release for an instant."""
        if (instant, release) not in self._later[:1]:
            heapq.heappush(self._later, (instant, release))
            self._wakeup.set()

    def everything(self) -> None:
        """Queue all releases."""
        self._everything = True
        self._wakeup.set()

    async def next(self, known: Collection[str] = ()) -> list[str]:
        """Wait until releases are due, and return their ids in order. `known` are all ids, for `everything`."""
        while not (due := self._take_due(known)):
            self._wakeup.clear()
            await self._wait_until_due()
        return due

    def _take_due(self, known: Collection[str]) -> list[str]:
        """Return the releases that are due now, and take them out of the queue."""
        now = self._clock.now()
        if self._everything:
            # Releases that remain from the last time come first, so that each one is judged.
            self._remaining = [*sorted({*known}.difference(self._remaining), reverse=True), *self._remaining]
            self._everything = False
        while self._later and self._later[0][0] <= now:
            self._soon.add(heapq.heappop(self._later)[1])
        if not self._soon:
            self._soon.update(self._remaining[-PORTION:])
            del self._remaining[-PORTION:]
        due, self._soon = sorted(self._soon), set()
        return due

    async def _wait_until_due(self) -> None:
        """Wait until a release is queued, or the next one falls due."""
        pause = _LONGEST_PAUSE
        if self._later:
            pause = min(pause, max(0.0, (self._later[0][0] - self._clock.now()).total_seconds()))
        try:
            async with asyncio.timeout(pause):
                await self._wakeup.wait()
        except TimeoutError:
            return
