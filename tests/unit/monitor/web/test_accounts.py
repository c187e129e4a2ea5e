"""Every act has an account, whose rights decide the role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alerts.incident import MONITOR
from monitor.deliver.rules import ReportingRules
from tests.unit.monitor.web.board import WITH_TOKEN, Board, a_board
from tests.unit.monitor.web.people import (
    DUTY,
    HEAD,
    VIEWER,
    hidden_field,
    sign_in,
    signed_in_board,
)
from tests.worlds.rotas import a_rota


async def acts_of(board: Board) -> list[dict[str, Any]]:
    path = f"/api/v1{board.incident_page}/acts"
    answer = await board.client.get(path, headers=WITH_TOKEN)
    acts: list[dict[str, Any]] = answer.json()["acts"]
    return acts


async def post_form(board: Board, path: str, **fields: str) -> int:
    """Send a form of the incident's page. Return the status of the answer."""
    page = await board.client.get(board.incident_page)
    version = hidden_field(page, "version")
    form = {"guard": hidden_field(page, "guard"), "version": version, **fields}
    board.clock.seconds += 1
    answer = await board.client.post(f"{board.incident_page}/{path}", data=form)
    return answer.status_code


async def test_duty_officer_cannot_act_as_head_of_profession(users: Path) -> None:
    head = "head of profession"
    async with signed_in_board(users, DUTY) as board:
        await post_form(board, "acknowledge", role=head)
        await post_form(board, "draft", role=head, note="seen")
        await board.client.post(
            "/silences",
            data={
                "guard": hidden_field(await board.client.get("/silences"), "guard"),
                "role": head,
                "of": "producer ofqual",
                "reason": "their site moves",
            },
        )
        by = {entry.by for entry in board.late_incident().timeline} - {MONITOR}
        silences = board.store.outbox.silences(board.clock.now())
        assert by | {one.by for one in silences} == {"duty statistician"}


async def test_each_act_is_stored_with_its_account(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        await post_form(board, "acknowledge")
        await post_form(board, "draft", note="seen")
        board.client.cookies.clear()
        await sign_in(board, HEAD)
        await post_form(board, "sign", do="waive", reason="sent by letter")
        acts = [(act["account"], act["role"], act["what"]) for act in await acts_of(board)]
        assert acts == [
            ("user:anne", "duty statistician", "acknowledged"),
            ("user:anne", "duty statistician", "written_by_hand"),
            ("user:hope", "head of profession", "report_waived"),
        ]
        page = await board.read_page(board.incident_page)
        assert "user:anne" in page


async def test_accounts_are_for_staff(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        await post_form(board, "acknowledge")
        board.client.cookies.clear()
        await sign_in(board, VIEWER)
        assert await board.status_of(f"/api/v1{board.incident_page}/acts") == 403
        assert "user:anne" not in await board.read_page(board.incident_page)


async def test_published_papers_name_no_account(users: Path) -> None:
    async with signed_in_board(users, DUTY) as board:
        await post_form(board, "acknowledge")
        for ending in ("md", "html", "json"):
            path = f"/api/v1{board.incident_page}/draft.{ending}"
            assert "user:anne" not in (await board.client.get(path)).text


async def test_role_that_a_program_sends_is_refused() -> None:
    async with a_board() as board:
        answer = await board.client.post(
            f"/api/v1{board.incident_page}/acknowledge",
            json={"role": "head of profession"},
            headers=WITH_TOKEN,
        )
        detail = "role: is not a field of this operation, leave it out"
        assert (answer.status_code, answer.json()["detail"]) == (400, detail)
        assert await acts_of(board) == []


def test_link_acts_in_the_role_that_a_rota_gives_its_channel() -> None:
    rules = ReportingRules(rotas={"duty": a_rota({"duty A": "phone-a"})})
    assert rules.role_of_channel("phone-a") == "duty A"
    assert rules.role_of_channel("mail") == "on call"
