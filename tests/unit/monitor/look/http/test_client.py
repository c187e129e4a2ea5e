"""`httpx.AsyncClient` on our transport is guarded and limited like a look.

A body is never sent twice.
"""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest

from monitor.look.guard import Guard
from monitor.look.http.body import UnusableBody
from monitor.look.http.resolve import Proxies, Proxy, Resolver, Route
from monitor.look.http.transport import HttpTransport
from tests.loopback import http_server
from tests.unit.monitor.look.publisher import (
    BASE,
    CLOCK,
    Publisher,
    full_response,
    publishing,
    reply_with,
)


def open_client(publisher: Publisher, *, seconds: float = 5.0) -> httpx.AsyncClient:
    resolver = Resolver(Guard(), lambda *_: Route("127.0.0.1", publisher.port, tls=False))
    return httpx.AsyncClient(
        transport=HttpTransport(CLOCK, resolver, seconds=seconds), trust_env=False
    )


async def test_request_with_body_is_sent_once_on_new_connection() -> None:
    """A request with a body may change something on the server. So it is never repeated, even if
    the server closes the connection without an answer. It gets a new connection, because the server
    may just be closing an old one.
    """
    body, bodies_received = b"a=b&c", list[bytes]()

    async def close_at_the_third_request(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        has_body = publisher.heads[-1].startswith(b"POST")
        bodies_received.append(await reader.readexactly(len(body)) if has_body else b"")
        if len(bodies_received) == 3:
            writer.close()
        else:
            writer.write(full_response(b"ok"))

    # The first request has no body. The second one has a body, and so has the third, which gets no
    # answer.
    async with (
        publishing(close_at_the_third_request) as publisher,
        open_client(publisher) as client,
    ):
        assert (await client.get(f"{BASE}/a")).text == "ok"
        assert (await client.post(f"{BASE}/a", content=body)).status_code == 200
        with pytest.raises(httpx.TransportError):
            await client.post(f"{BASE}/a", content=body)
    # Each was received once, on a connection of its own.
    assert bodies_received == [b"", body, body]
    assert publisher.connections == 3


async def test_client_sends_query_and_body_length_and_accepts_gzip() -> None:
    async with (
        publishing(reply_with(full_response(b"ok"))) as publisher,
        open_client(publisher) as client,
    ):
        await client.get(BASE)
        await client.post(f"{BASE}/a?b=c", content=b"a=b&c")
    first_request, second_request = publisher.heads
    assert second_request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"\r\ncontent-length:" not in first_request.lower()
    # The second request has a body of five bytes. Both accept gzip.
    assert publisher.header_values("content-length") == ["5"]
    assert publisher.header_values("accept-encoding") == ["gzip", "gzip"]


async def test_gzip_is_unpacked_and_a_bomb_is_refused() -> None:
    """The client reads at most 500,000 unpacked bytes of an answer. The first answer has 800 bytes,
    the second has five megabytes, which are only a few kilobytes as long as they are packed (a
    "bomb").
    """
    figures, five_megabytes = b"figures " * 100, bytes(5_000_000)
    bodies = iter([figures, five_megabytes])

    async def answer_with_gzip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(full_response(gzip.compress(next(bodies)), "200 OK", "Content-Encoding: gzip"))

    async with publishing(answer_with_gzip) as publisher, open_client(publisher) as client:
        assert (await client.get(BASE)).content == figures
        with pytest.raises(UnusableBody, match="more than 500000 bytes"):
            await client.get(BASE)


async def test_head_of_answer_is_returned_before_its_body_arrives() -> None:
    """The server sends only the head of an answer: status and headers.

    The body of 1,000 bytes never arrives.
    """
    head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n"
    async with (
        publishing(reply_with(head)) as publisher,
        open_client(publisher) as client,
        client.stream("POST", BASE, content=b"x") as answer,
    ):
        assert answer.status_code == 202


@pytest.mark.parametrize("url", ["https://10.0.0.1/secret", "ftp://a.example/secret"])
async def test_refusal_of_forbidden_address_does_not_quote_it(url: str) -> None:
    """An address is forbidden if its host is in a private network, or if it is neither http nor
    https. It may contain a secret. So the error has only a code.
    """
    transport = HttpTransport(CLOCK, Resolver(Guard()))
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        with pytest.raises(httpx.TransportError) as fault:
            await client.get(url)
    assert str(fault.value) == "refused_address"


async def test_hanging_server_is_cut_at_the_deadline() -> None:
    """The deadline is 0.1 s after the request."""

    async def hang(_: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await publisher.done.wait()

    async with publishing(hang) as publisher, open_client(publisher, seconds=0.1) as client:
        with pytest.raises(httpx.ReadTimeout, match="timeout"):
            await client.get(BASE)
        publisher.done.set()


async def test_plain_http_is_sent_to_proxy_without_tunnel() -> None:
    """A proxy passes on requests with plain http, without a tunnel to the host. So the first line
    of the request must have the whole address, not only its path.
    """
    async with http_server(lambda _: (200, "by proxy", {})) as proxy:
        proxies = Proxies(Proxy("127.0.0.1", proxy.port, tunnels_http=False))
        transport = HttpTransport(CLOCK, Resolver(Guard(anywhere=True), proxies=proxies))
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            assert (await client.get("http://stats.example:8080/a?b=c")).text == "by proxy"
    (received,) = proxy.asked
    assert (received.method, received.target) == ("GET", "http://stats.example:8080/a?b=c")
    assert received.headers["host"] == "stats.example:8080"
