"""Messages held back from a browser, by a form on an incident's page."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from alerts.silence import Scope
from monitor.errors import UnknownName, UserFault
from monitor.web.incident_form import sent_by
from monitor.web.incident_page import Answered, incident_page
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
    except InvalidInput as fault:
        return await incident_page(request, sent.incident, answered=Answered(400, {"silence-reason": str(fault)}))
    return RedirectResponse(f"/incidents/{quote(sent.incident)}", 303)


async def end_on_page(request: Request) -> Response:
    """End a silence before its time, and show the incident, or the board, so."""
    sent = await sent_by(request)
    if isinstance(sent, Response):
        return sent
    await sent.desk.end_silence(sent.text("silence"), sent.role or "whoever ended it")
    return RedirectResponse(f"/incidents/{quote(sent.incident)}", 303)


ROUTES = [
    Route("/incidents/{incident}/silence", on_page, methods=["POST"]),
    Route("/incidents/{incident}/silence/end", end_on_page, methods=["POST"]),
]
