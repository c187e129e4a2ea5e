"""Plays worlds one after another and returns what is wrong in each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.oracle.oracle import Discrepancy, find_discrepancies
from tests.oracle.player import play_world
from tests.oracle.scripts import random_world
from tests.oracle.world import World


def check_world(made: World) -> list[Discrepancy]:
    """Play a world and return what is wrong with the output.

    An exception counts as a contradiction.
    """
    try:
        return find_discrepancies(made, play_world(made))
    except Exception as exc:  # noqa: BLE001 # any exception is reported with its world
        return [Discrepancy("contradiction", "crash", "", f"{type(exc).__name__}: {exc}")]


def check_seed(seed: int, kind: str | None = None) -> tuple[int, list[Discrepancy]]:
    """Play the world of a seed, with `kind` in it if given. Return the seed and what is wrong."""
    return seed, check_world(random_world(seed, kind))


def check_seeds(
    seeds: Iterable[int], workers: int, kind: str | None = None
) -> Iterator[tuple[int, list[Discrepancy]]]:
    """Yield each seed with what is wrong in its world, in the order of the seeds."""
    play = partial(check_seed, kind=kind)
    if workers == 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(play, seeds)


def contradictions(found: Iterable[Discrepancy]) -> list[Discrepancy]:
    """Return only the discrepancies that are contradictions, without timid claims."""
    return [one for one in found if one.level == "contradiction"]
