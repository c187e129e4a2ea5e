"""No module of the packages says a thing twice in its docstrings and comments."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from tests.docs.test_repetition import are_near_copies, distinct_words

ROOT = Path(__file__).parents[2]
MODULES = [
    path
    for folder in ("schedules", "alerts", "monitor", "bench")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
_LEAST_WORDS = 8
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings(source: str) -> Iterator[str]:
    """Yield the docstrings. Those of settings are left out: each stands alone on a page."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED):
            yield ast.get_docstring(node) or ""


def explanations(source: str) -> Iterator[str]:
    """Yield the docstrings without the summary lines of functions.

    Functions that do similar things have similar summaries.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED):
            text = ast.get_docstring(node) or ""
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                _, *text_after = re.split(r"(?<=[.!?])\s+", text, maxsplit=1)
                text = "".join(text_after)
            yield text


def comments(source: str) -> Iterator[str]:
    """Yield each comment, with its lines joined. A reason for breaking a rule is left out."""
    block: list[str] = []
    last_line = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or "noqa:" in token.string:
            continue
        if token.start[0] != last_line + 1:
            yield " ".join(block)
            block = []
        block.append(token.string.lstrip("# "))
        last_line = token.start[0]
    yield " ".join(block)


def sentences(text: str) -> Iterator[str]:
    """Yield each sentence of eight words or more, except those on what a function raises."""
    for paragraph in re.split(r"\n\s*\n|\n *- ", text):
        for sentence in re.split(r"(?<=[.!?:])\s+", paragraph):
            words = sentence.lower().rstrip(".:").split()
            if len(words) >= _LEAST_WORDS and words[0] != "raises":
                yield " ".join(words)


def repeated_sentences(source: str) -> list[str]:
    counted = Counter(
        sentence
        for text in (*docstrings(source), *comments(source))
        for sentence in sentences(text)
    )
    return [sentence for sentence, times in counted.items() if times > 1]


def near_copies(source: str) -> list[tuple[str, str]]:
    found = [
        (sentence, distinct_words(sentence))
        for text in (*explanations(source), *comments(source))
        for sentence in sentences(text)
    ]
    return [
        (sentence, other)
        for (sentence, words), (other, others) in combinations(found, 2)
        if are_near_copies(words, others)
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_of_a_module_is_in_it_twice(module: Path) -> None:
    assert repeated_sentences(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_explanation_in_a_module_has_a_near_copy_in_it(module: Path) -> None:
    assert near_copies(module.read_text(encoding="utf-8")) == []


def test_a_copy_is_found_in_another_docstring_or_comment() -> None:
    sentence = "A sweep looks at the parts of a slot in turn"
    source = f'def first():\n    """{sentence}."""\n\n\ndef second():\n    # {sentence}\n    pass\n'
    assert repeated_sentences(source) == [sentence.lower()]


def test_a_near_copy_is_found_but_summaries_of_functions_may_be_similar() -> None:
    explanation = "The monitor reads every calendar again four minutes before a slot."
    copy = "It reads every calendar again four minutes before each slot."
    source = f'def first():\n    """{explanation} {explanation}"""\n    # {copy}\n'
    assert near_copies(source) == [(explanation.lower().rstrip("."), copy.lower().rstrip("."))]
    summaries = f'def first():\n    """{explanation}"""\n\n\ndef second():\n    """{copy}"""\n'
    assert near_copies(summaries) == []
