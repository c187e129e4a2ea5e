"""Merge runs long after their release: the absences of many days before its slot become one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

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
    return {target: _merge_each_monitor(each, until) for target, each in runs.items()}


def merge_by_state(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one target for people to read: equal runs of one monitor merged, despite failures in between.

    Every look is counted, and the largest gap between two looks is kept.
    """
    made: list[Run] = []
    failed: list[Run] = []
    for run in runs:
        last = made[-1] if made else None
        if run.state is State.UNKNOWN:
            failed.append(run)
        elif last is not None and (last.monitor, _proved_facts(last)) == (run.monitor, _proved_facts(run)):
            made[-1] = _join_runs(last, failed, run)
            failed = []
        else:
            made += [*_merge_failed_runs(failed), run]
            failed = []
    return [*made, *_merge_failed_runs(failed)]


def _merge_failed_runs(runs: Sequence[Run]) -> list[Run]:
    """Return one run for each monitor and reason of these consecutive failed runs."""
    made = []
    for monitor, why in dict.fromkeys((run.monitor, run.why) for run in runs):
        one, *others = (run for run in runs if (run.monitor, run.why) == (monitor, why))
        for other in others:
            one = _join_runs(one, (), other)
        made.append(one)
    return made


def _merge_each_monitor(runs: Sequence[Run], until: datetime) -> list[Run]:
    monitors = dict.fromkeys(run.monitor for run in runs)
    made = (_merge_absences([run for run in runs if run.monitor == monitor], until) for monitor in monitors)
    return sorted((run for each in made for run in each), key=lambda run: run.key)


def _merge_absences(runs: Sequence[Run], until: datetime) -> list[Run]:
    """Return the runs of one monitor with equal absences before `until` merged, and the failures between them."""
    early = [run for run in runs if run.last_received < until]
    made: list[Run] = []
    between: list[Run] = []
    for run in early:
        if run.state is State.UNKNOWN and made:
            between.append(run)
        elif made and run.state is State.ABSENT and _proved_facts(made[-1]) == _proved_facts(run):
            made[-1] = _join_runs(made[-1], between, run)
            between = []
        else:
            made += [*between, run]
            between = []
    return [*made, *between, *runs[len(early) :]]


def _proved_facts(run: Run) -> tuple[object, ...]:
    """Return the fields in which two runs must agree to be merged."""
    return run.state, run.specific, run.status, run.digest, run.version, run.address


def _join_runs(one: Run, between: Sequence[Run], other: Run) -> Run:
    """Return one run from `one` to `other`. The looks of the runs between them are counted as failed."""
    gap = other.first_sent - one.last_received
    records = dict.fromkeys(name for run in (one, *between, other) for name in run.evidence)
    return replace(
        one,
        last_received=other.last_received,
        begin=min(one.begin, other.begin),
        end=max(one.end, other.end),
        looks=one.looks + other.looks,
        largest_gap=max(one.largest_gap, other.largest_gap, gap),
        evidence=tuple(records),
        failed=one.failed + other.failed + sum(run.looks for run in between),
    )
