"""Reports as people sign them: steps ticked, a note added, boxes left empty."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.by_hand import acknowledge_incident, add_note, log_by_hand
from alerts.draft import guidance
from alerts.draft.done_steps import DoneStep
from alerts.draft.fill import fill_form
from alerts.draft.form import choose_form
from alerts.draft.report import Report
from alerts.draft.versions import append_edit, append_measurement, append_signature
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from alerts.message import make_opening_by_hand
from schedules.times.zone import LONDON
from tests.unit.alerts.draft.plain import plain

ROLE = "head of profession"
NOTE = "the web team replied"
SEEN = "https://social.example/post/1"
SAMPLES = Path(__file__).parents[5] / "shared" / "samples" / "hand-logs" / "incidents.csv"
OWN_CASES = [
    {"sort": "access", "occurred": "2021-07-05T10:23", "until": "2021-07-05T10:36"}
    | {"what": "One colleague who was not on the list was copied in", "due": "2021-07-06"},
    {"sort": "access", "occurred": "2021-03-30T11:24", "until": "2021-03-30T11:52"}
    | {"what": "14 people and 2 mailboxes were copied in", "due": "2021-03-31T09:30"},
    {"sort": "leak", "occurred": "2009-01-15", "what": "provisional figures in a trade journal"},
    {"sort": "early_exposure", "occurred": "2021-08-24T09:31", "until": "2021-08-24T09:33"}
    | {"what": "A post with an infographic was out a day early", "due": "2021-08-25T09:30"},
    {"sort": "late", "occurred": "2022-06-01T09:30", "until": "2022-06-01T09:38"}
    | {"what": "The bulletin was not published", "due": "2022-06-01T09:30"},
    {"sort": "swapped", "occurred": "2023-02-01T09:30", "until": "2023-02-01T11:05"}
    | {"what": "Tables of the next quarter were published"},
]


def list_cases() -> Iterator[Mapping[str, str]]:
    yield from OWN_CASES
    if SAMPLES.exists():
        with SAMPLES.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield {
                    **{name: row[name] for name in ("title", "sort", "until")},
                    "occurred": row["occurred"].partition(" ")[0],
                    "what": row["what (facts only)"],
                    "producer": row["org"],
                }


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


def check_signed_text(report: Report, *, ending: str = "html") -> str:
    """Return the text of a signed report in which no sentence is an instruction or made up."""
    text = plain(ending, WRITERS[ending](report))
    for step in report.steps:
        assert step.text.rstrip(".") not in text
        assert step.text.partition(":")[0] not in text
    for never in ("None", "took charge", "to be completed", "done,", "☑", "☐"):
        assert never not in text
    return " ".join(text.split())


def check_logged_text(case: Mapping[str, str], text: str) -> None:
    """Check that a signed report has the sentence and the times that a person typed."""
    assert "easured" not in text
    first_words = " ".join(case["what"].split()[1:])
    assert first_words in text
    for key in ("occurred", "until", "due"):
        if "T" in case.get(key, ""):
            hour, minute = map(int, case[key].partition("T")[2].split(":"))
            assert f"{hour % 12 or 12}.{minute:02}{'am' if hour < 12 else 'pm'}" in text


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
