"""Collect the findings on a release: everything that the evidence shows besides the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.judge.case import Case
from monitor.judge.doubt import find_doubt_at_slot, is_late, judge_by_promise
from monitor.judge.findings.after_release import find_corrections, find_swaps, find_withdrawals
from monitor.judge.findings.announcement import find_in_ledger
from monitor.judge.findings.blind import find_blindness
from monitor.judge.findings.elsewhere_first import find_elsewhere_first
from monitor.judge.findings.stale_edge import find_split_view, find_stale_edge
from monitor.judge.part_evidence import PartEvidence
from monitor.look.recognise.title import ANOTHER_EDITION, ANOTHER_TITLE
from schedules.announcement import Origin, Role
from schedules.contract.verdict import LATE_VERDICTS, Ended, Exposure, Finding, Kind, PartVerdict, VerdictKind
from schedules.times.interval import Bounds, since
from schedules.times.words import between_exactly, exactly, lengths

_WRONG_PAGES = {ANOTHER_EDITION: Kind.WRONG_EDITION, ANOTHER_TITLE: Kind.WRONG_CONTENT}
_IN_TIME = (VerdictKind.ON_TIME, VerdictKind.EARLY, VerdictKind.PENDING)
_HOUR = 3600.0
_NEAR_AN_HOUR = 90.0
_UNWATCHED = "its slot had passed when it was first read, so that it is late cannot be proved from here"


def collect_findings(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence], more: Iterable[Finding] = ()
) -> tuple[Finding, ...]:
    """Return all findings on a release, in the order of `Kind`.

    `evidences` are the observations of each of `parts`, in the same order. `more` are findings on the promise itself.
    """
    found = [*find_in_ledger(case, parts), *more]
    if case.is_judged:
        pairs = list(zip(parts, evidences, strict=True))
        found += [
            Finding(Kind.EARLY_EXPOSURE, part.id, _exposure_text(case, exposure), exposure.seconds)
            for part in parts
            for exposure in part.exposures
        ]
        found += _find_late(case, parts, evidences)
        found += _find_partial(parts)
        found += find_elsewhere_first(case, pairs)
        for part, evidence in pairs:
            for find in (find_wrong_page, find_swaps, find_withdrawals, find_corrections):
                found += find(case, part, evidence)
            # The slot is promised for the announced address only.
            if part.role != Role.ALTERNATIVE.value:
                found += [*find_stale_edge(case, evidence), *find_split_view(case, evidence)]
        found += find_blindness(case, pairs)
    most = case.policy.most_parts
    if sum(part.origin is not Origin.LINKED for part in case.release.parts) > most:
        text = f"more than {most} parts are named: no more than {most} are watched"
        found.append(Finding(Kind.PARTS_CUT, None, text))
    found += _find_unwatched(case, parts, evidences)
    order: list[str] = list(Kind)
    return tuple(sorted(found, key=lambda each: order.index(each.kind)))


def _find_unwatched(case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]) -> list[Finding]:
    """Return a finding if the page is absent and its slot was first read after it had passed."""
    window = case.window
    if window is None or not case.in_force.learnt_after_slot:
        return []
    absent = next((evidence.last_absent for evidence in evidences if evidence.part.id == "page"), None)
    if absent is None or absent <= window.latest or any(part.released for part in parts if part.id == "page"):
        return []
    return [Finding(Kind.UNWATCHED, "page", f"{_UNWATCHED}; not out as of {exactly(absent, case.zone)}", at=case.now)]


def _exposure_text(case: Case, exposure: Exposure) -> str:
    """Return when the content was public before its slot, and why that ended."""
    came = f"public before its slot: came {between_exactly(exposure.start, case.zone)}"
    if exposure.open:
        return f"{came}, not seen removed yet"
    if exposure.start == exposure.to:
        return (
            f"public before its slot: came and went {between_exactly(exposure.start, case.zone)}, removed (410) after"
        )
    if exposure.ended is Ended.SLOT:
        return f"{came}, still public at the slot{_hour_remark(exposure.seconds)}"
    if exposure.ended is Ended.REMOVED:
        return f"{came}, removed {between_exactly(exposure.to, case.zone)}"
    return f"{came}, ended {between_exactly(exposure.to, case.zone)}: why is not known"


def _find_late(case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]) -> list[Finding]:
    """Return a finding for each part that is late or overdue; if calendars differ, by all of them."""
    is_in_doubt = find_doubt_at_slot(case) is not None
    by_others = [(case.by(other), judge_by_promise(case, other, evidences)) for other in case.in_force.disagreements]
    found = []
    for place, part in enumerate(parts):
        is_late_by_all = all(verdicts and is_late(other, verdicts[place]) for other, verdicts in by_others)
        is_early_only = is_in_doubt and bool(part.exposures)
        if part.can_be_late and is_late(case, part) and is_late_by_all and not is_early_only:
            found.append(Finding(Kind.LATE, part.id, _late_text(case, part), _delay_after_slot(case, part)))
    return found


def _delay_after_slot(case: Case, part: PartVerdict) -> Bounds | None:
    """Return the delay of a late part. For one that was exposed before its slot too, `delay` is of its exposure."""
    origin = None if case.window is None else case.window.origin
    if origin is None or part.verdict is not VerdictKind.EARLY:
        return part.delay
    return since(part.released, origin)


def _late_text(case: Case, part: PartVerdict) -> str:
    """Return when a late part came, or that it has not come."""
    delay = _delay_after_slot(case, part)
    how_long = "" if delay is None else f", {lengths(delay)} after the slot"
    if part.verdict is VerdictKind.NOT_PUBLISHED:
        return f"never seen until the watch was closed{how_long}"
    if part.verdict is VerdictKind.OVERDUE:
        return f"not seen yet{how_long}"
    return f"came {between_exactly(part.released, case.zone)}{how_long}{_hour_remark(delay)}"


def _hour_remark(seconds: Bounds | None) -> str:
    """Return a remark if a length is almost exactly one hour, else an empty text."""
    if seconds is None or seconds.min is None or seconds.max is None:
        return ""
    is_hour = abs(seconds.min - _HOUR) <= _NEAR_AN_HOUR and abs(seconds.max - _HOUR) <= _NEAR_AN_HOUR
    return "; one hour, as when a clock shows UTC in place of British summer time" if is_hour else ""


def _find_partial(parts: Iterable[PartVerdict]) -> list[Finding]:
    """Return a finding if required parts are late while others were out, with the longest delay."""
    required = [part for part in parts if part.can_be_late]
    late = [part for part in required if part.verdict in LATE_VERDICTS]
    is_any_out = any(part.released.by is not None for part in required)
    is_any_absent = any(part.released.by is None for part in late)
    is_any_on_time = any(part.verdict is VerdictKind.ON_TIME for part in required)
    if not late or not (is_any_on_time or (is_any_absent and is_any_out)):
        return []
    names = ", ".join(part.id for part in late)
    delays = [part.delay for part in late if part.delay is not None and part.delay.min is not None]
    longest = max(delays, key=lambda delay: delay.min or 0.0, default=None)
    return [Finding(Kind.PARTIAL, None, f"late while other parts were out: {names}", longest)]


def find_wrong_page(case: Case, part: PartVerdict, evidence: PartEvidence) -> list[Finding]:
    """Return a finding if an announced address showed another edition or title after the tolerance."""
    window = case.window
    if window is None or evidence.is_guess or part.verdict in _IN_TIME:
        return []
    found = []
    for why, kind in _WRONG_PAGES.items():
        runs = [run for run in evidence.main_runs if run.why == why and run.last_received > window.latest]
        if runs:
            at = max(runs[0].first_sent, window.opens)
            found.append(Finding(kind, part.id, f"{why} at its slot: seen {exactly(at, case.zone)}", at=at))
    return found
