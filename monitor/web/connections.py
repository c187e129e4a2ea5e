"""Limits on the number and the duration of connections, so that looks never run out of file
descriptors.

If there are too many connections, the oldest one that waits for a request is closed.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor.web.credentials import network_of, unmapped
from monitor.web.local_socket import read_peer

HEADER_SECONDS = 10.0
"""Seconds within which the headers of a request must be complete."""
RESPONSE_SECONDS = 60.0
"""Seconds after which a connection is closed if its client has not read the response."""
MAX_HEADER_BYTES = 16_384
_MOST = 256
_MOST_EACH = 64


@dataclass
class ConnectionLimiter:
    """Limits open connections: `most` in total, `most_each` from one address. `proxies` have only
    the first limit.
    """

    most: int = _MOST
    most_each: int = _MOST_EACH
    proxies: Collection[str] = ()
    header_seconds: float = HEADER_SECONDS
    _open: dict[Connection, str] = field(default_factory=dict)
    _by_address: Counter[str] = field(default_factory=Counter)
    # Connections without a request under way, the oldest first: a dict keeps the order.
    _idle: dict[Connection, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._open)

    def add(self, new: Connection, address: str) -> None:
        """Count a new connection.

        If there are too many from its address or in all, close the one idle for longest.
        """
        self._by_address[address] += 1
        self._open[new] = self._idle[new] = address
        too_many_of_address = (
            self._by_address[address] > self.most_each and address not in self.proxies
        )
        if too_many_of_address or len(self) > self.most:
            # The first in `_idle` is idle for longest. The new connection is last: it is closed if
            # no other is idle.
            idle = self._idle.items()
            idle_longest = next(
                one for one, client in idle if not too_many_of_address or client == address
            )
            self.remove(idle_longest)
            idle_longest.end()

    def mark_busy(self, one: Connection) -> None:
        """Protect a connection from being replaced, because it has sent a request."""
        self._idle.pop(one, None)

    def mark_idle(self, one: Connection) -> None:
        """Let a connection be replaced again, because its response is complete."""
        if one in self._open:
            self._idle[one] = self._open[one]

    def remove(self, one: Connection) -> None:
        """Stop counting a connection that is closed."""
        self._idle.pop(one, None)
        address = self._open.pop(one, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]


def default_limiter(proxies: Collection[str]) -> ConnectionLimiter:
    """Return a limiter that leaves three quarters of this process's file descriptors to looks and
    files.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(8, min(_MOST, descriptors // 4))
    return ConnectionLimiter(most, min(_MOST_EACH, most // 2), proxies)


class Connection(H11Protocol):
    """A connection that is closed if its request, or the reading of its response, takes too
    long.
    """

    def __init__(self, *args: Any, limiter: ConnectionLimiter, **kwargs: Any) -> None:  # noqa: ANN401 # as uvicorn gives them
        super().__init__(*args, **kwargs)
        self._limiter = limiter
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Count the connection. Close it if it sends no request within `header_seconds`."""
        super().connection_made(transport)
        # `Authorise` reads it from the state of each request.
        peer = read_peer(transport.get_extra_info("socket"))
        self.app_state = {**self.app_state, "peer": peer}
        self._close_after(self._limiter.header_seconds)
        self._limiter.add(self, network_of(unmapped(self.client[0]) if self.client else ""))

    def data_received(self, data: bytes) -> None:
        """Pass bytes to the parser. If they complete a request, limit the time of its response."""
        if self._timer is None:
            self._close_after(self._limiter.header_seconds)
        before = self.cycle
        super().data_received(data)
        self._start_response_time(before)

    def send_400_response(self, msg: str) -> None:
        """Refuse malformed bytes, and drop a response under way, which h11 would not send."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        self.transport.close()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _should_upgrade(self) -> bool:
        """Return that no other protocol is spoken here. uvicorn logs two lines about that."""
        return False

    def on_response_complete(self) -> None:
        """Mark the connection idle. uvicorn closes it if no request follows within a few
        seconds.
        """
        before = self.cycle
        self._cancel_timer()
        self._limiter.mark_idle(self)
        super().on_response_complete()
        self._start_response_time(before)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer and stop counting the connection."""
        self._cancel_timer()
        self._limiter.remove(self)
        super().connection_lost(exc)

    def _start_response_time(self, before: object) -> None:
        # uvicorn makes a new cycle for each request, so a changed cycle means that a request has
        # begun.
        if self.cycle is not before and not self.cycle.response_complete:
            self._limiter.mark_busy(self)
            self._close_after(RESPONSE_SECONDS)

    def end(self) -> None:
        """Close the connection without a response."""
        self.transport.abort()

    def _close_after(self, seconds: float) -> None:
        self._cancel_timer()
        self._timer = self.loop.call_later(seconds, self.end)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
