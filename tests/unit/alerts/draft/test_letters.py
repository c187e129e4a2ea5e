from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerts.by_hand import bring_forward
from alerts.draft.edits import merge_words
from alerts.draft.report import Report, Signature
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import draft_of, facts_of, never_removed
from tests.worlds.published import at


def report_of(incident: Incident, settings: Mapping[str, str], **changed: object) -> Report:
    facts = replace(facts_of(incident), **changed)  # type: ignore[arg-type] # any of its fields
    return draft_of(replace(incident, facts=facts), now=facts.at, configured=settings)


def test_an_incident_that_was_not_measured_has_no_statement_ready(
    moj_leak: Incident, settings: Mapping[str, str]
) -> None:
    """The leak was logged by a person, and nothing was measured.

    `holding` is the statement to users.
    """
    report = report_of(moj_leak, settings)
    assert report.holding == ()
    assert (
        "for the people dealing with this to write"
        in WRITERS["md"](report, Document.HOLDING).decode()
    )


@pytest.mark.parametrize("form", ["B", "note"])
def test_letters_take_cause_and_actions_from_the_report(ofqual_late: Incident, form: str) -> None:
    report = draft_of(ofqual_late, form, now=at("2018-01-05T13:00+00:00"))
    cause, actions = ("B.2.account", "B.4.corrective") if form == "B" else ("N.why", "N.actions")
    typed = merge_words({cause: "A certificate had expired.", actions: "It was renewed."}, report)
    text = WRITERS["md"](typed, Document.CORRECTION).decode()
    assert "\n\nA certificate had expired.\n\nIt was renewed.\n\n" in text
    assert "A certificate had expired." in WRITERS["md"](typed, Document.LINES).decode()


def test_replaced_account_is_not_in_correction_notice(ofqual_late: Incident) -> None:
    """A person replaces the measured account in the report to the regulator by “All of it.” and
    types corrective actions. The correction notice is for users: it has only the actions.
    """
    report = draft_of(ofqual_late, now=at("2018-01-05T13:00+00:00"))
    # The key with "instead." says that the typed account replaces the measured one.
    account = {"B.2.account": "All of it.", "instead.B.2.account": "yes"}
    corrective_actions = {"B.4.corrective": "It was renewed."}
    answered = merge_words({**account, **corrective_actions}, report)
    signed = replace(answered, signed=Signature("the head", "13:00 GMT", "5 January 2018", 2))
    correction_notice = WRITERS["md"](signed, Document.CORRECTION).decode()
    assert "All of it." not in correction_notice
    assert "It was renewed." in correction_notice
    # As the account was typed, there is no prompt "[to be completed: how and why it happened]"
    # either.
    assert "how and why" not in correction_notice


PROMISES_AND_ADMISSIONS = (
    "we will",
    "will say",
    "looking into",
    "being looked",
    "goes to the regulator",
    "by mistake",
)


def test_letters_promise_and_admit_nothing_that_no_one_typed(
    incidents: Mapping[str, Incident], settings: Mapping[str, str]
) -> None:
    """`PROMISES_AND_ADMISSIONS` are words such as “we will”, “looking into” and “by mistake”."""
    for incident in incidents.values():
        report = draft_of(incident, configured=settings)
        text = " ".join(
            [*report.covering, *report.holding, *report.correction, *report.lines]
        ).lower()
        assert not [words for words in PROMISES_AND_ADMISSIONS if words in text]


CONTACT_LINE = "Questions about the release are for the Head of Profession for Statistics."


def test_press_lines_begin_like_statement_and_name_the_contact(
    ofqual_late: Incident, ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    for incident in (ofqual_late, ofsted_early):
        report = draft_of(incident, configured=settings)
        # `holding` is the statement to users.
        assert report.lines[0] == report.holding[0]
        assert CONTACT_LINE in report.lines


def test_covering_e_mail_has_typed_sender_and_recipient(moj_leak: Incident) -> None:
    logged = replace(moj_leak, facts=None, grade="note")
    report = draft_of(logged, "note")
    typed = {"N.to": "regulation@example.gov.uk", "N.from": "Chief Statistician, Marine Agency"}
    text = WRITERS["md"](merge_words(typed, report), Document.COVERING).decode()
    assert "To: regulation@example.gov.uk\n" in text
    assert "Chief Statistician, Marine Agency" in text
    assert "to be completed" not in text
    assert "Subject: Note on a release timing incident: " in text
    assert "Our note is attached." in text


@pytest.mark.parametrize(
    ("now", "sentence_on_new_time"),
    [
        ("2017-03-20T17:40+00:00", "It will be released at 6pm on Monday 20 March 2017 instead."),
        ("2017-03-20T18:10+00:00", "It was brought forward to 6pm on Monday 20 March 2017."),
    ],
    ids=["before its new time", "after it"],
)
def test_letters_on_release_brought_forward_state_only_its_new_time(
    ofsted_early: Incident, now: str, sentence_on_new_time: str
) -> None:
    """It was public on 20 March and due on 22 March. A person brought it forward to 6pm on 20
    March. For example, letters written before 6pm say “It will be released at 6pm”.
    """
    brought_forward = bring_forward(
        ofsted_early, "head", when="2017-03-20T18:00", now=ofsted_early.opened
    )
    report = draft_of(brought_forward, now=at(now))
    statement_to_users, correction_notice, lines_for_press = (
        report.holding,
        report.correction,
        report.lines,
    )
    for letter in (statement_to_users, correction_notice, lines_for_press):
        first_paragraph = letter[0]
        assert sentence_on_new_time in first_paragraph
        assert "Part of it could be seen before that time, from" in first_paragraph
        # As in "It was published as announced", and in "Please do not use any of it before 22
        # March".
        assert "as announced" not in " ".join(letter)
        assert "Please do not use" not in " ".join(letter)
    assert "We do not comment on the statistics outside their release." in " ".join(lines_for_press)


def test_release_seen_after_its_earlier_new_time_is_not_early(ofsted_early: Incident) -> None:
    seen_from_5pm = never_removed(ofsted_early)
    brought_forward_to_4pm = bring_forward(
        seen_from_5pm, "head", when="2017-03-20T16:00", now=ofsted_early.opened
    )
    # It was first seen between 4.55pm and 5pm, after its new time of 4pm.
    report = draft_of(brought_forward_to_4pm, now=ofsted_early.opened)
    assert "could be seen" not in " ".join(report.correction)


@pytest.mark.parametrize("letter", ["covering", "holding", "correction", "lines"])
def test_letters_have_at_most_150_words(
    ofqual_late: Incident,
    ofsted_early: Incident,
    moj_leak: Incident,
    settings: Mapping[str, str],
    letter: str,
) -> None:
    for incident in (ofqual_late, ofsted_early, moj_leak):
        report = draft_of(incident, configured=settings)
        assert len(" ".join(getattr(report, letter)).split()) <= 150
