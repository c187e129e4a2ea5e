"""`/metrics`: compressed for clients that accept gzip, without secrets, and on a separate address."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.board import KEYS, a_board

TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}
PATHS = ("/metrics", "/healthz", "/livez", "/readyz", "/", "/status", "/api/v1/releases", "/style.css", "/acknowledge")
PAGE = b'ninethirty_release_info{release="malpractice",title="Malpractice"} 1.0\n' * 200


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br;q=1.0, GZIP;q=0.5, *;q=0.1", "gzip"),
        ("identity", None),
        ("", None),
        ("gzip;q=0", None),
        ("gzip; q=0.000, deflate", None),
    ],
)
async def test_metrics_are_compressed_only_for_a_client_that_accepts_gzip(accepted: str, encoding: str | None) -> None:
    async with a_board() as board:
        board.running.metrics_page = PAGE
        async with board.client.stream("GET", "/metrics", headers={"Accept-Encoding": accepted}) as response:
            sent = b"".join([piece async for piece in response.aiter_raw()])
        assert response.headers.get("content-encoding") == encoding
        assert int(response.headers["content-length"]) == len(sent)
        assert response.headers["vary"] == "Accept-Encoding"
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert (len(sent) < len(PAGE) / 10) == (encoding == "gzip")
        read = await board.client.get("/metrics", headers={"Accept-Encoding": accepted})
        assert read.content == PAGE


async def test_secrets_are_removed_before_metrics_are_compressed() -> None:
    async with a_board() as board:
        board.running.metrics_page = PAGE
        board.queries.redactor = lambda text: text.replace("Malpractice", "[redacted]")
        transport = httpx.ASGITransport(board.remade())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            response = await client.get("/metrics")
        assert response.headers["content-encoding"] == "gzip"
        assert response.content == PAGE.replace(b"Malpractice", b"[redacted]")


async def test_pages_are_not_compressed() -> None:
    async with a_board() as board:
        response = await board.client.get("/", headers={"Accept-Encoding": "gzip"})
        assert response.status_code == 200
        assert "content-encoding" not in response.headers


async def test_metrics_address_serves_only_metrics_and_health() -> None:
    async with a_board(public=False) as board:
        own = bind_address("127.0.0.1:0")
        server = WebServer(board.app, bind_address("127.0.0.1:0"), metrics=own)
        serving = asyncio.create_task(server.run())
        places = (server.address, f"127.0.0.1:{own.getsockname()[1]}")
        result = []
        for place in places:
            async with httpx.AsyncClient(base_url=f"http://{place}") as client:
                result.append([(await client.get(path)).status_code for path in PATHS])
                result.append(
                    [(await client.get(path, headers=TOKEN)).status_code for path in ("/", "/api/v1/releases")]
                )
        server.stop()
        await serving
    assert result[0] == [401, 200, 200, 200, 401, 401, 401, 200, 403]
    assert result[2] == [200, 200, 200, 200, 404, 404, 404, 404, 404]
    assert (result[1], result[3]) == ([200, 200], [404, 404])
