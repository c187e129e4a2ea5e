"""Acknowledge an incident and give its cause by a signed link, or all incidents from the board.

Opening a link only shows the notice, because mail scanners and previews open links too. The button
acknowledges. A person who is signed in needs no button: a scanner has no session.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from alerts.incident import Incident
from monitor.deliver.desk import Desk
from monitor.deliver.incident_json import incident_json
from monitor.errors import NotAllowed, UnknownName
from monitor.store.rows import Actor
from monitor.web.credentials import Guess, SignedLink
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import (
    PostRoute,
    client_of,
    desk_of,
    may_act,
    queries_of,
    read_form,
    session_of,
)
from monitor.web.sessions import Busy
from monitor.web.staff_form import SentForm, with_staff_form

_INVALID_LINK = (
    "This link is not one of ours, or it has run out. The incident can still be found on the board."
)


async def show_notice(request: Request, sent_token: str = "", fault: str = "") -> Response:
    """Show only the notice that contained a signed link, and a button to acknowledge its incident.

    The reader is not signed in. `fault` is why the button, which sent `sent_token`, did not
    acknowledge the incident.
    """
    token = sent_token or request.query_params.get("token", "")
    link = _read_link(request, token)
    name, desk = link.incident, _desk_of_reader(request, link)
    # The link came with a notice of this incident, so its reader may see the incident before the
    # slot too.
    queries = queries_of(request).for_viewer(sees_all=True)
    found = await queries.find_incident(name)
    # An incident can have several releases (`linked`). Its stored notice names all of them, but
    # each channel was sent one that names only the releases it may get. So this reader must not see
    # the stored one.
    notice = None
    if link.notice_beginning and not found.linked:
        notices = await queries.ask(lambda: queries.store.outbox.notices(name))
        notice = next((one for one in notices if one.id.startswith(link.notice_beginning)), None)
    return render(
        request,
        "acknowledge.html",
        incident=incident_json(found),
        notice=notice,
        token=token,
        role=desk.actor.role if desk is not None else "",
        cause=found.words.get("cause", ""),
        drafted=found.has_draft,
        fault=fault,
    )


async def open_link(request: Request) -> Response:
    """Acknowledge the incident for a person who is signed in, then show its notice.

    For others, or if it is acknowledged or closed, only show the notice.
    """
    link, desk = _read_link(request, request.query_params.get("token", "")), desk_of(request)
    # A browser may load a page before the person opens it.
    is_opened = request.method == "GET" and "Sec-Purpose" not in request.headers
    if is_opened and session_of(request) is not None and desk is not None:
        queries = queries_of(request).for_viewer(sees_all=True)
        found = await queries.find_incident(link.incident)
        if found.is_waiting:
            await desk.acknowledge(link.incident)
    return await show_notice(request)


async def acknowledge_by_link(request: Request) -> Response:
    """Acknowledge the incident of a signed link, or record its cause, and show the notice again."""
    form = await read_form(request)
    token = form.get("token", "")
    link = _read_link(request, token)
    if (desk := _desk_of_reader(request, link)) is None:
        raise UnknownName("There is no incident to acknowledge here.")
    try:
        if "cause" in form:
            await desk.record_cause(link.incident, form["cause"])
        else:
            await desk.acknowledge(link.incident)
    except InvalidInput as fault:
        return await show_notice(request, token, str(fault))
    return RedirectResponse(f"/acknowledge?token={quote(token)}", 303)


async def show_all(request: Request) -> Response:
    """Show the incidents that no one has acknowledged, and one button for all of them."""
    if not may_act(request):
        raise NotAllowed("Incidents are acknowledged by people who have signed in and may act.")
    queries = queries_of(request)
    waiting = [incident_json(one) for one in await _list_waiting(queries)]
    return render(request, "acknowledge_all.html", waiting=waiting)


@with_staff_form
async def acknowledge_all(request: Request, sent: SentForm) -> Response:
    """Acknowledge the incidents that the form lists, and show the board.

    Those that someone else has acknowledged by now are left alone.
    """
    listed = sent.text("incidents").splitlines()
    for one in await _list_waiting(queries_of(request)):
        if one.id in listed:
            await sent.desk.acknowledge(one.id)
    return RedirectResponse("/", 303)


async def _list_waiting(queries: Queries) -> list[Incident]:
    return [one for one in await queries.list_needing_action() if one.is_waiting]


def _desk_of_reader(request: Request, link: SignedLink) -> Desk | None:
    """Return the desk for the person who is signed in, or else for the channel to which the link
    was sent; None on a board that cannot be changed.
    """
    if session_of(request) is not None and (own := desk_of(request)) is not None:
        return own
    desk = queries_of(request).desk
    if desk is None:
        return None
    role = desk.current.record.rules.role_of_channel(link.channel)
    return desk.acting_as(Actor(f"link:{link.channel}", role))


def _read_link(request: Request, token: str) -> SignedLink:
    """Return what a link is for.

    Raises `NotAllowed` for an invalid link, and `Busy` after too many wrong guesses.
    """
    queries, client = queries_of(request), client_of(request)
    # A valid link works even while the client must wait for wrong guesses, because a link is too
    # long to be guessed.
    if (opened := queries.keys.read_link(token, queries.now())) is not None:
        return opened
    if wait := queries.throttle.wait(Guess.LINK, client):
        raise Busy(wait)
    queries.throttle.count_failure(Guess.LINK, client)
    raise NotAllowed(_INVALID_LINK)


ROUTES = [
    Route("/acknowledge", open_link),
    PostRoute("/acknowledge", acknowledge_by_link),
    Route("/acknowledge-all", show_all),
    PostRoute("/acknowledge-all", acknowledge_all),
]
