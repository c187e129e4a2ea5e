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
from schedules.times.interval import Interval, between
from schedules.times.words import between_exactly, lengths


def find_split_view(case: Case, evidence: PartEvidence) -> list[Finding]:
    """Return a finding for each monitor that got no release from the edge while another did, with the length."""
    if case.window is None:
        return []
    seen = evidence.views.get(View.EDGE, ())
    runs = {name: [run for run in seen if run.monitor == name] for name in sorted({run.monitor for run in seen})}
    first_seen = ((name, _first_seen(each, case.window.early_before)) for name, each in runs.items())
    came = {name: got for name, got in first_seen if got is not None}
    if len(runs) < 2 or not came:
        return []
    first = min(came, key=lambda name: (came[name].by or case.now, name))
    since = came[first]
    found = []
    for name, each in runs.items():
        served = [run for run in each if run.state is State.ABSENT and served_until(run) > (since.by or case.now)]
        if name == first or not served:
            continue
        until = Interval(served_until(served[-1]), came[name].by if name in came else None)
        hidden = between(since, until)
        if hidden.min is not None and hidden.min > case.policy.uncertainty.total_seconds():
            text = f"“{first}” got it {between_exactly(since, case.zone)}; “{name}” was served without it for"
            found.append(Finding(Kind.SPLIT_VIEW, evidence.part.id, f"{text} {lengths(hidden)} more", hidden))
    return found


def _first_seen(runs: Sequence[Run], not_before: datetime) -> Interval | None:
    """Return when one monitor first got the release, not before `not_before`; None if it did not."""
    for place, run in enumerate(runs):
        if run.state is State.PRESENT and run.begin >= not_before and (place or run.specific):
            absences = [each.end for each in runs[:place] if each.state is State.ABSENT]
            return Interval(max(absences, default=None), run.begin)
    return None
