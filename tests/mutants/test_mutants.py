from __future__ import annotations

import ast
import importlib.util
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutants.__main__ import describe, draw_mutants
from tests.mutants.children import Work, run_in_children
from tests.mutants.mutations import find_mutants, make_mutated_tree
from tests.mutants.patch import Functions
from tests.mutants.statements import StatementRecorder

SOURCE = """
LIMIT = 5


def is_over(count: int, limit: "int | None" = 3) -> bool:
    if limit is None or not count:
        return False
    return count > limit


class Scale:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def convert(self, low, high):
        ratio = lambda part: divmod(part, self.factor)
        return [ratio(part) for part in range(low, high) if part]
"""


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        ("a < b", ["a <= b"]),
        ("a <= b < c", ["a < b < c", "a <= b <= c"]),
        ("a is None", ["a is not None"]),
        ("a in b", ["a not in b"]),
        ("a and b", ["a or b"]),
        ("not a", ["not not a"]),
        ("f(True)", ["f(False)"]),
        ("f(7)", ["f(8)", "f(6)"]),
        ("f(a, b)", ["f(b, a)"]),
        ("f(a, a)", []),
        ("f(*a, b)", []),
        ("b if a else c", ["b if False else c"]),
        ("'text' + 1.5", []),
    ],
)
def test_changes_of_an_expression(before: str, changed: list[str], tmp_path: Path) -> None:
    source = f"def function(a, b, c):\n    return {before}\n"
    file = write(tmp_path, source)
    made = [make_mutated_tree(source, each.number) for each in find_mutants(tmp_path, file)]
    assert [ast.unparse(tree).partition("return ")[2] for tree in made] == changed


def test_a_branch_is_dropped_and_annotations_and_constants_of_the_module_stay(
    tmp_path: Path,
) -> None:
    mutants = find_mutants(tmp_path, write(tmp_path, SOURCE))
    assert [(each.function, each.line, each.change) for each in mutants] == [
        ("is_over", 6, "branch of `if limit is None or not count` dropped"),
        ("is_over", 6, "or → and"),
        ("is_over", 6, "limit is None → limit is not None"),
        ("is_over", 6, "not count → count"),
        ("is_over", 7, "False → True"),
        ("is_over", 8, "count > limit → count >= limit"),
        ("Scale.convert", 16, "part, self.factor → swapped in divmod(…)"),
        ("Scale.convert", 17, "low, high → swapped in range(…)"),
    ]


@pytest.mark.parametrize(
    ("change", "run", "before", "after"),
    [
        ("count > limit → count >= limit", lambda module: module.is_over(3), False, True),
        (
            "part, self.factor → swapped in divmod(…)",
            lambda module: module.Scale(10).convert(4, 5),
            [(0, 4)],
            [(2, 2)],
        ),
    ],
)
def test_a_running_module_takes_a_mutant_and_its_file_stays_as_it_is(
    change: str,
    run: Callable[[ModuleType], object],
    before: object,
    after: object,
    tmp_path: Path,
) -> None:
    file = write(tmp_path, SOURCE)
    module = load(file)
    [mutant] = [each for each in find_mutants(tmp_path, file) if each.change == change]
    assert run(module) == before
    Functions(tmp_path).apply(mutant)
    assert run(module) == after
    assert file.read_text(encoding="utf-8") == SOURCE


@pytest.mark.parametrize(
    ("run", "met"),
    [
        (lambda module: module.is_over(None, None), {6, 7}),
        (lambda module: module.is_over(4), {6, 8}),
        (lambda module: module.Scale(1).convert(2, 3), {16, 17}),
        (lambda module: module.Scale(1), set()),
    ],
)
def test_a_test_meets_the_mutants_of_the_statements_that_it_runs(
    run: Callable[[ModuleType], object], met: set[int], tmp_path: Path
) -> None:
    file = write(tmp_path, SOURCE)
    module = load(file)
    mutants = find_mutants(tmp_path, file)
    recorder = StatementRecorder(tmp_path, mutants)
    with recorder.watch():
        run(module)
    names = recorder.met([])
    assert {each.line for each in mutants if each.name in names} == met


def test_a_statement_has_the_lines_up_to_its_first_block(tmp_path: Path) -> None:
    source = "def f(a):\n    if (\n        a\n        < 1\n    ):\n        return 2\n    match a:\n        case 5:\n            return (\n                7\n            )\n"
    mutants = find_mutants(tmp_path, write(tmp_path, source))
    assert {each.change: each.statement for each in mutants} == {
        "branch of `if a < 1` dropped": range(2, 6),
        "a < 1 → a <= 1": range(2, 6),
        "1 → 2": range(2, 6),
        "1 → 0": range(2, 6),
        "2 → 3": range(6, 7),
        "2 → 1": range(6, 7),
        "`case 5` dropped": range(8, 9),
        "5 → 6": range(8, 9),
        "5 → 4": range(8, 9),
        "7 → 8": range(9, 12),
        "7 → 6": range(9, 12),
    }


def test_a_child_that_dies_stops_no_other_and_is_followed_by_its_after(tmp_path: Path) -> None:
    ended: list[str] = []
    works = [
        Work(lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: ended.append("killed")),
        Work((tmp_path / "made").touch, lambda: ended.append("made")),
    ]
    run_in_children(works, 1)
    assert ended == ["killed", "made"]
    assert (tmp_path / "made").exists()


def test_a_seed_draws_the_same_mutants_and_another_seed_others() -> None:
    assert draw_mutants(7, 20) == draw_mutants(7, 20)
    assert draw_mutants(7, 20) != draw_mutants(8, 20)


def test_results_say_how_many_tests_killed_and_how_many_did_not_run(tmp_path: Path) -> None:
    mutants = find_mutants(tmp_path, write(tmp_path, SOURCE))[:3]
    names = [each.name for each in mutants]
    results = {
        names[0]: {"meeting": 9, "ran": 5, "killed_by": ["one", "two"]},
        names[1]: {"meeting": 4, "ran": 4, "killed_by": []},
        names[2]: {"meeting": 0, "ran": 0, "killed_by": []},
    }
    assert describe(mutants, results) == [
        "killed by 2 of 5 (4 more not run)  sample.py:6 is_over: branch of `if limit is None or not count` dropped",
        "alive after 4 tests  sample.py:6 is_over: or → and",
        "alive after 0 tests  sample.py:6 is_over: limit is None → limit is not None",
        "killed 1 of 3, 1 of the others met by no test",
    ]


def write(folder: Path, source: str) -> Path:
    file = folder / "sample.py"
    file.write_text(source, encoding="utf-8")
    return file


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
