"""The JSON API, version 1: its read operations, and the list of all operations."""

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
from monitor.web import answers, form_api, inputs
from monitor.web.inputs import DraftChoice, EventFilter, IncidentFilter, Input, ListInput, ReleaseFilter
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
    begins, after = _read_position(query.after, first)
    ends = min(last, max(first, begins) + timedelta(days=MOST_DAYS))
    rows = await queries.list_releases(max(first, begins), ends, query.producer) if begins <= last else []
    keyed = ((f"{(row['slot'] or {}).get('start') or ''}/{row['id']}", row) for row in rows)
    remaining = sorted((one for one in keyed if one[0] > after), key=lambda one: one[0])
    page = remaining[: query.limit]
    next_day = (ends + timedelta(days=1)).isoformat() if ends < last else None
    following = page[-1][0] if len(page) < len(remaining) else next_day
    releases = [row for _, row in page]
    return {"releases": releases, "from": first.isoformat(), "to": last.isoformat(), "next": following}


def _read_position(after: str | None, first: date) -> tuple[date, str]:
    """Return the first day to query, and the sort key after which the page begins. Raises `UnknownName`.

    `after` is the `next` of the page before: a day, or the sort key of its last release. None means `first`.
    """
    day, time_mark, _ = (after or first.isoformat()).partition("T")
    try:
        if after and time_mark:
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
    last = await queries.find_incident(query.after) if query.after else None
    # Query with the last one's own instant, because several incidents may share it.
    until = None if last is None else last.occurred + timedelta(microseconds=1)
    found = await (queries.list_needing_action(*days) if query.open else queries.list_incidents(*days, until))
    older = [one for one in found if last is None or (one.occurred, one.id) < (last.occurred, last.id)]
    matching = [one for one in older if query.producer in (None, *one.producers)]
    page = matching[: query.limit]
    # If the page has all matching ones, go on after the last one found, even if that is another producer's: the query
    # returns a limited number of incidents, so there may be more.
    passed = page if len(page) < len(matching) else older
    # Lists leave out the drafts. An empty list of drafts would mean that an incident has none.
    listed = [{name: value for name, value in incident_json(one).items() if name != "drafts"} for one in page]
    return {"incidents": listed, "next": passed[-1].id if passed else None}


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
    found, which = await queries.find_incident(name), query.document
    document = await queries.write_document(found, ending, which)
    if document is None:
        raise UnknownName(f"no draft of an incident {name!r}")
    is_saved = ending in {"docx", "odt"}
    return file_response(*document, f"{name}{f'-{which}' if which else ''}.{ending}" if is_saved else "")


def file_response(content: bytes, media: str, name: str) -> Response:
    """Return a document as a response. If it has a `name`, browsers save it under that name."""
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
    """Return the last usable read and the last read of one calendar; `reads` are newest first."""
    usable = next((read for read in reads if read.usable), None)
    last = next(iter(reads), None)
    return {
        "name": name,
        "last_usable_read": instant_json(usable.finished) if usable is not None else None,
        "entries": usable.entries if usable is not None else None,
        "last_read": instant_json(last.finished) if last is not None else None,
        "fault": last.fault or None if last is not None else "not read yet",
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
    made: Json = state.openapi
    return made


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
        _post(
            "logIncident",
            "incidents",
            form_api.log_incident,
            answers.Incident,
            inputs.Logging,
            longest=_FORM,
            status=201,
        ),
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
