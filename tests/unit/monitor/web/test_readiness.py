"""Staff see on the board and by the API what is not ready for the next slots."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from monitor.store.sql.read import VerdictStore
from monitor.web import answers
from tests.unit.monitor.web.board import TOMORROW, WITH_TOKEN, Board, UnreadableVerdicts, a_board
from tests.unit.monitor.web.people import signed_in_board
from tests.worlds.instants import HOUR

HEADING = "Before the next slot"


async def read_api(board: Board, query: str = "") -> dict[str, Any]:
    answer = await board.client.get(f"/api/v1/readiness{query}", headers=WITH_TOKEN)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_board_shows_staff_what_is_not_ready_and_what_to_do(users: Path) -> None:
    async with signed_in_board(users) as board:
        board.announce_for_tomorrow()
        page = await board.read_page("/")
        assert HEADING in page
        assert "Saturday 6 January 2018, 09:30: " in page
        assert "Not ready</strong>: monitor: no monitor writes to the store. Start one" in page


async def test_board_of_a_day_shows_readiness_only_while_a_slot_is_ahead(users: Path) -> None:
    async with signed_in_board(users) as board:
        board.announce_for_tomorrow()
        assert HEADING in await board.read_page("/?date=2018-01-06")
        assert HEADING not in await board.read_page("/?date=2018-01-04")
        board.clock.at = TOMORROW + HOUR
        assert HEADING not in await board.read_page("/")


async def test_strangers_learn_nothing_of_readiness() -> None:
    async with a_board() as board:
        board.queries.local = False
        board.announce_for_tomorrow()
        assert HEADING not in await board.read_page("/")
        assert (await board.client.get("/api/v1/readiness")).status_code == 403


async def test_api_lists_each_check_of_a_day_or_of_the_next_slots() -> None:
    async with a_board() as board:
        board.announce_for_tomorrow()
        body = await read_api(board)
        answers.Assessment.model_validate(body, extra="forbid")
        assert body == await read_api(board, "?date=2018-01-06")
        assert (body["ready"], body["slots"]) == (False, ["2018-01-06T09:30:00.000Z"])
        promise = next(line for line in body["lines"] if line["check"] == "promise")
        assert promise == {
            "area": "promise",
            "check": "promise",
            "subject": "Prices of tomorrow",
            "release": "next",
            "state": "ready",
            "reason": "govuk showed Saturday 6 January 2018, 09:30 GMT at 09:40 GMT",
            "todo": "",
        }
        assert (await read_api(board, "?date=2018-02-01"))["lines"] == []


async def test_assessment_is_at_most_a_minute_old() -> None:
    async with a_board() as board:
        assert (await read_api(board))["slots"] == []
        board.announce_for_tomorrow()
        assert (await read_api(board))["slots"] == []
        board.clock.seconds += 61
        assert (await read_api(board))["slots"] == ["2018-01-06T09:30:00.000Z"]


async def test_board_without_a_store_has_no_band_but_its_releases(users: Path) -> None:
    async with signed_in_board(users) as board:
        board.announce_for_tomorrow()
        board.store.verdicts = cast("VerdictStore", UnreadableVerdicts())
        page = await board.read_page("/")
        assert "Due today" in page
        assert HEADING not in page
