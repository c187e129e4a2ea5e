"""Saying that somebody has an incident: by a signed link and a button, on its page, or by a program with a token.

Opening a link changes nothing, since mail scanners and previews open links too.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import NotEnough
from alerts.incident import Incident
from monitor.deliver.incident_json import incident_json
from monitor.errors import UnknownName, UserFault
from monitor.web.incident_page import incident_page
from monitor.web.pages import fault_page, render
from monitor.web.request import api_route, body_of, client_of, form_of, queries_of, session_of

_INVALID = "This link is not one of ours, or it has run out. The incident can still be found on the board."

_NOT_IN = "You were signed out meanwhile, or this page had grown old. Sign in, and press the button again."


async def ask(request: Request) -> Response:
    """Show what the link is about, who has it, and a button. Changes nothing."""
    token = request.query_params.get("token", "")
    return await _shown(request, token)


async def answer(request: Request) -> Response:
    """Write down that a role has the incident, and show it so."""
    form = await form_of(request)
    token, role = form.get("token", ""), form.get("role", "")
    refused, name = _opened(request, token)
    if refused is not None:
        return refused
    try:
        await _acknowledged(request, name, role)
    except NotEnough as fault:
        return await _shown(request, token, str(fault))
    return RedirectResponse(f"/acknowledge?token={quote(token)}", 303)


async def on_page(request: Request) -> Response:
    """Write it down for somebody who has signed in, and show the incident so."""
    session, form = session_of(request), await form_of(request)
    name, role = request.path_params["incident"], form.get("role", "")
    if session is None or session.person.is_viewer or not session.is_ours(form.get("guard", "")):
        return fault_page(request, 403, _NOT_IN)
    try:
        await _acknowledged(request, name, role)
    except NotEnough as fault:
        return await incident_page(request, name, str(fault))
    return RedirectResponse(f"/incidents/{quote(name)}", 303)


async def by_program(request: Request) -> Response:
    """Do the same for a program: a bearer token, and `{"role": …}` as JSON."""
    if (refused := refused_program(request)) is not None:
        return refused
    queries = queries_of(request)
    try:
        found = await _acknowledged(request, request.path_params["incident"], _role(await body_of(request)))
    except NotEnough as exc:
        raise UserFault(f"role: {exc}") from exc
    return JSONResponse(incident_json(found, await queries.drafts(found.id)))


def refused_program(request: Request) -> Response | None:
    """Return what to answer a program that does not show the token, None to one that does."""
    queries, client = queries_of(request), client_of(request)
    if queries.keys.opens(request.headers.get("Authorization", "")):
        return None
    if wait := queries.throttle.wait(client):
        return _told(429, "too many wrong tokens", {"Retry-After": str(wait)})
    queries.throttle.failed(client)
    return _told(401, "needs the token of [web] token as a bearer token", {"WWW-Authenticate": "Bearer"})


async def _shown(request: Request, token: str, fault: str = "") -> Response:
    refused, name = _opened(request, token)
    if refused is not None:
        return refused
    # Whoever was sent the link was told of the incident.
    incident = await queries_of(request).seen_by(all_=True).incident(name)
    if incident is None:
        raise UnknownName(f"There is no incident {name!r} any more.")
    shown = incident_json(incident)
    return render(request, "acknowledge.html", 400 if fault else 200, incident=shown, token=token, fault=fault)


def _opened(request: Request, token: str) -> tuple[Response | None, str]:
    """Return the incident a link opens, or what to answer instead."""
    queries, client = queries_of(request), client_of(request)
    # A right link opens whoever else guesses from the same address: it is too long to be guessed.
    name = queries.keys.incident(token, queries.clock.now())
    if name is not None:
        return None, name
    if wait := queries.throttle.wait(client):
        page = render(request, "fault.html", 429, message="Too many wrong links from here. Try again in a minute.")
        page.headers["Retry-After"] = str(wait)
        return page, ""
    queries.throttle.failed(client)
    return render(request, "fault.html", 403, message=_INVALID), ""


async def _acknowledged(request: Request, name: str, role: str) -> Incident:
    desk = queries_of(request).desk
    if desk is None:
        raise UnknownName(f"no incident {name!r}")
    return await desk.take(name, role)


def _role(body: bytes) -> str:
    try:
        said = json.loads(body or b"{}")
    except ValueError as exc:
        raise UserFault('the body is not JSON, write {"role": "on-call statistician"}') from exc
    role = said.get("role", "") if isinstance(said, dict) else ""
    return role if isinstance(role, str) else ""


def _told(status: int, error: str, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": error}, status_code=status, headers=headers)


ROUTES = [
    Route("/acknowledge", ask, methods=["GET"]),
    Route("/acknowledge", answer, methods=["POST"]),
    Route("/incidents/{incident}/acknowledge", on_page, methods=["POST"]),
    api_route("/api/v1/incidents/{incident}/acknowledge", by_program, methods=["POST"]),
]
