"""Muting messages on the page and by programs: rights, display, and refusals."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from alerts.silence import Scope, Silence
from tests.unit.monitor.web.board import SILENCE_OF_R, TITLE, WITH_TOKEN, Board, a_board
from tests.unit.monitor.web.people import VIEWER, hidden_field, signed_in_board
from tests.worlds.instants import after_slot


def list_silences(board: Board) -> list[Silence]:
    return board.store.outbox.silences(board.clock.now())


async def send_silence_form(board: Board, **changes: str) -> httpx.Response:
    """Send the form that mutes the late incident, with changes."""
    page = await board.client.get(f"/silences?incident={board.incident}")
    guard = hidden_field(page, "guard") if 'name="guard"' in page.text else ""
    form = {
        "guard": guard,
        "of": f"incident {board.incident}",
        "reason": "their site moves",
        "until": "",
        **changes,
    }
    return await board.client.post("/silences", data=form)


async def end_silence(board: Board, silence: str) -> httpx.Response:
    form = {"guard": hidden_field(await board.client.get("/silences"), "guard"), "silence": silence}
    return await board.client.post("/silences/end", data=form)


async def test_silence_is_made_shown_and_ended_on_the_page(users: Path) -> None:
    """A silence stops notices, here those of the late incident. Its reason is "their site
    moves".
    """
    four_hours_after_slot = "2018-01-05T13:30"
    async with signed_in_board(users) as board:
        assert (await send_silence_form(board, until=four_hours_after_slot)).status_code == 303
        (made,) = list_silences(board)
        assert (made.name, made.by) == (board.incident, "duty statistician")
        assert (made.begins, made.until) == (board.clock.now(), after_slot(4 * 3600))
        for path in ("/", board.incident_page, "/silences"):
            page = await board.read_page(path)
            assert "by duty statistician: their site moves" in page
            # The board and the incident page have a sentence, and the page of silences a list.
            assert f"{TITLE}, until" in page or f"<strong>{TITLE}</strong>" in page
        assert (await end_silence(board, made.id)).status_code == 303
        assert [silence.ended_by for silence in list_silences(board)] == ["duty statistician"]
        assert "Muted" not in await board.read_page("/")


async def test_planned_silence_of_a_host_can_be_cancelled_once(users: Path) -> None:
    """A silence stops notices, here those about a host for two hours. Its reason is "their site
    moves". Only the page of silences shows a silence that has not begun.
    """
    async with signed_in_board(users) as board:
        planned = {"of": "host www.gov.uk", "from": "2018-01-08T18:00", "until": "2018-01-08T20:00"}
        assert (await send_silence_form(board, **planned)).status_code == 303
        (made,) = list_silences(board)
        assert (made.scope, made.name, made.until - made.begins) == (
            Scope.HOST,
            "www.gov.uk",
            timedelta(hours=2),
        )
        assert "their site moves" in await board.read_page("/silences")
        assert "their site moves" not in await board.read_page("/")
        assert (await end_silence(board, made.id)).status_code == 303
        assert "their site moves" not in await board.read_page("/silences")
        assert (await end_silence(board, made.id)).status_code == 404


@pytest.mark.parametrize(
    ("path", "option"), [("/incidents/{id}", "incident {id}"), ("/releases/r", "release r")]
)
async def test_incident_and_release_pages_link_to_a_prefilled_silence_form(
    users: Path, path: str, option: str
) -> None:
    """A silence stops notices.

    A case is a page. Its form proposes to silence that incident or that release.
    """
    async with signed_in_board(users) as board:
        page = await board.read_page(path.format(id=board.incident))
        (link_to_form,) = re.findall(r'href="(/silences\?[^"]*)"', page)
        form = await board.read_page(link_to_form)
        assert f'<option value="{option.format(id=board.incident)}" selected>' in form
        assert f"This release: {TITLE}" in form
        assert '<optgroup label="All of a producer"><option value="producer ofqual">' in form
        assert '<option value="host www.gov.uk">www.gov.uk</option>' in form


@pytest.mark.parametrize(
    ("change", "box"),
    [
        ({"reason": " "}, "reason"),
        ({"from": "soon"}, "from"),
        ({"from": "9999-12-31T23:59", "until": ""}, "from"),
        ({"from": "2019-01-05T09:30", "until": "2019-01-05T10:30"}, "from"),
        ({"until": "2018-01-05T09:00"}, "until"),
        ({"of": "everything"}, "of"),
    ],
)
async def test_invalid_silence_shows_the_fault_at_its_box(
    users: Path, change: dict[str, str], box: str
) -> None:
    """A silence begins within 90 days, lasts at most 14 days, and has a reason. It is 5 January
    2018, 09:40. For example, a silence without a reason shows its fault at the box `reason`.
    """
    async with signed_in_board(users) as board:
        answer = await send_silence_form(board, **change)
        assert answer.status_code == 400
        assert f'id="{box}-fault"' in answer.text
        assert list_silences(board) == []


async def test_viewer_cannot_make_a_silence_even_with_a_guard(users: Path) -> None:
    async with signed_in_board(users, VIEWER) as board:
        assert await board.status_of("/silences") == 403
        # The hidden field `guard` proves that a form is from a page of this session. A viewer has
        # one too.
        secret_of_session = hidden_field(await board.client.get("/"), "guard")
        assert (await send_silence_form(board, guard=secret_of_session)).status_code == 403
        assert list_silences(board) == []


async def test_form_with_a_wrong_guard_makes_no_silence(users: Path) -> None:
    """The guard is a hidden field of a form.

    It proves that the form is from a page of the same session.
    """
    async with signed_in_board(users) as board:
        assert (await send_silence_form(board, guard="x")).status_code == 403
        assert list_silences(board) == []


async def test_program_needs_a_token_to_make_a_silence(board: Board) -> None:
    refused = await board.client.post("/api/v1/silences", json=SILENCE_OF_R)
    assert refused.status_code == 401
    assert list_silences(board) == []
    made = await board.client.post("/api/v1/silences", json=SILENCE_OF_R, headers=WITH_TOKEN)
    assert made.status_code == 201
    listed = await board.client.get("/api/v1/silences", headers=WITH_TOKEN)
    assert listed.json() == {"silences": [made.json()]}


async def test_strangers_see_no_silence(users: Path) -> None:
    # People sign in on this public board. This client has not signed in, so it is a stranger.
    async with a_board(public=True, users=users) as board:
        await board.client.post("/api/v1/silences", json=SILENCE_OF_R, headers=WITH_TOKEN)
        assert len(list_silences(board)) == 1
        assert await board.read_json("/api/v1/silences") == {"silences": []}
        assert "Muted" not in await board.read_page("/")


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"name": "s"}, 404, 'no release "s"'),
        ({"until": "noon"}, 400, "until: Input should be a valid datetime"),
        ({"until": "2018-01-05T12:00:00"}, 400, "until: Input should have timezone info"),
        ({"until": "2028-01-05T12:00:00Z"}, 409, "within 14 days"),
        ({"reason": " "}, 400, "reason: "),
        (
            {"of": "everyone"},
            400,
            "of: Input should be 'release', 'producer', 'host' or 'incident'",
        ),
    ],
)
async def test_invalid_silence_of_a_program_is_refused_with_the_reason(
    board: Board, change: dict[str, object], status: int, reason: str
) -> None:
    """A case changes one field of a valid silence, which lasts at most 14 days. For example,
    `until` = "noon" gets 400, and a silence of the unknown release `s` gets 404.
    """
    answer = await board.client.post(
        "/api/v1/silences", json={**SILENCE_OF_R, **change}, headers=WITH_TOKEN
    )
    assert answer.status_code == status
    assert reason in answer.json()["detail"]
