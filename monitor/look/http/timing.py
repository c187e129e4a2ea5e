"""Keeps the deadline of one request, and the instants that become evidence."""

from __future__ import annotations

import asyncio
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.look.fetch import Reason


@dataclass(slots=True, eq=False)
class RequestTiming:
    """Carries the deadline and the instants of one request between fetcher, transport and connection.

    The request may take `seconds` in all. `begun` and `deadline` are times of the event loop, so that virtual time
    applies to them. `sent` is None until the first byte is sent, `received` until the last header has arrived.
    `has_response` is True once any byte has arrived. `reused`: the connection was used for an earlier request. `fresh`:
    a new connection must be used. `before` counts the requests that were lost because the server closed a kept
    connection. `fault` is the reason of a failure and its detail, set where more is known than the exception says.
    """

    clock: Clock
    seconds: InitVar[float]
    fresh: bool = False
    before: int = 0
    fault: tuple[Reason, str] | None = None
    sent: datetime | None = None
    received: datetime | None = None
    has_response: bool = False
    reused: bool = False
    begun: float = field(init=False)
    deadline: float = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _sent_steady: float = 0.0

    def __post_init__(self, seconds: float) -> None:
        """Start the deadline."""
        self.begun = self._loop.time()
        self.deadline = self.begun + seconds

    def restart(self) -> None:
        """Prepare to send the request again on a new connection, within the same deadline."""
        self.before += self.sent is not None
        self.fault = self.sent = self.received = None
        self.has_response = self.reused = False
        self.fresh = True

    def lost_kept_connection(self) -> bool:
        """Return whether a kept connection broke before any response, because the server had closed it while idle."""
        return self.reused and not self.has_response

    def seconds_left(self, at_most: float | None = None) -> float:
        """Return the seconds until the deadline: at least a millisecond, and no more than `at_most`."""
        left = max(self.deadline - self._loop.time(), 0.001)
        return left if at_most is None else min(left, at_most)

    def sent_or_begun(self) -> datetime:
        """Return when the first byte left or, if none did, when the request began."""
        return self.sent or self.clock.now() - timedelta(seconds=self._loop.time() - self.begun)

    def mark_sent(self) -> None:
        """Record that the first byte of the request leaves now."""
        if self.sent is None:
            self.sent = self.clock.now()
            self._sent_steady = self.clock.monotonic()

    def mark_received(self) -> None:
        """Record that the last header has arrived."""
        if self.received is None:
            self.received = self.now()

    def now(self) -> datetime:
        """Return the present time, but at least `sent` plus the steady time since then.

        So `received` is after `sent` even if the clock is set back during a request.
        """
        now = self.clock.now()
        if self.sent is None:
            return now
        return max(now, self.sent + timedelta(seconds=self.clock.monotonic() - self._sent_steady))
