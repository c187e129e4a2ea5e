"""Random worlds through the real daemon: what is said of them is what was true in them.

The worlds of fixed seeds and every case kept in `finds/` must hold. A few fresh worlds are played each time as well:
what they find is printed and kept as a case for people, and fails nothing by chance.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from secrets import randbelow

import pytest

from tests.oracle.hunt import contradictions, found_at, found_in
from tests.oracle.outline import outline
from tests.oracle.scripts import world
from tests.oracle.text import script_text, world_of, write

CASES = sorted((Path(__file__).parent / "finds").glob("*.toml"))
FIXED = (1, 3, 4, 5, 8, 13, 16, 19, 23, 26, 29, 30, 31, 33, 34, 35, 102, 82333)
FRESH = 4
FAST = 5
"""Kept cases that the fast tier plays beside the fixed seeds: twenty worlds in all."""
PLAYED = [case if place < FAST else pytest.param(case, marks=pytest.mark.slow) for place, case in enumerate(CASES)]


@pytest.mark.parametrize("seed", FIXED)
def test_nothing_is_said_of_a_random_world_that_its_truth_denies(seed: int) -> None:
    assert [str(one) for one in contradictions(found_at(seed)[1])] == []


@pytest.mark.parametrize("case", PLAYED, ids=lambda case: case.stem)
def test_what_was_once_found_wrong_stays_mended(case: Path) -> None:
    assert [str(one) for one in contradictions(found_in(world_of(case.read_text(encoding="utf-8"))))] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default::pytest.PytestWarning")
def test_fresh_worlds_are_told_of_and_kept_and_fail_nothing_by_chance(tmp_path: Path) -> None:
    kept = Path(os.environ.get("ORACLE_FINDS", tmp_path))
    for seed in (randbelow(10**9) for _ in range(FRESH)):
        found = contradictions(found_at(seed)[1])
        if found:
            path = write(world(seed), kept, f"seed-{seed}")
            lines = [f"a fresh world was judged wrongly, kept as {path}:", *map(str, found), outline(world(seed))]
            warnings.warn(pytest.PytestWarning("\n".join(lines)), stacklevel=1)


def test_the_same_seed_is_the_same_world_and_a_script_gives_its_world_back() -> None:
    for seed in range(300):
        assert world_of(script_text(world(seed))) == world(seed)
