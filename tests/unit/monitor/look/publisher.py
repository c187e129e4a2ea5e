"""A publisher on loopback, for the tests of fetchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from monitor.clock import SystemClock
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route

CLOCK = SystemClock()
BASE = "https://www.example.gov.uk"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Publisher:
    """A publisher on loopback for every host. `handle` answers the requests on each connection."""

    handle: Handler
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await self.handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def header_values(self, name: str) -> list[str]:
        lines = [line for head in self.heads for line in head.decode().split("\r\n")]
        return [line.partition(": ")[2] for line in lines if line.lower().startswith(name + ":")]


@asynccontextmanager
async def publishing(handle: Handler) -> AsyncIterator[Publisher]:
    publisher = Publisher(handle)
    server = await asyncio.start_server(publisher.serve, "127.0.0.1", 0)
    publisher.port = server.sockets[0].getsockname()[1]
    try:
        yield publisher
    finally:
        publisher.done.set()
        server.close()
        await server.wait_closed()


def reply_with(raw: bytes, *, close: bool = False) -> Handler:
    """Return a handler that answers every request with these bytes."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if close:
            await writer.drain()
            writer.close()

    return handle


def full_response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return the bytes of a response with its whole body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@asynccontextmanager
async def fetcher_for(
    publisher: Publisher, *, seconds: float = 5.0, contact: str = ""
) -> AsyncIterator[HttpFetcher]:
    def route(_host: str, _port: int, _tls: bool) -> Route:  # noqa: FBT001
        return Route("127.0.0.1", publisher.port, tls=False)

    fetcher = HttpFetcher(CLOCK, route=route, seconds=seconds, contact=contact)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def fetch_from(
    handle: Handler, request: Request | None = None, seconds: float = 5.0
) -> Answer | Failure:
    """Return what the fetcher returns for a request to a publisher that answers by this handler."""
    async with publishing(handle) as publisher, fetcher_for(publisher, seconds=seconds) as fetcher:
        return await fetcher.fetch(request or Request(f"{BASE}/page"))
