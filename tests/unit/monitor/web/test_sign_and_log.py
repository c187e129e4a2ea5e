"""Signing a report off or waiving it, fetching its evidence, and logging what no monitor sees, in the browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from alerts.draft.report import report_from_json
from alerts.incident import Incident
from tests.unit.monitor.web.board import TITLE, Board
from tests.unit.monitor.web.people import form, send, users_file, working

LEAK = {"what": "Figures were read out at a conference", "sort": "leak", "day": "2018-01-04", "time": "16:20"}


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return users_file(tmp_path_factory.mktemp("people"))


def incident(board: Board) -> Incident:
    found = board.store.verdicts.incident(board.incident)
    assert found is not None
    return found


async def sign(board: Board, **typed: str) -> httpx.Response:
    where = f"/incidents/{board.incident}/sign"
    return await board.client.post(where, data=await form(board, where) | {"do": "sign"} | typed)


async def test_a_head_reads_what_they_sign_and_signs_it(users: Path) -> None:
    async with working(users, "hope") as board:
        await send(board, {"box.B.2.account": "A certificate had expired."})
        page = (await board.client.get(f"/incidents/{board.incident}/sign")).text
        draft = board.store.verdicts.drafts(board.incident)[-1]
        for words in ("A certificate had expired.", "Before you can sign", draft.digest, "Sign it off"):
            assert words in page
        refused = await sign(board, anyway=" ")
        assert (refused.status_code, incident(board).owes_report) == (400, True)
        assert "Say why you sign" in refused.text
        assert (await sign(board, anyway="the minister waits")).status_code == 303
        assert incident(board).words["signed_anyway"] == "the minister waits"
        draft = board.store.verdicts.drafts(board.incident)[-1]
        assert draft.signed == board.clock.now()
        assert report_from_json(draft.facts).signed.startswith("Signed off by head of profession at")
        assert not incident(board).owes_report
        assert "Signed off by head of profession" in (await board.client.get(f"/incidents/{board.incident}")).text


async def test_a_signed_report_changes_only_with_a_reason(users: Path) -> None:
    async with working(users, "hope") as board:
        read = await form(board, f"/incidents/{board.incident}")
        await sign(board, anyway="the minister waits")
        page = (await board.client.get(f"/incidents/{board.incident}")).text
        assert 'name="box.' not in page
        # The page was open before it was signed.
        drafts = board.store.verdicts.drafts(board.incident)
        typed = {"box.B.2.account": "A certificate had expired."}
        refused = await send(board, typed, base=read)
        assert (refused.status_code, "say why you amend it" in refused.text) == (400, True)
        assert "A certificate had expired." in refused.text
        assert board.store.verdicts.drafts(board.incident) == drafts
        assert (await send(board, typed, {"reason": "the cause is known"}, base=read)).status_code == 303
        assert incident(board).timeline[-1].text == "report amended: the cause is known"
        assert len(board.store.verdicts.drafts(board.incident)) == len(drafts) + 1


async def test_missing_answers_link_to_their_boxes(users: Path) -> None:
    async with working(users, "hope") as board:
        page = (await board.client.get(f"/incidents/{board.incident}")).text
        assert '<a href="#B.2.account">2. Circumstances of breach: is to be completed</a>' in page
        page = (await board.client.get(f"/incidents/{board.incident}/sign")).text
        assert f'<a href="/incidents/{board.incident}#B.2.account">2. Circumstances of breach' in page


async def test_report_changed_since_it_was_read_is_not_signed(users: Path) -> None:
    async with working(users, "hope") as board:
        where = f"/incidents/{board.incident}/sign"
        read = await form(board, where)
        await send(board, {"box.B.2.account": "Something new."})
        answer = await board.client.post(where, data=read | {"do": "sign"})
        assert answer.status_code == 400
        assert "the report changed while you read it" in answer.text
        assert "Something new." in answer.text
        assert incident(board).owes_report


async def test_head_waives_a_report_with_a_reason(users: Path) -> None:
    async with working(users, "hope") as board:
        assert "say why no report will be made" in (await sign(board, do="waive", reason=" ")).text
        assert (await sign(board, do="waive", reason="sent by letter")).status_code == 303
        assert incident(board).words["waived"] == "sent by letter"
        assert incident(board).closed is not None


async def test_only_a_head_can_sign(users: Path) -> None:
    async with working(users, "anne") as board:
        page = (await board.client.get(f"/incidents/{board.incident}")).text
        assert "sign or waive" not in page
        assert (await board.client.get(f"/incidents/{board.incident}/sign")).status_code == 403
        guard = (await form(board, f"/incidents/{board.incident}"))["guard"]
        for do in ("sign", "waive"):
            sent = {"guard": guard, "version": "1", "do": do, "reason": "x", "role": "head of profession"}
            assert (await board.client.post(f"/incidents/{board.incident}/sign", data=sent)).status_code == 403
        assert incident(board).owes_report


async def test_a_leak_is_logged_with_its_draft_and_its_notice(users: Path) -> None:
    async with working(users) as board:
        typed = {"title": "Example prices, December", "producer": "ofqual", "until": "2018-01-04T17:00"}
        typed["url"] = "https://a.example/x\r\n https://b.example/y\r\n"
        page = await form(board, "/incidents/new")
        answer = await board.client.post("/incidents/new", data=page | LEAK | typed)
        assert answer.status_code == 303
        name = answer.headers["Location"].removeprefix("/incidents/")
        logged = board.store.verdicts.incident(name)
        assert logged is not None
        assert (logged.kind, logged.title, logged.producer) == ("hand", "Example prices, December", "ofqual")
        assert (logged.words["sort"], logged.timeline[0].by) == ("leak", "duty statistician")
        assert logged.occurred.isoformat() == "2018-01-04T16:20:00+00:00"
        assert board.store.verdicts.drafts(name)
        assert [one.incident for one in board.store.outbox.notices()].count(name) == 1
        assert logged.words["until"] == "2018-01-04T17:00"
        assert logged.words["url"] == "https://a.example/x\nhttps://b.example/y"
        assert name in (await board.client.get("/")).text
        refused = await board.client.post("/incidents/new", data=page | LEAK | typed | {"url": "nowhere"})
        assert 'id="url-fault"' in refused.text
        # The same form sent twice logs it once.
        again = await board.client.post("/incidents/new", data=page | LEAK | typed)
        assert again.headers["Location"] == answer.headers["Location"]
        assert [one.incident for one in board.store.outbox.notices()].count(name) == 1
        assert "Figures were read out" in (await board.client.get(answer.headers["Location"])).text


async def test_incomplete_leak_shows_the_form_again_with_the_typed_text(users: Path) -> None:
    async with working(users) as board:
        page = await form(board, "/incidents/new")
        typed = {"what": "Read <out>", "day": "2018-01-09", "time": ""}
        answer = await board.client.post("/incidents/new", data=page | typed)
        assert answer.status_code == 400
        assert "Read &lt;out&gt;" in answer.text
        links = re.findall(r'<a href="#(\w+)">([^<]*)</a>', answer.text)
        assert ("title", "is missing") in links
        assert ("producer", "is missing") in links
        assert any(box == "day" and "future" in words for box, words in links)


async def test_a_logged_incident_of_a_watched_release_has_its_title(users: Path) -> None:
    async with working(users) as board:
        measured = incident(board).facts
        desk = board.queries.desk
        assert desk is not None
        board.queries.desk = replace(desk, current=replace(desk.current, judge_at=lambda _release, _now: measured))
        page = await board.client.get("/incidents/new", params={"release": "r"})
        assert TITLE in page.text
        assert 'id="title"' not in page.text
        sent = await form(board, "/incidents/new") | LEAK | {"release": "r"}
        answer = await board.client.post("/incidents/new", data=sent)
        logged = board.store.verdicts.incident(answer.headers["Location"].removeprefix("/incidents/"))
        assert logged is not None
        assert (logged.release, logged.title) == ("r", TITLE)


@pytest.mark.parametrize("name", ["vic", ""])
async def test_person_who_may_not_act_cannot_log(users: Path, name: str) -> None:
    async with working(users, name) as board:
        board.client.headers["Accept"] = "*/*"
        assert (await board.client.get("/incidents/new")).status_code in {401, 403}
        assert (await board.client.post("/incidents/new", data=LEAK)).status_code in {401, 403}


async def test_evidence_is_only_for_people_who_may_act(users: Path) -> None:
    async with working(users, "anne") as board:
        answer = await board.client.get(f"/incidents/{board.incident}/evidence.zip")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.content.startswith(b"PK")
    async with working(users, "vic") as board:
        assert (await board.client.get(f"/incidents/{board.incident}/evidence.zip")).status_code == 403
