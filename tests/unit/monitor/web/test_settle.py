"""The form and the operation by which staff say which time a calendar's text means."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from tests.unit.monitor.web.board import WITH_TOKEN, Board, a_board
from tests.unit.monitor.web.people import DUTY, VIEWER, hidden_field, signed_in_board
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise, a_release, a_slot

FIRST, SECOND = after_slot(86400), after_slot(90000)
DOUBTFUL = a_promise(
    a_slot(FIRST, doubt="zone", raw="9:30am BST", readings=(FIRST, SECOND)), release="coming"
)
TIMES = ["2018-01-06T09:30:00.000Z", "2018-01-06T10:30:00.000Z"]


def add_doubtful_release(board: Board) -> None:
    async def settle(release: str, meant: datetime, by: str) -> None:
        (asked,) = board.store.ledger.promises([release])
        with board.store.transaction() as tx:
            tx.add_promises([asked.settle(meant, by, board.clock.now())])

    with board.store.transaction() as tx:
        tx.save(a_release(id="coming", title="Coming", url="https://stats.example/coming"))
        tx.add_promises([DOUBTFUL])
    assert board.queries.desk is not None
    board.queries.desk = replace(board.queries.desk, settle_promise=settle)
    board.judge_unwatched()


async def send(board: Board, **fields: str) -> httpx.Response:
    page = await board.client.get("/releases/coming")
    form = {"guard": hidden_field(page, "guard"), **fields}
    return await board.client.post("/releases/coming/slot", data=form)


async def test_staff_choose_among_the_times_that_the_text_can_mean(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        add_doubtful_release(board)
        page = (await board.client.get("/releases/coming")).text
        assert all(f'name="meant" value="{time}"' in page for time in TIMES)
        sent = await send(board, meant=TIMES[1])
        assert sent.status_code == 303
        page = (await board.client.get("/releases/coming")).text
        assert "The duty statistician said on" in page
        assert "10:30 GMT is meant" in page


async def test_another_time_is_refused_on_the_page(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        add_doubtful_release(board)
        refused = await send(board, meant="2018-01-06T11:30:00Z")
        assert refused.status_code == 400
        assert "cannot mean this time" in refused.text
        assert (await send(board, meant="soon")).status_code == 400


async def test_viewers_and_forms_without_the_guard_settle_nothing(users: Path) -> None:
    async with signed_in_board(users, VIEWER) as board:
        add_doubtful_release(board)
        assert 'name="meant"' not in (await board.client.get("/releases/coming")).text
        sent = await board.client.post("/releases/coming/slot", data={"meant": TIMES[0]})
        assert sent.status_code == 403
    async with signed_in_board(users, DUTY) as board:
        add_doubtful_release(board)
        sent = await board.client.post("/releases/coming/slot", data={"meant": TIMES[0]})
        assert sent.status_code == 403
        assert board.store.ledger.promises(["coming"]) == [DOUBTFUL]


async def test_a_day_without_a_clear_time_takes_a_typed_one(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        add_doubtful_release(board)
        day = FIRST.date() + timedelta(days=1)
        unread = a_slot(day, doubt="unreadable-date", raw="half nine")
        with board.store.transaction() as tx:
            tx.replace_promises([DOUBTFUL], [replace(DOUBTFUL, slot=unread)])
        sent = await send(board, day=f"{day:%d/%m/%Y}", time="9.30am")
        assert sent.status_code == 303
        *_, answer = board.store.ledger.promises(["coming"])
        assert answer.slot.instant == FIRST + timedelta(days=1)


async def test_programs_answer_by_the_api() -> None:
    async with a_board() as board:
        add_doubtful_release(board)
        sent = {"meant": TIMES[1]}
        path = "/api/v1/releases/coming/slot"
        assert (await board.client.post(path, json=sent)).status_code == 401
        answer = await board.client.post(path, json=sent, headers=WITH_TOKEN)
        assert answer.status_code == 200
        slot = answer.json()["slot"]
        assert (slot["readings"], slot["settled"]["readings"]) == ([TIMES[1]], TIMES)
        wrong = {**sent, "meant": "2018-01-06T11:30:00Z"}
        refused = await board.client.post(path, json=wrong, headers=WITH_TOKEN)
        assert refused.status_code == 409
