"""The findings that the edge served an old answer although the origin or another monitor had the release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, takewhile

from monitor.judge.case import Case
from monitor.judge.exposure import is_early
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.reasons import Reason
from monitor.judge.runs import UNDERWAY, Run
from monitor.judge.spells import Spell, build_spell
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.announcement import Role
from schedules.contract.verdict import Finding, Kind, PartVerdict
from schedules.times.interval import NOTHING, Bounds, Interval, between


@dataclass(frozen=True, slots=True)
class _HiddenSpan:
    """A span in which the edge served an old answer, from `came`, when `view` first showed the part, to `until`.

    `shown_before`: the edge had shown the part before. `withdrawn`: the part was withdrawn before the edge showed it.
    """

    view: View
    came: Interval
    until: Interval
    seconds: Bounds
    shown_before: bool
    withdrawn: bool


def find_stale_edge(case: Case, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each span in which the edge hid what the origin, or else the content API, already showed."""
    for span in _find_hidden_spans(case, evidence):
        reason = Reason.STALE_EDGE_AGAIN if span.shown_before else Reason.STALE_EDGE
        text = reason.text(case.zone, view=span.view, came=span.came, hidden=span.seconds)
        yield Finding(Kind.STALE_EDGE, evidence.part.id, text, span.seconds)


def measure_users_delay(case: Case, part: PartVerdict, evidence: PartEvidence) -> Bounds | None:
    """Return how long after the slot the edge first showed a part to users. The edge may serve old answers."""
    window, publishers_delay = case.window, part.delay  # the publisher's delay ends when any view showed the part
    # The two delays are the same if no minute was promised, or for an alternative address, which no one promised.
    if window is None or not window.exact or not case.is_judged or evidence.part.role is Role.ALTERNATIVE:
        return publishers_delay
    # A span in which the edge hid the part again does not count, because users had got the part before that span.
    hidden = next((span for span in _find_hidden_spans(case, evidence) if not span.shown_before), None)
    if hidden is not None:
        # The delay has no upper bound (`by` is None) if the part was withdrawn before the edge showed it.
        return window.delay_of(Interval(hidden.until.after, None) if hidden.withdrawn else hidden.until)
    first_seen = part.first_seen
    if publishers_delay is None or publishers_delay.max is None or first_seen.by is None:  # no view showed the part
        return publishers_delay
    at_edge = evidence.spells.get(View.EDGE, ())
    return window.delay_of(_date_at_edge(at_edge, first_seen.after, first_seen.by, case.policy.uncertainty))


def _date_at_edge(
    at_edge: Sequence[Spell], last_absent: datetime | None, out_by: datetime, uncertainty: timedelta
) -> Interval:
    """Return when the edge first showed a part. All views together show that it came in `(last_absent, out_by]`.

    A spell of the edge is a time in which it showed the part, or showed it absent. If it was still absent there after
    `out_by`, by more than our clock's `uncertainty`, that was an old answer, and the edge showed the part only after
    it. The interval has no `by` as long as the edge has not shown the part.
    """
    shown = (spell for spell in at_edge if spell.is_present and (last_absent is None or spell.end >= last_absent))
    first_shown = next(shown, None)
    before = at_edge if first_shown is None else at_edge[: at_edge.index(first_shown)]
    absent_until = max((served_until(spell) for spell in before if not spell.is_present), default=out_by)
    after = absent_until if absent_until > out_by + uncertainty else last_absent
    # By its `Age`, the first copy at the edge may claim an instant before any view is proved to have shown the part.
    return Interval(after, None if first_shown is None else max(first_shown.begin, out_by))


def _find_hidden_spans(case: Case, evidence: PartEvidence) -> Iterator[_HiddenSpan]:
    """Yield the spans in which the edge hid a part that the origin, or else the content API, showed after its slot."""
    for view in (View.ORIGIN, View.CONTENT):
        spells = evidence.spells.get(view, ())
        present = [spell for spell in spells if spell.is_present]
        source = next((spell for spell in present if spell.begin >= case.judged_window.early_before), None)
        if source is None:
            continue
        # The part came there with the first presence from the slot on. The last spell shows a removal for good.
        place = spells.index(source)
        came = Interval(spells[place - 1].end if place else None, source.begin)
        last_shown = max(spell.last_received for spell in present)
        removed = None if spells[-1].is_present else Interval(last_shown, spells[-1].begin)
        yield from _hidden_spans_after(case, evidence, source, came, removed)
        return  # if the origin showed the part, the content API is not used


def _hidden_spans_after(
    case: Case, evidence: PartEvidence, source: Spell, came: Interval, removed: Interval | None
) -> Iterator[_HiddenSpan]:
    """Yield each span in which the edge served an old answer after another view had shown the part.

    `source` is the period in which that view showed it. It `came` there within an interval, and was `removed` there for
    good within another, None if it was not. Spans no longer than our clock's uncertainty are left out. Yield none if
    the part was out early, or if the edge showed it as soon as the other view.
    """
    if came.by is None or any(is_early(presence, case.judged_window) for presence in evidence.presences):
        return
    edge = evidence.spells.get(View.EDGE, ())
    present = [spell for spell in edge if spell.is_present]
    if any(spell.begin <= came.by for spell in present):
        return
    old_answers = [answer for answer in _find_old_answers(edge, source) if served_until(answer) > came.by]
    for old in old_answers:
        # An edge with several copies may serve an old one again after it has shown the release. `last_shown` is when
        # the edge was last seen to show it before this old answer; None if it had not shown it yet.
        last_shown = max((spell.last_received for spell in present if spell.first_sent < old.first_sent), default=None)
        # A part not shown yet was hidden since it came. Else it was hidden only after `last_shown`. `old.begin` may be
        # before that, because by its `Age` an old copy was made before the look that got it.
        hidden_from = came if last_shown is None else Interval(last_shown, max(last_shown, old.begin))
        until, is_withdrawn = _find_end_of_old_answer(edge, source, old, removed)
        seconds = between(hidden_from, until)
        if seconds.min is not None and seconds.min > case.policy.uncertainty.total_seconds():
            was_shown = last_shown is not None
            yield _HiddenSpan(source.view, came, until, seconds, shown_before=was_shown, withdrawn=is_withdrawn)


def _find_end_of_old_answer(
    edge: Sequence[Spell], source: Spell, old: Spell, removed: Interval | None
) -> tuple[Interval, bool]:
    """Return when an answer without the part stopped being old at the edge, and whether the part was withdrawn by then.

    It stops when the edge shows the part, or a notice that withdraws what another view had shown (`source`). It stops
    before that if the part was `removed` in the other view: from then on, an answer without the part is right.
    """
    old_until = served_until(old)
    notices = _withdrawal_notices(edge, source)
    new_answers: list[Spell | Run] = [*(spell for spell in edge if spell.is_present), *notices]
    later = (answer for answer in new_answers if answer.last_received > old.last_received)
    next_new = min(later, key=lambda answer: answer.begin, default=None)
    # By its `Age`, a new answer may have been made while the old one was still served. So take the later instant.
    replaced = Interval(old_until, None if next_new is None else max(next_new.begin, old_until))
    if removed is not None and removed.by is not None and (replaced.by is None or removed.by < replaced.by):
        # The old answer may have been served on after the removal. So take the earlier instant.
        return Interval(old_until if removed.after is None else min(old_until, removed.after), removed.by), True
    is_notice = isinstance(next_new, Run)
    return replaced, is_notice


def _find_old_answers(edge: Sequence[Spell], source: Spell) -> list[Spell]:
    """Return the absences at the edge that may be old answers from a cache, because another view showed the part.

    `source` is the presence in that view. Each absence is cut off at its first notice of withdrawal, because a notice
    is a new answer. Left out are absences that begin both after the edge has shown the part and after `source` has
    ended, because then the part may really have been removed.
    """
    edge_showed_at = next((spell.begin for spell in edge if spell.is_present and spell.begin >= source.begin), None)
    notices = [*_withdrawal_notices(edge, source)]
    absent_runs = (spell.runs for spell in edge if not spell.is_present)
    before_notice = (tuple(takewhile(lambda run: run not in notices, runs)) for runs in absent_runs)
    absences = [build_spell(View.EDGE, runs) for runs in before_notice if runs]
    if edge_showed_at is None:
        return absences
    may_be_removed_after = max(edge_showed_at, source.end)
    return [absence for absence in absences if absence.begin <= may_be_removed_after]


def _withdrawal_notices(edge: Sequence[Spell], source: Spell) -> Iterator[Run]:
    """Yield the first run of each notice at the edge that withdraws what `source` had shown."""
    for spell in edge:
        for state, runs in groupby(spell.runs, key=lambda run: run.state):
            first = next(runs)
            if state is State.WITHDRAWN and first.first_sent > source.first_sent:
                yield first


def served_until(answers: Spell | Run) -> datetime:
    """Return until when users got these answers: a copy is served until the look, whatever its `Age`."""
    return max(answers.end, answers.last_received - UNDERWAY)


def find_split_view(case: Case, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each monitor to which the edge served no release after another monitor got it.

    It has the length of that time. Times within our clock's uncertainty are left out.
    """
    edge = evidence.views.get(View.EDGE, ())
    monitors = sorted({run.monitor for run in edge})
    runs_of = {name: [run for run in edge if run.monitor == name] for name in monitors}
    first_seen = {name: _first_seen(own_runs, case.judged_window.early_before) for name, own_runs in runs_of.items()}
    seen_by = {name: seen.by for name, seen in first_seen.items() if seen.by is not None}
    if len(monitors) < 2 or not seen_by:
        return
    # The monitor that got the release first. Of several at the same time, take the first by name.
    first = min(seen_by, key=lambda name: (seen_by[name], name))
    for name, own_runs in runs_of.items():
        absent_since = [run for run in own_runs if run.state is State.ABSENT and served_until(run) > seen_by[first]]
        if name == first or not absent_since:
            continue
        hidden = between(first_seen[first], Interval(served_until(absent_since[-1]), seen_by.get(name)))
        if hidden.min is not None and hidden.min > case.policy.uncertainty.total_seconds():
            text = Reason.SPLIT_VIEW.text(case.zone, first=first, came=first_seen[first], other=name, hidden=hidden)
            yield Finding(Kind.SPLIT_VIEW, evidence.part.id, text, hidden)


def _first_seen(runs: Sequence[Run], not_before: datetime) -> Interval:
    """Return when one monitor first got the release, not before `not_before`; an empty interval if it did not."""
    for place, run in enumerate(runs):
        if run.state is State.PRESENT and run.begin >= not_before and (place or run.specific):
            absences = [before.end for before in runs[:place] if before.state is State.ABSENT]
            return Interval(max(absences, default=None), run.begin)
    return NOTHING
