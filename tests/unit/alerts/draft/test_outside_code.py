"""A producer may publish without being bound by the Code: its drafts claim no breach of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerts.draft.code import code_json, load_editions, override_editions
from alerts.draft.fill import fill_form
from alerts.draft.form import get_form, load_forms
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import at, facts_of

CITES_NONE = "The producer is outside the Code of Practice for Statistics, so no practice is cited."
WORDS_OF_CITATIONS = ("Protocol 2", "practice 4", "practice 8", "Code of Practice edition")


@pytest.mark.parametrize("form", sorted({*load_forms()} - {"period"}))
def test_a_report_of_a_producer_outside_the_code_cites_no_practice(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], form: str
) -> None:
    for incident in incidents.values():
        editions = override_editions(load_editions(), begins={}, cites={}, outside=[incident.producer])
        report = fill_form(incident, get_form(form), settings, previous=[], now=incident.opened, editions=editions)
        written = WRITERS["md"](report).decode()
        assert not [words for words in WORDS_OF_CITATIONS if words in written]
        assert report.practice == ""
        citations = [field for field in report.fields() if "clause.cite" in field.facts]
        assert not [field.id for field in citations if "principle and practice" in field.placeholder]
        # Not every form has a box for the citation alone.
        texts = {field.paragraphs for field in citations if field.facts == ("clause.cite",)}
        assert texts <= {(CITES_NONE,)}


@pytest.mark.parametrize("is_inside_the_code", [True, False])
def test_only_a_producer_inside_the_code_is_asked_whether_a_slot_other_than_9_30_was_approved(
    ofqual_late: Incident, settings: Mapping[str, str], *, is_inside_the_code: bool
) -> None:
    due_at_12_30 = replace(ofqual_late, facts=replace(facts_of(ofqual_late), slot=at("2018-01-05T12:30+00:00")))
    outside = [] if is_inside_the_code else [ofqual_late.producer]
    editions = override_editions(load_editions(), begins={}, cites={}, outside=outside)
    report = fill_form(due_at_12_30, get_form("B"), settings, previous=[], now=due_at_12_30.opened, editions=editions)
    notes = " ".join(note for field in report.fields() for note in field.notes)
    assert ("9.30am: is an exemption on file?" in notes) is is_inside_the_code


def test_the_json_of_a_release_outside_the_code_has_no_practice() -> None:
    editions = override_editions(load_editions(), begins={}, cites={}, outside=["obr"])
    half_past_twelve = at("2025-11-26T12:30+00:00")
    assert code_json(half_past_twelve, ["early_exposure"], editions, "obr") == {"edition": "3.0", "practice": None}
    assert code_json(half_past_twelve, ["early_exposure"], editions, "ons") == {
        "edition": "3.0",
        "practice": "practice 3.3",
    }


def test_the_covering_e_mail_says_that_the_producer_is_outside_the_code(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    editions = override_editions(load_editions(), begins={}, cites={}, outside=[ofqual_late.producer])
    report = fill_form(ofqual_late, get_form("B"), settings, previous=[], now=ofqual_late.opened, editions=editions)
    assert any(CITES_NONE in text for text in report.covering)
    assert "Breach" not in " ".join(report.covering)
    assert not [text for text in report.covering if "It concerns" in text]
