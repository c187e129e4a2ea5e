"""A producer may publish without being bound by the Code: its drafts claim no breach of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerts.draft.code import code_json, load_editions, override_editions
from alerts.draft.form import load_forms
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import at, draft_of, facts_of

NO_PRACTICE_IS_CITED = "The producer is outside the Code of Practice for Statistics, so no practice is cited."
CITATIONS = ("Protocol 2", "practice 4", "practice 8", "Code of Practice edition")


@pytest.mark.parametrize("form", sorted({*load_forms()} - {"period"}))
def test_report_of_producer_outside_code_cites_no_practice(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], form: str
) -> None:
    for incident in incidents.values():
        editions = override_editions(load_editions(), begins={}, cites={}, outside=[incident.producer])
        report = draft_of(incident, form, configured=settings, editions=editions)
        text = WRITERS["md"](report).decode()
        assert not [citation for citation in CITATIONS if citation in text]
        assert report.practice == ""


@pytest.mark.parametrize("form", sorted({*load_forms()} - {"period"}))
def test_practice_field_says_that_producer_is_outside_the_code(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], form: str
) -> None:
    for incident in incidents.values():
        editions = override_editions(load_editions(), begins={}, cites={}, outside=[incident.producer])
        report = draft_of(incident, form, configured=settings, editions=editions)
        for field in report.fields():
            if field.facts == ("clause.cite",):
                assert field.paragraphs == (NO_PRACTICE_IS_CITED,)
            # Some forms ask for the practice in a field with other facts. No field must ask a person for it.
            if "clause.cite" in field.facts:
                assert "principle and practice" not in field.placeholder


def test_producer_bound_by_code_is_asked_about_12_30_slot(ofqual_late: Incident, settings: Mapping[str, str]) -> None:
    """The Code of Practice asks for 9.30am."""
    due_at_12_30 = replace(ofqual_late, facts=replace(facts_of(ofqual_late), slot=at("2018-01-05T12:30+00:00")))
    report = draft_of(due_at_12_30, configured=settings)
    notes = " ".join(note for field in report.fields() for note in field.notes)
    assert "9.30am: is an exemption on file?" in notes


def test_producer_outside_code_is_not_asked_about_12_30_slot(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    """The Code of Practice asks for 9.30am."""
    due_at_12_30 = replace(ofqual_late, facts=replace(facts_of(ofqual_late), slot=at("2018-01-05T12:30+00:00")))
    editions = override_editions(load_editions(), begins={}, cites={}, outside=[ofqual_late.producer])
    report = draft_of(due_at_12_30, configured=settings, editions=editions)
    notes = " ".join(note for field in report.fields() for note in field.notes)
    assert "exemption" not in notes


def test_json_of_release_outside_code_has_no_practice() -> None:
    editions = override_editions(load_editions(), begins={}, cites={}, outside=["obr"])
    half_past_twelve = at("2025-11-26T12:30+00:00")
    assert code_json(half_past_twelve, ["early_exposure"], editions, "obr") == {"edition": "3.0", "practice": None}
    assert code_json(half_past_twelve, ["early_exposure"], editions, "ons") == {
        "edition": "3.0",
        "practice": "practice 3.3",
    }


def test_covering_e_mail_for_producer_outside_code_names_no_breach(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    editions = override_editions(load_editions(), begins={}, cites={}, outside=[ofqual_late.producer])
    report = draft_of(ofqual_late, configured=settings, editions=editions)
    e_mail = " ".join(report.covering)
    assert "The producer is outside the Code of Practice for Statistics, so no practice is cited." in e_mail
    assert "Breach" not in e_mail
    # For a producer that the Code binds, this sentence names the practice.
    assert "It concerns" not in e_mail
