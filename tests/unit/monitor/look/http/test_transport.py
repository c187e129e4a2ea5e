from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.fetch import Answer, Request
from monitor.look.http.body import Body
from monitor.look.http.connection import Connection, RequestTiming
from tests.unit.monitor.look.publisher import BASE, CLOCK, fetcher_for, full_response, publishing

ANSWERS = [
    (b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\n\r\nhello', 200, b"hello"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n...\r\n0\r\n\r\n", 200, b"hello..."),
    (b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n', 304, b""),
    (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, b""),
]


class RecordingTransport(asyncio.Transport):
    """A transport to nowhere. It records what is written, and whether it was aborted or paused."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def send_request(*, is_head: bool = False) -> tuple[Connection, RecordingTransport]:
    """Return a connection on which a request was sent, and its transport."""
    connection, transport = Connection(lambda _: None, lambda _: None), RecordingTransport()
    connection.connection_made(transport)
    connection.send(b"GET / HTTP/1.1\r\n\r\n", RequestTiming(CLOCK, 5.0), is_head=is_head)
    return connection, transport


async def body_of(connection: Connection) -> bytes:
    await connection.wait_for_headers()
    body = Body("", 1_000_000, may_cut=False)
    await connection.read_into(body)
    return body.end()


def receive_in_pieces(connection: Connection, raw: bytes, cuts: list[int]) -> None:
    """Pass these bytes to a connection, cut at these places."""
    for start, end in pairwise([0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]):
        if end > start:
            connection.data_received(raw[start:end])


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 120), max_size=8))
def test_answer_received_in_pieces_is_whole_and_connection_is_kept(
    sample: tuple[bytes, int, bytes], cuts: list[int]
) -> None:
    raw, status, body = sample  # the bytes of an answer, the status and the body in it

    async def receive_answer() -> tuple[int, bytes, bool]:
        connection, _ = send_request()
        receive_in_pieces(connection, raw, cuts)
        read = await body_of(connection)
        is_kept = connection.end_request()
        return connection.status, read, is_kept

    assert asyncio.run(receive_answer()) == (status, body, True)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_bytes_that_are_no_answer_raise_httpx_transport_error(raw: bytes, cuts: list[int]) -> None:
    """Random bytes arrive, cut into pieces at some places. Then the server closes the connection."""

    async def receive_noise() -> None:
        connection, _ = send_request()
        receive_in_pieces(connection, raw, cuts)
        connection.connection_lost(None)
        with pytest.raises(httpx.TransportError):
            await body_of(connection)

    asyncio.run(receive_noise())


async def test_second_answer_to_one_request_closes_the_connection() -> None:
    """The second answer is not read. It could be a forged one for the next request."""
    connection, _ = send_request()
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    connection.data_received(first + b"HTTP/1.1 200 OK\r\nX-Forged: 1\r\nContent-Length: 2\r\n\r\nno")
    assert await body_of(connection) == b"ok"
    assert connection.headers == [(b"Content-Length", b"2")]
    is_kept = connection.end_request()
    assert not is_kept


async def test_unrequested_bytes_close_an_idle_connection() -> None:
    """After a whole answer the connection is kept. Then the server sends another answer, without a request."""
    connection, transport = send_request()
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    is_kept = connection.end_request()
    assert is_kept
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
    assert transport.aborted
    with pytest.raises(httpx.WriteError):
        connection.send(b"", RequestTiming(CLOCK, 5.0))


async def test_only_connections_of_one_loop_share_a_buffer() -> None:
    """Connections receive bytes in a buffer. Those of another event loop run in another thread, so they need their
    own."""

    async def get_buffer() -> memoryview:
        connection, _ = send_request()
        return connection.get_buffer(-1)

    first = await get_buffer()
    assert await get_buffer() is first
    of_another_loop = await asyncio.to_thread(asyncio.run, get_buffer())
    assert of_another_loop is not first


async def test_body_that_arrives_too_fast_is_paused_until_read() -> None:
    connection, transport = send_request()
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    # At most 262,144 bytes may wait to be read.
    connection.data_received(bytes(300_000))
    assert not transport.reading
    # The waiting bytes are one chunk, which is read as a whole, although only its first 1,000 bytes are kept.
    await connection.read_into(Body("", cap=1_000, may_cut=True))
    assert transport.reading


@pytest.mark.parametrize("trailer", [b"X-More: and more\r\n", b"X-More" + b"e" * 100])
async def test_trailers_are_dropped_and_limited(trailer: bytes) -> None:
    """Trailers are header lines after a body. Here they never end: whole lines, or one line without an end."""
    connection, transport = send_request()
    connection.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
    bytes_beyond_the_limit = 70_000  # more than the 65,536 bytes in a row that may be no part of a body
    for _ in range(bytes_beyond_the_limit // len(trailer)):
        connection.data_received(trailer)
    assert transport.aborted
    assert connection.headers == [(b"Transfer-Encoding", b"chunked")]


async def test_answer_to_head_has_no_body_and_closes_the_connection() -> None:
    connection, _ = send_request(is_head=True)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n")
    assert await body_of(connection) == b""
    # The parser still expects the 200 bytes, so it would take the next answer for them.
    is_kept = connection.end_request()
    assert not is_kept


async def test_connection_that_the_server_closes_is_not_kept() -> None:
    connection, _ = send_request()
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    await body_of(connection)
    is_kept = connection.end_request()
    assert not is_kept


async def test_most_looks_at_an_erratic_server_get_an_answer() -> None:
    chance = random.Random(4)  # noqa: S311
    percent_of_looks = {
        "abort": 10,
        "hang": 3,
        "send a byte too few and close": 7,
        "answer and close": 10,
        "answer": 70,
    }

    async def answer_by_chance(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (behaviour,) = chance.choices(list(percent_of_looks), list(percent_of_looks.values()))
        if behaviour == "abort":
            writer.transport.abort()
        elif behaviour == "hang":
            await reader.read()  # until the client closes the connection
        else:
            body = b"o" if behaviour == "send a byte too few and close" else b"ok"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)
            if behaviour != "answer":
                writer.close()

    async with publishing(answer_by_chance) as publisher, fetcher_for(publisher, seconds=0.2) as fetcher:

        async def count_answers(looks: int) -> int:
            outcomes = [await fetcher.fetch(Request(BASE)) for _ in range(looks)]
            return sum(isinstance(outcome, Answer) for outcome in outcomes)

        answers_to_concurrent_looks = sum(await asyncio.gather(*(count_answers(looks=25) for _ in range(12))))
        # The order of the concurrent looks is not fixed. So the last looks get chances of their own.
        chance.seed(1)
        answers_to_last_looks = await count_answers(looks=20)
    # 80 % get a whole answer, which is 240 of 300 and 16 of 20. A slow machine may miss some, because a look has 0.2 s.
    assert answers_to_concurrent_looks > 150
    assert answers_to_last_looks > 10


async def test_pool_survives_cancelled_looks() -> None:
    """The pool has the open connections to hosts. 20 times, 15 looks begin together, and 8 of them are cancelled."""

    async def answer_after_30_passes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _pass in range(30):
            await asyncio.sleep(0)
        writer.write(full_response(b"ok"))

    chance = random.Random(7)  # noqa: S311
    async with publishing(answer_after_30_passes) as publisher, fetcher_for(publisher, seconds=2) as fetcher:
        for _ in range(20):
            tasks = [asyncio.create_task(fetcher.fetch(Request(BASE))) for _ in range(15)]
            # An answer takes 30 passes of the loop, so the cancellations come before, during or after the answers.
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            for task in chance.sample(tasks, 8):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # If cancelled looks kept their connections, none would be left for this look, and it would time out.
        assert isinstance(await fetcher.fetch(Request(BASE)), Answer)
