"""No page of README.md and docs/ says a thing twice in nearly the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]
_LEAST_WORDS = 8
# Of a shorter sentence, a few equal words are no copy.
_LEAST_DISTINCT = 6
_SHARE = 0.7
_COMMON = frozenset(
    {"the", "and", "that", "this", "for", "with", "from", "are", "not", "its", "has", "was"}
    | {"until", "which"}
)


def sentences(text: str) -> Iterator[str]:
    """Yield each sentence of eight words or more.

    Rows of tables are left out. So are numbered steps: each list of steps is followed without the
    others, so two lists may have the same step.
    """
    prose = re.sub(r"^( *)(```|~~~).*?^\1\2", "", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"\]\([^)]*\)", "]", prose)
    prose = re.sub(r"^ *(?:[|#]|\d+\.).*$", "", prose, flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n *[-*] ", prose):
        for sentence in re.split(r"(?<=[.!?:])\s+", block.strip()):
            if len(sentence.split()) >= _LEAST_WORDS:
                yield sentence


def distinct_words(sentence: str) -> set[str]:
    return set(re.findall(r"[a-z']{3,}", sentence.lower())) - _COMMON


def are_near_copies(words: set[str], others: set[str]) -> bool:
    """Return whether most words of the shorter sentence are in the longer one."""
    least = min(len(words), len(others))
    return least >= _LEAST_DISTINCT and len(words & others) >= _SHARE * least


def near_copies(text: str) -> list[tuple[str, str]]:
    found = [(sentence, distinct_words(sentence)) for sentence in sentences(text)]
    return [
        (sentence, other)
        for (sentence, words), (other, others) in combinations(found, 2)
        if are_near_copies(words, others)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_sentence_of_a_page_has_a_near_copy_on_it(page: Path) -> None:
    assert near_copies(page.read_text(encoding="utf-8")) == []


def test_a_copy_with_a_few_other_words_is_found_and_another_statement_is_not() -> None:
    first = "The monitor reads every calendar again four minutes before a slot."
    copy = "It reads every calendar again four minutes before each slot."
    another = "A notice goes to the channels of every route that matches it."
    assert near_copies(f"{first} {another} {copy}") == [(first, copy)]
