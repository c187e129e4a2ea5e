"""A network with a settable delay: bytes arrive later, in the order in which they were sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast


@dataclass
class Network:
    """The delay of each direction in seconds, for bytes sent from now on."""

    delay: float = 0.0


@dataclass
class SlowDirection:
    """One direction of one connection."""

    network: Network
    _pending: deque[Callable[[], object]] = field(default_factory=deque)
    _last: float = 0.0

    def send(self, arrive: Callable[[], object]) -> None:
        """Call `arrive` after the network's delay, and after all calls that were sent earlier."""
        loop = asyncio.get_running_loop()
        self._last = max(loop.time() + self.network.delay, self._last)
        if not self._pending and self._last <= loop.time():
            arrive()
            return
        self._pending.append(arrive)
        # Timers of one instant run in any order, so each of them delivers the oldest.
        loop.call_at(self._last, self._deliver_oldest)

    def _deliver_oldest(self) -> None:
        self._pending.popleft()()


class SlowTransport:
    """A transport whose written bytes arrive after the network's delay."""

    def __init__(self, near: asyncio.Transport, network: Network) -> None:
        self._near = near
        self._direction = SlowDirection(network)

    def write(self, data: bytes) -> None:
        """Send bytes, to arrive later."""
        self._direction.send(partial(self._write_arrived, data))

    def close(self) -> None:
        """Close after all sent bytes have arrived."""
        self._direction.send(self._near.close)

    def _write_arrived(self, data: bytes) -> None:
        if not self._near.is_closing():
            self._near.write(data)


class _ForwardedSide(asyncio.Protocol):
    """One of the two connections of a forwarded one.

    It keeps bytes that arrive before the other connection exists.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._early: list[bytes] = []
        self._is_closed = False
        self.near: asyncio.Transport | None = None
        self.other: SlowTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.near = cast("asyncio.Transport", transport)

    def connect_to(self, other: _ForwardedSide) -> None:
        """Forward bytes to the other side, starting with those that arrived earlier."""
        assert other.near is not None
        self.other = SlowTransport(other.near, self._network)
        for data in self._early:
            self.other.write(data)
        if self._is_closed:
            self.other.close()

    def data_received(self, data: bytes) -> None:
        """Forward bytes, or keep them until the other side exists."""
        if self.other is None:
            self._early.append(data)
        else:
            self.other.write(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Close the other side as well."""
        self._is_closed = True
        if self.other is not None:
            self.other.close()


async def start_forwarding(port: int, network: Network) -> int:
    """Forward connections to a local port through a slow network.

    Return the port to connect to instead.
    """
    loop, opening = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    async def open_far_side(near: _ForwardedSide) -> None:
        try:
            _, far = await loop.create_connection(
                lambda: _ForwardedSide(network), "127.0.0.1", port
            )
        except OSError:
            assert near.near is not None
            near.near.abort()
            return
        far.connect_to(near)
        near.connect_to(far)

    class Near(_ForwardedSide):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            task = loop.create_task(open_far_side(self))
            opening.add(task)
            task.add_done_callback(opening.discard)

    server = await loop.create_server(lambda: Near(network), "127.0.0.1", 0, backlog=1024)
    return int(server.sockets[0].getsockname()[1])
