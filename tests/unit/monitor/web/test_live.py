"""Open boards read `/board` every few seconds: the main part of the front page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

import httpx
import pytest

from monitor.deliver.assessment import body_of
from monitor.errors import StoreFault
from monitor.web.pages import millis
from tests.unit.monitor.web.board import Board, Live, a_board
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import judged


@dataclass
class MonitorWithoutStore(Live):
    """A monitor with a store that cannot be read."""

    def last_looks(self) -> dict[str, datetime | None]:
        raise StoreFault("the disk is gone")


async def poll(board: Board, etag: str = "", path: str = "/board") -> httpx.Response:
    """Return the next answer of an open board, two seconds after the last one."""
    board.clock.seconds += 2
    return await board.client.get(path, headers={"If-None-Match": etag} if etag else {})


async def test_open_board_gets_the_main_part_of_the_page(board: Board) -> None:
    answer = await poll(board)
    page = await board.read_page("/")
    row = re.compile(r'<tr id="release-r">.*?</tr>', re.DOTALL)
    assert row.findall(answer.text) == row.findall(page)
    assert "<html" not in answer.text
    assert answer.headers["Board-Now"] == str(millis(board.clock.now()))
    assert answer.headers["Board-Clock"] == "09:40:02 GMT"


async def test_unchanged_board_is_not_sent_again(board: Board) -> None:
    first = await poll(board)
    second = await poll(board, first.headers["ETag"])
    assert (second.status_code, second.content) == (304, b"")
    # The browser knows by the time in the headers that the board is still live.
    assert second.headers["Board-Now"] > first.headers["Board-Now"]
    board.change_release(title="<b>Another title</b>")
    third = await poll(board, first.headers["ETag"])
    assert third.status_code == 200
    assert "&lt;b&gt;Another title&lt;/b&gt;" in third.text


async def test_browsers_that_see_the_same_share_one_board(board: Board) -> None:
    """It is made at most once a second, and each filter has its own."""
    first = await poll(board)
    board.change_release(title="Another title")
    within_a_second = await board.client.get("/board")
    with_a_filter = await board.client.get("/board?q=another")
    assert within_a_second.text == first.text
    assert "Another title" in with_a_filter.text


async def test_no_cache_may_keep_a_board_for_another_person(board: Board) -> None:
    answer = await poll(board)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in answer.headers["Vary"]


async def test_last_looks_are_fresh_in_the_first_answer(board: Board) -> None:
    board.running.watched["r"] = after_slot(590)
    await poll(board)
    board.running.watched["r"] = after_slot(598)
    assert f'data-ago="{millis(after_slot(598))}"' in (await poll(board)).text


@pytest.mark.parametrize(
    ("seconds", "pause"),
    [(-7200, "10"), (-600, "2"), (30, "2"), (600, "2")],
    ids=["two hours before the slot", "ten minutes before", "just after", "ten minutes after"],
)
async def test_boards_are_read_more_often_near_a_slot(
    board: Board, seconds: float, pause: str
) -> None:
    board.clock.at = after_slot(seconds)
    board.change_release(verdict="pending")
    assert (await poll(board)).headers["Board-Next"] == pause


async def polled_by_strangers(*, is_out: bool) -> list[tuple[int, str, str]]:
    """Return status, headers and length of each answer while a release is, or is not, early."""
    release = {
        "release": a_release(id="early", title="Example prices: monthly"),
        "promises": [a_promise(release="early")],
    }
    absent = a_run("early/page/edge", ABSENT, -600, -302)
    present = [a_run("early/page/edge", PRESENT, -595, -301)] if is_out else []
    answers = []
    async with a_board() as board:
        board.view_as_stranger()
        board.clock.at = after_slot(-320)
        before = judged(-600, {"early/page/edge": [absent]}, **release)
        board.change_release("early", **body_of(before, None))
        etag = ""
        for second in range(10):
            if second == 3:
                verdict = judged(-300, {"early/page/edge": [absent, *present]}, **release)
                board.change_release("early", **body_of(verdict, None))
                board.running.bodies["early"] = body_of(verdict, None)
                board.running.watched["early"] = after_slot(-301)
                staff = replace(board.queries, public=False, local=True, sees_all=True)
                rows = await staff.list_releases(staff.today(), staff.today())
                verdicts = {row["id"]: row["verdict"] for row in rows}
                assert (verdicts["early"] == "early") is is_out
            answer = await poll(board, etag)
            etag = answer.headers["ETag"]
            named = {key: value for key, value in answer.headers.items() if key != "x-request-id"}
            answers.append((answer.status_code, str(named), answer.text))
    return answers


async def test_strangers_cannot_tell_that_a_release_is_early() -> None:
    """Neither ETags nor lengths, headers or bytes differ, answer by answer."""
    assert await polled_by_strangers(is_out=True) == await polled_by_strangers(is_out=False)


async def test_board_that_cannot_be_made_is_an_error(board: Board) -> None:
    board.queries.live = MonitorWithoutStore()
    assert (await poll(board)).status_code == 503


async def test_unknown_parameter_is_refused(board: Board) -> None:
    assert (await poll(board, path="/board?since=1")).status_code == 400
