"""The JSON API, version 1: its read operations, and the list of all operations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.draft.write.registry import MEDIA
from monitor.deliver import open_data
from monitor.deliver.incident_json import calendar_read_json, event_json, incident_json
from monitor.deliver.silences import silence_json
from monitor.errors import UnknownName
from monitor.store.rows import CalendarRead
from monitor.web import answers, form_api, inputs
from monitor.web.inputs import DraftChoice, EventFilter, IncidentFilter, Input, ListInput, Logging, ReleaseFilter
from monitor.web.operations import ApiRoute, Operation, Rows, describe_api
from monitor.web.pages import list_silences, render, render_fragment
from monitor.web.request import parse_day, queries_of
from schedules.times.json import instant_json

Json = dict[str, Any]
MOST_DAYS = 400
_READS = 50
# A document has its styles inside, so its policy forbids scripts and every other address.
_DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


async def list_releases(request: Request, query: ReleaseFilter) -> Json:
    """List releases by the local day of their slot.

    Without a limit, a page contains all releases of up to 400 days.
    """
    queries = queries_of(request)
    first = query.first or queries.today()
    last = query.to or first
    position_day, last_key = _read_position(query.after, first)
    # The day of a position can be the one before `first`.
    begins = max(first, position_day)
    ends = min(last, begins + timedelta(days=MOST_DAYS))
    rows = await queries.list_releases(begins, ends, query.producer) if position_day <= last else []
    # The keys sort by slot. The id is part of the key, because several releases can share a slot.
    by_key = {f"{(row['slot'] or {}).get('start') or ''}/{row['id']}": row for row in rows}
    remaining = sorted(key for key in by_key if key > last_key)
    page = remaining[: query.limit]
    # The next page begins after the last release of this one, or else on the day after the days that were queried.
    next_day = (ends + timedelta(days=1)).isoformat() if ends < last else None
    next_page = page[-1] if len(page) < len(remaining) else next_day
    releases = [by_key[key] for key in page]
    return {"releases": releases, "from": first.isoformat(), "to": last.isoformat(), "next": next_page}


def _read_position(after: str | None, first: date) -> tuple[date, str]:
    """Return the first day to query, and the sort key after which the page begins. Raises `UnknownName`.

    `after` is the `next` of the previous page: the sort key `INSTANT/ID` of its last release, or the day with which
    this page begins. For a day, the key is empty. None means the first page, which begins with the day `first`.
    """
    day = (after or first.isoformat()).partition("T")[0]
    try:
        # Only a key contains an instant, which has a T between its date and its time.
        if after is not None and "T" in after:
            # An instant of this day in UTC can be on the day before in local time.
            return parse_day(day) - timedelta(days=1), after
        return parse_day(day), ""
    except ValueError as exc:
        raise UnknownName(f"no page after {after!r}") from exc


async def get_release(request: Request, _input: Input) -> Json:
    """Return one release."""
    return await queries_of(request).find_release(request.path_params["release"])


async def list_incidents(request: Request, query: IncidentFilter) -> Json:
    """List a page of incidents, newest first, by the local day on which they occurred.

    A page begins after the incident `after`. `next` is the id to pass for the following page, or None after the last.
    """
    queries, days = queries_of(request), (query.first, query.to)
    previous = await queries.find_incident(query.after) if query.after else None
    # The query leaves out the instant `until`. That of the previous incident is needed, as others may share it.
    until = None if previous is None else previous.occurred + timedelta(microseconds=1)
    found = await (queries.list_needing_action(*days) if query.open else queries.list_incidents(*days, until))
    older = [one for one in found if previous is None or (one.occurred, one.id) < (previous.occurred, previous.id)]
    matching = [one for one in older if query.producer in (None, *one.producers)]
    page = matching[: query.limit]
    # A query returns a limited number of incidents, so more may follow even if this page has all that match. Then the
    # next page begins after the last incident that was read. The list ends when no older incident is read.
    covered = page if len(page) < len(matching) else older
    # Lists leave out the drafts. An empty list of drafts would mean that an incident has none.
    listed = [{name: value for name, value in incident_json(one).items() if name != "drafts"} for one in page]
    return {"incidents": listed, "next": covered[-1].id if covered else None}


async def get_incident(request: Request, _input: Input) -> Json:
    """Return one incident with the versions of its draft."""
    queries, name = queries_of(request), request.path_params["incident"]
    found = await queries.find_incident(name)
    related = [one.id for one in await queries.list_related(found)]
    return incident_json(found, await queries.list_drafts(name)) | {"related": related}


async def list_events(request: Request, query: EventFilter) -> Json:
    """List every change of a verdict, oldest first."""
    found = await queries_of(request).list_events(query.after, query.release, query.limit)
    return {"events": [event_json(one) for one in found], "next": found[-1].id if found else None}


async def get_draft(request: Request, query: DraftChoice) -> Response:
    """Return the newest version of a draft as a file."""
    queries, name, ending = queries_of(request), request.path_params["incident"], request.path_params["ending"]
    document = await queries.write_document(await queries.find_incident(name), ending, query.document)
    if document is None:
        raise UnknownName(f"no draft of an incident {name!r}")
    content, media = document
    stem = f"{name}-{query.document}" if query.document else name
    # Browsers show the other formats themselves.
    return file_response(content, media, f"{stem}.{ending}" if ending in {"docx", "odt"} else "")


def file_response(content: bytes, media: str, name: str) -> Response:
    """Return a document as a response. Browsers save it under `name`, or show it if `name` is empty."""
    headers = {"Content-Security-Policy": _DOCUMENT_POLICY}
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, media_type=media, headers=headers)


async def list_calendars(request: Request, _input: ListInput) -> Json:
    """List every calendar with its last usable read, and the last reads of all."""
    queries = queries_of(request)
    reads = await queries.ask(lambda: queries.store.ledger.reads(limit=200))
    names = sorted({*queries.calendars, *(read.calendar for read in reads)})
    rows = await queries.ask(lambda: [_calendar_row(name, queries.store.ledger.reads(name, _READS)) for name in names])
    return {"calendars": rows, "reads": [calendar_read_json(read) for read in reads]}


def _calendar_row(name: str, reads: Sequence[CalendarRead]) -> Json:
    """Return the JSON of a calendar: its last usable read, and its last read. `reads` are newest first."""
    usable = next((read for read in reads if read.usable), None)
    last = next(iter(reads), None)
    return {
        "name": name,
        "last_usable_read": instant_json(usable.finished) if usable is not None else None,
        "entries": usable.entries if usable is not None else None,
        "last_read": instant_json(last.finished) if last is not None else None,
        "fault": "not read yet" if last is None else (last.fault or None),
    }


async def show_silences(request: Request, _input: ListInput) -> Json:
    """List the current silences.

    The list is empty for viewers who do not see everything.
    """
    return {"silences": [silence_json(one) for one, _ in await list_silences(queries_of(request))]}


async def get_description(request: Request, _input: Input) -> Response:
    """Describe this API."""
    return JSONResponse(await _describe_once(request))


async def _describe_once(request: Request) -> Json:
    """Return the OpenAPI description. It takes long to make, so each application makes it only once."""
    state = request.app.state
    if not hasattr(state, "openapi"):
        state.openapi = await asyncio.to_thread(describe_api, request.app.routes)
    return cast("Json", state.openapi)


async def show_reference(request: Request) -> Response:
    """Show the description of the API as a page."""
    api, state, queries = await _describe_once(request), request.app.state, queries_of(request)
    if not hasattr(state, "reference"):
        state.reference = await asyncio.to_thread(render_fragment, queries, "reference.html", api=api)
    return render(request, "api.html", reference=state.reference)


_post = partial(Operation, method="POST")
_FORM = 1 << 20
"""Bytes of a body with the answers of a whole form."""
_RELEASES = Rows("releases", open_data.VERDICT, open_data.verdict_row)
_INCIDENTS = Rows("incidents", open_data.INCIDENT, open_data.incident_row)
_EVENTS = Rows("events", open_data.EVENT, open_data.event_row)
_CALENDARS = Rows("calendars", open_data.CALENDAR)
_SILENCES = Rows("silences", open_data.SILENCE)
ROUTES = [
    ApiRoute(
        "/api/v1/releases",
        Operation("listReleases", "releases", list_releases, answers.Releases, ReleaseFilter, _RELEASES),
    ),
    ApiRoute("/api/v1/releases/{release}", Operation("getRelease", "releases", get_release, answers.Release)),
    ApiRoute(
        "/api/v1/incidents",
        Operation("listIncidents", "incidents", list_incidents, answers.Incidents, IncidentFilter, _INCIDENTS),
        _post("logIncident", "incidents", form_api.log_incident, answers.Incident, Logging, longest=_FORM, status=201),
    ),
    ApiRoute("/api/v1/incidents/{incident}", Operation("getIncident", "incidents", get_incident, answers.Incident)),
    ApiRoute(
        "/api/v1/incidents/{incident}/draft.{ending}",
        Operation("getDraft", "incidents", get_draft, input=DraftChoice, media=tuple(MEDIA.values())),
    ),
    ApiRoute(
        "/api/v1/incidents/{incident}/acknowledge",
        _post("acknowledge", "incidents", form_api.acknowledge, answers.Incident, inputs.Taking),
    ),
    ApiRoute(
        "/api/v1/incidents/{incident}/answers",
        Operation("readForm", "incidents", form_api.get_form, answers.Form),
        _post("answerForm", "incidents", form_api.answer_form, answers.Form, inputs.Answering, longest=_FORM),
    ),
    ApiRoute(
        "/api/v1/incidents/{incident}/notes",
        _post("noteIncident", "incidents", form_api.add_notes, answers.Incident, inputs.Noting, longest=_FORM),
    ),
    ApiRoute(
        "/api/v1/silences",
        Operation("listSilences", "silences", show_silences, answers.Silences, ListInput, _SILENCES),
        _post("holdBack", "silences", form_api.mute_messages, answers.Silence, inputs.Silencing, status=201),
    ),
    ApiRoute("/api/v1/events", Operation("listEvents", "releases", list_events, answers.Events, EventFilter, _EVENTS)),
    ApiRoute(
        "/api/v1/calendars",
        Operation("listCalendars", "calendars", list_calendars, answers.Calendars, ListInput, _CALENDARS),
    ),
    ApiRoute("/api/v1/openapi.json", Operation("describe", "description", get_description)),
    Route("/api", show_reference),
]
