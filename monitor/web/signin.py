"""Authorisation of each request, and the pages to sign in and out.

Staff who are signed in and programs with a token see everything. So does a person at the machine,
unless people sign in. Viewers (everyone, if the board is public) see all but embargoed data. Others
see only health.
"""

from __future__ import annotations

import asyncio
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
from monitor.store.rows import SessionUse
from monitor.web.credentials import Guess, TokenScope
from monitor.web.local_socket import user_name
from monitor.web.pages import render, respond_to_error
from monitor.web.provider import NotSignedOn
from monitor.web.queries import Queries
from monitor.web.request import (
    PostRoute,
    client_of,
    problem_response,
    queries_of,
    read_form,
    session_of,
)
from monitor.web.sessions import SESSION_SECONDS, Busy, Session, Sessions
from monitor.web.users import Peer, Program, find_only_user

_HEALTH = {"/healthz", "/livez", "/readyz"}
_UNRESTRICTED_PATHS = _HEALTH | {
    *("/style.css", "/live.js", "/copy.js", "/icon.svg"),
    *("/runbook", "/acknowledge"),
}
_UNRESTRICTED_PATHS |= {"/sign-in", "/sign-in/oidc", "/sign-in/oidc/return"}
"""Paths for everyone: health, assets, the runbook, sign-in, and the page of signed links."""
_METRICS, _EMBARGOED = "/metrics", "/metrics/embargoed"
_LOOPBACK_ADDRESSES = {"127.0.0.1", "::1"}
_STAFF_PATHS = ("/status", "/api/v1/calendars", "/reports")
"""Status and calendars show embargoed addresses, reports show incidents."""
_LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_FORWARDED = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)
_FEED_PATH = re.compile(r"/calendar\.\w+|/atom\.xml")
_CHECKING_PATHS = re.compile(
    r"/api/v1/incidents/.+/acknowledge|/incidents/(.+/(draft|sign)|new)|/silences|/by-hand"
)
"""Without a session, the response to a form contains only the typed text."""
_UNNAMED_PROGRAM = "program"
"""The name of a program with a token of `[web]`."""
_NO_MATCH = "That name and password do not belong together."
_STALE_PAGE = "This page is too old. Try again."
_LONGEST_PATH = 1000
_FORM_SECONDS, _SIGN_ON_SECONDS = 3600, 600
_SECRET_LENGTH = 43
"""Of the random text in a sign-on's cookie, before the path to return to."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Authorise:
    """Middleware that identifies the viewer, and refuses what they may not request.

    It reads the path from the scope, as the router does, because a client can forge the `Host`
    header of `request.url`.
    """

    app: ASGIApp
    queries: Queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Identify the viewer, and pass the request on or refuse it.

        The port for metrics serves no pages.

        The request's state gets `session`, `caller` (a user of the machine by the socket, or a
        program by its token), `token_scope`, `actor` (None if they may not act), and `sees_all`:
        whether the viewer may see embargoed data.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, sessions = Request(scope), self.queries.sessions
        is_embargoed = scope["path"] == _EMBARGOED
        if getattr(request.state, "for_metrics", False) and not is_embargoed:
            is_served = scope["path"] in _HEALTH | {_METRICS}
            responder = (
                self.app if is_served else problem_response(404, "only metrics and health are here")
            )
            await responder(scope, receive, send)
            return
        try:
            await self._identify_sender(request, sessions)
            may_pass = request.state.sees_all or self._may_request(request)
        except Busy as busy:
            await (await respond_to_error(request, busy))(scope, receive, send)
            return
        await (self.app if may_pass else _refuse_viewer(request, sessions))(scope, receive, send)

    async def _identify_sender(self, request: Request, sessions: Sessions | None) -> None:
        """Note who sent a request. Raises `Busy`."""
        state = request.state
        peer = await _find_peer(request, sessions)
        session = program = None
        if peer is None:
            session = None if sessions is None else await _find_session(request, sessions)
            program = await self._read_token(request, sessions)
        state.session, state.caller = session, peer or program
        state.token_scope = None if program is None else program.scope
        known = peer or session
        is_staff = known is not None and not known.person.is_viewer
        state.actor = known.actor if known is not None and is_staff else None
        if program is not None and program.scope is TokenScope.DUTY:
            state.actor = program.actor
        sender = known or program
        if sender is None and sessions is not None:
            sender = await _find_feed_session(request, sessions)
        state.is_known = sender is not None and sender is not program
        if sender is not None:
            # A browser's cookie may come with a token, which then acts.
            actor = state.actor or sender.actor
            structlog.contextvars.bind_contextvars(account=actor.account)
        reads_all = state.token_scope in {TokenScope.READ, TokenScope.DUTY}
        state.sees_all = is_staff or reads_all or self._is_at_the_machine(request)

    def _may_request(self, request: Request) -> bool:
        """Return whether a viewer who does not see everything may make this request."""
        path = request.scope["path"]
        # These check the token or the session themselves, and say what is wrong.
        checks_itself = request.method == "POST" and _CHECKING_PATHS.fullmatch(path)
        if checks_itself or path in _UNRESTRICTED_PATHS:
            return True
        if path == _METRICS:
            return request.state.token_scope is TokenScope.METRICS
        if path == _EMBARGOED:
            return request.state.token_scope is TokenScope.EMBARGOED
        may_read = self.queries.public or request.state.is_known
        return may_read and not path.startswith(_STAFF_PATHS)

    def _is_at_the_machine(self, request: Request) -> bool:
        """Return whether a browser on this machine made the request directly, on a board without
        sign-in.
        """
        # A foreign page in that browser can point its own host name here.
        host = _LOOPBACK_HOST.fullmatch(request.headers.get("Host", ""))
        return (
            self.queries.local
            and client_of(request) in _LOOPBACK_ADDRESSES
            and host is not None
            and not _is_forwarded(request)
        )

    async def _read_token(self, request: Request, sessions: Sessions | None) -> Program | None:
        """Return the program with a request's bearer token. A wrong one counts as a wrong guess."""
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        token = credentials.strip()
        if scheme.lower() != "bearer" or not token or request.scope["path"] in _UNRESTRICTED_PATHS:
            return None
        if (scope := self.queries.keys.find_scope(token)) is not None:
            return Program(_UNNAMED_PROGRAM, scope)
        program = await sessions.find_program(token) if sessions is not None else None
        if program is not None:
            return program
        throttle, client = self.queries.throttle, client_of(request)
        if wait := throttle.wait(Guess.TOKEN, client):
            raise Busy(wait)
        throttle.count_failure(Guess.TOKEN, client)
        return None


def _is_forwarded(request: Request) -> bool:
    return any(name in request.headers for name in _FORWARDED)


async def _find_peer(request: Request, sessions: Sessions | None) -> Peer | None:
    """Return the user of this machine who sent a request to the socket."""
    user: int | None = getattr(request.state, "peer", None)
    # The user of a proxy did not send what it forwards.
    if user is None or _is_forwarded(request):
        return None
    if sessions is not None:
        return await sessions.find_peer(user)
    return find_only_user(await asyncio.to_thread(user_name, user))


async def _find_session(request: Request, sessions: Sessions) -> Session | None:
    """Return the session that the proxy's header or the cookie proves. Raises `Busy`."""
    names = (
        request.headers.getlist(sessions.proxy_auth.header)
        if sessions.proxy_auth is not None
        else []
    )
    if names and getattr(request.state, "by_proxy", False):
        return sessions.sign_in_by_proxy(names)
    key = request.cookies.get(_cookie_name(request))
    return await sessions.find_session(key) if key else None


async def _find_feed_session(request: Request, sessions: Sessions) -> Session | None:
    """Return the session of the key in the address of a calendar or feed.

    It opens only what a viewer may see, because the servers of mail programs know such an address.
    """
    key = request.query_params.get("key", "")
    if not key or not _FEED_PATH.fullmatch(request.scope["path"]):
        return None
    return await sessions.find_session(key, SessionUse.FEEDS)


def _refuse_viewer(request: Request, sessions: Sessions | None) -> Response:
    """Return 403 for people signed in, a redirect to sign in for a page in a browser, else 401."""
    if session_of(request) is not None or isinstance(request.state.caller, Peer):
        return problem_response(403, "this is for staff")
    are_metrics = request.scope["path"] in {_METRICS, _EMBARGOED}
    if sessions is None or not sessions.allows_sign_in or are_metrics:
        return problem_response(401, "needs a token of [web]", {"WWW-Authenticate": "Bearer"})
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        query = request.scope["query_string"].decode("latin-1")
        page = request.scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/sign-in?next={quote(page)}", 303)
    return problem_response(401, "sign in first", {"WWW-Authenticate": "Bearer"})


async def show_sign_in_form(request: Request) -> Response:
    """Show the sign-in form, or redirect a person who is already signed in."""
    where = _path_or_board(request.query_params.get("next", "/"))
    return (
        RedirectResponse(where, 303)
        if session_of(request) is not None
        else _render_sign_in_form(request, where)
    )


async def sign_in(request: Request) -> Response:
    """Sign a person in and redirect to `next`, or show the form again with what is wrong."""
    form, sessions = await read_form(request), _require_sessions(request)
    where, name = _path_or_board(form.get("next", "/")), form.get("name", "").strip()
    # As in this browser's cookie, so that a page of another site cannot send the form.
    form_token = request.cookies.get(_cookie_name(request, "-form"), "")
    if not form_token or not hmac.compare_digest(
        form_token.encode(), form.get("mark", "").encode()
    ):
        return _render_sign_in_form(request, where, 400, name, _STALE_PAGE)
    session_key = await sessions.sign_in(name, form.get("password", ""), client_of(request))
    if session_key is None:
        return _render_sign_in_form(request, where, 403, name, _NO_MATCH)
    return await _redirect_signed_in(request, where, session_key)


async def start_sign_on(request: Request) -> Response:
    """Redirect to the OpenID provider, or show the sign-in form with the reason why not."""
    sessions, where = (
        _require_sessions(request),
        _path_or_board(request.query_params.get("next", "/")),
    )
    secret = secrets.token_urlsafe()
    try:
        response = RedirectResponse(await sessions.sign_on_address(secret), 303)
    except NotSignedOn as fault:
        return _show_failed_sign_on(request, where, fault)
    # Of a fixed length, so `finish_sign_on` can separate it from the path.
    secret_and_path = secret + (where if len(where) <= _LONGEST_PATH else "/")
    _set_cookie(request, response, secret_and_path, _SIGN_ON_SECONDS, "-flow")
    return response


async def finish_sign_on(request: Request) -> Response:
    """Sign in the person whom the provider sends back, if this browser began the sign-on."""
    secret_and_path = request.cookies.get(_cookie_name(request, "-flow"), "")
    secret, where = (
        secret_and_path[:_SECRET_LENGTH],
        _path_or_board(secret_and_path[_SECRET_LENGTH:]),
    )
    try:
        key = await _redeem_code(request, secret)
    except NotSignedOn as fault:
        # A refusal counts as a wrong guess, but a provider that fails does not.
        if fault.status is HTTPStatus.FORBIDDEN:
            queries_of(request).throttle.count_failure(Guess.PASSWORD, client_of(request))
        response = _show_failed_sign_on(request, where, fault)
    else:
        response = await _redirect_signed_in(request, where, key)
    _delete_cookie(request, response, "-flow")
    return response


async def _redeem_code(request: Request, secret: str) -> str:
    """Return the key of a new session for a query's code.

    Raises `NotSignedOn`, also for another browser's sign-on.
    """
    sessions, query = _require_sessions(request), request.query_params
    # Only the browser that began has the secret from which this state was made.
    state = sessions.make_flow(secret).state
    if not secret or not hmac.compare_digest(state.encode(), query.get("state", "").encode()):
        raise NotSignedOn(HTTPStatus.BAD_REQUEST, _STALE_PAGE)
    if "code" not in query:
        why = f"The sign-on service refused: {one_line(query.get('error', 'it gave no code'), 40)}."
        raise NotSignedOn(HTTPStatus.FORBIDDEN, why)
    return await sessions.finish_sign_on(query["code"], secret, client_of(request))


async def _redirect_signed_in(request: Request, where: str, key: str) -> Response:
    """Return a redirect with the cookie of a new session, which ends this browser's earlier one."""
    await _require_sessions(request).sign_out(request.cookies.get(_cookie_name(request), ""))
    response = RedirectResponse(where, 303)
    _set_cookie(request, response, key, SESSION_SECONDS)
    return response


def _show_failed_sign_on(request: Request, where: str, fault: NotSignedOn) -> Response:
    _log.warning("sign_on_failed", client=client_of(request), why=str(fault))
    return _render_sign_in_form(request, where, fault.status.value, fault=str(fault))


async def sign_out(request: Request) -> Response:
    """End the session. If a provider signed the person on, show a page that links to its sign-out.

    The content security policy forbids forms that redirect to other sites. Without the session's
    guard, another site may have sent the form, so nothing changes.
    """
    session, form, provider_url = session_of(request), await read_form(request), ""
    if session is not None:
        if not session.has_guard(form.get("guard", "")):
            return problem_response(403, _STALE_PAGE)
        await _require_sessions(request).sign_out(request.cookies.get(_cookie_name(request), ""))
        request.state.session = None
        provider_url = await _require_sessions(request).sign_out_address(session)
    page = (
        render(request, "signedout.html", where=provider_url)
        if provider_url
        else RedirectResponse("/", 303)
    )
    _delete_cookie(request, page)
    return page


def _render_sign_in_form(
    request: Request, where: str, code: int = 200, name: str = "", fault: str = ""
) -> Response:
    # Else a foreign page could sign a person in.
    mark = request.cookies.get(_cookie_name(request, "-form"), "")
    mark = mark if re.fullmatch(r"[\w-]{43}", mark) else secrets.token_urlsafe()
    response = render(request, "signin.html", code, next=where, mark=mark, name=name, fault=fault)
    _set_cookie(request, response, mark, _FORM_SECONDS, "-form")
    return response


def _delete_cookie(request: Request, response: Response, use: str = "") -> None:
    response.delete_cookie(
        _cookie_name(request, use), secure=_is_secure(request), httponly=True, samesite="lax"
    )


def _set_cookie(
    request: Request, response: Response, value: str, lasts: int, use: str = ""
) -> None:
    # Browsers send no strict cookies when a link in mail, or a provider, leads here.
    site: Literal["strict", "lax"] = "lax" if use in {"", "-flow"} else "strict"
    secure = _is_secure(request)
    response.set_cookie(
        _cookie_name(request, use),
        value,
        max_age=lasts,
        secure=secure,
        httponly=True,
        samesite=site,
    )


def _cookie_name(request: Request, use: str = "") -> str:
    # Browsers take a `__Host-` cookie only from this host itself and over TLS.
    return f"{'__Host-' if _is_secure(request) else ''}ninethirty{use}"


def _is_secure(request: Request) -> bool:
    """Return whether the browser connects over TLS: to us, or to the proxy at `public_url`."""
    public = urlsplit(_require_sessions(request).public_url)
    is_public_url = public.scheme == "https" and public.netloc == request.headers.get("Host", "")
    return request.scope["scheme"] == "https" or is_public_url


def _require_sessions(request: Request) -> Sessions:
    sessions = queries_of(request).sessions
    if sessions is None:
        raise UnknownName("Sign-in is not set up here.")
    return sessions


def _path_or_board(where: str) -> str:
    """Return `where` if it is a path on this server, else `/`: no link redirects elsewhere."""
    return where if re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", where) else "/"


ROUTES = [
    Route("/sign-in", show_sign_in_form),
    PostRoute("/sign-in", sign_in),
    Route("/sign-in/oidc", start_sign_on),
    Route("/sign-in/oidc/return", finish_sign_on),
    PostRoute("/sign-out", sign_out),
]
