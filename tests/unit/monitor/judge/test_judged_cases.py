"""The case files in `cases`: what is seen of a release gives this verdict on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.case_files import FileCase, read_cases
from tests.worlds.judged_cases import case_at, expected_facts, facts_judged
from tests.worlds.steps import seconds_of

CASES = read_cases(Path(__file__).with_name("cases"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_release_is_judged_as_its_case_says(case: FileCase) -> None:
    for now, expected in case.facts["at"].items():
        right = expected_facts(expected)
        judged = facts_judged(case_at(seconds_of(now), case.facts), right)
        assert judged == right, f"{case.where}\nat: {now}"
