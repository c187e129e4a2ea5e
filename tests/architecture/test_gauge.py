"""Each package has a gauge of code tokens, so that growth is seen and named."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Code tokens of each package. A change that moves a package further than SLACK from its number
# sets the new number, and its commit says which concept came or went.
GAUGE = {
    "schedules": 75_500,
    "alerts": 63_140,
    "monitor/app": 16_943,
    "monitor/cli": 27_047,
    "monitor/config": 9_600,
    "monitor/deliver": 23_969,
    "monitor/files": 5_690,
    "monitor/health": 9_157,
    "monitor/judge": 34_900,
    "monitor/ledger": 17_417,
    "monitor/look": 44_602,
    "monitor/plan": 8_957,
    "monitor/readiness": 6_654,
    "monitor/rehearse": 22_772,
    "monitor/store": 34_358,
    "monitor/watch": 27_476,
    "monitor/web": 56_144,
}
SLACK = 0.03
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}


def count_tokens(source: str) -> int:
    """Return the number of names, operators and literals.

    Commas, comments, docstrings and line breaks do not count, so the formatter changes nothing.
    """
    prose = find_docstring_lines(ast.parse(source))
    return sum(
        token.type not in NO_CODE and token.string != "," and token.start[0] not in prose
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
    )


def find_docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for each in node.body:
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
                lines.update(range(each.lineno, (each.end_lineno or each.lineno) + 1))
    return lines


@pytest.mark.parametrize("package", GAUGE)
def test_every_package_is_as_large_as_its_gauge_says(package: str) -> None:
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / package).rglob("*.py")]
    tokens = sum(count_tokens(source) for source in sources)
    assert abs(tokens - GAUGE[package]) <= SLACK * GAUGE[package], f"{package}: {tokens} tokens"


def test_every_package_has_a_gauge() -> None:
    folders = [each for each in (ROOT / "monitor").iterdir() if (each / "__init__.py").exists()]
    assert set(GAUGE) == {"alerts", "schedules", *(f"monitor/{each.name}" for each in folders)}


def test_prose_and_line_breaks_do_not_count() -> None:
    dense = "def add(a, b): return a + b\n"
    spaced = (
        '"""Sums."""\n\n\ndef add(\n    a,\n    b,\n):\n    """Add."""\n    return a + b  # both\n'
    )
    assert count_tokens(dense) == count_tokens(spaced)
