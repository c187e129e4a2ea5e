"""Real monitors on one PostgreSQL with random faults, and with a 429.

Here two seeds are played for a limited time. `make chaos` plays for as long as you like. If no
other test runs beside this one, every fault is played that this machine allows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.database import Database, run_database
from tests.chaos.play import BASIC_FAULTS, FULL_DISK_SIZE, list_playable_faults, play
from tests.chaos.retry_after import check_retry_after

SEEDS = (801, 804)

FAULTS = BASIC_FAULTS if "PYTEST_XDIST_WORKER" in os.environ else list_playable_faults()

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.alone]


@pytest.fixture
def database() -> Iterator[Database]:
    with run_database(FULL_DISK_SIZE if "full" in FAULTS else "") as address:
        yield address


@pytest.mark.needs("faketime")
@pytest.mark.needs("nss-wrapper")
@pytest.mark.parametrize("seed", SEEDS)
def test_faults_cause_no_wrong_verdict_lost_record_or_excess_request(
    tmp_path: Path, database: Database, seed: int
) -> None:
    assert (
        play(seed, tmp_path, database, seconds=30 if FAULTS == BASIC_FAULTS else 60, faults=FAULTS)
        == []
    )


def test_no_monitor_uses_a_host_before_its_retry_after_ends_although_the_one_it_answered_is_killed(
    tmp_path: Path, database: Database
) -> None:
    assert check_retry_after(tmp_path, database) == []
