"""The JSON API, version 1. What it shows of a release is the JSON of the interface."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.draft.write.registry import MEDIA
from monitor.deliver import open_data
from monitor.deliver.incident_json import calendar_read_json, event_json, incident_json
from monitor.deliver.silences import silence_json
from monitor.errors import UnknownName
from monitor.store.rows import CalendarRead
from monitor.web import answers, asked, form_api
from monitor.web.asked import Asked, Listed, OfDraft, OfEvents, OfIncidents, OfReleases
from monitor.web.operations import ApiRoute, Operation, Rows, description
from monitor.web.pages import fragment, render, silences_of
from monitor.web.request import day_of, queries_of
from schedules.times.json import instant_json

Json = dict[str, Any]
MOST_DAYS = 400
_READS = 50
# A draft is one file with its look inside; nothing in it may run or be fetched.
_OF_A_DRAFT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


async def releases(request: Request, asked: OfReleases) -> Json:
    """List releases by the local day of their slot.

    Without a limit a page holds all releases of up to 400 days.
    """
    queries = queries_of(request)
    first = asked.first or queries.today()
    last = asked.to or first
    begins, after = _place(asked.after, first)
    ends = min(last, max(first, begins) + timedelta(days=MOST_DAYS))
    rows = await queries.board(max(first, begins), ends, asked.producer) if begins <= last else []
    placed = ((f"{(row['slot'] or {}).get('start') or ''}/{row['id']}", row) for row in rows)
    left = sorted((one for one in placed if one[0] > after), key=lambda one: one[0])
    page = left[: asked.limit]
    following = (ends + timedelta(days=1)).isoformat() if ends < last else None
    more = page[-1][0] if len(page) < len(left) else following
    return {"releases": [row for _, row in page], "from": first.isoformat(), "to": last.isoformat(), "next": more}


def _place(after: str | None, first: date) -> tuple[date, str]:
    """Return the day at which a page begins, and the place after which it does. Raises `UnknownName`."""
    day, is_place, _ = (after or first.isoformat()).partition("T")
    try:
        # An instant of this day in UTC may be one of the day before, or after, where we are.
        return day_of(day) - timedelta(days=1 if is_place else 0), after if after and is_place else ""
    except ValueError as exc:
        raise UnknownName(f"no page after {after!r}") from exc


async def release(request: Request, _asked: Asked) -> Json:
    """Return one release."""
    return await queries_of(request).release(request.path_params["release"])


async def incidents(request: Request, asked: OfIncidents) -> Json:
    """List incidents, newest first, by the local day on which they occurred."""
    queries, days = queries_of(request), (asked.first, asked.to)
    last = await queries.incident(asked.after) if asked.after else None
    until = None if last is None else last.occurred + timedelta(microseconds=1)
    found = await (queries.needing(*days) if asked.open else queries.incidents(*days, until))
    behind = [one for one in found if last is None or (one.occurred, one.id) < (last.occurred, last.id)]
    mine = [one for one in behind if asked.producer in (None, *one.producers)]
    page = mine[: asked.limit]
    seen = page if len(page) < len(mine) else behind
    # Only one incident has its drafts. An empty list here would mean that it has none.
    listed = [{name: told for name, told in incident_json(one).items() if name != "drafts"} for one in page]
    return {"incidents": listed, "next": seen[-1].id if seen else None}


async def incident(request: Request, _asked: Asked) -> Json:
    """Return one incident with the versions of its draft."""
    queries, name = queries_of(request), request.path_params["incident"]
    found = await queries.incident(name)
    related = [one.id for one in await queries.related(found)]
    return incident_json(found, await queries.drafts(name)) | {"related": related}


async def events(request: Request, asked: OfEvents) -> Json:
    """List every change of a verdict, oldest first."""
    found = await queries_of(request).events(asked.after, asked.release, asked.limit)
    return {"events": [event_json(one) for one in found], "next": found[-1].id if found else None}


async def draft(request: Request, asked: OfDraft) -> Response:
    """Return the newest version of a draft as a file."""
    queries, name, ending = queries_of(request), request.path_params["incident"], request.path_params["ending"]
    found, which = await queries.incident(name), asked.document
    document = await queries.document(found, ending, which)
    if document is None:
        raise UnknownName(f"no draft of an incident {name!r}")
    is_saved = ending in {"docx", "odt"}
    return file_of(*document, f"{name}{f'-{which}' if which else ''}.{ending}" if is_saved else "")


def file_of(content: bytes, media: str, name: str) -> Response:
    """Return a document, to be saved under a name if there is one; no part of it may run or be fetched."""
    headers = {"Content-Security-Policy": _OF_A_DRAFT}
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, media_type=media, headers=headers)


async def calendars(request: Request, _asked: Listed) -> Json:
    """List every calendar with its last usable read, and the last reads of all."""
    queries = queries_of(request)
    reads = await queries.reads()
    names = sorted({*queries.calendars, *(read.calendar for read in reads)})
    rows = await queries.ask(lambda: [_standing(name, queries.store.ledger.reads(name, _READS)) for name in names])
    return {"calendars": rows, "reads": [calendar_read_json(read) for read in reads]}


def _standing(name: str, reads: Sequence[CalendarRead]) -> Json:
    """Return how the reading of one calendar goes; `reads` are newest first."""
    usable = next((read for read in reads if read.usable), None)
    last = next(iter(reads), None)
    return {
        "name": name,
        "last_usable_read": instant_json(usable.finished) if usable is not None else None,
        "entries": usable.entries if usable is not None else None,
        "last_read": instant_json(last.finished) if last is not None else None,
        "fault": last.fault or None if last is not None else "not read yet",
    }


async def silences(request: Request, _asked: Listed) -> Json:
    """List the silences that hold messages back now.

    Those who may not know everything are told of none.
    """
    return {"silences": [silence_json(one) for one, _ in await silences_of(queries_of(request))]}


async def openapi(request: Request, _asked: Asked) -> Response:
    """Describe this API."""
    return JSONResponse(await _described(request))


async def _described(request: Request) -> Json:
    state = request.app.state
    if not hasattr(state, "openapi"):
        # Long to make, and the same for as long as the application is.
        state.openapi = await asyncio.to_thread(description, request.app.routes)
    told: Json = state.openapi
    return told


async def page(request: Request) -> Response:
    """Show the same description to people."""
    told, state, queries = await _described(request), request.app.state, queries_of(request)
    if not hasattr(state, "reference"):
        state.reference = await asyncio.to_thread(fragment, queries, "reference.html", told=told)
    return render(request, "api.html", reference=state.reference)


_writes = partial(Operation, method="POST")
_FORM = 1 << 20
"""Bytes of a body with the answers of a whole form."""
_RELEASES = Rows("releases", open_data.VERDICT, open_data.verdict_row)
_INCIDENTS = Rows("incidents", open_data.INCIDENT, open_data.incident_row)
_EVENTS = Rows("events", open_data.EVENT, open_data.event_row)
_CALENDARS = Rows("calendars", open_data.CALENDAR)
ROUTES = [
    ApiRoute(
        "/api/v1/releases",
        Operation("listReleases", "releases", releases, answers.Releases, OfReleases, _RELEASES),
    ),
    ApiRoute("/api/v1/releases/{release}", Operation("getRelease", "releases", release, answers.Release)),
    ApiRoute(
        "/api/v1/incidents",
        Operation("listIncidents", "incidents", incidents, answers.Incidents, OfIncidents, _INCIDENTS),
        _writes("logIncident", "incidents", form_api.log, answers.Incident, asked.Logging, longest=_FORM, status=201),
    ),
    ApiRoute("/api/v1/incidents/{incident}", Operation("getIncident", "incidents", incident, answers.Incident)),
    ApiRoute(
        "/api/v1/incidents/{incident}/draft.{ending}",
        Operation("getDraft", "incidents", draft, asked=OfDraft, media=tuple(MEDIA.values())),
    ),
    ApiRoute(
        "/api/v1/incidents/{incident}/acknowledge",
        _writes("acknowledge", "incidents", form_api.take, answers.Incident, asked.Taking),
    ),
    ApiRoute(
        "/api/v1/incidents/{incident}/answers",
        Operation("readForm", "incidents", form_api.read, answers.Form),
        _writes("answerForm", "incidents", form_api.answer, answers.Form, asked.Answering, longest=_FORM),
    ),
    ApiRoute(
        "/api/v1/incidents/{incident}/notes",
        _writes("noteIncident", "incidents", form_api.note, answers.Incident, asked.Noting, longest=_FORM),
    ),
    ApiRoute(
        "/api/v1/silences",
        Operation("listSilences", "silences", silences, answers.Silences, Listed, Rows("silences", open_data.SILENCE)),
        _writes("holdBack", "silences", form_api.hold_back, answers.Silence, asked.Silencing, status=201),
    ),
    ApiRoute("/api/v1/events", Operation("listEvents", "releases", events, answers.Events, OfEvents, _EVENTS)),
    ApiRoute(
        "/api/v1/calendars",
        Operation("listCalendars", "calendars", calendars, answers.Calendars, Listed, _CALENDARS),
    ),
    ApiRoute("/api/v1/openapi.json", Operation("describe", "description", openapi)),
    Route("/api", page),
]
