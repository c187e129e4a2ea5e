"""Which attempts to send are under way: those of this process, and perhaps those of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.store.rows import Delivery

_ENDS_WITHIN = 10.0
_LASTS = timedelta(seconds=10)
"""An unfinished attempt of another process counts as under way for this long after it is seen.

Its process may have been killed, so it is repeated then.
"""
_BEGINS_WITHIN = timedelta(seconds=5)
"""A message that was not begun within this time after its attempt was recorded is not sent.

This process may have been suspended, and another may have sent it.
"""
_MOST_SEEN, _LONG_AGO = 1000, -1e6


@dataclass
class Attempts:
    """The attempts to send that may be under way. `is_ending` when this process begins no more."""

    clock: Clock
    is_ending: bool = False
    _under_way: set[asyncio.Future[None]] = field(default_factory=set)
    # When this process first saw each unfinished attempt of another, in seconds of the monotonic
    # clock.
    _seen: dict[tuple[str, str, int], float] = field(default_factory=dict)

    async def end(self) -> None:
        """Begin no more attempts.

        Wait up to ten seconds for those under way, because a cut-off one may be repeated.
        """
        self.is_ending = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_ENDS_WITHIN)

    @asynccontextmanager
    async def track(self) -> AsyncIterator[None]:
        """Make `end` wait for the attempt to send that the caller makes inside this context."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        try:
            yield
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)

    def note_own(self, attempt: Delivery) -> None:
        """Remember that this attempt is ours, so that `earliest` does not wait for its end."""
        self._note_unfinished(attempt, _LONG_AGO)

    def earliest(self, delivery: Delivery) -> datetime:
        """Return when a delivery may be attempted: when it is due, or when an unfinished attempt of
        another process counts as cut off.
        """
        has_unfinished_attempt = delivery.began is not None and delivery.finished is None
        if not has_unfinished_attempt:
            return delivery.due
        now = self.clock.monotonic()
        remaining = _LASTS - timedelta(seconds=now - self._note_unfinished(delivery, now))
        if remaining <= timedelta():
            return delivery.due
        return max(delivery.due, self.clock.now() + remaining)

    def may_begin(self, attempt: Delivery, recorded_at: float) -> bool:
        """Return whether a message may be sent whose attempt was recorded at `recorded_at`, by our
        monotonic clock.

        Both clocks are read, because one of them may stop while a machine sleeps.
        """
        began = attempt.began or self.clock.now()
        passed = timedelta(seconds=self.clock.monotonic() - recorded_at)
        return max(passed, self.clock.now() - began) < _BEGINS_WITHIN

    def _note_unfinished(self, attempt: Delivery, at: float) -> float:
        """Note that an unfinished attempt was seen `at`. Return when it was first seen (monotonic
        seconds).
        """
        if len(self._seen) >= _MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        return self._seen.setdefault((attempt.notice, attempt.channel, attempt.attempts), at)
