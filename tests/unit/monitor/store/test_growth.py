"""Storage grows with changes, not with looks."""

from __future__ import annotations

from pathlib import Path

from monitor.judge.runs import Run, extend_run, start_run
from monitor.look.sighting import Sighting, State
from monitor.store.sql.engine import Store
from tests.worlds.instants import SECOND, SLOT
from tests.worlds.stores import runs_of


def fold_looks(looks: int, changes: int) -> list[Run]:
    """Return the runs of so many looks, a second apart, whose state changes so many times."""
    runs: list[Run] = []
    states, looks_a_run = (State.ABSENT, State.PRESENT), looks // (changes + 1)
    for number in range(looks):
        sent = SLOT + number * SECOND
        state = states[min(number // looks_a_run, changes) % 2]
        sighting = Sighting(
            "r/page/edge", state, sent, sent + SECOND / 10, sent, sent + SECOND / 10
        )
        longer = extend_run(runs[-1], sighting, SECOND) if runs else None
        runs = [*runs[:-1], longer] if longer else [*runs, start_run(sighting)]
    return runs


def test_a_hundred_thousand_looks_with_three_changes_are_four_rows(sqlite: Store) -> None:
    looks = 100_000
    runs = fold_looks(looks, changes=3)
    assert sum(run.looks for run in runs) == looks
    with sqlite.transaction() as tx:
        tx.save(*runs)
    # Three changes of state divide the looks into four runs, with a row each.
    assert len(runs_of(sqlite, "r/page/edge")) == 4


def test_a_run_that_is_saved_again_takes_no_more_room(sqlite: Store, tmp_path: Path) -> None:
    runs = fold_looks(1000, changes=3)  # the runs of 1000 looks with three changes of state
    file = tmp_path / "store.db"

    def save_runs(times: int) -> None:
        for _ in range(times):
            with sqlite.transaction() as tx:
                tx.save(*runs)

    save_runs(100)
    size_before = file.stat().st_size
    save_runs(300)
    assert file.stat().st_size == size_before
