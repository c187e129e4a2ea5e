"""The simulated publisher: every host of a script, over real HTTP on loopback, by a truthful virtual clock."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.look.http.resolve import Route
from monitor.rehearse.publisher.faults import Delivery, is_without_address
from monitor.rehearse.publisher.reply import Asked
from monitor.rehearse.publisher.wire import Connection
from monitor.rehearse.publisher.world import World
from monitor.rehearse.script.script import Script

_SECOND = timedelta(seconds=1)

_LOOPBACK = "127.0.0.1"


class Publisher:
    """Serves a script. `clock` must be true whatever the monitor believes, and run on the same loop.

    `zone` is the timezone that the TOML calendar writes its slots in.
    """

    def __init__(self, script: Script, clock: Clock, zone: str = "Europe/London") -> None:
        self.log = RequestLog()
        self._script = script
        self._clock = clock
        self._world = World(script, zone)
        self._server: asyncio.Server | None = None
        self._peers: set[asyncio.Transport] = set()
        self._failed: list[BaseException] = []
        self._port = 0

    async def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connected, _LOOPBACK, 0)
        self._port = self._server.sockets[0].getsockname()[1]

    def route(self, host: str, port: int, tls: bool) -> Route:  # noqa: FBT001  # the shape of a `Router`
        """Return where any host is found. Raises OSError while a fault leaves it without an address."""
        del port, tls
        if is_without_address(self._script.fault, host, self._clock.now()):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return Route(_LOOPBACK, self._port, tls=False)

    async def close(self) -> None:
        """Stop, and raise what went wrong inside the publisher itself, if anything did."""
        if self._server is not None:
            self._server.close()
        for transport in tuple(self._peers):
            transport.abort()
        # The connections are told of their end by callbacks of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self._failed:
            raise self._failed[0]

    def _connected(self) -> asyncio.Protocol:
        return Connection(self._answer, self._clock, self._peers, self._failed)

    def _answer(self, asked: Asked) -> Delivery:
        now = self._clock.now()
        self.log.add(Entry(now, asked.method, asked.host, asked.path, asked.query))
        return self._world.delivery(asked, now)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, when it came by the publisher's clock."""

    at: datetime
    method: str
    host: str
    path: str
    query: str


class RequestLog:
    """Every request, in the order they came."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Note one request."""
        self.entries.append(entry)

    def requests(self) -> dict[str, int]:
        """Return the number of requests to each host."""
        return dict(sorted(Counter(entry.host for entry in self.entries).items()))

    def peak_rate(self) -> dict[str, int]:
        """Return for each host the most requests that came within any one second."""
        return {host: _peak([entry.at for entry in self.entries if entry.host == host]) for host in self.requests()}


def _peak(starts: list[datetime]) -> int:
    most = oldest = 0
    for newest, at in enumerate(starts):
        # Half open: what came exactly a second ago is no longer in this second.
        while at - starts[oldest] >= _SECOND:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most
