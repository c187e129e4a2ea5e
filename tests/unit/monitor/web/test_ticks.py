"""People tick on a release's page, and the publishing tool by the API, what is prepared."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from alerts.ticks import PAST, Tick
from tests.unit.monitor.web.board import WITH_TOKEN, Board, a_board
from tests.unit.monitor.web.people import DUTY, VIEWER, hidden_field, signed_in_board

TICKS = "/api/v1/releases/next/ticks"


def announce_for_tomorrow(board: Board, release: str = "next") -> None:
    board.announce_for_tomorrow(release)
    board.judge_unwatched()


async def post_tick(board: Board, **fields: str) -> httpx.Response:
    return await board.client.post(TICKS, json=fields, headers=WITH_TOKEN)


async def states_of_checks(board: Board) -> dict[str, str]:
    """Return the state of each check of the release, more than a minute later."""
    board.clock.seconds += 61
    answer = await board.client.get("/api/v1/readiness", headers=WITH_TOKEN)
    lines = (line for line in answer.json()["lines"] if line["release"] == "next")
    return {line["check"]: line["state"] for line in lines}


async def test_ticks_of_a_person_are_kept_with_account_and_role(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        announce_for_tomorrow(board)
        page = await board.client.get("/releases/next")
        assert page.text.count('type="checkbox"') == 4
        form = {"guard": hidden_field(page, "guard"), "scheduled": "on", "list_sent": "on"}
        sent = await board.client.post("/releases/next/ticks", data=form)
        assert sent.status_code == 303
        page = await board.client.get("/releases/next")
        assert page.text.count('type="checkbox"') == 2
        assert PAST[Tick.SCHEDULED] in page.text
        (first, second) = board.store.verdicts.acts("next")
        assert {first.what, second.what} == {"ticked_scheduled", "ticked_list_sent"}
        assert (first.account, first.role) == ("user:anne", "duty statistician")


async def test_form_of_a_release_with_a_slash_in_its_id_arrives(users: Path) -> None:
    """Both forms of its page. They have no tick and no time, which is what is refused."""
    async with signed_in_board(users, DUTY) as board:
        announce_for_tomorrow(board, "cal/next")
        page = await board.client.get("/releases/cal/next")
        form = {"guard": hidden_field(page, "guard")}
        for path in ("ticks", "slot"):
            sent = await board.client.post(f"/releases/cal/next/{path}", data=form)
            assert sent.status_code == 400, path


async def test_form_without_a_tick_is_refused(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        announce_for_tomorrow(board)
        page = await board.client.get("/releases/next")
        form = {"guard": hidden_field(page, "guard")}
        sent = await board.client.post("/releases/next/ticks", data=form)
        assert "Tick what was done." in sent.text
        assert board.store.verdicts.acts("next") == []


async def test_viewer_and_stranger_cannot_tick(users: Path) -> None:
    async with signed_in_board(users, VIEWER) as board:
        announce_for_tomorrow(board)
        page = await board.client.get("/releases/next")
        assert 'type="checkbox"' not in page.text
    async with a_board() as board:
        announce_for_tomorrow(board)
        board.queries.local = False
        assert (await board.client.post(TICKS, json={"tick": "scheduled"})).status_code == 401
        assert (await board.client.get(TICKS)).status_code == 403


async def test_publishing_tool_ticks_by_the_api() -> None:
    async with a_board() as board:
        announce_for_tomorrow(board)
        assert (await states_of_checks(board))["ticks"] == "not_known"
        names = ("scheduled", "files_uploaded", "list_sent", "second_named")
        for name in names:
            answer = await post_tick(board, tick=name)
            assert answer.status_code == 200
        ticks = answer.json()["ticks"]
        assert {one["tick"] for one in ticks} == set(names)
        assert {(one["account"], one["role"]) for one in ticks} == {("token:program", "program")}
        assert (await states_of_checks(board))["ticks"] == "ready"


async def test_another_time_in_the_publishing_tool_is_not_ready_until_it_is_corrected() -> None:
    async with a_board() as board:
        announce_for_tomorrow(board)
        answer = await post_tick(board, tick="scheduled", time="2018-01-06T10:30:00Z")
        assert answer.json()["ticks"][0]["tick"] == "scheduled_otherwise"
        assert (await states_of_checks(board))["scheduled"] == "not_ready"
        await post_tick(board, tick="scheduled", time="2018-01-06T09:30:00Z")
        assert "scheduled" not in await states_of_checks(board)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"tick": "hidden"}, 400),
        ({"tick": "published", "time": "2018-01-06T10:30:00Z"}, 409),
        ({"tick": "scheduled", "time": "2018-01-06T10:30:00"}, 400),
    ],
)
async def test_unknown_tick_or_a_time_that_is_not_scheduled_is_refused(
    fields: dict[str, str], status: int
) -> None:
    async with a_board() as board:
        announce_for_tomorrow(board)
        assert (await post_tick(board, **fields)).status_code == status
        assert board.store.verdicts.acts("next") == []


async def test_release_that_is_not_known_cannot_be_ticked() -> None:
    async with a_board() as board:
        answer = await board.client.post(
            "/api/v1/releases/nothing/ticks", json={"tick": "scheduled"}, headers=WITH_TOKEN
        )
        assert answer.status_code == 404


async def test_tick_during_an_incident_is_added_to_it_and_acknowledges_nothing() -> None:
    async with a_board() as board:
        answer = await board.client.post(
            "/api/v1/releases/r/ticks", json={"tick": "published"}, headers=WITH_TOKEN
        )
        assert answer.status_code == 200
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert [one.text for one in incident.ticks] == [PAST[Tick.PUBLISHED]]
        assert incident.acknowledged is None
