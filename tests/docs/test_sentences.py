"""Sentences of README.md and docs/ are short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
_LONG = 30
_SHARE = 0.05
# With fewer words it is a heading or a cell of a table.
_PROSE = 4


def sentences(page: Path) -> Iterator[str]:
    """Yield each sentence of a page.

    A heading, an item of a list and a cell of a table are texts of their own.
    """
    text = re.sub(
        r"^( *)(```|~~~).*?^\1\2",
        "",
        page.read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    text = re.sub(r"<[^>]+>|\]\([^)]*\)", " ", text)
    text = re.sub(r"^\|?[ :|-]+\|$", "", text, flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.)\s)|(?<!\\)\|", text):
        yield from (
            one
            for one in re.split(r"(?<=[.!?])[)*\"”]*\s+(?=\W*[A-Z0-9`*\[(])", block.strip())
            if one
        )


def words(sentence: str) -> int:
    """Count words. A piece of code is one word."""
    return len(re.findall(r"[\w'/.:@%-]*\w[\w'/.:@%-]*", re.sub(r"`[^`]*`", "code", sentence)))


def long_sentences(page: Path, most: int) -> list[str]:
    return [one for one in sentences(page) if words(one) > most]


def test_no_sentence_of_the_readme_has_more_than_25_words() -> None:
    assert long_sentences(README, 25) == []


def test_few_sentences_of_the_docs_have_more_than_30_words() -> None:
    counted = [one for page in PAGES for one in sentences(page) if words(one) >= _PROSE]
    long = [one for one in counted if words(one) > _LONG]
    assert len(long) <= _SHARE * len(counted), f"{len(long)} of {len(counted)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_few_sentences_of_each_page_have_more_than_30_words(page: Path) -> None:
    counted = [one for one in sentences(page) if words(one) >= _PROSE]
    assert len(long_sentences(page, _LONG)) <= _SHARE * len(counted), long_sentences(page, _LONG)


# Words that once made this project's texts hard to read.
_DIALECT = re.compile(
    r"\b(?:told|stands|borne out|holds|lies|goes by|anew|alone|what"
    r" is|whoever|nobody|gone|learnt|heard)\b",
    re.IGNORECASE,
)


def test_dialect_words_are_rare() -> None:
    text = " ".join(page.read_text(encoding="utf-8") for page in (README, *PAGES))
    found = _DIALECT.findall(text)
    assert len(found) <= 15 * len(text.split()) / 10_000, found
