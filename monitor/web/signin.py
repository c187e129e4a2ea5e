"""Who asks, what they may see, and signing in and out.

Staff who have signed in, programs with the token, and whoever sits at the machine where nobody can sign in, see all;
viewers, and strangers where the board is public, see what is not embargoed; others see whether the monitor lives.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote, urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from alerts.one_line import one_line
from monitor.errors import UnknownName
from monitor.web.credentials import TokenScope, bearer
from monitor.web.pages import render
from monitor.web.provider import NotSignedOn
from monitor.web.queries import Queries
from monitor.web.request import client_of, form_of, problem, queries_of, session_of
from monitor.web.sessions import LASTS, Busy, Session, Sessions

_OPEN = {"/healthz", "/livez", "/readyz", "/style.css", "/live.js", "/icon.svg", "/runbook", "/acknowledge"}
_OPEN |= {"/sign-in", "/sign-in/oidc", "/sign-in/oidc/return"}
"""What anybody may ask for: health, and what lets people in by a key of its own; so do metrics."""
_METRICS = "/metrics"
_FOR_MACHINES = {_METRICS, "/healthz", "/livez", "/readyz"}
_HERE = {"127.0.0.1", "::1"}
_STAFF = ("/status", "/api/v1/calendars", "/reports")
"""How the monitor is doing tells of hosts and addresses, whatever they are out with; reports tell of incidents."""
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
_BY_TOKEN = re.compile(r"/api/v1/incidents/[^/]+/acknowledge")
_TYPED = re.compile(r"/incidents/([^/]+/draft|new)|/silences")
"""Where people send what took them an hour: who was signed out meanwhile gets it back, and nothing else."""
_KNOWN_FOR = 90 * 24 * 3600
_WRONG = "That name and password do not belong together."
_STALE = "This page is too old. Try again."
_LONGEST_WHERE = 1000
_FLOW = 43
"""Characters of what a browser keeps on its way to a provider; where it wanted to go follows."""
_log = structlog.get_logger(__name__)
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="ninethirty", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class Doorway:
    """Finds out who asks and what they may see, and lets pass or not.

    Goes by the path of the scope, as the router does: an address put together again holds what the Host header says.
    """

    app: ASGIApp
    queries: Queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, door = Request(scope), self.queries.door
        if getattr(request.state, "for_metrics", False):
            is_there = scope["path"] in _FOR_MACHINES
            await (self.app if is_there else problem(404, "only metrics and health are here"))(scope, receive, send)
            return
        try:
            session = request.state.session = None if door is None else await _who(request, door)
            may = request.state.may = await self._may(request, door)
            is_staff = session is not None and not session.person.is_viewer
            request.state.sees_all = (
                is_staff or may in {TokenScope.READ, TokenScope.DUTY} or self._is_at_the_machine(request)
            )
            passes = request.state.sees_all or self._is_open(request, session)
        except Busy as busy:
            await (await told_to_wait(request, busy))(scope, receive, send)
            return
        await (self.app if passes else _refusal(request, door))(scope, receive, send)

    def _is_open(self, request: Request, session: Session | None) -> bool:
        path = request.scope["path"]
        if path in _OPEN or _BY_TOKEN.fullmatch(path) or (request.method == "POST" and _TYPED.fullmatch(path)):
            return True
        if path == _METRICS:
            return request.state.may is not None
        return (self.queries.public or session is not None) and not path.startswith(_STAFF)

    def _is_at_the_machine(self, request: Request) -> bool:
        # A page of elsewhere that a browser on this machine shows can have its own name lead here.
        host = _LOOPBACK.fullmatch(request.headers.get("Host", ""))
        forwarded = any(name in request.headers for name in _FORWARDED)
        return self.queries.local and client_of(request) in _HERE and host is not None and not forwarded

    async def _may(self, request: Request, door: Sessions | None) -> TokenScope | None:
        """Return what the token opens that a request shows, None without one. Raises `Busy`."""
        shown = bearer(request.headers.get("Authorization", ""))
        if not shown or request.scope["path"] in _OPEN:
            return None
        if (scope := self.queries.keys.scope(shown)) is not None:
            return scope
        program = await door.program(shown) if door is not None else None
        if program is not None:
            structlog.contextvars.bind_contextvars(program=program.name)
            return program.scope
        throttle, client = self.queries.throttle, client_of(request)
        if wait := throttle.wait(client):
            raise Busy(wait)
        throttle.failed(client)
        return None


async def _who(request: Request, door: Sessions) -> Session | None:
    names = request.headers.getlist(door.vouching.header) if door.vouching is not None else []
    if names and getattr(request.state, "by_proxy", False):
        return door.vouched(names)
    key = request.cookies.get(_cookie(request))
    session = await door.session(key) if key else None
    shown = request.headers.get("Authorization", "")
    # Browsers send such a header by themselves, so it must not be able to change anything.
    if session is None and shown.lower().startswith("basic ") and request.method in {"GET", "HEAD"}:
        return await door.basic(shown, client_of(request))
    return session


def _refusal(request: Request, door: Sessions | None) -> Response:
    if session_of(request) is not None:
        return problem(403, "this is for staff")
    if door is None or not door.lets_in or request.scope["path"] == _METRICS:
        return problem(401, "needs a token of [web]", {"WWW-Authenticate": "Bearer"})
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        query = request.scope["query_string"].decode("latin-1")
        where = request.scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/sign-in?next={quote(where)}", 303)
    return problem(401, "sign in first", _CHALLENGE if door.by_password else {"WWW-Authenticate": "Bearer"})


async def told_to_wait(request: Request, busy: Busy) -> Response:
    """Answer that too many attempts were made, and when the next one can be."""
    page = (
        problem(429, str(busy))
        if request.scope["path"].startswith("/api/")
        else render(request, "fault.html", 429, message=str(busy))
    )
    page.headers["Retry-After"] = str(busy.wait)
    return page


async def ask(request: Request) -> Response:
    """Show the form, or pass on whoever is in already."""
    where = _local(request.query_params.get("next", "/"))
    return RedirectResponse(where, 303) if session_of(request) is not None else _form(request, where)


async def enter(request: Request) -> Response:
    """Let somebody in, or say that name and password are wrong."""
    form = await form_of(request)
    where, name = _local(form.get("next", "/")), form.get("name", "").strip()
    mark = request.cookies.get(_cookie(request, "-form"), "")
    if not mark or not hmac.compare_digest(mark.encode(), form.get("mark", "").encode()):
        return _form(request, where, 400, name, _STALE)
    known = request.cookies.get(_cookie(request, "-known"), "")
    key = await _door(request).enter(name, form.get("password", ""), client_of(request), known)
    if key is None:
        return _form(request, where, 403, name, _WRONG)
    _leave(request)
    answer = RedirectResponse(where, 303)
    _set(request, answer, key, LASTS)
    _set(request, answer, _door(request).mark(name), _KNOWN_FOR, "-known")
    return answer


async def set_out(request: Request) -> Response:
    """Send a browser to the provider, or say why that cannot be."""
    door, where = _door(request), _local(request.query_params.get("next", "/"))
    browser = secrets.token_urlsafe()
    try:
        answer = RedirectResponse(await door.way(browser), 303)
    except NotSignedOn as fault:
        return _not_signed_on(request, where, fault)
    _set(request, answer, f"{browser}{where if len(where) <= _LONGEST_WHERE else '/'}", 600, "-flow")
    return answer


async def come_back(request: Request) -> Response:
    """Let in whom the provider signed on; of whoever set out elsewhere, or nowhere, nothing is believed."""
    kept = request.cookies.get(_cookie(request, "-flow"), "")
    where = _local(kept[_FLOW:])
    try:
        key = await _come_back(request, kept[:_FLOW])
    except NotSignedOn as fault:
        if fault.status is HTTPStatus.FORBIDDEN:
            queries_of(request).throttle.failed(client_of(request))
        answer = _not_signed_on(request, where, fault)
    else:
        _leave(request)
        answer = RedirectResponse(where, 303)
        _set(request, answer, key, LASTS)
    _forget(request, answer, "-flow")
    return answer


async def _come_back(request: Request, browser: str) -> str:
    door, told = _door(request), request.query_params
    if not browser or not hmac.compare_digest(door.flow(browser).state.encode(), told.get("state", "").encode()):
        raise NotSignedOn(HTTPStatus.BAD_REQUEST, _STALE)
    if "code" not in told:
        why = f"The sign-on service refused: {one_line(told.get('error', 'it gave no code'), 40)}."
        raise NotSignedOn(HTTPStatus.FORBIDDEN, why)
    return await door.come_back(told["code"], browser, client_of(request))


def _not_signed_on(request: Request, where: str, fault: NotSignedOn) -> Response:
    _log.warning("sign_on_failed", client=client_of(request), why=str(fault))
    return _form(request, where, fault.status.value, fault=str(fault))


async def leave(request: Request) -> Response:
    """Forget that somebody had signed in, and send whom a provider signed on there, to be signed out as well.

    By a page that leads there: no form of ours may end up elsewhere.
    """
    session, form, where = session_of(request), await form_of(request), ""
    if session is not None and session.is_ours(form.get("guard", "")):
        _leave(request)
        request.state.session, where = None, await _door(request).way_out(session)
    answer = render(request, "signedout.html", where=where) if where else RedirectResponse("/", 303)
    _forget(request, answer)
    return answer


def _form(request: Request, where: str, code: int = 200, name: str = "", fault: str = "") -> Response:
    # Nobody else can know this mark, so nobody else's page can sign people in under a name of its own.
    mark = request.cookies.get(_cookie(request, "-form"), "")
    mark = mark if re.fullmatch(r"[\w-]{43}", mark) else secrets.token_urlsafe()
    answer = render(request, "signin.html", code, next=where, mark=mark, name=name, fault=fault)
    _set(request, answer, mark, 3600, "-form")
    return answer


def _leave(request: Request) -> None:
    _door(request).leave(request.cookies.get(_cookie(request), ""))


def _forget(request: Request, answer: Response, use: str = "") -> None:
    answer.delete_cookie(_cookie(request, use), secure=_is_secure(request), httponly=True, samesite="lax")


def _set(request: Request, answer: Response, value: str, lasts: int, use: str = "") -> None:
    # Links in mail must find their reader signed in, and so must who comes back from a provider: no strict kind there.
    same: Literal["strict", "lax"] = "lax" if use in {"", "-flow"} else "strict"
    secure = _is_secure(request)
    answer.set_cookie(_cookie(request, use), value, max_age=lasts, secure=secure, httponly=True, samesite=same)


def _cookie(request: Request, use: str = "") -> str:
    # Browsers take a name of this kind from this host and over TLS alone.
    return f"{'__Host-' if _is_secure(request) else ''}ninethirty{use}"


def _is_secure(request: Request) -> bool:
    """Tell whether TLS stands between the browser and us, be it that a proxy forgets to say so."""
    public = urlsplit(_door(request).public_url)
    told = public.scheme == "https" and public.netloc == request.headers.get("Host", "")
    return request.scope["scheme"] == "https" or told


def _door(request: Request) -> Sessions:
    door = queries_of(request).door
    if door is None:
        raise UnknownName("Nobody signs in here.")
    return door


def _local(where: str) -> str:
    """Return a path of ours; the board for an address that leads elsewhere."""
    return where if re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", where) else "/"


ROUTES = [
    Route("/sign-in", ask, methods=["GET"]),
    Route("/sign-in", enter, methods=["POST"]),
    Route("/sign-in/oidc", set_out, methods=["GET"]),
    Route("/sign-in/oidc/return", come_back, methods=["GET"]),
    Route("/sign-out", leave, methods=["POST"]),
]
