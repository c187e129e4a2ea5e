"""Where we could not see when it mattered: blind spans, failed looks, a clock in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor.judge.case import Case
from monitor.judge.part import counts
from monitor.judge.part_evidence import MAIN, PartEvidence
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Finding, Kind, PartVerdict, Word
from monitor.look.sighting import State
from schedules.times.interval import Bounds, Interval, seconds_between
from schedules.times.words import between_exactly, length

Pair = tuple[PartVerdict, PartEvidence]
_CLOCK = "clock"
# Looks far apart, or large answers that no worker read, hid nothing if other looks proved it.
_PARTLY = frozenset({"budget", "no_worker"})
# Looks further apart than this on a failure were held back by it: a host that asked to be left alone, or a name
# that nobody could resolve.
_HELD_BACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Span:
    """A span without sight, and what caused it; `looks` failed in it."""

    begins: datetime
    ends: datetime
    cause: str
    looks: int = 0


def hidden(case: Case, pairs: Iterable[Pair]) -> list[Finding]:
    """Return what hid the slot, or left a part unproven: blind spans, stretches of failed looks, the clock.

    A blind span that covers the slot is always told of. Other spans, and failed looks, are findings only where
    they touch what stayed unproven: else they changed nothing. One doubt about our clock is one finding, however many
    views and spans show it.
    """
    found: dict[tuple[str, datetime], Finding] = {}
    doubts: list[_Span] = []
    for part, sight in (pair for pair in pairs if counts(pair[0])):
        blind = (_Span(span.begins, span.ends, span.cause) for span in case.blind if touches(case, sight, span))
        for span in (*blind, *_failed(sight)):
            if _matters(case, part, sight, span):
                if _CLOCK in span.cause.split(", "):
                    doubts.append(span)
                else:
                    found.setdefault((span.cause, span.begins), _finding(case, part, span))
    return [*found.values(), *_clock_findings(case, doubts)]


def _clock_findings(case: Case, spans: Iterable[_Span]) -> Iterator[Finding]:
    """Yield spans of doubt as one finding where no longer than looks are held back lies between them."""
    apart = sorted(spans, key=lambda span: span.begins)
    for span in _together(replace(span, ends=span.ends + _HELD_BACK) for span in apart):
        doubt = Interval(span.begins, span.ends - _HELD_BACK)
        told = f"our clock was in doubt {between_exactly(doubt, case.zone)}"
        seconds = seconds_between(doubt.after, doubt.by)
        yield Finding(Kind.CLOCK_FAULT, None, told, Bounds(seconds, seconds))


def touches(case: Case, sight: PartEvidence, span: Blind) -> bool:
    """Tell whether a blind span hid a part: everything, its host, or one of its targets."""
    if span.begins > case.now:
        return False
    if span.target:
        return span.target.startswith(f"{case.release.id}/{sight.part.id}/")
    return span.host in ("", urlsplit(sight.part.url).hostname)


def _failed(sight: PartEvidence) -> list[_Span]:
    """Return the stretches in which every look at the part itself failed."""
    stretches: list[_Span] = []
    for view in MAIN:
        goes_on = False
        for run in sight.views.get(view, ()):
            if run.state is State.UNKNOWN:
                before = stretches.pop() if goes_on else _Span(run.first_sent, run.first_sent, run.why)
                is_known = run.why in (before.cause, *before.cause.split(", "))
                cause = before.cause if is_known else f"{before.cause}, {run.why}"
                stretches.append(_Span(before.begins, run.last_received, cause, before.looks + run.looks))
            goes_on = run.state is State.UNKNOWN
    known = [run for run in sight.main_runs if run.state is not State.UNKNOWN]
    held = [_until_next(span, sight.main_runs) for span in stretches]
    left = (each for span in held if (each := _unseen(span, known)) is not None)
    return _together(sorted(left, key=lambda span: span.begins))


def _until_next(span: _Span, runs: Iterable[Run]) -> _Span:
    """Return a stretch with the time in which its last failure kept every view from being looked at."""
    later = [max(run.first_sent, span.ends) for run in runs if run.last_received > span.ends]
    held = min(later, default=span.ends)
    return replace(span, ends=held) if held - span.ends > _HELD_BACK else span


def _together(spans: Iterable[_Span]) -> list[_Span]:
    """Return the stretches of several views as one where they overlap."""
    joined: list[_Span] = []
    for span in spans:
        if joined and span.begins <= joined[-1].ends:
            before = joined[-1]
            causes = dict.fromkeys([*before.cause.split(", "), *span.cause.split(", ")])
            ends = max(before.ends, span.ends)
            joined[-1] = _Span(before.begins, ends, ", ".join(causes), before.looks + span.looks)
        else:
            joined.append(span)
    return joined


def _unseen(span: _Span, known: Iterable[Run]) -> _Span | None:
    """Return what is left of a stretch where no other view could see; None when it was watched throughout."""
    begins, ends = span.begins, span.ends
    for run in known:
        if run.first_sent <= begins < run.last_received:
            begins = run.last_received
        elif begins < run.first_sent < ends:
            ends = run.first_sent
    return replace(span, begins=begins, ends=ends) if begins < ends else None


def _matters(case: Case, part: PartVerdict, sight: PartEvidence, span: _Span) -> bool:
    window = case.window
    if window is None:
        return False
    covers = span.begins <= window.opens < span.ends and span.ends - span.begins > case.policy.uncertainty
    if covers and window.exact and not span.looks and span.cause not in _PARTLY:
        return True
    if part.word is not Word.UNPROVEN:
        return False
    open_from, open_to = _unproven(case, part, sight)
    return span.begins < open_to and span.ends > open_from


def _unproven(case: Case, part: PartVerdict, sight: PartEvidence) -> tuple[datetime, datetime]:
    """Return the span in which the part may have come, as far as it is not known, up to the look that found it.

    Where none found it, what was hidden since the slot left it unproven, however often it was found gone since.
    """
    window, gone = case.window, sight.last_gone
    if window is not None and gone is not None and part.released.by is None:
        gone = min(gone, window.opens)
    begins = part.released.after or gone or (window.earliest if window else case.now)
    found = (out.first_sent for each in sight.presences for out in each.spells if each.begin == part.released.by)
    return begins, min(found, default=part.released.by or case.now)


def _finding(case: Case, part: PartVerdict, span: _Span) -> Finding:
    seconds = seconds_between(span.begins, span.ends)
    when = between_exactly(Interval(span.begins, span.ends), case.zone)
    if span.looks:
        told = f"all {span.looks} looks proved nothing {when} ({span.cause})"
        return Finding(Kind.BLIND, part.id, told, Bounds(seconds, seconds))
    return Finding(Kind.BLIND, None, f"{span.cause} for {length(seconds or 0.0)}, {when}", Bounds(seconds, seconds))
