"""The measure of reports that people touched, by the API: logged, ticked, noted. The API signs none,
so a head of profession signs in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from alerts.draft.report import report_from_json
from alerts.incident import Decision, Incident
from tests.unit.monitor.web.board import WITH_TOKEN, Board, a_board
from tests.unit.monitor.web.people import HEAD, read_form, sign_in
from tests.worlds.signed import (
    NOTE,
    check_logged_text,
    check_signed_text,
    list_cases,
)

ROLE = "program"
AFTER_ALL = datetime(2024, 1, 5, 12, tzinfo=UTC)


async def post(board: Board, path: str, **sent: str) -> httpx.Response:
    answer = await board.client.post(f"/api/v1/incidents{path}", json=sent, headers=WITH_TOKEN)
    assert answer.is_success, answer.text
    return answer


async def sign(board: Board, incident: str) -> str:
    """Tick every step, note something, sign in the browser, and return what was signed."""
    form = await board.client.get(f"/api/v1/incidents/{incident}/answers", headers=WITH_TOKEN)
    for step in form.json()["steps"]:
        name = step["id"].removeprefix("step.")
        await post(board, f"/{incident}/steps", step=name, note="ticket 1234")
    await post(board, f"/{incident}/notes", note=NOTE)
    page = f"/incidents/{incident}/sign"
    sent = await read_form(board, page) | {"do": "sign", "anyway": "boxes are empty"}
    signed = await board.client.post(page, data=sent)
    assert signed.status_code == 303, signed.text
    return check_signed_text(report_from_json(board.store.verdicts.drafts(incident)[-1].facts))


@pytest.mark.parametrize("way", ["logged", "published"])
async def test_incidents_are_signed_with_true_sentences_only(
    users: Path,
    incidents: Mapping[str, Incident],
    way: str,
) -> None:
    async with a_board(public=False, users=users, base="http://board.example") as board:
        board.clock.at = AFTER_ALL
        await sign_in(board, HEAD)
        if way == "logged":
            for case in list_cases():
                words = {"title": "Prices", "producer": "Example Office", **case}
                words["when"] = words.pop("occurred")
                if len(words["when"]) == len("2009-01-15"):
                    words["when"] += "T00:00"
                filled = {name: text for name, text in words.items() if text}
                logged = await post(board, "", **filled)
                check_logged_text(case, await sign(board, logged.json()["id"]))
            return
        assert board.queries.desk is not None
        recorder = board.queries.desk.current.record
        for incident in incidents.values():
            with board.store.transaction() as tx:
                recorder.save_decision(tx, Decision(incident, (), draft=True), incident.opened)
            assert f"{NOTE} ({ROLE})" in await sign(board, incident.id)
