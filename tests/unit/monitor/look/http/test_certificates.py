"""The end of a host's certificate is taken from the connections of looks."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.look.fetch import Answer, Request
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route
from tests.loopback import Asked, http_server
from tests.unit.monitor.look.publisher import CLOCK


def not_found(_asked: Asked) -> tuple[int, str, dict[str, str]]:
    return 404, "", {}


async def test_look_notes_when_the_certificate_of_its_host_ends(
    certificate: Path, server_tls: ssl.SSLContext
) -> None:
    """The certificate was made for two days."""
    ends: dict[str, datetime] = {}
    async with http_server(not_found, server_tls) as server:
        fetcher = HttpFetcher(
            CLOCK,
            route=lambda _host, _port, tls: Route("127.0.0.1", server.port, tls),
            context=ssl.create_default_context(cafile=str(certificate)),
            certificates=ends,
        )
        assert isinstance(await fetcher.fetch(Request("https://127.0.0.1/x")), Answer)
        await fetcher.close()
    (end,) = ends.values()
    assert timedelta(days=1) < end - datetime.now(UTC) < timedelta(days=3)


async def test_connection_without_encryption_shows_no_certificate() -> None:
    ends: dict[str, datetime] = {}
    async with http_server(not_found) as server:
        fetcher = HttpFetcher(
            CLOCK,
            route=lambda _host, _port, _tls: Route("127.0.0.1", server.port, tls=False),
            certificates=ends,
        )
        assert isinstance(await fetcher.fetch(Request("http://stats.example/x")), Answer)
        await fetcher.close()
    assert ends == {}
