"""Signing in: who may see a closed board, how a session begins and ends, and what forms must bring."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from monitor.web.sessions import SESSION_SECONDS
from monitor.web.users import make_line
from tests.unit.monitor.web.board import Board, a_board
from tests.unit.monitor.web.test_acknowledge import acknowledged_by

SECRET = "correct horse battery"
PAGES = ["/", "/incidents", "/status", "/releases/r", "/nowhere"]
PROGRAMS = ["/api/v1/releases", "/api/v1/incidents", "/api/v1/openapi.json", "/calendar.ics"]
HTML = {"Accept": "text/html,application/xhtml+xml"}
Closed = Callable[..., AbstractAsyncContextManager[Board]]


@pytest.fixture(scope="module")
def anne() -> str:
    return make_line("anne", SECRET, "duty statistician")


@pytest.fixture
def users(tmp_path: Path, anne: str) -> Path:
    file = tmp_path / "users"
    file.touch(0o600)
    file.write_text(f"{anne}\n")
    return file


@pytest.fixture
def closed(users: Path) -> Closed:
    """Give what opens a board that only people who sign in may see."""

    @asynccontextmanager
    async def opening(*, public: bool = False, base: str = "http://board.example") -> AsyncIterator[Board]:
        async with a_board(public=public, users=users, base=base) as board:
            board.client.headers.update(HTML)
            yield board

    return opening


def rewrite(users: Path, text: str) -> None:
    users.write_text(text)


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None
    return found[1]


async def sign_in(board: Board, name: str = "anne", password: str = SECRET, where: str = "/") -> httpx.Response:
    page = await board.client.get("/sign-in", params={"next": where})
    form = {"name": name, "password": password, "mark": hidden(page, "mark"), "next": hidden(page, "next")}
    return await board.client.post("/sign-in", data=form)


def basic(name: str, password: str) -> dict[str, str]:
    result = b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {result}", "Accept": "*/*"}


async def test_closed_board_shows_health_and_redirects_others_to_sign_in(closed: Closed) -> None:
    async with closed() as board:
        for path in ("/healthz", "/livez", "/readyz", "/style.css", "/live.js", "/icon.svg"):
            assert (await board.client.get(path)).status_code == 200
        assert (await board.client.get("/metrics")).status_code == 401
        for path in PAGES:
            answer = await board.client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
        for path in PROGRAMS:
            refused = await board.client.get(path, headers={"Accept": "*/*"})
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
        for host in ("board.example/healthz?", "board.example/metrics#", "x/sign-in?"):
            assert (await board.client.get("/incidents", headers={"Host": host})).status_code == 303
        for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
            assert (await board.client.request(method, "/incidents")).status_code == 401


async def test_sign_in_page_shows_nothing_of_the_board(closed: Closed) -> None:
    async with closed() as board:
        page = await board.client.get("/sign-in")
        assert page.status_code == 200
        assert "Malpractice" not in page.text
        assert 'href="/incidents"' not in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_sign_in_redirects_to_the_requested_page(closed: Closed) -> None:
    async with closed() as board:
        asked = await board.client.get(f"/incidents/{board.incident}")
        assert asked.headers["location"] == f"/sign-in?next=/incidents/{board.incident}"
        entered = await sign_in(board, where=f"/incidents/{board.incident}")
        assert (entered.status_code, entered.headers["location"]) == (303, f"/incidents/{board.incident}")
        for path in ("/", "/incidents", "/status", "/api/v1/releases", "/calendar.ics"):
            assert (await board.client.get(path)).status_code == 200
        assert "anne" in (await board.client.get("/")).text
        assert (await board.client.get("/sign-in")).status_code == 303


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example", "/\\evil.example", "", "x", "/a\r\nb"])
async def test_sign_in_never_redirects_to_another_site(closed: Closed, where: str) -> None:
    async with closed() as board:
        assert (await sign_in(board, where=where)).headers["location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("anne", "wrong"), ("bob", SECRET), ("", ""), ("anne", "")])
async def test_wrong_name_and_wrong_password_get_the_same_response(closed: Closed, name: str, password: str) -> None:
    async with closed() as board:
        with capture_logs() as logs:
            answer = await sign_in(board, name, password)
        assert answer.status_code == 403
        assert "do not belong together" in answer.text
        assert "Set-Cookie" not in answer.headers or "ninethirty=" not in answer.headers["Set-Cookie"]
        result = [entry for entry in logs if entry["event"] == "sign_in_refused"]
        assert len(result) == 1
        assert "bob" not in str(logs)
        assert (await board.client.get("/")).status_code == 303


async def test_right_password_must_wait_after_twenty_wrong_ones(closed: Closed) -> None:
    async with closed() as board:
        for _ in range(20):
            board.queries.throttle.count_failure("127.0.0.1")
        answer = await sign_in(board)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        refused = await board.client.get("/api/v1/releases", headers=basic("anne", SECRET))
        assert (refused.status_code, refused.json()["title"]) == (429, "Too Many Requests")
        board.clock.seconds += 61
        assert (await sign_in(board)).status_code == 303


async def test_a_session_lasts_for_a_working_day(closed: Closed) -> None:
    async with closed() as board:
        await sign_in(board)
        board.clock.seconds += SESSION_SECONDS - 1
        assert (await board.client.get("/")).status_code == 200
        board.clock.seconds += 1
        assert (await board.client.get("/")).status_code == 303


async def test_session_ends_when_its_line_is_removed(closed: Closed, users: Path, anne: str) -> None:
    async with closed() as board:
        await sign_in(board)
        rewrite(users, f"{anne}\n# nothing of hers has changed\n")
        assert (await board.client.get("/")).status_code == 200
        rewrite(users, "# nobody any more\n")
        assert (await board.client.get("/")).status_code == 303


async def test_session_ends_when_its_password_is_changed(closed: Closed, users: Path) -> None:
    async with closed() as board:
        await sign_in(board)
        rewrite(users, make_line("anne", "another horse battery"))
        assert (await board.client.get("/")).status_code == 303


async def test_sign_out_needs_the_guard_and_ends_the_session(closed: Closed) -> None:
    async with closed() as board:
        await sign_in(board)
        key = board.client.cookies["ninethirty"]
        guard = hidden(await board.client.get("/"), "guard")
        await board.client.post("/sign-out", data={"guard": "x"})
        board.client.cookies.set("ninethirty", key)
        assert (await board.client.get("/")).status_code == 200
        left = await board.client.post("/sign-out", data={"guard": guard})
        assert left.headers["location"] == "/"
        board.client.cookies.set("ninethirty", key)
        assert (await board.client.get("/")).status_code == 303


async def test_sign_in_form_of_another_browser_is_refused(closed: Closed) -> None:
    async with closed() as board:
        page = await board.client.get("/sign-in")
        form = {"name": "anne", "password": SECRET, "mark": hidden(page, "mark")}
        board.client.cookies.clear()
        for sent in (form, form | {"mark": ""}, {}):
            assert (await board.client.post("/sign-in", data=sent)).status_code == 400
            board.client.cookies.clear()


@pytest.mark.parametrize(
    ("base", "name", "secure"),
    [
        ("http://127.0.0.1:9030", "ninethirty", False),
        ("https://board.example", "__Host-ninethirty", True),
        # TLS ends at a proxy that does not say so; the address is the public one.
        ("http://board.gov.example", "__Host-ninethirty", True),
    ],
)
async def test_cookies_are_http_only_same_site_and_secure(
    closed: Closed, base: str, name: str, *, secure: bool
) -> None:
    async with closed(base=base) as board:
        page = await board.client.get("/sign-in")
        form = {"name": "anne", "password": SECRET, "mark": hidden(page, "mark")}
        board.client.cookies.clear()
        cookie = {"Cookie": f"{name}-form={form['mark']}"}
        entered = await board.client.post("/sign-in", data=form, headers=cookie)
        result = entered.headers.get_list("set-cookie")[0]
        assert result.startswith(f"{name}=")
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(result.split("; "))
        assert ("Secure" in result.split("; ")) is secure
        assert "SameSite=strict" in page.headers["set-cookie"]


async def test_password_of_a_program_is_checked_only_once(closed: Closed, users: Path) -> None:
    async with closed() as board:
        with capture_logs() as logs:
            for path in [*PROGRAMS, "/"]:
                assert (await board.client.get(path, headers=basic("anne", SECRET))).status_code == 200
        assert [entry["event"] for entry in logs].count("signed_in") == 1
        refused = await board.client.get("/api/v1/releases", headers=basic("anne", "wrong"))
        assert refused.status_code == 401
        garbled = await board.client.get("/", headers={"Authorization": "Basic \x7f", "Accept": "*/*"})
        assert garbled.status_code == 401
        rewrite(users, "")
        assert (await board.client.get("/api/v1/releases", headers=basic("anne", SECRET))).status_code == 401


async def test_basic_authentication_can_change_nothing(closed: Closed) -> None:
    async with closed() as board:
        for path in (f"/incidents/{board.incident}/acknowledge", f"/api/v1/incidents/{board.incident}/acknowledge"):
            answer = await board.client.post(path, headers=basic("anne", SECRET), content='{"role": "x"}')
            assert answer.status_code == 401
        assert acknowledged_by(board) == []


async def test_a_program_with_the_token_may_read_a_closed_board(closed: Closed) -> None:
    async with closed() as board:
        headers = {"Authorization": "Bearer a token for programs", "Accept": "*/*"}
        assert (await board.client.get("/api/v1/releases", headers=headers)).status_code == 200
        wrong = {"Authorization": "Bearer wrong", "Accept": "*/*"}
        answers = [(await board.client.get("/api/v1/releases", headers=wrong)).status_code for _ in range(21)]
        assert answers == [401] * 20 + [429]


async def test_signed_in_person_acknowledges_on_the_page(closed: Closed) -> None:
    async with closed() as board:
        await sign_in(board)
        address = f"/incidents/{board.incident}"
        page = await board.client.get(address)
        assert 'value="duty statistician"' in page.text
        guard = hidden(page, "guard")
        without = await board.client.post(f"{address}/acknowledge", data={"role": "duty statistician"})
        assert without.status_code == 403
        blank = await board.client.post(f"{address}/acknowledge", data={"guard": guard, "role": " "})
        assert blank.status_code == 400
        assert "give your role, not your name" in blank.text
        said = await board.client.post(f"{address}/acknowledge", data={"guard": guard, "role": "duty statistician"})
        assert (said.status_code, said.headers["location"]) == (303, address)
        assert acknowledged_by(board) == ["duty statistician"]
        none = await board.client.post("/incidents/none/acknowledge", data={"guard": guard, "role": "x"})
        assert none.status_code == 404


async def test_public_board_is_read_by_all_and_changed_after_sign_in(closed: Closed) -> None:
    async with closed(public=True) as board:
        address = f"/incidents/{board.incident}"
        page = await board.client.get(address)
        assert f"/sign-in?next={address}" in page.text
        assert "I'm on it" not in page.text
        assert (await board.client.post(f"{address}/acknowledge", data={"role": "x"})).status_code == 403
        await sign_in(board)
        acting = (await board.client.get(address)).text
        assert "I'm on it" in acting
        assert all(f'id="{place}"' in acting for place in ("acknowledge", "now", "draft", "actions"))


async def test_board_without_users_has_no_sign_in_page() -> None:
    async with a_board() as board:
        assert (await board.client.get("/sign-in")).status_code == 404
        assert "Sign in" not in (await board.client.get("/")).text
        assert (await board.client.post(f"/incidents/{board.incident}/acknowledge", data={})).status_code == 403


@pytest.mark.slow
async def test_too_many_concurrent_sign_ins_must_try_again(closed: Closed) -> None:
    async with closed() as board:
        asked = [board.client.get("/api/v1/releases", headers=basic("anne", f"guess {n}")) for n in range(12)]
        result = [answer.status_code for answer in await asyncio.gather(*asked)]
        assert (result.count(401), result.count(429)) == (8, 4)
