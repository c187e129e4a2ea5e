"""Messages held back from a browser or by a program: a form on an incident's page, and silences as JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import NotEnough
from alerts.silence import Scope
from monitor.deliver.open_data import SILENCE
from monitor.deliver.silences import silence_json
from monitor.errors import Refused, UnknownName, UserFault
from monitor.web.answers import Silence, Silences
from monitor.web.asked import Listed, Silencing
from monitor.web.incident_form import sent_by
from monitor.web.incident_page import Answered, incident_page
from monitor.web.operations import REFUSED, ApiRoute, Operation, Rows, listing
from monitor.web.pages import silences_of
from monitor.web.request import queries_of


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


async def listed(request: Request, _asked: Listed) -> dict[str, Any]:
    """List the silences that hold messages back now.

    Those who may not know everything are told of none.
    """
    return {"silences": await silences_of(queries_of(request))}


async def by_program(request: Request, asked: Silencing) -> dict[str, Any]:
    """Hold messages back of an incident, a release or a producer, for at most 14 days."""
    desk = queries_of(request).desk
    if desk is None:
        raise Refused("nothing is written down here")
    try:
        made = await desk.silence(asked.of, asked.name, asked.until, asked.role, asked.reason)
    except NotEnough as exc:
        raise Refused(str(exc)) from exc
    return silence_json(made)


ROUTES = [
    Route("/incidents/{incident}/silence", on_page, methods=["POST"]),
    Route("/incidents/{incident}/silence/end", end_on_page, methods=["POST"]),
    ApiRoute(
        "/api/v1/silences",
        listing("listSilences", "silences", listed, Silences, rows=Rows("silences", SILENCE)),
        Operation("holdBack", "silences", by_program, Silence, Silencing, REFUSED, method="POST", status=201),
    ),
]
