"""No pattern of the product takes longer than in proportion to the text, whatever the text.

Each is given texts that are as slow for it as possible (`pumped`), by the methods it is used with.
A pattern that is not linear is at least quadratic: thousands of characters then take a hundred
times as long as they may.
"""

from __future__ import annotations

import ast
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from itertools import islice
from math import log, log2
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from schedules.patterns import Linear, linear, quick
from tests.unit.patterns.pumped import pumped

ROOT = Path(__file__).parents[3]
OURS = ("schedules", "alerts", "monitor")
METHODS = frozenset({"match", "fullmatch", "search", "sub", "findall", "finditer", "split"})
MOST_STRINGS = 250
PIECES = (4, 6, 8, 10, 12, 14, 16, 18, 21, 24, 32)
SIZES = (300, 3000)
"""How often the piece stands in the text, as long as the time may double with each; then its
characters.
"""
PATIENCE = {300: 0.01, 3000: 0.03}
FEW = 0.005
"""CPU seconds that such a text may take. A pattern that is linear takes a hundredth of it."""
LARGE = 3000
LARGEST_LINEAR_EXPONENT = 1.5
CONFIRMATIONS = 5
"""How often a growth is measured that seems too great. A busy neighbour slows one measurement; a
pattern that is not linear is slow in each.
"""
Text = str | bytes
MAKES = frozenset({"compile", *METHODS})
ELSEWHERE = {
    "schedules/patterns.py": "the functions that the others are made with",
    "schedules/dates/times.py": "a tuple of patterns, each of them measured",
    "schedules/sources/feed.py": "an option of a calendar, by RE2",
    "monitor/look/recognise/feed.py": "what an operator seeks, by RE2",
    "monitor/look/recognise/searches.py": "what an operator seeks, by RE2",
    "monitor/watch/listing_match.py": "plain words, one or another",
    "monitor/config/secrets.py": "plain words, one or another",
    "schedules/values.py": "of settings, which whoever runs it writes",
}
"""Files that make patterns that are neither literals nor have a name in the module, and why they
may.
"""


class UsedPattern(NamedTuple):
    """A pattern of a module, and the methods it is used with."""

    module: str
    name: str
    pattern: re.Pattern[Any] | Linear
    methods: frozenset[str]


def modules() -> Iterator[ModuleType]:
    for package in OURS:
        found = pkgutil.walk_packages(import_module(package).__path__, f"{package}.")
        yield from (
            import_module(each.name)
            for each in found
            if not each.name.endswith(("__main__", ".env"))
        )


class Sources(NamedTuple):
    """The methods that are called on each name, and each call that makes a pattern.

    Of a call: its file, and whether a name of the module takes what it makes.
    """

    methods: dict[str, set[str]]
    calls: list[tuple[str, ast.Call, bool]]


@cache
def sources() -> Sources:
    """Return what is used and made in any module, in one walk: every worker needs it before its
    first test.
    """
    found = Sources({}, [])
    for package in OURS:
        for file in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            values = [
                each.value for each in tree.body if isinstance(each, ast.Assign | ast.AnnAssign)
            ]
            named = {id(one) for value in values for one in (value, *getattr(value, "elts", ()))}
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.attr in METHODS
                ):
                    found.methods.setdefault(node.value.id, set()).add(node.attr)
                if isinstance(node, ast.Call) and _makes_a_pattern(node.func):
                    found.calls.append((str(file.relative_to(ROOT)), node, id(node) in named))
    return found


def patterns_in(value: object) -> Iterator[re.Pattern[Any] | Linear]:
    if isinstance(value, re.Pattern | Linear):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from patterns_in(each)


def module_patterns() -> list[UsedPattern]:
    found: dict[tuple[str, str, int], UsedPattern] = {}
    for module in modules():
        for name, value in vars(module).items():
            for place, pattern in enumerate(patterns_in(value)):
                if module.__name__ != "schedules.patterns":
                    # Those of a table are used under the name of a loop.
                    usual = {"search"} if isinstance(pattern, Linear) else {"search", "fullmatch"}
                    methods = frozenset(sources().methods.get(name, usual))
                    found[module.__name__, name, place] = UsedPattern(
                        module.__name__, name, pattern, methods
                    )
    return list(found.values())


def _makes_a_pattern(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        return called.value.id in ("re", "re2") and called.attr in MAKES
    return isinstance(called, ast.Name) and called.id in ("quick", "linear", "Linear", "glob")


def is_literal(call: ast.Call) -> bool:
    """Return whether a pattern is written where it is used, as in `re.sub("a+", ...)`."""
    return ast.unparse(call.func).startswith("re.") and isinstance(call.args[0], ast.Constant)


def literal_patterns() -> list[UsedPattern]:
    found = (
        (file, call)
        for file, call, is_named in sources().calls
        if is_literal(call) and not is_named
    )
    return [
        UsedPattern(
            file,
            str(call.lineno),
            re.compile(ast.literal_eval(call.args[0])),
            frozenset({ast.unparse(call.func)[3:]}),
        )
        for file, call in found
    ]


def regex_and_flags(pattern: re.Pattern[Any] | Linear) -> tuple[str | bytes, int]:
    if isinstance(pattern, Linear):
        return re.sub(
            r"\\p([LNZ])", lambda found: {"L": "a-z", "N": "0-9", "Z": " "}[found[1]], pattern.text
        ), 0
    return pattern.pattern, pattern.flags & ~(
        re.UNICODE if isinstance(pattern.pattern, bytes) else 0
    )


def bind_method(pattern: re.Pattern[Any] | Linear, method: str) -> Callable[[Any], object]:
    if method == "sub":
        by = b" " if not isinstance(pattern, Linear) and isinstance(pattern.pattern, bytes) else " "
        return lambda text: pattern.sub(by, text)
    made = getattr(pattern, method)
    return (lambda text: list(made(text))) if method == "finditer" else made


def text_of(pattern: re.Pattern[Any] | Linear, head: str, piece: str, end: str, size: int) -> Text:
    text = head + piece * (size // len(piece) + 1) + end
    is_bytes = not isinstance(pattern, Linear) and isinstance(pattern.pattern, bytes)
    return text.encode("latin-1", "replace") if is_bytes else text


def cpu_seconds(work: Callable[[Any], object], text: Text, tries: int = 1) -> float:
    took = []
    for _ in range(tries):
        began = time.process_time()
        work(text)
        took.append(time.process_time() - began)
    return min(took)


def measure_growth(pattern: re.Pattern[Any] | Linear, method: str) -> tuple[float, str]:
    """Return the greatest exponent with which the time grows with the length of the text, and the
    slowest text.
    """
    work, worst, hurting = bind_method(pattern, method), 0.0, ("", "a", "")
    for head, piece, end in islice(
        (each for each in pumped(*regex_and_flags(pattern)) if each[1]), MOST_STRINGS
    ):
        for size in (*(count * len(piece) for count in PIECES), *SIZES):
            text, patience = text_of(pattern, head, piece, end, size), PATIENCE.get(size, FEW)
            took = cpu_seconds(work, text)
            if took > patience and (again := cpu_seconds(work, text, 3)) > patience:
                # A busy machine is slow with half of the text too.
                half = cpu_seconds(work, text_of(pattern, head, piece, end, size // 2), 3)
                if log2(again / max(half, 1e-6)) > LARGEST_LINEAR_EXPONENT:
                    return float("inf"), repr((head, piece, end, size))
        worst, hurting = max((worst, hurting), (took, (head, piece, end)))
    exponent = 0.0
    for _ in range(CONFIRMATIONS):
        exponent = measure_exponent(
            work, text_of(pattern, *hurting, LARGE), text_of(pattern, *hurting, 8 * LARGE)
        )
        if exponent <= LARGEST_LINEAR_EXPONENT:
            break
    return exponent, repr(hurting)


def measure_exponent(work: Callable[[Any], object], text: Text, text_times_8: Text) -> float:
    """Return the exponent with which the time grows, or 0 if even the long text takes no time.

    A time below 10 ms delays no one, and cannot be measured.
    """
    small = cpu_seconds(work, text, 3)
    large = cpu_seconds(work, text_times_8, 3)
    return log(large / max(small, 1e-6), 8) if large > 0.01 else 0.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "used", [*module_patterns(), *literal_patterns()], ids=lambda one: f"{one.module}.{one.name}"
)
def test_a_pattern_takes_time_in_proportion_to_the_text(used: UsedPattern) -> None:
    """A case is a pattern of the product, with the methods that it is used with."""
    for method in used.methods:
        exponent, slowest_text = measure_growth(used.pattern, method)
        assert exponent <= LARGEST_LINEAR_EXPONENT, (method, slowest_text)


def test_only_listed_files_compile_a_pattern_that_is_not_measured() -> None:
    """A pattern is measured if it is a literal or has a name in its module.

    Calls of RE2 are only in listed files.
    """
    calls = sources().calls
    not_measured = {file for file, call, is_named in calls if not is_named and not is_literal(call)}
    assert not_measured == set(ELSEWHERE)
    files_that_call_re2 = {
        file for file, call, _ in calls if ast.unparse(call.func).startswith("re2.")
    }
    assert files_that_call_re2 <= set(ELSEWHERE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [r"(a+)+b", r"(a|a)*b", r"\s+$", r"(?:\s+-\s+[^-|]*\bx\b[^-|]*)+$"]
)
def test_slow_pattern_is_detected_and_re2_makes_it_linear(text: str) -> None:
    """A case is a pattern whose time with `re` grows faster than its text."""
    exponent_of_re, _ = measure_growth(re.compile(text), "search")
    exponent_of_re2, _ = measure_growth(Linear(text), "search")
    assert exponent_of_re > LARGEST_LINEAR_EXPONENT >= exponent_of_re2


def test_both_kinds_of_pattern_are_registered() -> None:
    assert isinstance(linear("a"), Linear)
    assert quick("a").fullmatch("a")
