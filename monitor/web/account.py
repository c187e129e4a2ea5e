"""The page of the person who is signed in: their account, sessions, and address of feeds."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from monitor.errors import NotAllowed, UnknownName
from monitor.store.rows import SessionUse
from monitor.web.pages import render
from monitor.web.request import PostRoute, client_of, queries_of, read_form, session_of
from monitor.web.sessions import Session, Sessions


async def show_account(request: Request) -> Response:
    """Show the account of the person, and to a head the sessions of all people too."""
    session, sessions = _require_session(request)
    return await _render_account(request, session, sessions)


async def make_feed_address(request: Request) -> Response:
    """Make a new secret address for calendars and feeds, and show it once."""
    session, sessions, _ = await _read_form_of_session(request)
    key = await sessions.make_feed_key(session, client_of(request))
    return await _render_account(request, session, sessions, feed_key=key)


async def end_session(request: Request) -> Response:
    """End a session or a secret address: the person's own, or for a head anyone's."""
    session, sessions, form = await _read_form_of_session(request)
    ended = await sessions.kept.find(form.get("session", ""))
    if ended is None or not (session.person.is_head or ended.account == session.account):
        raise UnknownName("This session has ended already.")
    await sessions.kept.end(ended.key_hash, session.actor, ended.account)
    return RedirectResponse("/account", 303)


async def _render_account(
    request: Request, session: Session, sessions: Sessions, feed_key: str = ""
) -> Response:
    listed = await sessions.kept.list_sessions(None if session.person.is_head else session.account)
    return render(
        request,
        "account.html",
        own=[one for one in listed if one.account == session.account],
        others=[one for one in listed if one.account != session.account],
        feeds=SessionUse.FEEDS,
        feed_key=feed_key,
        base=(sessions.public_url or str(request.base_url)).rstrip("/"),
    )


def _require_session(request: Request) -> tuple[Session, Sessions]:
    session, sessions = session_of(request), queries_of(request).sessions
    if session is None or sessions is None:
        raise NotAllowed("Sign in to see your account.")
    return session, sessions


async def _read_form_of_session(request: Request) -> tuple[Session, Sessions, dict[str, str]]:
    """Return the session and the form that was sent from its page. Raises `NotAllowed`."""
    session, sessions = _require_session(request)
    form = await read_form(request)
    if not session.has_guard(form.get("guard", "")):
        raise NotAllowed("This page is too old. Load it again.")
    return session, sessions, form


ROUTES = [
    Route("/account", show_account),
    PostRoute("/account/feeds", make_feed_address),
    PostRoute("/account/end", end_session),
]
