"""Badges of punctuality to embed, an Atom feed of verdicts, and the calendar to subscribe to.

Badges and the feed show the same to everyone, also to staff, because they are embedded in public
pages.
"""

from __future__ import annotations

import functools
import uuid
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.one_line import one_line
from monitor.errors import UnknownName
from monitor.judge.as_json import lateness_text, slot_text, status_in_capitals
from monitor.ledger.export import export_calendar
from monitor.store.rows import Event
from monitor.web.history import Group, HistoryCache
from monitor.web.pages import render_fragment
from monitor.web.queries import Queries, is_fresh
from monitor.web.request import check_parameters, queries_of
from schedules.export import FORMATS
from schedules.times.json import instant_json

_FEED_SPAN = timedelta(days=14)
_MOST_READ, _MOST_ENTRIES = 1000, 100
_LONGEST_BADGE_NAME = 60
_LETTER_WIDTH, _BADGE_PADDING = 7, 12
"""Pixels of a badge for each letter, and beside the letters of each box."""
_CALENDAR_BEFORE, _CALENDAR_AFTER = timedelta(days=60), timedelta(days=500)
_CALENDAR_KEPT_FOR, _MOST_CALENDARS = timedelta(minutes=1), 50
CalendarKey = tuple[str, str | None, bool]
"""Format, producer (None for all), and whether the addresses of all releases are included."""


async def serve_badge(request: Request) -> Response:
    """Return an SVG with the share of a producer's releases that were on time in the last twelve
    months.
    """
    queries, producer = queries_of(request), request.path_params["producer"]
    cache: HistoryCache = request.app.state.history
    points = [one for one in await cache.points(queries) if one.producer == producer]
    if not points and producer not in queries.producers:
        raise UnknownName(f"no producer {producer!r}")
    name = one_line(queries.producers.get(producer, producer), _LONGEST_BADGE_NAME)
    texts = [f"{name}: on time in 12 months", Group(producer, points).share]
    boxes = [(text, _LETTER_WIDTH * len(text) + _BADGE_PADDING) for text in texts]
    return Response(render_fragment(queries, "badge.xml", boxes=boxes), media_type="image/svg+xml")


async def serve_atom(request: Request) -> Response:
    """Return an Atom feed of the newest verdict changes in the last fortnight, of releases whose
    slot has passed.
    """
    queries, now = queries_of(request), queries_of(request).now()
    events = await queries.ask(lambda: _read_recent_events(queries, now))
    base = str(request.base_url)
    if queries.sessions is not None:
        base = queries.sessions.public_url or base
    base = base.rstrip("/")
    text = render_fragment(
        queries,
        "atom.xml",
        base=base,
        feed_id=uuid.uuid5(uuid.NAMESPACE_URL, f"{base}/atom.xml").urn,
        updated=instant_json(events[0].at if events else now),
        entries=[_make_entry(one) for one in events],
    )
    return Response(text, media_type="application/atom+xml")


def _read_recent_events(queries: Queries, now: datetime) -> list[Event]:
    """Return the last `_MOST_ENTRIES` verdict changes in `_FEED_SPAN`, newest first, of releases
    with past slots.
    """
    is_slot_past = functools.cache(queries.is_slot_past)
    after, found = (now - _FEED_SPAN, ""), list[Event]()
    # the store returns the oldest first
    while read := queries.store.verdicts.events(after, None, _MOST_READ):
        found = [*found, *(one for one in read if is_slot_past(one.release, now))][-_MOST_ENTRIES:]
        after = read[-1].at, read[-1].id
    return found[::-1]


def _make_entry(event: Event) -> dict[str, Any]:
    """Return the values of a feed entry about one change of a verdict, each text on one line."""
    body = event.body
    status = status_in_capitals(body)
    if event.after in {"late", "overdue"} and (late := lateness_text(body)):
        status += f" by {late}"
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"ninethirty event {event.id}").urn,
        "updated": instant_json(event.at),
        "title": one_line(f"{status}: {body['title']}"),
        "summary": one_line(
            f"Promised for {slot_text(body['slot'])}. Before: {event.before or 'nothing'}."
        ),
        "producer": body["producer"],
        "release": event.release,
    }


class CalendarCache:
    """Caches each calendar file for a minute, because a large one takes seconds and anyone can
    request it.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        # When each file was written, and its content, in that order.
        self._files: OrderedDict[CalendarKey, tuple[datetime, bytes]] = OrderedDict()

    async def read(self, key: CalendarKey) -> bytes:
        """Return a calendar as a file, written within the last minute."""
        now = self._queries.now()
        # Slow queries share one thread. While this one waits, another may write the same calendar.
        return self._find_fresh(key, now) or await self._queries.ask(
            lambda: self._find_fresh(key, now) or self._export_and_cache(key, now), is_slow=True
        )

    def _find_fresh(self, key: CalendarKey, now: datetime) -> bytes:
        written_at, file = self._files.get(key, (None, b""))
        if is_fresh(written_at, now, _CALENDAR_KEPT_FOR):
            return file
        return b""

    def _export_and_cache(self, key: CalendarKey, now: datetime) -> bytes:
        """Return a calendar as a file, and cache it.

        If the cache is full, the oldest file is dropped.
        """
        queries = self._queries
        kind, producer, sees_all = key
        span = now - _CALENDAR_BEFORE, now + _CALENDAR_AFTER
        file, _ = export_calendar(
            queries.store.ledger,
            kind,
            span,
            now,
            queries.timezone,
            producer=producer,
            with_addresses=sees_all,
        )
        self._files[key] = now, file
        self._files.move_to_end(key)
        if len(self._files) > _MOST_CALENDARS:
            self._files.popitem(last=False)
        return file


async def serve_calendar(request: Request) -> Response:
    """Return the joined calendar of all producers or one as a file, from two months ago to 500 days
    ahead.
    """
    queries = queries_of(request)
    check_parameters(request, ("producer", "key"))
    kind = request.path_params["kind"]
    if kind not in FORMATS:
        raise UnknownName(f"no calendar.{kind}: there are {', '.join(FORMATS)}")
    cache: CalendarCache = request.app.state.calendars
    file = await cache.read((kind, request.query_params.get("producer"), queries.sees_all))
    return Response(file, media_type=FORMATS[kind][1])


ROUTES = [
    Route("/badges/{producer}.svg", serve_badge),
    Route("/atom.xml", serve_atom),
    Route("/calendar.{kind}", serve_calendar),
]
