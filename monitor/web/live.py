"""Event streams with the changes of today's board, made once for all staff and once for everyone
else.

The task runs only while a browser listens. The public stream is made only from public data. Its
event numbers and its constant rate do not reveal that something is hidden.
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
from monitor.web.pages import millis
from monitor.web.queries import Queries, WatchedState
from monitor.web.request import check_parameters, sees_all
from schedules.times.words import clock as time_of_day

_log = structlog.get_logger(__name__)
_ROUND_SECONDS = 1.0
"""Seconds between two rounds. Each round finds the changes since the last one."""
_READ_DAY_EVERY, _REJUDGE_EVERY, _SEND_LOOKS_EVERY = 10, 5, 2
"""Rounds between two reads of the whole day, two verdicts on a release whose delay grows, two
updates of last looks.
"""
_MOST_EVENTS_KEPT = 256
_STREAM_SECONDS = RESPONSE_SECONDS - 15
"""Seconds after which a stream ends and its browser connects again. A person whose access ended is
refused then.
"""
_RETRY_SECONDS = 10


@dataclass(eq=False)
class Listener:
    """One stream: the numbers of the last event and of the last pulse that it has sent, and what
    wakes it.

    `is_new` means that it has sent no pulse yet. Then `last_pulse` is the newest pulse from before
    it began.
    """

    last_event: int
    last_pulse: int
    is_new: bool = True
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class AudienceFeed:
    """The events for one audience: the `parts` of the page as last sent, by element id, and the
    `recent` events.

    `passed` are the releases whose slot has passed. `pulse` is the event that each round replaces
    with a new one. `sent_looks` has the last look at each release that was sent, by element id, in
    milliseconds since 1970.
    """

    sees_all: bool
    feed_id: str = field(default_factory=lambda: secrets.token_hex(4))
    parts: dict[str, str] = field(default_factory=dict)
    event_number: int = 0
    recent: deque[tuple[int, bytes]] = field(
        default_factory=lambda: deque(maxlen=_MOST_EVENTS_KEPT)
    )
    passed: frozenset[str] = frozenset()
    sent_looks: dict[str, int] = field(default_factory=dict)
    pulse: bytes = b""
    pulse_number: int = 0
    listeners: set[Listener] = field(default_factory=set)

    @property
    def position(self) -> str:
        """Return the id of the newest event."""
        return f"{self.feed_id}-{self.event_number}"

    def add_event(self, kind: str, **data: object) -> None:
        """Add an event for every stream. If there are too many, the oldest one is dropped."""
        self.event_number += 1
        self.recent.append((self.event_number, _format_event(kind, data, self.position)))

    def update_part(self, element: str, html: str, **more: object) -> None:
        """Add a `swap` event with a part of the page and `more` values, if its HTML has changed."""
        if self.parts.get(element) != html:
            self.parts[element] = html
            self.add_event("swap", element=element, html=html, **more)

    def parse_position(self, position: str) -> int | None:
        """Return the number in a position such as `1f2e3d4c-17`.

        None if not all later events are kept.
        """
        feed_id, _, number = position.rpartition("-")
        if feed_id != self.feed_id or not (
            number.isascii() and number.isdecimal() and len(number) < 16
        ):
            return None
        has_all_later = self.event_number - len(self.recent) <= int(number) <= self.event_number
        return int(number) if has_all_later else None


def _format_event(kind: str, data: Mapping[str, object], event_id: str = "") -> bytes:
    id_line = f"id: {event_id}\n" if event_id else ""
    return (
        f"{id_line}event: {kind}\ndata:"
        f" {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
    )


class LiveBoard:
    """Finds the changes of today's board every `_ROUND_SECONDS` and sends them to all streams."""

    def __init__(self, queries: Queries, most: int | None = None) -> None:
        """Allow `most` streams for staff and as many for everyone else, by default a quarter of the
        connections.
        """
        self._queries = queries
        self._most = default_limiter(proxies=()).most // 4 if most is None else most
        self._feeds = {sees_all: AudienceFeed(sees_all) for sees_all in (False, True)}
        self._round = 0  # the number of searches for changes since a browser began to listen
        # The following is from the last round: the day of the board, and the JSON of its releases
        # by id.
        self._day: date | None = None
        self._releases: dict[str, dict[str, Any]] = {}
        # Also from the last round: an object for each watched release, which is replaced when the
        # release changes.
        self._change_marks: dict[str, object] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def position(self, *, sees_all: bool) -> str:
        """Return the id of the newest event.

        A page that is made now must request the events after it.
        """
        return self._feeds[sees_all].position

    def is_full(self, *, sees_all: bool) -> bool:
        """Return whether this audience has as many streams as are allowed, or the board is
        closed.
        """
        return self._closed or len(self._feeds[sees_all].listeners) >= self._most

    def close(self) -> None:
        """End every stream and refuse new ones."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        self._wake_listeners()

    async def listen(self, position: str, *, sees_all: bool) -> AsyncIterator[bytes]:
        """Yield the events after `position`, and new ones as they come, for `_STREAM_SECONDS`
        seconds.

        If some events after `position` were dropped, yield `renew` instead: the browser loads the
        page again. The first stream starts the task that makes events.
        """
        feed, clock = self._feeds[sees_all], self._queries.clock
        known_event = feed.parse_position(position)
        listener = Listener(
            feed.event_number if known_event is None else known_event, feed.pulse_number
        )
        ends = clock.monotonic() + _STREAM_SECONDS
        feed.listeners.add(listener)
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._run_while_heard(), name="live")
                self._task.add_done_callback(self._forget_task)
            # `retry` is the time in milliseconds after which a browser opens a lost stream again.
            # It is random, so that browsers that lost their streams together do not all connect at
            # the same time.
            yield f"retry: {500 + secrets.randbelow(1500)}\n\n".encode()
            if known_event is None:
                yield _format_event("renew", {}, feed.position)
            # `_forget_task` sets `_task` to None after the task has ended.
            while self._task is not None and not self._closed and clock.monotonic() < ends:
                # Cleared before the `yield`, so that a wakeup during it, such as that of `close`,
                # is not lost.
                listener.wakeup.clear()
                if chunk := self._take_new_events(feed, listener):
                    yield chunk
                await listener.wakeup.wait()
        finally:
            feed.listeners.discard(listener)

    def _take_new_events(self, feed: AudienceFeed, listener: Listener) -> bytes:
        """Return the events that a stream has not sent yet, and mark them as sent.

        Each search for changes makes a pulse: an event with the time and new looks. The newest
        pulse is sent last.
        """
        last_sent, listener.last_event = listener.last_event, feed.event_number
        # Events have consecutive numbers. If more are unsent than the feed keeps, it has dropped
        # some unsent events.
        if feed.event_number - last_sent > len(feed.recent):
            return _format_event("renew", {}, feed.position)  # the browser must load the page again
        unsent = [data for number, data in feed.recent if number > last_sent]
        if listener.last_pulse != feed.pulse_number:
            # A stream that is new or missed a pulse gets the last look at every release instead.
            missed_none = not listener.is_new and listener.last_pulse == feed.pulse_number - 1
            unsent.append(feed.pulse if missed_none else self._format_pulse(feed.sent_looks))
            listener.last_pulse, listener.is_new = feed.pulse_number, False
        return b"".join(unsent)

    async def _run_while_heard(self) -> None:
        """Update the feeds every `_ROUND_SECONDS` while at least one browser listens."""
        # The board was not updated while no browser listened, so the first update reads the whole
        # day.
        self._round = 0
        while any(feed.listeners for feed in self._feeds.values()):
            try:
                await self._update_feeds()
            except StoreFault as fault:
                # Without a pulse, browsers show that the board is no longer live.
                _log.warning("live_board_not_read", fault=str(fault))
            await self._queries.clock.sleep(_ROUND_SECONDS)

    def _forget_task(self, _task: asyncio.Task[None]) -> None:
        self._task = None
        self._wake_listeners()

    def _wake_listeners(self) -> None:
        for feed in self._feeds.values():
            for listener in feed.listeners:
                listener.wakeup.set()

    async def _update_feeds(self) -> None:
        """Do one round: find the changes since the last one, add them to the feeds, and wake the
        streams.
        """
        must_read_day = self._round % _READ_DAY_EVERY == 0 or self._day != self._queries.today()
        self._round += 1
        states = self._queries.live.watched_states()  # what this monitor itself has seen
        changed = (
            await self._read_whole_day() if must_read_day else await self._update_releases(states)
        )
        # for the next round
        self._change_marks = {name: state.change_mark for name, state in states.items()}
        for feed in self._feeds.values():
            if feed.listeners:
                await self._add_changes(feed, changed, has_read_day=must_read_day)
                self._set_pulse(feed, states)  # it shows the browsers that the board is still live
        for feed in self._feeds.values():
            # one at a time, so that timers of looks run in between
            for listener in tuple(feed.listeners):
                listener.wakeup.set()
                await asyncio.sleep(0)

    async def _read_whole_day(self) -> list[str]:
        """Read all releases of today, because other monitors and people change them too.

        Return their ids.
        """
        day = self._queries.today()
        bodies = {
            body["id"]: body
            for body in await self._queries.for_viewer(sees_all=True).list_releases(day, day)
        }
        self._day, self._releases = day, bodies
        return list(bodies)

    async def _update_releases(self, states: Mapping[str, WatchedState]) -> list[str]:
        """Update the JSON of watched releases that changed or whose delay grows.

        Return the ids of updated releases.
        """
        changed = []
        async for number, (name, body) in with_pauses(
            enumerate(list(self._releases.items())), self._queries.clock
        ):
            state = states.get(name)
            has_changed = state is not None and state.change_mark is not self._change_marks.get(
                name
            )
            # The delay of a due or overdue release grows. So does the exposure of one that is
            # public before its slot.
            grows = (
                body["verdict"] == "overdue"
                or body.get("due")
                or any(one["open"] for one in body["exposures"])
            )
            # To judge takes time, so a release whose delay grows is judged again only in each
            # `_REJUDGE_EVERY`th round (search for changes). Its position in the list decides in
            # which of them.
            has_turn = (number + self._round) % _REJUDGE_EVERY == 0
            needs_update = has_changed or (grows and has_turn)
            # None: it is not watched
            if not needs_update or (fresh := self._queries.live.body(name)) is None:
                continue
            # The fresh JSON lacks what people decided, so keep their decision until
            # `_read_whole_day` reads it again.
            decision = (
                {"brought_forward": body["brought_forward"]} if "brought_forward" in body else {}
            )
            self._releases[name] = fresh | decision
            changed.append(name)
        return changed

    async def _add_changes(
        self, feed: AudienceFeed, changed: Iterable[str], *, has_read_day: bool
    ) -> None:
        """Add a `swap` event with the new HTML to `feed` for each part of the page that has changed
        for its audience.

        If a row was added or removed, add only the event `renew`: browsers load the page again.
        `changed` are the ids of changed releases. With `has_read_day`, also compare incidents and
        warnings.
        """
        queries, now = self._queries.for_viewer(sees_all=feed.sees_all), self._queries.clock.now()
        passed = frozenset(
            name for name, body in self._releases.items() if slot_has_passed(body, now)
        )
        shown = {
            name: body if feed.sees_all else public_view(body, now)
            for name, body in self._releases.items()
        }
        rows = {name: body for name, body in shown.items() if body is not None}
        sent_rows = {name for name in feed.parts if name.startswith("release-")}
        has_other_rows = sent_rows != {fragments.element_id(name) for name in rows}
        if has_other_rows:
            feed.parts = {}
        last_event = feed.event_number
        newly_passed = passed - feed.passed  # the public row shows more once the slot has passed
        # Even before a `renew`, render every row, so that the next call can compare with its HTML.
        names_to_render = rows if has_other_rows else {*changed, *newly_passed} & rows.keys()
        async for row in with_pauses([rows[name] for name in names_to_render], queries.clock):
            html, is_bad = fragments.render_row(queries, row), fragments.has_gone_wrong(row)
            feed.update_part(fragments.element_id(row["id"]), html, bad=is_bad)
        has_changed_rows = feed.event_number != last_event
        if has_read_day or has_changed_rows or passed != feed.passed:
            for element, html in fragments.render_day_parts(
                queries, list(rows.values()), now
            ).items():
                feed.update_part(element, html)
        if has_read_day:
            feed.update_part(
                "needing",
                fragments.render_needing_action(queries, await queries.list_needing_action()),
            )
            feed.update_part("warnings", await fragments.render_warnings(queries, now))
        feed.passed = passed
        if has_other_rows:
            feed.recent.clear()  # no browser needs the `swap` events
            feed.add_event("renew")

    def _set_pulse(self, feed: AudienceFeed, states: Mapping[str, WatchedState]) -> None:
        """Give the feed a new pulse: an event with the time and, in every second search for
        changes, the new looks.
        """
        # Before its slot, only staff see the last looks, because their frequency could show that a
        # release is out.
        last_looks = {
            fragments.element_id(name): millis(state.last_look)
            for name, state in states.items()
            if name in self._releases
            and state.last_look is not None
            and (feed.sees_all or name in feed.passed)
        }
        new_looks = {}
        # A feed that has sent no looks yet sends them at once.
        if self._round % _SEND_LOOKS_EVERY == 0 or not feed.sent_looks:
            new_looks = {
                name: at for name, at in last_looks.items() if feed.sent_looks.get(name) != at
            }
            feed.sent_looks = last_looks
        feed.pulse, feed.pulse_number = self._format_pulse(new_looks), feed.pulse_number + 1

    def _format_pulse(self, looks: Mapping[str, int]) -> bytes:
        now, zone = self._queries.clock.now(), self._queries.timezone
        data = {"now": millis(now), "clock": time_of_day(now, zone, exact=True), "looked": looks}
        return _format_event("pulse", data)


async def stream_events(request: Request) -> Response:
    """Stream the changes of today's board after the event in `Last-Event-ID` or `after`, or refuse
    with 503.
    """
    check_parameters(request, ("after",))
    live: LiveBoard = request.app.state.live
    is_staff = sees_all(request)
    if live.is_full(sees_all=is_staff):
        return PlainTextResponse(
            "too many listen already\n", 503, headers={"Retry-After": str(_RETRY_SECONDS)}
        )
    position = request.headers.get("Last-Event-ID", request.query_params.get("after", ""))
    # Without this header, some proxies buffer the response and pass nothing on, because it does not
    # end.
    unbuffered = {"X-Accel-Buffering": "no"}
    events = live.listen(position, sees_all=is_staff)
    return StreamingResponse(events, media_type="text/event-stream", headers=unbuffered)


ROUTES = [Route("/events", stream_events)]
