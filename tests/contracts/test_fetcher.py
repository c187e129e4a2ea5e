from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import pytest

from monitor.clock import SystemClock
from monitor.look.fetch import Answer, Failure, Fetcher, Reason, Request
from monitor.look.guard import guard_of
from monitor.look.http import ENGINES, Engine, HttpFetcher
from monitor.look.route import Route
from monitor.look.scripted import Reply, ScriptedFetcher
from monitor.look.stock import StockTransport

CLOCK = SystemClock()
BASE = "https://www.example.gov.uk"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Publisher:
    """A publisher on loopback: every host leads here, every connection to the handler in force."""

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

    def asked(self, name: str) -> list[str]:
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


def says(raw: bytes, *, close: bool = False) -> Handler:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if close:
            await writer.drain()
            writer.close()

    return handle


def whole(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class World(Protocol):
    """A way to put replies in the world and get a fetcher that sees them."""

    def __call__(self, replies: dict[str, Reply]) -> Awaitable[Fetcher]: ...


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    return ENGINES[request.param]


@asynccontextmanager
async def reaching(
    publisher: Publisher, engine: Engine, *, seconds: float = 5.0, contact: str = ""
) -> AsyncIterator[HttpFetcher]:
    def route(_host: str, _port: int, _tls: bool) -> Route:  # noqa: FBT001
        return Route("127.0.0.1", publisher.port, tls=False)

    fetcher = HttpFetcher(CLOCK, route=route, engine=engine, seconds=seconds, contact=contact)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def told(
    engine: Engine, handle: Handler, request: Request | None = None, seconds: float = 5.0
) -> Answer | Failure:
    async with publishing(handle) as publisher, reaching(publisher, engine, seconds=seconds) as fetcher:
        return await fetcher.fetch(request or Request(f"{BASE}/page"))


@pytest.fixture(params=["scripted", *ENGINES])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    replies: dict[str, Reply] = {}

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = publisher.heads[-1].decode().split("\r\n")
        reply = replies.get(BASE + head[0].split(" ")[1], Reply(404, b"Not Found"))
        if reply.fails:
            writer.close()
            return
        conditional = reply.etag is not None and f"If-None-Match: {reply.etag}" in head
        headers = [f"{name}: {value}" for name, value in reply.headers.items()]
        headers += [f"ETag: {reply.etag}"] if reply.etag else []
        body = b"" if conditional else reply.body
        writer.write(whole(body, "304 Not Modified" if conditional else f"{reply.status} Said", *headers))

    async def scripted(table: dict[str, Reply]) -> Fetcher:
        return ScriptedFetcher(CLOCK, table)

    if request.param == "scripted":
        yield scripted
        return
    async with publishing(handle) as publisher, reaching(publisher, ENGINES[request.param]) as fetcher:

        async def served(table: dict[str, Reply]) -> Fetcher:
            replies.update(table)
            return fetcher

        yield served


async def test_an_answer_carries_status_headers_in_lower_case_and_body(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"figures", {"X-Cache": "MISS"})})
    answer = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers["x-cache"], answer.whole) == (200, b"figures", "MISS", True)


async def test_the_instants_bracket_the_request(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"figures")})
    before = datetime.now(UTC)
    answer = await fetcher.fetch(Request(f"{BASE}/a"))
    assert before <= answer.sent <= answer.received <= datetime.now(UTC)


async def test_an_address_nobody_knows_is_not_found(world: World) -> None:
    answer = await (await world({})).fetch(Request(f"{BASE}/none"))
    assert isinstance(answer, Answer)
    assert answer.status == 404


async def test_a_known_tag_is_answered_with_not_modified(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"figures", etag='"1"')})
    first = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(first, Answer)
    again = await fetcher.fetch(Request(f"{BASE}/a", etag=first.headers["etag"]))
    assert isinstance(again, Answer)
    assert (again.status, again.body) == (304, b"")


async def test_a_body_over_its_cap_is_a_failure(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"x" * 100_001)})
    failure = await fetcher.fetch(Request(f"{BASE}/a", cap=100_000))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TOO_LARGE


async def test_a_body_over_its_cap_is_cut_where_the_start_is_enough(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"x" * 300_000)})
    answer = await fetcher.fetch(Request(f"{BASE}/a", cap=1000, enough=True))
    assert isinstance(answer, Answer)
    assert (len(answer.body), answer.whole) == (1000, False)


async def test_a_body_of_just_its_cap_is_whole(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"x" * 1000)})
    answer = await fetcher.fetch(Request(f"{BASE}/a", cap=1000, enough=True))
    assert isinstance(answer, Answer)
    assert answer.whole


async def test_a_redirect_is_answered_and_not_followed(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(301, b"", {"Location": "http://127.0.0.1/loop"})})
    answer = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["location"]) == (301, "http://127.0.0.1/loop")


async def test_a_connection_that_closes_without_an_answer_is_a_reset(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(fails=Reason.RESET)})
    failure = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.RESET
    assert failure.sent <= failure.received


async def test_many_requests_at_once_are_all_answered(world: World) -> None:
    fetcher = await world({f"{BASE}/{n}": Reply(200, str(n).encode()) for n in range(40)})
    answers = await asyncio.gather(*(fetcher.fetch(Request(f"{BASE}/{n}")) for n in range(40)))
    assert [answer.body for answer in answers if isinstance(answer, Answer)] == [str(n).encode() for n in range(40)]


async def test_a_host_is_asked_over_at_most_four_connections_which_are_kept(engine: Engine) -> None:
    async with publishing(says(whole(b"ok"))) as publisher, reaching(publisher, engine) as fetcher:
        for _ in range(3):
            await asyncio.gather(*(fetcher.fetch(Request(f"{BASE}/{n}")) for n in range(20)))
        assert publisher.connections <= 4
        assert len(publisher.heads) == 60


async def test_a_request_says_who_asks_and_takes_gzip_alone(engine: Engine) -> None:
    async with (
        publishing(says(whole(b"ok"))) as publisher,
        reaching(publisher, engine, contact="https://a.example") as f,
    ):
        await f.fetch(Request(f"{BASE}/a", accept="text/html", modified="Thu, 26 Nov 2026 09:30:00 GMT"))
    assert publisher.asked("user-agent") == ["ninethirty/0.1.0 (+https://a.example)"]
    assert publisher.asked("accept-encoding") == ["gzip"]
    assert publisher.asked("accept") == ["text/html"]
    assert publisher.asked("host") == ["www.example.gov.uk"]
    assert publisher.asked("if-modified-since") == ["Thu, 26 Nov 2026 09:30:00 GMT"]


async def test_every_busting_query_is_another(engine: Engine) -> None:
    async with publishing(says(whole(b"ok"))) as publisher, reaching(publisher, engine) as fetcher:
        for url in (f"{BASE}/a?b=1", f"{BASE}/a?b=1", f"{BASE}/api/search.json?count=1"):
            answer = await fetcher.fetch(Request(url, bust=True))
            assert answer.url == url
    lines = [head.split(b" ")[1] for head in publisher.heads]
    assert lines[0].startswith(b"/a?b=1&ninethirty=")
    assert lines[0] != lines[1]
    assert lines[2].startswith(b"/api/search.json?count=1&c=")


async def test_cookies_are_never_sent_back(engine: Engine) -> None:
    handle = says(whole(b"ok", "200 OK", "Set-Cookie: a=b"))
    async with publishing(handle) as publisher, reaching(publisher, engine) as fetcher:
        await fetcher.fetch(Request(f"{BASE}/a"))
        await fetcher.fetch(Request(f"{BASE}/a"))
    assert publisher.asked("cookie") == []


async def test_gzip_is_unpacked(engine: Engine) -> None:
    body = gzip.compress(b"figures " * 1000)
    answer = await told(engine, says(whole(body, "200 OK", "Content-Encoding: gzip")))
    assert isinstance(answer, Answer)
    assert answer.body == b"figures " * 1000


async def test_a_gzip_bomb_is_cut_at_the_cap(engine: Engine) -> None:
    bomb = whole(gzip.compress(bytes(50_000_000)), "200 OK", "Content-Encoding: gzip")
    failure = await told(engine, says(bomb))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TOO_LARGE
    answer = await told(engine, says(bomb), Request(f"{BASE}/a", cap=1000, enough=True))
    assert isinstance(answer, Answer)
    assert len(answer.body) == 1000


async def test_a_gigabyte_is_cut_at_the_cap(engine: Engine) -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(10_000):
            writer.write(bytes(100_000))
            await writer.drain()

    failure = await told(engine, flood)
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TOO_LARGE
    answer = await told(engine, flood, Request(f"{BASE}/a", cap=64_000, enough=True))
    assert isinstance(answer, Answer)
    assert (len(answer.body), answer.whole) == (64_000, False)


@pytest.mark.parametrize(
    "raw",
    [
        whole(gzip.compress(bytes(range(256)) * 40)[:-20], "200 OK", "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
async def test_an_answer_that_breaks_off_is_truncated(engine: Engine, raw: bytes) -> None:
    failure = await told(engine, says(raw, close=True))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TRUNCATED


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
async def test_an_encoding_we_did_not_ask_for_is_refused(engine: Engine, encoding: str) -> None:
    failure = await told(engine, says(whole(b"\x0b\x02\x80abc\x03", "200 OK", f"Content-Encoding: {encoding}")))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.ENCODING


async def test_damaged_gzip_is_refused(engine: Engine) -> None:
    failure = await told(engine, says(whole(b"no gzip at all", "200 OK", "Content-Encoding: gzip")))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.ENCODING


async def test_a_chunked_body_is_joined(engine: Engine) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    answer = await told(engine, says(raw))
    assert isinstance(answer, Answer)
    assert answer.body == b"hello world"


async def test_a_body_without_a_length_ends_with_the_connection(engine: Engine) -> None:
    answer = await told(engine, says(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", close=True))
    assert isinstance(answer, Answer)
    assert answer.body == b"to the end"


async def test_garbage_is_a_protocol_failure(engine: Engine) -> None:
    failure = await told(engine, says(b"\x00\x01garbage\r\n\r\n" * 10, close=True))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.PROTOCOL


async def test_headers_without_end_are_a_protocol_failure(engine: Engine) -> None:
    failure = await told(engine, says(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 50_000))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.PROTOCOL


async def test_a_reset_is_a_failure(engine: Engine) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    failure = await told(engine, reset)
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.RESET


@pytest.mark.parametrize(
    "drip", [b"", b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nX-More: a", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"]
)
async def test_a_server_that_hangs_or_drips_is_cut_at_the_deadline(engine: Engine, drip: bytes) -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(drip)
        for _ in range(60):
            try:
                await asyncio.wait_for(publisher.done.wait(), 0.05)
            except TimeoutError:
                writer.write(b"x" if drip else b"")

    loop = asyncio.get_running_loop()
    async with publishing(hang) as publisher, reaching(publisher, engine, seconds=0.4) as fetcher:
        began = loop.time()
        failure = await fetcher.fetch(Request(f"{BASE}/a"))
        assert isinstance(failure, Failure)
        assert failure.reason is Reason.TIMEOUT
        assert loop.time() - began < 0.8


async def test_the_fetcher_goes_on_after_every_kind_of_trouble(engine: Engine) -> None:
    replies = [
        b"\x00garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        whole(bytes(2000)),
        whole(b"ok"),
    ]

    async def trouble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = replies[(len(publisher.heads) - 1) % 4]
        writer.write(reply)
        if reply is not replies[3]:
            writer.close()

    async with publishing(trouble) as publisher, reaching(publisher, engine) as fetcher:
        outcomes = [await fetcher.fetch(Request(f"{BASE}/{n}", cap=1000)) for n in range(40)]
        assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 10


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once(engine: Engine) -> None:
    async def twice(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Every connection answers once, and goes away as its second question comes.
        if len(publisher.heads) % 2 == 0 and publisher.connections * 2 == len(publisher.heads):
            writer.transport.abort()
            return
        writer.write(whole(b"ok"))

    async with publishing(twice) as publisher, reaching(publisher, engine) as fetcher:
        first = await fetcher.fetch(Request(f"{BASE}/a"))
        second = await fetcher.fetch(Request(f"{BASE}/a"))
        assert isinstance(first, Answer)
        assert isinstance(second, Answer)
        assert publisher.connections == 2
        assert len(publisher.heads) == 3


async def test_a_new_connection_that_fails_is_not_tried_again(engine: Engine) -> None:
    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with publishing(never) as publisher, reaching(publisher, engine) as fetcher:
        assert isinstance(await fetcher.fetch(Request(f"{BASE}/a")), Failure)
        assert publisher.connections == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://10.1.2.3/",
        "http://224.0.0.1/",
        "http://0.0.0.0/",
        "ftp://www.example.gov.uk/",
        "file:///etc/passwd",
        "http://www.example.gov.uk:22/",
        "https://user:word@www.example.gov.uk/",
        "not an address",
        "",
    ],
)
async def test_an_address_that_may_not_be_asked_is_refused(engine: Engine, url: str) -> None:
    fetcher = HttpFetcher(CLOCK, engine=engine)
    failure = await fetcher.fetch(Request(url))
    await fetcher.close()
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.REFUSED_ADDRESS


async def test_an_address_that_is_allowed_is_asked(engine: Engine) -> None:
    async with publishing(says(whole(b"ok"))) as publisher:
        guard = guard_of(["127.0.0.0/8"], [publisher.port])
        fetcher = HttpFetcher(CLOCK, guard, engine=engine)
        answer = await fetcher.fetch(Request(f"http://127.0.0.1:{publisher.port}/"))
        await fetcher.close()
    assert isinstance(answer, Answer)


async def test_a_name_without_an_address_is_a_failure_of_dns(engine: Engine) -> None:
    def route(host: str, _port: int, _tls: bool) -> Route:  # noqa: FBT001
        raise OSError(host)

    fetcher = HttpFetcher(CLOCK, route=route, engine=engine)
    failure = await fetcher.fetch(Request(f"{BASE}/a"))
    await fetcher.close()
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.DNS


async def test_a_closed_port_is_a_failure_to_connect(engine: Engine) -> None:
    async with publishing(says(b"")) as publisher:
        port = publisher.port
    fetcher = HttpFetcher(CLOCK, route=lambda *_: Route("127.0.0.1", port, tls=False), engine=engine)
    failure = await fetcher.fetch(Request(f"{BASE}/a"))
    await fetcher.close()
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.CONNECT


async def test_a_server_without_tls_is_a_failure_of_tls(engine: Engine) -> None:
    async with publishing(says(b"no handshake\r\n", close=True)) as publisher:
        port = publisher.port

        async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"plain words, no handshake\r\n")
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        context = ssl.create_default_context()
        fetcher = HttpFetcher(
            CLOCK, route=lambda *_: Route("127.0.0.1", port, tls=True), engine=engine, context=context
        )
        failure = await fetcher.fetch(Request(f"{BASE}/a"))
        await fetcher.close()
        server.close()
        await server.wait_closed()
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TLS


def test_failures_say_nothing_of_the_body() -> None:
    failure = asyncio.run(_broken())
    assert "secret" not in failure.detail


async def _broken() -> Failure:
    outcome = await told(StockTransport, says(b"HTTP/1.1 200 secret\r\nContent-Length: 100\r\n\r\nsecret", close=True))
    assert isinstance(outcome, Failure)
    return outcome
