"""Reports as people sign them: steps ticked, a note added, boxes left empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.by_hand import acknowledge_incident, add_note, log_by_hand
from alerts.draft import guidance
from alerts.draft.done_steps import DoneStep
from alerts.draft.fill import fill_form
from alerts.draft.form import choose_form
from alerts.draft.report import Report
from alerts.draft.versions import append_edit, append_measurement, append_signature
from alerts.incident import Incident
from alerts.message import make_opening_by_hand
from schedules.times.zone import LONDON
from tests.worlds.signed import NOTE, check_logged_text, check_signed_text, list_cases

ROLE = "head of profession"


SEEN = "https://social.example/post/1"


def log(case: Mapping[str, str]) -> Incident:
    words = {"title": "Prices", "producer": "Example Office", "url": SEEN, "by": ROLE, **case}
    words["when"] = words.pop("occurred")
    now = datetime.fromisoformat(words["when"][:10]).replace(tzinfo=UTC) + timedelta(days=2)
    return log_by_hand({name: text for name, text in words.items() if text}, None, now)


def sign(incident: Incident, form: str | None = None) -> Report:
    """Return the signed report: acknowledged, a note added, every step ticked, no box filled in."""
    now = incident.opened + timedelta(hours=6)
    done_at = max(incident.opened, incident.occurred) + timedelta(minutes=5)
    incident = acknowledge_incident(incident, ROLE, now)
    incident = add_note(incident, ROLE, NOTE, now)
    kinds = guidance.list_finding_kinds(incident)
    ticks = {
        f"step.{step.id}": DoneStep(done_at, "ticket 1234").write(LONDON)
        for step in guidance.list_steps(kinds)
    }
    chosen = choose_form(incident.occurred, incident.grade, form)
    first = fill_form(incident, chosen, {}, (), now)
    edited = append_edit(append_measurement((), first), ticks, ROLE, now)
    with_ticks = fill_form(incident, chosen, {}, (), now, typed=edited[-1].words)
    return append_signature(append_measurement(edited, with_ticks), ROLE, now, "boxes are empty")[
        -1
    ].report


@pytest.mark.parametrize("form", [None, "note", "D", "A0"])
@pytest.mark.parametrize("case", list(list_cases()))
def test_logged_incident_is_signed_with_true_sentences_only(
    case: Mapping[str, str], form: str | None
) -> None:
    incident = log(case)
    report = sign(incident, form)
    text = check_signed_text(report)
    check_logged_text(case, text)
    output = next(field for field in report.fields() if "release.title" in field.facts)
    assert SEEN not in output.paragraphs
    assert f"It could be seen at {SEEN}." in text
    assert re.search(r"(was|were) .*told at .* \(ticket 1234\)\.", text)
    subject = make_opening_by_hand(incident).subject
    assert incident.title in subject
    assert not re.search(r"LOGGED|\b(due|late)\b", subject) or case["sort"] == "late"


@pytest.mark.parametrize("form", ["A", "B", "C", "D", "note"])
def test_measured_incident_is_signed_with_true_sentences_only(
    incidents: Mapping[str, Incident], form: str
) -> None:
    for incident in incidents.values():
        later = max(incident.opened, incident.facts.at if incident.facts else incident.opened)
        text = check_signed_text(sign(replace(incident, opened=later), form))
        assert f"{NOTE} (head of profession)" in text
