"""Each of the twenty first questions has a short answer with a link to the page that says more."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "faq.md").read_text(encoding="utf-8")
ANSWERS = dict(re.findall(r"^### ([^\n]+)\n\n(.+?)(?=\n\n#|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_there_are_twenty_questions() -> None:
    assert len(ANSWERS) == len(re.findall(r"^### ", PAGE, re.MULTILINE)) == 20


def test_each_answer_is_short_and_links_to_the_page_that_says_more() -> None:
    assert {question for question, answer in ANSWERS.items() if "](" not in answer} == set()
    assert {question for question, answer in ANSWERS.items() if len(answer.split()) > 50} == set()
