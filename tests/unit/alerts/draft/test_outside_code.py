"""A producer may publish without being bound by the Code: its drafts claim no breach of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alerts.draft.code import Editions, code_json, load_editions, override_editions
from alerts.draft.form import load_forms
from alerts.draft.report import Report
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import draft_of, facts_of
from tests.worlds.published import at

NO_PRACTICE_IS_CITED = (
    "The producer is outside the Code of Practice for Statistics, so no practice is cited."
)
CITATIONS = ("Protocol 2", "practice 4", "practice 8", "Code of Practice edition")


def code_not_binding(producer: str) -> Editions:
    """Return the editions of the Code of Practice for a configuration by which it does not bind
    this producer.
    """
    return override_editions(load_editions(), begins={}, cites={}, outside=[producer])


def draft_outside_code(incident: Incident, settings: Mapping[str, str], form: str = "B") -> Report:
    """Return the draft of an incident whose producer the Code of Practice does not bind."""
    return draft_of(
        incident, form, configured=settings, editions=code_not_binding(incident.producer)
    )


@pytest.mark.parametrize("form", sorted({*load_forms()} - {"period"}))
def test_report_of_producer_outside_code_cites_no_practice(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], form: str
) -> None:
    """The Code of Practice does not bind some producers. Their drafts cite no practice of it."""
    for incident in incidents.values():
        report = draft_outside_code(incident, settings, form)
        text = WRITERS["md"](report).decode()
        assert [citation for citation in CITATIONS if citation in text] == []
        assert report.practice == ""


@pytest.mark.parametrize("form", sorted({*load_forms()} - {"period"}))
def test_practice_field_says_that_producer_is_outside_the_code(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], form: str
) -> None:
    """The Code of Practice does not bind this producer. So the field for the breached practice
    (`clause.cite`) says that no practice is cited, and no field asks a person for one.
    """
    for incident in incidents.values():
        for field in draft_outside_code(incident, settings, form).fields():
            if field.facts == ("clause.cite",):
                assert field.paragraphs == (NO_PRACTICE_IS_CITED,)
            # Some forms ask for the practice and for other facts in one field.
            if "clause.cite" in field.facts:
                assert "principle and practice" not in field.placeholder


QUESTION = "The announced time is 12.30pm, not 9.30am: is an exemption on file?"


@pytest.mark.parametrize(
    ("is_bound", "expected"), [(True, {QUESTION}), (False, set())], ids=["bound", "outside"]
)
def test_only_bound_producer_is_asked_about_12_30_slot(
    ofqual_late: Incident, settings: Mapping[str, str], expected: set[str], *, is_bound: bool
) -> None:
    """The Code of Practice asks for 9.30am, so another slot needs an exemption. A producer that the
    Code does not bind needs none.
    """
    due_at_12_30 = replace(
        ofqual_late, facts=replace(facts_of(ofqual_late), slot=at("2018-01-05T12:30+00:00"))
    )
    draft = (
        draft_of(due_at_12_30, configured=settings)
        if is_bound
        else draft_outside_code(due_at_12_30, settings)
    )
    assert {
        note for field in draft.fields() for note in field.notes if "exemption" in note
    } == expected


@pytest.mark.parametrize(
    ("producer", "practice"), [("obr", None), ("ons", "practice 3.3")], ids=["outside", "bound"]
)
def test_json_has_a_practice_only_for_bound_producer(producer: str, practice: str | None) -> None:
    """By configuration, the Code of Practice does not bind the producer obr. It binds ons."""
    exposed_at = at("2025-11-26T12:30+00:00")
    code = code_json(exposed_at, ["early_exposure"], code_not_binding("obr"), producer)
    assert code == {"edition": "3.0", "practice": practice}


def test_covering_e_mail_for_producer_outside_code_names_no_breach(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    e_mail = " ".join(draft_outside_code(ofqual_late, settings).covering)
    assert NO_PRACTICE_IS_CITED in e_mail
    assert "Breach" not in e_mail
    # For a producer that the Code binds, this sentence names the practice.
    assert "It concerns" not in e_mail
