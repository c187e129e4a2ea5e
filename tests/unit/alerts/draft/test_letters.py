from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerts.by_hand import bring_forward
from alerts.draft.edits import merge_words
from alerts.draft.fill import fill_form
from alerts.draft.form import get_form
from alerts.draft.letters import ACTIONS, CAUSE
from alerts.draft.report import Report
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import at, facts_of, never_removed


def report_of(incident: Incident, settings: Mapping[str, str], **changed: object) -> Report:
    facts = replace(facts_of(incident), **changed)  # type: ignore[arg-type] # any of its fields
    return fill_form(replace(incident, facts=facts), get_form("B"), settings, [], facts.at)


def test_the_covering_e_mail_says_what_happened_which_practice_and_to_whom(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    report = report_of(ofqual_late, settings)
    text = WRITERS["md"](report, Document.COVERING).decode()
    assert "To: Regulator's reporting desk" in text
    assert "The landing page was not available until 12.19pm. The report was available at <https" in text
    assert "It concerns Protocol 2, practice 4 of the Code of Practice for Official Statistics, edition 1.0." in text
    assert "Head of Profession for Statistics" in text
    assert "[to be completed: who receives this]" in "".join(report_of(ofqual_late, {}).covering)


def test_a_statement_begins_with_where_users_can_get_the_release(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    first, sorry = report_of(ofqual_late, settings).holding
    assert first.startswith(f"“{ofqual_late.title}” is available at {facts_of(ofqual_late).url}. It was pre-announced")
    assert "The landing page was not available until 12.19pm. The report was available at https://" in first
    assert sorry == "We apologise for the inconvenience."
    unseen = {"first_seen": Interval(), "released": Interval()}
    page = replace(facts_of(ofqual_late).parts[0], verdict=VerdictKind.OVERDUE, delay=Bounds(4200, None), **unseen)
    parts = (page, *facts_of(ofqual_late).parts[1:])
    first, _ = report_of(ofqual_late, settings, verdict=VerdictKind.OVERDUE, parts=parts, final=False).holding
    assert "The landing page was still not available at 10.40am. The report was available at https://" in first
    assert "is available at" not in first


def test_a_release_that_a_cache_still_keeps_from_users_is_not_said_to_be_available(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    page = replace(facts_of(ofqual_late).parts[0], delay=Bounds(89, 91), users_delay=Bounds(301, None))
    first, _ = report_of(ofqual_late, settings, parts=(page,)).holding
    assert "was published at" in first
    assert "is available at" not in first
    assert "users still had no access" in first


def test_a_release_that_the_last_look_did_not_show_is_said_to_have_been_published_and_not_to_be_available(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    page = replace(facts_of(ofqual_late).parts[0], seen_until=at("2018-01-05T12:30+00:00"))
    report = report_of(ofqual_late, settings, parts=(page,))
    assert report.holding[0].startswith(f"“{ofqual_late.title}” was published at {page.url}. It was pre-announced")
    assert "is available at" not in " ".join((*report.holding, *report.correction, *report.lines))


def test_until_the_slot_a_statement_asks_users_not_to_use_an_early_release(
    ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    text = " ".join(report_of(ofsted_early, settings).holding)
    assert "was pre-announced on GOV.UK for 9.30am on Wednesday 22 March 2017." in text
    assert "Please do not use, quote or pass on any of it before then." in text
    after = " ".join(report_of(ofsted_early, settings, at=at("2017-03-22T12:00+00:00")).holding)
    assert "Please do not" not in after
    assert "The landing page and the HTML version became available between 4.55pm and 5pm on 20 March." in after


def test_an_incident_that_was_not_measured_has_no_statement_ready(
    moj_leak: Incident, settings: Mapping[str, str]
) -> None:
    report = report_of(moj_leak, settings)
    assert report.holding == ()
    assert "for the people dealing with this to write" in WRITERS["md"](report, Document.HOLDING).decode()


def test_a_correction_notice_says_when_and_where_and_asks_what_has_changed(
    ofqual_late: Incident, ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    report = report_of(ofqual_late, settings)
    text = WRITERS["md"](report, Document.CORRECTION).decode()
    assert text.startswith("# Correction notice for users\n")
    first, changed, cause, actions, _ = report.correction
    assert first == report.holding[0]
    assert changed.startswith("[to be completed: whether anything in the release was changed since")
    assert (cause, actions) == (CAUSE, ACTIONS)
    assert "is available at" in first
    after = report_of(ofsted_early, settings, at=at("2017-03-22T12:00+00:00"))
    assert "should use the release itself" in "".join(after.correction)


@pytest.mark.parametrize("form", ["B", "note"])
def test_cause_and_actions_of_letters_are_the_answers_of_the_report(ofqual_late: Incident, form: str) -> None:
    report = fill_form(ofqual_late, get_form(form), {}, [], at("2018-01-05T13:00+00:00"))
    cause, actions = ("B.2.account", "B.4.corrective") if form == "B" else ("N.why", "N.actions")
    typed = merge_words({cause: "A certificate had expired.", actions: "It was renewed."}, report)
    text = WRITERS["md"](typed, Document.CORRECTION).decode()
    assert "\n\nA certificate had expired.\n\nIt was renewed.\n\n" in text
    assert "A certificate had expired." in WRITERS["md"](typed, Document.LINES).decode()


def test_a_letter_asks_for_no_cause_that_the_signed_report_has_in_its_account(ofqual_late: Incident) -> None:
    report = fill_form(ofqual_late, get_form("B"), {}, [], at("2018-01-05T13:00+00:00"))
    words = {"B.2.account": "All of it.", "instead.B.2.account": "yes", "B.4.corrective": "It was renewed."}
    signed = replace(
        merge_words(words, report), signed="Signed off by the head at 13:00 GMT on 5 January 2018 as version 2"
    )
    text = WRITERS["md"](signed, Document.CORRECTION).decode()
    assert "how and why" not in text
    assert "All of it." not in text
    assert "It was renewed." in text


PROMISES = ("we will", "will say", "looking into", "being looked", "goes to the regulator", "by mistake")


def test_letters_promise_and_admit_nothing_that_no_one_typed(
    incidents: Mapping[str, Incident], settings: Mapping[str, str]
) -> None:
    for incident in incidents.values():
        report = fill_form(incident, get_form("B"), settings, [], incident.opened)
        text = " ".join([*report.covering, *report.holding, *report.correction, *report.lines]).lower()
        assert not [words for words in PROMISES if words in text]


def test_until_the_slot_correction_and_press_lines_have_no_link_to_an_early_release(
    ofsted_early: Incident, settings: Mapping[str, str]
) -> None:
    report = report_of(ofsted_early, settings)
    assert report.at < (facts_of(ofsted_early).slot or report.at)
    for text in (" ".join(report.correction), " ".join(report.lines)):
        assert "Part of it could be seen before that time, from some time between 4.55pm and 5pm on 20 March." in text
        assert "http" not in text
        assert "still is" not in text


def test_lines_for_ministers_and_press_begin_like_the_statement(
    ofqual_late: Incident, ofsted_early: Incident, moj_leak: Incident, settings: Mapping[str, str]
) -> None:
    for incident in (ofqual_late, ofsted_early, moj_leak):
        report = fill_form(incident, get_form("B"), settings, [], incident.opened)
        logged = "An incident on 30 September 2016 concerns “Safety in Custody Quarterly Statistics bulletin”."
        assert report.lines[0] == (report.holding[0] if report.holding else logged)
        assert incident.words.get("what", "nothing typed") not in " ".join(report.lines)
        assert "Questions about the release are for the Head of Profession for Statistics." in report.lines


def test_the_covering_e_mail_has_the_sender_and_recipient_typed_in_the_form(moj_leak: Incident) -> None:
    logged = replace(moj_leak, facts=None, grade="note")
    report = fill_form(logged, get_form("note"), {}, [], logged.opened)
    typed = {"N.to": "regulation@example.gov.uk", "N.from": "Chief Statistician, Marine Agency"}
    text = WRITERS["md"](merge_words(typed, report), Document.COVERING).decode()
    assert "To: regulation@example.gov.uk\n" in text
    assert "Chief Statistician, Marine Agency" in text
    assert "to be completed" not in text
    assert "Subject: Note on a release timing incident: " in text
    assert "Our note is attached." in text
    assert "measured" not in text


def test_letters_of_a_release_brought_forward_give_its_new_time_and_not_as_announced(ofsted_early: Incident) -> None:
    decided = bring_forward(ofsted_early, "head", "2017-03-20T18:00", ofsted_early.opened)
    before, after = at("2017-03-20T17:40+00:00"), at("2017-03-20T18:10+00:00")
    for now, sentence in [
        (before, "It will be released at 6pm on Monday 20 March 2017 instead."),
        (after, "It was brought forward to 6pm on Monday 20 March 2017."),
    ]:
        report = fill_form(decided, get_form("B"), {}, [], now)
        for letter in (report.holding, report.correction, report.lines):
            assert sentence in letter[0]
            assert "Part of it could be seen before that time, from" in letter[0]
            assert ", as announced" not in " ".join(letter)
            assert "Please do not use" not in " ".join(letter)
        assert "We do not comment on the statistics outside their release." in " ".join(report.lines)


def test_a_release_that_was_wholly_public_is_not_said_to_have_been_partly_public(ofsted_early: Incident) -> None:
    report = fill_form(never_removed(ofsted_early), get_form("B"), {}, [], at("2017-03-22T10:00+00:00"))
    assert "It became available between 4.55pm and 5pm on 20 March. It remained available" in report.holding[0]
    decided = bring_forward(never_removed(ofsted_early), "head", "2017-03-20T16:00", ofsted_early.opened)
    assert "could be seen" not in " ".join(fill_form(decided, get_form("B"), {}, [], ofsted_early.opened).correction)


@pytest.mark.parametrize("letter", ["covering", "holding", "correction", "lines"])
def test_letters_have_at_most_150_words(
    ofqual_late: Incident, ofsted_early: Incident, moj_leak: Incident, settings: Mapping[str, str], letter: str
) -> None:
    for incident in (ofqual_late, ofsted_early, moj_leak):
        report = fill_form(incident, get_form("B"), settings, [], incident.opened)
        assert len(" ".join(getattr(report, letter)).split()) <= 150
