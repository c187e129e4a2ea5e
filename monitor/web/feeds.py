"""Badges of punctuality to embed, an Atom feed of verdicts, and the calendar to subscribe to.

Badges and the feed show the same to everyone, also to staff, because they are embedded in public pages.
"""

from __future__ import annotations

import functools
import uuid
from collections import OrderedDict
from datetime import datetime, timedelta
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.one_line import one_line
from monitor.errors import UnknownName
from monitor.judge.as_json import lateness_text, slot_text, status_in_capitals
from monitor.ledger.export import export_calendar
from monitor.store.rows import Event
from monitor.store.sql.read import VerdictStore
from monitor.web.embargo import slot_has_passed
from monitor.web.history import Group, HistoryCache
from monitor.web.queries import Queries
from monitor.web.request import check_parameters, queries_of
from schedules.export import FORMATS
from schedules.times.json import instant_json

_LATELY = timedelta(days=14)
_MOST_READ, _MOST_TOLD = 1000, 100
_ATOM, _SVG = "http://www.w3.org/2005/Atom", "http://www.w3.org/2000/svg"
_LETTER, _HEIGHT = 7, 22
_BEHIND, _AHEAD = timedelta(days=60), timedelta(days=500)
_CALENDAR_LASTS, _MOST_CALENDARS = timedelta(minutes=1), 50
CalendarKey = tuple[str, str | None, bool]
"""Format, producer (None for all), and whether the addresses of all releases are included."""
register_namespace("", _ATOM)


async def serve_badge(request: Request) -> Response:
    """Return an SVG with the share of a producer's releases that were on time in the last twelve months."""
    queries, producer = queries_of(request), request.path_params["producer"]
    kept: HistoryCache = request.app.state.history
    mine = [one for one in await kept.points(queries) if one.producer == producer]
    if not mine and producer not in queries.producers:
        raise UnknownName(f"no producer {producer!r}")
    name = one_line(queries.producers.get(producer, producer), 60)
    drawing = _draw_badge(f"{name}: on time in 12 months", Group("", mine, 1).share)
    return Response(drawing, media_type="image/svg+xml")


def _draw_badge(left: str, right: str) -> bytes:
    """Return an SVG of two boxes side by side with these texts."""
    widths = [_LETTER * len(text) + 12 for text in (left, right)]
    size = {"width": str(sum(widths)), "height": str(_HEIGHT)}
    svg = Element("svg", {"xmlns": _SVG, **size, "role": "img", "aria-label": f"{left}: {right}"})
    SubElement(svg, "title").text = f"{left}: {right}"
    for at, text, fill in ((0, left, "#383f43"), (widths[0], right, "#1d70b8")):
        wide = widths[at > 0]
        SubElement(svg, "rect", {"x": str(at), "width": str(wide), "height": str(_HEIGHT), "fill": fill})
        # Fonts differ in width, so the letters are spread over the width of the box.
        place = {"x": str(at + 6), "y": "15", "textLength": str(wide - 12), "lengthAdjust": "spacingAndGlyphs"}
        look = {"fill": "#fff", "font-family": "sans-serif", "font-size": "12"}
        SubElement(svg, "text", place | look).text = text
    drawing: bytes = tostring(svg, encoding="utf-8", xml_declaration=True)
    return drawing


async def serve_atom(request: Request) -> Response:
    """Return the changes of verdicts of the last fortnight, newest first, for releases whose slot has passed."""
    queries = queries_of(request)
    now = queries.clock.now()
    events = await queries.ask(lambda: _read_recent_events(queries.store.verdicts, now))
    base = ((queries.door.public_url if queries.door is not None else "") or str(request.base_url)).rstrip("/")
    feed = Element(f"{{{_ATOM}}}feed")
    _add_text(feed, id=uuid.uuid5(uuid.NAMESPACE_URL, f"{base}/atom.xml").urn, title="ninethirty: promised statistics")
    _add_text(feed, updated=instant_json(events[0].at if events else now))
    SubElement(feed, f"{{{_ATOM}}}link", {"rel": "self", "href": f"{base}/atom.xml"})
    for event in events:
        _add_entry(feed, event, base, queries)
    return Response(tostring(feed, encoding="utf-8", xml_declaration=True), media_type="application/atom+xml")


def _read_recent_events(verdicts: VerdictStore, now: datetime) -> list[Event]:
    @functools.cache
    def is_due(release: str) -> bool:
        row = verdicts.judged_one(release)
        return row is not None and slot_has_passed(row.body, now)

    after, found = (now - _LATELY, ""), list[Event]()
    while read := verdicts.events(after, None, _MOST_READ):
        found = [*found, *(one for one in read if is_due(one.release))][-_MOST_TOLD:]
        after = read[-1].at, read[-1].id
    return found[::-1]


def _add_entry(feed: Element, event: Event, base: str, queries: Queries) -> None:
    body, entry = event.body, SubElement(feed, f"{{{_ATOM}}}entry")
    late = lateness_text(body) if event.after in {"late", "overdue"} else ""
    _add_text(entry, id=uuid.uuid5(uuid.NAMESPACE_URL, f"ninethirty event {event.id}").urn)
    _add_text(entry, updated=instant_json(event.at))
    _add_text(entry, title=one_line(f"{status_in_capitals(body)}{f' by {late}' if late else ''}: {body['title']}"))
    _add_text(entry, summary=one_line(f"Promised for {slot_text(body['slot'])}. Before: {event.before or 'nothing'}."))
    _add_text(SubElement(entry, f"{{{_ATOM}}}author"), name=queries.producers.get(body["producer"], body["producer"]))
    SubElement(entry, f"{{{_ATOM}}}link", {"href": f"{base}/releases/{quote(event.release)}"})


def _add_text(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, f"{{{_ATOM}}}{name}").text = text


class CalendarCache:
    """Keeps each written calendar for a minute, because thousands of entries take seconds and anyone can request it."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._written: OrderedDict[CalendarKey, tuple[datetime, bytes]] = OrderedDict()

    async def read(self, key: CalendarKey) -> bytes:
        """Return a calendar as a file, written within the last minute."""
        now = self._queries.clock.now()
        kept = self._kept(key, now)
        return await self._queries.ask(lambda: self._write(key, now), is_slow=True) if kept is None else kept

    def _kept(self, key: CalendarKey, now: datetime) -> bytes | None:
        at, written = self._written.get(key, (None, b""))
        return written if at is not None and timedelta() <= now - at < _CALENDAR_LASTS else None

    def _write(self, key: CalendarKey, now: datetime) -> bytes:
        # Only one thread writes. While this call waited for it, another request may have written the same calendar.
        if (kept := self._kept(key, now)) is not None:
            return kept
        queries, span, (kind, producer, sees_all) = self._queries, (now - _BEHIND, now + _AHEAD), key
        written, _ = export_calendar(
            queries.store.ledger, kind, span, now, queries.timezone, producer=producer, with_addresses=sees_all
        )
        self._written[key] = now, written
        self._written.move_to_end(key)
        if len(self._written) > _MOST_CALENDARS:
            self._written.popitem(last=False)
        return written


async def serve_calendar(request: Request) -> Response:
    """Return the joined calendar of all producers or one, from two months ago to 500 days ahead."""
    queries = queries_of(request)
    check_parameters(request, ("producer",))
    kind = request.path_params["kind"]
    if kind not in FORMATS:
        raise UnknownName(f"no calendar.{kind}: there are {', '.join(FORMATS)}")
    kept: CalendarCache = request.app.state.calendars
    written = await kept.read((kind, request.query_params.get("producer"), queries.sees_all))
    return Response(written, media_type=FORMATS[kind][1])


ROUTES = [Route("/badges/{producer}.svg", serve_badge), Route("/atom.xml", serve_atom)]
ROUTES += [Route("/calendar.{kind}", serve_calendar)]
