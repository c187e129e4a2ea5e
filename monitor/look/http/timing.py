"""One request on its way: its deadline, and the instants that become evidence."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.look.fetch import Reason


class RequestTiming:
    """What the connection and the fetcher tell each other about one request.

    `begun` and `deadline` are in the loop's own seconds, so that virtual time reaches it too. `sent` is None until
    the first byte leaves, `heard` False until the first byte comes back. `reused` is True on a connection
    that has carried a request before; `fresh` asks for one that has not. `before` counts the requests that went out in
    vain on kept connections.
    """

    __slots__ = (
        "_began",
        "_clock",
        "_loop",
        "before",
        "begun",
        "deadline",
        "fault",
        "fresh",
        "heard",
        "received",
        "reused",
        "sent",
    )

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Begin, with this long to go in all."""
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.begun = self._loop.time()
        self.deadline = self.begun + seconds
        self.fresh = False
        self.before = 0
        self.fault: tuple[Reason, str] | None = None
        self.sent: datetime | None = None
        self.received: datetime | None = None
        self._began = 0.0
        self.heard = False
        self.reused = False

    def again(self) -> None:
        """Begin a second time on a connection of its own, within the same deadline."""
        self.before += self.sent is not None
        self.fault = self.sent = self.received = None
        self.heard = self.reused = False
        self.fresh = True

    def is_stale(self) -> bool:
        """Tell whether a kept connection died before it answered anything, as the server closed it just then."""
        return self.reused and not self.heard

    def passes_over(self) -> bool:
        """Tell whether this trip wants another connection than the kept one it was given."""
        return self.fresh and self.reused

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds left, at least a moment, at most `at_most`."""
        left = max(self.deadline - self._loop.time(), 0.001)
        return left if at_most is None else min(left, at_most)

    def is_over(self) -> bool:
        """Tell whether the deadline has passed."""
        return self._loop.time() >= self.deadline

    def since(self) -> datetime:
        """Return when the first byte left, when this began where none has."""
        return self.sent or self._clock.now() - timedelta(seconds=self._loop.time() - self.begun)

    def leaves(self) -> None:
        """Note that the first byte of the request leaves now."""
        if self.sent is None:
            self.sent = self._clock.now()
            self._began = self._clock.monotonic()

    def arrives(self) -> None:
        """Note that the last header has arrived."""
        if self.received is None:
            self.received = self.now()

    def now(self) -> datetime:
        """Return the instant, never earlier than `sent` plus the time that has really passed since.

        A clock set back while a request is under way must not turn its interval round.
        """
        now = self._clock.now()
        if self.sent is None:
            return now
        return max(now, self.sent + timedelta(seconds=self._clock.monotonic() - self._began))


TRIP: ContextVar[RequestTiming | None] = ContextVar("trip", default=None)
"""The trip that the running task is on: the only way to tell httpx's own transport of it."""
