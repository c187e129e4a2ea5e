"""Storage grows with changes, not with looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.judge.runs import Run, fold_sighting
from monitor.look.sighting import Sighting, State
from monitor.store.sql.engine import Store
from tests.worlds.stores import runs_of

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
LOOKS = 100_000
SECOND = timedelta(seconds=1)


def fold_looks(looks: int, changes: int) -> list[Run]:
    """Return the runs of so many looks, a second apart, whose state changes so many times."""
    runs: list[Run] = []
    states, looks_a_run = (State.ABSENT, State.PRESENT), looks // (changes + 1)
    for number in range(looks):
        sent = NOON + number * SECOND
        state = states[min(number // looks_a_run, changes) % 2]
        sighting = Sighting("r/page/edge", state, sent, sent + SECOND / 10, sent, sent + SECOND / 10)
        outcome = fold_sighting(runs[-1] if runs else None, sighting, SECOND)
        runs[-1:] = [outcome] if isinstance(outcome, Run) else list(outcome)
    return runs


def test_a_hundred_thousand_looks_with_three_changes_are_four_rows(sqlite: Store) -> None:
    runs = fold_looks(LOOKS, changes=3)
    assert sum(run.looks for run in runs) == LOOKS
    with sqlite.transaction() as tx:
        tx.save_runs(runs)
    assert len(runs_of(sqlite, "r/page/edge")) == 4


def test_a_run_that_is_saved_again_takes_no_more_room(sqlite: Store, tmp_path: Path) -> None:
    runs = fold_looks(1000, changes=3)
    file = tmp_path / "store.db"
    for _ in range(100):
        with sqlite.transaction() as tx:
            tx.save_runs(runs)
    size = file.stat().st_size
    for _ in range(300):
        with sqlite.transaction() as tx:
            tx.save_runs(runs)
    assert file.stat().st_size == size
