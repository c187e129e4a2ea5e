from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerts.by_hand import bring_forward
from alerts.draft import words
from alerts.draft.edits import merge
from alerts.draft.fill import fill
from alerts.draft.form import form_named
from alerts.draft.report import Report
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import WRITERS
from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import at, stood


def report_of(incident: Incident, settings: Mapping[str, str], **changed: object) -> Report:
    assert incident.facts is not None
    facts: ReleaseFacts = replace(incident.facts, **changed)  # type: ignore[arg-type] # any of its fields
    return fill(replace(incident, facts=facts), form_named("B"), settings, [], facts.at)


def test_the_covering_e_mail_says_what_happened_which_practice_and_to_whom(
    ofqual_january: Incident, settings: Mapping[str, str]
) -> None:
    report = report_of(ofqual_january, settings)
    told = WRITERS["md"](report, Document.COVERING).decode()
    assert "To: Regulator's reporting desk" in told
    assert "The release came out about 2 hours 49 minutes late." in told
    assert "It concerns Protocol 2, practice 4 of the Code of Practice for Official Statistics, edition 1.0." in told
    assert "Head of Profession for Statistics" in told
    assert "[to be completed: who receives this]" in "".join(report_of(ofqual_january, {}).covering)


def test_users_are_told_of_a_delay_and_not_how_long_it_was(
    ofqual_january: Incident, settings: Mapping[str, str]
) -> None:
    first, _ = report_of(ofqual_january, settings).holding
    assert "was announced for 9.30am on Friday 5 January 2018 and did not come out then. It is out now." in first
    first, _ = report_of(ofqual_january, settings, verdict="overdue", final=False).holding
    assert "It is not out yet; we will release it as soon as we can." in first


def test_users_are_asked_not_to_pass_on_what_was_out_early(ofsted: Incident, settings: Mapping[str, str]) -> None:
    told = " ".join(report_of(ofsted, settings).holding)
    assert "will be released at 9.30am on Wednesday 22 March 2017, as announced." in told
    assert "Please do not use, quote or pass on anything of it before then." in told
    after = " ".join(report_of(ofsted, settings, at=at("2017-03-22T12:00+00:00")).holding)
    assert "Please do not" not in after


def test_what_nobody_measured_has_no_statement_ready(moj: Incident, settings: Mapping[str, str]) -> None:
    report = report_of(moj, settings)
    assert report.holding == ()
    assert "for the people dealing with this to write" in WRITERS["md"](report, Document.HOLDING).decode()


def test_a_correction_notice_says_when_and_where_and_asks_what_has_changed(
    ofqual_january: Incident, ofsted: Incident, settings: Mapping[str, str]
) -> None:
    report = report_of(ofqual_january, settings)
    told = WRITERS["md"](report, Document.CORRECTION).decode()
    assert told.startswith("# Correction notice for users\n")
    first, asked, where, _ = report.correction
    assert first.endswith("on Friday 5 January 2018. The release came out about 2 hours 49 minutes late.")
    assert asked.startswith("[to be completed: whether anything in the release was changed since")
    assert ofqual_january.facts is not None
    assert where == f"The release is at {ofqual_january.facts.url}."
    assert "The release is at" not in "".join(report_of(ofqual_january, settings, verdict="overdue").correction)
    after = report_of(ofsted, settings, at=at("2017-03-22T12:00+00:00"))
    assert "should go by the release itself" in "".join(after.correction)


def test_until_its_slot_no_notice_leads_to_what_was_out_early(ofsted: Incident, settings: Mapping[str, str]) -> None:
    report = report_of(ofsted, settings)
    assert ofsted.facts is not None
    assert report.at < (ofsted.facts.slot or report.at)
    for told in (" ".join(report.correction), " ".join(report.lines)):
        assert "Some of it could be seen before that time, by mistake." in told
        assert "http" not in told
        assert "still is" not in told


def test_lines_for_ministers_and_press_hold_no_figure(
    ofqual_january: Incident, ofsted: Incident, moj: Incident, settings: Mapping[str, str]
) -> None:
    for incident in (ofqual_january, ofsted, moj):
        assert incident.facts is not None or incident is moj
        report = fill(incident, form_named("B"), settings, [], incident.opened)
        told = " ".join(report.lines)
        known = (
            f"{report.subject} {words.in_style(incident.facts.slot, 'Europe/London')}"
            if incident.facts
            else (f"{report.subject} {incident.occurred:%-d %B %Y} 1 October 2016")
        )
        assert set(re.findall(r"\d+", told)) <= set(re.findall(r"\d+", known))
        assert incident.words.get("what", "nothing typed") not in told
        assert "Questions about the release are for the Head of Profession for Statistics." in report.lines


def test_the_covering_e_mail_goes_to_and_comes_from_whom_the_form_says(moj: Incident) -> None:
    logged = replace(moj, facts=None, grade="note")
    report = fill(logged, form_named("note"), {}, [], logged.opened)
    typed = {"N.to": "regulation@example.gov.uk", "N.from": "Chief Statistician, Marine Agency"}
    told = WRITERS["md"](merge(typed, report), Document.COVERING).decode()
    assert "To: regulation@example.gov.uk\n" in told
    assert "Chief Statistician, Marine Agency" in told
    assert "to be completed" not in told
    assert "Subject: Note on a release timing incident: " in told
    assert "attached our note on" in told
    assert "measured" not in told


def test_once_it_is_decided_to_bring_a_release_forward_no_letter_says_as_announced(ofsted: Incident) -> None:
    decided = bring_forward(ofsted, "head", "2017-03-20T18:00", ofsted.opened)
    before, after = at("2017-03-20T17:40+00:00"), at("2017-03-20T18:10+00:00")
    for now, told in [
        (before, "It will be released at 6pm on Monday 20 March 2017 instead."),
        (after, "We brought it forward to 6pm on Monday 20 March 2017."),
    ]:
        report = fill(decided, form_named("B"), {}, [], now)
        for letter in (report.holding, report.correction, report.lines):
            assert told in letter[0]
            assert "Some of it could be seen before that time, by mistake." in letter[0]
            assert ", as announced" not in " ".join(letter)
            assert "Please do not use" not in " ".join(letter)
        assert "We do not comment on the statistics outside their release." in " ".join(report.lines)


def test_a_release_that_was_public_in_whole_is_not_said_to_have_been_so_in_part(ofsted: Incident) -> None:
    report = fill(stood(ofsted), form_named("B"), {}, [], at("2017-03-22T10:00+00:00"))
    assert "It could be seen before that time, by mistake." in report.holding[0]
    decided = bring_forward(stood(ofsted), "head", "2017-03-20T16:00", ofsted.opened)
    assert "mistake" not in " ".join(fill(decided, form_named("B"), {}, [], ofsted.opened).correction)


@pytest.mark.parametrize("which", ["covering", "holding", "correction", "lines"])
def test_what_goes_out_is_short(
    ofqual_january: Incident, ofsted: Incident, moj: Incident, settings: Mapping[str, str], which: str
) -> None:
    for incident in (ofqual_january, ofsted, moj):
        report = fill(incident, form_named("B"), settings, [], incident.opened)
        assert len(" ".join(getattr(report, which)).split()) <= 150
