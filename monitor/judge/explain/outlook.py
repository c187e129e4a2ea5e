"""What would change a verdict: time alone, or a look that proves something else."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.judge.case import Case
from monitor.judge.part import counts
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.verdict import PartVerdict, Verdict, Word
from monitor.judge.window import Window
from schedules.times.words import exactly

Pair = tuple[PartVerdict, PartEvidence]


def would_change(case: Case, verdict: Verdict, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return what would change a verdict, in plain sentences; that nothing would, when it is final."""
    window = case.window
    if window is None:
        return ("a calendar that announces a readable time before that time has passed",)
    told = [line for part, _ in pairs if counts(part) for line in _part(case, window, part)]
    told += [
        f"{exposure.part}: a look that proves it gone, or the slot itself, ends the open exposure"
        for exposure in verdict.exposures
        if exposure.open
    ]
    if case.now < window.opens:
        told.append(f"a calendar that moves or cancels it before {exactly(window.opens, case.zone)}")
    if verdict.final:
        told.append("final: only a withdrawal or a changed file would still add a finding")
    elif verdict.revisit is not None:
        told.append(f"judged again at {exactly(verdict.revisit, case.zone)} even if nothing new is seen")
    return tuple(dict.fromkeys(told))


def _part(case: Case, window: Window, part: PartVerdict) -> list[str]:
    latest = exactly(window.latest, case.zone)
    if part.word in (Word.PENDING, Word.MOVED):
        early = f"more than {case.policy.uncertainty.total_seconds():g} s before {exactly(window.opens, case.zone)}"
        return [
            f"{part.id}: proved present {early} would be early",
            f"{part.id}: proved absent after {latest} would be late; proved to have come by then, on time",
        ]
    if part.word is Word.OVERDUE:
        closes = exactly(window.closes, case.zone)
        return [f"{part.id}: the first look that proves it present makes it late; none by {closes}, not published"]
    if part.word is Word.UNPROVEN and part.released.by is None:
        return [f"{part.id}: a look that proves it absent after {latest} would make it overdue"]
    if part.word is Word.UNPROVEN:
        return [f"{part.id}: nothing we can still see; other records of that time, such as server logs, could tell"]
    return []
