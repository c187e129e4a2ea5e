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
TRANSFER_SECONDS = 60.0
"""Seconds within which a client must send the body of a request, and read `LEAST_READ` bytes of the
answer or its rest. The work of the server has no limit.
"""
LEAST_READ = 65_536
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
    transfer_seconds: float = TRANSFER_SECONDS
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
    """A connection that is closed if its client is slow to send a request or to read the answer."""

    def __init__(self, *args: Any, limiter: ConnectionLimiter, **kwargs: Any) -> None:  # noqa: ANN401 # as uvicorn gives them
        super().__init__(*args, **kwargs)
        self._limiter = limiter
        # Runs until the head and the body of a request are complete.
        self._sending: asyncio.TimerHandle | None = None
        # Runs while bytes of an answer wait for the client.
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Count the connection. Close it if it sends no request within `header_seconds`."""
        super().connection_made(transport)
        # `Authorise` reads it from the state of each request.
        peer = read_peer(transport.get_extra_info("socket"))
        self.app_state = {**self.app_state, "peer": peer}
        self._limit_sending(self._limiter.header_seconds)
        # No user of the machine may use up the connections of the others.
        address = f"user {peer}" if self.client is None else network_of(unmapped(self.client[0]))
        self._limiter.add(self, address)

    def data_received(self, data: bytes) -> None:
        """Pass bytes to the parser, and limit the time until they complete a request."""
        if self._sending is None and not self._has_request():
            self._limit_sending(self._limiter.header_seconds)
        before = self.cycle
        super().data_received(data)
        self._note_request(before)

    def send_400_response(self, msg: str) -> None:
        """Refuse malformed bytes, and drop a response under way, which h11 would not send."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        self.transport.close()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _should_upgrade(self) -> bool:
        """Never upgrade a connection. uvicorn would log two lines for each attempt."""
        return False

    def pause_writing(self) -> None:
        """Limit the time until the client reads any of what waits for it."""
        super().pause_writing()
        self._limit_reading()

    def resume_writing(self) -> None:
        """Limit the time until the client reads the rest."""
        super().resume_writing()
        self._limit_reading()

    def on_response_complete(self) -> None:
        """Mark the connection idle. uvicorn closes it if no request follows within a few
        seconds.
        """
        before = self.cycle
        self._stop_sending()
        self._limiter.mark_idle(self)
        super().on_response_complete()
        # uvicorn closes a connection only after its client has read all.
        self._limit_reading()
        self._note_request(before)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers and stop counting the connection."""
        self._stop_sending()
        self._stop_reading()
        self._limiter.remove(self)
        super().connection_lost(exc)

    def end(self) -> None:
        """Close the connection without a response."""
        self.transport.abort()

    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _note_request(self, before: object) -> None:
        if not self._has_request():
            return
        # uvicorn makes a new cycle for each request.
        if self.cycle is not before:
            self._limiter.mark_busy(self)
            self._limit_sending(self._limiter.transfer_seconds)
        if not self.cycle.more_body:
            self._stop_sending()

    def _limit_sending(self, seconds: float) -> None:
        self._stop_sending()
        self._sending = self.loop.call_later(seconds, self.end)

    def _limit_reading(self) -> None:
        self._stop_reading()
        if unread := self.transport.get_write_buffer_size():
            seconds = self._limiter.transfer_seconds
            self._reading = self.loop.call_later(seconds, self._end_unless_read, unread)

    def _end_unless_read(self, unread: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left > max(0, unread - LEAST_READ):
            self.end()
        elif left:
            self._limit_reading()

    def _stop_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._sending = None

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = None
