"""The queue of releases to judge."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from monitor.clock import Clock

_LONGEST_PAUSE = 3600.0
PORTION = 100
"""The most releases taken at a time if all are due. A release that changes waits for no more than
these.
"""


class JudgingQueue:
    """Ids of releases to judge in the next iteration of the event loop or at an instant.

    Each is judged once.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Ids of releases to judge at once, and a heap of those to judge at an instant.
        self._soon: set[str] = set()
        self._later: list[tuple[datetime, str]] = []
        self._is_all_queued = False
        # The ids that `judge_all` queued and that are not judged yet, in the order of judging.
        self._remaining: list[str] = []
        self._wakeup = asyncio.Event()

    def judge_soon(self, release: str) -> None:
        """Queue a release for the next iteration of the event loop."""
        self._soon.add(release)
        self._wakeup.set()

    def judge_at(self, instant: datetime, release: str) -> None:
        """Queue a release for an instant."""
        # A release that is judged often asks for the same instant again and again.
        if (instant, release) not in self._later[:1]:
            heapq.heappush(self._later, (instant, release))
            self._wakeup.set()

    def judge_all(self) -> None:
        """Queue all releases."""
        self._is_all_queued = True
        self._wakeup.set()

    async def wait_for_due(self, known: Collection[str] = ()) -> list[str]:
        """Wait until releases are due, and return their ids in order.

        After `judge_all`, all ids in `known` are due.
        """
        while not (due := self._take_due(known)):
            # Pause until the next one is due, or until another is queued.
            self._wakeup.clear()
            pause = _LONGEST_PAUSE
            if self._later:
                pause = min(
                    pause, max(0.0, (self._later[0][0] - self._clock.now()).total_seconds())
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()
        return due

    def _take_due(self, known: Collection[str]) -> list[str]:
        """Take the releases that are due now out of the queue, and return them.

        Releases queued by id go first. If there are none, take the next portion of those that
        `judge_all` queued.
        """
        now = self._clock.now()
        if self._is_all_queued:
            # Ids that remain from an earlier `judge_all` stay in front. Else frequent calls would
            # starve the last ids.
            self._remaining += sorted({*known}.difference(self._remaining))
            self._is_all_queued = False
        while self._later and self._later[0][0] <= now:
            _, release = heapq.heappop(self._later)
            self._soon.add(release)
        if self._soon:
            due, self._soon = sorted(self._soon), set()
        else:
            due, self._remaining = sorted(self._remaining[:PORTION]), self._remaining[PORTION:]
        return due
