from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from monitor.deliver.verdicts import body_of
from monitor.errors import StoreFault
from monitor.web.app import make_application
from monitor.web.fragments import element_id
from monitor.web.live import LiveBoard
from monitor.web.queries import WatchedState
from tests.browser.pages import serving
from tests.unit.monitor.web.board import Board, Live, a_board
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import judged

NO_POSITION_YET = ""
"""The position of a browser that has received no event yet."""
PULSES_UNTIL_STORE_IS_READ_AGAIN = 11
"""The stream reads the stored verdicts every ten pulses."""


@dataclass
class MonitorWithoutStore(Live):
    """A monitor with a store that cannot be read."""

    is_read: asyncio.Event = field(default_factory=asyncio.Event)

    def watched_states(self) -> dict[str, WatchedState]:
        self.is_read.set()
        raise StoreFault("the disk is gone")


@dataclass(frozen=True)
class StreamEvent:
    kind: str
    data: dict[str, Any]
    id: str = ""


def parse_events(chunk: bytes) -> list[StreamEvent]:
    """Return the events of a chunk as a browser reads them."""
    events = []
    for block in chunk.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in lines:
            events.append(
                StreamEvent(lines["event"], json.loads(lines["data"]), lines.get("id", ""))
            )
    return events


async def read_events(stream: AsyncIterator[bytes], pulses: int = 1) -> list[StreamEvent]:
    """Return the events until this many pulses were received."""
    result: list[StreamEvent] = []
    async for chunk in stream:
        result += parse_events(chunk)
        if sum(one.kind == "pulse" for one in result) >= pulses:
            return result
    return result


async def open_stream(live: LiveBoard) -> AsyncIterator[bytes]:
    """Return a stream for staff that has sent its first pulse, so that it sends only changes from
    then on.
    """
    stream = live.listen(NO_POSITION_YET, sees_all=True)
    await read_events(stream)
    return stream


def changed_parts(events: list[StreamEvent]) -> dict[str, str]:
    """Return the new HTML of each element that the page is to replace, by the id of the element."""
    return {event.data["element"]: event.data["html"] for event in events if event.kind == "swap"}


async def test_page_made_before_the_first_stream_reloads_once(board: Board) -> None:
    """A page has a position: the id of the newest event when it was made. No events are made before
    the first stream is open, so the page may have missed changes. Its first stream makes it reload,
    the second does not.
    """
    live = LiveBoard(board.queries)
    position_of_page = live.position(sees_all=True)
    events_of_page = await read_events(live.listen(position_of_page, sees_all=True))
    position_of_reloaded_page = live.position(sees_all=True)
    events_of_reloaded_page = await read_events(
        live.listen(position_of_reloaded_page, sees_all=True)
    )
    # The event `renew` makes the page reload.
    assert [event.kind for event in events_of_page] == ["renew", "pulse"]
    assert [event.kind for event in events_of_reloaded_page] == ["pulse"]


async def test_stream_sends_changed_parts_as_the_page_shows_them(board: Board) -> None:
    stream = await open_stream(LiveBoard(board.queries))
    board.change_release(title="<b>Malpractice</b>")
    row = changed_parts(await read_events(stream, pulses=PULSES_UNTIL_STORE_IS_READ_AGAIN))[
        element_id("r")
    ]
    assert "&lt;b&gt;Malpractice&lt;/b&gt;" in row
    page = await board.read_page("/?date=2018-01-05")
    # The stream sends no line breaks.
    assert " ".join(row.split()) in " ".join(page.split())


async def test_new_verdict_is_sent_within_two_pulses(board: Board) -> None:
    """A stream regularly sends an event `pulse`. Before each one, it searches for releases with a
    new mark: the monitor gives a release another mark whenever it has changed.
    """
    first_mark, second_mark = object(), object()
    board.running.watched["r"] = WatchedState(change_mark=first_mark, last_look=after_slot(599))
    stream = LiveBoard(board.queries).listen(NO_POSITION_YET, sees_all=True)
    await read_events(stream, pulses=2)
    # After two pulses, the monitor judges the release again.
    new_verdict = judged(500, {"page": [a_run("page", ABSENT, -60, 500)]})
    board.running.bodies["r"] = body_of(new_verdict, None) | {"title": "Another title"}
    board.running.watched["r"] = WatchedState(change_mark=second_mark, last_look=after_slot(600))
    html_by_element = changed_parts(await read_events(stream, pulses=2))
    assert "Another title" in html_by_element[element_id("r")]


async def test_reconnecting_browser_gets_the_events_since_its_last_position(board: Board) -> None:
    """The position of a browser is the id of the last event that it received."""
    live = LiveBoard(board.queries)
    stream = await open_stream(live)
    position = live.position(sees_all=True)
    board.change_release(title="Another title")
    sent_after_position = await read_events(stream, pulses=PULSES_UNTIL_STORE_IS_READ_AGAIN)
    # Another browser had lost its stream at that position, and connects again.
    received_after_reconnection = await read_events(live.listen(position, sees_all=True))
    assert changed_parts(sent_after_position) != {}
    assert changed_parts(received_after_reconnection) == changed_parts(sent_after_position)


async def test_browser_with_an_unknown_position_must_reload_the_page(board: Board) -> None:
    live = LiveBoard(board.queries)
    await open_stream(live)
    known_position = live.position(sees_all=True)
    # A known position is the id of this feed with the number of a sent event.
    for unknown_position in (NO_POSITION_YET, "another-feed-1", f"{known_position}9999", "x"):
        events = await read_events(live.listen(unknown_position, sees_all=True))
        reload_page = "renew"
        assert events[0].kind == reload_page


async def events_for_strangers(board: Board, *, is_out: bool) -> list[StreamEvent]:
    """Return the events for strangers five minutes before a slot, for a release that is out early
    or not.

    Check that the events for staff show it.
    """
    absent = [a_run("early/page/edge", ABSENT, -7200, -600)]
    present = [a_run("early/page/edge", PRESENT, -595, -301)] if is_out else []
    release = {
        "release": a_release(id="early", title="Example prices: monthly"),
        "promises": [a_promise(release="early")],
    }
    verdict = judged(-300, {"early/page/edge": [*absent, *present]}, **release)
    verdict_before = judged(-600, {"early/page/edge": absent}, **release)
    board.view_as_stranger()
    board.clock.at = after_slot(-320)
    board.change_release("early", **body_of(verdict_before, None))
    live = LiveBoard(board.queries)
    for_strangers, for_staff = (
        live.listen(NO_POSITION_YET, sees_all=False),
        live.listen(NO_POSITION_YET, sees_all=True),
    )
    seen_by_strangers, seen_by_staff = (
        await read_events(for_strangers),
        await read_events(for_staff),
    )
    board.change_release("early", **body_of(verdict, None))
    board.running.bodies["early"] = body_of(verdict, None)
    board.running.watched["early"] = WatchedState(object(), after_slot(-301))
    seen_by_strangers += await read_events(for_strangers, pulses=14)
    seen_by_staff += await read_events(for_staff, pulses=14)
    assert is_out is any("out early" in html for html in changed_parts(seen_by_staff).values())
    return [replace(event, id=event.id.partition("-")[2]) for event in seen_by_strangers]


async def test_stream_for_strangers_never_reveals_an_early_release() -> None:
    # In both cases the same release is due at 09:30, and it is 09:25.
    async with a_board() as board:
        events_if_absent = await events_for_strangers(board, is_out=False)
    async with a_board() as board:
        events_if_out_early = await events_for_strangers(board, is_out=True)
    assert events_if_out_early == events_if_absent


async def test_stream_for_strangers_names_no_look_before_the_slot() -> None:
    """The release is out before its slot.

    A pulse that named the last look at it would show that to strangers.
    """
    async with a_board() as board:
        events = await events_for_strangers(board, is_out=True)
    pulses = [event for event in events if event.kind == "pulse"]
    assert pulses != []
    assert all(pulse.data["looked"] == {} for pulse in pulses)


async def test_pulse_has_board_time_and_last_look_per_release(board: Board) -> None:
    # The clock of the board shows 09:40, 600 s after the slot. The monitor looked at the release
    # `r` a second before.
    last_look = after_slot(599)
    board.running.watched["r"] = WatchedState(change_mark=None, last_look=last_look)
    stream = LiveBoard(board.queries).listen(NO_POSITION_YET, sees_all=True)
    (pulse,) = [event for event in await read_events(stream) if event.kind == "pulse"]
    assert pulse.data["clock"].startswith("09:40:0")
    milliseconds_since_1970 = round(last_look.timestamp() * 1000)
    assert pulse.data["looked"] == {element_id("r"): milliseconds_since_1970}


async def test_stream_sends_no_event_while_store_cannot_be_read(board: Board) -> None:
    # The stream reads the state of the releases before each pulse. This monitor raises a fault of
    # its store then.
    monitor = MonitorWithoutStore()
    board.queries.live = monitor
    live_board = LiveBoard(board.queries)

    async def read_until_closed() -> list[StreamEvent]:
        stream = live_board.listen(live_board.position(sees_all=True), sees_all=True)
        return [event async for chunk in stream for event in parse_events(chunk)]

    reading = asyncio.create_task(read_until_closed())
    await monitor.is_read.wait()
    live_board.close()
    events_until_closed = await reading
    assert events_until_closed == []


async def test_stream_ends_within_a_minute_to_reauthorise_its_reader(board: Board) -> None:
    live, began = LiveBoard(board.queries), board.clock.monotonic()
    events = [
        event
        async for chunk in live.listen(NO_POSITION_YET, sees_all=True)
        for event in parse_events(chunk)
    ]
    seconds = board.clock.monotonic() - began
    assert events
    # It ends after 45 s.
    assert 30 <= seconds <= 60


async def test_reader_who_missed_too_many_events_reloads_the_page(board: Board) -> None:
    row = board.stored_release()

    def save_300_releases(title: str) -> None:
        with board.store.transaction() as tx:
            for number in range(300):
                name = f"n{number}"
                tx.save(replace(row, release=name, body=row.body | {"id": name, "title": title}))

    save_300_releases("Before")
    stream = await open_stream(LiveBoard(board.queries))
    # A stream keeps only the last 256 events.
    save_300_releases("After")
    events = await read_events(stream, pulses=PULSES_UNTIL_STORE_IS_READ_AGAIN)
    # The event `renew` makes the page reload.
    assert [event.kind for event in events if event.kind != "pulse"] == ["renew"]


async def test_streams_are_limited_for_strangers_and_staff_separately(board: Board) -> None:
    # One stream at once is allowed for strangers, and one for staff.
    live = LiveBoard(board.queries, most=1)
    stream_of_a_stranger = live.listen(NO_POSITION_YET, sees_all=False)
    await anext(stream_of_a_stranger)
    assert live.is_full(sees_all=False)
    assert not live.is_full(sees_all=True)


async def test_events_address_streams_pulses(board: Board) -> None:
    async with (
        serving(make_application(board.queries)) as base,
        httpx.AsyncClient() as client,
        client.stream("GET", f"{base}/events") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        # A stream regularly sends a pulse. It ends after 45 s, which pass at once by the clock of
        # the board.
        assert "event: pulse" in [line async for line in answer.aiter_lines()]


async def test_events_address_refuses_unknown_parameters_and_requests_after_closing(
    board: Board,
) -> None:
    """A page gets its changes from the address /events. An unknown parameter gets 400. Once the
    board closes its streams, a request gets 503 and may be sent again in 10 s.
    """
    app = make_application(board.queries)
    async with serving(app) as base, httpx.AsyncClient() as client:
        assert (await client.get(f"{base}/events?since=1")).status_code == 400
        app.close()
        after_close = await client.get(f"{base}/events")
        assert (after_close.status_code, after_close.headers["Retry-After"]) == (503, "10")
