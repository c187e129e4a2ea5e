from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from monitor import __version__
from monitor.clock import VirtualClock
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.look.http.body import Body, UnusableBody
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route
from monitor.rehearse.virtual_loop import run_virtually
from tests.unit.monitor.look.publisher import (
    BASE,
    fetch_from,
    fetcher_for,
    full_response,
    publishing,
    reply_with,
)


async def test_a_request_says_who_asks_and_takes_gzip_alone() -> None:
    async with (
        publishing(reply_with(full_response(b"ok"))) as publisher,
        fetcher_for(publisher, contact="https://a.example") as f,
    ):
        await f.fetch(
            Request(f"{BASE}/a", accept="text/html", modified="Thu, 26 Nov 2026 09:30:00 GMT")
        )
    assert publisher.header_values("user-agent") == [
        f"ninethirty/{__version__} (+https://a.example)"
    ]
    assert publisher.header_values("accept-encoding") == ["gzip"]
    assert publisher.header_values("accept") == ["text/html"]
    assert publisher.header_values("host") == ["www.example.gov.uk"]
    assert publisher.header_values("if-modified-since") == ["Thu, 26 Nov 2026 09:30:00 GMT"]


async def test_gzip_is_unpacked() -> None:
    body = gzip.compress(b"figures " * 1000)
    answer = await fetch_from(reply_with(full_response(body, "200 OK", "Content-Encoding: gzip")))
    assert isinstance(answer, Answer)
    assert answer.body == b"figures " * 1000


async def test_a_gzip_bomb_is_cut_at_the_cap() -> None:
    bomb = full_response(gzip.compress(bytes(50_000_000)), "200 OK", "Content-Encoding: gzip")
    failure = await fetch_from(reply_with(bomb))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TOO_LARGE
    answer = await fetch_from(reply_with(bomb), Request(f"{BASE}/a", cap=1000, may_cut=True))
    assert isinstance(answer, Answer)
    assert len(answer.body) == 1000


async def test_a_gigabyte_is_cut_at_the_cap() -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(10_000):
            writer.write(bytes(100_000))
            await writer.drain()

    failure = await fetch_from(flood)
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TOO_LARGE
    answer = await fetch_from(flood, Request(f"{BASE}/a", cap=64_000, may_cut=True))
    assert isinstance(answer, Answer)
    assert (len(answer.body), answer.whole) == (64_000, False)


@pytest.mark.parametrize(
    "raw",
    [
        full_response(
            gzip.compress(bytes(range(256)) * 40)[:-20], "200 OK", "Content-Encoding: gzip"
        ),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_truncated(raw: bytes) -> None:
    failure = await fetch_from(reply_with(raw, close=True))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TRUNCATED


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
async def test_an_encoding_we_did_not_ask_for_is_refused(encoding: str) -> None:
    failure = await fetch_from(
        reply_with(full_response(b"\x0b\x02\x80abc\x03", "200 OK", f"Content-Encoding: {encoding}"))
    )
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.ENCODING


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("deflate", zlib.compress(b"figures")),
        ("deflate", zlib.compress(b"figures")[2:-4]),  # without the header, as some servers do
        ("gzip, identity", gzip.compress(b"figures")),
    ],
    ids=["zlib", "raw", "gzip"],  # the bytes of gzip contain the time
)
async def test_deflate_is_read_as_browsers_do(encoding: str, body: bytes) -> None:
    raw = full_response(body, "200 OK", f"Content-Encoding: {encoding}")
    answer = await fetch_from(reply_with(raw))
    assert isinstance(answer, Answer)
    assert answer.body == b"figures"


async def test_damaged_gzip_is_refused() -> None:
    failure = await fetch_from(
        reply_with(full_response(b"no gzip at all", "200 OK", "Content-Encoding: gzip"))
    )
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.ENCODING


async def test_a_chunked_body_is_joined() -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n"
        b" world\r\n0\r\n\r\n"
    )
    answer = await fetch_from(reply_with(raw))
    assert isinstance(answer, Answer)
    assert answer.body == b"hello world"


FIGURES, HALF = b"figures " * 1000, 4000
MEMBERS = gzip.compress(FIGURES[:HALF]) + gzip.compress(FIGURES[HALF:])


def decode_in_pieces(sent: bytes, piece: int) -> bytes:
    """Return what a gzip body of at most 10,000 bytes decodes to, if it arrives in such pieces."""
    body = Body("gzip", cap=10_000, may_cut=False)
    for at in range(0, len(sent), piece):
        body.feed(sent[at : at + piece])
    return body.end()


@pytest.mark.parametrize("padding", [b"", bytes(512), b"\0\0garbage", b"\x1f"])
@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_gzip_members_are_joined_and_padding_is_ignored(padding: bytes, piece: int) -> None:
    assert decode_in_pieces(MEMBERS + padding, piece) == FIGURES


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (MEMBERS[:-4], Reason.TRUNCATED),
        (MEMBERS + b"\x1f\x8bdamaged", Reason.ENCODING),
        (gzip.compress(b"") * 5000, Reason.ENCODING),
        (MEMBERS + bytes(200_000), Reason.TOO_LARGE),
        (MEMBERS * 2, Reason.TOO_LARGE),
    ],
    ids=["cut", "damaged", "empty members", "padding", "too long"],
)
def test_gzip_that_is_cut_damaged_or_endless_is_refused(sent: bytes, reason: Reason) -> None:
    with pytest.raises(UnusableBody) as refused:
        decode_in_pieces(sent, 1000)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "encoding", ["UTF-8", "utf8", "none", "identity", "", "iso-8859-1", "text/html", "8bit"]
)
async def test_an_encoding_that_is_no_compression_is_ignored(encoding: str) -> None:
    answer = await fetch_from(
        reply_with(full_response(b"figures", "200 OK", f"Content-Encoding: {encoding}"))
    )
    assert isinstance(answer, Answer)
    assert answer.body == b"figures"


CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
ODD_HEADS = {
    "folded": (b"Content-Type: text/html;\r\n\t charset=utf-8\r\nContent-Length: 5", b"hello"),
    "length_folded": (b"Content-Length:\r\n 5", b"hello"),
    "length_twice": (b"Content-Length: 5\r\nX: y\r\ncontent-length: 5 ", b"hello"),
    "length_list": (b"Content-Length: 5, 5", b"hello"),
    "length_then_chunks": (b"Content-Length: 5\r\nTransfer-Encoding: chunked", CHUNKS),
    "chunks_then_length": (b"Transfer-Encoding: Chunked\r\nContent-Length: 99", CHUNKS),
}


@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"])
@pytest.mark.parametrize("head", list(ODD_HEADS))
async def test_head_that_every_browser_reads_is_read_once(head: str, interim: bytes) -> None:
    """The connection is not kept: such a head may hide a second, forged answer."""
    headers, body = ODD_HEADS[head]
    raw = interim + b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + body
    async with publishing(reply_with(raw)) as publisher, fetcher_for(publisher) as fetcher:
        for _ in range(2):
            answer = await fetcher.fetch(Request(f"{BASE}/a"))
            assert isinstance(answer, Answer)
            assert answer.body == b"hello"
        assert publisher.connections == 2


@pytest.mark.parametrize("head", list(ODD_HEADS))
async def test_odd_head_is_read_when_it_arrives_byte_by_byte(head: str) -> None:
    headers, body = ODD_HEADS[head]

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + body
        for at in range(len(raw)):
            writer.write(raw[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)

    answer = await fetch_from(drip)
    assert isinstance(answer, Answer)
    assert answer.body == b"hello"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5, 6",
        b"Content-Length: 5\r\nTransfer-Encoding: gzip, chunked",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Content-Length: 5\r\nTransfer-Encoding: xchunked",
        b"Content-Length: 5\r\n folded",
        b"Content-Length: +5\r\nContent-Length: +5",
        b"Content-Length: 5\r\nContent-Length : 6",
    ],
)
async def test_head_with_two_meanings_is_refused(headers: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\nhello"
    failure = await fetch_from(reply_with(raw, close=True))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.PROTOCOL


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    answer = await fetch_from(
        reply_with(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", close=True)
    )
    assert isinstance(answer, Answer)
    assert answer.body == b"to the end"


async def test_garbage_is_a_protocol_failure() -> None:
    failure = await fetch_from(reply_with(b"\x00\x01garbage\r\n\r\n" * 10, close=True))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.PROTOCOL


async def test_headers_without_end_are_a_protocol_failure() -> None:
    failure = await fetch_from(
        reply_with(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 50_000)
    )
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.PROTOCOL


async def test_a_reset_is_a_failure() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    failure = await fetch_from(reset)
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.RESET


@pytest.mark.parametrize(
    "drip",
    [
        b"",
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nX-More: a",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
    ],
)
async def test_a_server_that_hangs_or_drips_is_cut_at_the_deadline(drip: bytes) -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(drip)
        for _ in range(60):
            try:
                await asyncio.wait_for(publisher.done.wait(), 0.05)
            except TimeoutError:
                writer.write(b"x" if drip else b"")

    loop = asyncio.get_running_loop()
    async with publishing(hang) as publisher, fetcher_for(publisher, seconds=0.4) as fetcher:
        began = loop.time()
        failure = await fetcher.fetch(Request(f"{BASE}/a"))
        assert isinstance(failure, Failure)
        assert failure.reason is Reason.TIMEOUT
        assert loop.time() - began < 0.8


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2"
FLOODS = {
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "trailers": (CHUNKED + b"\r\nok\r\n0\r\n", b"X-More: and more\r\n"),
    "one trailer": (CHUNKED + b"\r\nok\r\n0\r\nX-More: ", b"and more "),
    "words of a chunk": (CHUNKED, b";more=more"),
    "line breaks": (b"", b"\r\n"),
}


@pytest.mark.parametrize("flood", list(FLOODS))
async def test_a_flood_of_what_is_no_body_ends_with_the_deadline_at_the_latest(flood: str) -> None:
    head, piece = FLOODS[flood]

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece * 1000)
            await writer.drain()

    failure = await asyncio.wait_for(fetch_from(pour, seconds=0.4), 5)
    assert isinstance(failure, Failure)
    assert failure.reason in (Reason.PROTOCOL, Reason.TRUNCATED, Reason.TIMEOUT)


def test_the_deadline_is_reached_in_virtual_time() -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await publisher_leaves.wait()
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        publisher_left.set()

    async def story(clock: VirtualClock) -> Answer | Failure:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        fetcher = HttpFetcher(
            clock, route=lambda *_: Route("127.0.0.1", port, tls=False), seconds=3000.0
        )
        outcome = await fetcher.fetch(Request(f"{BASE}/page"))
        await fetcher.close()
        publisher_leaves.set()
        await publisher_left.wait()
        server.close()
        await server.wait_closed()
        return outcome

    publisher_leaves, publisher_left = asyncio.Event(), asyncio.Event()
    failure = run_virtually(story)
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TIMEOUT
