"""Calendars: how the monitor's reading of each one goes, and the joined one to subscribe to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.deliver.incident_json import read_json
from monitor.deliver.open_data import CALENDAR
from monitor.errors import UnknownName
from monitor.ledger.export import published
from monitor.store.rows import CalendarRead
from monitor.web.answers import Calendars
from monitor.web.asked import Listed
from monitor.web.operations import ApiRoute, Rows, listing
from monitor.web.request import queries_of, takes
from schedules.export import FORMATS
from schedules.times.json import instant_json

_BEHIND, _AHEAD = timedelta(days=60), timedelta(days=500)
_READS = 50


async def calendars(request: Request, _asked: Listed) -> dict[str, Any]:
    """List every calendar with its last usable read, and the last reads of all."""
    queries = queries_of(request)
    reads = await queries.reads()
    names = sorted({*queries.calendars, *(read.calendar for read in reads)})
    rows = await queries.ask(lambda: [standing(name, queries.store.ledger.reads(name, _READS)) for name in names])
    return {"calendars": rows, "reads": [read_json(read) for read in reads]}


async def subscribe(request: Request) -> Response:
    """Return the joined calendar, of one `producer` if named: two months back, and all that is promised ahead."""
    queries = queries_of(request)
    takes(request, ("producer",))
    kind = request.path_params["kind"]
    if kind not in FORMATS:
        raise UnknownName(f"no calendar.{kind}: there are {', '.join(FORMATS)}")
    now, producer = queries.clock.now(), request.query_params.get("producer")
    span = now - _BEHIND, now + _AHEAD
    content, media = await queries.ask(
        lambda: published(
            queries.store.ledger, kind, span, now, queries.timezone, producer=producer, with_addresses=queries.sees_all
        )
    )
    return Response(content, media_type=media)


def standing(name: str, reads: Sequence[CalendarRead]) -> dict[str, Any]:
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


_LIST = listing("listCalendars", "calendars", calendars, Calendars, rows=Rows("calendars", CALENDAR))
ROUTES = [
    ApiRoute("/api/v1/calendars", _LIST),
    Route("/calendar.{kind}", subscribe),
]
