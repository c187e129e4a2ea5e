"""`/metrics`: compressed for clients that accept gzip, without secrets, and on a separate
address.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.board import KEYS, WITH_TOKEN, Board, a_board

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
async def test_metrics_are_compressed_only_if_gzip_is_accepted(
    board: Board, accepted: str, encoding: str | None
) -> None:
    """A case is an `Accept-Encoding` header and the encoding of the response.

    With `q=0`, a client refuses gzip.
    """
    board.running.metrics_page = PAGE
    async with board.client.stream(
        "GET", "/metrics", headers={"Accept-Encoding": accepted}
    ) as response:
        sent = b"".join([piece async for piece in response.aiter_raw()])
    assert response.headers.get("content-encoding") == encoding
    assert int(response.headers["content-length"]) == len(sent)
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    # The page repeats one line, so gzip makes it much smaller.
    assert (len(sent) < len(PAGE) / 10) == (encoding == "gzip")
    read = await board.client.get("/metrics", headers={"Accept-Encoding": accepted})
    assert read.content == PAGE


async def test_secrets_are_removed_before_metrics_are_compressed(board: Board) -> None:
    board.running.metrics_page = PAGE
    board.queries.redactor = lambda text: text.replace("Malpractice", "[redacted]")
    transport = httpx.ASGITransport(board.remake_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        # By default, this client accepts gzip and decompresses the content.
        response = await client.get("/metrics")
    assert response.headers["content-encoding"] == "gzip"
    assert response.content == PAGE.replace(b"Malpractice", b"[redacted]")


async def test_pages_are_not_compressed(board: Board) -> None:
    response = await board.client.get("/", headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert "content-encoding" not in response.headers


async def test_separate_metrics_address_serves_only_metrics_and_health() -> None:
    """The separate address serves the metrics without a token.

    Even with a token, it serves no page.
    """
    async with a_board(public=False) as board:
        metrics_socket = bind_address("127.0.0.1:0")
        server = WebServer(board.app, bind_address("127.0.0.1:0"), metrics=metrics_socket)
        serving = asyncio.create_task(server.run())
        metrics_port = metrics_socket.getsockname()[1]
        async with (
            httpx.AsyncClient(base_url=f"http://{server.address}") as pages,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{metrics_port}") as metrics,
        ):
            for path in ("/healthz", "/livez", "/readyz"):
                assert (await pages.get(path)).status_code == 200
                assert (await metrics.get(path)).status_code == 200
            assert (await pages.get("/metrics")).status_code == 401
            assert (await metrics.get("/metrics")).status_code == 200
            for path in ("/", "/api/v1/releases"):
                assert (await pages.get(path)).status_code == 401
                assert (await pages.get(path, headers=WITH_TOKEN)).status_code == 200
                assert (await metrics.get(path, headers=WITH_TOKEN)).status_code == 404
            for path in ("/", "/status", "/api/v1/releases", "/style.css", "/acknowledge"):
                assert (await metrics.get(path)).status_code == 404
        server.stop()
        await serving


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer for metrics"}, 401),
        ({"Authorization": "Bearer for exposures"}, 200),
        (WITH_TOKEN, 200),
    ],
    ids=["stranger", "token for metrics", "token of its own", "token for everything"],
)
async def test_embargoed_metrics_need_a_token_of_their_own_on_both_addresses(
    headers: dict[str, str], status: int
) -> None:
    keys = replace(KEYS, metrics=b"for metrics", embargoed=b"for exposures")
    async with a_board(public=True, keys=keys) as board:
        board.view_as_stranger()
        metrics_socket = bind_address("127.0.0.1:0")
        server = WebServer(board.remake_app(), bind_address("127.0.0.1:0"), metrics=metrics_socket)
        serving = asyncio.create_task(server.run())
        for address in (server.address, f"127.0.0.1:{metrics_socket.getsockname()[1]}"):
            async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as client:
                answer = await client.get("/metrics/embargoed")
            assert answer.status_code == status
            assert ("embargoed metrics" in answer.text) is (status == 200)
        server.stop()
        await serving
