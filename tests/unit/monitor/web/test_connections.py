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

PART_OF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: board\r\nX-Slow: "
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


async def open_slow_streams(host: str, port: int, *, client: int) -> Streams:
    """Send a part of a request from an address of a numbered client, and return the streams of its connection."""
    here = (f"127.0.{client % 40 + 1}.{client % 200 + 1}", 0)
    streams = await asyncio.open_connection(host, port, local_addr=here)
    streams[1].write(PART_OF_A_HEAD)
    return streams


async def test_up_to_2000_slow_connections_delay_no_request_and_only_the_newest_256_stay_open() -> None:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Both ends of a connection are in this process: two thirds of its descriptors are for them, the rest for others.
    connections, at_once = min(2000, descriptors // 3), 50
    # A request may take longer than this test, so the server closes a connection only because there are too many.
    limiter = ConnectionLimiter(most=256, header_seconds=120)
    assert connections > limiter.most + at_once, "this test needs 921 descriptors"  # 3 * (256 + 51)
    async with serve_pages(limiter) as (host, port), httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        opened: list[Streams] = []
        seconds_of_requests, loop = [], asyncio.get_running_loop()
        for first in range(0, connections, at_once):
            # `open_slow_streams` uses 200 addresses in turn, because each may have only 64 connections.
            opening = [open_slow_streams(host, port, client=number) for number in range(first, first + at_once)]
            opened += await asyncio.gather(*opening)
            began = loop.time()
            assert (await client.get("/healthz")).status_code == 200
            seconds_of_requests.append(loop.time() - began)
        assert max(seconds_of_requests) < 0.5
        # Connections that are opened at once can be accepted in any order.
        oldest = opened[: connections - limiter.most - at_once]
        assert all(await asyncio.gather(*(asyncio.wait_for(is_closed_by_server(streams), 10) for streams in oldest)))
        assert len(limiter) <= limiter.most
        for _, writer in opened:
            writer.close()


async def is_closed_by_server(streams: Streams) -> bool:
    try:
        return await streams[0].read() == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "request_head",
    [
        PART_OF_A_HEAD + b"x" * 20_000,
        b"GET / HTTP/1.1\r\nHost: b\r\n" + b"A: b\r\n" * 4000,
        b"\x00\xff nonsense\r\n\r\n",
    ],
    ids=["endless header", "endless headers", "no HTTP"],
)
async def test_endless_or_invalid_request_head_is_refused(request_head: bytes) -> None:
    async with serve_pages() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(request_head)
        status_line = (await asyncio.wait_for(reader.read(), 10)).split(b"\r\n")[0]
        assert b"400" in status_line
        writer.close()


async def test_connection_is_closed_if_its_request_head_is_not_complete_in_time() -> None:
    async with serve_pages(ConnectionLimiter(header_seconds=0.2)) as (host, port):
        # This sends a part of a head, which must be complete within 0.2 s.
        reader, writer = await open_slow_streams(host, port, client=1)
        assert await asyncio.wait_for(is_closed_by_server((reader, writer)), 10)
        writer.close()


async def test_connection_is_closed_if_the_head_of_its_second_request_is_not_complete_in_time() -> None:
    async with serve_pages(ConnectionLimiter(header_seconds=0.2)) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        # The first head is complete, so it gets an answer. The second must be complete within 0.2 s.
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: board\r\n\r\n" + PART_OF_A_HEAD)
        answer_until_closed = await asyncio.wait_for(reader.read(), 10)
        assert b"200 OK" in answer_until_closed
        writer.close()


class FakeConnection(Connection):
    """A connection without a socket."""

    def __init__(self) -> None:
        self.is_closed = False

    def end(self) -> None:
        self.is_closed = True


def test_third_connection_of_an_address_that_may_have_two_closes_its_oldest_idle_one() -> None:
    limiter = ConnectionLimiter(most=9, most_each=2)
    of_another_address, busy, oldest_idle, new = connections = [FakeConnection() for _ in range(4)]
    limiter.add(of_another_address, "b")
    limiter.add(busy, "a")
    limiter.mark_busy(busy)
    limiter.add(oldest_idle, "a")
    assert not any(one.is_closed for one in connections)
    limiter.add(new, "a")
    assert [one for one in connections if one.is_closed] == [oldest_idle]


def test_third_connection_to_a_server_that_may_have_two_closes_the_oldest_idle_one() -> None:
    limiter = ConnectionLimiter(most=2, most_each=9)
    busy, oldest_idle, new = connections = [FakeConnection() for _ in range(3)]
    limiter.add(busy, "a")
    limiter.mark_busy(busy)
    limiter.add(oldest_idle, "b")
    assert not any(one.is_closed for one in connections)
    limiter.add(new, "c")
    assert [one for one in connections if one.is_closed] == [oldest_idle]
    assert len(limiter) == 2


def test_limiter_counts_connections_until_they_are_removed() -> None:
    limiter, connections = ConnectionLimiter(), [FakeConnection() for _ in range(3)]
    for one in connections:
        limiter.add(one, "a")
    assert len(limiter) == 3
    for one in connections:
        limiter.remove(one)
    assert len(limiter) == 0


def test_at_the_limit_a_new_connection_replaces_an_idle_one_and_is_closed_if_all_are_busy() -> None:
    limiter = ConnectionLimiter(most=9, most_each=1)
    first, new_while_busy, new_while_idle = [FakeConnection() for _ in range(3)]
    limiter.add(first, "a")
    limiter.mark_busy(first)
    limiter.add(new_while_busy, "a")
    assert (first.is_closed, new_while_busy.is_closed) == (False, True)
    limiter.mark_idle(first)
    limiter.add(new_while_idle, "a")
    assert (first.is_closed, new_while_idle.is_closed) == (True, False)


def test_trusted_proxy_is_not_limited_per_address() -> None:
    limiter = ConnectionLimiter(most=9, most_each=1, proxies=("a",))
    # An address may have one connection. A proxy has those of many people, so it may have all nine.
    connections = [FakeConnection() for _ in range(5)]
    for one in connections:
        limiter.add(one, "a")
    assert not any(one.is_closed for one in connections)


def test_limiter_leaves_three_quarters_of_the_descriptors() -> None:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each connection is one descriptor. Eight connections are allowed even if there are few descriptors.
    assert default_limiter(()).most * 4 <= max(descriptors, 32)
