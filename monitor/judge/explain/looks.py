"""What the looks at one part amount to, run by run, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.judge.case import Case
from monitor.judge.merge_runs import merged_by_state
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.runs import Run, widest_gap
from monitor.look.sighting import State
from monitor.plan.targets import parse_target_id
from schedules.times.words import exactly, length

# Longer stories are told by their beginning and their end.
_MOST = 12


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: what sort, in words, since when, of which part, target or calendar, and the records of it."""

    kind: str
    text: str
    at: datetime | None = None
    part: str | None = None
    target: str | None = None
    calendar: str | None = None
    evidence: tuple[str, ...] = ()


def looks_at(case: Case, sight: PartEvidence) -> list[Fact]:
    """Return what every view of a part was seen to be, in the order of looks, each view by itself."""
    told: list[Fact] = []
    for runs in sight.views.values():
        if runs:
            told += [_view(case, sight, runs), *_story(case, sight, merged_by_state(runs))]
    if not told:
        told.append(Fact("look", f"{sight.part.id}: never looked at", part=sight.part.id))
    return told


def _view(case: Case, sight: PartEvidence, runs: Sequence[Run]) -> Fact:
    looks = sum(run.looks + run.failed for run in runs)
    failed = sum(run.looks if run.state is State.UNKNOWN else run.failed for run in runs)
    lost = f"{failed} failed and proved nothing" if failed else "none failed"
    begins, ends = exactly(runs[0].first_sent, case.zone), exactly(max(run.last_received for run in runs), case.zone)
    slot = None if case.window is None else case.window.origin
    gap = None if slot is None else widest_gap(runs, slot)
    around = "" if gap is None else f", widest gap around the slot {length(gap.total_seconds())}"
    text = f"{_named(runs[0])}: {looks} looks from {begins} to {ends}, {lost}{around}"
    return Fact("look", text, runs[0].first_sent, sight.part.id, runs[0].target)


def _story(case: Case, sight: PartEvidence, runs: Sequence[Run]) -> list[Fact]:
    several = len({run.monitor for run in runs}) > 1
    if len(runs) <= _MOST:
        return [_run(case, sight, run, several=several) for run in runs]
    left_out = Fact("run", f"{_named(runs[0])}: {len(runs) - _MOST} runs in between are left out", part=sight.part.id)
    half = _MOST // 2
    return [
        *(_run(case, sight, run, several=several) for run in runs[:half]),
        left_out,
        *(_run(case, sight, run, several=several) for run in runs[-half:]),
    ]


def _run(case: Case, sight: PartEvidence, run: Run, *, several: bool) -> Fact:
    seen = f", seen by {run.monitor}" if several and run.monitor else ""
    text = f"{_named(run)}: {_told(case, run)}{seen}"
    return Fact("run", text, run.first_sent, sight.part.id, run.target, None, run.evidence)


def _told(case: Case, run: Run) -> str:
    looks = f"{run.looks} look{'s' if run.looks != 1 else ''}"
    gap = f", widest gap {length(run.largest_gap.total_seconds())}" if run.looks > 1 else ""
    if run.state is State.UNKNOWN:
        begins, ends = exactly(run.first_sent, case.zone), exactly(run.last_received, case.zone)
        return f"unknown ({run.why or 'no reason given'}) from {begins} to {ends}, {looks}{gap}"
    status = f" (HTTP {run.status})" if run.status is not None else ""
    sure = ", told by what belongs to this edition alone" if run.specific else ""
    lost = f", {run.failed} more that failed in between" if run.failed else ""
    return f"{run.state.value}{status} {_proved(case, run)}, {looks}{lost}{gap}{sure}"


def _proved(case: Case, run: Run) -> str:
    if run.looks > 1:
        return f"by {exactly(run.begin, case.zone)} and still as of {exactly(run.end, case.zone)}"
    # One answer speaks of some instant in between: presence counts from the later side, absence to the earlier.
    side = run.begin if run.state is State.PRESENT else run.end
    old = (run.first_sent - run.end).total_seconds()
    aged = f" (from a cache, up to {length(old)} old)" if old >= 1 else ""
    return f"as of {exactly(side, case.zone)}{aged}"


def _named(run: Run) -> str:
    _, part, view = parse_target_id(run.target)
    return f"{part}, {view} view"
