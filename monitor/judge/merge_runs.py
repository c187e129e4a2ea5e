"""Runs put together long after their release: what was absent day after day before its slot is one absence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.judge.runs import Run
from monitor.look.sighting import State


def compacted(runs: Mapping[str, Sequence[Run]], until: datetime) -> dict[str, list[Run]]:
    """Return the runs of a release by target, those that ended before `until` put together where they prove the same.

    Only absences are, with the failed looks between them, which are counted: `spells` takes them for one anyhow; what
    several monitors saw stays apart.
    Where anything else was seen before `until`, by any view of any part, nothing is put together: of what came then the
    last look before tells most. The first look, the last, the longest
    time without one, and every record of evidence stay known. What was proved stays proved; that failed looks hid what
    stayed unproven may no longer be told where no look was made near the slot.
    """
    early = (run for each in runs.values() for run in each if run.last_received < until)
    if any(run.state not in (State.ABSENT, State.UNKNOWN) for run in early):
        return {target: list(each) for target, each in runs.items()}
    return {target: _of_all(each, until) for target, each in runs.items()}


def merged_by_state(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one target for people to read: those that prove the same as one, whatever failed in between.

    Every look is counted, and the longest gap between two of them is kept. What several monitors saw stays apart.
    """
    made: list[Run] = []
    failed: list[Run] = []
    for run in runs:
        last = made[-1] if made else None
        if run.state is State.UNKNOWN:
            failed.append(run)
        elif last is not None and (last.monitor, _proof(last)) == (run.monitor, _proof(run)):
            made[-1] = _join_runs(last, failed, run)
            failed = []
        else:
            made += [*_failed_together(failed), run]
            failed = []
    return [*made, *_failed_together(failed)]


def _failed_together(runs: Sequence[Run]) -> list[Run]:
    """Return consecutive failed looks as one run for each monitor and reason."""
    made = []
    for monitor, why in dict.fromkeys((run.monitor, run.why) for run in runs):
        one, *others = (run for run in runs if (run.monitor, run.why) == (monitor, why))
        for other in others:
            one = _join_runs(one, (), other)
        made.append(one)
    return made


def _of_all(runs: Sequence[Run], until: datetime) -> list[Run]:
    monitors = dict.fromkeys(run.monitor for run in runs)
    made = (_of_one([run for run in runs if run.monitor == monitor], until) for monitor in monitors)
    return sorted((run for each in made for run in each), key=lambda run: run.key)


def _of_one(runs: Sequence[Run], until: datetime) -> list[Run]:
    early = [run for run in runs if run.last_received < until]
    made: list[Run] = []
    between: list[Run] = []
    for run in early:
        if run.state is State.UNKNOWN and made:
            between.append(run)
        elif made and run.state is State.ABSENT and _proof(made[-1]) == _proof(run):
            made[-1] = _join_runs(made[-1], between, run)
            between = []
        else:
            made += [*between, run]
            between = []
    return [*made, *between, *runs[len(early) :]]


def _proof(run: Run) -> tuple[object, ...]:
    return run.state, run.specific, run.status, run.digest, run.version, run.address


def _join_runs(one: Run, between: Sequence[Run], other: Run) -> Run:
    """Return one run from `one` to `other`. The looks of the runs between them count as failed."""
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
