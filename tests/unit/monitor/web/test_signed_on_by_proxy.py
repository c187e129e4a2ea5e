"""Sign-on by a proxy, which is trusted by its address. Rights are configured by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from monitor.web.server import WebServer, bind_address
from monitor.web.sessions import ProxyAuth, Sessions
from monitor.web.users import Right, Users
from tests.unit.monitor.web.board import Board, a_board
from tests.unit.monitor.web.people import users_file
from tests.unit.monitor.web.test_acknowledge import acknowledged_by
from tests.unit.monitor.web.test_signin import SECRET, basic, hidden

HEADER = "X-Remote-User"
RIGHTS = {"anne": Right.DUTY, "hope@dept.example": Right.HEAD, "*": Right.VIEWER}
PAGE = {"Accept": "text/html"}


@asynccontextmanager
async def behind(
    proxies: Sequence[str] = ("127.0.0.1",), rights: dict[str, Right] | None = None, users: Path | None = None
) -> AsyncIterator[tuple[Board, httpx.AsyncClient]]:
    """Serve a closed board on loopback to a client in the place of a proxy."""
    async with a_board(public=False) as board:
        door = Sessions(Users(users), board.clock, board.queries.throttle)
        door.proxy_auth = ProxyAuth(HEADER, RIGHTS if rights is None else rights)
        board.queries.sessions = door
        server = WebServer(board.remade(), bind_address("127.0.0.1:0"), proxies)
        serving = asyncio.create_task(server.run())
        async with httpx.AsyncClient(base_url=f"http://{server.address}", headers=PAGE) as client:
            yield board, client
        server.stop()
        await serving


async def seen(client: httpx.AsyncClient, name: str) -> list[int]:
    """Return the statuses of a page, an incident and the status page for a person."""
    return [(await client.get(path, headers={HEADER: name})).status_code for path in ("/", "/incidents", "/status")]


async def test_right_depends_on_the_name_that_the_proxy_sends() -> None:
    async with behind() as (board, client):
        result = {name: await seen(client, name) for name in ("anne", "hope@dept.example", "vic")}
        assert result == {"anne": [200] * 3, "hope@dept.example": [200] * 3, "vic": [200, 200, 403]}
        sign = "Sign or waive"
        for name, may in (("anne", False), ("hope@dept.example", True)):
            page = await client.get(f"/incidents/{board.incident}", headers={HEADER: name})
            assert (sign in page.text, name in page.text, "Sign out" in page.text) == (may, True, False)


@pytest.mark.parametrize("proxies", [[], ["192.0.2.1"], ["10.0.0.0/8", "::1"]])
async def test_header_of_an_untrusted_client_is_ignored(proxies: list[str]) -> None:
    async with behind(proxies) as (_, client):
        assert await seen(client, "hope@dept.example") == [401] * 3
        forged = {HEADER: "anne", "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
        assert (await client.get("/", headers=forged)).status_code == 401


async def test_two_names_in_the_header_are_refused() -> None:
    async with behind() as (_, client):
        both = [(HEADER, "anne"), (HEADER, "hope@dept.example")]
        assert (await client.get("/", headers=both)).status_code == 401
        for name in ("", "anne,hope@dept.example", "anne hope", "x" * 65):
            assert (await client.get("/", headers={HEADER: name})).status_code == 401


async def test_name_without_a_right_is_refused() -> None:
    async with behind(rights={"anne": Right.DUTY}) as (_, client):
        assert (await seen(client, "anne"))[0] == 200
        assert await seen(client, "*") == await seen(client, "vic") == [401] * 3
        assert (await client.get("/sign-in", headers={HEADER: "vic"})).status_code == 404


async def test_forms_need_the_guard_of_their_session() -> None:
    async with behind() as (board, client):
        address, who = f"/incidents/{board.incident}", {HEADER: "anne"}
        guard = hidden(await client.get(address, headers=who), "guard")
        for sent, person in (
            ({"guard": "x"}, "anne"),
            ({"guard": guard}, "vic"),
            ({"guard": guard}, "hope@dept.example"),
        ):
            form = sent | {"role": "duty statistician"}
            refused = await client.post(f"{address}/acknowledge", data=form, headers={HEADER: person})
            assert (refused.status_code, acknowledged_by(board)) == (403, [])
        form = {"guard": guard, "role": "duty statistician"}
        assert (await client.post(f"{address}/acknowledge", data=form, headers=who)).status_code == 303
        assert acknowledged_by(board) == ["duty statistician"]


async def test_password_sign_in_works_beside_the_proxy_with_separate_sessions(tmp_path: Path) -> None:
    users = users_file(tmp_path)
    async with behind(users=users) as (_, client):
        mine = {**basic("vic", SECRET), "Accept": "text/html"}
        assert (await client.get("/incidents", headers=mine)).status_code == 200
        assert (await client.get("/status", headers=mine)).status_code == 403
        assert (await client.get("/status", headers={**mine, HEADER: "anne"})).status_code == 200
        assert (await client.get("/status", headers={**basic("anne", SECRET), HEADER: "vic"})).status_code == 403
        assert (await client.get("/", headers={"Accept": "*/*"})).status_code == 401


async def test_removed_right_ends_at_once() -> None:
    async with behind() as (board, client):
        assert await seen(client, "anne") == [200] * 3
        assert board.queries.sessions is not None
        board.queries.sessions.proxy_auth = ProxyAuth(HEADER, {"anne": Right.VIEWER})
        assert await seen(client, "anne") == [200, 200, 403]
        board.queries.sessions.proxy_auth = None
        assert await seen(client, "anne") == [401] * 3
