"""Every operation of the API, every form and the main pages, requested by each kind of caller.

A case is a caller. What each may do, and with which account and role it acts, is a table here. An
operation without a row fails.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from monitor.app.offline import as_own_user
from monitor.web import api
from monitor.web.credentials import TokenScope
from monitor.web.local_socket import own_name
from monitor.web.operations import ApiRoute
from monitor.web.sessions import ProxyAuth
from monitor.web.users import OPERATOR, Right, make_token_line
from tests.unit.monitor.web.board import Board
from tests.unit.monitor.web.openid_provider import SUBJECT, Idp, board_with_provider
from tests.unit.monitor.web.people import (
    DUTY,
    HEAD,
    VIEWER,
    session_headers,
    signed_in_board,
    users_file,
)

PUBLISHED, STAFF, TAKE, ACT, SIGN = "published", "staff", "take", "act", "sign"
MACHINE, OWN = "machine", "own"
FEED, ALERTS, EMBARGOED, HEALTH = "feed", "alerts", "embargoed", "health"
READ = {PUBLISHED, STAFF, FEED, ALERTS, EMBARGOED, HEALTH}
OPERATIONS = {
    PUBLISHED: (
        "listReleases getRelease listIncidents getIncident listEvents listSilences"
        " describe getDraft readForm listVersions getVersion"
    ),
    STAFF: (
        "explainRelease getHistory getStatus getReadiness listActions listCalendars listActs listAdditions"
        " listEntries listOnCall listProducers listTicks getReport export"
    ),
    ACT: (
        "acknowledge addAddress addRelease answerForm attachFile closeIncident completeStep"
        " endSilence keepReport gradeIncident holdBack keepClaim logIncident noteIncident removeAddition"
        " settleSlot testChannel tickRelease"
    ),
    TAKE: "getEvidence",
    SIGN: "signReport waiveReport",
    MACHINE: "reload",
}
PAGES = {
    PUBLISHED: ["/", "/incidents", "/releases/r", "/history", "/calendar", "/search?q=r"],
    STAFF: ["/status", "/reports"],
    FEED: ["/calendar.ics", "/atom.xml"],
    ALERTS: ["/metrics"],
    EMBARGOED: ["/metrics/embargoed"],
    HEALTH: ["/healthz", "/readyz", "/livez", "/runbook"],
}
BODIES = {"waiveReport": {"reason": "sent by letter"}}
REFUSED = {303, 401, 403, 429}


@dataclass(frozen=True)
class Caller:
    """What a kind of caller may do, and its account and role (empty: it never acts)."""

    may: set[str]
    account: str = ""
    role: str = ""


BY_PROVIDER = "its issuer and subject"
VIEWS = {PUBLISHED, FEED, HEALTH}
SEES = READ
CALLERS = {
    "stranger": Caller({HEALTH}),
    "viewer": Caller(VIEWS),
    "feed reader": Caller({FEED, HEALTH}),
    "duty officer": Caller(SEES | {TAKE}, "user:anne", "duty statistician"),
    "head": Caller(SEES | {TAKE}, "user:hope", "head of profession"),
    "metrics token": Caller({ALERTS, HEALTH}),
    "embargoed token": Caller({EMBARGOED, HEALTH}),
    "read token": Caller(SEES),
    "duty token": Caller(SEES | {TAKE, ACT}, "token:pager", "pager"),
    "wrong token": Caller({HEALTH}),
    "viewer by proxy": Caller(VIEWS),
    "duty officer by proxy": Caller(SEES | {TAKE}, "proxy:anne", "duty officer"),
    "head by proxy": Caller(SEES | {TAKE}, "proxy:hope", "head of profession"),
    "nobody by proxy": Caller({HEALTH}),
    "viewer by provider": Caller(VIEWS),
    "duty officer by provider": Caller(SEES | {TAKE}, BY_PROVIDER, "duty officer"),
    "head by provider": Caller(SEES | {TAKE}, BY_PROVIDER, "head of profession"),
    "socket": Caller(SEES | {TAKE, ACT, MACHINE}, f"system:{own_name()}", OPERATOR),
    "socket of duty": Caller(SEES | {TAKE, ACT, MACHINE}, "user:ada", "web team"),
    "socket of head": Caller(SEES | {TAKE, ACT, MACHINE, SIGN}, "user:ada", "deputy head"),
    "socket of viewer": Caller(VIEWS),
    "socket of nobody": Caller(VIEWS),
}
FORMS = {
    OWN: ["/account/feeds", "/account/end"],
    ACT: [
        *("/acknowledge-all", "/incidents/new", "/incidents/{incident:path}/acknowledge"),
        *("/incidents/{incident:path}/draft", "/silences", "/silences/end", "/reports"),
        *("/by-hand", "/by-hand/remove", "/releases/{release:path}/slot"),
        "/releases/{release:path}/ticks",
    ],
    SIGN: ["/incidents/{incident:path}/sign"],
}
FORMS_WITH_OTHER_PROOF = ("/sign-in", "/sign-out", "/acknowledge", "/mine")
"""A password, the end of one's own session, a signed link, and only a cookie that is set."""
FORMS_OF_CALLERS = {
    f"{person}{way}": forms
    for person, forms in {
        "viewer": {OWN},
        "duty officer": {OWN, ACT},
        "head": {OWN, ACT, SIGN},
    }.items()
    for way in ("", " by proxy", " by provider")
}
LINES = {
    "socket of duty": f'ada:system = "{own_name()}":web team',
    "socket of head": f'ada:system = "{own_name()}":deputy head:head',
    "socket of viewer": f'ada:system = "{own_name()}":reader:viewer',
    "socket of nobody": "a line that cannot be read",
}
"""The line of the users file that names the user of the socket."""


PROXY = ProxyAuth("X-Remote-User", {"vic": Right.VIEWER, "anne": Right.DUTY, "hope": Right.HEAD})
NAMES_BY_PROXY = {
    "viewer by proxy": "vic",
    "duty officer by proxy": "anne",
    "head by proxy": "hope",
    "nobody by proxy": "eve",
}
GROUPS_BY_PROVIDER = {
    "viewer by provider": "readers",
    "duty officer by provider": "stats-duty",
    "head by provider": "stats-heads",
}


def as_proxy(app: ASGIApp) -> ASGIApp:
    """Return an application that believes that a trusted proxy sends each request."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["by_proxy"] = True
        await app(scope, receive, send)

    return call


def append_line(file: Path, line: str) -> None:
    file.write_text(f"{file.read_text()}{line}\n")


async def headers_of(board: Board, users: Path, caller: str) -> Mapping[str, str]:
    """Return what a caller sends with each request. Tokens and lines get into the users file."""
    people = {"viewer": VIEWER, "duty officer": DUTY, "head": HEAD}
    kind, _, way = caller.rpartition(" ")
    board.client.cookies.clear()
    if caller in people:
        return await session_headers(board.queries.sessions, people[caller])
    if caller in NAMES_BY_PROXY:
        return {PROXY.header: NAMES_BY_PROXY[caller]}
    if caller in LINES:
        append_line(users, LINES[caller])
    if way != "token":
        return {}
    if kind == "wrong":
        return {"Authorization": "Bearer wrong"}
    token, line = make_token_line("pager", TokenScope(kind))
    append_line(users, line)
    return {"Authorization": f"Bearer {token}"}


async def feed_query(board: Board) -> str:
    sessions = board.queries.sessions
    assert sessions is not None
    cookie = (await session_headers(sessions, HEAD))["Cookie"]
    session = await sessions.find_session(cookie.partition("=")[2])
    assert session is not None
    return f"?key={await sessions.make_feed_key(session, '192.0.2.1')}"


def list_requests(board: Board) -> list[tuple[str, str, str, str]]:
    """Return the right that each request needs, its name, its method and its address."""
    rights = {name: right for right, names in OPERATIONS.items() for name in names.split()}
    ids = {
        "release": "r",
        "incident": board.incident,
        "silence": "x",
        "calendar": "govuk",
        "channel": "desk",
        "ending": "md",
        "kind": "csv",
    }
    requests = [(right, path, "GET", path) for right, paths in PAGES.items() for path in paths]
    for route in api.ROUTES:
        if isinstance(route, ApiRoute):
            path = route.path_format.format(**ids)
            requests += [
                (rights.pop(one.name), one.name, method, path)
                for method, one in route.operations.items()
            ]
    assert rights == {}
    return requests


@asynccontextmanager
async def open_board(
    folder: Path, caller: str
) -> AsyncIterator[tuple[Board, httpx.AsyncClient, str]]:
    """Open a board, and yield it with the client of a caller and the caller's account."""
    account = CALLERS[caller].account
    if caller in GROUPS_BY_PROVIDER:
        idp = Idp(claims={"groups": [GROUPS_BY_PROVIDER[caller]], "preferred_username": "anne"})
        async with board_with_provider(folder, idp) as visitor:
            await visitor.sign_on()
            visitor.client.headers["Accept"] = "*/*"
            yield visitor.board, visitor.client, f"{idp.url} {SUBJECT}" if account else ""
        return
    users = users_file(folder)
    async with signed_in_board(users) as board:
        headers = await headers_of(board, users, caller)
        app = as_own_user(board.app) if caller.startswith("socket") else board.app
        if caller in NAMES_BY_PROXY:
            assert board.queries.sessions is not None
            board.queries.sessions.proxy_auth = PROXY
            app = as_proxy(board.app)
        transport, base = httpx.ASGITransport(app), "http://board.example"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
            yield board, client, account


@pytest.mark.parametrize("caller", CALLERS)
async def test_caller_may_do_what_its_rights_say_and_acts_with_its_account(
    tmp_path: Path, caller: str
) -> None:
    expected = CALLERS[caller]
    async with open_board(tmp_path, caller) as (board, client, account):
        query = await feed_query(board) if caller == "feed reader" else ""
        wrong = []
        with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
            for right, name, method, path in list_requests(board):
                board.clock.seconds += 1
                body = BODIES.get(name, {}) if method == "POST" else None
                address = f"{path}{query.replace('?', '&') if '?' in path else query}"
                answer = await client.request(method, address, json=body)
                # `acknowledge` refuses the parameter of a secret address before its caller.
                is_refused = answer.status_code in REFUSED or (query and answer.is_client_error)
                if (not is_refused) is not (right in expected.may):
                    wrong.append((name, path, answer.status_code))
        assert wrong == []
        acts = board.store.verdicts.acts_on([board.incident, "r"])
    who = {(act.account, act.role) for act in acts}
    assert who == ({(account, expected.role)} if TAKE in expected.may else set())
    accounts = {line.get("account", "") for line in lines if line["event"] == "request"}
    if account:
        assert accounts == {account}


def list_forms(board: Board) -> list[tuple[str, str]]:
    """Return the right that each form of the pages needs, and its address."""
    rights = {path: right for right, paths in FORMS.items() for path in paths}
    app: Any = board.app
    while not hasattr(app, "routes"):
        app = app.app
    paths = [
        route.path
        for route in app.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
        if not isinstance(route, ApiRoute) and route.path not in FORMS_WITH_OTHER_PROOF
    ]
    ids = {"{incident:path}": board.incident, "{release:path}": "r"}
    forms = [(rights.pop(path), path) for path in paths]
    assert rights == {}
    return [
        (right, reduce(lambda text, each: text.replace(*each), ids.items(), path))
        for right, path in forms
    ]


@pytest.mark.parametrize("caller", CALLERS)
async def test_form_is_taken_only_from_a_session_with_its_guard_and_right(
    tmp_path: Path, caller: str
) -> None:
    async with open_board(tmp_path, caller) as (board, client, _account):
        page = await client.get("/account")
        own = re.search(r'name="guard" value="([^"]*)"', page.text)
        assert bool(own) is (caller in FORMS_OF_CALLERS)
        wrong = []
        for right, path in list_forms(board):
            for guard in ("", "of another session", own[1] if own else ""):
                board.clock.seconds += 1
                answer = await client.post(path, data={"guard": guard})
                is_own = own is not None and guard == own[1]
                may_send = is_own and right in FORMS_OF_CALLERS[caller]
                is_refused = answer.status_code in {401, 403, 429}
                if is_refused is may_send:
                    wrong.append((path, guard, answer.status_code))
        assert wrong == []
