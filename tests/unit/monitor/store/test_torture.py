"""Killed at any moment: everything that was committed is there, and the store is whole."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path

import pytest

from monitor.store.evidence.chain import verify_evidence
from monitor.store.sql.engine import Store
from tests.unit.monitor.store.victim import write_until_killed
from tests.worlds.instants import after_slot
from tests.worlds.stores import runs_of

# Each victim is forked from one process that has imported everything, since to import takes longer
# than to be killed.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.unit.monitor.store.victim"])


def write_and_kill(folder: Path, first: int, seconds: float) -> int:
    """Kill a monitor so many seconds after its first commit.

    Return the last number that it committed.

    It writes rows for each number from `first` on.
    """
    received, sent = FORKS.Pipe(duplex=False)
    victim = FORKS.Process(target=write_until_killed, args=(folder, first, sent), daemon=True)
    victim.start()
    sent.close()
    last = int(received.recv())
    # A real process is killed in real time, at any moment and not only between two commits.
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        last = int(received.recv())
    victim.kill()
    try:
        while True:
            last = int(received.recv())
    except (EOFError, OSError):
        return last
    finally:
        received.close()
        victim.join()
        victim.close()


@pytest.mark.parametrize("seed", range(3))
def test_monitor_killed_at_random_loses_no_committed_row(tmp_path: Path, seed: int) -> None:
    """A monitor commits rows for the numbers 0, 1, 2 and so on, reports each commit, and is killed.
    A second monitor goes on and is killed too. The store must have all rows of each reported
    number.
    """
    random_moments = random.Random(seed)  # noqa: S311  # no secret hangs on it
    last_reported = write_and_kill(tmp_path, first=0, seconds=random_moments.uniform(0.0, 0.3))
    # A monitor may be killed between a commit and its report, so one number more may be committed.
    # The second monitor begins with the number after that.
    last_reported = write_and_kill(
        tmp_path, first=last_reported + 2, seconds=random_moments.uniform(0.0, 0.3)
    )
    store = Store(f"sqlite:///{tmp_path}/store.db")
    committed = sorted(
        int(event.id.removeprefix("e")) for event in store.verdicts.events(limit=1_000_000)
    )
    assert last_reported in committed
    # The event of each number was committed with a run and the evidence of this run. The number is
    # that of the seconds between the slot and the look of the run.
    runs = runs_of(store, *(f"r{number}/page/edge" for number in committed))
    assert [run.first_sent for run in runs] == [after_slot(number) for number in committed]
    assert len(store.evidence.records([run.evidence[0] for run in runs])) == len(runs)
    # The check of the store also reports each event whose release has no verdict. That is so for
    # all events here.
    faults = [fault for fault in store.check() if "its events are there" not in fault]
    assert faults == []
    assert verify_evidence(store.evidence, tmp_path / "ev") == []
    store.close()
