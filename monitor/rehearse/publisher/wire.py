"""One connection to the simulated publisher: bytes to requests, answers to bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httptools

from monitor.clock import Clock
from monitor.rehearse.publisher.faults import Delivery, Manner
from monitor.rehearse.publisher.reply import Asked
from monitor.rehearse.virtual_loop import jumping_loop, request_name

_DRIPS = 30
_DRIP_EVERY = 1.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Answerer = Callable[[Asked], Delivery]


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, one after another, each in a single write.

    `peers` holds every open connection. `failed` takes the exceptions of our own, which would otherwise look
    like faults of the network.
    """

    def __init__(
        self, answer: Answerer, clock: Clock, peers: set[asyncio.Transport], failed: list[BaseException]
    ) -> None:
        self._answer = answer
        self._clock = clock
        self._peers = peers
        self._failed = failed
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Asked] = deque()
        self._task: asyncio.Task[None] | None = None
        self._target = b""
        self._headers: dict[str, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP servers make no other
        self._transport = transport
        self._peers.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop answering, so that nobody rests for an asker who has gone."""
        del exc
        self._waiting.clear()
        self._peers.discard(self._transport)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came; hang up on what is no HTTP."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target, self._headers = b"", {}

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        """Answer now, or after those asked before."""
        target = urlsplit(self._target.decode("latin-1"))
        host = self._headers.get("host", "").partition(":")[0].lower()
        method = self._parser.get_method().decode("latin-1")
        self._waiting.append(Asked(method, host, target.path or "/", target.query, self._headers))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve())
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._failed.append(fault)
            self._transport.abort()

    async def _serve(self) -> None:
        while self._waiting:
            asked = self._waiting.popleft()
            delivery = self._answer(asked)
            name = request_name(asked.url)
            if delivery.latency:
                await self._rest(name, self._clock.sleep(delivery.latency.total_seconds()))
            await self._deliver(delivery, name)

    async def _deliver(self, delivery: Delivery, name: str) -> None:
        match delivery.manner:
            case Manner.RESET:
                self._reset()
            case Manner.SILENT:
                await self._rest(name, asyncio.get_running_loop().create_future())
            case Manner.DRIP:
                await self._drip(delivery.data, name)
            case Manner.CUT:
                self._transport.write(delivery.data)
                self._transport.close()
            case Manner.WHOLE:
                self._transport.write(delivery.data)

    async def _drip(self, data: bytes, name: str) -> None:
        step = max(1, len(data) // _DRIPS)
        for begin in range(0, len(data), step):
            self._transport.write(data[begin : begin + step])
            await self._rest(name, self._clock.sleep(_DRIP_EVERY))

    async def _rest(self, name: str, wait: Awaitable[None]) -> None:
        with jumping_loop().resting(name):
            await wait

    def _reset(self) -> None:
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()
