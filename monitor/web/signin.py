"""Authorisation of each request, and the pages to sign in and out.

Staff who are signed in and programs with a token see everything. So does a person at the machine itself if there is no
sign-in. Viewers, and everyone if the board is public, see what is not embargoed. Others see only health.
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
from monitor.web.credentials import TokenScope
from monitor.web.pages import render
from monitor.web.provider import NotSignedOn
from monitor.web.queries import Queries
from monitor.web.request import client_of, problem_response, queries_of, read_form, session_of
from monitor.web.sessions import LASTS, Busy, Session, Sessions

_OPEN = {"/healthz", "/livez", "/readyz", "/style.css", "/live.js", "/icon.svg", "/runbook", "/acknowledge"}
_OPEN |= {"/sign-in", "/sign-in/oidc", "/sign-in/oidc/return"}
"""Paths that everyone may request: health, assets, the runbook, and pages with a key of their own."""
_METRICS = "/metrics"
_METRICS_AND_HEALTH = {_METRICS, "/healthz", "/livez", "/readyz"}
_LOOPBACK_ADDRESSES = {"127.0.0.1", "::1"}
_STAFF = ("/status", "/api/v1/calendars", "/reports")
"""Paths that viewers may not read: status and calendars show embargoed addresses, and reports show incidents."""
_LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
_BY_TOKEN = re.compile(r"/api/v1/incidents/[^/]+/acknowledge")
_FORMS = re.compile(r"/incidents/([^/]+/draft|new)|/silences")
"""Paths of long forms. A person whose session has ended gets back what they typed, and nothing else."""
_BROWSER_KNOWN_FOR = 90 * 24 * 3600
_WRONG = "That name and password do not belong together."
_STALE = "This page is too old. Try again."
_LONGEST_PATH = 1000
_FLOW_LENGTH = 43
"""Characters of the random text at the beginning of the cookie of a sign-on. The path to return to follows."""
_log = structlog.get_logger(__name__)
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="ninethirty", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class Authorise:
    """Middleware that identifies the viewer, sets what they may see, and refuses other requests.

    It uses the path of the scope, as the router does. `request.url` would also contain the `Host` header.
    """

    app: ASGIApp
    queries: Queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, door = Request(scope), self.queries.door
        if getattr(request.state, "for_metrics", False):
            is_served = scope["path"] in _METRICS_AND_HEALTH
            await (self.app if is_served else problem_response(404, "only metrics and health are here"))(
                scope, receive, send
            )
            return
        try:
            session = request.state.session = None if door is None else await _find_session(request, door)
            may = request.state.may = await self._read_scope(request, door)
            is_staff = session is not None and not session.person.is_viewer
            request.state.sees_all = (
                is_staff or may in {TokenScope.READ, TokenScope.DUTY} or self._is_at_the_machine(request)
            )
            passes = request.state.sees_all or self._is_open(request, session)
        except Busy as busy:
            await (await refuse_too_many_attempts(request, busy))(scope, receive, send)
            return
        await (self.app if passes else _refuse(request, door))(scope, receive, send)

    def _is_open(self, request: Request, session: Session | None) -> bool:
        """Return whether a viewer who does not see everything may make this request."""
        path = request.scope["path"]
        if path in _OPEN or _BY_TOKEN.fullmatch(path) or (request.method == "POST" and _FORMS.fullmatch(path)):
            return True
        if path == _METRICS:
            return request.state.may is not None
        return (self.queries.public or session is not None) and not path.startswith(_STAFF)

    def _is_at_the_machine(self, request: Request) -> bool:
        # A foreign page in a browser on this machine can point its own host name here, so the Host header is checked.
        host = _LOOPBACK_HOST.fullmatch(request.headers.get("Host", ""))
        forwarded = any(name in request.headers for name in _FORWARDED)
        return self.queries.local and client_of(request) in _LOOPBACK_ADDRESSES and host is not None and not forwarded

    async def _read_scope(self, request: Request, door: Sessions | None) -> TokenScope | None:
        """Return the scope of the token that a request has, or None without a valid one. Raises `Busy`."""
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        shown = shown.strip()
        if scheme.lower() != "bearer" or not shown or request.scope["path"] in _OPEN:
            return None
        if (scope := self.queries.keys.find_scope(shown)) is not None:
            return scope
        program = await door.find_program(shown) if door is not None else None
        if program is not None:
            structlog.contextvars.bind_contextvars(program=program.name)
            return program.scope
        throttle, client = self.queries.throttle, client_of(request)
        if wait := throttle.wait(client):
            raise Busy(wait)
        throttle.count_failure(client)
        return None


async def _find_session(request: Request, door: Sessions) -> Session | None:
    """Return the session of a request: by its proxy, its cookie or its password. Raises `Busy`."""
    names = request.headers.getlist(door.proxy_auth.header) if door.proxy_auth is not None else []
    if names and getattr(request.state, "by_proxy", False):
        return door.enter_by_proxy(names)
    key = request.cookies.get(_cookie_name(request))
    session = await door.find_session(key) if key else None
    shown = request.headers.get("Authorization", "")
    # Browsers send such a header by themselves, so it must not be able to change anything.
    if session is None and shown.lower().startswith("basic ") and request.method in {"GET", "HEAD"}:
        return await door.enter_by_header(shown, client_of(request))
    return session


def _refuse(request: Request, door: Sessions | None) -> Response:
    """Return the response to a request that the viewer may not make: for browsers, a redirect to the sign-in page."""
    if session_of(request) is not None:
        return problem_response(403, "this is for staff")
    if door is None or not door.lets_in or request.scope["path"] == _METRICS:
        return problem_response(401, "needs a token of [web]", {"WWW-Authenticate": "Bearer"})
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        query = request.scope["query_string"].decode("latin-1")
        where = request.scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/sign-in?next={quote(where)}", 303)
    return problem_response(401, "sign in first", _CHALLENGE if door.by_password else {"WWW-Authenticate": "Bearer"})


async def refuse_too_many_attempts(request: Request, busy: Busy) -> Response:
    """Return a 429 with the seconds to wait in `Retry-After`."""
    response = (
        problem_response(429, str(busy))
        if request.scope["path"].startswith("/api/")
        else render(request, "fault.html", 429, message=str(busy))
    )
    response.headers["Retry-After"] = str(busy.wait)
    return response


async def show_form(request: Request) -> Response:
    """Show the sign-in form, or redirect a person who is already signed in."""
    where = _own_path(request.query_params.get("next", "/"))
    return RedirectResponse(where, 303) if session_of(request) is not None else _render_form(request, where)


async def sign_in(request: Request) -> Response:
    """Sign a person in, or show the form again if name or password are wrong."""
    form = await read_form(request)
    where, name = _own_path(form.get("next", "/")), form.get("name", "").strip()
    mark = request.cookies.get(_cookie_name(request, "-form"), "")
    if not mark or not hmac.compare_digest(mark.encode(), form.get("mark", "").encode()):
        return _render_form(request, where, 400, name, _STALE)
    known = request.cookies.get(_cookie_name(request, "-known"), "")
    key = await _door(request).enter(name, form.get("password", ""), client_of(request), known)
    if key is None:
        return _render_form(request, where, 403, name, _WRONG)
    _door(request).leave(request.cookies.get(_cookie_name(request), ""))
    response = RedirectResponse(where, 303)
    _set_cookie(request, response, key, LASTS)
    _set_cookie(request, response, _door(request).browser_mark(name), _BROWSER_KNOWN_FOR, "-known")
    return response


async def start_sign_on(request: Request) -> Response:
    """Redirect a browser to the provider, or show the form with the reason if the provider fails."""
    door, where = _door(request), _own_path(request.query_params.get("next", "/"))
    browser = secrets.token_urlsafe()
    try:
        response = RedirectResponse(await door.sign_on_address(browser), 303)
    except NotSignedOn as fault:
        return _show_failed_sign_on(request, where, fault)
    _set_cookie(request, response, f"{browser}{where if len(where) <= _LONGEST_PATH else '/'}", 600, "-flow")
    return response


async def finish_sign_on(request: Request) -> Response:
    """Sign in the person that the provider sends back, if the sign-on began in the same browser."""
    kept = request.cookies.get(_cookie_name(request, "-flow"), "")
    where = _own_path(kept[_FLOW_LENGTH:])
    try:
        key = await _redeem_code(request, kept[:_FLOW_LENGTH])
    except NotSignedOn as fault:
        if fault.status is HTTPStatus.FORBIDDEN:
            queries_of(request).throttle.count_failure(client_of(request))
        response = _show_failed_sign_on(request, where, fault)
    else:
        _door(request).leave(request.cookies.get(_cookie_name(request), ""))
        response = RedirectResponse(where, 303)
        _set_cookie(request, response, key, LASTS)
    _delete_cookie(request, response, "-flow")
    return response


async def _redeem_code(request: Request, browser: str) -> str:
    """Return the key of a new session for the code in the query. Raises `Busy`, `NotSignedOn`."""
    door, query = _door(request), request.query_params
    if not browser or not hmac.compare_digest(door.make_flow(browser).state.encode(), query.get("state", "").encode()):
        raise NotSignedOn(HTTPStatus.BAD_REQUEST, _STALE)
    if "code" not in query:
        why = f"The sign-on service refused: {one_line(query.get('error', 'it gave no code'), 40)}."
        raise NotSignedOn(HTTPStatus.FORBIDDEN, why)
    return await door.finish_sign_on(query["code"], browser, client_of(request))


def _show_failed_sign_on(request: Request, where: str, fault: NotSignedOn) -> Response:
    _log.warning("sign_on_failed", client=client_of(request), why=str(fault))
    return _render_form(request, where, fault.status.value, fault=str(fault))


async def sign_out(request: Request) -> Response:
    """End the session. If a provider signed the person on, show a page that leads there to sign out too.

    A redirect would not work: the content security policy lets no form lead to another site.
    """
    session, form, where = session_of(request), await read_form(request), ""
    if session is not None and session.has_guard(form.get("guard", "")):
        _door(request).leave(request.cookies.get(_cookie_name(request), ""))
        request.state.session, where = None, await _door(request).sign_out_address(session)
    response = render(request, "signedout.html", where=where) if where else RedirectResponse("/", 303)
    _delete_cookie(request, response)
    return response


def _render_form(request: Request, where: str, code: int = 200, name: str = "", fault: str = "") -> Response:
    # Only this browser has this mark, so a foreign page cannot sign a person in under another name.
    mark = request.cookies.get(_cookie_name(request, "-form"), "")
    mark = mark if re.fullmatch(r"[\w-]{43}", mark) else secrets.token_urlsafe()
    response = render(request, "signin.html", code, next=where, mark=mark, name=name, fault=fault)
    _set_cookie(request, response, mark, 3600, "-form")
    return response


def _delete_cookie(request: Request, response: Response, use: str = "") -> None:
    response.delete_cookie(_cookie_name(request, use), secure=_is_secure(request), httponly=True, samesite="lax")


def _set_cookie(request: Request, response: Response, value: str, lasts: int, use: str = "") -> None:
    # Browsers do not send strict cookies when a link in mail, or a provider, leads here. So these two kinds are lax.
    same: Literal["strict", "lax"] = "lax" if use in {"", "-flow"} else "strict"
    secure = _is_secure(request)
    response.set_cookie(_cookie_name(request, use), value, max_age=lasts, secure=secure, httponly=True, samesite=same)


def _cookie_name(request: Request, use: str = "") -> str:
    # Browsers accept a `__Host-` cookie only from this host itself and over TLS.
    return f"{'__Host-' if _is_secure(request) else ''}ninethirty{use}"


def _is_secure(request: Request) -> bool:
    """Return whether the browser connects over TLS, even if the proxy in front does not say so."""
    public = urlsplit(_door(request).public_url)
    is_public_url = public.scheme == "https" and public.netloc == request.headers.get("Host", "")
    return request.scope["scheme"] == "https" or is_public_url


def _door(request: Request) -> Sessions:
    door = queries_of(request).door
    if door is None:
        raise UnknownName("Sign-in is not set up here.")
    return door


def _own_path(where: str) -> str:
    """Return `where` if it is a path on this server, else the path of the board."""
    return where if re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", where) else "/"


ROUTES = [
    Route("/sign-in", show_form, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-in/oidc", start_sign_on, methods=["GET"]),
    Route("/sign-in/oidc/return", finish_sign_on, methods=["GET"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
