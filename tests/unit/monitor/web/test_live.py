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
from monitor.web.queries import Pulse
from tests.browser.pages import serving
from tests.unit.monitor.web.board import Board, Live, a_board
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import judged


@dataclass
class Broken(Live):
    """A monitor with a store that cannot be read."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def pulses(self) -> dict[str, Pulse]:
        self.asked.set()
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
            events.append(StreamEvent(lines["event"], json.loads(lines["data"]), lines.get("id", "")))
    return events


async def read_events(stream: AsyncIterator[bytes], pulses: int = 1) -> list[StreamEvent]:
    """Return the events until this many pulses were received."""
    result: list[StreamEvent] = []
    async for chunk in stream:
        result += parse_events(chunk)
        if sum(one.kind == "pulse" for one in result) >= pulses:
            return result
    return result


def change_release(board: Board, release: str, **values: object) -> None:
    row = board.store.verdicts.judged_one(release)
    assert row is not None
    with board.store.transaction() as tx:
        tx.save_judged(replace(row, body=row.body | values))


def changed_parts(result: list[StreamEvent]) -> dict[str, str]:
    return {one.data["element"]: one.data["html"] for one in result if one.kind == "swap"}


async def test_page_made_before_the_first_stream_reloads_once() -> None:
    async with a_board() as board:
        live = LiveBoard(board.queries)
        first = await read_events(live.listen(live.position(sees_all=True), sees_all=True))
        again = await read_events(live.listen(live.position(sees_all=True), sees_all=True))
    assert [one.kind for one in first] == ["renew", "pulse"]
    assert [one.kind for one in again] == ["pulse"]


async def test_stream_sends_changed_parts_as_the_page_shows_them() -> None:
    async with a_board() as board:
        live = LiveBoard(board.queries)
        stream = live.listen("", sees_all=True)
        await read_events(stream)
        change_release(board, "r", title="<b>Malpractice</b>")
        result = changed_parts(await read_events(stream, 11))
        row = result[element_id("r")]
        assert "&lt;b&gt;Malpractice&lt;/b&gt;" in row
        page = (await board.client.get("/?date=2018-01-05")).text
    assert " ".join(row.split()) in " ".join(page.split())


async def test_recorded_change_is_sent_at_the_next_beat() -> None:
    async with a_board() as board:
        board.running.watched["r"] = Pulse(object(), after_slot(599))
        live = LiveBoard(board.queries)
        stream = live.listen("", sees_all=True)
        await read_events(stream, 2)
        verdict = judged(500, {"page": [a_run("page", ABSENT, -60, 500)]})
        board.running.bodies["r"] = body_of(verdict, None) | {"title": "Another"}
        board.running.watched["r"] = Pulse(object(), after_slot(600))
        assert "Another" in changed_parts(await read_events(stream, 2))[element_id("r")]


async def test_stream_resumes_after_its_last_event_and_an_old_page_reloads() -> None:
    async with a_board() as board:
        live = LiveBoard(board.queries)
        stream = live.listen("", sees_all=True)
        await read_events(stream)
        where = live.position(sees_all=True)
        change_release(board, "r", title="Once")
        missed = changed_parts(await read_events(stream, 11))
        resumed = await read_events(live.listen(where, sees_all=True))
        strange = [await read_events(live.listen(it, sees_all=True)) for it in ("", "else-1", f"{where}9999", "x")]
    assert changed_parts(resumed) == missed
    assert [result[0].kind for result in strange] == ["renew"] * 4


async def events_for_strangers(board: Board, *, is_out: bool) -> list[StreamEvent]:
    """Return the events for strangers before a slot, for a release that is out early or not."""
    absent = [a_run("early/page/edge", ABSENT, -7200, -600)]
    present = [a_run("early/page/edge", PRESENT, -595, -301)] if is_out else []
    release = {
        "release": a_release(id="early", title="Example prices: monthly"),
        "promises": [a_promise(release="early")],
    }
    verdict = judged(-300, {"early/page/edge": [*absent, *present]}, **release)
    quiet = judged(-600, {"early/page/edge": absent}, **release)
    board.queries.local, board.clock.at = False, after_slot(-320)
    change_release(board, "early", **body_of(quiet, None))
    live, staff = LiveBoard(board.queries), []
    strangers, others = live.listen("", sees_all=False), live.listen("", sees_all=True)
    result = await read_events(strangers)
    staff += await read_events(others)
    change_release(board, "early", **body_of(verdict, None))
    board.running.bodies["early"] = body_of(verdict, None)
    board.running.watched["early"] = Pulse(object(), after_slot(-301))
    result += await read_events(strangers, 14)
    staff += await read_events(others, 14)
    assert is_out is any("out early" in html for html in changed_parts(staff).values())
    return [replace(one, id=one.id.partition("-")[2]) for one in result]


async def test_stream_for_strangers_before_the_slot_does_not_depend_on_what_is_out() -> None:
    worlds = []
    for is_out in (False, True):
        async with a_board() as board:
            worlds.append(await events_for_strangers(board, is_out=is_out))
    assert worlds[0] == worlds[1]
    assert all(one.data["looked"] == {} for one in worlds[0] if one.kind == "pulse")


async def test_pulse_contains_the_time_and_the_last_looks() -> None:
    async with a_board() as board:
        board.running.watched["r"] = Pulse(None, after_slot(599))
        live = LiveBoard(board.queries)
        (pulse,) = [one for one in await read_events(live.listen("", sees_all=True)) if one.kind == "pulse"]
    assert pulse.data["clock"].startswith("09:40:0")
    assert pulse.data["looked"] == {element_id("r"): round(after_slot(599).timestamp() * 1000)}


async def test_stream_sends_no_pulse_while_the_store_cannot_be_read() -> None:
    async with a_board() as board:
        live, running = LiveBoard(board.queries), Broken()
        board.queries.live = running
        result: list[bytes] = []

        async def listen() -> None:
            async for chunk in live.listen(live.position(sees_all=True), sees_all=True):
                result.append(chunk)  # noqa: PERF401 # events before it ends

        task = asyncio.create_task(listen())
        await running.asked.wait()
        live.close()
        await task
    assert [one for chunk in result for one in parse_events(chunk)] == []


async def test_stream_ends_so_that_its_reader_is_authorised_again() -> None:
    async with a_board() as board:
        live, began = LiveBoard(board.queries), board.clock.monotonic()
        result = [one async for chunk in live.listen("", sees_all=True) for one in parse_events(chunk)]
        lasted = board.clock.monotonic() - began
    assert result
    assert 30 <= lasted <= 60


async def test_reader_who_missed_too_many_events_reloads_the_page() -> None:
    async with a_board() as board:
        row = board.store.verdicts.judged_one("r")
        assert row is not None

        def promise(title: str) -> None:
            with board.store.transaction() as tx:
                for number in range(300):
                    name = f"n{number}"
                    tx.save_judged(replace(row, release=name, body=row.body | {"id": name, "title": title}))

        promise("Before")
        live = LiveBoard(board.queries)
        stream = live.listen("", sees_all=True)
        await read_events(stream)
        promise("After")
        result = await read_events(stream, 11)
    assert [one.kind for one in result if one.kind != "pulse"] == ["renew"]


async def test_streams_are_limited_for_strangers_and_staff_separately() -> None:
    async with a_board() as board:
        live = LiveBoard(board.queries, most=1)
        stranger = live.listen("", sees_all=False)
        await anext(stranger)
        assert live.is_full(sees_all=False)
        assert not live.is_full(sees_all=True)


async def test_the_board_sends_an_event_stream_and_refuses_a_wrong_position() -> None:
    async with a_board() as board:
        board.queries.redactor = lambda text: text.replace("Malpractice", "[hidden]")
        app = make_application(board.queries)
        async with serving(app) as base, httpx.AsyncClient() as client:
            async with client.stream("GET", f"{base}/events") as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                assert answer.headers["cache-control"] == "no-store"
                async for line in answer.aiter_lines():
                    if line == "event: pulse":
                        break
            refused = await client.get(f"{base}/events?since=1")
            app.close()
            full = await client.get(f"{base}/events")
    assert (refused.status_code, full.status_code, full.headers["Retry-After"]) == (400, 503, "10")
