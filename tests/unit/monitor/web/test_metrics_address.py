"""An address of its own for metrics: nothing else is there, and it opens nothing at the other one."""

from __future__ import annotations

import asyncio

import httpx

from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.board import KEYS, a_board

TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}
PATHS = ("/metrics", "/healthz", "/livez", "/readyz", "/", "/status", "/api/v1/releases", "/style.css", "/acknowledge")


async def test_metrics_address_serves_only_metrics_and_health() -> None:
    async with a_board(public=False) as board:
        own = bind_address("127.0.0.1:0")
        server = WebServer(board.app, bind_address("127.0.0.1:0"), metrics=own)
        serving = asyncio.create_task(server.run())
        places = (server.address, f"127.0.0.1:{own.getsockname()[1]}")
        told = []
        for place in places:
            async with httpx.AsyncClient(base_url=f"http://{place}") as client:
                told.append([(await client.get(path)).status_code for path in PATHS])
                told.append([(await client.get(path, headers=TOKEN)).status_code for path in ("/", "/api/v1/releases")])
        server.stop()
        await serving
    assert told[0] == [401, 200, 200, 200, 401, 401, 401, 200, 403]
    assert told[2] == [200, 200, 200, 200, 404, 404, 404, 404, 404]
    assert (told[1], told[3]) == ([200, 200], [404, 404])
