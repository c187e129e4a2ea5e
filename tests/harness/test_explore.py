"""Failing properties with fresh seeds are kept and do not fail the run. Other failures do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import pytest
from hypothesis import given, settings, strategies as st
"""
RARE = """
@pytest.mark.explored
@settings(max_examples=10, derandomize=True)
@given(st.lists(st.integers(0, 100), min_size=1))
def test_no_list_holds_a_seven(numbers):
    assert 7 not in numbers
"""
SOUND = """
@pytest.mark.explored
@given(st.integers())
def test_a_number_is_itself(number):
    assert number == number

def test_of_something_else():
    assert False
"""
BROKEN = """
@pytest.fixture
def broken():
    raise LookupError

@pytest.mark.explored
@given(st.integers())
def test_that_cannot_begin(broken, number):
    pass
"""


ROOT = Path(__file__).parents[2]


def explored(
    folder: Path, *tests: str, more: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    explored\n")
    (folder / "test_them.py").write_text(HEAD + "".join(tests))
    options = ["-p", "tests.explore", "-p", "no:playwright", "--explore", "20", *more]
    # A developer's pytest options would change the output.
    command, here = (
        [sys.executable, "-m", "pytest", *options],
        {**os.environ, "PYTHONPATH": str(ROOT)},
    )
    here.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        command, cwd=folder, env=here, capture_output=True, text=True, check=False
    )


def cases(folder: Path) -> list[Path]:
    return list((folder / "var" / "explored").glob("*.txt"))


@pytest.mark.slow
def test_a_find_is_printed_and_kept_with_what_repeats_it_and_the_run_succeeds(
    tmp_path: Path,
) -> None:
    run = explored(tmp_path, RARE, SOUND)
    (case,) = cases(tmp_path)
    assert run.returncode == 0, run.stdout
    assert f"kept: {case.relative_to(tmp_path)}" in run.stdout
    for told in (run.stdout, case.read_text()):
        assert "numbers=[7]" in told
        assert "@reproduce_failure(" in told


@pytest.mark.slow
def test_only_what_is_marked_is_explored_and_nothing_found_keeps_nothing(tmp_path: Path) -> None:
    run = explored(tmp_path, SOUND)
    assert run.returncode == 0, run.stdout
    assert "20 passed, 1 deselected" in run.stdout
    assert cases(tmp_path) == []


@pytest.mark.slow
def test_a_property_that_cannot_even_begin_fails_the_run_beside_a_find_too(tmp_path: Path) -> None:
    run = explored(tmp_path, RARE, BROKEN)
    assert run.returncode == 1, run.stdout
    assert "LookupError" in run.stdout
    assert len(cases(tmp_path)) == 1


@pytest.mark.slow
def test_workers_share_the_seeds_of_one_run(tmp_path: Path) -> None:
    run = explored(tmp_path, RARE, more=("-n", "2"))
    assert run.returncode == 0, run.stdout
    assert len(cases(tmp_path)) == 1


@pytest.mark.slow
def test_each_seed_tries_other_examples_and_the_same_seed_the_same_ones(tmp_path: Path) -> None:
    runs = [
        explored(tmp_path, RARE, more=("--explore-from", "1", "-p", "no:randomly"))
        for _ in range(2)
    ]
    found = [
        [line for line in run.stdout.splitlines() if line.startswith("FAILED")] for run in runs
    ]
    assert 0 < len(found[0]) < 20
    assert found[0] == found[1]
