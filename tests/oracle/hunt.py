"""Worlds played one after another, and what was found in each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.oracle.oracle import Find, finds
from tests.oracle.player import played
from tests.oracle.scripts import world
from tests.oracle.world import World


def found_in(made: World) -> list[Find]:
    """Play a world; a daemon that breaks is a find like any other."""
    try:
        return finds(made, played(made))
    except Exception as exc:  # noqa: BLE001 # whatever broke, the world that broke it is to be known
        return [Find("contradiction", "crash", "", f"{type(exc).__name__}: {exc}")]


def found_at(seed: int, kind: str | None = None) -> tuple[int, list[Find]]:
    """Play the world of a seed, which contains `kind` if one is given."""
    return seed, found_in(world(seed, kind))


def hunt(seeds: Iterable[int], workers: int, kind: str | None = None) -> Iterator[tuple[int, list[Find]]]:
    """Yield what is found in each seed's world, in the order of the seeds."""
    play = partial(found_at, kind=kind)
    if workers == 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(play, seeds)


def contradictions(found: Iterable[Find]) -> list[Find]:
    """Return what the truth denies, without what was only kept back."""
    return [one for one in found if one.level == "contradiction"]
