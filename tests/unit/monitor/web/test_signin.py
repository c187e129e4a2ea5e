"""Signing in: who may see a closed board, how a session begins and ends, and what forms must bring.

The guard is a hidden field of a form. It proves that the form is from a page of the same session.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.web.credentials import Guess
from monitor.web.sessions import SESSION_SECONDS, Busy
from monitor.web.users import make_line
from tests.unit.monitor.web.board import Board, a_board
from tests.unit.monitor.web.people import (
    SECRET,
    SESSION_COOKIE,
    hidden_field,
    rewrite_file,
    sign_in,
)

PATHS_FOR_PROGRAMS = [
    "/api/v1/releases",
    "/api/v1/incidents",
    "/api/v1/openapi.json",
    "/calendar.ics",
]


@pytest.fixture
def users(tmp_path: Path, anne: str) -> Path:
    file = tmp_path / "users"
    file.touch(0o600)
    file.write_text(f"{anne}\n")
    return file


@asynccontextmanager
async def open_closed_board(
    users: Path, base: str = "http://board.example"
) -> AsyncIterator[Board]:
    """Open a board that only people who sign in may see, for a browser."""
    async with a_board(public=False, users=users, base=base) as board:
        board.client.headers["Accept"] = "text/html,application/xhtml+xml"
        yield board


@pytest.fixture
async def board(users: Path) -> AsyncIterator[Board]:
    async with open_closed_board(users) as board:
        yield board


async def test_closed_board_shows_everyone_its_health_and_browser_files(board: Board) -> None:
    for path in (
        "/healthz",
        "/livez",
        "/readyz",
        "/style.css",
        "/live.js",
        "/copy.js",
        "/icon.svg",
    ):
        assert await board.status_of(path) == 200


async def test_closed_board_redirects_every_page_to_sign_in(board: Board) -> None:
    """Only people who sign in may read a closed board.

    After /sign-in a browser goes to the page in `next`.
    """
    for path in ("/", "/incidents", "/status", "/releases/r", "/nowhere"):
        answer = await board.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
    # /healthz, /metrics and /sign-in are open. /incidents is not, even if the Host header contains
    # such a path.
    for host in ("board.example/healthz?", "board.example/metrics#", "x/sign-in?"):
        assert (await board.client.get("/incidents", headers={"Host": host})).status_code == 303


async def test_closed_board_asks_a_program_for_a_token(board: Board) -> None:
    for path in PATHS_FOR_PROGRAMS:
        # A request that does not ask for HTML is from a program.
        refused = await board.client.get(path, headers={"Accept": "*/*"})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"


async def test_metrics_refuse_a_browser_instead_of_redirecting_to_sign_in(board: Board) -> None:
    # Other pages redirect a browser to the page for signing in. The metrics are only for programs.
    assert await board.status_of("/metrics") == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_methods_other_than_get_are_refused_before_sign_in(board: Board, method: str) -> None:
    # With GET, a browser is redirected to the page for signing in.
    assert (await board.client.request(method, "/incidents")).status_code == 401


async def test_sign_in_page_shows_nothing_of_the_board(board: Board) -> None:
    page = await board.client.get("/sign-in")
    assert page.status_code == 200
    assert "Malpractice" not in page.text
    assert 'href="/incidents"' not in page.text
    # Like every page, it may only load content of this board.
    assert "default-src 'self'" in page.headers["content-security-policy"]


async def test_sign_in_redirects_to_the_requested_page(board: Board) -> None:
    page = board.incident_page
    assert (await board.client.get(page)).headers["location"] == f"/sign-in?next={page}"
    signed_in = await sign_in(board, where=page)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, page)
    # After sign-in all pages open, and the sign-in page leads away.
    for path in ("/", "/incidents", "/status", "/api/v1/releases", "/calendar.ics"):
        assert await board.status_of(path) == 200
    assert "anne" in await board.read_page("/")
    assert await board.status_of("/sign-in") == 303


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "", "x", "/a\r\nb"]
)
async def test_sign_in_never_redirects_to_another_site(board: Board, where: str) -> None:
    """A case is a page to go to that is not one of this board, so sign-in leads to the first page
    instead.
    """
    assert (await sign_in(board, where=where)).headers["location"] == "/"


@pytest.mark.parametrize(
    ("name", "password"), [("anne", "wrong"), ("bob", SECRET), ("", ""), ("anne", "")]
)
async def test_wrong_name_or_password_is_refused_and_no_name_logged(
    board: Board, name: str, password: str
) -> None:
    """The users file has only anne, with the password `SECRET`."""
    with capture_logs() as logs:
        answer = await sign_in(board, name, password)
    assert answer.status_code == 403
    assert "do not belong together" in answer.text
    assert f"{SESSION_COOKIE}=" not in answer.headers.get("Set-Cookie", "")
    assert [entry["event"] for entry in logs].count("sign_in_refused") == 1
    # People sometimes type their password into the box of the name.
    assert [typed for typed in ("anne", "bob") if typed in str(logs)] == []
    assert await board.status_of("/") == 303


async def test_right_password_must_wait_after_twenty_wrong_ones(board: Board) -> None:
    for _ in range(20):
        board.queries.throttle.count_failure(Guess.PASSWORD, "127.0.0.1")
    answer = await sign_in(board)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    board.clock.seconds += 61
    assert (await sign_in(board)).status_code == 303


async def test_a_session_lasts_for_a_working_day(board: Board) -> None:
    await sign_in(board)
    board.clock.seconds += SESSION_SECONDS - 1
    assert await board.status_of("/") == 200
    board.clock.seconds += 1
    # The session has ended, so the page redirects to sign in.
    assert await board.status_of("/") == 303


async def test_session_ends_when_the_line_of_its_person_is_removed(
    board: Board, users: Path, anne: str
) -> None:
    await sign_in(board)
    rewrite_file(users, f"{anne}\n# nothing of hers has changed\n")
    assert await board.status_of("/") == 200
    rewrite_file(users, "# nobody any more\n")
    assert await board.status_of("/") == 303


async def test_session_ends_when_the_password_of_its_person_is_changed(
    board: Board, users: Path
) -> None:
    await sign_in(board)
    rewrite_file(users, make_line("anne", "another horse battery"))
    assert await board.status_of("/") == 303


async def test_sign_out_needs_the_guard_and_ends_the_session(board: Board) -> None:
    await sign_in(board)
    cookie = board.client.cookies[SESSION_COOKIE]
    guard = hidden_field(await board.client.get("/"), "guard")
    # Another site can send the form without the guard. That must not even delete the cookie.
    forged = await board.client.post("/sign-out", data={"guard": "x"})
    assert (forged.status_code, "set-cookie" in forged.headers) == (403, False)
    assert await board.status_of("/") == 200
    signed_out = await board.client.post("/sign-out", data={"guard": guard})
    assert signed_out.headers["location"] == "/"
    # The old cookie is sent again, to see whether its session still exists.
    board.client.cookies.set(SESSION_COOKIE, cookie)
    assert await board.status_of("/") == 303


async def test_redirect_never_repeats_the_host_of_a_request(board: Board) -> None:
    """A cache in front might keep a redirect to a host that a stranger chose."""
    answer = await board.client.get("/incidents/", headers={"Host": "evil.example"})
    assert answer.status_code == 303
    assert "evil.example" not in answer.headers["location"]


async def test_sign_in_form_of_another_browser_is_refused(board: Board) -> None:
    page = await board.client.get("/sign-in")
    form = {"name": "anne", "password": SECRET, "mark": hidden_field(page, "mark")}
    # The form has a mark that must equal a cookie. Without this cookie, the browser is another one.
    board.client.cookies.clear()
    for sent in (form, form | {"mark": ""}, {}):
        assert (await board.client.post("/sign-in", data=sent)).status_code == 400
        board.client.cookies.clear()


@pytest.mark.parametrize(
    ("base", "session_cookie", "secure"),
    [
        ("http://127.0.0.1:9030", "ninethirty", False),
        ("https://board.example", "__Host-ninethirty", True),
        # TLS ends at a proxy that does not say so; the address is the public one.
        ("http://board.gov.example", "__Host-ninethirty", True),
    ],
)
async def test_cookies_are_http_only_same_site_and_secure_on_tls(
    users: Path, base: str, session_cookie: str, *, secure: bool
) -> None:
    """A case is the address of the board, the name of its session cookie, and whether it is secure.
    For example, at https://board.example a browser sends the cookie only over TLS (`Secure`).
    """
    async with open_closed_board(users, base) as board:
        page = await board.client.get("/sign-in")
        form = {"name": "anne", "password": SECRET, "mark": hidden_field(page, "mark")}
        # The client would not send a secure cookie to an address without TLS, so it is sent in a
        # header.
        board.client.cookies.clear()
        cookie = {"Cookie": f"{session_cookie}-form={form['mark']}"}
        signed_in = await board.client.post("/sign-in", data=form, headers=cookie)
        session_header = signed_in.headers.get_list("set-cookie")[0]
        assert session_header.startswith(f"{session_cookie}=")
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(session_header.split("; "))
        assert ("Secure" in session_header.split("; ")) is secure
        # The sign-in page sets only the cookie of its form.
        assert "SameSite=strict" in page.headers["set-cookie"]


async def test_password_in_a_header_opens_nothing(board: Board) -> None:
    """A browser adds it to the requests of other sites too."""
    credentials = b64encode(f"anne:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Accept": "*/*"}
    for path in PATHS_FOR_PROGRAMS:
        assert (await board.client.get(path, headers=headers)).status_code == 401


async def test_program_needs_the_token_and_waits_after_20_wrong_ones(board: Board) -> None:
    headers = {"Authorization": "Bearer a token for programs", "Accept": "*/*"}
    assert (await board.client.get("/api/v1/releases", headers=headers)).status_code == 200
    wrong = {"Authorization": "Bearer wrong", "Accept": "*/*"}
    statuses = [
        (await board.client.get("/api/v1/releases", headers=wrong)).status_code for _ in range(21)
    ]
    assert statuses == [401] * 20 + [429]


async def test_person_can_acknowledge_only_with_a_guard(board: Board) -> None:
    """The guard is a hidden field of a form.

    It proves that the form is from a page of the same session.
    """
    await sign_in(board)
    address = board.incident_page
    page = await board.client.get(address)
    guard = hidden_field(page, "guard")
    no_guard = await board.client.post(f"{address}/acknowledge", data={})
    assert no_guard.status_code == 403
    # The role is that of the person, whatever the form says.
    valid = await board.client.post(
        f"{address}/acknowledge", data={"guard": guard, "role": "head of profession"}
    )
    assert (valid.status_code, valid.headers["location"]) == (303, address)
    assert board.acknowledged_by() == ["duty statistician"]
    # There is no incident `none`.
    unknown = await board.client.post("/incidents/none/acknowledge", data={"guard": guard})
    assert unknown.status_code == 404


async def test_public_board_can_be_changed_only_after_sign_in(users: Path) -> None:
    async with a_board(public=True, users=users, base="http://board.example") as board:
        address = board.incident_page
        page = await board.client.get(address)
        assert f"/sign-in?next={address}" in page.text
        # This is the button that acknowledges the incident.
        assert "I'm on it" not in page.text
        assert (await board.client.post(f"{address}/acknowledge", data={})).status_code == 403
        await sign_in(board)
        page_after_sign_in = await board.read_page(address)
        assert "I'm on it" in page_after_sign_in
        # The page has its other sections, too.
        assert all(
            f'id="{section}"' in page_after_sign_in
            for section in ("acknowledge", "now", "draft", "actions")
        )


async def test_board_without_users_has_no_sign_in_page() -> None:
    async with a_board() as board:
        assert await board.status_of("/sign-in") == 404
        assert "Sign in" not in await board.read_page("/")
        # No one can be signed in, so a form changes nothing.
        assert (
            await board.client.post(f"{board.incident_page}/acknowledge", data={})
        ).status_code == 403


@pytest.mark.slow
async def test_only_eight_concurrent_password_checks_may_wait(board: Board) -> None:
    # Eight checks may wait for their turn.
    sessions = board.queries.sessions
    assert sessions is not None
    guesses = [sessions.sign_in("anne", f"guess {n}", "127.0.0.1") for n in range(12)]
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert [isinstance(one, Busy) for one in results].count(True) == 4
