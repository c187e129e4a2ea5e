"""Random worlds are played through the real daemon, and its output must be true in each.

The worlds of fixed seeds and all kept cases in `finds/` must pass. A few fresh worlds are played
each time as well. An error in these is printed and kept for a person, but fails no test.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from secrets import randbelow

import pytest

from tests.oracle.hunt import check_seed, check_world, contradictions
from tests.oracle.outline import outline
from tests.oracle.scripts import random_world
from tests.oracle.text import read_world, script_text, write_script

CASES = sorted((Path(__file__).parent / "finds").glob("*.toml"))
FIXED = (1, 3, 4, 5, 8, 13, 16, 19, 23, 26, 29, 30, 31, 33, 34, 35, 102, 82333)
FRESH = 4
FAST = 5
"""The number of kept cases that the fast tier plays in addition to the fixed seeds."""
PLAYED = [
    case if place < FAST else pytest.param(case, marks=pytest.mark.slow)
    for place, case in enumerate(CASES)
]


@pytest.mark.parametrize("seed", FIXED)
def test_output_about_a_random_world_does_not_contradict_its_truth(seed: int) -> None:
    assert [str(one) for one in contradictions(check_seed(seed)[1])] == []


@pytest.mark.parametrize("case", PLAYED, ids=lambda case: case.stem)
def test_worlds_that_once_showed_an_error_are_judged_correctly(case: Path) -> None:
    assert [
        str(one)
        for one in contradictions(check_world(read_world(case.read_text(encoding="utf-8"))))
    ] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default::pytest.PytestWarning")
def test_errors_in_fresh_worlds_are_printed_and_kept_but_fail_no_test(tmp_path: Path) -> None:
    kept = Path(os.environ.get("ORACLE_FINDS", tmp_path))
    for seed in (randbelow(10**9) for _ in range(FRESH)):
        found = contradictions(check_seed(seed)[1])
        if found:
            path = write_script(random_world(seed), kept, f"seed-{seed}")
            lines = [
                f"a fresh world was judged wrongly, kept as {path}:",
                *map(str, found),
                outline(random_world(seed)),
            ]
            warnings.warn(pytest.PytestWarning("\n".join(lines)), stacklevel=1)


def test_a_seed_always_gives_the_same_world_which_survives_its_script() -> None:
    for seed in range(300):
        assert read_world(script_text(random_world(seed))) == random_world(seed)
