"""Drafts of the published incidents, some changed, by the case files in `draft_cases`.

`incident` is one of the five of `tests/worlds/published.py`, and `form` its form: the note if there
is none. The draft is of `now`, or of when its facts were measured. With `settings` its producer is
configured.

With `logged`, the incident is one that a person logged instead, with these words in place of the
usual ones: see `WRONG_PERSON`.

| what is changed | is |
|---|---|
| `changed`, `facts` | fields of the incident, and of what was measured |
| `part.NAME` | fields of a part: `first_seen = [after, by]`, `delay = [min, max]`, "none" for unknown |
| `exposure` | fields of the only exposure of the page, which may come so many `times` |
| `only` | the parts that are left |
| `find`, `found` | a finding more, or the only ones |
| `previous` | earlier incidents, with changes of their own |

| what is right | is |
|---|---|
| `box."N.what"` | the text of a box, or texts in it: “… late …” contains “late” |
| `letter.holding` | the same of a letter, or of `correction_title` |
| `lacks."N.what"` | texts that a box or letter does not contain |
| `practice`, `alt` | what it cites, and the text of its timeline |
| `row` | what the table of parts says of the first: “first seen | delay | public early” |
| `asks`, `asks_not` | the guiding questions of a box, and a text that they lack |
| `certainty`, `uncertain` | sentences of the certainty section, and texts that it lacks |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.by_hand import log_by_hand
from alerts.draft.report import Report
from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from schedules.contract.verdict import (
    Ended,
    Exposure,
    Finding,
    FindingKind,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import draft_of, facts_of, get_field, text_of_field
from tests.worlds.case_files import FileCase, Toml, matches, read_cases
from tests.worlds.published import length_between

CASES = read_cases(Path(__file__).parent / "draft_cases")
LETTERS = ("covering", "holding", "correction", "lines")
INTERVALS = {"first_seen", "released", "start", "to"}
LENGTHS = {"delay", "users_delay", "seconds", "clock_offset"}
KINDS: Mapping[str, Callable[[str], object]] = {"ended": Ended, "verdict": VerdictKind}
LOGGED_AT = datetime(2021, 12, 1, 9, tzinfo=UTC)
WRONG_PERSON = {
    "title": "Cancer staging 2018-2020",
    "producer": "phs",
    "what": "A draft was sent to a wrong person",
    "when": "2021-10-18T19:13",
    "until": "2021-10-18T19:21",
    "due": "2021-10-26T09:30",
    "sort": "access",
    "page": "https://phs.example/cancer-staging",
    "by": "head of profession",
}
"""What a person typed who logged an incident, on 1 December 2021."""
Facts = Mapping[str, Any]


def read_value(name: str, value: Toml) -> object:
    """Return the value of a field as the program has it."""
    if isinstance(value, list) and name in INTERVALS | LENGTHS:
        ends = [None if end == "none" else end for end in value]
        if name in LENGTHS:
            return Bounds(*ends)
        return Interval(*ends)
    if value == "none":
        return None
    if name in KINDS:
        return KINDS[name](value)
    return tuple(value) if isinstance(value, list) else value


def change(whole: Any, fields: Facts) -> Any:  # noqa: ANN401 # any dataclass
    return replace(whole, **{name: read_value(name, value) for name, value in fields.items()})


def make_finding(fields: Facts) -> Finding:
    kind = FindingKind(fields["kind"])
    return change(Finding(kind, None), {**fields, "kind": kind})


def change_exposure(part: PartVerdict, fields: Facts) -> PartVerdict:
    """Return a part with one exposure. Its length follows from its ends unless it is given."""
    usual = part.exposures[0] if part.exposures else Exposure("page", Interval(), Interval(), None)
    fields = dict(fields)
    times = fields.pop("times", 1)
    exposure = change(usual, fields)
    if "seconds" not in fields:
        exposure = replace(exposure, seconds=length_between(exposure.start, exposure.to))
    return replace(part, exposures=(exposure,) * times)


def new_part(name: str) -> PartVerdict:
    return PartVerdict(name, "data", "", required=True, verdict=VerdictKind.PENDING)


def change_parts(facts: ReleaseFacts, case: Facts) -> Sequence[PartVerdict]:
    parts = {part.id: part for part in facts.parts}
    for name, fields in case.get("part", {}).items():
        usual = parts.get(name) or new_part(name)
        parts[name] = change(usual, fields)
    if "exposure" in case:
        parts["page"] = change_exposure(parts["page"], case["exposure"])
    return [part for name, part in parts.items() if name in case.get("only", parts)]


def make_incident(case: Facts, incidents: Mapping[str, Incident]) -> Incident:
    if "logged" in case:
        words = {name: text for name, text in {**WRONG_PERSON, **case["logged"]}.items() if text}
        return log_by_hand(words, None, LOGGED_AT)
    incident = incidents[case["incident"]]
    facts = facts_of(incident)
    findings = list(facts.findings)
    if "found" in case:
        findings = [make_finding(one) for one in case["found"]]
    findings += [make_finding(one) for one in case.get("find", ())]
    changed = replace(facts, parts=tuple(change_parts(facts, case)), findings=tuple(findings))
    changed = change(changed, case.get("facts", {}))
    if "certain" in case:
        changed = replace(changed, certainty=change(changed.certainty, case["certain"]))
    return change(replace(incident, facts=changed), case.get("changed", {}))


def make_report(
    case: Facts, incidents: Mapping[str, Incident], settings: Mapping[str, str]
) -> Report:
    incident = make_incident(case, incidents)
    previous = [make_incident(one, incidents) for one in case.get("previous", ())]
    now: datetime = case.get("now") or (incident.facts.at if incident.facts else incident.opened)
    configured = settings if case.get("settings") else {}
    form = case.get("form", "note")
    return draft_of(incident, form, now=now, previous=previous, configured=configured)


def text_of(report: Report, name: str) -> str:
    """Return the text of a box or of a letter."""
    if name in LETTERS:
        return "\n".join(getattr(report, name))
    if name == "correction_title":
        return report.correction_title
    return text_of_field(report, name)


def list_expected(report: Report, case: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield each pattern of a case with the text that should match it, and what that text is."""
    for name, patterns in (case.get("box", {}) | case.get("letter", {})).items():
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            yield name, pattern, text_of(report, name)
    for pattern in case.get("certainty", ()):
        found = [line for line in report.certainty if matches(pattern, line)]
        yield "certainty", pattern, (found or ["\n".join(report.certainty)])[0]
    for name, question in case.get("asks", {}).items():
        yield name, question, "\n".join(get_field(report, name).guidance)
    if "row" in case:
        yield "row", case["row"], " | ".join(report.measured[0].rows[0][1:])
    if "alt" in case:
        assert report.timeline is not None
        yield "alt", case["alt"], report.timeline.alt
    if "practice" in case:
        yield "practice", case["practice"], report.practice


def list_unwanted(report: Report, case: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield each text that may not be in another, that other text, and what it is."""
    for name, texts in case.get("lacks", {}).items():
        for text in texts:
            yield name, text, text_of(report, name)
    for name, question in case.get("asks_not", {}).items():
        yield name, question, "\n".join(get_field(report, name).guidance)
    for text in case.get("uncertain", ()):
        yield "certainty", text, "\n".join(report.certainty)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_draft_says_what_the_case_says(
    case: FileCase, incidents: dict[str, Incident], settings: Mapping[str, str]
) -> None:
    report = make_report(case.facts, incidents, settings)
    for name, pattern, text in list_expected(report, case.facts):
        assert matches(pattern, text), f"{case.where}\n{name}: {pattern}\nbut: {text}"
    for name, unwanted, text in list_unwanted(report, case.facts):
        assert unwanted not in text, f"{case.where}\n{name}: {unwanted}"
