"""Wrong guesses are delayed, but valid links, tokens, sessions and known networks are not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from alerts.signed_link import sign_token
from monitor.web.credentials import Guess, Throttle
from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.board import KEYS, WITH_TOKEN, Board, StoppedClock, a_board
from tests.unit.monitor.web.people import SECRET, SESSION_COOKIE
from tests.worlds.instants import after_slot

TOKEN = {**WITH_TOKEN, "Accept": "*/*"}


async def try_to_sign_in(client: httpx.AsyncClient, password: str = SECRET) -> int:
    """Send the sign-in form of anne, and return the status of the response."""
    page = await client.get("/sign-in")
    found = re.search(r'name="mark" value="([^"]*)"', page.text)
    mark = found[1] if found is not None else ""
    answer = await client.post(
        "/sign-in", data={"name": "anne", "password": password, "mark": mark}
    )
    return answer.status_code


def use_up_guesses(board: Board, kind: Guess, *names: str) -> None:
    """Count twenty wrong guesses for each client address or account, so that the next one must
    wait.
    """
    for name in names:
        for _ in range(20):
            board.queries.throttle.count_failure(kind, name)


async def test_valid_link_session_or_token_works_despite_wrong_guesses(users: Path) -> None:
    """Too many wrong guesses came from this address, so a further one must wait (429). From the
    same address a valid link, session or token works (200).
    """
    async with a_board(public=False, users=users) as board:
        assert await try_to_sign_in(board.client) == 303
        use_up_guesses(board, Guess.LINK, "127.0.0.1")
        use_up_guesses(board, Guess.TOKEN, "127.0.0.1")
        link = sign_token(board.incident, after_slot(400) + timedelta(days=7), KEYS.link)
        assert (await board.client.get("/acknowledge", params={"token": "x"})).status_code == 429
        # the link
        assert (await board.client.get("/acknowledge", params={"token": link})).status_code == 200
        assert await board.status_of("/") == 200  # the session
        board.client.cookies.clear()
        # the token
        assert (await board.client.get("/api/v1/releases", headers=TOKEN)).status_code == 200
        address = f"/api/v1/incidents/{board.incident}/acknowledge"
        assert (await board.client.post(address, headers=TOKEN)).status_code == 200
        wrong = {"Authorization": "Bearer x"}
        assert (await board.client.post(address, headers=wrong)).status_code == 429


async def test_guesses_from_elsewhere_lock_no_one_out_of_their_own_network(users: Path) -> None:
    """Anne has signed in from 127.0.0.1. Others have used up the guesses of her password. From
    another network she must wait (429), from her own she need not.
    """
    async with a_board(public=False, users=users) as board:
        assert await try_to_sign_in(board.client) == 303
        assert board.queries.sessions is not None
        account = board.queries.sessions.account_counter("anne")
        use_up_guesses(board, Guess.PASSWORD, "127.0.0.1", account)
        transport = httpx.ASGITransport(board.app, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as elsewhere:
            assert await try_to_sign_in(elsewhere) == 429
        del board.client.cookies[SESSION_COOKIE]
        assert await try_to_sign_in(board.client) == 303


async def test_wrong_links_and_tokens_delay_no_password(users: Path) -> None:
    """A mail scanner that follows old links must not keep people from signing in."""
    async with a_board(public=False, users=users) as board:
        use_up_guesses(board, Guess.LINK, "127.0.0.1")
        use_up_guesses(board, Guess.TOKEN, "127.0.0.1")
        assert await try_to_sign_in(board.client) == 303


@pytest.mark.slow
async def test_guesses_at_one_account_from_many_addresses_are_delayed(users: Path) -> None:
    async with a_board(public=False, users=users) as board:
        statuses = []
        for n in range(22):
            transport = httpx.ASGITransport(board.app, client=(f"192.0.2.{n}", 1))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                statuses.append(await try_to_sign_in(client, "wrong"))
    # Twenty wrong guesses at an account are allowed, and each address made only one.
    assert statuses == [403] * 20 + [429] * 2


def test_each_further_wrong_guess_doubles_the_wait_to_16_minutes() -> None:
    clock = StoppedClock(after_slot(0))
    # A client must wait after one wrong guess, and here guesses wrong again after each wait.
    throttle, waits = Throttle(clock, most=1), []
    for _ in range(6):
        throttle.count_failure(Guess.LINK, "a")
        waits.append(throttle.wait(Guess.LINK, "a"))
        clock.seconds += waits[-1]
    assert waits == [60, 120, 240, 480, 960, 960]  # seconds
    # A client that pauses for longer than its last wait begins again with the first.
    clock.seconds += 1000
    throttle.count_failure(Guess.LINK, "a")
    assert throttle.wait(Guess.LINK, "a") == 60


def test_ipv6_addresses_are_counted_by_their_64_bit_network() -> None:
    throttle = Throttle(StoppedClock(after_slot(0)), most=1)
    throttle.count_failure(Guess.LINK, "2001:db8::1")
    assert throttle.wait(Guess.LINK, "2001:db8::2:3") > 0
    # The first 64 bits of this address differ.
    assert throttle.wait(Guess.LINK, "2001:db8:1::1") == 0


FORWARDED = {"X-Forwarded-For": "192.0.2.9"}


@asynccontextmanager
async def client_of_server(
    board: Board, proxies: Sequence[str]
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a board behind these trusted proxies, and open a client on this machine."""
    server = WebServer(board.app, bind_address("127.0.0.1:0"), proxies)
    serving = asyncio.create_task(server.run())
    async with httpx.AsyncClient(base_url=f"http://{server.address}") as client:
        yield client
    server.stop()
    await serving


@pytest.mark.parametrize("proxies", [[], ["127.0.0.1"]])
async def test_forwarded_or_misaddressed_request_is_from_a_stranger(
    board: Board, proxies: list[str]
) -> None:
    """A case is a list of trusted proxies.

    A person at the machine need not sign in, but a stranger must.
    """
    async with client_of_server(board, proxies) as client:
        # The first request comes from 127.0.0.1 and is for this host. The others are forwarded, or
        # for another host.
        assert (await client.get("/status")).status_code == 200
        assert (await client.get("/status", headers=FORWARDED)).status_code == 401
        assert (await client.get("/status", headers={"Host": "evil.example"})).status_code == 401


@pytest.mark.parametrize(
    ("proxies", "counted_address"), [([], "127.0.0.1"), (["127.0.0.1"], "192.0.2.9")]
)
async def test_forwarded_client_address_is_used_only_from_a_configured_proxy(
    board: Board, proxies: list[str], counted_address: str
) -> None:
    """A case is a list of trusted proxies and the address whose wrong guess is counted. If the
    proxy at 127.0.0.1 is trusted, it is 192.0.2.9 from the header. Otherwise it is 127.0.0.1
    itself.
    """
    async with client_of_server(board, proxies) as client:
        wrong_guess = await client.get("/acknowledge", params={"token": "x"}, headers=FORWARDED)
        assert wrong_guess.status_code == 403
    assert list(board.queries.throttle._failures) == [(Guess.LINK, counted_address)]
