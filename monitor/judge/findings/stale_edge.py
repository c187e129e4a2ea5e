"""The findings that the edge, or one monitor, was served an old answer while the
release was out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, takewhile

from monitor.judge.case import Case
from monitor.judge.exposure import is_early
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.reasons import Reason
from monitor.judge.runs import Run
from monitor.judge.spells import Spell, build_spell, served_until
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.announcement import Role
from schedules.contract.verdict import Finding, FindingKind, PartVerdict
from schedules.times.interval import NOTHING, Bounds, Interval, between


@dataclass(frozen=True, slots=True)
class _HiddenSpan:
    """A span in which the edge served an old answer, from `came`, when `view` showed the part.

    `shown_before`: by the edge. `withdrawn`: before the edge showed it.
    """

    view: View
    came: Interval
    until: Interval
    seconds: Bounds
    shown_before: bool
    withdrawn: bool


def find_stale_edge(case: Case, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each hidden span."""
    for span in _find_hidden_spans(case, evidence):
        reason = Reason.STALE_EDGE
        if span.shown_before:
            reason = Reason.STALE_EDGE_AGAIN
        text = reason.text(case.zone, view=span.view, came=span.came, hidden=span.seconds)
        yield Finding(FindingKind.STALE_EDGE, evidence.part.id, text, span.seconds, span.came.by)


def measure_users_delay(case: Case, part: PartVerdict, evidence: PartEvidence) -> Bounds | None:
    """Return how long after the slot the edge first showed a part to users, or None."""
    window = case.window
    publishers_delay = part.delay
    # Without a promised minute, or for an alternative address, only the publisher's delay counts.
    if (
        window is None
        or not window.exact
        or not case.is_judged
        or evidence.part.role is Role.ALTERNATIVE
    ):
        return publishers_delay
    # If the edge hides it again, users had got it before.
    hidden = next(
        (span for span in _find_hidden_spans(case, evidence) if not span.shown_before), None
    )
    if hidden is not None:
        shown = hidden.until
        if hidden.withdrawn:  # users never got it
            shown = Interval(shown.after, None)
        return window.delay_of(shown)
    first_seen = part.first_seen
    if publishers_delay is None or publishers_delay.max is None or first_seen.by is None:
        return publishers_delay
    at_edge = evidence.spells.get(View.EDGE, ())
    return window.delay_of(
        _date_at_edge(at_edge, first_seen.after, first_seen.by, case.policy.uncertainty)
    )


def _date_at_edge(
    at_edge: Sequence[Spell], last_absent: datetime | None, out_by: datetime, uncertainty: timedelta
) -> Interval:
    """Return when the edge first showed a part, without `by` if it has not yet.

    All views together show that the part came after `last_absent` and by `out_by`. `uncertainty` is
    that of our clock.
    """
    # A presence that ended before `last_absent` was of something earlier.
    shown = [
        spell
        for spell in at_edge
        if spell.is_present and (last_absent is None or spell.end >= last_absent)
    ]
    before_shown = at_edge
    if shown:
        before_shown = at_edge[: at_edge.index(shown[0])]
    absent_until = max(
        (served_until(spell) for spell in before_shown if not spell.is_present), default=out_by
    )
    # An absence clearly after the part was out was an old answer.
    shown_after = last_absent
    if absent_until > out_by + uncertainty:
        shown_after = absent_until
    # By its `Age`, the first copy may be from before `out_by`, which nothing proves.
    return Interval(shown_after, max(shown[0].begin, out_by) if shown else None)


def _find_hidden_spans(case: Case, evidence: PartEvidence) -> Iterator[_HiddenSpan]:
    """Yield the spans in which the edge hid what the origin showed, or the content API if the
    origin shows nothing.
    """
    for view in (View.ORIGIN, View.CONTENT):
        spells = evidence.spells.get(view, ())
        present = [spell for spell in spells if spell.is_present]
        first_shown = next(
            (spell for spell in present if spell.begin >= case.judged_window.early_before), None
        )
        if first_shown is None:
            continue
        place = spells.index(first_shown)
        came = Interval(spells[place - 1].end if place else None, first_shown.begin)
        # A view that ends with an absence lost the part for good.
        last_shown = max(spell.last_received for spell in present)
        removed = None
        if not spells[-1].is_present:
            removed = Interval(last_shown, spells[-1].begin)
        spans = [*_hidden_spans_after(case, evidence, first_shown, came, removed)]
        yield from spans
        if spans:
            return


def _hidden_spans_after(
    case: Case, evidence: PartEvidence, other_view: Spell, came: Interval, removed: Interval | None
) -> Iterator[_HiddenSpan]:
    """Yield the spans by one other view.

    The part `came` there, and was perhaps `removed` for good. `other_view` is its first spell.
    """
    # What was public early is graver than an old copy.
    if any(is_early(presence, case.judged_window) for presence in evidence.presences):
        return
    edge = evidence.spells.get(View.EDGE, ())
    present = [spell for spell in edge if spell.is_present]
    if any(spell.begin <= other_view.begin for spell in present):
        return  # the edge showed the part as soon as the other view
    for old in _find_old_answers(edge, other_view):
        if served_until(old) <= other_view.begin:
            continue
        last_shown = max(
            (spell.last_received for spell in present if spell.first_sent < old.first_sent),
            default=None,
        )
        # An edge with several copies may serve an old one again, made before it last showed the
        # part.
        hidden_from = came
        if last_shown is not None:
            hidden_from = Interval(last_shown, max(last_shown, old.begin))
        until, is_withdrawn = _find_end_of_old_answer(edge, other_view, old, removed)
        seconds = between(hidden_from, until)
        if seconds.min is not None and seconds.min > case.policy.uncertainty.total_seconds():
            was_shown = last_shown is not None
            yield _HiddenSpan(
                other_view.view,
                came,
                until,
                seconds,
                shown_before=was_shown,
                withdrawn=is_withdrawn,
            )


def _find_end_of_old_answer(
    edge: Sequence[Spell], other_view: Spell, old: Spell, removed: Interval | None
) -> tuple[Interval, bool]:
    """Return until when the edge served an old answer, and whether the part was withdrawn by then.

    The part, a notice that withdraws it, or its removal from the other view ends the old answer.
    """
    old_until = served_until(old)
    shown = [
        spell.begin
        for spell in edge
        if spell.is_present and spell.last_received > old.last_received
    ]
    notices = _withdrawal_notices(edge, other_view)
    withdrawn = [run.begin for run in notices if run.last_received > old.last_received]
    new_answer = min([*shown, *withdrawn], default=None)
    # By its `Age`, the new answer may be older than the last old one.
    replaced = Interval(old_until, None if new_answer is None else max(new_answer, old_until))
    if (
        removed is not None
        and removed.by is not None
        and (replaced.by is None or removed.by < replaced.by)
    ):
        # The old answer may have lasted beyond the removal.
        if removed.after is not None:
            old_until = min(old_until, removed.after)
        return Interval(old_until, removed.by), True
    is_notice = new_answer is not None and new_answer not in shown
    return replaced, is_notice


def _find_old_answers(edge: Sequence[Spell], other_view: Spell) -> list[Spell]:
    """Return the absences at the edge that may be old answers from a cache."""
    notices = [*_withdrawal_notices(edge, other_view)]
    absent_runs = (spell.runs for spell in edge if not spell.is_present)
    # A notice of withdrawal is a new answer.
    before_notice = (tuple(takewhile(lambda run: run not in notices, runs)) for runs in absent_runs)
    absences = [build_spell(View.EDGE, runs) for runs in before_notice if runs]
    edge_showed_at = next(
        (spell.begin for spell in edge if spell.is_present and spell.begin >= other_view.begin),
        None,
    )
    if edge_showed_at is None:
        return absences
    # After both, an absence may be a real removal.
    may_be_removed_from = max(edge_showed_at, other_view.end)
    return [absence for absence in absences if absence.begin <= may_be_removed_from]


def _withdrawal_notices(edge: Sequence[Spell], other_view: Spell) -> Iterator[Run]:
    """Yield the first run of each notice at the edge that withdraws what `other_view` had shown."""
    for spell in edge:
        for state, runs in groupby(spell.runs, key=lambda run: run.state):
            first = next(runs)
            if state is State.WITHDRAWN and first.first_sent > other_view.first_sent:
                yield first


def find_split_view(case: Case, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each monitor that the edge served without a release after
    another got it.
    """
    edge = evidence.views.get(View.EDGE, ())
    monitors = sorted({run.monitor for run in edge})
    runs_of = {name: [run for run in edge if run.monitor == name] for name in monitors}
    not_before = case.judged_window.early_before
    first_seen = {name: _first_seen(own_runs, not_before) for name, own_runs in runs_of.items()}
    seen_by = {name: seen.by for name, seen in first_seen.items() if seen.by is not None}
    if len(monitors) < 2 or not seen_by:
        return
    first = min(seen_by, key=lambda name: (seen_by[name], name))
    for name in (name for name in monitors if name != first):
        absences = [run for run in runs_of[name] if run.state is State.ABSENT]
        absences_since = [run for run in absences if served_until(run) > seen_by[first]]
        if not absences_since:
            continue
        # Without the release so far, there is no `by` and no upper limit.
        got_release = Interval(served_until(absences_since[-1]), seen_by.get(name))
        hidden = between(first_seen[first], got_release)
        if hidden.min is not None and hidden.min > case.policy.uncertainty.total_seconds():
            text = Reason.SPLIT_VIEW.text(
                case.zone, first=first, came=first_seen[first], other=name, hidden=hidden
            )
            yield Finding(FindingKind.SPLIT_VIEW, evidence.part.id, text, hidden)


def _first_seen(runs: Sequence[Run], not_before: datetime) -> Interval:
    """Return when one monitor first got the release, not before `not_before`, or an
    empty interval.
    """
    for place, run in enumerate(runs):
        if run.state is State.PRESENT and run.begin >= not_before and (place or run.specific):
            absences = [before.end for before in runs[:place] if before.state is State.ABSENT]
            return Interval(max(absences, default=None), run.begin)
    return NOTHING
