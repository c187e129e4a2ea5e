"""Merge runs long after their release: the absences of many days before its slot become one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from monitor.judge.runs import Run
from monitor.look.sighting import State


def compact_runs(runs: Mapping[str, Sequence[Run]], until: datetime) -> dict[str, list[Run]]:
    """Return the runs of a release by target, with equal absences before `until` merged for each monitor.

    The merged run counts failed looks between two such absences. If any view of any part showed another answer before
    `until`, all runs stay separate, because the last look before that answer matters. The first and last look, the
    largest gap and all evidence records are kept, so the proofs remain. If no look was made near the slot, the merged
    runs may not show any more that failed looks were the reason for `unproven`.
    """
    early = (run for each in runs.values() for run in each if run.last_received < until)
    if any(run.state not in (State.ABSENT, State.UNKNOWN) for run in early):
        return {target: list(each) for target, each in runs.items()}
    return {target: _merge_absences(each, until) for target, each in runs.items()}


def merge_by_state(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one target for people to read: equal runs of one monitor merged, despite failures in between.

    Consecutive failed runs are merged by monitor and reason. Every look is counted, and the largest gap between two
    looks is kept.
    """
    merged: list[Run] = []
    for is_failed, group in groupby(_merge_equal_runs(runs), key=lambda run: run.state is State.UNKNOWN):
        neighbours = list(group)
        merged += _merge_failed_runs(neighbours) if is_failed else neighbours
    return merged


def _merge_failed_runs(runs: Iterable[Run]) -> list[Run]:
    """Return one run for each monitor and reason of these consecutive failed runs."""
    merged: dict[tuple[str, str], Run] = {}
    for run in runs:
        key = run.monitor, run.why
        merged[key] = _join_runs(merged[key], (), run) if key in merged else run
    return list(merged.values())


def _merge_absences(runs: Sequence[Run], until: datetime) -> list[Run]:
    """Return the runs of one target with the equal absences of each monitor before `until` merged."""
    merged: list[Run] = []
    for monitor in dict.fromkeys(run.monitor for run in runs):
        own = [run for run in runs if run.monitor == monitor]
        early = [run for run in own if run.last_received < until]
        merged += [*_merge_equal_runs(early), *own[len(early) :]]
    return sorted(merged, key=lambda run: run.key)


def _merge_equal_runs(runs: Iterable[Run]) -> list[Run]:
    """Return the runs with equal neighbours merged. The failed runs between two of them are counted in the merged one.

    Other failed runs are kept.
    """
    merged: list[Run] = []
    failed: list[Run] = []
    for run in runs:
        if run.state is State.UNKNOWN:
            failed.append(run)
            continue
        if merged and _must_be_equal(merged[-1]) == _must_be_equal(run):
            merged[-1] = _join_runs(merged[-1], failed, run)
        else:
            merged += [*failed, run]
        failed = []
    return [*merged, *failed]


def _must_be_equal(run: Run) -> tuple[object, ...]:
    """Return the fields in which two runs must agree to be merged."""
    return run.monitor, run.state, run.specific, run.status, run.digest, run.version, run.address


def _join_runs(first: Run, between: Sequence[Run], last: Run) -> Run:
    """Return one run from `first` to `last`. The looks of the runs between them are counted as failed."""
    gap = last.first_sent - first.last_received
    records = dict.fromkeys(name for run in (first, *between, last) for name in run.evidence)
    return replace(
        first,
        last_received=last.last_received,
        begin=min(first.begin, last.begin),
        end=max(first.end, last.end),
        looks=first.looks + last.looks,
        largest_gap=max(first.largest_gap, last.largest_gap, gap),
        evidence=tuple(records),
        failed=first.failed + last.failed + sum(run.looks for run in between),
    )
