"""Messages held back from a browser or by a program: a form on an incident's page, and silences as JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import NotEnough
from alerts.silence import Scope
from monitor.deliver.silences import silence_json
from monitor.errors import UnknownName, UserFault
from monitor.web.acknowledge import refused_program
from monitor.web.incident_form import sent_by
from monitor.web.incident_page import Answered, incident_page
from monitor.web.pages import silences_of
from monitor.web.request import api_route, body_of, queries_of

_FORM = 'write {"of": "release", "name": "ID", "until": "2026-11-26T12:00:00Z", "reason": "…", "role": "…"}'


async def on_page(request: Request) -> Response:
    """Hold back messages about an incident, its release or its producer for some hours, and show the incident so."""
    sent = await sent_by(request)
    if isinstance(sent, Response):
        return sent
    found = await queries_of(request).incident(sent.incident)
    if found is None:
        raise UnknownName(f"There is no incident {sent.incident!r}.")
    names = {Scope.INCIDENT: found.id, Scope.RELEASE: found.release, Scope.PRODUCER: found.producer}
    try:
        scope, hours = Scope(sent.text("of")), int(sent.text("hours"))
        until = sent.desk.clock.now() + timedelta(hours=min(hours, 10_000))
    except ValueError as exc:
        raise UserFault("This form was not filled in on our page.") from exc
    try:
        await sent.desk.silence(scope, names[scope], until, sent.role, sent.text("reason"))
    except NotEnough as fault:
        return await incident_page(request, sent.incident, answered=Answered(400, {"silence-reason": str(fault)}))
    return RedirectResponse(f"/incidents/{quote(sent.incident)}", 303)


async def end_on_page(request: Request) -> Response:
    """End a silence before its time, and show the incident, or the board, so."""
    sent = await sent_by(request)
    if isinstance(sent, Response):
        return sent
    await sent.desk.end_silence(sent.text("silence"), sent.role or "whoever ended it")
    return RedirectResponse(f"/incidents/{quote(sent.incident)}", 303)


async def listed(request: Request) -> Response:
    """List the silences that last, for those who may know everything."""
    return JSONResponse({"silences": await silences_of(queries_of(request))})


async def by_program(request: Request) -> Response:
    """Make a silence for a program that shows the token."""
    if (refused := refused_program(request)) is not None:
        return refused
    desk, said = queries_of(request).desk, _said(await body_of(request))
    try:
        scope, until = Scope(said["of"]), datetime.fromisoformat(said["until"])
    except ValueError as exc:
        raise UserFault(f"of, or until: {_FORM}") from exc
    if until.tzinfo is None:
        raise UserFault(f"until: needs an offset, {_FORM}")
    if desk is None:
        raise UserFault("nothing is written down here")
    try:
        made = await desk.silence(scope, said["name"], until, said["role"], said["reason"])
    except NotEnough as exc:
        raise UserFault(str(exc)) from exc
    return JSONResponse(silence_json(made), 201)


def _said(body: bytes) -> dict[str, str]:
    try:
        said: Any = json.loads(body or b"{}")
    except ValueError as exc:
        raise UserFault(f"the body is not JSON, {_FORM}") from exc
    wanted = ("of", "name", "until", "reason", "role")
    if not isinstance(said, dict) or not all(isinstance(said.get(key), str) for key in wanted):
        raise UserFault(_FORM)
    return {key: said[key] for key in wanted}


ROUTES = [
    Route("/incidents/{incident}/silence", on_page, methods=["POST"]),
    Route("/incidents/{incident}/silence/end", end_on_page, methods=["POST"]),
    api_route("/api/v1/silences", listed),
    api_route("/api/v1/silences", by_program, methods=["POST"]),
]
