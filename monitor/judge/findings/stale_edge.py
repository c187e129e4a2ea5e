"""The finding that the edge served an old answer although the origin had the release, and the users' delay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from monitor.judge.case import Case
from monitor.judge.exposure import is_early
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.runs import UNDERWAY, Run
from monitor.judge.spells import Spell
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.announcement import Role
from schedules.contract.verdict import Finding, Kind, PartVerdict
from schedules.times.interval import Bounds, Interval, between, since
from schedules.times.words import between_exactly, lengths


@dataclass(frozen=True, slots=True)
class _HiddenSpan:
    """A span in which the edge served an old answer, from `came`, when `view` first showed the part, to `until`.

    `again`: the edge had shown the part before. `withdrawn`: it went on to show a notice of withdrawal, not the part.
    """

    view: View
    came: Interval
    until: Interval
    seconds: Bounds
    again: bool
    withdrawn: bool


def find_stale_edge(case: Case, evidence: PartEvidence) -> list[Finding]:
    """Return a finding for each span in which the edge hid what the origin, or else the content API, already showed."""
    spans = _find_hidden_spans(case, evidence)
    return [Finding(Kind.STALE_EDGE, evidence.part.id, _hidden_text(case, span), span.seconds) for span in spans]


def users_delay(case: Case, part: PartVerdict, evidence: PartEvidence) -> Bounds | None:
    """Return how long after the slot users could first get a part. Its own `delay` is the publisher's.

    If the edge served an old answer, users waited until it stopped. If the edge has not shown the part, the delay has
    no upper bound.
    """
    window, delay = case.window, part.delay
    if window is None or window.origin is None or not case.is_judged or evidence.part.role is Role.ALTERNATIVE:
        return delay
    first = next((hidden for hidden in _find_hidden_spans(case, evidence) if not hidden.again), None)
    if first is not None:
        return since(Interval(first.until.after) if first.withdrawn else first.until, window.origin)
    came, out_by = part.first_seen.after, part.first_seen.by
    if delay is None or delay.max is None or out_by is None:
        return delay
    edge = evidence.spells.get(View.EDGE, ())
    shown = next((each for each in edge if each.is_present and (came is None or each.end >= came)), None)
    before = edge if shown is None else edge[: edge.index(shown)]
    old = max((served_until(each) for each in before if not each.is_present), default=out_by)
    after = old if old > out_by + case.policy.uncertainty else came
    return since(Interval(after, None if shown is None else max(shown.begin, out_by)), window.origin)


def _find_hidden_spans(case: Case, evidence: PartEvidence) -> list[_HiddenSpan]:
    """Return the spans in which the edge hid the part, by the first view that showed it after the slot."""
    for view in (View.ORIGIN, View.CONTENT):
        spells = evidence.spells.get(view, ())
        for place, spell in enumerate(spells):
            if case.window is not None and spell.is_present and spell.begin >= case.window.early_before:
                came = Interval(spells[place - 1].end if place else None, spell.begin)
                return _hidden_spans_after(case, evidence, spell, came)
    return []


def _hidden_spans_after(case: Case, evidence: PartEvidence, source: Spell, came: Interval) -> list[_HiddenSpan]:
    """Return each span in which the edge served an old answer after another view had shown the part.

    `source` is the presence in that view, and `came` when it appeared there. Spans within the uncertainty are left out.
    """
    edge = evidence.spells.get(View.EDGE, ())
    if came.by is None or any(is_early(presence, case.window) for presence in evidence.presences if case.window):
        return []
    old = [spell for spell in _old_answers(edge, source) if served_until(spell) > came.by]
    if not old or any(spell.is_present and spell.begin <= came.by for spell in edge):
        return []
    found = []
    for spell in old:
        # An edge with several copies may serve an old one again after it has shown the release.
        earlier = (each for each in edge if each.is_present and each.first_sent < spell.first_sent)
        shown = max((each.last_received for each in earlier), default=None)
        begun = came if shown is None else Interval(shown, max(shown, spell.begin))
        served = served_until(spell)
        new_answers: list[Spell | Run] = [*(each for each in edge if each.is_present), *_withdrawn_runs(edge, source)]
        later = (each for each in new_answers if each.last_received > spell.last_received)
        new = min(later, key=lambda each: each.begin, default=None)
        until = Interval(served, None if new is None else max(new.begin, served))
        seconds = between(begun, until)
        if seconds.min is not None and seconds.min > case.policy.uncertainty.total_seconds():
            found.append(_HiddenSpan(source.view, came, until, seconds, shown is not None, isinstance(new, Run)))
    return found


def _old_answers(edge: Sequence[Spell], source: Spell) -> list[Spell]:
    """Return the absences at the edge that may be old answers, cut before the first notice of withdrawal.

    Once the edge has shown the part, a later absence may be a removal, unless `source` still shows the part then.
    """
    shown = next((spell.begin for spell in edge if spell.is_present and spell.begin >= source.begin), None)
    withdrawn = [*_withdrawn_runs(edge, source)]
    absent = [spell for spell in edge if not spell.is_present]
    cut = [(spell, tuple(takewhile(lambda run: run not in withdrawn, spell.runs))) for spell in absent]
    absences = [spell.of_runs(old) for spell, old in cut if old]
    return absences if shown is None else [spell for spell in absences if spell.begin <= max(shown, source.end)]


def _withdrawn_runs(edge: Sequence[Spell], source: Spell) -> Iterator[Run]:
    """Yield the first run of each notice at the edge that withdraws what `source` had shown."""
    for spell in edge:
        before = None
        for run in spell.runs:
            if run.state is State.WITHDRAWN is not before and run.first_sent > source.first_sent:
                yield run
            before = run.state


def served_until(shown: Spell | Run) -> datetime:
    """Return until when users got these answers: a copy is served until the look, whatever its `Age`."""
    return max(shown.end, shown.last_received - UNDERWAY)


def _hidden_text(case: Case, hidden: _HiddenSpan) -> str:
    view = "the origin" if hidden.view is View.ORIGIN else "the content API"
    source = f"{view} had it {between_exactly(hidden.came, case.zone)}"
    more = ", having shown it before" if hidden.again else " more"
    return f"{source}; the edge served the old answer for {lengths(hidden.seconds)}{more}"
