"""Findings about our own blindness when it mattered: blind spans, failed looks, a doubtful
clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, groupby
from urllib.parse import urlsplit

from monitor.judge.case import Case
from monitor.judge.part_evidence import EDGE_AND_ORIGIN, Pair, PartEvidence
from monitor.judge.reasons import Reason
from monitor.judge.runs import Blind, Run
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.contract.verdict import Finding, FindingKind, PartVerdict, VerdictKind
from schedules.times.interval import Bounds, Interval, seconds_between

_CLOCK = "clock"
# If the other looks proved the release, the blindness did not matter.
CAUSES_THAT_ALLOW_SOME_LOOKS = frozenset({"budget", "no_worker"})
# If the next look after a failure came later than this, the failure delayed it, e.g. because the
# host asked us to wait.
_NORMAL_PAUSE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Span:
    """A span without a usable look, and its causes.

    In a blind span, `failed_looks` is 0: there were none.
    """

    begins: datetime
    ends: datetime
    causes: tuple[str, ...]
    failed_looks: int = 0


def find_blindness(case: Case, pairs: Iterable[Pair]) -> list[Finding]:
    """Return findings for spans without usable looks, if they may have changed the verdict on a
    part.

    Such a span is a blind span (the monitor could not look), a span in which all looks failed, or a
    clock fault.
    """
    # By causes and begin. Of the spans of several parts with the same causes and begin, only the
    # first is a finding.
    found: dict[tuple[tuple[str, ...], datetime], Finding] = {}
    clock_faults: list[_Span] = []
    for part, evidence in (pair for pair in pairs if pair[0].can_be_late):
        hiding = (span for span in case.blind if hides_part(case, evidence, span))
        without_looks = (_Span(span.begins, span.ends, (span.cause,)) for span in hiding)
        for span in (*without_looks, *_find_failed_spans(evidence)):
            if not _may_have_mattered(case, part, evidence, span):
                continue
            if span.causes == (_CLOCK,):
                clock_faults.append(span)
            else:
                found.setdefault((span.causes, span.begins), _blind_finding(case, part, span))
    return [*found.values(), *_clock_findings(case, clock_faults)]


def _clock_findings(case: Case, spans: Iterable[_Span]) -> Iterator[Finding]:
    """Yield one finding for each clock fault.

    Spans that are at most a normal pause apart are the same fault.
    """
    in_order = sorted(spans, key=lambda span: span.begins)
    for span in _merge_overlapping(
        replace(span, ends=span.ends + _NORMAL_PAUSE) for span in in_order
    ):
        fault = Interval(span.begins, span.ends - _NORMAL_PAUSE)
        text = Reason.CLOCK_IN_DOUBT.text(case.zone, span=fault)
        seconds = seconds_between(fault.after, fault.by)
        yield Finding(FindingKind.CLOCK_FAULT, None, text, Bounds(seconds, seconds))


def hides_part(case: Case, evidence: PartEvidence, span: Blind) -> bool:
    """Return whether a blind span hid a part: it is about everything, the part's host, or one of
    its targets.
    """
    if span.begins > case.now:
        return False
    if span.target:
        return span.target.startswith(f"{case.release.id}/{evidence.part.id}/")
    return span.host in ("", urlsplit(evidence.part.url).hostname)


def _find_failed_spans(evidence: PartEvidence) -> list[_Span]:
    """Return the spans in which looks at the part failed and no look succeeded."""
    # Failures because of a doubtful clock are merged only with each other, because they become
    # findings of their own.
    spans = (_find_failed_spans_of_view(evidence, view) for view in EDGE_AND_ORIGIN)
    in_order = sorted(chain.from_iterable(spans), key=lambda span: span.begins)
    by_clock = [span for span in in_order if span.causes == (_CLOCK,)]
    by_other_causes = [span for span in in_order if span.causes != (_CLOCK,)]
    return [*_merge_overlapping(by_clock), *_merge_overlapping(by_other_causes)]


def _find_failed_spans_of_view(evidence: PartEvidence, view: View) -> Iterator[_Span]:
    """Yield the spans in which looks at one view failed, without the times at which another view
    answered.
    """
    all_runs = evidence.runs_at_edge_and_origin
    successful = [run for run in all_runs if run.state is not State.UNKNOWN]
    # A group is consecutive runs of one state. Failed ones are split by whether our clock was the
    # cause.
    groups = groupby(evidence.views.get(view, ()), key=lambda run: (run.state, run.why == _CLOCK))
    for (state, _), group in groups:
        if state is State.UNKNOWN:
            failed = list(group)
            causes = tuple(dict.fromkeys(run.why for run in failed))
            looks = sum(run.looks for run in failed)
            begins, ends = failed[0].first_sent, failed[-1].last_received
            later = (max(run.first_sent, ends) for run in all_runs if run.last_received > ends)
            next_look = min(later, default=ends)
            # A failure may delay the next look. Until that look, the part was seen only if the
            # other view answered.
            if next_look - ends > _NORMAL_PAUSE:
                ends = next_look
            yield from _subtract_watched(_Span(begins, ends, causes, looks), successful)


def _merge_overlapping(spans: Iterable[_Span]) -> list[_Span]:
    """Return spans in time order, overlapping ones as one with all causes and failed looks."""
    merged: list[_Span] = []
    for span in spans:
        if merged and span.begins <= merged[-1].ends:
            before = merged[-1]
            causes = tuple(dict.fromkeys((*before.causes, *span.causes)))
            ends = max(before.ends, span.ends)
            merged[-1] = _Span(before.begins, ends, causes, before.failed_looks + span.failed_looks)
        else:
            merged.append(span)
    return merged


def _subtract_watched(span: _Span, successful: Iterable[Run]) -> Iterator[_Span]:
    """Yield the pieces of a span that no successful run covers.

    Runs are in time order.
    """
    begins = span.begins
    for run in successful:
        ends = min(run.first_sent, span.ends)
        if begins < ends:
            yield replace(span, begins=begins, ends=ends)
        begins = max(begins, run.last_received)
    if begins < span.ends:
        yield replace(span, begins=begins)


def _may_have_mattered(case: Case, part: PartVerdict, evidence: PartEvidence, span: _Span) -> bool:
    """Return whether a span hid the slot, or may be the reason that a part is unproven."""
    # Only a blind span hides the slot. Between failed looks, some may succeed.
    window = case.judged_window
    covers_slot = span.begins <= window.slot_begins < span.ends
    is_longer_than_clock_error = span.ends - span.begins > case.policy.uncertainty
    is_monitor_blind = span.failed_looks == 0 and CAUSES_THAT_ALLOW_SOME_LOOKS.isdisjoint(
        span.causes
    )
    # Without a promised minute (`exact`) there is no instant that must be watched.
    if window.exact and covers_slot and is_longer_than_clock_error and is_monitor_blind:
        return True
    if part.verdict is not VerdictKind.UNPROVEN:
        return False
    unproven_from, unproven_to = _unproven_span(case, part, evidence)
    return span.begins < unproven_to and span.ends > unproven_from


def _unproven_span(
    case: Case, part: PartVerdict, evidence: PartEvidence
) -> tuple[datetime, datetime]:
    """Return the span in which an unproven part may have come: from its last absence to the look
    that found it.
    """
    window = case.judged_window
    last_absent = evidence.last_absent
    if part.released.after is not None:
        begins = part.released.after
    elif last_absent is None:
        begins = window.on_time_from
    elif part.released.by is None:
        # The part was not found. It may have been public, unseen, for a time between its slot and
        # its last absence.
        begins = min(last_absent, window.slot_begins)
    else:
        begins = last_absent
    if part.released.by is None:
        return begins, case.now
    # `released.by` is when the first copy was made. A cache may have served that copy only to a
    # later look.
    presences = (presence for presence in evidence.presences if presence.begin == part.released.by)
    spells = chain.from_iterable(presence.spells for presence in presences)
    return begins, min((spell.first_sent for spell in spells), default=part.released.by)


def _blind_finding(case: Case, part: PartVerdict, span: _Span) -> Finding:
    seconds, when = seconds_between(span.begins, span.ends), Interval(span.begins, span.ends)
    reason, name = (
        (Reason.LOOKS_PROVED_NOTHING, part.id) if span.failed_looks else (Reason.BLIND, None)
    )
    text = reason.text(
        case.zone, span=when, causes=span.causes, looks=span.failed_looks, seconds=seconds
    )
    return Finding(FindingKind.BLIND, name, text, Bounds(seconds, seconds))
