from __future__ import annotations

import asyncio
import ssl

import pytest

from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.look.guard import make_guard
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route
from tests.unit.monitor.look.publisher import (
    BASE,
    CLOCK,
    fetch_from,
    fetcher_for,
    full_response,
    publishing,
    reply_with,
)


async def test_a_host_is_asked_over_at_most_four_connections_which_are_kept() -> None:
    async with (
        publishing(reply_with(full_response(b"ok"))) as publisher,
        fetcher_for(publisher) as fetcher,
    ):
        for _ in range(3):
            await asyncio.gather(*(fetcher.fetch(Request(f"{BASE}/{n}")) for n in range(20)))
        assert publisher.connections <= 4
        assert len(publisher.heads) == 60


async def test_every_busting_query_is_another() -> None:
    async with (
        publishing(reply_with(full_response(b"ok"))) as publisher,
        fetcher_for(publisher) as fetcher,
    ):
        for url in (f"{BASE}/a?b=1", f"{BASE}/a?b=1", f"{BASE}/api/search.json?count=1"):
            answer = await fetcher.fetch(Request(url, bust=True))
            assert answer.url == url
    lines = [head.split(b" ")[1] for head in publisher.heads]
    assert lines[0].startswith(b"/a?b=1&ninethirty=")
    assert lines[0] != lines[1]
    assert lines[2].startswith(b"/api/search.json?count=1&c=")


async def test_cookies_are_never_sent_back() -> None:
    handle = reply_with(full_response(b"ok", "200 OK", "Set-Cookie: a=b"))
    async with publishing(handle) as publisher, fetcher_for(publisher) as fetcher:
        await fetcher.fetch(Request(f"{BASE}/a"))
        await fetcher.fetch(Request(f"{BASE}/a"))
    assert publisher.header_values("cookie") == []


async def test_the_fetcher_goes_on_after_every_kind_of_trouble() -> None:
    replies = [
        b"\x00garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        full_response(bytes(2000)),
        full_response(b"ok"),
    ]

    async def trouble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = replies[(len(publisher.heads) - 1) % 4]
        writer.write(reply)
        if reply is not replies[3]:
            writer.close()

    async with publishing(trouble) as publisher, fetcher_for(publisher) as fetcher:
        outcomes = [await fetcher.fetch(Request(f"{BASE}/{n}", cap=1000)) for n in range(40)]
        assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 10


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once() -> None:
    async def twice(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Every connection answers once, and goes away as its second question comes.
        if len(publisher.heads) % 2 == 0 and publisher.connections * 2 == len(publisher.heads):
            writer.transport.abort()
            return
        writer.write(full_response(b"ok"))

    async with publishing(twice) as publisher, fetcher_for(publisher) as fetcher:
        first = await fetcher.fetch(Request(f"{BASE}/a"))
        second = await fetcher.fetch(Request(f"{BASE}/a"))
        assert isinstance(first, Answer)
        assert isinstance(second, Answer)
        assert publisher.connections == 2
        assert len(publisher.heads) == 3


async def test_a_new_connection_that_fails_is_not_tried_again() -> None:
    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with publishing(never) as publisher, fetcher_for(publisher) as fetcher:
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
async def test_an_address_that_may_not_be_asked_is_refused(url: str) -> None:
    fetcher = HttpFetcher(CLOCK)
    failure = await fetcher.fetch(Request(url))
    await fetcher.close()
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.REFUSED_ADDRESS


async def test_an_address_that_is_allowed_is_asked() -> None:
    async with publishing(reply_with(full_response(b"ok"))) as publisher:
        guard = make_guard(["127.0.0.0/8"], [publisher.port])
        fetcher = HttpFetcher(CLOCK, guard)
        answer = await fetcher.fetch(Request(f"http://127.0.0.1:{publisher.port}/"))
        await fetcher.close()
    assert isinstance(answer, Answer)


async def test_a_name_without_an_address_is_a_failure_of_dns() -> None:
    def route(host: str, _port: int, _tls: bool) -> Route:  # noqa: FBT001
        raise OSError(host)

    fetcher = HttpFetcher(CLOCK, route=route)
    failure = await fetcher.fetch(Request(f"{BASE}/a"))
    await fetcher.close()
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.DNS


async def test_a_closed_port_is_a_failure_to_connect() -> None:
    async with publishing(reply_with(b"")) as publisher:
        port = publisher.port
    fetcher = HttpFetcher(CLOCK, route=lambda *_: Route("127.0.0.1", port, tls=False))
    failure = await fetcher.fetch(Request(f"{BASE}/a"))
    await fetcher.close()
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.CONNECT


async def test_a_server_without_tls_is_a_failure_of_tls() -> None:
    async with publishing(reply_with(b"no handshake\r\n", close=True)) as publisher:
        port = publisher.port

        async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"plain words, no handshake\r\n")
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        context = ssl.create_default_context()
        fetcher = HttpFetcher(
            CLOCK, route=lambda *_: Route("127.0.0.1", port, tls=True), context=context
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
    outcome = await fetch_from(
        reply_with(b"HTTP/1.1 200 secret\r\nContent-Length: 100\r\n\r\nsecret", close=True)
    )
    assert isinstance(outcome, Failure)
    return outcome
