"""What people do to an incident in the browser: boxes, steps, notes, two people at once,
permissions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.by_hand import note_mail
from alerts.draft.chronology import HEADING
from alerts.draft.edits import list_open_fields
from alerts.draft.report import Answer, Field, Report, report_from_json
from alerts.draft.versions import append_measurement
from alerts.incident import MONITOR
from monitor.deliver.drafts import draft_row, versions_from_rows
from monitor.store.rows import Draft
from tests.unit.monitor.web.board import Board
from tests.unit.monitor.web.people import (
    DUTY,
    VIEWER,
    WITHOUT_ROLE,
    read_form,
    send_incident_form,
    sign_in,
    signed_in_board,
)

ACCOUNT = "B.2.account"
"""The box of the report in which a person writes what happened."""
ACCOUNT_BOX = f"box.{ACCOUNT}"


@pytest.fixture
async def board(users: Path) -> AsyncIterator[Board]:
    """Open a board that is not public, with the duty statistician signed in."""
    async with signed_in_board(users) as board:
        yield board


def newest_draft(board: Board) -> Draft:
    return board.drafts()[-1]


def newest_report(board: Board) -> Report:
    return report_from_json(newest_draft(board).facts)


def timeline_texts(board: Board) -> list[str]:
    return [
        f"{entry.by}: {entry.text}"
        for entry in board.late_incident().timeline
        if entry.by != MONITOR
    ]


def report_field(board: Board, field: str) -> Field:
    """Return a box of the newest report."""
    found = newest_report(board).find_field(field)
    assert found is not None
    return found


def report_answer(board: Board, field: str) -> Answer:
    """Return what a person typed into a box of the newest report."""
    answer = report_field(board, field).answer
    assert answer is not None
    return answer


def measure_again(board: Board, field: str, text: str) -> None:
    """Add a version of the report in which a measured box has another text."""
    versions = versions_from_rows(board.drafts())
    report = versions[-1].report
    sections = []
    for section in report.sections:
        fields = [
            replace(one, paragraphs=(text,)) if one.id == field else one for one in section.fields
        ]
        sections.append(replace(section, fields=tuple(fields)))
    measured = append_measurement(versions, replace(report, sections=tuple(sections)))
    with board.store.transaction() as tx:
        tx.add_draft(draft_row(measured[-1], board.incident))


async def test_box_is_saved_as_typed_and_is_in_the_report(board: Board) -> None:
    """Only the ends of lines change. The page escapes the text and says which version was saved."""
    typed = "  A certificate had expired.\r\n\r\n<b>Nobody</b> noticed, yn anffodus: ŵy.\r\n"
    answer = await send_incident_form(board, {ACCOUNT_BOX: typed})
    assert answer.headers["Location"] == f"/incidents/{board.incident}?saved=1"
    kept = "  A certificate had expired.\n\n<b>Nobody</b> noticed, yn anffodus: ŵy.\n"
    assert dict(newest_draft(board).words) == {ACCOUNT: kept}
    answer_in_report = report_answer(board, ACCOUNT)
    assert (answer_in_report.text, answer_in_report.by) == (kept, "duty statistician")
    page = (await board.client.get(answer.headers["Location"])).text
    assert "&lt;b&gt;Nobody&lt;/b&gt;" in page
    assert "Saved: the report is at version 2" in page


async def test_unchanged_form_makes_no_new_version_of_the_draft(board: Board) -> None:
    await send_incident_form(board, {ACCOUNT_BOX: "One\r\ntwo"})
    drafts = board.drafts()
    assert (await send_incident_form(board)).status_code == 303
    assert board.drafts() == drafts


async def test_emptied_box_of_the_report_must_be_completed_again(board: Board) -> None:
    await send_incident_form(board, {ACCOUNT_BOX: "A certificate."})
    assert ACCOUNT not in list_open_fields(newest_report(board))
    await send_incident_form(board, {ACCOUNT_BOX: ""})
    assert ACCOUNT in list_open_fields(newest_report(board))


async def test_texts_of_two_people_in_one_box_are_both_kept(board: Board) -> None:
    form_before = await read_form(board, board.incident_page)
    # After the form was read, another person writes in one of its boxes.
    board.edit_draft(ACCOUNT, "The platform was down.")
    answer = await send_incident_form(
        board, {ACCOUNT_BOX: "A certificate had expired."}, form=form_before
    )
    assert answer.status_code == 409
    for words in ("Another person wrote in the same box", "As it was", "As you wrote it"):
        assert words in answer.text
    text = newest_draft(board).words[ACCOUNT]
    assert "The platform was down." in text
    assert "A certificate had expired." in text
    # A person must still decide between the two.
    assert ACCOUNT in list_open_fields(newest_report(board))
    # A browser that reloads the page sends the form again. It changes nothing.
    again = await send_incident_form(
        board, {ACCOUNT_BOX: "A certificate had expired."}, form=form_before
    )
    assert again.status_code == 303
    assert newest_draft(board).words[ACCOUNT] == text


async def test_two_people_in_two_boxes_do_not_conflict(board: Board) -> None:
    form_before = await read_form(board, board.incident_page)
    # After the form was read, another person writes in one of its boxes.
    board.edit_draft(ACCOUNT, "The platform was down.")
    assert (
        await send_incident_form(board, {"box.B.4.corrective": "None."}, form=form_before)
    ).status_code == 303
    words = {ACCOUNT: "The platform was down.", "B.4.corrective": "None."}
    assert dict(newest_draft(board).words) == words


async def test_typed_text_is_contested_if_its_value_was_remeasured(board: Board) -> None:
    """The monitor measures a value again while a person types a text over its old value. Contested:
    a person must decide between the two.
    """
    form = await read_form(board, board.incident_page)
    # Then the monitor measures another date. The person types a text over the old one and sends the
    # form.
    measure_again(board, "B.1.date", "6 January 2018")
    await send_incident_form(board, {"box.B.1.date": "5 January, in the morning"}, form=form)
    assert report_field(board, "B.1.date").is_contested
    assert "Measured since" in await board.read_page(board.incident_page)


async def test_texts_of_another_form_can_be_moved_and_removed(board: Board) -> None:
    """A draft has a text for a box that an earlier form of report had and the present form lacks. A
    person moves the text to another box.
    """
    box_of_another_form = "D.9.nowhere"
    board.edit_draft(box_of_another_form, "Said on another form.")
    page = await board.client.get(board.incident_page)
    assert "Text kept from an earlier form" in page.text
    form_before = await read_form(board, board.incident_page)
    assert form_before[f"box.{box_of_another_form}"] == "Said on another form."
    moved = {f"box.{box_of_another_form}": "", ACCOUNT_BOX: "Said on another form."}
    await send_incident_form(board, moved, form=form_before)
    assert dict(newest_report(board).kept) == {}
    assert newest_draft(board).words[ACCOUNT] == "Said on another form."


async def test_text_moved_from_another_form_can_be_changed(board: Board) -> None:
    """A text was typed into the box A.2.reasons of another form of report. This form shows it in
    the box that asks for the same. There a person changes it.
    """
    board.edit_draft("A.2.reasons", "A certificate had expired.")
    form_before = await read_form(board, board.incident_page)
    (new_box,) = [
        name for name, text in form_before.items() if text == "A certificate had expired."
    ]
    await send_incident_form(board, {new_box: "Two certificates."}, form=form_before)
    # `kept` are texts that have no box in this form: none.
    assert dict(newest_report(board).kept) == {}
    assert report_answer(board, new_box.removeprefix("box.")).text == "Two certificates."


async def test_step_is_ticked_now_or_at_another_time_and_unticked(board: Board) -> None:
    """A step is done if a person ticks it, or says when it was done. The form is sent at 09:40."""
    first, second, *_ = (f"step.{step.id}" for step in newest_report(board).steps)
    other_time = {f"at.{second}": "2018-01-05T09:36", f"note.{second}": "ticket 1234"}
    await send_incident_form(board, {f"tick.{first}": "on"} | other_time)
    words = newest_draft(board).words
    assert words[first] == "5 Jan 2018 09:40 GMT"
    assert words[second] == "5 Jan 2018 09:36 GMT, ticket 1234"
    # The form is sent again without the tick of the first step.
    form_before = await read_form(board, board.incident_page)
    assert form_before[f"at.{second}"] == "2018-01-05T09:36"
    del form_before[f"tick.{first}"]
    await send_incident_form(board, form=form_before)
    words = newest_draft(board).words
    assert (words[first], words[second]) == ("", "5 Jan 2018 09:36 GMT, ticket 1234")


async def test_step_done_in_the_future_is_refused_beside_the_step(board: Board) -> None:
    name = f"step.{newest_report(board).steps[0].id}"
    answer = await send_incident_form(board, {f"at.{name}": "2018-01-05T23:00"})
    assert answer.status_code == 400
    assert f'<a href="#{name}">is in the future' in answer.text
    assert not newest_draft(board).words.get(name)


async def test_ticks_and_notes_are_in_the_report_at_once(board: Board) -> None:
    """They are saved with the form, and the next version already has their sentences."""
    await send_incident_form(board, {"tick.step.ask-platform": "on", "note": "no reply yet"})
    account = newest_report(board).find_field(ACCOUNT)
    assert account is not None
    heading = account.paragraphs.index(HEADING)
    assert account.paragraphs[heading + 1 : heading + 3] == (
        "9.40am on Friday 5 January 2018: no reply yet (duty statistician)",
        "The GOV.UK support team was called at 9.40am.",
    )


async def test_note_call_address_and_cause_are_added_to_the_timeline(board: Board) -> None:
    typed = {
        "note": "the page says nothing",
        "call": "web team",
        "said": "they are on it",
        "cause": "certificate",
    }
    typed |= {"address": "https://assets.example.gov.uk/table.ods", ACCOUNT_BOX: "And a box."}
    await send_incident_form(board, typed)
    assert timeline_texts(board) == [
        "duty statistician: the page says nothing",
        "duty statistician: call with web team: they are on it",
        "duty statistician: it could also be seen at https://assets.example.gov.uk/table.ods",
        "duty statistician: cause: certificate",
    ]
    assert newest_draft(board).words[ACCOUNT] == "And a box."
    # The cause is in its box and is not added to the timeline again.
    await send_incident_form(board, {"cause": "certificate"})
    assert len(timeline_texts(board)) == 4


ALERT = b"""From: GOV.UK emails <alerts@notifications.example>\r
Date: Fri, 05 Jan 2018 09:30:04 +0000\r
Content-Type: multipart/alternative; boundary="--b"\r
\r
----b\r
\r
See https://www.gov.uk/government/statistics/schools.\r
----b--\r
"""


NESTED = b"".join(
    b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (level, level)
    for level in range(100)
)


async def test_mail_that_users_got_is_added_to_the_timeline_once(board: Board) -> None:
    """Users got an e-mail about the release. A person adds it with the form, which also has a text
    in a box. The e-mail is added as by the command line, and only once.
    """
    before = board.late_incident()
    typed = {
        "mailed": "an alert to about 13,000 subscribers was sent",
        ACCOUNT_BOX: "Dŵr.\nTwo lines.",
    }
    assert (await send_incident_form(board, typed, mail=ALERT)).status_code == 303
    after = board.late_incident()
    by_command_line = note_mail(
        before, "duty statistician", ALERT, typed["mailed"], after.timeline[-1].at
    )
    assert after.timeline == by_command_line.timeline
    assert newest_draft(board).words[ACCOUNT] == "Dŵr.\nTwo lines."
    page = await board.read_page(board.incident_page)
    assert (
        "subscribers was sent, from notifications.example, with a link to https://www.gov.uk/"
        in page
    )
    # A browser that reloads the page sends the form again, which changes nothing.
    await send_incident_form(board, typed, mail=ALERT)
    assert board.late_incident() == after


@pytest.mark.parametrize(
    ("mail", "typed", "reason"),
    [
        (b"no mail", {}, "no e-mail with a date; save it as .eml"),
        (NESTED, {}, "has too many parts; attach it as a file"),
        (ALERT.replace(b"2018", b"2038"), {}, "is in the future"),
        (ALERT + b"x" * (2 << 20), {}, "larger than 2 MB"),
        (None, {"mailed": "an alert"}, "choose the e-mail that you describe"),
        (ALERT, {"call": "web team"}, "choose the file again"),
    ],
    ids=["no mail", "nested", "from the future", "too large", "not chosen", "beside another fault"],
)
async def test_mail_that_cannot_be_added_is_refused_at_its_box(
    board: Board, mail: bytes | None, typed: dict[str, str], reason: str
) -> None:
    """A case is an e-mail (None: no file was chosen), typed text and the reason. For example, an
    e-mail of 2038 is in the future. The rest of the form is kept.
    """
    answer = await send_incident_form(board, {ACCOUNT_BOX: "An hour's work."}, typed, mail=mail)
    assert answer.status_code == 400
    assert f'<span class="fault" id="mail-fault">{reason}' in answer.text
    assert "An hour&#39;s work." in answer.text
    assert timeline_texts(board) == []


@pytest.mark.parametrize("mail", [None, ALERT])
async def test_form_with_too_much_text_is_refused(board: Board, mail: bytes | None) -> None:
    """With or without an e-mail, the texts of a form may have 1 MiB, and a form may have 300
    boxes.
    """
    too_long, too_many = (
        {ACCOUNT_BOX: "x" * (1 << 20)},
        {f"box.{number}": "x" for number in range(400)},
    )
    for typed in (too_long, too_many):
        assert (await send_incident_form(board, typed, mail=mail)).status_code == 400
    assert timeline_texts(board) == []
    assert len(board.drafts()) == 1


async def test_mail_form_with_wrong_guard_or_9_mib_is_refused(board: Board) -> None:
    """The guard is a hidden field of a form.

    It proves that the form is from a page of the same session.
    """
    assert (await send_incident_form(board, {"guard": "another"}, mail=ALERT)).status_code == 403
    # A form may have 8 MiB with its files.
    too_large = await send_incident_form(board, mail=bytes(9 << 20))
    assert too_large.status_code == 400
    assert f"the body must not be longer than {8 << 20} bytes" in too_large.text
    assert timeline_texts(board) == []


async def test_assigned_role_is_shown_on_every_page_of_the_incident(board: Board) -> None:
    await send_incident_form(board, {"assigned": "head of <profession>"})
    assert timeline_texts(board) == ["duty statistician: given to: head of <profession>"]
    for page in ("/", "/incidents", board.incident_page):
        assert "head of &lt;profession&gt;" in await board.read_page(page)
    assert (await board.read_json(f"/api/v1/incidents/{board.incident}"))["assigned"] == (
        "head of <profession>"
    )
    # An unchanged form does not assign it again.
    await send_incident_form(board)
    assert len(timeline_texts(board)) == 1


@pytest.mark.parametrize(
    ("typed", "shown_fault"),
    [
        ({"call": "web team"}, "what was said"),
        ({"said": "they are on it"}, "with whom the call was"),
        ({"address": "javascript:alert(1)"}, "not a web address"),
        ({"address": "https://"}, "not a web address"),
        ({"address": "https://[x"}, "not a web address"),
        ({"assigned": "x" * 81}, "at most 80 characters"),
        ({"forward": "soon", "note": "x"}, "not a date-time"),
        ({"forward": "9999-12-31T23:59:59-14:00"}, "not a date-time"),
        ({"owner": "web team", "due": "2018-02-01"}, 'id="action-fault"'),
        ({"action": "Renew it", "owner": "web team", "due": "soon"}, 'id="due-fault"'),
    ],
)
async def test_invalid_note_is_refused_with_the_typed_text_kept(
    board: Board, typed: dict[str, str], shown_fault: str
) -> None:
    # One part of a note is invalid. For example, a call needs what was said. A valid text in a box
    # is sent with it.
    answer = await send_incident_form(board, {ACCOUNT_BOX: "An hour's work."}, typed)
    assert answer.status_code == 400
    assert shown_fault in answer.text
    assert "An hour&#39;s work." in answer.text
    assert timeline_texts(board) == []
    assert len(board.drafts()) == 1


async def test_person_without_a_configured_role_acts_by_their_right(users: Path) -> None:
    async with signed_in_board(users, WITHOUT_ROLE) as board:
        await send_incident_form(board, {ACCOUNT_BOX: "A certificate.", "role": "web editor"})
        assert newest_draft(board).by == "duty officer"


async def test_typed_role_never_replaces_the_role_of_the_users_file(board: Board) -> None:
    await send_incident_form(board, {ACCOUNT_BOX: "A certificate.", "role": "head of profession"})
    assert newest_draft(board).by == "duty statistician"


@pytest.mark.parametrize(
    ("button", "next_page"), [("preview", "/draft.html"), ("sign", "/sign"), ("save", "?saved=1")]
)
async def test_every_button_saves_the_form_and_redirects_to_its_page(
    board: Board, button: str, next_page: str
) -> None:
    """The buttons show a preview, lead to signing, or only save."""
    answer = await send_incident_form(board, {ACCOUNT_BOX: "A certificate.", "do": button})
    assert answer.headers["Location"].endswith(next_page)
    assert newest_draft(board).words[ACCOUNT] == "A certificate."


async def test_person_whose_session_ended_gets_back_the_typed_text(board: Board) -> None:
    form_before = await read_form(board, board.incident_page)
    board.client.cookies.clear()
    typed = {"box.B.1.producer": "An hour of <work>", "note": "a note"}
    answer = await send_incident_form(board, typed, form=form_before)
    assert answer.status_code == 403
    # The page shows the label of the box B.1.producer.
    for words in (
        "This was not saved",
        "An hour of &lt;work&gt;",
        "Name of statistical producer",
        "a note",
    ):
        assert words in answer.text
    # Only the link to sign in names the incident.
    assert board.incident not in answer.text.replace(
        f"/sign-in?next=/incidents/{board.incident}", ""
    )
    assert len(board.drafts()) == 1


async def test_very_long_text_is_refused_after_the_session_ended(board: Board) -> None:
    form_before = await read_form(board, board.incident_page)
    board.client.cookies.clear()
    # This text has 256 KiB. Without a session, a form may have only 128 KiB.
    assert (
        await send_incident_form(board, {ACCOUNT_BOX: "x" * (1 << 18)}, form=form_before)
    ).status_code == 400


async def test_decision_to_bring_the_release_forward_is_in_the_timeline(board: Board) -> None:
    await send_incident_form(board, {"forward": "2018-01-05T09:50", ACCOUNT_BOX: "A certificate."})
    assert timeline_texts(board) == [
        "duty statistician: decided to bring the release forward to 09:50 GMT on 5 January 2018"
    ]
    assert newest_draft(board).words[ACCOUNT] == "A certificate."


async def test_a_person_can_close_an_incident_by_its_form(board: Board) -> None:
    await send_incident_form(board, {"close": "on"})
    assert timeline_texts(board) == ["duty statistician: closed"]


async def test_page_of_a_closed_incident_asks_for_no_decision(board: Board) -> None:
    box_for_decision_to_publish_sooner = 'id="forward"'
    assert box_for_decision_to_publish_sooner in await board.read_page(board.incident_page)
    await send_incident_form(board, {"close": "on"})
    page = await board.read_page(board.incident_page)
    assert "What happened" in page
    assert box_for_decision_to_publish_sooner not in page


@pytest.mark.parametrize("signed_in_as", [VIEWER, "", DUTY])
async def test_form_of_another_session_is_refused(users: Path, signed_in_as: str) -> None:
    """A case is another session: of a viewer, of no one, or a new one of the same person."""
    async with signed_in_board(users) as board:
        form_of_another_session = await read_form(board, board.incident_page)
    # The incident of another board has the same id. The response to a refused form contains the
    # typed text.
    async with signed_in_board(users, signed_in_as) as board:
        sent = form_of_another_session | {ACCOUNT_BOX: "Mine."}
        for page in ("draft", "sign"):
            answer = await board.client.post(f"{board.incident_page}/{page}", data=sent)
            assert answer.status_code == 403
            assert "Mine." in answer.text
        assert len(board.drafts()) == 1


async def test_viewer_reads_the_report_without_boxes(users: Path) -> None:
    async with signed_in_board(users, VIEWER) as board:
        page = await board.read_page(board.incident_page)
        assert "[to be completed:" in page
        assert "<textarea" not in page


async def test_form_of_an_unknown_version_is_refused(board: Board) -> None:
    assert (await send_incident_form(board, {"version": "99"})).status_code == 400
    assert len(board.drafts()) == 1


async def test_form_and_evidence_of_an_unknown_incident_are_not_found(board: Board) -> None:
    sent = await read_form(board, board.incident_page)
    assert (await board.client.post("/incidents/none/draft", data=sent)).status_code == 404
    assert await board.status_of("/incidents/none/evidence.zip") == 404


async def test_action_is_added_to_the_report_and_marked_as_done(board: Board) -> None:
    """An action is a task that follows from the incident.

    A tick at `acted.NUMBER` says that it is done.
    """
    typed = {"action": "Renew the <certificate>", "owner": "web team", "due": "2018-02-01"}
    await send_incident_form(board, typed, {ACCOUNT_BOX: "A certificate."})
    in_report = report_field(board, "B.4.corrective").paragraphs
    assert in_report == ("Renew the <certificate>: web team, by 1 February 2018.",)
    page = await board.read_page(board.incident_page)
    assert "<li>Renew the &lt;certificate&gt;: web team, by 1 February 2018." in page
    # There is no seventh action, so its tick is ignored.
    await send_incident_form(board, {"acted.1": "on", "acted.7": "on"})
    assert board.late_incident().actions[0].done_by == "duty statistician"
    # An action that is done has no tick box any more.
    assert 'name="acted.1"' not in await board.read_page(board.incident_page)


async def test_viewer_reads_actions_but_cannot_change_them(board: Board) -> None:
    await send_incident_form(
        board, {"action": "Renew it", "owner": "web team", "due": "2018-02-01"}
    )
    board.client.cookies.clear()
    await sign_in(board, VIEWER)
    page = await board.read_page(board.incident_page)
    assert "Renew it: web team, by 1 February 2018." in page
    assert "acted.1" not in page
    assert (await send_incident_form(board, {"acted.1": "on"})).status_code == 403
    assert board.late_incident().actions[0].done is None


async def test_one_tick_answers_that_no_earlier_incident_is_known(users: Path) -> None:
    """A note asks for earlier incidents. The tick counts only if the box is empty."""
    typed = {"title": "Prices", "producer": "ofqual", "what": "A file was sent", "by": "desk"}
    async with signed_in_board(users) as board:
        assert board.queries.desk is not None
        logged, _is_new = await board.queries.desk.log_incident(
            typed | {"when": "2018-01-04", "grade": "note"}
        )
        board.incident = logged.id
        page = await board.read_page(board.incident_page)
        assert "None that we know of." in page
        await send_incident_form(board, {"quick.N.previous": "on"})
        assert board.drafts()[-1].words["N.previous"] == "None that we know of."


async def test_grade_and_form_are_chosen_with_a_reason(board: Board) -> None:
    chosen = {"grade": "note", "form": "D"}
    refused = await send_incident_form(board, chosen)
    assert refused.status_code == 400
    assert '<a href="#grade-reason">' in refused.text
    await send_incident_form(board, chosen, {"grade-reason": "agreed with the regulator"})
    assert (board.late_incident().grade, newest_report(board).form) == ("note", "D")
    assert "graded note on form D, was report" in board.late_incident().timeline[-1].text
