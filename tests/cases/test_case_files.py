"""Case files are read strictly: what a case says is checked, and a mistake in one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.case_files import matches, read_cases
from tests.worlds.judged_cases import case_at, expected_facts, facts_judged
from tests.worlds.steps import read_answers, seconds_of

CASE = """
[texts]
CAME = "present from 90"

["a late page"]
why = "Up to 60 s are allowed."
page = "absent, $CAME"
at.400 = "late, note, delay 89 to 90"
any.every = [1, 1.0]
each.first = {}
each.second = {page = "absent, present from 2", at.400 = "on_time"}
"""


def test_case_has_every_variant_and_combination(tmp_path: Path) -> None:
    (tmp_path / "late.toml").write_text(CASE, encoding="utf-8")
    cases = read_cases(tmp_path)
    assert [case.name.split(": ")[1] for case in cases] == ["first", "first", "second", "second"]
    assert [case.facts["page"] for case in cases[::2]] == [
        "absent, present from 90",
        "absent, present from 2",
    ]


def test_case_without_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "late.toml").write_text('["a late page"]\npage = "absent"', encoding="utf-8")
    with pytest.raises(ValueError, match=r"late\.toml: a late page: say in one line `why`"):
        read_cases(tmp_path)


def test_facts_that_differ_are_those_that_were_judged() -> None:
    case = case_at(400, {"page": "absent, present from 90"})
    right = expected_facts("on_time, note, delay 1 to 2, because … failed …")
    assert facts_judged(case, right) == {
        "verdict": "late",
        "grade": "note",
        "delay": "89 to 90",
        "because": "none",
    }


@pytest.mark.parametrize("facts", [{"pag": "absent"}, {"page": "gone"}, {"page": "absent since 4"}])
def test_unknown_word_of_a_case_is_refused(facts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"pag|gone|since"):
        case_at(400, facts)


def test_looks_at_instants_cannot_be_mixed_with_regular_ones() -> None:
    with pytest.raises(ValueError, match="beside regular looks"):
        read_answers("absent from -100, present at 3", "page", {})


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("late", "late", True),
        ("late", "late by 2 s", False),
        ("late …", "late by 2 s", True),
        ("… 2 s", "late by 2 s", True),
        ("… by …", "late by 2 s", True),
        ("late … 2 s", "late by 2 s", True),
        ("… 2 s … by …", "late by 2 s", False),
        ("… early …", "late by 2 s", False),
        ("none", None, True),
    ],
)
def test_pattern_is_a_text_with_gaps(pattern: str, text: str | None, *, is_match: bool) -> None:
    assert matches(pattern, text) is is_match


def test_instants_are_seconds_days_or_clock_times() -> None:
    instants = ["90", "-2h", "14d", "09:31:05", "2018-01-06 09:30", 4.5]
    assert [seconds_of(each) for each in instants] == [90, -7200, 1_209_600, 65, 86_400, 4.5]
