"""What the evidence shows besides the verdict: one release can be exposed on Monday and on time on Wednesday."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alerts.finding import Ended, Exposure
from monitor.judge.case import Case
from monitor.judge.doubt import judged_by
from monitor.judge.findings.after_release import swapped, withdrawn
from monitor.judge.findings.announcement import announced
from monitor.judge.findings.blind import hidden
from monitor.judge.findings.corrected import corrected
from monitor.judge.findings.elsewhere_first import elsewhere_first
from monitor.judge.findings.split_view import split_view
from monitor.judge.findings.stale_edge import stale_edge
from monitor.judge.part import counts
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.verdict import Finding, Kind, PartVerdict, Word
from monitor.look.recognise.title import ANOTHER_EDITION, ANOTHER_TITLE
from schedules.announcement import Origin, Role
from schedules.times.interval import Bounds, since
from schedules.times.words import between_exactly, exactly, lengths

_KINDS = {ANOTHER_EDITION: Kind.WRONG_EDITION, ANOTHER_TITLE: Kind.WRONG_CONTENT}
_IN_TIME = (Word.ON_TIME, Word.EARLY, Word.PENDING)

_BEHIND = (Word.LATE, Word.OVERDUE, Word.NOT_PUBLISHED)
_HOUR = 3600.0
_NEAR_AN_HOUR = 90.0
_UNWATCHED = "its slot had passed when it was first read, so that it is late cannot be proved from here"


def findings(
    case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence], more: Iterable[Finding] = ()
) -> tuple[Finding, ...]:
    """Return the findings on a release, in the order in which the interface lists their kinds.

    `sights` are what was seen of each of `parts`, in the same order; `more` are findings on the promise itself.
    """
    found = [*announced(case, parts), *more]
    if case.is_judged:
        pairs = list(zip(parts, sights, strict=True))
        exposed = ((part, one) for part in parts for one in part.exposures)
        found += [Finding(Kind.EARLY_EXPOSURE, part.id, _exposed(case, one), one.seconds) for part, one in exposed]
        found += _late(case, parts, sights)
        found += _partial(parts)
        found += elsewhere_first(case, pairs)
        for part, sight in pairs:
            found += wrong_page(case, part, sight)
            found += [*swapped(case, part, sight), *withdrawn(case, part, sight), *corrected(case, part, sight)]
            # Nobody was promised another address, nor when it has what.
            if part.role != Role.ALTERNATIVE.value:
                found += [*stale_edge(case, sight), *split_view(case, sight)]
        found += hidden(case, pairs)
    found += [*_cut(case), *_unwatched(case, parts, sights)]
    order = list(Kind)
    return tuple(sorted(found, key=lambda each: order.index(each.kind)))


def _cut(case: Case) -> list[Finding]:
    most = case.policy.most_parts
    if sum(part.origin is not Origin.LINKED for part in case.release.parts) <= most:
        return []
    return [Finding(Kind.PARTS_CUT, None, f"more than {most} parts are named: no more than {most} are watched")]


def _unwatched(case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence]) -> list[Finding]:
    """Return that a page is missing whose slot had passed when it was first read."""
    window = case.window
    if window is None or not case.standing.learnt_after_slot:
        return []
    return [
        Finding(Kind.UNWATCHED, part.id, f"{_UNWATCHED}; not out as of {exactly(gone, case.zone)}", at=case.now)
        for part, sight in zip(parts, sights, strict=True)
        if part.id == "page" and not part.released and (gone := sight.last_gone) is not None and gone > window.latest
    ]


def _exposed(case: Case, exposure: Exposure) -> str:
    came = f"public before its slot: came {between_exactly(exposure.start, case.zone)}"
    if exposure.open:
        return f"{came}, not seen gone yet"
    if exposure.start == exposure.to:
        return f"public before its slot: came and went {between_exactly(exposure.start, case.zone)}, gone (410) after"
    if exposure.ended is Ended.SLOT:
        return f"{came}, still public at the slot{_hour_hint(exposure.seconds)}"
    if exposure.ended is Ended.REMOVED:
        return f"{came}, removed {between_exactly(exposure.to, case.zone)}"
    return f"{came}, ended {between_exactly(exposure.to, case.zone)}: why is not known"


def _late(case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence]) -> list[Finding]:
    """Return what came late or is overdue, by every calendar where they differ."""
    differing = case.standing.disagreements
    others = [(case.by(promise), tuple(judged_by(case, promise, sights))) for promise in differing]
    return [
        Finding(Kind.LATE, part.id, _behind(case, part), _lateness(case, part))
        for place, part in enumerate(parts)
        if counts(part) and _is_behind(case, part) and all(one and _is_behind(by, one[place]) for by, one in others)
    ]


def _is_behind(case: Case, part: PartVerdict) -> bool:
    """Tell whether a part came late or is overdue; one that was exposed before may be that as well."""
    if part.word in _BEHIND:
        return True
    latest = None if case.window is None else case.window.latest
    after = part.released.after
    return part.word is Word.EARLY and latest is not None and after is not None and after > latest


def _lateness(case: Case, part: PartVerdict) -> Bounds | None:
    origin = None if case.window is None else case.window.origin
    if origin is None or part.word is not Word.EARLY:
        return part.delay
    return since(part.released, origin)


def _behind(case: Case, part: PartVerdict) -> str:
    delay = _lateness(case, part)
    how_long = "" if delay is None else f", {lengths(delay)} after the slot"
    if part.word is Word.NOT_PUBLISHED:
        return f"never seen until the watch was closed{how_long}"
    if part.word is Word.OVERDUE:
        return f"not seen yet{how_long}"
    return f"came {between_exactly(part.released, case.zone)}{how_long}{_hour_hint(delay)}"


def _hour_hint(seconds: Bounds | None) -> str:
    """Return a remark when a length is one hour almost exactly."""
    if seconds is None or seconds.min is None or seconds.max is None:
        return ""
    is_hour = abs(seconds.min - _HOUR) <= _NEAR_AN_HOUR and abs(seconds.max - _HOUR) <= _NEAR_AN_HOUR
    return "; one hour, as when a clock shows UTC in place of British summer time" if is_hour else ""


def _partial(parts: Iterable[PartVerdict]) -> list[Finding]:
    required = [part for part in parts if counts(part)]
    missing = [part for part in required if part.word in _BEHIND]
    out = [part for part in required if part.released.by is not None]
    absent = [part for part in missing if part.released.by is None]
    in_time = [part for part in required if part.word is Word.ON_TIME]
    if not missing or not (in_time or (absent and out)):
        return []
    names = ", ".join(part.id for part in missing)
    delays = [part.delay for part in missing if part.delay is not None and part.delay.min is not None]
    longest = max(delays, key=lambda delay: delay.min or 0.0, default=None)
    return [Finding(Kind.PARTIAL, None, f"late while other parts were out: {names}", longest)]


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
