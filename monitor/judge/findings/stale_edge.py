"""The origin had it, and the edge still handed out the old answer."""

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
from monitor.judge.verdict import Finding, Kind, PartVerdict
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.announcement import Role
from schedules.times.interval import Bounds, Interval, between, since
from schedules.times.words import between_exactly, lengths


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A span in which the edge hid what `view` had, which `came` there. It ended in `until`.

    `again`: the edge had shown it before.
    """

    view: View
    came: Interval
    until: Interval
    seconds: Bounds
    again: bool


def stale_edge(case: Case, sight: PartEvidence) -> list[Finding]:
    """Return each time the edge hid what the origin (or else the content API) already had, and how long, when proved.

    Users were served the old answer until the last look that got it, whatever `Age` it told of.
    """
    return [
        Finding(Kind.STALE_EDGE, sight.part.id, _told(case, hidden), hidden.seconds) for hidden in _hidden(case, sight)
    ]


def users_delay(case: Case, part: PartVerdict, sight: PartEvidence) -> Bounds | None:
    """Return how long after the slot users could first get a part; its `delay` is the publisher's.

    If the edge served an old answer, users waited until it stopped. If the edge has not shown the part, the delay has
    no upper bound.
    """
    window, delay = case.window, part.delay
    if window is None or window.origin is None or not case.is_judged or sight.part.role is Role.ALTERNATIVE:
        return delay
    first = next((hidden for hidden in _hidden(case, sight) if not hidden.again), None)
    if first is not None:
        return since(first.until, window.origin)
    came, out_by = part.first_seen.after, part.first_seen.by
    if delay is None or delay.max is None or out_by is None:
        return delay
    edge = sight.spells.get(View.EDGE, ())
    shown = next((each for each in edge if each.out and (came is None or each.end >= came)), None)
    before = edge if shown is None else edge[: edge.index(shown)]
    old = max((served_until(each) for each in before if not each.out), default=out_by)
    after = old if old > out_by + case.policy.uncertainty else came
    return since(Interval(after, None if shown is None else max(shown.begin, out_by)), window.origin)


def _hidden(case: Case, sight: PartEvidence) -> list[_Hidden]:
    for view in (View.ORIGIN, View.CONTENT):
        spells = sight.spells.get(view, ())
        for place, spell in enumerate(spells):
            if case.window is not None and spell.out and spell.begin >= case.window.early_before:
                came = Interval(spells[place - 1].end if place else None, spell.begin)
                return _hidden_periods(case, sight, spell, came)
    return []


def _hidden_periods(case: Case, sight: PartEvidence, had: Spell, came: Interval) -> list[_Hidden]:
    """Return each period in which the edge served an old answer after another view had shown the part.

    `had` is what that view showed, and `came` when it appeared there. Periods within the uncertainty are left out.
    """
    edge = sight.spells.get(View.EDGE, ())
    if came.by is None or any(is_early(presence, case.window) for presence in sight.presences if case.window):
        return []
    old = [spell for spell in _hiding(edge, had) if served_until(spell) > came.by]
    if not old or any(spell.out and spell.begin <= came.by for spell in edge):
        return []
    found = []
    for spell in old:
        # An edge of several copies that had shown the release may hand out an old one once more.
        shown = max((out.last_received for out in edge if out.out and out.first_sent < spell.first_sent), default=None)
        begun = came if shown is None else Interval(shown, max(shown, spell.begin))
        served = served_until(spell)
        newer: list[Spell | Run] = [*(out for out in edge if out.out), *_taken_away(edge, had)]
        new = min((each.begin for each in newer if each.last_received > spell.last_received), default=None)
        until = Interval(served, new if new is None else max(new, served))
        seconds = between(begun, until)
        if seconds.min is not None and seconds.min > case.policy.uncertainty.total_seconds():
            found.append(_Hidden(had.view, came, until, seconds, shown is not None))
    return found


def _hiding(edge: Sequence[Spell], had: Spell) -> list[Spell]:
    """Return the absences at the edge that can be old answers.

    What is gone after the edge had shown it may have been taken away, unless the origin had it still. What the edge
    says was taken away since then is no old answer, nor is what follows.
    """
    shown = next((spell.begin for spell in edge if spell.out and spell.begin >= had.begin), None)
    taken = [*_taken_away(edge, had)]
    absent = [(spell, tuple(takewhile(lambda run: run not in taken, spell.runs))) for spell in edge if not spell.out]
    gone = [spell.of(old) for spell, old in absent if old]
    return gone if shown is None else [spell for spell in gone if spell.begin <= max(shown, had.end)]


def _taken_away(edge: Sequence[Spell], had: Spell) -> Iterator[Run]:
    """Yield where the edge says that what the origin had was taken away."""
    for spell in edge:
        before = None
        for run in spell.runs:
            if run.state is State.WITHDRAWN is not before and run.first_sent > had.first_sent:
                yield run
            before = run.state


def served_until(shown: Spell | Run) -> datetime:
    """Return until when users were served these answers, whatever `Age` they told of."""
    return max(shown.end, shown.last_received - UNDERWAY)


def _told(case: Case, hidden: _Hidden) -> str:
    source = "the origin" if hidden.view is View.ORIGIN else "the content API"
    had = f"{source} had it {between_exactly(hidden.came, case.zone)}"
    more = ", having shown it before" if hidden.again else " more"
    return f"{had}; the edge served the old answer for {lengths(hidden.seconds)}{more}"
