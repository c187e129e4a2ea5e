"""The deadline of one request, and the instants of it that become evidence."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.look.fetch import Reason


class RequestTiming:
    """What the connection and the fetcher tell each other about one request.

    `begun` and `deadline` are times of the loop, so that virtual time reaches them. `sent` is None until the first
    byte leaves, `received` until the last header arrives. `has_response` is True once any byte came back. `reused`
    is True on a connection that carried a request before. `fresh` demands a new connection. `before` counts
    requests that were lost because the server closed a kept connection. `fault` is the reason of a failure if a
    part that knows it better than its exception has set it.
    """

    __slots__ = (
        "_clock",
        "_loop",
        "_sent_steady",
        "before",
        "begun",
        "deadline",
        "fault",
        "fresh",
        "has_response",
        "received",
        "reused",
        "sent",
    )

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Start a request that may take so many seconds in all."""
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.begun = self._loop.time()
        self.deadline = self.begun + seconds
        self.fresh = False
        self.before = 0
        self.fault: tuple[Reason, str] | None = None
        self.sent: datetime | None = None
        self.received: datetime | None = None
        self._sent_steady = 0.0
        self.has_response = False
        self.reused = False

    def restart(self) -> None:
        """Prepare to send the request again on a new connection, within the same deadline."""
        self.before += self.sent is not None
        self.fault = self.sent = self.received = None
        self.has_response = self.reused = False
        self.fresh = True

    def was_stale(self) -> bool:
        """Return whether a kept connection broke before any response: the server had closed it while it was idle."""
        return self.reused and not self.has_response

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds until the deadline: at least a millisecond, and no more than `at_most`."""
        left = max(self.deadline - self._loop.time(), 0.001)
        return left if at_most is None else min(left, at_most)

    def sent_or_begun(self) -> datetime:
        """Return when the first byte left or, if none did, when the request began."""
        return self.sent or self._clock.now() - timedelta(seconds=self._loop.time() - self.begun)

    def mark_sent(self) -> None:
        """Record that the first byte of the request leaves now."""
        if self.sent is None:
            self.sent = self._clock.now()
            self._sent_steady = self._clock.monotonic()

    def mark_received(self) -> None:
        """Record that the last header has arrived."""
        if self.received is None:
            self.received = self.now()

    def now(self) -> datetime:
        """Return the current time, but never less than `sent` plus the steady time since then.

        If the clock is set back during a request, `received` must not come before `sent`.
        """
        now = self._clock.now()
        if self.sent is None:
            return now
        return max(now, self.sent + timedelta(seconds=self._clock.monotonic() - self._sent_steady))
