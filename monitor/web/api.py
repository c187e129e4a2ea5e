"""The JSON API, version 1. What it shows of a release is the JSON of the interface."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alerts.draft.write.outline import Document
from alerts.incident import Incident
from monitor.deliver.incident_json import event_json, incident_json
from monitor.errors import UnknownName, UserFault
from monitor.web.openapi import DESCRIPTION
from monitor.web.request import api_route, day_of, queries_of

D = TypeVar("D", date, None)
MOST_DAYS = 400
MOST_EVENTS = 1000
# A draft is one file with its look inside; nothing in it may run or be fetched.
_OF_A_DRAFT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


async def releases(request: Request) -> Response:
    """List releases by the local day of their slot: `from`, `to` (both included) and `producer`."""
    queries = queries_of(request)
    first = _day(request, "from", queries.today())
    last = _day(request, "to", first)
    if last < first or last - first > timedelta(days=MOST_DAYS):
        raise UserFault(f"to: must lie within {MOST_DAYS} days after from")
    rows = await queries.board(first, last, request.query_params.get("producer"))
    return JSONResponse({"releases": rows, "from": first.isoformat(), "to": last.isoformat()})


async def release(request: Request) -> Response:
    """Return one release."""
    name = request.path_params["release"]
    body = await queries_of(request).release(name)
    if body is None:
        raise UnknownName(f"no release {name!r}")
    return JSONResponse(body)


async def incidents(request: Request) -> Response:
    """List incidents, newest first: of the local days `from` to `to` (both included), of a `producer`, those `open`."""
    first, last = (_day(request, key, None) for key in ("from", "to"))
    if first is not None and last is not None and last < first:
        raise UserFault("to: must not lie before from")
    producer, still = (request.query_params.get(name) for name in ("producer", "open"))
    if still not in (None, "true"):
        raise UserFault('open: write "true", or leave it out')
    queries = queries_of(request)
    found = await (queries.needing if still else queries.incidents)(first, last)
    return JSONResponse({"incidents": [_listed(one) for one in found if producer in (None, *one.producers)]})


def _listed(incident: Incident) -> dict[str, Any]:
    # Versions of drafts are told of one incident; an empty list here would say that there are none.
    return {name: value for name, value in incident_json(incident).items() if name != "drafts"}


async def incident(request: Request) -> Response:
    """Return one incident with the versions of its draft."""
    queries, name = queries_of(request), request.path_params["incident"]
    found = await queries.incident(name)
    if found is None:
        raise UnknownName(f"no incident {name!r}")
    related = [one.id for one in await queries.related(found)]
    return JSONResponse(incident_json(found, await queries.drafts(name)) | {"related": related})


async def events(request: Request) -> Response:
    """List changes of verdicts, oldest first: those `after` the event of that id, of one `release` or of all."""
    query = request.query_params
    found = await queries_of(request).events(query.get("after"), query.get("release"), _limit(request))
    return JSONResponse({"events": [event_json(one) for one in found], "next": found[-1].id if found else None})


async def draft(request: Request) -> Response:
    """Return the newest version of a draft, or the `document` of it that is asked for, as a file."""
    queries, name, ending = queries_of(request), request.path_params["incident"], request.path_params["ending"]
    found = await queries.incident(name)
    which = request.query_params.get("document")
    if which not in (None, *Document):
        raise UserFault(f"document: not one of {', '.join(Document)} (got {which!r})")
    document = await queries.document(found, ending, Document(which) if which else None) if found is not None else None
    if document is None:
        raise UnknownName(f"no draft of an incident {name!r}")
    content, media = document
    headers = {"Content-Security-Policy": _OF_A_DRAFT}
    if ending in {"docx", "odt"}:
        headers["Content-Disposition"] = f'attachment; filename="{name}{f"-{which}" if which else ""}.{ending}"'
    return Response(content, media_type=media, headers=headers)


async def openapi(_request: Request) -> Response:
    """Describe this API."""
    return JSONResponse(DESCRIPTION)


def _day(request: Request, key: str, default: D) -> date | D:
    text: Any = request.query_params.get(key)
    if text is None:
        return default
    try:
        return day_of(text)
    except ValueError as exc:
        raise UserFault(f'{key}: not a day, write "2026-11-26"') from exc


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(MOST_EVENTS))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_EVENTS and len(text) < 9):
        raise UserFault(f"limit: not a whole number from 1 to {MOST_EVENTS}")
    return int(text)


ROUTES = [
    api_route("/api/v1/releases", releases),
    api_route("/api/v1/releases/{release}", release),
    api_route("/api/v1/incidents", incidents),
    api_route("/api/v1/incidents/{incident}", incident),
    api_route("/api/v1/incidents/{incident}/draft.{ending}", draft),
    api_route("/api/v1/events", events),
    api_route("/api/v1/openapi.json", openapi),
]
