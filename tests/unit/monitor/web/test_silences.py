"""Muting messages on the page and by programs: rights, display, and refusals."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from alerts.silence import Scope, Silence
from tests.unit.monitor.web.board import KEYS, TITLE, Board, a_board
from tests.unit.monitor.web.people import users_file, working
from tests.unit.monitor.web.test_signin import hidden
from tests.worlds.instants import after_slot

ASKED = {"of": "release", "name": "r", "until": "2018-01-05T12:00:00Z", "reason": "moves", "role": "web team"}
TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return users_file(tmp_path_factory.mktemp("people"))


def silences(board: Board) -> list[Silence]:
    return board.store.outbox.silences(board.clock.now())


async def send(board: Board, **changes: str) -> httpx.Response:
    page = await board.client.get(f"/silences?incident={board.incident}")
    guard = hidden(page, "guard") if 'name="guard"' in page.text else ""
    sent = {"guard": guard, "of": f"incident {board.incident}", "reason": "their site moves", "until": "", **changes}
    return await board.client.post("/silences", data=sent)


async def end(board: Board, silence: str) -> httpx.Response:
    sent = {"guard": hidden(await board.client.get("/silences"), "guard"), "silence": silence}
    return await board.client.post("/silences/end", data=sent)


async def test_silence_is_made_shown_and_ended_on_the_page(users: Path) -> None:
    async with working(users) as board:
        assert (await send(board, until="2018-01-05T13:30")).status_code == 303
        (made,) = silences(board)
        assert (made.name, made.by, made.begins, made.until) == (
            board.incident,
            "duty statistician",
            after_slot(600),
            after_slot(4 * 3600),
        )
        for page in ("/", f"/incidents/{board.incident}", "/silences"):
            result = (await board.client.get(page)).text
            assert "by duty statistician: their site moves" in result
            assert f"{TITLE}, until" in result or f"<strong>{TITLE}</strong>" in result
        assert (await end(board, made.id)).status_code == 303
        assert [one.ended_by for one in silences(board)] == ["duty statistician"]
        assert "Muted" not in (await board.client.get("/")).text


async def test_planned_work_is_muted_ahead_listed_and_cancelled(users: Path) -> None:
    async with working(users) as board:
        sent = {"of": "host www.gov.uk", "from": "2018-01-08T18:00", "until": "2018-01-08T20:00"}
        assert (await send(board, **sent)).status_code == 303
        (made,) = silences(board)
        assert (made.scope, made.name, made.until - made.begins) == (Scope.HOST, "www.gov.uk", timedelta(hours=2))
        assert "their site moves" in (await board.client.get("/silences")).text
        assert "their site moves" not in (await board.client.get("/")).text
        assert (await end(board, made.id)).status_code == 303
        assert "their site moves" not in (await board.client.get("/silences")).text
        assert (await end(board, made.id)).status_code == 404


@pytest.mark.parametrize("link", ["/incidents/{late}", "/releases/r"])
async def test_incident_and_release_pages_link_to_the_silence_form_filled_in(users: Path, link: str) -> None:
    async with working(users) as board:
        page = (await board.client.get(link.format(late=board.incident))).text
        (where,) = re.findall(r'href="(/silences\?[^"]*)"', page)
        form = (await board.client.get(where)).text
        chosen = '"incident ' + board.incident if "incident" in link else '"release r'
        assert f'<option value={chosen}" selected>' in form
        assert f"This release: {TITLE}" in form
        assert '<optgroup label="All of a producer"><option value="producer ofqual">' in form
        assert '<option value="host www.gov.uk">www.gov.uk</option>' in form


@pytest.mark.parametrize(
    ("change", "box"),
    [
        ({"reason": " "}, "reason"),
        ({"from": "soon"}, "from"),
        ({"from": "2019-01-05T09:30", "until": "2019-01-05T10:30"}, "from"),
        ({"until": "2018-01-05T09:00"}, "until"),
        ({"of": "everything"}, "of"),
    ],
)
async def test_invalid_silence_shows_the_fault_at_its_box(users: Path, change: dict[str, str], box: str) -> None:
    async with working(users) as board:
        answer = await send(board, **change)
        assert answer.status_code == 400
        assert f'id="{box}-fault"' in answer.text
        assert silences(board) == []


async def test_viewer_and_foreign_form_make_no_silence(users: Path) -> None:
    async with working(users, "vic") as board:
        assert (await board.client.get("/silences")).status_code == 403
        assert (await send(board, guard="x")).status_code == 403
    async with working(users) as board:
        assert (await send(board, guard="x")).status_code == 403
        assert silences(board) == []


async def test_program_needs_a_token_to_make_a_silence() -> None:
    async with a_board() as board:
        refused = await board.client.post("/api/v1/silences", json=ASKED)
        assert refused.status_code == 401
        assert silences(board) == []
        made = await board.client.post("/api/v1/silences", json=ASKED, headers=TOKEN)
        assert made.status_code == 201
        listed = await board.client.get("/api/v1/silences", headers=TOKEN)
        assert listed.json() == {"silences": [made.json()]}


async def test_strangers_see_no_silence(users: Path) -> None:
    async with a_board(public=True, users=users) as board:
        await board.client.post("/api/v1/silences", json=ASKED, headers=TOKEN)
        assert len(silences(board)) == 1
        assert (await board.client.get("/api/v1/silences")).json() == {"silences": []}
        assert "Muted" not in (await board.client.get("/")).text


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"name": "s"}, 404, "no release 's'"),
        ({"until": "noon"}, 400, "until: Input should be a valid datetime"),
        ({"until": "2018-01-05T12:00:00"}, 400, "until: Input should have timezone info"),
        ({"until": "2028-01-05T12:00:00Z"}, 409, "within 14 days"),
        ({"reason": " "}, 400, "reason: "),
        ({"role": 5}, 400, "role: Input should be a valid string"),
        ({"of": "everyone"}, 400, "of: Input should be 'release', 'producer', 'host' or 'incident'"),
    ],
)
async def test_invalid_silence_of_a_program_is_refused_with_the_reason(
    change: dict[str, object], status: int, expected: str
) -> None:
    async with a_board() as board:
        answer = await board.client.post("/api/v1/silences", json={**ASKED, **change}, headers=TOKEN)
        assert answer.status_code == status
        assert expected in answer.json()["detail"]
