"""What others may embed or subscribe to: badges of punctuality, what became of releases as Atom, and the calendar.

Badges and Atom tell everybody the same, staff too: they are put where anybody reads them.
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
from monitor.web.embargo import has_passed
from monitor.web.history import Group, History
from monitor.web.queries import Queries
from monitor.web.request import queries_of, takes
from schedules.export import FORMATS
from schedules.times.json import instant_json

_LATELY = timedelta(days=14)
_MOST_READ, _MOST_TOLD = 1000, 100
_ATOM, _SVG = "http://www.w3.org/2005/Atom", "http://www.w3.org/2000/svg"
_LETTER, _HEIGHT = 7, 22
_BEHIND, _AHEAD = timedelta(days=60), timedelta(days=500)
_CALENDAR_LASTS, _MOST_CALENDARS = timedelta(minutes=1), 50
Wanted = tuple[str, str | None, bool]
"""What a calendar is written for: its format, a producer, and whether for somebody who sees all addresses."""
register_namespace("", _ATOM)


async def badge(request: Request) -> Response:
    """Draw how many releases that a producer led were on time in the last twelve months."""
    queries, producer = queries_of(request), request.path_params["producer"]
    kept: History = request.app.state.history
    mine = [one for one in await kept.points(queries) if one.producer == producer]
    if not mine and producer not in queries.producers:
        raise UnknownName(f"no producer {producer!r}")
    name = one_line(queries.producers.get(producer, producer), 60)
    drawn = _drawn(f"{name}: on time in 12 months", Group("", mine, 1).share)
    return Response(drawn, media_type="image/svg+xml")


def _drawn(left: str, right: str) -> bytes:
    widths = [_LETTER * len(text) + 12 for text in (left, right)]
    size = {"width": str(sum(widths)), "height": str(_HEIGHT)}
    told = Element("svg", {"xmlns": _SVG, **size, "role": "img", "aria-label": f"{left}: {right}"})
    SubElement(told, "title").text = f"{left}: {right}"
    for at, text, fill in ((0, left, "#383f43"), (widths[0], right, "#1d70b8")):
        wide = widths[at > 0]
        SubElement(told, "rect", {"x": str(at), "width": str(wide), "height": str(_HEIGHT), "fill": fill})
        # Fonts differ: letters are spread over the room that there is.
        place = {"x": str(at + 6), "y": "15", "textLength": str(wide - 12), "lengthAdjust": "spacingAndGlyphs"}
        look = {"fill": "#fff", "font-family": "sans-serif", "font-size": "12"}
        SubElement(told, "text", place | look).text = text
    drawn: bytes = tostring(told, encoding="utf-8", xml_declaration=True)
    return drawn


async def atom(request: Request) -> Response:
    """List what became of releases in the last fortnight, the newest change first, once their slots have passed."""
    queries = queries_of(request)
    now = queries.clock.now()
    events = await queries.ask(lambda: _told(queries.store.verdicts, now))
    base = ((queries.door.public_url if queries.door is not None else "") or str(request.base_url)).rstrip("/")
    feed = Element(f"{{{_ATOM}}}feed")
    _texts(feed, id=uuid.uuid5(uuid.NAMESPACE_URL, f"{base}/atom.xml").urn, title="ninethirty: promised statistics")
    _texts(feed, updated=instant_json(events[0].at if events else now))
    SubElement(feed, f"{{{_ATOM}}}link", {"rel": "self", "href": f"{base}/atom.xml"})
    for event in events:
        _add(feed, event, base, queries)
    return Response(tostring(feed, encoding="utf-8", xml_declaration=True), media_type="application/atom+xml")


def _told(verdicts: VerdictStore, now: datetime) -> list[Event]:
    @functools.cache
    def is_due(release: str) -> bool:
        row = verdicts.judged_one(release)
        return row is not None and has_passed(row.body, now)

    after, found = (now - _LATELY, ""), list[Event]()
    while read := verdicts.events(after, None, _MOST_READ):
        found = [*found, *(one for one in read if is_due(one.release))][-_MOST_TOLD:]
        after = read[-1].at, read[-1].id
    return found[::-1]


def _add(feed: Element, event: Event, base: str, queries: Queries) -> None:
    body, entry = event.body, SubElement(feed, f"{{{_ATOM}}}entry")
    late = lateness_text(body) if event.after in {"late", "overdue"} else ""
    _texts(entry, id=uuid.uuid5(uuid.NAMESPACE_URL, f"ninethirty event {event.id}").urn, updated=instant_json(event.at))
    _texts(entry, title=one_line(f"{status_in_capitals(body)}{f' by {late}' if late else ''}: {body['title']}"))
    _texts(entry, summary=one_line(f"Promised for {slot_text(body['slot'])}. Before: {event.before or 'nothing'}."))
    _texts(SubElement(entry, f"{{{_ATOM}}}author"), name=queries.producers.get(body["producer"], body["producer"]))
    SubElement(entry, f"{{{_ATOM}}}link", {"href": f"{base}/releases/{quote(event.release)}"})


def _texts(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, f"{{{_ATOM}}}{name}").text = text


class Subscribed:
    """Writes the joined calendar anew once a minute at most: thousands of entries take seconds, and anybody may ask."""

    def __init__(self, queries: Queries) -> None:
        """Begin with nothing written."""
        self._queries = queries
        self._written: OrderedDict[Wanted, tuple[datetime, bytes]] = OrderedDict()

    async def of(self, wanted: Wanted) -> bytes:
        """Return the calendar that is wanted, as it was written within the last minute or is now."""
        now = self._queries.clock.now()
        written = self._known(wanted, now)
        return await self._queries.ask(lambda: self._made(wanted, now), aside=True) if written is None else written

    def _known(self, wanted: Wanted, now: datetime) -> bytes | None:
        at, written = self._written.get(wanted, (None, b""))
        return written if at is not None and timedelta() <= now - at < _CALENDAR_LASTS else None

    def _made(self, wanted: Wanted, now: datetime) -> bytes:
        # Only one thread writes. Another request may have written the same meanwhile.
        if (known := self._known(wanted, now)) is not None:
            return known
        queries, span, (kind, producer, sees_all) = self._queries, (now - _BEHIND, now + _AHEAD), wanted
        written, _ = export_calendar(
            queries.store.ledger, kind, span, now, queries.timezone, producer=producer, with_addresses=sees_all
        )
        self._written[wanted] = now, written
        self._written.move_to_end(wanted)
        if len(self._written) > _MOST_CALENDARS:
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


ROUTES = [Route("/badges/{producer}.svg", badge), Route("/atom.xml", atom), Route("/calendar.{kind}", subscribe)]
