"""Signing a report off or waiving it, fetching its evidence, and logging what no monitor sees, in
the browser.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from alerts.draft.report import report_from_json
from tests.unit.monitor.web.board import TITLE, Board
from tests.unit.monitor.web.people import (
    HEAD,
    VIEWER,
    hidden_field,
    read_form,
    send_incident_form,
    signed_in_board,
)
from tests.worlds.instants import after_slot

LEAK = {
    "what": "Figures were read out at a conference",
    "sort": "leak",
    "day": "2018-01-04",
    "time": "16:20",
}


async def send_sign_form(board: Board, **typed: str) -> httpx.Response:
    """Send the form of the page on which a head signs or waives the report."""
    page = f"{board.incident_page}/sign"
    return await board.client.post(page, data=await read_form(board, page) | {"do": "sign"} | typed)


async def test_a_head_reads_the_report_before_signing_it(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board:
        await send_incident_form(board, {"box.B.2.account": "A certificate had expired."})
        page = await board.read_page(f"{board.incident_page}/sign")
        draft = board.drafts()[-1]
        # The digest is a checksum of the report.
        for words in (
            "A certificate had expired.",
            "Before you can sign",
            draft.digest,
            "Sign it off",
        ):
            assert words in page


async def test_the_sign_page_shows_exactly_what_is_signed(users: Path) -> None:
    """Optional boxes are empty, and one required answer is missing, so a reason is given."""
    async with signed_in_board(users, HEAD) as board:
        await send_incident_form(board, {"box.B.2.account": "A certificate had expired."})
        page = await board.read_page(f"{board.incident_page}/sign")
        shown = page.partition('<article class="paper">')[2].partition("</article>")[0]
        assert (await send_sign_form(board, anyway="the minister waits")).status_code == 303
        signed = await board.read_page(f"/api/v1{board.incident_page}/draft.html")
        document = signed.partition("<main>")[2].partition("</main>")[0]
        assert "to be completed" not in shown
        assert read_words(shown) == read_words(document)


def read_words(html: str) -> str:
    """Return the words of a page, without its tags."""
    return " ".join(re.sub("<[^>]*>", " ", html).split())


async def test_a_head_signs_an_incomplete_report_only_with_a_reason(users: Path) -> None:
    """No one has filled in the boxes of the report. With an empty reason (`anyway`) it is not
    signed. With a reason it is, and the incident page says so.
    """
    async with signed_in_board(users, HEAD) as board:
        refused = await send_sign_form(board, anyway=" ")
        assert (refused.status_code, board.late_incident().owes_report) == (400, True)
        assert "Say why you sign" in refused.text
        assert (await send_sign_form(board, anyway="the minister waits")).status_code == 303
        assert board.late_incident().words["signed_anyway"] == "the minister waits"
        draft = board.drafts()[-1]
        assert draft.signed == board.clock.now()
        signature = report_from_json(draft.facts).signed
        assert signature is not None
        assert signature.by == "head of profession"
        assert not board.late_incident().owes_report
        assert "Signed off by head of profession" in await board.read_page(board.incident_page)


async def test_a_signed_report_is_not_signed_again(users: Path) -> None:
    """A second head still has the page on which to sign."""
    async with signed_in_board(users, HEAD) as board:
        form = await read_form(board, f"{board.incident_page}/sign")
        typed = form | {"do": "sign", "anyway": "the minister waits"}
        await board.client.post(f"{board.incident_page}/sign", data=typed)
        refused = await board.client.post(f"{board.incident_page}/sign", data=typed)
        assert "is signed, and nothing changed since" in refused.text
        assert len([one for one in board.drafts() if one.signed]) == 1


async def test_a_closed_incident_names_the_signature_once(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board:
        await send_sign_form(board, anyway="the minister waits")
        board.save_incident(replace(board.late_incident(), closed=after_slot(1500)))
        page = await board.read_page(board.incident_page)
        remains = page.partition("What remains")[2].partition("</ul>")[0]
        assert "The report</a>: signed off by head of profession" in remains
        assert remains.count("version") == 1
        assert "no answer" not in remains


async def test_a_signed_report_changes_only_with_a_reason(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board:
        form_before = await read_form(board, board.incident_page)
        await send_sign_form(board, anyway="the minister waits")
        page = await board.read_page(board.incident_page)
        assert 'name="box.' not in page
        # A browser still shows the page from before the report was signed, with its boxes, and
        # sends its form.
        drafts = board.drafts()
        typed = {"box.B.2.account": "A certificate had expired."}
        refused = await send_incident_form(board, typed, form=form_before)
        assert refused.status_code == 400
        assert "say why you amend it" in refused.text
        assert "A certificate had expired." in refused.text
        assert board.drafts() == drafts
        amended = await send_incident_form(
            board, typed, {"reason": "the cause is known"}, form=form_before
        )
        assert amended.status_code == 303
        assert board.late_incident().timeline[-1].text == "report amended: the cause is known"
        assert len(board.drafts()) == len(drafts) + 1


async def test_missing_answers_link_to_their_boxes(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board:
        page = await board.read_page(board.incident_page)
        assert '<a href="#B.2.account">2. Circumstances of breach: is to be completed</a>' in page
        page = await board.read_page(f"{board.incident_page}/sign")
        assert (
            f'<a href="/incidents/{board.incident}#B.2.account">2. Circumstances of breach' in page
        )


async def test_report_edited_after_the_head_read_it_is_not_signed(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board:
        # The head opens the page for signing. Then the report is edited. Then the head sends the
        # form of that page.
        sign_page = f"{board.incident_page}/sign"
        form = await read_form(board, sign_page)
        await send_incident_form(board, {"box.B.2.account": "Something new."})
        answer = await board.client.post(sign_page, data=form | {"do": "sign"})
        assert answer.status_code == 400
        assert "the report changed while you read it" in answer.text
        assert "Something new." in answer.text
        # The report is owed until it is signed.
        assert board.late_incident().owes_report


async def test_head_waives_a_report_with_a_reason(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board:
        assert (
            "say why no report will be made"
            in (await send_sign_form(board, do="waive", reason=" ")).text
        )
        assert (await send_sign_form(board, do="waive", reason="sent by letter")).status_code == 303
        # A waived report will not be made, so the incident is closed.
        assert board.late_incident().words["waived"] == "sent by letter"
        assert board.late_incident().closed is not None


async def test_only_a_head_can_sign(users: Path) -> None:
    """The duty statistician, who is signed in here, cannot, even if the form names the role of a
    head.
    """
    async with signed_in_board(users) as board:
        page = await board.read_page(board.incident_page)
        assert "sign or waive" not in page
        assert await board.status_of(f"{board.incident_page}/sign") == 403
        # it proves the session of a form
        guard = (await read_form(board, board.incident_page))["guard"]
        for do in ("sign", "waive"):
            sent = {
                "guard": guard,
                "version": "1",
                "do": do,
                "reason": "x",
                "role": "head of profession",
            }
            assert (
                await board.client.post(f"{board.incident_page}/sign", data=sent)
            ).status_code == 403
        assert board.late_incident().owes_report


async def test_leak_is_logged_once_with_its_draft_and_notice(users: Path) -> None:
    """The duty statistician logs a leak of 4 January with the form. That makes an incident with a
    draft and one notice. The same form sent again makes no second incident.
    """
    async with signed_in_board(users) as board:
        typed = {"title": "Example prices, December", "producer": "ofqual"}
        typed |= {"day": "2018-01-04", "time": "16:20", "until": "2018-01-04T17:00"}
        typed["url"] = "https://a.example/x\r\n https://b.example/y\r\n"
        form = await read_form(board, "/incidents/new") | LEAK | typed
        answer = await board.client.post("/incidents/new", data=form)
        assert answer.status_code == 303
        page = answer.headers["Location"]
        name = page.removeprefix("/incidents/")
        logged = board.store.verdicts.incident(name)
        assert logged is not None
        # The incident has what was typed.
        assert (logged.kind, logged.title, logged.producer) == (
            "hand",
            "Example prices, December",
            "ofqual",
        )
        assert (logged.words["sort"], logged.timeline[0].by) == ("leak", "duty statistician")
        assert logged.occurred.isoformat() == "2018-01-04T16:20:00+00:00"
        assert logged.words["until"] == "2018-01-04T17:00"
        assert logged.words["url"] == "https://a.example/x\nhttps://b.example/y"
        assert board.store.verdicts.drafts(name)
        assert name in await board.read_page("/")
        assert LEAK["what"] in await board.read_page(page)
        # The second time, the form leads to the same incident.
        assert (await board.client.post("/incidents/new", data=form)).headers["Location"] == page
        assert [notice.incident for notice in board.store.outbox.notices()].count(name) == 1


async def test_invalid_log_form_keeps_text_and_shows_each_fault(users: Path) -> None:
    async with signed_in_board(users) as board:
        page = await read_form(board, "/incidents/new")
        # Today is 5 January.
        typed = {"what": "Read <out>", "day": "2018-01-09", "time": "", "url": "nowhere"}
        answer = await board.client.post("/incidents/new", data=page | typed)
        assert answer.status_code == 400
        assert "Read &lt;out&gt;" in answer.text
        assert 'id="url-fault"' in answer.text
        links = re.findall(r'<a href="#(\w+)">([^<]*)</a>', answer.text)
        assert ("title", "is missing") in links
        assert ("producer", "is missing") in links
        (fault_of_day,) = [words for box, words in links if box == "day"]
        assert "future" in fault_of_day


def measure_release_as_a_running_monitor_does(board: Board) -> None:
    """Make the board find measurements of each release.

    No monitor runs with it, so otherwise it finds none.
    """
    measured, desk = board.late_incident().facts, board.queries.desk
    assert desk is not None
    board.queries.desk = replace(
        desk, current=replace(desk.current, judge_at=lambda _read, _release, _now: measured)
    )


async def test_log_form_for_a_watched_release_has_its_title(users: Path) -> None:
    async with signed_in_board(users) as board:
        measure_release_as_a_running_monitor_does(board)
        form = (await board.client.get("/incidents/new", params={"release": "r"})).text
        assert TITLE in form
        # The title is known, so the form has no box for it.
        assert 'id="title"' not in form


async def test_incident_logged_for_a_watched_release_has_its_title(users: Path) -> None:
    async with signed_in_board(users) as board:
        measure_release_as_a_running_monitor_does(board)
        # The form for the release `r` is sent without a title.
        form = await read_form(board, "/incidents/new") | LEAK | {"release": "r"}
        answer = await board.client.post("/incidents/new", data=form)
        new_id = answer.headers["Location"].removeprefix("/incidents/")
        logged = board.store.verdicts.incident(new_id)
        assert logged is not None
        assert (logged.release, logged.title) == ("r", TITLE)


@pytest.mark.parametrize("signed_in_as", [VIEWER, ""])
async def test_person_who_may_not_act_cannot_log(users: Path, signed_in_as: str) -> None:
    """A case is a viewer, who lacks the right, or no one."""
    async with signed_in_board(users, signed_in_as) as board:
        # The guard is a hidden field, by which a form is known to be of this session. It is right,
        # but a viewer has no right to log.
        guard = hidden_field(await board.client.get("/"), "guard") if signed_in_as else ""
        # A browser would be redirected to sign in.
        board.client.headers["Accept"] = "*/*"
        assert await board.status_of("/incidents/new") == (403 if signed_in_as else 401)
        # A refused form gets a 403 with the typed text, even before sign-in, so that the text is
        # not lost.
        refused = await board.client.post("/incidents/new", data=LEAK | {"guard": guard})
        assert (refused.status_code, LEAK["what"] in refused.text) == (403, True)


async def test_evidence_is_only_for_people_who_may_act(users: Path) -> None:
    async with signed_in_board(users) as board:
        answer = await board.client.get(f"{board.incident_page}/evidence.zip")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.content.startswith(b"PK")
    async with signed_in_board(users, VIEWER) as board:
        assert await board.status_of(f"{board.incident_page}/evidence.zip") == 403
