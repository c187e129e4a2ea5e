"""Saying that somebody has an incident: by a signed link and a button, or by a program with a token.

Opening a link changes nothing, since mail scanners and previews open links too.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from alerts.byhand import NotEnough
from alerts.incident import Incident
from monitor.errors import UnknownName, UserFault
from monitor.incident_json import incident_json
from monitor.web.desk import Desk
from monitor.web.pages import render

_LONGEST_BODY = 8192
_INVALID = "This link is not one of ours, or it has run out. The incident can still be found on the board."


async def ask(request: Request) -> Response:
    """Show what the link is about, who has it, and a button. Changes nothing."""
    token = request.query_params.get("token", "")
    return await _shown(request, token)


async def answer(request: Request) -> Response:
    """Write down that a role has the incident, and show it so."""
    form = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=10)
    token, role = form.get("token", [""])[0], form.get("role", [""])[0]
    refused, name = _opened(request, token)
    if refused is not None:
        return refused
    try:
        await _acknowledged(request, name, role)
    except NotEnough as fault:
        return await _shown(request, token, str(fault))
    return RedirectResponse(f"/acknowledge?token={quote(token)}", 303)


async def by_program(request: Request) -> Response:
    """Do the same for a program: a bearer token, and `{"role": …}` as JSON."""
    desk, client = _desk(request), _client(request)
    if wait := desk.throttle.wait(client):
        return _told(429, "too many wrong tokens", {"Retry-After": str(wait)})
    if not desk.keys.opens(request.headers.get("Authorization", "")):
        desk.throttle.failed(client)
        return _told(401, "needs the token of [web] token as a bearer token", {"WWW-Authenticate": "Bearer"})
    try:
        found = await _acknowledged(request, request.path_params["incident"], _role(await _body(request)))
    except NotEnough as exc:
        raise UserFault(f"role: {exc}") from exc
    return JSONResponse(incident_json(found, await desk.drafts(found.id)))


async def _shown(request: Request, token: str, fault: str = "") -> Response:
    refused, name = _opened(request, token)
    if refused is not None:
        return refused
    incident = await _desk(request).incident(name)
    if incident is None:
        raise UnknownName(f"There is no incident {name!r} any more.")
    shown = incident_json(incident)
    return render(request, "acknowledge.html", 400 if fault else 200, incident=shown, token=token, fault=fault)


def _opened(request: Request, token: str) -> tuple[Response | None, str]:
    """Return the incident a link opens, or what to answer instead."""
    desk, client = _desk(request), _client(request)
    if wait := desk.throttle.wait(client):
        page = render(request, "fault.html", 429, message="Too many wrong links from here. Try again in a minute.")
        page.headers["Retry-After"] = str(wait)
        return page, ""
    name = desk.keys.incident(token, desk.clock.now())
    if name is None:
        desk.throttle.failed(client)
        return render(request, "fault.html", 403, message=_INVALID), ""
    return None, name


async def _acknowledged(request: Request, name: str, role: str) -> Incident:
    attendant = _desk(request).attendant
    found = await attendant.acknowledge(name, role) if attendant is not None else None
    if found is None:
        raise UnknownName(f"no incident {name!r}")
    return found


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_BODY:
            raise UserFault(f"the body must not be longer than {_LONGEST_BODY} bytes")
    return body


def _role(body: bytes) -> str:
    try:
        said = json.loads(body or b"{}")
    except ValueError as exc:
        raise UserFault('the body is not JSON, write {"role": "on-call statistician"}') from exc
    role = said.get("role", "") if isinstance(said, dict) else ""
    return role if isinstance(role, str) else ""


def _told(status: int, error: str, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": error}, status_code=status, headers=headers)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else ""


ROUTES = [
    Route("/acknowledge", ask, methods=["GET"]),
    Route("/acknowledge", answer, methods=["POST"]),
    Route("/api/v1/incidents/{incident}/acknowledge", by_program, methods=["POST"]),
]
