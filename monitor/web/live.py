"""What changes on today's board, told to the browsers that listen: worked out once for staff and once for everybody.

Nothing runs while nobody listens. What everybody is told is made from what everybody may see, with numbers of its own,
on a steady beat: that something is hidden shows in none of them.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from monitor.errors import StoreFault
from monitor.threads import with_pauses
from monitor.web.connections import ANSWERED_WITHIN, room_of
from monitor.web.embargo import for_all, has_passed
from monitor.web.fragments import element_of, is_bad, needing_part, pieces, row_part, warnings_part
from monitor.web.queries import Queries
from monitor.web.request import sees_all, takes
from monitor.web.running import Pulse
from schedules.times.words import clock as time_of_day

_log = structlog.get_logger(__name__)
BEAT = 1.0
"""Seconds between two rounds of looking what has changed."""
_WHOLE, _GROWS, _LOOKED = 10, 5, 2
"""In how many rounds the whole day is read anew, what still grows is judged anew, and the last looks are told."""
_MOST_TOLD = 256
_LASTS = ANSWERED_WITHIN - 15
"""Seconds after which a stream ends and its reader asks anew: who may no longer sign in hears no more by then."""
_AGAIN = 10


@dataclass(eq=False)
class Listener:
    """One stream: how far it has been told, and the bell that wakes it. Nothing is kept for it alone."""

    number: int
    beat: int
    is_new: bool = True
    bell: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class AudienceFeed:
    """What one sort of viewers is told: the parts of the page as last told, and the newest changes by number."""

    sees_all: bool
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    held: dict[str, str] = field(default_factory=dict)
    number: int = 0
    told: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=_MOST_TOLD))
    due: frozenset[str] = frozenset()
    looked: dict[str, int] = field(default_factory=dict)
    pulse: bytes = b""
    beat: int = 0
    listeners: set[Listener] = field(default_factory=set)

    @property
    def position(self) -> str:
        """Return the id of the newest change."""
        return f"{self.mark}-{self.number}"

    def say(self, kind: str, **data: object) -> None:
        """Tell of a change; the oldest one kept gives way."""
        self.number += 1
        self.told.append((self.number, _event(kind, data, self.position)))

    def put(self, element: str, html: str, **more: object) -> None:
        """Tell that a part of the page reads otherwise, if it does."""
        if self.held.get(element) != html:
            self.held[element] = html
            self.say("swap", element=element, html=html, **more)

    def since(self, position: str) -> int | None:
        """Return the number of a position; None when what came after it is no longer known."""
        mark, _, number = position.rpartition("-")
        if mark != self.mark or not (number.isascii() and number.isdecimal() and len(number) < 16):
            return None
        return int(number) if self.number - len(self.told) <= int(number) <= self.number else None


def _event(kind: str, data: Mapping[str, object], name: str = "") -> bytes:
    head = f"id: {name}\n" if name else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class LiveBoard:
    """Looks once a beat what has changed since, while somebody listens."""

    def __init__(self, queries: Queries, most: int | None = None) -> None:
        """At most `most` listen of each sort; as many as leave room for pages, where it is not given."""
        self._queries = queries
        self._most = room_of(()).most // 4 if most is None else most
        self._tales = {sort: AudienceFeed(sort) for sort in (False, True)}
        self._day: date | None = None
        self._bodies: dict[str, dict[str, Any]] = {}
        self._marks: dict[str, object] = {}
        self._round = 0
        self._work: asyncio.Task[None] | None = None
        self._closed = False

    def position(self, *, all_: bool) -> str:
        """Return where a page that is made now begins to listen."""
        return self._tales[all_].position

    def is_full(self, *, all_: bool) -> bool:
        """Tell whether nobody more of this sort can listen."""
        return self._closed or len(self._tales[all_].listeners) >= self._most

    def close(self) -> None:
        """End every stream; nobody can listen any more."""
        self._closed = True
        if self._work is not None:
            self._work.cancel()
        self._ring()

    async def listen(self, position: str, *, all_: bool) -> AsyncIterator[bytes]:
        """Yield what has changed since a position and goes on to, as server-sent events; ends after `_LASTS`."""
        tale, clock = self._tales[all_], self._queries.clock
        since = tale.since(position)
        listener = Listener(tale.number if since is None else since, tale.beat)
        ends = clock.monotonic() + _LASTS
        tale.listeners.add(listener)
        try:
            if self._work is None:
                self._work = asyncio.create_task(self._run(), name="live")
                self._work.add_done_callback(self._over)
            # Spread, so that those who lost a stream together do not come back together.
            yield f"retry: {500 + secrets.randbelow(1500)}\n\n".encode()
            if since is None:
                yield _event("renew", {}, tale.position)
            while self._work is not None and not self._closed and clock.monotonic() < ends:
                if chunk := self._news(tale, listener):
                    yield chunk
                listener.bell.clear()
                await listener.bell.wait()
        finally:
            tale.listeners.discard(listener)

    def _news(self, tale: AudienceFeed, listener: Listener) -> bytes:
        if tale.number - listener.number > len(tale.told):
            listener.number = tale.number
            return _event("renew", {}, tale.position)
        new = [data for number, data in tale.told if number > listener.number]
        listener.number = tale.number
        if listener.beat != tale.beat:
            has_all = not listener.is_new and listener.beat == tale.beat - 1
            new.append(tale.pulse if has_all else self._pulse(tale.looked))
            listener.beat, listener.is_new = tale.beat, False
        return b"".join(new)

    async def _run(self) -> None:
        # What was held when nobody listened any more has grown old.
        self._round = 0
        while any(tale.listeners for tale in self._tales.values()):
            try:
                await self._look()
            except StoreFault as fault:
                # No beat: whoever listens sees that what is shown is no longer live.
                _log.warning("live_board_not_read", fault=str(fault))
            await self._queries.clock.sleep(BEAT)

    def _over(self, _work: asyncio.Task[None]) -> None:
        self._work = None
        self._ring()

    def _ring(self) -> None:
        for tale in self._tales.values():
            for listener in tale.listeners:
                listener.bell.set()

    async def _look(self) -> None:
        """Look what has changed since the last round, and tell it."""
        whole = self._round % _WHOLE == 0 or self._day != self._queries.today()
        self._round += 1
        pulses = self._queries.live.pulses()
        changed = await self._read() if whole else await self._judge(pulses)
        self._marks = {name: pulse.mark for name, pulse in pulses.items()}
        for tale in self._tales.values():
            if tale.listeners:
                await self._tell(tale, changed, whole=whole)
                self._beat(tale, pulses)
        for tale in self._tales.values():
            # One by one: the looks' timers come between.
            for listener in tuple(tale.listeners):
                listener.bell.set()
                await asyncio.sleep(0)

    async def _read(self) -> list[str]:
        """Read the whole day, as what other monitors and people wrote calls for."""
        day = self._queries.today()
        bodies = {body["id"]: body for body in await self._queries.seen_by(all_=True).board(day, day)}
        self._day, self._bodies = day, bodies
        return list(bodies)

    async def _judge(self, pulses: Mapping[str, Pulse]) -> list[str]:
        """Judge anew what has changed, and now and then what grows while nothing changes."""
        changed = []
        async for number, (name, body) in with_pauses(enumerate(list(self._bodies.items())), self._queries.clock):
            pulse = pulses.get(name)
            is_news = pulse is not None and pulse.mark is not self._marks.get(name)
            grows = (number + self._round) % _GROWS == 0 and _grows(body)
            if not (is_news or grows) or (fresh := self._queries.live.body(name)) is None:
                continue
            decided = {key: body[key] for key in ("brought_forward",) if key in body}
            self._bodies[name] = fresh | decided
            changed.append(name)
        return changed

    async def _tell(self, tale: AudienceFeed, changed: Iterable[str], *, whole: bool) -> None:
        queries, now = self._queries.seen_by(all_=tale.sees_all), self._queries.clock.now()
        due = frozenset(name for name, body in self._bodies.items() if has_passed(body, now))
        shown = {name: body if tale.sees_all else for_all(body, now) for name, body in self._bodies.items()}
        rows = {name: body for name, body in shown.items() if body is not None}
        is_new = {name for name in tale.held if name.startswith("release-")} != {element_of(name) for name in rows}
        if is_new:
            tale.held = {}
        before = tale.number
        told = {*(rows if is_new else changed), *(due - tale.due)} & rows.keys()
        async for row in with_pauses([rows[name] for name in told], queries.clock):
            tale.put(element_of(row["id"]), row_part(queries, row), bad=is_bad(row))
        if whole or tale.number != before or due != tale.due:
            for element, html in pieces(queries, list(rows.values()), now).items():
                tale.put(element, html)
        if whole:
            tale.put("needing", needing_part(queries, await queries.needing()))
            tale.put("warnings", await warnings_part(queries, now))
        tale.due = due
        if is_new:
            # A page that was made before has other rows, or was made before anything was held to compare it with.
            tale.told.clear()
            tale.say("renew")

    def _beat(self, tale: AudienceFeed, pulses: Mapping[str, Pulse]) -> None:
        # How often something is looked at before its slot may tell that it is out.
        told = {
            element_of(name): round(pulse.looked.timestamp() * 1000)
            for name, pulse in pulses.items()
            if name in self._bodies and pulse.looked is not None and (tale.sees_all or name in tale.due)
        }
        moved = {}
        if self._round % _LOOKED == 0 or not tale.looked:
            moved = {name: at for name, at in told.items() if tale.looked.get(name) != at}
            tale.looked = told
        tale.pulse, tale.beat = self._pulse(moved), tale.beat + 1

    def _pulse(self, looked: Mapping[str, int]) -> bytes:
        now, zone = self._queries.clock.now(), self._queries.timezone
        data = {"now": round(now.timestamp() * 1000), "clock": time_of_day(now, zone, exact=True), "looked": looked}
        return _event("pulse", data)


def _grows(body: Mapping[str, Any]) -> bool:
    return body["verdict"] == "overdue" or bool(body.get("due")) or any(one["open"] for one in body["exposures"])


async def events(request: Request) -> Response:
    """Stream what changes on today's board, from the `Last-Event-ID` on, or from `after`."""
    takes(request, ("after",))
    live: LiveBoard = request.app.state.live
    all_ = sees_all(request)
    if live.is_full(all_=all_):
        return PlainTextResponse("too many listen already\n", 503, headers={"Retry-After": str(_AGAIN)})
    position = request.headers.get("Last-Event-ID", request.query_params.get("after", ""))
    # Proxies that gather an answer before they pass it on would hold everything back.
    unheld = {"X-Accel-Buffering": "no"}
    return StreamingResponse(live.listen(position, all_=all_), media_type="text/event-stream", headers=unheld)


ROUTES = [Route("/events", events)]
