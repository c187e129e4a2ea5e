"""Killed at any moment: what was told to be committed is there, and the store is whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store.evidence.chain import verify
from monitor.store.sql.engine import SqlStore
from tests.worlds.stores import runs_of

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)

CHILD = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.clock import SystemClock
from monitor.judge.runs import Run
from monitor.look.fetch import Answer
from monitor.look.sighting import State
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import Event
from monitor.store.sql.engine import SqlStore
from monitor.store.writer import Writer

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)


async def main(folder: Path, first: int) -> None:
    store = SqlStore(f"sqlite:///{folder}/store.db")
    store.upgrade()
    writer = Writer(store, SystemClock())
    evidence = Evidence(folder / "ev", store.evidence, writer, SystemClock(), "edge")
    for number in range(first, first + 100_000):
        at = SLOT + timedelta(seconds=number)
        answer = Answer("https://x/", 404, {}, b"x" * 5000, at, at)
        kept = evidence.keep(answer, f"r{number}/page/edge", "turn")
        writer.put(Run(f"r{number}/page/edge", State.ABSENT, at, at, at, at, evidence=(kept,)))
        event = Event(f"e{number}", f"r{number}", at, "pending", "late", {})
        await writer.write(lambda tx: tx.add_event(event))
        print(number, flush=True)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def write_until_killed(folder: Path, first: int, seconds: float) -> int:
    """Return the number of the last write that was told to be committed."""
    command = [sys.executable, "-c", CHILD, str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = int(child.stdout.readline())
        # A real process is killed in real time; nothing is awaited here.
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            last = int(child.stdout.readline())
        child.kill()
        told = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return int(told[-1]) if told else last


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_was_committed_is_lost_by_a_kill_at_any_moment(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # no secret hangs on it
    last = -1
    for _ in range(2):
        last = write_until_killed(tmp_path, last + 2, chance.uniform(0.0, 0.3))
    store = SqlStore(f"sqlite:///{tmp_path}/store.db")
    numbers = {int(event.id[1:]) for event in store.verdicts.events(limit=1_000_000)}
    runs = runs_of(store, *(f"r{number}/page/edge" for number in numbers))
    assert last in numbers
    assert [run.first_sent for run in runs] == [SLOT + timedelta(seconds=number) for number in sorted(numbers)]
    assert len(store.evidence.records([run.evidence[0] for run in runs])) == len(runs)
    # Its events stand for themselves: there is no verdict on any release.
    assert [line for line in store.check() if "its events are there" not in line] == []
    assert verify(store.evidence, tmp_path / "ev") == []
    store.close()
