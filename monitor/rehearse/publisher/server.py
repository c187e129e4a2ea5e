"""The simulated publisher: every host of a script, over real HTTP on loopback, on a virtual
clock.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httptools

from monitor.clock import Clock
from monitor.look.http.resolve import Route
from monitor.rehearse.publisher.faults import RawResponse, SendMode, refuse_connection
from monitor.rehearse.publisher.reply import ReceivedRequest
from monitor.rehearse.publisher.world import World
from monitor.rehearse.script.script import Script
from monitor.rehearse.virtual_loop import get_jumping_loop, request_name

_LOOPBACK = "127.0.0.1"
_SLOW_PIECES = 30
_SECONDS_BETWEEN_PIECES = 1.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Publisher:
    """Serves a script.

    `clock` must show the true time, even if the monitor's clock is wrong, on the same loop.

    `zone` is the timezone in which the TOML calendar writes its slots.
    """

    def __init__(self, script: Script, clock: Clock, zone: str = "Europe/London") -> None:
        """Make a server of a script. It serves nothing until `start`, which also chooses the
        port.
        """
        self.log = RequestLog()
        self.clock = clock
        self.transports: set[asyncio.Transport] = set()  # of the open connections
        # Exceptions of our own code. `close` raises one, because to a client they look like faults
        # of the network.
        self.exceptions: list[BaseException] = []
        self._script = script
        self._world = World(script, zone)
        self._server: asyncio.Server | None = None
        self._port = 0

    async def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), _LOOPBACK, 0)
        self._port = self._server.sockets[0].getsockname()[1]

    def route(self, host: str, port: int, tls: bool) -> Route:  # noqa: FBT001  # the shape of a `Router`
        """Return this server's address for any host, unless a fault refuses the connection."""
        del port, tls
        refuse_connection(self._script.fault, host, self.clock.now())
        return Route(_LOOPBACK, self._port, tls=False)

    async def close(self) -> None:
        """Stop, and raise the first exception of the publisher's own code, if there was one."""
        if self._server is not None:
            self._server.close()
        for transport in tuple(self.transports):
            transport.abort()
        # In the loop's next turn, `connection_lost` of each connection cancels tasks. They end in
        # the turn after that.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self.exceptions:
            raise self.exceptions[0]

    def respond(self, request: ReceivedRequest) -> RawResponse:
        """Log a request and return its response."""
        now = self.clock.now()
        self.log.entries.append(
            LoggedRequest(request.method, request.host, request.path, request.query, at=now)
        )
        return self._world.respond(request, now)


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, one after another, each in a single write."""

    def __init__(self, publisher: Publisher) -> None:
        """Make the server's side of one connection.

        It sends the responses of `publisher`, each after its latency.
        """
        self._publisher = publisher
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[ReceivedRequest] = deque()
        self._task: asyncio.Task[None] | None = None
        self._target = b""
        self._headers: dict[str, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport for the responses."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP servers make no other
        self._transport = transport
        self._publisher.transports.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop answering, because time must not wait for a client that has disconnected."""
        del exc
        self._queue.clear()
        self._publisher.transports.discard(self._transport)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse the bytes; close the connection if they are not HTTP."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target, self._headers = b"", {}

    def on_url(self, url: bytes) -> None:
        """Append a piece of the request target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add one header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        """Queue the request, and start to respond if no earlier request of this connection is being
        answered.
        """
        target = urlsplit(self._target.decode("latin-1"))
        host = self._headers.get("host", "").partition(":")[0].lower()
        method = self._parser.get_method().decode("latin-1")
        self._queue.append(
            ReceivedRequest(method, host, target.path or "/", target.query, self._headers)
        )
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve_queue())
            self._task.add_done_callback(self._check_task)

    def _check_task(self, task: asyncio.Task[None]) -> None:
        """Record the exception of a finished task, if it failed."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._publisher.exceptions.append(fault)
            self._transport.abort()

    async def _serve_queue(self) -> None:
        """Answer the queued requests of this connection in turn, each after its latency (a delay in
        virtual time).

        In a rehearsal the monitor's clock is virtual. The monitor is the client: it stops this
        clock while it waits for a response, because the network takes real time. During a latency
        the clock must run. So the server undoes the stop for this one request (by `name`) and
        restores it after the latency.
        """
        while self._queue:
            request = self._queue.popleft()
            response = self._publisher.respond(request)
            name = request_name(request.url)
            if response.latency:
                await self._wait_in_virtual_time(
                    name, self._publisher.clock.sleep(response.latency.total_seconds())
                )
            await self._send_response(response, name)

    async def _send_response(self, response: RawResponse, name: str) -> None:
        """Send a response as its mode says: whole, slowly, cut short, never, or with a reset.

        `name` is the name of the request, under which its client has stopped virtual time until the
        response is there.
        """
        match response.mode:
            case SendMode.RESET:
                # With SO_LINGER and zero seconds, abort sends RST instead of FIN.
                sock = self._transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                self._transport.abort()
            case SendMode.SILENT:
                await self._wait_in_virtual_time(name, asyncio.get_running_loop().create_future())
            case SendMode.DRIP:
                step = max(1, len(response.data) // _SLOW_PIECES)
                for begin in range(0, len(response.data), step):
                    self._transport.write(response.data[begin : begin + step])
                    await self._wait_in_virtual_time(
                        name, self._publisher.clock.sleep(_SECONDS_BETWEEN_PIECES)
                    )
            case SendMode.CUT:  # the data was shortened when the response was made
                self._transport.write(response.data)
                self._transport.close()
            case SendMode.WHOLE:
                self._transport.write(response.data)

    async def _wait_in_virtual_time(self, name: str, wait: Awaitable[None]) -> None:
        """Let virtual time run during this wait, although the client has stopped it for the request
        `name`.
        """
        with get_jumping_loop().time_resumed(name):
            await wait


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest(ReceivedRequest):
    """One request, with the time on the publisher's clock when it arrived."""

    at: datetime


@dataclass
class RequestLog:
    """All requests, in the order of their arrival."""

    entries: list[LoggedRequest] = field(default_factory=list)

    def requests(self) -> dict[str, int]:
        """Return the number of requests to each host."""
        return dict(sorted(Counter(entry.host for entry in self.entries).items()))

    def peak_rate(self) -> dict[str, int]:
        """Return each host's most requests in one second."""
        return {
            host: _most_in_one_second([entry.at for entry in self.entries if entry.host == host])
            for host in self.requests()
        }


def _most_in_one_second(times: list[datetime]) -> int:
    """Return the highest number of these ascending times that are less than one second apart."""
    most = oldest = 0
    for newest, at in enumerate(times):
        while at - times[oldest] >= timedelta(seconds=1):
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most
