"""Compaction makes the store of old releases smaller and changes no verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.assessment import body_of
from monitor.judge.judge import judge
from monitor.judge.policy import Policies, Policy
from monitor.judge.runs import Blind, Run
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.retention import Retention
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.watch.compaction import MIN_RUNS, Compaction
from monitor.watch.rejudge import replay
from tests.worlds.instants import DAY, HOUR, SECOND, SLOT
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import a_store, a_verdict_row

T = TypeVar("T")
NOW = SLOT + 700 * DAY
POLICIES = Policies(Policy())


async def ask(question: Callable[[], T]) -> T:
    return question()


def noisy_runs(release: str, slot: datetime = SLOT) -> list[Run]:
    """Return two weeks of absence in which every few hours a look fails, and a release on the
    second.
    """
    target, runs = f"{release}/page/edge", []
    for number in range(100):
        begin = slot - 14 * DAY + 3 * number * HOUR
        absent = begin + 2 * HOUR
        runs.append(
            a_run(target, ABSENT, begin, absent, looks=7200, largest_gap=SECOND, status=404)
        )
        runs.append(
            a_run(target, UNKNOWN, absent + SECOND, absent + 2 * SECOND, looks=1, why="timeout")
        )
    last = slot - SECOND / 2
    runs.append(
        a_run(target, ABSENT, slot - DAY, last, looks=86_400, largest_gap=SECOND, status=404)
    )
    runs.append(
        a_run(target, PRESENT, slot, slot + DAY, looks=9, largest_gap=3 * HOUR, specific=True)
    )
    return runs


def save_judged_release(
    store: Store, name: str, slot: datetime = SLOT, runs: list[Run] | None = None
) -> None:
    """Save a release with its runs (default: noisy ones) and the verdict eight days after its
    slot.
    """
    release, promise = a_release(id=name), a_promise(slot, release=name, confirmed_at=slot)
    seen = noisy_runs(name, slot) if runs is None else runs
    verdict = judge(release, [promise], {seen[0].target: seen}, (), Policy(), slot + 8 * DAY)
    fields = {
        "word": verdict.verdict.value,
        "grade": verdict.grade.value,
        "final": verdict.final,
        "at": verdict.at,
    }
    with store.transaction() as tx:
        tx.save(release)
        tx.add_promises([promise])
        tx.save(*seen)
        tx.save(a_verdict_row(name, slot=slot, body=body_of(verdict, None), **fields))


def compact(store: Store, after: timedelta = 400 * DAY, watched: Collection[str] = ()) -> int:
    """Merge runs of releases whose slot passed so long ago. Return how many runs are fewer."""

    async def whole(clock: VirtualClock) -> int:
        writer = Writer(store, clock)
        made = await Compaction(
            store, writer, clock, POLICIES, after, lambda: watched, ask
        ).compact()
        await writer.close()
        return made

    return run_virtually(whole, NOW)


def test_merging_old_runs_changes_no_verdict_and_loses_no_look(tmp_path: Path) -> None:
    """Looks in a row with one answer are a run. Five releases had their slot 700 days ago. Each has
    about 200 runs, because a look failed every few hours before its slot. Runs of old releases are
    merged to save space.
    """
    store = a_store(tmp_path)
    names = ["r0", "r1", "r2", "r3", "r4"]
    for name in names:
        save_judged_release(store, name)
    verdicts_before = store.verdicts.judged()
    assert {row.word for row in verdicts_before} == {"on_time"}
    runs_before = store.runs.of_release("r0")
    saved_runs = compact(store)
    assert saved_runs > 0
    merged_runs = store.runs.of_release("r0")
    assert len(merged_runs) < len(runs_before)
    for name in names:
        assert len(store.runs.of_release(name)) <= MIN_RUNS  # so few are not merged further
    # The stored verdicts are the same, and so are those that are judged again from the merged runs.
    assert store.verdicts.judged() == verdicts_before
    differences_by_release = dict(replay(store, POLICIES, begin=None, end=None))
    assert differences_by_release == {name: [] for name in names}
    # Before, a failed look was a run of its own. A merged run counts its absences as `looks` and
    # failed ones apart.
    looks_before = sum(run.looks for run in runs_before)
    looks_after = sum(run.looks + run.failed for run in merged_runs)
    assert looks_after == looks_before
    assert compact(store) == 0  # no run is left to merge
    store.close()


def test_runs_of_recent_open_watched_or_small_releases_stay(tmp_path: Path) -> None:
    """Runs are merged to save space, 400 days after the slot. The release `recent` had its slot
    only 100 days ago. The other three had it 700 days ago. But `watched` is still watched, `small`
    has too few runs, and `open` has no final verdict.
    """
    store = a_store(tmp_path)
    save_judged_release(store, "recent", slot=NOW - 100 * DAY)
    save_judged_release(store, "watched")
    as_few_runs_as_are_left_alone = noisy_runs("small")[-MIN_RUNS:]
    save_judged_release(store, "small", runs=as_few_runs_as_are_left_alone)
    save_judged_release(store, "open")
    with store.transaction() as tx:
        row = store.verdicts.judged_one("open")
        assert row is not None
        tx.save(replace(row, word="pending", grade="none", final=False))
    saved_runs = compact(store, watched={"watched"})
    assert saved_runs == 0
    # Then `watched` is no longer watched. So its runs are merged, but still not those of the
    # others.
    others_before = {name: store.runs.of_release(name) for name in ("recent", "small", "open")}
    saved_runs = compact(store, watched=())
    assert saved_runs > 0
    assert {name: store.runs.of_release(name) for name in others_before} == others_before
    store.close()


def test_setting_of_zero_turns_compaction_off(tmp_path: Path) -> None:
    """Runs are merged once their slot is longer ago than the setting `after`. Zero means that none
    are merged. Here the slot was 700 days ago.
    """
    store = a_store(tmp_path)
    save_judged_release(store, "r")
    saved_runs = compact(store, after=timedelta())
    assert saved_runs == 0
    store.close()


def test_clock_doubt_before_slot_prevents_merging(tmp_path: Path) -> None:
    """Old runs of a release are merged to save space. If our clock was in doubt at any time before
    the slot, no run of the release is merged. The reason is that looks at that time prove less than
    others.

    Here the clock was in doubt for one day, from ten to nine days before the slot.
    """
    store = a_store(tmp_path)
    save_judged_release(store, "r")
    # The runs begin two weeks before the slot. Without this doubt, most of them would be merged.
    with store.transaction() as tx:
        tx.add_blind(Blind(SLOT - 10 * DAY, SLOT - 9 * DAY, cause="clock"))
    merged_away = compact(store)  # the number of runs that merging has saved
    assert merged_away == 0
    store.close()


class NoEvidence:
    async def delete_expired(self, keep: timedelta, most: int) -> list[str]:
        del keep, most
        return []


async def compact_nothing() -> int:
    return 0


@pytest.mark.slow
def test_daily_retention_shrinks_store_file_after_merging(tmp_path: Path) -> None:
    """Nearly all runs of 60 old releases are merged, which leaves unused space in the store's file.
    Then the daily retention gives that space back to the disk. The file shrinks to less than a
    third.
    """
    store = a_store(tmp_path)
    for number in range(60):
        save_judged_release(store, f"r{number}")
    file, copy_before, copy_after = (
        tmp_path / f"{name}.db" for name in ("store", "before", "after")
    )

    async def run_daily_retention(clock: VirtualClock) -> None:
        writer = Writer(store, clock)
        retention = Retention(
            NoEvidence(),
            compact_nothing,
            store,
            writer,
            clock,
            ask=ask,
            keep=400 * DAY,
            most=2_000_000_000,
        )
        await retention.run_daily()
        await writer.close()

    store.backup(copy_before)
    compact(store)
    run_virtually(run_daily_retention, NOW)
    unused_pages_left = store.free_pages(most=1)
    assert unused_pages_left == 0
    store.backup(copy_after)
    assert copy_after.stat().st_size < copy_before.stat().st_size / 3
    damage = store.check()
    assert damage == []
    store.close()
    assert file.stat().st_size < copy_before.stat().st_size / 3
