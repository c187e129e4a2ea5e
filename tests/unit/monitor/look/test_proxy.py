"""Requests through a proxy: what it receives, and how its faults are reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from monitor.clock import SystemClock
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.look.guard import make_guard
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Proxies, Proxy
from tests.loopback import http_server

UNUSED_PORT = 1
"""A port on which no server runs, for a proxy that must connect to none."""


@dataclass
class Tunnel:
    """A proxy on loopback that connects every host to one port.

    `asked` has the first line of each request.
    """

    port: int = 0
    asked: list[str] = field(default_factory=list)


async def _copy_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def proxy(connects_to: int, status: str = "200 OK") -> AsyncIterator[Tunnel]:
    tunnel = Tunnel()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        tunnel.asked.append(head.splitlines()[0])
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if not status.startswith("200"):
            writer.close()
            return
        inner, outer = await asyncio.open_connection("127.0.0.1", connects_to)
        await asyncio.gather(_copy_bytes(reader, outer), _copy_bytes(inner, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        tunnel.port = server.sockets[0].getsockname()[1]
        yield tunnel


def fetcher(tunnel: Tunnel, allowed: Mapping[str, list[str]] | None = None) -> HttpFetcher:
    """Return a fetcher that uses the proxy.

    `allowed` has the private networks that a host may be in.
    """
    guard = make_guard([], of_hosts=(allowed or {}).items())
    return HttpFetcher(
        SystemClock(), guard, proxies=Proxies(Proxy("127.0.0.1", tunnel.port)), seconds=5.0
    )


async def test_request_goes_through_tunnel_and_proxy_resolves_name() -> None:
    """A proxy is configured. Two requests are sent to a host.

    Each opens a tunnel to the host through the proxy. The proxy gets the name of the host, not its
    address.
    """
    async with (
        http_server(lambda _asked: (200, "out", {})) as server,
        proxy(connects_to=server.port) as tunnel,
    ):
        client = fetcher(tunnel)
        for _ in range(2):
            answer = await client.fetch(Request("http://stats.example/release"))
            assert isinstance(answer, Answer)
            assert (answer.status, answer.body) == (200, b"out")
            assert answer.sent <= answer.received
        await client.close()
    assert tunnel.asked == ["CONNECT stats.example:80 HTTP/1.1"] * 2
    assert [(one.target, one.headers["host"]) for one in server.asked] == [
        ("/release", "stats.example")
    ] * 2


@pytest.mark.parametrize(
    "status", ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway"]
)
async def test_refusal_by_proxy_is_connect_failure_not_an_answer(status: str) -> None:
    """For example, the proxy answers "403 Forbidden".

    The host did not answer, so this proves nothing about its page.

    The outcome is a failure to connect, whose detail has the number of the status: "the proxy
    answered 403".
    """
    async with proxy(connects_to=UNUSED_PORT, status=status) as tunnel:
        client = fetcher(tunnel)
        failed = await client.fetch(Request("https://stats.example/release"))
        await client.close()
    assert isinstance(failed, Failure)
    status_number = status[:3]
    assert (failed.reason, failed.detail) == (Reason.CONNECT, f"the proxy answered {status_number}")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "intranet",
        "wiki.internal",
        "10.1.2.3",
        "169.254.169.254",
        "[::1]",
        "printer.local",
        "router.home.arpa",
        "app.localdomain",
        # Other forms of 10.0.0.1 and 127.0.0.1, which a proxy may accept.
        "10.1",
        "0x7f.0x1",
        "0177.0.0.1.",
    ],
)
async def test_private_host_is_not_requested_through_the_proxy(host: str) -> None:
    """For example, the host is `localhost`, `wiki.internal` or 10.1.2.3."""
    async with proxy(connects_to=UNUSED_PORT) as tunnel:
        client = fetcher(tunnel)
        failed = await client.fetch(Request(f"http://{host}/release"))
        await client.close()
    assert isinstance(failed, Failure)
    assert failed.reason is Reason.REFUSED_ADDRESS
    requests_to_proxy = tunnel.asked
    assert requests_to_proxy == []


async def test_public_host_with_a_private_word_in_its_name_is_requested() -> None:
    """A name that ends with `.local` would be private.

    The name `www.local.example` only contains the word.
    """
    async with (
        http_server(lambda _asked: (200, "out", {})) as server,
        proxy(connects_to=server.port) as tunnel,
    ):
        client = fetcher(tunnel)
        assert isinstance(await client.fetch(Request("http://www.local.example/")), Answer)
        await client.close()
    assert tunnel.asked == ["CONNECT www.local.example:80 HTTP/1.1"]


async def test_configured_private_host_is_requested_through_proxy() -> None:
    """A name that ends with `.internal` is private, so it is usually refused.

    Here the settings allow it.
    """
    async with (
        http_server(lambda _asked: (200, "out", {})) as server,
        proxy(connects_to=server.port) as tunnel,
    ):
        client = fetcher(tunnel, allowed={"wiki.internal": ["10.0.0.0/8"]})
        assert isinstance(await client.fetch(Request("http://wiki.internal/")), Answer)
        await client.close()
    assert tunnel.asked == ["CONNECT wiki.internal:80 HTTP/1.1"]


async def test_request_through_proxy_that_does_not_run_is_connect_failure() -> None:
    async with proxy(connects_to=UNUSED_PORT) as tunnel:
        pass  # and then the proxy ends
    client = fetcher(tunnel)
    failed = await client.fetch(Request("https://stats.example/"))
    await client.close()
    assert isinstance(failed, Failure)
    assert failed.reason is Reason.CONNECT


def test_host_may_have_its_own_proxy_or_none() -> None:
    """A default proxy is configured, another one for www.gov.uk, and none for inside.example."""
    default, other = Proxy("proxy.example", 3128), Proxy("other.example", 80)
    proxies = Proxies(default, {"www.gov.uk": other, "inside.example": None})
    assert proxies.proxy_for("stats.example") == default
    assert proxies.proxy_for("WWW.gov.uk") == other  # capitals do not matter
    assert proxies.proxy_for("inside.example") is None
