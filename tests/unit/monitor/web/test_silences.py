"""Messages held back from an incident's page and by programs: who may, what is shown, what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from alerts.silence import Silence
from tests.unit.monitor.web.board import KEYS, Board, a_board
from tests.unit.monitor.web.people import users_file, working
from tests.unit.monitor.web.test_signin import hidden

ASKED = {"of": "release", "name": "r", "until": "2018-01-05T12:00:00Z", "reason": "moves", "role": "web team"}
TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return users_file(tmp_path_factory.mktemp("people"))


def silences(board: Board) -> list[Silence]:
    return board.store.outbox.silences(board.clock.now())


async def send(board: Board, **changes: str) -> httpx.Response:
    page = await board.client.get(f"/incidents/{board.incident}")
    guard = hidden(page, "guard") if 'name="guard"' in page.text else ""
    sent = {"guard": guard, "of": "incident", "hours": "4", "reason": "their site moves", **changes}
    return await board.client.post(f"/incidents/{board.incident}/silence", data=sent)


async def test_a_silence_is_made_on_the_page_shown_and_ended(users: Path) -> None:
    async with working(users) as board:
        assert (await send(board)).status_code == 303
        (made,) = silences(board)
        assert (made.name, made.by, made.until - made.begins) == (
            board.incident,
            "duty statistician",
            timedelta(hours=4),
        )
        for page in ("/", f"/incidents/{board.incident}"):
            assert "by duty statistician: their site moves" in (await board.client.get(page)).text
        page = await board.client.get(f"/incidents/{board.incident}")
        sent = {"guard": hidden(page, "guard"), "silence": made.id}
        assert (await board.client.post(f"/incidents/{board.incident}/silence/end", data=sent)).status_code == 303
        assert [one.ended_by for one in silences(board)] == ["duty statistician"]
        assert "Messages are held back" not in (await board.client.get("/")).text


async def test_without_a_reason_it_is_asked_for(users: Path) -> None:
    async with working(users) as board:
        answer = await send(board, reason=" ")
        assert answer.status_code == 400
        assert "say why" in answer.text
        assert silences(board) == []


async def test_a_viewer_and_a_form_of_another_page_make_none(users: Path) -> None:
    async with working(users, "vic") as board:
        assert (await send(board, guard="x")).status_code == 403
    async with working(users) as board:
        assert (await send(board, guard="x")).status_code == 403
        assert silences(board) == []


async def test_a_program_makes_one_with_the_token_alone() -> None:
    async with a_board() as board:
        refused = await board.client.post("/api/v1/silences", json=ASKED)
        assert refused.status_code == 401
        assert silences(board) == []
        made = await board.client.post("/api/v1/silences", json=ASKED, headers=TOKEN)
        assert made.status_code == 201
        listed = await board.client.get("/api/v1/silences", headers=TOKEN)
        assert listed.json() == {"silences": [made.json()]}


async def test_strangers_are_told_of_no_silence(users: Path) -> None:
    async with a_board(public=True, users=users) as board:
        await board.client.post("/api/v1/silences", json=ASKED, headers=TOKEN)
        assert len(silences(board)) == 1
        assert (await board.client.get("/api/v1/silences")).json() == {"silences": []}
        assert "held back" not in (await board.client.get("/")).text


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"name": "s"}, 404, "no release 's'"),
        ({"until": "noon"}, 400, "until: Input should be a valid datetime"),
        ({"until": "2018-01-05T12:00:00"}, 400, "until: Input should have timezone info"),
        ({"until": "2028-01-05T12:00:00Z"}, 409, "within 14 days"),
        ({"reason": " "}, 400, "reason: "),
        ({"role": 5}, 400, "role: Input should be a valid string"),
        ({"of": "host"}, 400, "of: Input should be 'release', 'producer' or 'incident'"),
    ],
)
async def test_what_makes_no_silence_is_told_to_a_program(change: dict[str, object], status: int, told: str) -> None:
    async with a_board() as board:
        answer = await board.client.post("/api/v1/silences", json={**ASKED, **change}, headers=TOKEN)
        assert answer.status_code == status
        assert told in answer.json()["detail"]
