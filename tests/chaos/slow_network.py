"""A network as slow as one says: bytes take their time, each way, and come in the order in which they were sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast


@dataclass
class Network:
    """How long bytes take each way, in seconds: those sent from now on."""

    takes: float = 0.0


@dataclass
class Way:
    """One direction of one connection."""

    network: Network
    _under_way: deque[Callable[[], object]] = field(default_factory=deque)
    _last: float = 0.0

    def send(self, arrive: Callable[[], object]) -> None:
        """Have something done when what is sent now arrives: never before what was sent earlier."""
        loop = asyncio.get_running_loop()
        self._last = max(loop.time() + self.network.takes, self._last)
        if not self._under_way and self._last <= loop.time():
            arrive()
            return
        self._under_way.append(arrive)
        # Timers of one instant ring in any order: each lets the oldest arrive.
        loop.call_at(self._last, self._oldest_arrives)

    def _oldest_arrives(self) -> None:
        self._under_way.popleft()()


class FarTransport:
    """The far side of a connection: what is written arrives later."""

    def __init__(self, near: asyncio.Transport, network: Network) -> None:
        self._near = near
        self._way = Way(network)

    def write(self, data: bytes) -> None:
        """Send bytes on their way."""
        self._way.send(partial(self._arrive, data))

    def close(self) -> None:
        """Close once all that was sent has arrived."""
        self._way.send(self._near.close)

    def _arrive(self, data: bytes) -> None:
        if not self._near.is_closing():
            self._near.write(data)


class _Side(asyncio.Protocol):
    """One of the two connections of which a forwarded one consists; what comes in before there is another waits."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._early: list[bytes] = []
        self._is_over = False
        self.near: asyncio.Transport | None = None
        self.other: FarTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self.near = cast("asyncio.Transport", transport)

    def leads_to(self, other: _Side) -> None:
        """Pass on what comes in, and what has come already."""
        assert other.near is not None
        self.other = FarTransport(other.near, self._network)
        for data in self._early:
            self.other.write(data)
        if self._is_over:
            self.other.close()

    def data_received(self, data: bytes) -> None:
        """Pass on what comes."""
        if self.other is None:
            self._early.append(data)
        else:
            self.other.write(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Pass on that it is over."""
        self._is_over = True
        if self.other is not None:
            self.other.close()


async def forwarding(port: int, network: Network) -> int:
    """Pass on every connection to a port of this machine over a network; return the port to connect to instead."""
    loop, opening = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    async def lead_on(near: _Side) -> None:
        try:
            _, far = await loop.create_connection(lambda: _Side(network), "127.0.0.1", port)
        except OSError:
            assert near.near is not None
            near.near.abort()
            return
        far.leads_to(near)
        near.leads_to(far)

    class Near(_Side):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            task = loop.create_task(lead_on(self))
            opening.add(task)
            task.add_done_callback(opening.discard)

    server = await loop.create_server(lambda: Near(network), "127.0.0.1", 0, backlog=1024)
    return int(server.sockets[0].getsockname()[1])
