"""Acknowledge an incident and give its cause by a signed link.

Opening a link only shows the notice, because mail scanners and previews open links too. The button
acknowledges. A person who is signed in needs no button: a scanner has no session.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from monitor.deliver.incident_json import incident_json
from monitor.errors import NotAllowed, UnknownName
from monitor.web.credentials import Guess
from monitor.web.pages import render
from monitor.web.request import client_of, may_act, queries_of, read_form, session_of
from monitor.web.sessions import Busy

_INVALID_LINK = (
    "This link is not one of ours, or it has run out. The incident can still be found on the board."
)


async def show_notice(request: Request, sent_token: str = "", fault: str = "") -> Response:
    """Show only the notice that contained a signed link, and a button to acknowledge its incident.

    The reader is not signed in. `fault` is why the button, which sent `sent_token`, did not
    acknowledge the incident.
    """
    token = sent_token or request.query_params.get("token", "")
    name, notice_beginning = _open_link(request, token)
    # The link came with a notice of this incident, so its reader may see the incident before the
    # slot too.
    queries = queries_of(request).for_viewer(sees_all=True)
    found = await queries.find_incident(name)
    # An incident can have several releases (`linked`). Its stored notice names all of them, but
    # each channel was sent one that names only the releases it may get. So this reader must not see
    # the stored one.
    notice = None
    if notice_beginning and not found.linked:
        notices = await queries.ask(lambda: queries.store.outbox.notices(name))
        notice = next((one for one in notices if one.id.startswith(notice_beginning)), None)
    return render(
        request,
        "acknowledge.html",
        incident=incident_json(found),
        notice=notice,
        token=token,
        cause=found.words.get("cause", ""),
        drafted=found.has_draft,
        fault=fault,
    )


async def open_link(request: Request) -> Response:
    """Acknowledge the incident in the role of the person who is signed in, then show its notice.

    Without such a role, or if it is acknowledged or closed, only show the notice.
    """
    name, _notice_beginning = _open_link(request, request.query_params.get("token", ""))
    session, desk = session_of(request), queries_of(request).desk
    # A browser may load a page before the person opens it.
    is_opened = request.method == "GET" and "Sec-Purpose" not in request.headers
    if is_opened and session is not None and session.person.role and may_act(request):
        found = await queries_of(request).for_viewer(sees_all=True).find_incident(name)
        if desk is not None and found.acknowledged is None and found.closed is None:
            await desk.acknowledge(name, session.person.role)
    return await show_notice(request)


async def acknowledge_by_link(request: Request) -> Response:
    """Acknowledge the incident of a signed link, in the role that was sent, or record its cause,
    and show the notice again.
    """
    form = await read_form(request)
    token, role, cause = (form.get(name, "") for name in ("token", "role", "cause"))
    incident, _notice_beginning = _open_link(request, token)
    if (desk := queries_of(request).desk) is None:
        raise UnknownName("There is no incident to acknowledge here.")
    try:
        if "cause" in form:
            await desk.record_cause(incident, role, cause)
        else:
            await desk.acknowledge(incident, role)
    except InvalidInput as fault:
        return await show_notice(request, token, str(fault))
    return RedirectResponse(f"/acknowledge?token={quote(token)}", 303)


def _open_link(request: Request, token: str) -> tuple[str, str]:
    """Return the incident id of a link and the beginning of its notice's id.

    Raises `NotAllowed` for an invalid link, and `Busy` after too many wrong guesses.
    """
    queries, client = queries_of(request), client_of(request)
    # A valid link works even while the client must wait for wrong guesses, because a link is too
    # long to be guessed.
    if (opened := queries.keys.read_link(token, queries.clock.now())) is not None:
        return opened
    if wait := queries.throttle.wait(Guess.LINK, client):
        raise Busy(wait)
    queries.throttle.count_failure(Guess.LINK, client)
    raise NotAllowed(_INVALID_LINK)


ROUTES = [
    Route("/acknowledge", open_link, methods=["GET"]),
    Route("/acknowledge", acknowledge_by_link, methods=["POST"]),
]
