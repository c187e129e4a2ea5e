"""The finding that two monitors looked at the same address, and only one of them got the release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.judge.case import Case
from monitor.judge.findings.stale_edge import served_until
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.contract.verdict import Finding, Kind
from schedules.times.interval import NOTHING, Interval, between
from schedules.times.words import between_exactly, lengths


def find_split_view(case: Case, evidence: PartEvidence) -> list[Finding]:
    """Return a finding for each monitor that got no release from the edge while another did, with the length."""
    if case.window is None:
        return []
    edge = evidence.views.get(View.EDGE, ())
    runs = {name: [run for run in edge if run.monitor == name] for name in sorted({run.monitor for run in edge})}
    first_seen = {name: _first_seen(each, case.window.early_before) for name, each in runs.items()}
    seen_by = {name: seen.by for name, seen in first_seen.items() if seen.by is not None}
    if len(runs) < 2 or not seen_by:
        return []
    first = min(seen_by, key=lambda name: (seen_by[name], name))
    found = []
    for name, each in runs.items():
        absent = [run for run in each if run.state is State.ABSENT and served_until(run) > seen_by[first]]
        if name == first or not absent:
            continue
        hidden = between(first_seen[first], Interval(served_until(absent[-1]), seen_by.get(name)))
        if hidden.min is not None and hidden.min > case.policy.uncertainty.total_seconds():
            seen = between_exactly(first_seen[first], case.zone)
            text = f"“{first}” got it {seen}; “{name}” was served without it for {lengths(hidden)} more"
            found.append(Finding(Kind.SPLIT_VIEW, evidence.part.id, text, hidden))
    return found


def _first_seen(runs: Sequence[Run], not_before: datetime) -> Interval:
    """Return when one monitor first got the release, not before `not_before`; an empty interval if it did not."""
    for place, run in enumerate(runs):
        if run.state is State.PRESENT and run.begin >= not_before and (place or run.specific):
            absences = [each.end for each in runs[:place] if each.state is State.ABSENT]
            return Interval(max(absences, default=None), run.begin)
    return NOTHING
