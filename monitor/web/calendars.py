"""Calendars: how the monitor's reading of each one goes, and the joined one to subscribe to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
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
from monitor.web.queries import Queries
from monitor.web.request import queries_of, takes
from schedules.export import FORMATS
from schedules.times.json import instant_json

_BEHIND, _AHEAD = timedelta(days=60), timedelta(days=500)
_LASTS, _MOST_KEPT = timedelta(minutes=1), 50
_READS = 50
Asked = tuple[str, str | None, bool]
"""What a calendar is written for: its format, a producer, and whether for somebody who sees all addresses."""


async def calendars(request: Request, _asked: Listed) -> dict[str, Any]:
    """List every calendar with its last usable read, and the last reads of all."""
    queries = queries_of(request)
    reads = await queries.reads()
    names = sorted({*queries.calendars, *(read.calendar for read in reads)})
    rows = await queries.ask(lambda: [standing(name, queries.store.ledger.reads(name, _READS)) for name in names])
    return {"calendars": rows, "reads": [read_json(read) for read in reads]}


class Subscribed:
    """Writes the joined calendar anew once a minute at most: thousands of entries take seconds, and anybody may ask."""

    def __init__(self, queries: Queries) -> None:
        """Begin with nothing written."""
        self._queries = queries
        self._written: OrderedDict[Asked, tuple[datetime, bytes]] = OrderedDict()

    async def of(self, asked: Asked) -> bytes:
        """Return the calendar that is asked for, as it was written within the last minute or is now."""
        now = self._queries.clock.now()
        written = self._known(asked, now)
        return await self._queries.ask(lambda: self._made(asked, now), aside=True) if written is None else written

    def _known(self, asked: Asked, now: datetime) -> bytes | None:
        at, written = self._written.get(asked, (None, b""))
        return written if at is not None and timedelta() <= now - at < _LASTS else None

    def _made(self, asked: Asked, now: datetime) -> bytes:
        # One thread writes: whoever asked for the same meanwhile finds it written.
        if (known := self._known(asked, now)) is not None:
            return known
        queries, span, (kind, producer, sees_all) = self._queries, (now - _BEHIND, now + _AHEAD), asked
        written, _ = published(
            queries.store.ledger, kind, span, now, queries.timezone, producer=producer, with_addresses=sees_all
        )
        self._written[asked] = now, written
        self._written.move_to_end(asked)
        if len(self._written) > _MOST_KEPT:
            self._written.popitem(last=False)
        return written


async def subscribe(request: Request) -> Response:
    """Return the joined calendar, of one `producer` if named: two months back, and all that is promised ahead."""
    queries = queries_of(request)
    takes(request, ("producer",))
    kind = request.path_params["kind"]
    if kind not in FORMATS:
        raise UnknownName(f"no calendar.{kind}: there are {', '.join(FORMATS)}")
    kept: Subscribed = request.app.state.calendars
    written = await kept.of((kind, request.query_params.get("producer"), queries.sees_all))
    return Response(written, media_type=FORMATS[kind][1])


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
