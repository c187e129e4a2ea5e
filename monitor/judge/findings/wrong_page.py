"""What stood at the address of a release once its slot had come, in its place: another edition, or another title."""

from __future__ import annotations

from monitor.judge.case import Case
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.verdict import Finding, Kind, PartVerdict, Word
from monitor.look.recognise.title import ANOTHER_EDITION, ANOTHER_TITLE
from schedules.times.words import exactly

_KINDS = {ANOTHER_EDITION: Kind.WRONG_EDITION, ANOTHER_TITLE: Kind.WRONG_CONTENT}
_IN_TIME = (Word.ON_TIME, Word.EARLY, Word.PENDING)


def wrong_page(case: Case, part: PartVerdict, sight: PartEvidence) -> list[Finding]:
    """Return what stood there after the tolerance while the release did not; at a guessed address that says nothing."""
    window = case.window
    if window is None or sight.is_guess or part.word in _IN_TIME:
        return []
    found = []
    for why, kind in _KINDS.items():
        runs = [run for run in sight.main_runs if run.why == why and run.last_received > window.latest]
        if runs:
            at = max(runs[0].first_sent, window.opens)
            found.append(Finding(kind, part.id, f"{why} at its slot: seen {exactly(at, case.zone)}", at=at))
    return found
