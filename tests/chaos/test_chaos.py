"""Real monitors on one PostgreSQL: hurt, upgraded one after the other, and told to wait by a publisher.

Chaos is a bounded run with two seeds here, with every hurt that this machine lets us play where nothing else runs
beside it; `make chaos` goes on for as long as it is let.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres import running
from tests.chaos.play import FEW, ROOM, play, playable
from tests.chaos.told_to_wait import wait
from tests.chaos.upgrade import upgrade

REDUNDANT_AND_SHARED = (801, 804)

HURTS = FEW if "PYTEST_XDIST_WORKER" in os.environ else playable()

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.alone]


@pytest.fixture
def database() -> Iterator[str]:
    with running(ROOM if "full" in HURTS else "") as address:
        yield address


@pytest.mark.needs("faketime")
@pytest.mark.needs("nss-wrapper")
@pytest.mark.parametrize("seed", REDUNDANT_AND_SHARED)
def test_whatever_is_hurt_nothing_is_lost_told_wrongly_or_asked_too_often(
    tmp_path: Path, database: str, seed: int
) -> None:
    assert play(seed, tmp_path, database, seconds=30 if HURTS == FEW else 60, hurts=HURTS) == []


def test_monitors_upgraded_one_after_the_other_and_one_back_lose_no_second_and_tell_nothing_twice(
    tmp_path: Path, database: str
) -> None:
    assert upgrade(tmp_path, database) == []


@pytest.mark.parametrize("mode", ["redundant", "shared"])
def test_a_host_that_tells_one_monitor_to_wait_is_left_alone_by_all_though_that_one_is_killed(
    tmp_path: Path, database: str, mode: str
) -> None:
    assert wait(tmp_path, database, mode) == []
