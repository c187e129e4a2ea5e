"""The case files in `incident_cases`: what follows from facts of one release, step by step.

`facts` of a step are a verdict, `overdue SECONDS`, `late SECONDS`, `early PART` (open or `over`),
`due` (not found yet) or `released` (on time, with files and an alternative), or several with “and”.
`found` adds findings. `confirms` says whether a notice confirms a breach not found at first. The step is at the instant of its facts, or `at` (seconds after the slot).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.incident import (
    Decision,
    Entry,
    Incident,
    confirmation_notice_id,
    find_known_incident,
)
from alerts.notice import thread_id
from schedules.contract.verdict import Due, Finding, PartVerdict, VerdictKind
from schedules.times.interval import Bounds
from tests.unit.alerts.conftest import SLOT
from tests.worlds.case_files import FileCase, Toml, matches, read_cases
from tests.worlds.steps import seconds_of

CASES = read_cases(Path(__file__).with_name("incident_cases"))
WORDS_OF_STEP = {"facts", "at", "final", "found", "person"}
Make = Callable[..., ReleaseFacts]


@dataclass
class World:
    """Makes the facts of steps, and keeps the incidents of the release."""

    make_facts: Make
    overdue: Make
    late: Make
    early: Make
    incidents: list[Incident] = field(default_factory=list)

    def play(self, step: Toml) -> Outcome:
        """Return what follows from the facts of a step."""
        known = find_known_incident(self.incidents, "malpractice-2017")
        facts = self._facts_of_step(step)
        now = instant(step["at"]) if "at" in step else facts.at
        facts = replace(facts, at=now)
        if "person" in step:
            assert known is not None
            known = known.with_entries(Entry(now, "on call", step["person"]))
        decision = decide(facts, known, now, [each.id for each in self.incidents])
        for incident in (decision.superseded, decision.incident):
            if incident is not None:
                others = [each for each in self.incidents if each.id != incident.id]
                self.incidents = [*others, incident]
        return Outcome(known, decision)

    def _facts_of_step(self, step: Toml) -> ReleaseFacts:
        first, *others = [self._facts_named(words) for words in step["facts"].split(" and ")]
        for other in others:
            parts = (*first.parts, *other.parts)
            first = replace(first, parts=parts, findings=(*first.findings, *other.findings))
        added = tuple(finding(words) for words in step.get("found", ()))
        is_final = step.get("final", first.final)
        return replace(first, final=is_final, findings=(*first.findings, *added))

    def _facts_named(self, words: str) -> ReleaseFacts:
        name, *more = words.split()
        match name:
            case "overdue":
                return self.overdue(float(more[0]))
            case "late":
                return self.late(float(more[0]))
            case "early":
                return self.early(more[0], is_open="over" not in more)
            case "due":
                due = Due("page", seconds=61, got="404", looks=61, is_confirming=True)
                return self.make_facts(instant(61), due=due)
            case "released":
                parts = tuple(released_part(*each) for each in ROLES.items())
                return self.make_facts(
                    instant(61), verdict=VerdictKind.ON_TIME, final=True, parts=parts
                )
            case _:
                return self.make_facts(instant(61), verdict=name)


ROLES = {"page": "page", "sheet": "data", "table": "data", "news": "alternative"}


def instant(seconds: float | str) -> datetime:
    return SLOT + timedelta(seconds=seconds_of(seconds))


def released_part(name: str, role: str) -> PartVerdict:
    url = f"https://a.example/{name}"
    return PartVerdict(name, role, url, required=True, verdict=VerdictKind.ON_TIME)


def finding(words: str) -> Finding:
    """Return the finding of `short_notice`, `late page 400`, `lead: DETAIL`, `withdrawn page at 1h`,
    `withdrawn page at 1h back 300` or `wrong_edition PART: WHAT IS THERE`.
    """
    words, _, detail = words.partition(": ")
    kind, *more = words.split()
    if kind == "withdrawn":
        part, _, at, *back = more
        until = float(back[1]) if back else None
        return Finding(kind, part, "taken away", Bounds(70, until), instant(at))
    if kind == "late":
        return Finding(kind, more[0], seconds=Bounds(float(more[1]), None))
    if kind == "wrong_edition":
        return Finding(kind, more[0], instead=detail)
    return Finding(kind, more[0] if more else None, detail)


@dataclass(frozen=True)
class Outcome:
    """The incident that was known before a step, and the decision that its facts led to."""

    before: Incident | None
    decision: Decision

    @property
    def incident(self) -> Incident:
        """Return the incident that the facts opened or updated."""
        assert self.decision.incident is not None
        return self.decision.incident

    def find(self, key: str, right: Toml) -> object:
        """Return a fact as the case has it if it is so, else what is so."""
        seen = FACTS[key](self)
        if isinstance(right, str) and isinstance(seen, list):
            return right if any(matches(right, text) for text in seen) else seen
        if isinstance(right, str) and isinstance(seen, str):
            return right if matches(right, seen) else seen
        if key == "occurred":
            return right if seen == instant(right) else seen
        return seen


FACTS: Mapping[str, Callable[[Outcome], object]] = {
    "nothing": lambda found: found.decision == Decision(),
    "unchanged": lambda found: found.decision == Decision(found.before, (), draft=False),
    "notices": lambda found: [notice.kind for notice in found.decision.notices],
    "subject": lambda found: [notice.subject for notice in found.decision.notices],
    "text": lambda found: [notice.text for notice in found.decision.notices],
    "notice_findings": lambda found: list(found.decision.notices[0].findings),
    "notice_grade": lambda found: str(found.decision.notices[0].grade),
    "confirms": lambda found: (
        confirmation_notice_id(found.incident.id)
        in {notice.id for notice in found.decision.notices}
    ),
    "drafted": lambda found: found.decision.draft,
    "id": lambda found: found.incident.id,
    "kind": lambda found: str(found.incident.kind),
    "grade": lambda found: str(found.incident.grade),
    "is_open": lambda found: found.incident.closed is None,
    "occurred": lambda found: found.incident.occurred,
    "is_another": lambda found: found.before is None or found.incident.id != found.before.id,
    "acknowledged": lambda found: found.incident.acknowledged is not None,
    "in_thread": lambda found: follows(found) == {thread_id(found.incident.id)},
    "opens_thread": lambda found: follows(found) == {""},
    "timeline": lambda found: [entry.text for entry in found.incident.timeline],
    "superseded": lambda found: superseded(found.decision.superseded),
}


def follows(found: Outcome) -> set[str]:
    return {notice.follows for notice in found.decision.notices}


def superseded(incident: Incident | None) -> str:
    if incident is None:
        return "none"
    assert incident.closed is not None
    return f"{incident.kind}, {incident.timeline[-1].text}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_incidents_follow_from_facts_as_their_case_says(  # makers of facts
    case: FileCase,
    make_facts: Make,
    overdue_by_seconds: Make,
    late_by_seconds: Make,
    public_early: Make,
) -> None:
    world = World(make_facts, overdue_by_seconds, late_by_seconds, public_early)
    steps: Sequence[Toml] = [*case.facts.get("before", ()), *case.facts["steps"]]
    for number, step in enumerate(steps, start=1):
        outcome = world.play(step)
        right = {key: step[key] for key in step if key not in WORDS_OF_STEP}
        seen = {key: outcome.find(key, right[key]) for key in right}
        assert seen == right, f"{case.where}\nstep {number}"
