"""The case files in `evidence_cases`: what was seen of one part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from monitor.judge.case import case_of
from monitor.judge.part_evidence import PartEvidence, gather_evidence
from monitor.judge.policy import Policy
from monitor.plan.targets import View
from schedules.announcement import Address, Origin, Part, Role
from schedules.times.interval import Interval
from tests.worlds.case_files import FileCase, Toml, read_cases
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.judged_cases import VIEWS, read_blind_span
from tests.worlds.looks import Looks, seen_by
from tests.worlds.releases import PAGE_URL, SHEET, a_promise, a_release
from tests.worlds.steps import read_answers, span_text
from tests.worlds.verdicts import runs_seen

API_URL = PAGE_URL.replace("/government", "/api/content/government")
COPY = Part("elsewhere-1", Role.ALTERNATIVE, PAGE_URL, required=False, origin=Origin.ELSEWHERE)
PARTS = {"sheet": SHEET, "copy": COPY}
WORDS = {"address", "has_title", "slot", "part", "now", "blind", "monitor"}
CASES = read_cases(Path(__file__).with_name("evidence_cases"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_evidence_of_part_is_as_its_case_says(case: FileCase) -> None:
    evidence = evidence_of(case.facts)
    right = {name: case.facts[name] for name in FACTS if name in case.facts}
    assert right, f"{case}: say what is right"
    assert {name: FACTS[name](evidence) for name in right} == right, case.where


def evidence_of(facts: Toml) -> PartEvidence:
    part = PARTS.get(facts.get("part", ""))
    others = [] if part is None else [part]
    release = a_release(*others, address=Address(facts.get("address", "announced")))
    promises = [] if facts.get("slot") == "none" else [a_promise()]
    blind = [read_blind_span(each) for each in facts.get("blind", ())]
    case = case_of(release, promises, blind, Policy(), after_slot(facts.get("now", 600)))
    seen = {}
    for key in facts.keys() - WORDS - FACTS.keys():
        usual = {"address": API_URL if key == "content" else PAGE_URL}
        name = VIEWS.get(key, key)
        answers = read_answers(
            facts[key], name, usual | {"specific": facts.get("has_title", False)}
        )
        assert isinstance(answers, Looks)
        seen[name] = seen_by(facts.get("monitor", ""), answers.runs(name))
    return gather_evidence(case, part or release.parts[0], runs_seen(10**6, seen), blind)


def _seconds(instant: datetime | None) -> float | str:
    return "none" if instant is None else (instant - SLOT).total_seconds()


def _spans(intervals: Sequence[Interval]) -> list[str]:
    return [span_text(each) for each in intervals]


def _from_start(evidence: PartEvidence) -> str:
    run = evidence.present_from_start
    assert run is not None
    return f"{run.target} {_seconds(run.begin):g}"


FACTS: Mapping[str, Callable[[PartEvidence], object]] = {
    "seen_until": lambda evidence: _seconds(evidence.seen_until),
    "last_absent": lambda evidence: _seconds(evidence.last_absent),
    "first_look": lambda evidence: _seconds(evidence.first_look),
    "appears": lambda evidence: _spans([each.appears for each in evidence.presences]),
    "is_guess": lambda evidence: evidence.is_address_guessed,
    "has_witnesses": lambda evidence: evidence.witnesses is not None,
    "may_have_been_public_at_slot": lambda evidence: evidence.may_have_been_public_at(SLOT),
    "runs": lambda evidence: _spans(
        [Interval(each.begin, each.last_received) for each in evidence.views[View.EDGE]]
    ),
    "ends": lambda evidence: [_seconds(each.end) for each in evidence.views[View.EDGE]],
    "spells": lambda evidence: [
        "present" if each.is_present else "absent" for each in evidence.spells[View.EDGE]
    ],
    "in_order": lambda evidence: [
        _seconds(each.first_sent) for each in evidence.runs_at_edge_and_origin
    ],
    "from_start": _from_start,
}
"""Words for what is right. `runs`, their `ends` and `spells` are those of the edge."""
