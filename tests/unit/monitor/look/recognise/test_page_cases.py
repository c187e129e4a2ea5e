"""The case files in `cases`: what a recogniser reads in an answer about our release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.monitor.look.recognise.pages import NOON, recognise_with
from tests.worlds.case_files import FileCase, read_cases
from tests.worlds.page_cases import answer_of, check_words, context_of, result_of, right_of

CASES = read_cases(Path(__file__).with_name("cases"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer_is_recognised_as_its_case_says(case: FileCase) -> None:
    check_words(case)
    title, url = case.facts["title"], case.facts["url"]
    answer = answer_of(case.facts, title, url, NOON)
    seen = recognise_with(case.facts["read"], answer, context_of(case.facts, title, url))
    right = right_of(case.facts)
    assert result_of(seen, right) == right, case.where
