"""The form of an incident for programs: reading, writing, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.store.rows import Actor
from monitor.web.answers import Form
from tests.unit.monitor.web.board import WITH_TOKEN, Board
from tests.unit.monitor.web.people import send_incident_form, signed_in_board

ACCOUNT = "B.2.account"
Json = dict[str, Any]


async def read_form(board: Board) -> Json:
    """Return the form of the late incident as a program gets it, checked against its model."""
    answer = await board.client.get(
        f"/api/v1/incidents/{board.incident}/answers", headers=WITH_TOKEN
    )
    Form.model_validate(answer.json(), extra="forbid")
    result: Json = answer.json()
    return result


async def send_answers(
    board: Board, version: int, answers: dict[str, str], reason: str | None = None
) -> httpx.Response:
    """Send texts for boxes and steps of the form as a program that read this version of it."""
    sent = {"version": version, "answers": answers, "reason": reason}
    return await board.client.post(
        f"/api/v1/incidents/{board.incident}/answers", json=sent, headers=WITH_TOKEN
    )


async def send_note(board: Board, **fields: Any) -> httpx.Response:  # noqa: ANN401 # as the operation takes it
    return await board.client.post(
        f"/api/v1/incidents/{board.incident}/notes", json=fields, headers=WITH_TOKEN
    )


def answer_in_box(form: Json, box: str) -> Json | None:
    found: Json | None = next(one for one in form["boxes"] if one["id"] == box)["answer"]
    return found


async def test_answer_of_a_program_makes_a_new_form_version(board: Board) -> None:
    # `ACCOUNT` is the box in which a person or a program writes what happened.
    before = await read_form(board)
    assert answer_in_box(before, ACCOUNT) is None
    response = await send_answers(board, before["version"], {ACCOUNT: "A certificate\r\nran out."})
    after = await read_form(board)
    assert response.status_code == 200
    assert response.json() == after
    assert after["version"] == before["version"] + 1
    answer = answer_in_box(after, ACCOUNT)
    assert answer is not None
    assert (answer["text"], answer["by"]) == ("A certificate\nran out.", "program")
    # The same text again makes no version.
    assert (
        await send_answers(board, after["version"], {ACCOUNT: "A certificate\nran out."})
    ).json() == after


async def test_program_says_that_a_step_was_done(board: Board) -> None:
    version = (await read_form(board))["version"]
    answer = await send_answers(board, version, {"step.tell-head": "09:34, press officer"})
    done_by_step = {step["id"]: step["done"] for step in answer.json()["steps"]}
    assert done_by_step["step.tell-head"] == "09:34, press officer"


async def test_program_says_when_a_step_was_done(board: Board) -> None:
    sent = {"step": "ask-platform", "at": "2018-01-05T09:35", "note": "ticket 12"}
    path = f"/api/v1{board.incident_page}/steps"
    answer = await board.client.post(path, json=sent, headers=WITH_TOKEN)
    account = next(box for box in answer.json()["boxes"] if box["id"] == ACCOUNT)
    called = "The GOV.UK support team was called at 9.35am on Friday 5 January 2018 (ticket 12)."
    assert called in account["measured"]
    for wrong in ({"step": "dance"}, {"at": "2018-01-06T09:35"}):
        refused = await board.client.post(path, json=sent | wrong, headers=WITH_TOKEN)
        assert refused.status_code in (400, 409), refused.text


async def test_answer_to_a_changed_box_is_refused_with_both_texts(board: Board) -> None:
    """The answer names an old version of the form, in which the box had another text."""
    old_version = (await read_form(board))["version"]
    await send_answers(board, old_version, {ACCOUNT: "A certificate."})
    before = await read_form(board)
    refused = await send_answers(
        board, old_version, {ACCOUNT: "A router.", "B.1.producer": "Somebody"}
    )
    assert (refused.status_code, refused.headers["content-type"]) == (
        409,
        "application/problem+json",
    )
    assert refused.json()["conflicts"] == [
        {"box": ACCOUNT, "stood": "A certificate.", "sent": "A router."}
    ]
    assert await read_form(board) == before
    accepted = await send_answers(
        board, before["version"], {ACCOUNT: "A certificate and a router."}
    )
    assert accepted.status_code == 200


async def test_program_amends_a_signed_report_only_with_a_reason(board: Board) -> None:
    """A head has signed the report.

    A program writes a text in it: 409 without a reason, accepted with one.
    """
    assert board.queries.desk is not None
    # No one has typed anything. So the report is incomplete, and needs a reason (`anyway`).
    last_version = len(board.drafts())
    head = board.queries.desk.acting_as(Actor("user:hope", "head of profession"))
    await head.sign_report(board.late_incident(), read=last_version, anyway="it is urgent")
    before = await read_form(board)
    refused = await send_answers(board, before["version"], {ACCOUNT: "A certificate."})
    assert refused.status_code == 409
    assert "say why you amend it" in refused.text
    assert await read_form(board) == before
    amended = await send_answers(
        board, before["version"], {ACCOUNT: "A certificate."}, "a word was missing"
    )
    assert amended.status_code == 200
    assert board.late_incident().timeline[-1].text == "report amended: a word was missing"


async def test_program_never_overwrites_a_box_that_a_person_changed(users: Path) -> None:
    async with signed_in_board(users) as board:
        version = (await read_form(board))["version"]
        by_person = await send_incident_form(board, {f"box.{ACCOUNT}": "By hand."})
        assert by_person.status_code == 303
        assert answer_in_box(await read_form(board), ACCOUNT) is not None
        assert (await send_answers(board, version, {ACCOUNT: "By a program."})).status_code == 409


@pytest.mark.parametrize(
    ("version", "texts", "status"),
    [
        (99, {ACCOUNT: "x"}, 409),
        (1, {"nowhere": "x"}, 409),
        (0, {ACCOUNT: "x"}, 400),
        (1, {ACCOUNT: "\x00"}, 400),
        (1, {ACCOUNT: "x" * 100_001}, 400),
    ],
    ids=["unknown version", "unknown box", "version 0", "control character", "too long"],
)
async def test_answer_with_an_invalid_version_box_or_text_changes_nothing(
    board: Board, version: int, texts: dict[str, str], status: int
) -> None:
    """The form has only version 1 so far. Version 99 or a box `nowhere` is unknown (409). Version 0
    or a text with a NUL can never be valid (400).
    """
    before = await read_form(board)
    response = await send_answers(board, version, texts)
    assert response.status_code == status
    assert await read_form(board) == before


async def test_program_adds_every_kind_of_note_and_closes_the_incident(board: Board) -> None:
    answer = await send_note(
        board,
        note="seen",
        cause="expired certificate",
        assigned="press office",
        call="web team",
        said="on it",
        address="https://a.example/x",
        forward="2018-01-05T09:50:00Z",
        action="Renew it",
        owner="web team",
        due="2018-02-01",
    )
    assert answer.status_code == 200, answer.text
    # The kinds of notes have a fixed order in the timeline.
    texts = [entry["text"] for entry in answer.json()["timeline"] if entry["by"] == "program"]
    assert texts == [
        "seen",
        "call with web team: on it",
        "it could also be seen at https://a.example/x",
        "decided to bring the release forward to 09:50 GMT on 5 January 2018",
        "cause: expired certificate",
        "given to: press office",
        "action no. 1: Renew it (web team, by 1 February 2018)",
    ]
    closed = (await send_note(board, done=1, close=True)).json()
    assert closed["closed"] is not None
    assert closed["actions"][0]["done_by"] == "program"


@pytest.mark.parametrize(
    "invalid", [{"call": "web team"}, {"address": "javascript:x"}, {"action": "x"}]
)
async def test_valid_note_is_not_added_if_another_part_is_invalid(
    board: Board, invalid: dict[str, str]
) -> None:
    """Invalid are a call without what was said, an address that is no web address, and an action
    without an owner.
    """
    answer = await send_note(board, note="seen", **invalid)
    assert answer.status_code == 409
    assert "seen" not in [entry.text for entry in board.late_incident().timeline]


LEAK = {
    "what": "Figures were sent to the press",
    "when": "2018-01-05T08:00:00",
    "sort": "leak",
}


async def test_program_logs_an_incident(board: Board) -> None:
    # `LEAK` says what happened and when, but has no release.
    release = {
        "title": "Example prices",
        "producer": "ofqual",
        "url": "https://a.example/x https://b.example/y",
    }
    sent = LEAK | release | {"when": "2018-01-05T08:00:00"}
    logged = await board.client.post("/api/v1/incidents", json=sent, headers=WITH_TOKEN)
    assert logged.status_code == 201
    assert (logged.json()["occurred"], logged.json()["title"]) == (
        "2018-01-05T08:00:00.000Z",
        "Example prices",
    )
    assert logged.json()["urls"] == ["https://a.example/x", "https://b.example/y"]


@pytest.mark.parametrize(
    ("release", "status"), [({}, 409), ({"release": "none"}, 404)], ids=["no", "unknown"]
)
async def test_logging_an_incident_without_a_known_release_is_refused(
    board: Board, release: dict[str, str], status: int
) -> None:
    """A case names no release (409) or an unknown one (404).

    `LEAK` says only what happened and when.
    """
    refused = await board.client.post("/api/v1/incidents", json=LEAK | release, headers=WITH_TOKEN)
    assert refused.status_code == status


@pytest.mark.parametrize("path", ["", "/{id}/answers", "/{id}/notes"])
async def test_program_without_a_token_is_refused(board: Board, path: str) -> None:
    """A case is an address that a program writes to: incidents, the answers of one, or its
    notes.
    """
    address = f"/api/v1/incidents{path.format(id=board.incident)}"
    refused = await board.client.post(address, json={"version": 1, "answers": {}})
    assert refused.status_code == 401


async def test_program_raises_a_grade_with_a_reason(board: Board) -> None:
    sent = {"grade": "note", "form": "C", "reason": "agreed"}
    path = f"/api/v1{board.incident_page}/grade"
    answer = await board.client.post(path, json=sent, headers=WITH_TOKEN)
    assert (answer.json()["grade"], (await read_form(board))["form"]) == ("note", "C")
    for wrong in ({"form": "period"}, {"grade": "grave"}, {"reason": " "}):
        refused = await board.client.post(path, json=sent | wrong, headers=WITH_TOKEN)
        assert refused.status_code in (400, 409)
