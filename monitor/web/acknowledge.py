"""Saying that somebody has an incident: by a signed link and a button, or on its page.

Opening a link changes nothing, since mail scanners and previews open links too.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from monitor.deliver.incident_json import incident_json
from monitor.errors import UnknownName
from monitor.web.incident_form import Sent, for_staff
from monitor.web.incident_page import incident_page
from monitor.web.pages import render
from monitor.web.request import client_of, form_of, queries_of
from monitor.web.sessions import Busy

_INVALID = "This link is not one of ours, or it has run out. The incident can still be found on the board."


async def ask(request: Request) -> Response:
    """Show what the link is about, who has it, and a button. Changes nothing."""
    return await _shown(request, request.query_params.get("token", ""))


async def answer(request: Request) -> Response:
    """Write down that a role has the incident, and show it so."""
    form = await form_of(request)
    token, role = form.get("token", ""), form.get("role", "")
    opened = _opened(request, token)
    if isinstance(opened, Response):
        return opened
    if (desk := queries_of(request).desk) is None:
        raise UnknownName("Nothing can be acknowledged here.")
    try:
        await desk.acknowledge(opened[0], role)
    except InvalidInput as fault:
        return await _shown(request, token, str(fault))
    return RedirectResponse(f"/acknowledge?token={quote(token)}", 303)


@for_staff
async def on_page(request: Request, sent: Sent) -> Response:
    """Write down that a person who has signed in has the incident, and show it again."""
    try:
        await sent.desk.acknowledge(sent.incident, sent.text("role"))
    except InvalidInput as fault:
        return await incident_page(request, sent.incident, str(fault))
    return RedirectResponse(f"/incidents/{quote(sent.incident)}", 303)


async def _shown(request: Request, token: str, fault: str = "") -> Response:
    """Show what the notice said that brought the link, and no more: its reader has not signed in."""
    opened = _opened(request, token)
    if isinstance(opened, Response):
        return opened
    name, mark = opened
    queries = queries_of(request).seen_by(all_=True)
    found = await queries.incident(name)
    # What is stored of a platform's notice names releases of which its reader may not have been told.
    sent = await queries.ask(lambda: queries.store.outbox.notices(name)) if mark and not found.linked else []
    notice = next((one for one in sent if one.id.startswith(mark)), None)
    shown = {"incident": incident_json(found), "notice": notice, "token": token, "fault": fault}
    return render(request, "acknowledge.html", 400 if fault else 200, **shown)


def _opened(request: Request, token: str) -> tuple[str, str] | Response:
    """Return the incident that a link opens and the mark of its notice, or what to answer instead."""
    queries, client = queries_of(request), client_of(request)
    # A right link opens whoever else guesses from the same address: it is too long to be guessed.
    if (opened := queries.keys.opened(token, queries.clock.now())) is not None:
        return opened
    if wait := queries.throttle.wait(client):
        raise Busy(wait)
    queries.throttle.failed(client)
    return render(request, "fault.html", 403, message=_INVALID)


ROUTES = [
    Route("/acknowledge", ask, methods=["GET"]),
    Route("/acknowledge", answer, methods=["POST"]),
    Route("/incidents/{incident}/acknowledge", on_page, methods=["POST"]),
]
