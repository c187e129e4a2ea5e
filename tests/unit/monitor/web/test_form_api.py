"""The form of an incident for programs: reading, writing, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.web.answers import Form
from tests.unit.monitor.web.board import KEYS, Board, a_board
from tests.unit.monitor.web.people import send, users_file, working

TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}
ACCOUNT = "B.2.account"
Json = dict[str, Any]


async def read(board: Board) -> Json:
    answer = await board.client.get(f"/api/v1/incidents/{board.incident}/answers", headers=TOKEN)
    Form.model_validate(answer.json(), extra="forbid")
    result: Json = answer.json()
    return result


async def write(board: Board, version: int, reason: str | None = None, **answers: str) -> httpx.Response:
    named = {name.replace("_", "."): text for name, text in answers.items()}
    sent = {"role": "web team", "version": version, "answers": named, "reason": reason}
    return await board.client.post(f"/api/v1/incidents/{board.incident}/answers", json=sent, headers=TOKEN)


async def note(board: Board, **result: Any) -> httpx.Response:  # noqa: ANN401 # as the operation takes it
    sent = {"role": "web team"} | result
    return await board.client.post(f"/api/v1/incidents/{board.incident}/notes", json=sent, headers=TOKEN)


def account(result: Json) -> Json | None:
    found: Json | None = next(box for box in result["boxes"] if box["id"] == ACCOUNT)["answer"]
    return found


async def test_an_answer_is_written_to_the_version_that_was_read_and_read_back() -> None:
    async with a_board() as board:
        before = await read(board)
        answer = await write(board, before["version"], B_2_account="A certificate\r\nran out.")
        assert (answer.status_code, account(before)) == (200, None)
        after = await read(board)
        assert after == answer.json()
        assert after["version"] == before["version"] + 1
        said = account(after)
        assert said is not None
        assert (said["text"], said["by"]) == ("A certificate\nran out.", "web team")
        assert (await write(board, after["version"], B_2_account="A certificate\nran out.")).json() == after
        assert (await write(board, after["version"], **{"step_tell-head": "09:34, press officer"})).is_success
        assert [one["done"] for one in (await read(board))["steps"] if one["id"] == "step.tell-head"] == [
            "09:34, press officer"
        ]


async def test_conflicting_answer_is_refused_with_both_texts() -> None:
    async with a_board() as board:
        version = (await read(board))["version"]
        await write(board, version, B_2_account="A certificate.")
        before = await read(board)
        answer = await write(board, version, B_2_account="A router.", B_1_producer="Somebody")
        assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
        assert answer.json()["conflicts"] == [{"box": ACCOUNT, "stood": "A certificate.", "sent": "A router."}]
        assert await read(board) == before
        settled = await write(board, before["version"], B_2_account="A certificate and a router.")
        assert settled.status_code == 200


async def test_program_amends_a_signed_report_only_with_a_reason() -> None:
    async with a_board() as board:
        desk, signed = board.queries.desk, board.store.verdicts.incident(board.incident)
        assert desk is not None
        assert signed is not None
        await desk.sign_report(signed, "head of profession", {}, anyway="the minister waits")
        before = await read(board)
        refused = await write(board, before["version"], B_2_account="A certificate.")
        assert (refused.status_code, "say why you amend it" in refused.text) == (409, True)
        assert await read(board) == before
        amended = await write(board, before["version"], "a word was missing", B_2_account="A certificate.")
        assert amended.status_code == 200
        found = board.store.verdicts.incident(board.incident)
        assert found is not None
        assert found.timeline[-1].text == "report amended: a word was missing"


async def test_an_answer_of_a_program_conflicts_with_a_persons_open_form(tmp_path: Path) -> None:
    async with working(users_file(tmp_path)) as board:
        theirs = await send(board, {f"box.{ACCOUNT}": "By hand."})
        assert theirs.status_code == 303
        assert account(await read(board)) is not None
        assert (await write(board, 1, B_2_account="By a program.")).status_code == 409


@pytest.mark.parametrize(
    ("version", "answers", "status"),
    [
        (99, {"B_2_account": "x"}, 409),
        (0, {"B_2_account": "x"}, 400),
        (1, {"nowhere": "x"}, 409),
        (1, {"B_2_account": "\x00"}, 400),
        (1, {"B_2_account": "x" * 100_001}, 400),
    ],
)
async def test_invalid_answer_is_refused(version: int, answers: dict[str, str], status: int) -> None:
    async with a_board() as board:
        before = await read(board)
        assert (await write(board, version, **answers)).status_code == status
        assert await read(board) == before


async def test_program_can_add_every_note_of_the_form() -> None:
    async with a_board() as board:
        result = {"note": "seen", "cause": "expired certificate", "assigned": "press office", "call": "web team"}
        result |= {"said": "on it", "address": "https://a.example/x", "forward": "2018-01-05T09:50:00Z"}
        answer = await note(board, **result, action="Renew it", owner="web team", due="2018-02-01")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        texts = [entry["text"] for entry in found["timeline"] if entry["by"] == "web team"]
        assert texts == [
            "seen",
            "call with web team: on it",
            "also at https://a.example/x",
            "decided to bring the release forward to 09:50 GMT on 5 January 2018",
            "cause: expired certificate",
            "given to: press office",
            "action no. 1: Renew it (web team, by 1 February 2018)",
        ]
        ended = (await note(board, done=1, close=True)).json()
        assert ended["closed"] is not None
        assert ended["actions"][0]["done_by"] == "web team"


@pytest.mark.parametrize("expected", [{"call": "web team"}, {"address": "javascript:x"}, {"action": "x"}])
async def test_invalid_note_is_refused_as_a_whole(expected: dict[str, str]) -> None:
    async with a_board() as board:
        answer = await note(board, note="seen", **expected)
        found = (await board.client.get(f"/api/v1/incidents/{board.incident}")).json()
    assert answer.status_code == 409
    assert "seen" not in [entry["text"] for entry in found["timeline"]]


async def test_program_logs_an_incident() -> None:
    async with a_board() as board:
        sent = {
            "role": "web team",
            "what": "Figures were sent to the press",
            "when": "2018-01-05T08:00:00",
            "sort": "leak",
        }
        named = {"title": "Example prices", "producer": "ofqual", "url": "https://a.example/x https://b.example/y"}
        of_none = await board.client.post("/api/v1/incidents", json=sent, headers=TOKEN)
        of_one = await board.client.post("/api/v1/incidents", json=sent | named, headers=TOKEN)
        nobodys = await board.client.post("/api/v1/incidents", json=sent | {"release": "none"}, headers=TOKEN)
    assert (of_none.status_code, of_one.status_code, nobodys.status_code) == (409, 201, 404)
    assert (of_one.json()["occurred"], of_one.json()["title"]) == ("2018-01-05T08:00:00.000Z", "Example prices")
    assert of_one.json()["urls"] == ["https://a.example/x", "https://b.example/y"]


@pytest.mark.parametrize("path", ["answers", "notes"])
async def test_program_without_a_duty_token_changes_nothing(path: str) -> None:
    async with a_board(base="http://board.example") as board:
        sent = {"role": "x", "version": 1, "answers": {}}
        answer = await board.client.post(f"/api/v1/incidents/{board.incident}/{path}", json=sent)
        log = await board.client.post("/api/v1/incidents", json=sent)
    assert (answer.status_code, log.status_code) == (401, 401)
