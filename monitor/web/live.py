"""Event streams with the changes of today's board, made once for all staff and once for everyone else.

The task runs only while a browser listens. The public stream is made only from public data. Its event numbers and
its constant rate do not reveal that something is hidden.
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
from monitor.web import fragments
from monitor.web.connections import RESPONSE_SECONDS, default_limiter
from monitor.web.embargo import public_view, slot_has_passed
from monitor.web.queries import WatchedState, Queries
from monitor.web.request import check_parameters, sees_all
from schedules.times.words import clock as time_of_day

_log = structlog.get_logger(__name__)
BEAT = 1.0
"""Seconds between two rounds. Each round finds the changes since the last one."""
_READ_DAY_EVERY, _REJUDGE_EVERY, _SEND_LOOKS_EVERY = 10, 5, 2
"""Rounds between two reads of the whole day, two verdicts on a release whose delay grows, two updates of last looks."""
_MOST_KEPT = 256
_STREAM_SECONDS = RESPONSE_SECONDS - 15
"""Seconds after which a stream ends and its browser connects again. A person whose access ended is refused then."""
_RETRY_SECONDS = 10


@dataclass(eq=False)
class Listener:
    """One stream: the numbers of the last event and of the last pulse (`beat`) that it sent, and what wakes it.

    The events are in the feed. `is_new` means that it has sent no pulse yet.
    """

    number: int
    beat: int
    is_new: bool = True
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class AudienceFeed:
    """The events for one audience: the `parts` of the page as last sent, and the newest events by number.

    `due` are the releases with a passed slot. `pulse` is the event that each round replaces, and `beat` its number.
    `looked` has the last look at each release, by element, as in the last pulse that had looks.
    """

    sees_all: bool
    feed_id: str = field(default_factory=lambda: secrets.token_hex(4))
    parts: dict[str, str] = field(default_factory=dict)
    number: int = 0
    recent: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    due: frozenset[str] = frozenset()
    looked: dict[str, int] = field(default_factory=dict)
    pulse: bytes = b""
    beat: int = 0
    listeners: set[Listener] = field(default_factory=set)

    @property
    def position(self) -> str:
        """Return the id of the newest event."""
        return f"{self.feed_id}-{self.number}"

    def add_event(self, kind: str, **data: object) -> None:
        """Add an event for every stream. If there are too many, the oldest one is dropped."""
        self.number += 1
        self.recent.append((self.number, _format_event(kind, data, self.position)))

    def update_part(self, element: str, html: str, **more: object) -> None:
        """Add an event with a part of the page, if the part has changed."""
        if self.parts.get(element) != html:
            self.parts[element] = html
            self.add_event("swap", element=element, html=html, **more)

    def parse_position(self, position: str) -> int | None:
        """Return the event number in a position such as `1f2e3d4c-17`. None if later events have been dropped."""
        feed_id, _, number = position.rpartition("-")
        if feed_id != self.feed_id or not (number.isascii() and number.isdecimal() and len(number) < 16):
            return None
        return int(number) if self.number - len(self.recent) <= int(number) <= self.number else None


def _format_event(kind: str, data: Mapping[str, object], name: str = "") -> bytes:
    head = f"id: {name}\n" if name else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class LiveBoard:
    """Finds the changes of today's board every `BEAT` seconds and sends them to all streams."""

    def __init__(self, queries: Queries, most: int | None = None) -> None:
        """Allow `most` streams for each audience, by default a quarter of the connections."""
        self._queries = queries
        self._most = default_limiter(()).most // 4 if most is None else most
        self._feeds = {sees_all: AudienceFeed(sees_all) for sees_all in (False, True)}
        self._day: date | None = None
        self._releases: dict[str, dict[str, Any]] = {}
        # The marks of the last round. A release with another mark object has changed since.
        self._marks: dict[str, object] = {}
        self._round = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def position(self, *, sees_all: bool) -> str:
        """Return the id of the newest event. A page that is made now must request the events after it."""
        return self._feeds[sees_all].position

    def is_full(self, *, sees_all: bool) -> bool:
        """Return whether this audience has as many streams as are allowed."""
        return self._closed or len(self._feeds[sees_all].listeners) >= self._most

    def close(self) -> None:
        """End every stream and refuse new ones."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        self._wake_listeners()

    async def listen(self, position: str, *, sees_all: bool) -> AsyncIterator[bytes]:
        """Yield the events after `position`, and new ones as they come, for `_STREAM_SECONDS` seconds."""
        feed, clock = self._feeds[sees_all], self._queries.clock
        since = feed.parse_position(position)
        listener = Listener(feed.number if since is None else since, feed.beat)
        ends = clock.monotonic() + _STREAM_SECONDS
        feed.listeners.add(listener)
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="live")
                self._task.add_done_callback(self._forget_task)
            # Random, so that browsers that lost their streams together do not all connect at the same time.
            yield f"retry: {500 + secrets.randbelow(1500)}\n\n".encode()
            if since is None:
                yield _format_event("renew", {}, feed.position)
            while self._task is not None and not self._closed and clock.monotonic() < ends:
                if chunk := self._take_new_events(feed, listener):
                    yield chunk
                listener.wakeup.clear()
                await listener.wakeup.wait()
        finally:
            feed.listeners.discard(listener)

    def _take_new_events(self, feed: AudienceFeed, listener: Listener) -> bytes:
        """Return the events that a stream has not sent yet, or `renew` (load the page again) if some were dropped."""
        if feed.number - listener.number > len(feed.recent):
            listener.number = feed.number
            return _format_event("renew", {}, feed.position)
        new = [data for number, data in feed.recent if number > listener.number]
        listener.number = feed.number
        if listener.beat != feed.beat:
            # A pulse has only the looks since the one before it. A stream that missed one needs all of them.
            has_all = not listener.is_new and listener.beat == feed.beat - 1
            new.append(feed.pulse if has_all else self._pulse_event(feed.looked))
            listener.beat, listener.is_new = feed.beat, False
        return b"".join(new)

    async def _run(self) -> None:
        # The board was not updated while no browser listened, so the first round reads the whole day.
        self._round = 0
        while any(feed.listeners for feed in self._feeds.values()):
            try:
                await self._update_feeds()
            except StoreFault as fault:
                # Without a pulse, browsers show that the board is no longer live.
                _log.warning("live_board_not_read", fault=str(fault))
            await self._queries.clock.sleep(BEAT)

    def _forget_task(self, _task: asyncio.Task[None]) -> None:
        self._task = None
        self._wake_listeners()

    def _wake_listeners(self) -> None:
        for feed in self._feeds.values():
            for listener in feed.listeners:
                listener.wakeup.set()

    async def _update_feeds(self) -> None:
        """Do one round: find the changes since the last one, add them to the feeds, and wake the streams."""
        whole = self._round % _READ_DAY_EVERY == 0 or self._day != self._queries.today()
        self._round += 1
        pulses = self._queries.live.watched_states()
        changed = await self._read_day() if whole else await self._update_bodies(pulses)
        self._marks = {name: pulse.change_mark for name, pulse in pulses.items()}
        for feed in self._feeds.values():
            if feed.listeners:
                await self._add_changes(feed, changed, whole=whole)
                self._set_pulse(feed, pulses)
        for feed in self._feeds.values():
            # One at a time, so that timers of looks run in between.
            for listener in tuple(feed.listeners):
                listener.wakeup.set()
                await asyncio.sleep(0)

    async def _read_day(self) -> list[str]:
        """Read all releases of today, because other monitors and people change them too. Return their ids."""
        day = self._queries.today()
        bodies = {body["id"]: body for body in await self._queries.for_viewer(sees_all=True).list_releases(day, day)}
        self._day, self._releases = day, bodies
        return list(bodies)

    async def _update_bodies(self, pulses: Mapping[str, WatchedState]) -> list[str]:
        """Update the releases that changed, and every few rounds those with a growing delay. Return their ids."""
        changed = []
        async for number, (name, body) in with_pauses(enumerate(list(self._releases.items())), self._queries.clock):
            pulse = pulses.get(name)
            has_changed = pulse is not None and pulse.change_mark is not self._marks.get(name)
            # An overdue or due release has a growing delay, and one that is public before its slot a growing exposure.
            grows = body["verdict"] == "overdue" or body.get("due") or any(one["open"] for one in body["exposures"])
            has_grown = (number + self._round) % _REJUDGE_EVERY == 0 and grows
            if not (has_changed or has_grown) or (fresh := self._queries.live.body(name)) is None:
                continue
            # People's decision is not part of the verdict. The next read of the day brings it up to date.
            decision = {"brought_forward": body["brought_forward"]} if "brought_forward" in body else {}
            self._releases[name] = fresh | decision
            changed.append(name)
        return changed

    async def _add_changes(self, feed: AudienceFeed, changed: Iterable[str], *, whole: bool) -> None:
        """Add an event to `feed` for each part of the page that has changed for its audience.

        If the page has other rows than before, only `renew` is added: load the page again. `whole` is whether the whole
        day was read.
        """
        queries, now = self._queries.for_viewer(sees_all=feed.sees_all), self._queries.clock.now()
        due = frozenset(name for name, body in self._releases.items() if slot_has_passed(body, now))
        shown = {name: body if feed.sees_all else public_view(body, now) for name, body in self._releases.items()}
        rows = {name: body for name, body in shown.items() if body is not None}
        row_elements = {name for name in feed.parts if name.startswith("release-")}
        has_new_rows = row_elements != {fragments.element_id(name) for name in rows}
        if has_new_rows:
            feed.parts = {}
        before = feed.number
        updated = {*(rows if has_new_rows else changed), *(due - feed.due)} & rows.keys()
        async for row in with_pauses([rows[name] for name in updated], queries.clock):
            feed.update_part(
                fragments.element_id(row["id"]), fragments.render_row(queries, row), bad=fragments.has_gone_wrong(row)
            )
        if whole or feed.number != before or due != feed.due:
            for element, html in fragments.render_day_parts(queries, list(rows.values()), now).items():
                feed.update_part(element, html)
        if whole:
            feed.update_part("needing", fragments.render_needing_action(queries, await queries.list_needing_action()))
            feed.update_part("warnings", await fragments.render_warnings(queries, now))
        feed.due = due
        if has_new_rows:
            # Open pages have other rows, or were made before there were parts to compare with: they load again.
            feed.recent.clear()
            feed.add_event("renew")

    def _set_pulse(self, feed: AudienceFeed, pulses: Mapping[str, WatchedState]) -> None:
        """Make the pulse of this round: the time, and the last looks that are new since the last pulse."""
        # Before its slot, only staff see the last looks, because their frequency could show that a release is out.
        last_looks = {
            fragments.element_id(name): round(pulse.last_look.timestamp() * 1000)
            for name, pulse in pulses.items()
            if name in self._releases and pulse.last_look is not None and (feed.sees_all or name in feed.due)
        }
        new = {}
        if self._round % _SEND_LOOKS_EVERY == 0 or not feed.looked:
            new = {name: at for name, at in last_looks.items() if feed.looked.get(name) != at}
            feed.looked = last_looks
        feed.pulse, feed.beat = self._pulse_event(new), feed.beat + 1

    def _pulse_event(self, looked: Mapping[str, int]) -> bytes:
        now, zone = self._queries.clock.now(), self._queries.timezone
        data = {"now": round(now.timestamp() * 1000), "clock": time_of_day(now, zone, exact=True), "looked": looked}
        return _format_event("pulse", data)


async def stream_events(request: Request) -> Response:
    """Stream the changes of today's board after the event `Last-Event-ID`, or after `after`."""
    check_parameters(request, ("after",))
    live: LiveBoard = request.app.state.live
    is_staff = sees_all(request)
    if live.is_full(sees_all=is_staff):
        return PlainTextResponse("too many listen already\n", 503, headers={"Retry-After": str(_RETRY_SECONDS)})
    position = request.headers.get("Last-Event-ID", request.query_params.get("after", ""))
    # Without it, some proxies buffer the whole response, which never ends.
    unbuffered = {"X-Accel-Buffering": "no"}
    return StreamingResponse(
        live.listen(position, sees_all=is_staff), media_type="text/event-stream", headers=unbuffered
    )


ROUTES = [Route("/events", stream_events)]
