"""Connections that send no request, never finish one or never read the response do not delay
others.

Each is a slow stream: it sends only a part of its request.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.web.connections import Connection, ConnectionLimiter, default_limiter
from monitor.web.local_socket import LocalSocket, bind_local
from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.board import a_board

PART_OF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: board\r\nX-Slow: "
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
AT_ONCE = 50
"""Connections that a test opens at the same time."""
UP_TO_2000 = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 3)
"""Connections.

Both ends are in this process, so they use at most two thirds of its file descriptors.
"""
LONGER_THAN_A_TEST = 120.0
"""Seconds in which a request must be complete.

So the server closes no connection because of its duration.
"""


@asynccontextmanager
async def serve_pages(limiter: ConnectionLimiter | None = None) -> AsyncIterator[tuple[str, int]]:
    async with a_board() as board, serve(board.app, limiter) as address:
        yield address


@asynccontextmanager
async def serve(
    app: ASGIApp, limiter: ConnectionLimiter | None = None, local: LocalSocket | None = None
) -> AsyncIterator[tuple[str, int]]:
    bound = bind_address("127.0.0.1:0")
    for each in (bound, *(() if local is None else (local.bound,))):
        each.listen()
    server = WebServer(app, bound, limiter=limiter, local=local)
    serving = asyncio.create_task(server.run())
    host, _, port = server.address.rpartition(":")
    try:
        yield host, int(port)
    finally:
        server.stop()
        await serving


async def open_slow_streams(host: str, port: int, *, client: int) -> Streams:
    """Send a part of a request from an address of a numbered client, and return the streams of its
    connection.

    There are 200 addresses for all clients, because the server allows each address only 64
    connections.
    """
    here = (f"127.0.{client % 40 + 1}.{client % 200 + 1}", 0)
    streams = await asyncio.open_connection(host, port, local_addr=here)
    streams[1].write(PART_OF_A_HEAD)
    return streams


async def open_slow_streams_at_once(host: str, port: int, first: int) -> list[Streams]:
    """Open AT_ONCE slow connections. Their clients are numbered from `first` on."""
    opening = [
        open_slow_streams(host, port, client=number) for number in range(first, first + AT_ONCE)
    ]
    return await asyncio.gather(*opening)


async def test_2000_unfinished_requests_do_not_delay_others() -> None:
    """Up to 2000 connections are opened, `AT_ONCE` at a time. After each batch, a complete request
    is answered within 0.5 s.
    """
    limiter = ConnectionLimiter(most=256, header_seconds=LONGER_THAN_A_TEST)
    async with (
        serve_pages(limiter) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}") as client,
    ):
        slow_streams: list[Streams] = []
        loop = asyncio.get_running_loop()
        for first in range(0, UP_TO_2000, AT_ONCE):
            slow_streams += await open_slow_streams_at_once(host, port, first)
            began = loop.time()
            assert (await client.get("/healthz")).status_code == 200
            assert loop.time() - began < 0.5
        for _, writer in slow_streams:
            writer.close()


async def test_server_closes_oldest_connections_beyond_the_allowed_256() -> None:
    """Up to 2000 connections are opened, `AT_ONCE` at a time. The server keeps the newest 256 and
    closes the older ones.
    """
    limiter = ConnectionLimiter(most=256, header_seconds=LONGER_THAN_A_TEST)
    assert limiter.most + AT_ONCE < UP_TO_2000, "this test needs more file descriptors"
    async with serve_pages(limiter) as (host, port):
        slow_streams: list[Streams] = []
        for first in range(0, UP_TO_2000, AT_ONCE):
            slow_streams += await open_slow_streams_at_once(host, port, first)
        # The server may accept connections that are opened at once in another order. So leave out
        # one such batch.
        oldest = slow_streams[: -(limiter.most + AT_ONCE)]
        closings = [
            asyncio.wait_for(is_closed_by_server(streams), timeout=10) for streams in oldest
        ]
        assert all(await asyncio.gather(*closings))
        assert len(limiter) <= 256
        for _, writer in slow_streams:
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
    """A case is a header without end, 4,000 headers, or bytes that are no HTTP."""
    async with serve_pages() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(request_head)
        status_line = (await asyncio.wait_for(reader.read(), 10)).split(b"\r\n")[0]
        assert b"400" in status_line
        writer.close()


async def test_request_with_two_lengths_is_refused_and_its_connection_closed() -> None:
    """A proxy that goes by `Content-Length` would pass on a second request in its own name."""
    smuggled = b"GET /hidden HTTP/1.1\r\nHost: b\r\n\r\n"
    chunks = b"0\r\n\r\n" + smuggled
    head = (
        b"POST /incidents HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: %d\r\n\r\n" % len(chunks)
    )
    async with serve_pages() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(head + chunks)
        received = await asyncio.wait_for(reader.read(), 10)  # until the server closes
        writer.close()
    assert received.startswith(b"HTTP/1.1 400")
    assert received.count(b"HTTP/1.1") == 1


async def test_connection_is_closed_if_its_first_request_head_is_slow() -> None:
    async with serve_pages(ConnectionLimiter(header_seconds=0.2)) as (host, port):
        # This sends a part of a head, which must be complete within 0.2 s.
        reader, writer = await open_slow_streams(host, port, client=1)
        assert await asyncio.wait_for(is_closed_by_server((reader, writer)), 10)
        writer.close()


async def test_connection_is_closed_if_its_second_request_head_is_slow() -> None:
    async with serve_pages(ConnectionLimiter(header_seconds=0.2)) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        # The first head is complete, so it gets an answer. The second must be complete within 0.2
        # s.
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: board\r\n\r\n" + PART_OF_A_HEAD)
        answer_until_closed = await asyncio.wait_for(reader.read(), 10)
        assert b"200 OK" in answer_until_closed
        writer.close()


class ClosingLimiter(ConnectionLimiter):
    """A limiter that notes when a connection was closed."""

    def __init__(self) -> None:
        super().__init__(transfer_seconds=0.1)
        self.has_closed = asyncio.Event()

    def remove(self, one: Connection) -> None:
        super().remove(one)
        self.has_closed.set()


@pytest.mark.parametrize("is_last", [True, False], ids=["to be closed", "kept alive"])
async def test_client_that_never_reads_the_answer_loses_its_connection(*, is_last: bool) -> None:
    """The answer is larger than what the system keeps for a client that does not read."""
    answer, limiter = PlainTextResponse(b"x" * 20_000_000), ClosingLimiter()
    async with serve(answer, limiter) as (host, port):
        reader, writer = await asyncio.open_connection(host, port, limit=1)
        connection = b"Connection: close\r\n" if is_last else b""
        writer.write(b"GET / HTTP/1.1\r\nHost: b\r\n" + connection + b"\r\n")
        await reader.readexactly(1)
        await asyncio.wait_for(limiter.has_closed.wait(), 10)
        writer.close()


@pytest.mark.parametrize(
    "sent", [b"", b"POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\n1234"]
)
async def test_request_must_be_complete_in_time(sent: bytes) -> None:
    """A case is a client that sends nothing, or a part of a body."""
    limiter = ConnectionLimiter(header_seconds=0.1, transfer_seconds=0.1)

    async def read_body(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("read")(scope, receive, send)

    async with serve(read_body, limiter) as (host, port):
        streams = await asyncio.open_connection(host, port)
        streams[1].write(sent)
        assert await asyncio.wait_for(is_closed_by_server(streams), 10)
        streams[1].close()


async def test_long_work_of_the_server_is_not_cut() -> None:
    limiter = ConnectionLimiter(header_seconds=0.1, transfer_seconds=0.1)

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(0.5, done.set)
        await done.wait()
        await PlainTextResponse("made")(scope, receive, send)

    async with (
        serve(work, limiter) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}") as client,
    ):
        assert (await client.post("/", content=b"all of it")).text == "made"


async def test_users_of_the_socket_share_no_limit_with_others(tmp_path: Path) -> None:
    """Each of them may have one connection. A user of the machine keeps only the newest."""
    limiter = ConnectionLimiter(most_each=1)
    path = tmp_path / "socket"
    local = LocalSocket(bind_local(path), path, tmp_path)
    elsewhere = FakeConnection()
    limiter.add(elsewhere, "")
    async with serve(PlainTextResponse("here"), limiter, local):
        first = await asyncio.open_unix_connection(path)
        second = await asyncio.open_unix_connection(path)
        assert await asyncio.wait_for(is_closed_by_server(first), 10)
        assert not elsewhere.is_closed
        for _, writer in (first, second):
            writer.close()


class FakeConnection(Connection):
    """A connection without a socket."""

    def __init__(self) -> None:
        self.is_closed = False

    def end(self) -> None:
        self.is_closed = True


def test_address_over_its_limit_loses_its_oldest_idle_connection() -> None:
    """A server allows each address two connections. The address `a` has one that is busy with a
    request and one that is idle. When it opens a third, its idle one is closed.
    """
    limiter = ConnectionLimiter(most=9, most_each=2)
    of_another_address, busy, oldest_idle, new = connections = [FakeConnection() for _ in range(4)]
    limiter.add(of_another_address, "b")
    limiter.add(busy, "a")
    limiter.mark_busy(busy)
    limiter.add(oldest_idle, "a")
    assert not any(one.is_closed for one in connections)
    limiter.add(new, "a")
    assert [one for one in connections if one.is_closed] == [oldest_idle]


def test_full_server_closes_the_oldest_idle_connection() -> None:
    """Two connections are allowed.

    One is busy with a request, one idle. At the third, the idle one is closed.
    """
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


def test_new_connection_at_the_limit_replaces_only_an_idle_one() -> None:
    """A server allows each address one connection. While the first is busy with a request, a new
    one is closed. When the first is idle, a new one replaces it.
    """
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
    """Each connection uses a file descriptor of the process.

    All together may use a quarter of them.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Eight connections are allowed even if there are fewer than 8 * 4 = 32 descriptors.
    assert default_limiter(()).most * 4 <= max(descriptors, 32)
