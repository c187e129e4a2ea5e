from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from alerts.draft.fill import fill
from alerts.draft.form import form_named
from alerts.draft.report import Report
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import WRITERS
from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import at


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
    assert "was announced for 09:30 GMT on Friday 5 January 2018 and did not come out then. It is out now." in first
    first, _ = report_of(ofqual_january, settings, verdict="overdue", final=False).holding
    assert "It is not out yet; we will release it as soon as we can." in first


def test_users_are_asked_not_to_pass_on_what_was_out_early(ofsted: Incident, settings: Mapping[str, str]) -> None:
    told = " ".join(report_of(ofsted, settings).holding)
    assert "will be released at 09:30 GMT on Wednesday 22 March 2017, as announced." in told
    assert "Please do not use, quote or pass on anything of it before then." in told
    after = " ".join(report_of(ofsted, settings, at=at("2017-03-22T12:00+00:00")).holding)
    assert "Please do not" not in after


def test_what_nobody_measured_has_no_statement_ready(moj: Incident, settings: Mapping[str, str]) -> None:
    report = report_of(moj, settings)
    assert report.holding == ()
    assert "for the people dealing with this to write" in WRITERS["md"](report, Document.HOLDING).decode()
