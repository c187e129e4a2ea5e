"""Compaction makes the store of old releases smaller and changes no verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.verdicts import body_of
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
    """Return two weeks of absence in which every few hours a look fails, and a release on the second."""
    target, runs = f"{release}/page/edge", []
    for number in range(100):
        begin = slot - 14 * DAY + 3 * number * HOUR
        absent = begin + 2 * HOUR
        runs.append(a_run(target, ABSENT, begin, absent, looks=7200, largest_gap=SECOND, status=404))
        runs.append(a_run(target, UNKNOWN, absent + SECOND, absent + 2 * SECOND, looks=1, why="timeout"))
    last = slot - SECOND / 2
    runs.append(a_run(target, ABSENT, slot - DAY, last, looks=86_400, largest_gap=SECOND, status=404))
    runs.append(a_run(target, PRESENT, slot, slot + DAY, looks=9, largest_gap=3 * HOUR, specific=True))
    return runs


def save_judged_release(store: Store, name: str, slot: datetime = SLOT, runs: list[Run] | None = None) -> None:
    """Save a release with its runs (default: noisy ones) and the verdict eight days after its slot."""
    release, promise = a_release(id=name), a_promise(slot, release=name, confirmed_at=slot)
    seen = noisy_runs(name, slot) if runs is None else runs
    verdict = judge(release, [promise], {seen[0].target: seen}, (), Policy(), slot + 8 * DAY)
    fields = {"word": verdict.verdict.value, "grade": verdict.grade.value, "final": verdict.final, "at": verdict.at}
    with store.transaction() as tx:
        tx.save(release)
        tx.add_promises([promise])
        tx.save(*seen)
        tx.save(a_verdict_row(name, slot=slot, body=body_of(verdict, None), **fields))


def compact(store: Store, after: timedelta = 400 * DAY, watched: Collection[str] = ()) -> int:
    """Merge runs of releases whose slot passed so long ago. Return how many runs are fewer."""

    async def whole(clock: VirtualClock) -> int:
        writer = Writer(store, clock)
        made = await Compaction(store, writer, clock, POLICIES, after, lambda: watched, ask).compact()
        await writer.close()
        return made

    return run_virtually(whole, NOW)


def test_runs_of_old_final_releases_are_merged_and_replay_finds_no_difference(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    releases = 5
    for number in range(releases):
        save_judged_release(store, f"r{number}")
    before = {row.release: row.body for row in store.verdicts.judged()}
    assert {row.word for row in store.verdicts.judged()} == {"on_time"}
    runs_fewer = compact(store)
    # Each release keeps MIN_RUNS of its runs at most.
    assert runs_fewer >= releases * (len(noisy_runs("r0")) - MIN_RUNS)
    assert {row.release: row.body for row in store.verdicts.judged()} == before
    assert [name for name, differences in replay(store, POLICIES, begin=None, end=None) if differences] == []
    merged = store.runs.of_release("r0")
    assert len(merged) <= MIN_RUNS
    # No look is lost. Before the merge, failed looks have runs of their own, which count them in `looks`. A merged run
    # counts the failed looks between its absences in `failed`.
    assert sum(run.looks + run.failed for run in merged) == sum(run.looks for run in noisy_runs("r0"))
    assert compact(store) == 0  # no run is left to merge
    store.close()


def test_runs_of_recent_open_or_watched_releases_and_of_those_with_few_runs_are_not_merged(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    save_judged_release(store, "recent", slot=NOW - 100 * DAY)  # runs are merged 400 days after the slot
    save_judged_release(store, "watched")
    save_judged_release(store, "small", runs=noisy_runs("small")[-MIN_RUNS:])  # only more runs than these are merged
    save_judged_release(store, "open", runs=[run for run in noisy_runs("open") if run.state is UNKNOWN])
    with store.transaction() as tx:
        row = store.verdicts.judged_one("open")
        assert row is not None
        tx.save(replace(row, word="pending", grade="none", final=False))
    assert compact(store, watched={"watched"}) == 0
    # Once the watched one is no longer watched, its runs are merged, and still not those of the others.
    others_before = {name: store.runs.of_release(name) for name in ("recent", "small", "open")}
    assert compact(store, watched=()) > 0
    assert {name: store.runs.of_release(name) for name in others_before} == others_before
    store.close()


def test_merging_of_runs_is_turned_off_by_an_age_of_zero(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    save_judged_release(store, "r")
    assert compact(store, after=timedelta()) == 0
    store.close()


def test_no_run_of_a_release_is_merged_if_the_clock_was_in_doubt_at_any_time_before_its_slot(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    save_judged_release(store, "r")
    # The runs begin two weeks before the slot. Without this span, most of them would be merged.
    with store.transaction() as tx:
        tx.add_blind(Blind(SLOT - 10 * DAY, SLOT - 9 * DAY, "clock"))
    assert compact(store) == 0
    store.close()


class NoEvidence:
    async def delete_expired(self, keep: timedelta, most: int) -> list[str]:
        del keep, most
        return []


async def merge_nothing_more() -> int:
    return 0


@pytest.mark.slow
def test_after_a_merge_the_daily_retention_makes_the_file_of_the_store_smaller(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    for number in range(60):
        save_judged_release(store, f"r{number}")
    file, copy_before, copy_after = (tmp_path / f"{name}.db" for name in ("store", "before", "after"))
    most_bytes_of_evidence = 2_000_000_000  # there is no evidence here

    async def give_room_back(clock: VirtualClock) -> None:
        writer, evidence = Writer(store, clock), NoEvidence()
        retention = Retention(
            evidence, merge_nothing_more, store, writer, clock, ask=ask, keep=400 * DAY, most=most_bytes_of_evidence
        )
        await retention.run_daily()
        await writer.close()

    store.backup(copy_before)
    compact(store)
    # A merge leaves free pages in the file. The retention gives them back to the disk.
    run_virtually(give_room_back, NOW)
    # `free_pages` gives back up to `most` pages, and returns how many free ones are left.
    assert store.free_pages(most=1) == 0
    # Nearly all runs were short absences and failed looks before the slot, which are merged now.
    store.backup(copy_after)
    assert copy_after.stat().st_size < copy_before.stat().st_size / 3
    assert store.check() == []
    store.close()
    assert file.stat().st_size < copy_before.stat().st_size / 3
