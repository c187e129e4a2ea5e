"""The page that mutes messages about a release, a producer, a host or an incident, now or for planned work ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from alerts.silence import FARTHEST_AHEAD, Scope
from monitor.errors import UserFault
from monitor.web.fragments import named
from monitor.web.incident_form import Sent, by_box, for_staff
from monitor.web.pages import fault_page, render, silences_of, slot_start
from monitor.web.queries import Queries
from monitor.web.request import queries_of, session_of, takes
from schedules.times.zone import instant, local

Choice = tuple[Scope, str, str]
"""What can be muted: its scope, its id and what it is called."""
_BOXES = {name: name for name in ("of", "reason", "from", "until")}
_DEFAULT_LENGTH, _KNOWN_FROM = timedelta(hours=4), timedelta(days=30)


async def show(request: Request) -> Response:
    """Show the form, filled in for a `release` or an `incident` if one is named, and what is muted now or will be."""
    takes(request, ("release", "incident"))
    session = session_of(request)
    if session is None or session.person.is_viewer or queries_of(request).desk is None:
        return fault_page(request, 403, "Messages are muted by people who have signed in and may act.")
    return await _show_form(request, dict(request.query_params))


@for_staff
async def mute(request: Request, sent: Sent) -> Response:
    """Mute messages as the form says, and show the page with it."""
    zone, now = queries_of(request).timezone, sent.desk.clock.now()
    try:
        begins, until = (_read_instant(sent.text(box), box, zone) for box in ("from", "until"))
        until = until or (begins or now) + _DEFAULT_LENGTH
        await sent.desk.silence(_read_subject(sent.text("of")), until, sent.role, sent.text("reason"), begins)
    except InvalidInput as fault:
        return await _show_form(request, sent.fields, by_box(fault, _BOXES, "role"))
    return RedirectResponse("/silences", 303)


@for_staff
async def end(_request: Request, sent: Sent) -> Response:
    """End a silence now, or before it begins, and show the page without it."""
    try:
        await sent.desk.end_silence(sent.text("silence"), sent.role)
    except InvalidInput as fault:
        raise UserFault(str(fault)) from fault
    return RedirectResponse("/silences", 303)


def _read_subject(text: str) -> tuple[Scope, str]:
    """Return the scope and the name that a choice of the form stands for. Raises `InvalidInput`."""
    scope, _, name = text.partition(" ")
    if scope not in list(Scope) or not name:
        raise InvalidInput(["of: say what to mute"])
    return Scope(scope), name


def _read_instant(text: str, box: str, zone: str) -> datetime | None:
    """Return the instant of a local date-time, or None if the box is empty. Raises `InvalidInput`."""
    try:
        return instant(datetime.fromisoformat(text).replace(tzinfo=None), zone) if text else None
    except ValueError as exc:
        raise InvalidInput([f"{box}: must be a date and time, such as 2026-11-26T09:30"]) from exc


async def _show_form(request: Request, typed: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    queries, now = queries_of(request), queries_of(request).clock.now()
    chosen, begins = await _find_subjects(queries, typed, now)
    sent = {"of": " ".join(chosen[0][:2]) if chosen else "", "from": _fill_date_time(begins, queries.timezone), **typed}
    return render(
        request,
        "mute.html",
        400 if faults else 200,
        typed={"until": _fill_date_time((begins or now) + _DEFAULT_LENGTH, queries.timezone)} | sent,
        faults=faults or {},
        chosen=chosen,
        offered=await queries.ask(lambda: list(_list_producers_and_hosts(queries, now))),
        silences=await silences_of(queries, coming=True),
    )


async def _find_subjects(
    queries: Queries, typed: Mapping[str, str], now: datetime
) -> tuple[list[Choice], datetime | None]:
    """Return what can be muted of the incident or release that led here, and its slot if that is ahead."""
    if typed.get("incident"):
        incident = await queries.incident(typed["incident"])
        of_it = [(Scope.INCIDENT, incident.id, incident.title), (Scope.RELEASE, incident.release, incident.title)]
        return [one for one in of_it if one[1]], None
    if not typed.get("release"):
        return [], None
    body = await queries.release(typed["release"])
    begins = slot_start(body) if body["slot"] and body["slot"]["precision"] == "instant" else now
    is_ahead = now < begins <= now + FARTHEST_AHEAD
    return [(Scope.RELEASE, body["id"], body["title"])], begins if is_ahead else None


def _list_producers_and_hosts(queries: Queries, now: datetime) -> Iterator[Choice]:
    """Yield the producers and hosts of releases that are due or lately were, and the producers that have a name."""
    near = queries.store.ledger.releases(now - _KNOWN_FROM, now + FARTHEST_AHEAD)
    producers = {*queries.producers, *(name for one in near for name in one.producers)}
    yield from ((Scope.PRODUCER, name, called) for name, called in named(producers, queries.producers))
    yield from ((Scope.HOST, host, host) for host in sorted({urlsplit(one.url).hostname or "" for one in near} - {""}))


def _fill_date_time(moment: datetime | None, zone: str) -> str:
    """Return an instant as a date-time field of a form takes it, or an empty text for None."""
    return "" if moment is None else f"{local(moment, zone):%Y-%m-%dT%H:%M}"


ROUTES = [
    Route("/silences", show, methods=["GET"]),
    Route("/silences", mute, methods=["POST"]),
    Route("/silences/end", end, methods=["POST"]),
]
