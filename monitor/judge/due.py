"""What people are shown between the slot of a release and its verdict: that it is due, and what the last look got."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.finding import Due
from monitor.judge.case import Case
from monitor.judge.part_evidence import MAIN, PartEvidence
from monitor.judge.runs import Run
from monitor.judge.verdict import PartVerdict, Word
from monitor.look.sighting import State


def due_of(case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence], word: Word) -> Due | None:
    """Return what is known of a release whose slot has passed without a verdict; None if it was seen, or has one.

    Of several parts that were not seen, it is about the first one.
    """
    window = case.window
    if window is None or window.origin is None or not case.is_judged:
        return None
    if word is not Word.PENDING or case.now < window.origin:
        return None
    unseen = (pair for pair in zip(parts, sights, strict=True) if pair[0].required and pair[0].released.by is None)
    part, sight = next(unseen, (None, None))
    if part is None or sight is None:
        return None
    runs = [run for view in MAIN for run in sight.views.get(view, ())]
    last = max(runs, key=lambda run: run.last_received, default=None)
    seconds = (case.now - window.origin).total_seconds()
    # Looks since the slot show that it is still announced and not listed, whatever their lag.
    silent = sight.witnesses.silent if sight.is_guess and sight.witnesses is not None else None
    is_confirming = case.now >= window.latest and silent is not None and silent >= window.origin
    return Due(part.id, seconds, _got(last), 0 if last is None else last.looks, is_confirming=is_confirming)


def _got(last: Run | None) -> str:
    """Return what looks got last, in a few words that hold no content: `503`, `timeout`, `200, not the release`."""
    if last is None:
        return "no look"
    if last.status is None:
        return last.why or "no answer"
    is_success = 200 <= last.status < 300
    if not is_success:
        return str(last.status)
    return f"{last.status}, {last.why or 'not the release'}" if last.state is not State.PRESENT else str(last.status)
