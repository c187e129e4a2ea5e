from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

import pytest

from alerts.by_hand import (
    InvalidInput,
    acknowledge_incident,
    add_note,
    assign_role,
    bring_forward,
    close_incident,
    note_mail,
    record_cause,
)
from alerts.draft.chronology import HEADING
from alerts.draft.code import load_data
from alerts.draft.done_steps import DoneStep, read_done_step
from alerts.incident import ACKNOWLEDGED, MONITOR, Incident
from alerts.steps import steps_at
from schedules.times.zone import LONDON
from tests.unit.alerts.draft.conftest import draft_of, get_field
from tests.worlds.published import at

NOW = at("2018-01-05T13:00+00:00")
ROLE = "duty statistician"


def list_events(
    incident: Incident, typed: dict[str, str] | None = None, now: datetime = NOW
) -> list[str]:
    """Return the lines of the chronology in the account, for steps that a person ticked with the
    `typed` words.
    """
    report = draft_of(incident, now=now, typed=typed)
    lines = get_field(report, "B.2.account").paragraphs
    return list(lines[lines.index(HEADING) + 1 :]) if HEADING in lines else []


def test_notes_are_listed_in_order_of_time_and_acknowledgements_are_not(
    ofqual_late: Incident,
) -> None:
    one_pm = at("2018-01-05T13:00+00:00")
    acknowledged = acknowledge_incident(ofqual_late, ROLE, one_pm)
    assigned = assign_role(acknowledged, ROLE, "web team", one_pm)
    later = add_note(assigned, ROLE, "rang again", now=one_pm)
    noted = add_note(later, ROLE, "rang the web team.", now=one_pm, at="2018-01-05T09:41")
    assert ACKNOWLEDGED in [entry.text for entry in noted.timeline]
    # The day is named only once.
    assert list_events(noted) == [
        "9.41am on Friday 5 January 2018: rang the web team (duty statistician)",
        "1pm: rang again (duty statistician)",
    ]


STEP_TEXTS = {
    "09:43, ticket 1234": "9.43am on Friday 5 January 2018 (ticket 1234)",
    "9.43am": "9.43am on Friday 5 January 2018",
    "ticket 1234 at 9:43": "9.43am on Friday 5 January 2018 (ticket 1234 at)",
    "5 Jan 2018 09:43 GMT, ticket 1234": "9.43am on Friday 5 January 2018 (ticket 1234)",
    "2018-01-08T10:01": "10.01am on Monday 8 January 2018",
    "00:10": "12.10am on Saturday 6 January 2018",
}
"""What is written in the box of the step `ask-platform`, and the end of the sentence in the report.
The incident was opened at 9.31am.
"""


@pytest.mark.parametrize("text", STEP_TEXTS)
def test_ticked_step_is_a_sentence_in_the_past_tense(ofqual_late: Incident, text: str) -> None:
    (line,) = list_events(ofqual_late, {"step.ask-platform": text})
    assert line == f"The GOV.UK support team was called at {STEP_TEXTS[text]}."


def test_only_timed_steps_that_concern_readers_are_in_the_report(ofqual_late: Incident) -> None:
    ticked = {"step.look": "09:33", "step.check": "12:20", "step.statement": "no time"}
    assert list_events(ofqual_late, ticked) == []


def test_no_sentence_about_a_step_contains_its_instruction() -> None:
    for name in load_data("steps")["steps"]:
        for step in steps_at(name):
            sentence = step.past.format(at="9.43am", publisher="The people who publish it were")
            assert not sentence or re.search(r"\b(was|were)\b", sentence), step
            assert not sentence.endswith(".")
            assert ("9.43am" in sentence) == bool(sentence)


@pytest.mark.parametrize("note", ["", "ticket 1234", "on the page, at 10.15am"])
def test_written_step_is_read_back(note: str) -> None:
    for instant in ("2018-01-05T09:43+00:00", "2018-07-05T23:59+01:00"):
        done = DoneStep(at(instant), note)
        assert read_done_step(done.write(LONDON), NOW, LONDON) == done


def test_cause_and_closing_are_not_in_the_sequence_of_events(ofqual_late: Incident) -> None:
    caused = record_cause(ofqual_late, ROLE, "expired certificate", NOW)
    assert list_events(close_incident(caused, ROLE, NOW)) == []


ALERT_SENT_AT_5PM = b"""From: GOV.UK emails <alerts@notifications.example>
To: a.reader@example.org
Subject: Maintained schools: new statistics
Date: Mon, 20 Mar 2017 17:00:04 +0000
Content-Type: text/plain; charset=utf-8

See https://www.gov.uk/government/publications/schools.
"""


def test_noted_mail_is_listed_at_sending_time_and_hashed(ofsted_early: Incident) -> None:
    now = at("2017-03-20T18:00+00:00")
    noted = note_mail(
        ofsted_early,
        ROLE,
        ALERT_SENT_AT_5PM,
        what="an e-mail alert to about 13,000 subscribers was sent",
        now=now,
    )
    (line,) = list_events(noted)
    assert (
        line
        == "5pm on Monday 20 March 2017: an e-mail alert to about 13,000 subscribers was sent, from"
        " notifications.example, with a link to"
        " https://www.gov.uk/government/publications/schools (duty statistician)"
    )
    (evidence,) = [entry.text for entry in noted.timeline if entry.by == MONITOR]
    assert evidence == f"e-mail with SHA-256 {sha256(ALERT_SENT_AT_5PM).hexdigest()} noted"
    # Noting the same e-mail again changes nothing.
    assert note_mail(noted, ROLE, ALERT_SENT_AT_5PM, what="", now=now) == noted


@pytest.mark.parametrize(
    ("mail", "fault"),
    [
        (b"\xff\x00 hello", "no e-mail with a date"),
        (b"", "no e-mail with a date"),
        (ALERT_SENT_AT_5PM.replace(b"2017", b"99999999999"), "no e-mail with a date"),
        (ALERT_SENT_AT_5PM.replace(b"2017", b"2027"), "is in the future"),
        (
            ALERT_SENT_AT_5PM.replace(b"20 Mar 2017 17:00:04 +0000", b"31 Dec 9999 23:59:59 -1200"),
            "no e-mail",
        ),
        (
            b"Date: Mon, 20 Mar 2017 17:00:04 +0000\n" + b"Content-Type: message/rfc822\n\n" * 3000,
            "no e-mail",
        ),
    ],
    ids=[
        "no mail",
        "empty file",
        "year of 11 digits",
        "year 2027",
        "beyond the year 9999",
        "3000 nested parts",
    ],
)
def test_mail_without_date_or_with_future_date_is_refused(
    ofsted_early: Incident, mail: bytes, fault: str
) -> None:
    """On 20 March 2017, a person adds an e-mail to the incident. For example, one dated 20 March
    2027 is refused, because that is in the future. So is a file in which no date can be read.
    """
    with pytest.raises(InvalidInput, match=fault):
        note_mail(ofsted_early, ROLE, mail, what="", now=at("2017-03-20T18:00+00:00"))


def test_mail_with_deeply_nested_sender_is_refused_or_without_sender(
    ofsted_early: Incident,
) -> None:
    """In a sender's address, text in parentheses is a comment. This sender has 5000 of them, one
    within the other. Some versions of Python cannot read that: the mail is refused. Others can, and
    the account names no sender.
    """
    mail = ALERT_SENT_AT_5PM.replace(b"GOV.UK", b"(" * 5000)
    with suppress(InvalidInput):  # if the mail is refused
        noted = note_mail(
            ofsted_early, ROLE, mail, what="an alert was sent", now=at("2017-03-20T18:00+00:00")
        )
        (event,) = list_events(noted)
        # With a sender, “from …” would come before the link.
        assert "an alert was sent, with a link to" in event


@pytest.mark.parametrize(
    ("text_of_mail", "replacement", "expected_account"),
    [
        (
            b"From: GOV.UK emails <alerts@notifications.example>\n",
            b"",
            "an alert was sent, with a link to",
        ),
        (
            b"GOV.UK emails <alerts@notifications.example>",
            b"Undisclosed",
            "an alert was sent, with a link to",
        ),
        (b"notifications.example", b"a\x07.example", "an alert was sent, with a link to"),
        (
            b"/publications/",
            b"/\x1b\xe2\x80\xae/",
            "an alert was sent, from notifications.example (",
        ),
    ],
    ids=["no-sender", "no-address", "control-character", "hidden-in-link"],
)
def test_account_of_a_mail_omits_unusable_sender_or_link(
    ofsted_early: Incident, text_of_mail: bytes, replacement: bytes, expected_account: str
) -> None:
    """A person adds an e-mail alert, and the account says from whom it was and to what it links.
    For example, without an address in the line From, no sender is named. A link with hidden
    characters is left out.
    """
    mail = ALERT_SENT_AT_5PM.replace(text_of_mail, replacement)
    now = at("2017-03-20T18:00+00:00")
    noted = note_mail(ofsted_early, ROLE, mail, what="an alert was sent", now=now)
    (event,) = list_events(noted)
    assert expected_account in event


def test_decision_to_bring_forward_is_in_account_not_events(ofsted_early: Incident) -> None:
    decided = bring_forward(
        ofsted_early, ROLE, when="2017-03-20T18:00", now=at("2017-03-20T17:10+00:00")
    )
    account = get_field(draft_of(decided, now=NOW), "B.2.account").paragraphs
    assert (
        "The duty statistician decided to bring the release forward to 6pm on Monday 20 March 2017."
        in account
    )
    assert list_events(decided) == []


@pytest.mark.parametrize(
    ("when", "fault"),
    [("soon", 'at: not a date-time, write "2018-01-05T09:41"'), ("2018-01-06T09:00", "at: is in")],
)
def test_an_invalid_or_future_time_of_a_note_is_refused(
    ofqual_late: Incident, when: str, fault: str
) -> None:
    """Now is 1pm on 5 January 2018.

    For example, 9am on 6 January is refused, because it is in the future.
    """
    with pytest.raises(InvalidInput, match=fault):
        add_note(ofqual_late, ROLE, "rang", now=NOW, at=when)
