"""Connections that send no request, never finish one or never read the response do not delay others."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from monitor.web.connections import Connection, ConnectionLimiter, default_limiter
from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.board import a_board

PART = b"GET /healthz HTTP/1.1\r\nHost: board\r\nX-Slow: "
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serve_pages(limiter: ConnectionLimiter | None = None) -> AsyncIterator[tuple[str, int]]:
    async with a_board() as board:
        bound = bind_address("127.0.0.1:0")
        bound.listen()
        server = WebServer(board.app, bound, limiter=limiter)
        serving = asyncio.create_task(server.run())
        host, _, port = server.address.rpartition(":")
        try:
            yield host, int(port)
        finally:
            server.stop()
            await serving


async def open_slow_streams(host: str, port: int, n: int) -> Streams:
    here = (f"127.0.{n % 40 + 1}.{n % 200 + 1}", 0)
    streams = await asyncio.open_connection(host, port, local_addr=here)
    streams[1].write(PART)
    return streams


async def test_two_thousand_slow_connections_delay_no_request_and_use_a_quarter_of_the_descriptors() -> None:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(2000, descriptors // 3)
    async with serve_pages() as (host, port), httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        held: list[Streams] = []
        longest, loop = 0.0, asyncio.get_running_loop()
        for first in range(0, many, 50):
            held += await asyncio.gather(*(open_slow_streams(host, port, n) for n in range(first, first + 50)))
            began = loop.time()
            assert (await client.get("/healthz")).status_code == 200
            longest = max(longest, loop.time() - began)
        ended = await asyncio.gather(*(asyncio.wait_for(is_ended(one), 10) for one in held[: many - 400]))
        assert all(ended)
        assert longest < 0.5
        for _, writer in held:
            writer.close()


async def is_ended(streams: Streams) -> bool:
    try:
        return await streams[0].read() == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (PART + b"x" * 20_000, b"400"),
        (b"GET / HTTP/1.1\r\nHost: b\r\n" + b"A: b\r\n" * 4000, b"400"),
        (b"\x00\xff nonsense\r\n\r\n", b"400"),
    ],
)
async def test_endless_request_head_is_refused(sent: bytes, expected: bytes) -> None:
    async with serve_pages() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(sent)
        assert expected in (await asyncio.wait_for(reader.read(), 10)).split(b"\r\n")[0]
        writer.close()


async def test_slow_request_head_closes_its_connection() -> None:
    async with serve_pages(ConnectionLimiter(header_seconds=0.2)) as (host, port):
        streams = await open_slow_streams(host, port, 1)
        assert await asyncio.wait_for(is_ended(streams), 10)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: board\r\n\r\n" + PART)
        assert b"200 OK" in await asyncio.wait_for(reader.read(), 10)
        for each in (streams[1], writer):
            each.close()


class FakeConnection:
    """A connection as the limiter sees it."""

    ended = False

    def end(self) -> None:
        self.ended = True


def connection() -> Connection:
    made: Connection = FakeConnection()  # type: ignore[assignment] # the limiter only calls end
    return made


def is_closed(one: Connection) -> bool:
    return bool(one.ended)  # type: ignore[attr-defined] # see FakeConnection


def test_new_connection_replaces_the_oldest_idle_one() -> None:
    limiter, ones = ConnectionLimiter(most=3, most_each=2), [connection() for _ in range(5)]
    limiter.add(ones[0], "a")
    limiter.mark_busy(ones[0])
    limiter.add(ones[1], "a")
    limiter.add(ones[2], "a")
    assert [is_closed(one) for one in ones] == [False, True, False, False, False]
    limiter.add(ones[3], "b")
    limiter.add(ones[4], "c")
    assert [is_closed(one) for one in ones] == [False, True, True, False, False]
    assert len(limiter) == 3
    for one in ones:
        limiter.remove(one)
    assert len(limiter) == 0


def test_new_connection_is_closed_if_all_others_are_busy() -> None:
    limiter, ones = ConnectionLimiter(most=9, most_each=1), [connection(), connection()]
    limiter.add(ones[0], "a")
    limiter.mark_busy(ones[0])
    limiter.add(ones[1], "a")
    assert [is_closed(one) for one in ones] == [False, True]
    limiter.mark_idle(ones[0])
    limiter.add(last := connection(), "a")
    assert [is_closed(ones[0]), is_closed(last)] == [True, False]


def test_trusted_proxy_is_not_limited_per_address() -> None:
    limiter = ConnectionLimiter(most=9, most_each=1, proxies=("a",))
    ones = [connection() for _ in range(5)]
    for one in ones:
        limiter.add(one, "a")
    assert not any(is_closed(one) for one in ones)


def test_limiter_leaves_three_quarters_of_the_descriptors() -> None:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert default_limiter(()).most * 4 <= max(descriptors, 32)
