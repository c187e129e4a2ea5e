"""The case files in `spell_cases`: spells of views, and presences put together from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from monitor.judge.presence import Presence, build_presences
from monitor.judge.runs import Run
from monitor.judge.spells import (
    Spell,
    build_spells,
    correct_ages,
    find_absence_after,
    find_presence_from_start,
)
from monitor.plan.targets import View
from schedules.times.interval import Interval
from tests.worlds.case_files import FileCase, Toml, read_cases
from tests.worlds.instants import SLOT
from tests.worlds.looks import Looks
from tests.worlds.steps import read_answers, span_text

VIEWS = {"page": View.EDGE, "origin": View.ORIGIN, "content": View.CONTENT}
CASES = read_cases(Path(__file__).with_name("spell_cases"))
Fact = float | str


@pytest.mark.parametrize("case", CASES, ids=str)
def test_spells_and_presences_are_as_their_case_says(case: FileCase) -> None:
    right = {name: case.facts[name] for name in FACTS if name in case.facts}
    assert right, f"{case}: say what is right"
    assert {name: FACTS[name](case.facts) for name in right} == right, case.where


def runs_of(facts: Toml, key: str) -> list[Run]:
    if key not in facts:
        return []
    answers = read_answers(facts[key], "page", facts)
    assert isinstance(answers, Looks)
    return answers.runs("page")


def spells_of(facts: Toml) -> dict[View, list[Spell]]:
    return {view: list(build_spells(view, runs_of(facts, key))) for key, view in VIEWS.items()}


def seconds(instant: datetime | None) -> Fact:
    return "none" if instant is None else (instant - SLOT).total_seconds()


def spells_at_edge(facts: Toml) -> list[str]:
    return [
        f"{'present' if spell.is_present else 'absent'} {span_text(Interval(spell.begin, spell.end))}"
        for spell in spells_of(facts)[View.EDGE]
    ]


def last_presence(facts: Toml) -> dict[str, Fact]:
    """Return the last spell of the edge after its age was compared with the looks at all views."""
    spell = correct_ages(spells_of(facts))[View.EDGE][-1]
    assert spell.is_present
    known = {
        "begin": seconds(spell.begin),
        "earliest": seconds(spell.earliest),
        "claimed": seconds(spell.claimed_begin),
    }
    return {name: known[name] for name in facts["last_presence"]}


def row_of(presence: Presence) -> dict[str, Fact]:
    return {
        "begin": seconds(presence.begin),
        "end": seconds(presence.end),
        "appears": span_text(presence.appears),
        "removed": span_text(presence.removed),
    }


def presences(facts: Toml) -> list[dict[str, Fact]]:
    rows = [row_of(presence) for presence in build_presences(spells_of(facts))]
    expected = facts["presences"]
    if len(rows) != len(expected):
        return rows
    return [{name: row[name] for name in right} for row, right in zip(rows, expected, strict=True)]


def from_start(facts: Toml) -> str:
    presence = find_presence_from_start(runs_of(facts, "page"))
    return "none" if presence is None else span_text(Interval(presence.begin, presence.end))


def absent_by(facts: Toml) -> Fact:
    (presence,) = spells_of(facts)[View.EDGE]
    later = build_spells(View.EDGE, runs_of(facts, "later"))
    return seconds(find_absence_after(presence, later))


def are_ages_corrected(facts: Toml) -> bool:
    spells = spells_of(facts)
    return list(correct_ages(spells)[View.EDGE]) != spells[View.EDGE]


FACTS: Mapping[str, Callable[[Toml], object]] = {
    "spells": spells_at_edge,
    "last_presence": last_presence,
    "presences": presences,
    "from_start": from_start,
    "absent_by": absent_by,
    "are_ages_corrected": are_ages_corrected,
}
