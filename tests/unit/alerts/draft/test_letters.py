from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerts.by_hand import bring_forward
from alerts.draft.edits import merge_words
from alerts.draft.letters import ACTIONS_PROMPT, CAUSE_PROMPT
from alerts.draft.report import Report, Signature
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from schedules.contract.verdict import Finding, FindingKind, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import draft_of, facts_of, never_removed
from tests.worlds.published import at

AFTER_EARLY_SLOT = at("2017-03-22T12:00+00:00")
"""Noon after the slot of the release of Ofsted that was public two days before it."""


def report_of(incident: Incident, settings: Mapping[str, str], **changed: object) -> Report:
    facts = replace(facts_of(incident), **changed)  # type: ignore[arg-type] # any of its fields
    return draft_of(replace(incident, facts=facts), now=facts.at, configured=settings)


def test_the_covering_e_mail_states_recipient_sender_incident_and_practice(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    """The page was due at 9.30am on 5 January 2018, and out by 12.19pm.

    Its report was at another address before.
    """
    report = report_of(ofqual_late, settings)
    text = WRITERS["md"](report, Document.COVERING).decode()
    assert "To: Regulator's reporting desk" in text
    assert (
        "It was not on its landing page until 12.19pm. The report was available at <https" in text
    )
    assert (
        "It concerns Protocol 2, practice 4 of the Code of Practice for Official Statistics,"
        " edition 1.0." in text
    )
    assert "Head of Profession for Statistics" in text


def test_covering_e_mail_asks_for_unconfigured_recipient(ofqual_late: Incident) -> None:
    without_settings = report_of(ofqual_late, settings={})
    assert "[to be completed: who receives this]" in "".join(without_settings.covering)


def test_statement_on_late_release_begins_with_its_address(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    """The page was due at 9.30am on 5 January 2018, and out by 12.19pm.

    `holding` is the statement to users.
    """
    first_paragraph, apology = report_of(ofqual_late, settings).holding
    address_of_page = facts_of(ofqual_late).url
    assert first_paragraph.startswith(
        f"“{ofqual_late.title}” was published at {address_of_page}. It was pre-announced"
    )
    assert "It was not on its landing page until 12.19pm." in first_paragraph
    # Its PDF, called the report, was out at another address before that.
    assert "The report was available at https://" in first_paragraph
    assert apology == "We apologise for the inconvenience."


def test_statement_on_overdue_page_does_not_say_available(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    """70 minutes after the slot at 9.30am is 10.40am."""
    page, *other_parts = facts_of(ofqual_late).parts
    absent = replace(page, first_seen=Interval(), released=Interval())
    overdue_by_70_minutes = replace(
        absent, verdict=VerdictKind.OVERDUE, delay=Bounds(70 * 60, None)
    )
    parts = (overdue_by_70_minutes, *other_parts)
    first, next_step, _ = report_of(
        ofqual_late, settings, verdict=VerdictKind.OVERDUE, parts=parts, final=False
    ).holding
    assert next_step.startswith("We will publish it as soon as we can and update this page at ")
    assert (
        "It was still not on its landing page at 10.40am. The report was available at https://"
        in first
    )
    assert "is available at" not in first


def test_release_kept_from_users_by_cache_is_not_called_available(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    """The page came out 89 to 91 s after its slot. A cache still served users an old copy 301 s
    after the slot, and no look has shown them the page yet (None).
    """
    page = facts_of(ofqual_late).parts[0]
    # seconds after the slot
    published, users_access = Bounds(min=89, max=91), Bounds(min=301, max=None)
    cached = replace(page, delay=published, users_delay=users_access)
    # `holding` is the statement to users.
    first, _ = report_of(ofqual_late, settings, parts=(cached,)).holding
    assert "was published at" in first
    assert "is available at" not in first
    assert "users still had no access" in first


def test_letters_do_not_say_available_if_last_look_missed_release(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    """The page came out by 12.19pm and was last seen at 12.30pm. The last look was at 1.30pm."""
    before_last_look = at("2018-01-05T12:30+00:00")
    page = replace(facts_of(ofqual_late).parts[0], seen_until=before_last_look)
    report = report_of(ofqual_late, settings, parts=(page,))
    assert report.holding[0].startswith(
        f"“{ofqual_late.title}” was published at {page.url}. It was pre-announced"
    )
    assert "is available at" not in " ".join((*report.holding, *report.correction, *report.lines))


def test_until_slot_statement_asks_not_to_use_early_release(
    ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    """The release was public on 20 March and the report is of that day.

    The slot is at 9.30am on 22 March.
    """
    text = " ".join(report_of(ofsted_early, settings).holding)
    assert "was pre-announced on GOV.UK for 9.30am on Wednesday 22 March 2017." in text
    assert "Please do not use, quote or pass on any of it before then." in text


def test_after_slot_statement_says_when_early_release_became_available(
    ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    """It was public on 20 March, two days before its slot.

    This statement is of noon on 22 March, after the slot.
    """
    after = " ".join(report_of(ofsted_early, settings, at=AFTER_EARLY_SLOT).holding)
    assert "Please do not" not in after
    assert (
        "The landing page and the HTML version became available between 4.55pm and 5pm on 20 March."
        in after
    )


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


def test_delay_gets_a_note_on_the_time_of_publication_and_no_correction(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    report = report_of(ofqual_late, settings)
    text = WRITERS["md"](report, Document.CORRECTION).decode()
    assert text.startswith("# Note on the time of publication\n")
    assert "orrection" not in text
    assert "changed" not in text
    first, cause, actions, _ = report.correction
    # `holding` is the statement to users. CAUSE_PROMPT and ACTIONS_PROMPT are prompts for what a
    # person must add.
    assert first == report.holding[0]
    assert (cause, actions) == (CAUSE_PROMPT, ACTIONS_PROMPT)
    assert "was published at" in first


def test_wrong_file_gets_a_correction_notice_that_asks_what_changed(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    facts = facts_of(ofqual_late)
    swapped = replace(facts, findings=(*facts.findings, Finding(FindingKind.SWAPPED, "page")))
    report = report_of(replace(ofqual_late, facts=swapped), settings)
    text = WRITERS["md"](report, Document.CORRECTION).decode()
    assert text.startswith("# Correction notice\n")
    assert "whether anything in the release was changed since" in text


def test_after_slot_correction_notice_asks_to_use_release_itself(
    ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    """The release was public early, two days before its slot."""
    report = report_of(ofsted_early, settings, at=AFTER_EARLY_SLOT)
    assert "should use the release itself" in "".join(report.correction)


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


@pytest.mark.parametrize(
    "letter", ["correction", "lines"], ids=["correction notice", "lines for the press"]
)
def test_until_slot_no_letter_helps_to_find_early_release(
    ofsted_early: Incident, settings: Mapping[str, str], letter: str
) -> None:
    """The release was public on 20 March. Its slot is on 22 March. The letters are of 20 March."""
    report = report_of(ofsted_early, settings)
    text = " ".join(getattr(report, letter))
    assert (
        "Part of it could be seen before that time, from some time between 4.55pm and 5pm on 20"
        " March." in text
    )
    gives_an_address = "http" in text
    says_that_it_can_still_be_read = "still" in text  # as in "It was still available at"
    assert not gives_an_address
    assert not says_that_it_can_still_be_read


CONTACT_LINE = "Questions about the release are for the Head of Profession for Statistics."


def test_press_lines_begin_like_statement_and_name_the_contact(
    ofqual_late: Incident, ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    for incident in (ofqual_late, ofsted_early):
        report = draft_of(incident, configured=settings)
        # `holding` is the statement to users.
        assert report.lines[0] == report.holding[0]
        assert CONTACT_LINE in report.lines


def test_press_lines_on_logged_incident_do_not_quote_typed_text(
    moj_leak: Incident, settings: Mapping[str, str]
) -> None:
    report = draft_of(moj_leak, configured=settings)
    assert (
        report.lines[0]
        == "An incident on 30 September 2016 concerns “Safety in Custody Quarterly Statistics"
        " bulletin”."
    )
    assert moj_leak.words["what"] not in " ".join(report.lines)
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


def test_letters_do_not_call_wholly_public_release_partly_public(ofsted_early: Incident) -> None:
    """The page is the only part. It was public early and was never removed."""
    report = draft_of(never_removed(ofsted_early), now=AFTER_EARLY_SLOT)
    assert (
        "It became available between 4.55pm and 5pm on 20 March. It remained available"
        in report.holding[0]
    )
    assert "Part of it" not in " ".join((*report.holding, *report.correction, *report.lines))


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
