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
from tests.unit.monitor.web.people import hidden_field, read_access, session_headers

HEADER = "X-Remote-User"
RIGHTS = {"anne": Right.DUTY, "hope@dept.example": Right.HEAD, "*": Right.VIEWER}
PAGE = {"Accept": "text/html"}


@asynccontextmanager
async def board_behind_proxy(
    proxies: Sequence[str] = ("127.0.0.1",),
    rights: dict[str, Right] | None = None,
    users: Path | None = None,
) -> AsyncIterator[tuple[Board, httpx.AsyncClient]]:
    """Serve a closed board on loopback to a client in the place of a proxy."""
    async with a_board(public=False) as board:
        door = Sessions(Users(users), board.kept_sessions(), board.queries.throttle)
        door.proxy_auth = ProxyAuth(HEADER, RIGHTS if rights is None else rights)
        board.queries.sessions = door
        server = WebServer(board.remake_app(), bind_address("127.0.0.1:0"), proxies)
        serving = asyncio.create_task(server.run())
        async with httpx.AsyncClient(base_url=f"http://{server.address}", headers=PAGE) as client:
            yield board, client
        server.stop()
        await serving


async def access_of(client: httpx.AsyncClient, name: str) -> str:
    """Return in words which pages open for the person that the proxy names."""
    return await read_access(client, {HEADER: name})


async def test_right_depends_on_the_name_that_the_proxy_sends() -> None:
    # "*" is anyone whom the configuration does not name.
    rights = {"anne": Right.DUTY, "hope@dept.example": Right.HEAD, "*": Right.VIEWER}
    async with board_behind_proxy(rights=rights) as (board, client):
        assert await access_of(client, "anne") == "every page"
        assert await access_of(client, "hope@dept.example") == "every page"
        assert await access_of(client, "vic") == "every page but /status"
        for name, may_sign in (("anne", False), ("hope@dept.example", True)):
            page = (await client.get(board.incident_page, headers={HEADER: name})).text
            assert name in page
            assert ("Sign or waive" in page) is may_sign
            assert "Sign out" not in page


@pytest.mark.parametrize("proxies", [[], ["192.0.2.1"], ["10.0.0.0/8", "::1"]])
async def test_header_of_an_untrusted_client_is_ignored(proxies: list[str]) -> None:
    """A case is a list of trusted proxies, none of which is the client at 127.0.0.1."""
    async with board_behind_proxy(proxies) as (_, client):
        assert await access_of(client, "hope@dept.example") == "no page"
        forged = {HEADER: "anne", "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
        assert (await client.get("/", headers=forged)).status_code == 401


async def test_header_without_exactly_one_valid_name_is_refused() -> None:
    async with board_behind_proxy() as (_, client):
        both = [(HEADER, "anne"), (HEADER, "hope@dept.example")]
        assert (await client.get("/", headers=both)).status_code == 401
        for name in ("", "anne,hope@dept.example", "anne hope", "x" * 65):
            assert (await client.get("/", headers={HEADER: name})).status_code == 401


async def test_name_without_right_sees_no_page_not_even_sign_in() -> None:
    """The proxy sends the name in a header. Only anne has a right here. This board has no users
    file, so it has no sign-in page either.
    """
    async with board_behind_proxy(rights={"anne": Right.DUTY}) as (_, client):
        assert await access_of(client, "anne") == "every page"
        # In the rights of a configuration, "*" stands for all other names. As a name in the header,
        # it is invalid.
        for name_without_right in ("vic", "*"):
            assert await access_of(client, name_without_right) == "no page"
        assert (await client.get("/sign-in", headers={HEADER: "vic"})).status_code == 404


async def test_forms_need_the_guard_of_their_own_person() -> None:
    """The guard is a hidden field of a form.

    It proves that the person who sends the form has opened its page.
    """
    async with board_behind_proxy() as (board, client):
        page = board.incident_page
        guard_of_anne = hidden_field(await client.get(page, headers={HEADER: "anne"}), "guard")

        async def acknowledge(name: str, guard: str) -> int:
            form = {"guard": guard}
            return (
                await client.post(f"{page}/acknowledge", data=form, headers={HEADER: name})
            ).status_code

        assert await acknowledge("anne", "x") == 403
        # Hope may act, too, but not with the guard of Anne. Vic may only read.
        assert await acknowledge("vic", guard_of_anne) == 403
        assert await acknowledge("hope@dept.example", guard_of_anne) == 403
        assert board.acknowledged_by() == []
        assert await acknowledge("anne", guard_of_anne) == 303
        assert board.acknowledged_by() == ["duty officer"]


async def test_name_from_the_proxy_takes_precedence_over_a_session(users: Path) -> None:
    async with board_behind_proxy(users=users) as (board, client):
        viewer = await session_headers(board.queries.sessions, "vic")
        duty = await session_headers(board.queries.sessions, "anne")
        assert await read_access(client, viewer) == "every page but /status"
        assert await read_access(client, {**viewer, HEADER: "anne"}) == "every page"
        assert await read_access(client, {**duty, HEADER: "vic"}) == "every page but /status"
        assert await read_access(client) == "no page before sign-in"


async def test_right_removed_from_the_configuration_ends_at_the_next_request() -> None:
    async with board_behind_proxy() as (board, client):
        # Anne has the right to act, which includes the page /status.
        assert await access_of(client, "anne") == "every page"
        assert board.queries.sessions is not None
        board.queries.sessions.proxy_auth = ProxyAuth(HEADER, {"anne": Right.VIEWER})
        assert await access_of(client, "anne") == "every page but /status"
        board.queries.sessions.proxy_auth = None
        assert await access_of(client, "anne") == "no page"
