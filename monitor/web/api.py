"""The JSON API, version 1. What it shows of a release is the JSON of the interface."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.draft.write.registry import MEDIA
from alerts.incident import Incident as Known
from monitor.deliver.incident_json import event_json, incident_json
from monitor.deliver.open_data import EVENT, INCIDENT, VERDICT, event_row, incident_row, verdict_row
from monitor.errors import UnknownName
from monitor.web.answers import Events, Incident, Incidents, Release, Releases
from monitor.web.asked import Asked, OfDraft, OfEvents, OfIncidents, OfReleases
from monitor.web.form_api import LOGGING
from monitor.web.openapi import description
from monitor.web.operations import UNKNOWN, ApiRoute, Operation, Rows, listing
from monitor.web.pages import fragment, render
from monitor.web.request import day_of, queries_of

Json = dict[str, Any]
MOST_DAYS = 400
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
    left = sorted((one for one in map(_placed, rows) if one[0] > after), key=lambda one: one[0])
    page = left[: asked.limit]
    following = (ends + timedelta(days=1)).isoformat() if ends < last else None
    more = page[-1][0] if len(page) < len(left) else following
    return {"releases": [row for _, row in page], "from": first.isoformat(), "to": last.isoformat(), "next": more}


def _placed(row: Json) -> tuple[str, Json]:
    return f"{(row['slot'] or {}).get('start') or ''}/{row['id']}", row


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
    name = request.path_params["release"]
    body = await queries_of(request).release(name)
    if body is None:
        raise UnknownName(f"no release {name!r}")
    return body


async def incidents(request: Request, asked: OfIncidents) -> Json:
    """List incidents, newest first, by the local day on which they occurred."""
    queries, days = queries_of(request), (asked.first, asked.to)
    last = await queries.incident(asked.after) if asked.after else None
    if asked.after and last is None:
        raise UnknownName(f"no incident {asked.after!r}")
    until = None if last is None else last.occurred + timedelta(microseconds=1)
    found = await (queries.needing(*days) if asked.open else queries.incidents(*days, until))
    behind = [one for one in found if last is None or (one.occurred, one.id) < (last.occurred, last.id)]
    mine = [one for one in behind if asked.producer in (None, *one.producers)]
    page = mine[: asked.limit]
    seen = page if len(page) < len(mine) else behind
    return {"incidents": [_listed(one) for one in page], "next": seen[-1].id if seen else None}


def _listed(one: Known) -> Json:
    # Versions of drafts are told of one incident; an empty list here would say that there are none.
    return {name: value for name, value in incident_json(one).items() if name != "drafts"}


async def incident(request: Request, _asked: Asked) -> Json:
    """Return one incident with the versions of its draft."""
    queries, name = queries_of(request), request.path_params["incident"]
    found = await queries.incident(name)
    if found is None:
        raise UnknownName(f"no incident {name!r}")
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
    document = await queries.document(found, ending, which) if found is not None else None
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


_RELEASES, _INCIDENTS = Rows("releases", VERDICT, verdict_row), Rows("incidents", INCIDENT, incident_row)
ROUTES = [
    ApiRoute(
        "/api/v1/releases", listing("listReleases", "releases", releases, Releases, OfReleases, UNKNOWN, rows=_RELEASES)
    ),
    ApiRoute("/api/v1/releases/{release}", Operation("getRelease", "releases", release, Release, faults=UNKNOWN)),
    ApiRoute(
        "/api/v1/incidents",
        listing("listIncidents", "incidents", incidents, Incidents, OfIncidents, UNKNOWN, rows=_INCIDENTS),
        LOGGING,
    ),
    ApiRoute("/api/v1/incidents/{incident}", Operation("getIncident", "incidents", incident, Incident, faults=UNKNOWN)),
    ApiRoute(
        "/api/v1/incidents/{incident}/draft.{ending}",
        Operation("getDraft", "incidents", draft, asked=OfDraft, faults=UNKNOWN, media=tuple(MEDIA.values())),
    ),
    ApiRoute(
        "/api/v1/events",
        listing("listEvents", "releases", events, Events, OfEvents, UNKNOWN, rows=Rows("events", EVENT, event_row)),
    ),
    ApiRoute("/api/v1/openapi.json", Operation("describe", "description", openapi)),
    Route("/api", page),
]
