"""Collects the findings on a release: everything that the evidence shows besides the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from monitor.judge.case import Case
from monitor.judge.doubt import find_doubt_at_slot, is_late, judge_by_promise
from monitor.judge.findings.after_release import find_corrections, find_swaps, find_withdrawals
from monitor.judge.findings.blind import find_blindness
from monitor.judge.findings.inside import find_inside
from monitor.judge.findings.stale_edge import find_split_view, find_stale_edge
from monitor.judge.part_evidence import EDGE_AND_ORIGIN, Pair, PartEvidence
from monitor.judge.reasons import Reason
from monitor.judge.same_bytes import SAME_BYTES
from monitor.look.recognise.title import (
    ANOTHER_EDITION,
    ANOTHER_TITLE,
    NEXT_EDITION,
    OTHER_FILE,
)
from monitor.look.sighting import State
from schedules.announcement import Origin, Role
from schedules.contract.verdict import (
    LATE_VERDICTS,
    Ended,
    Finding,
    FindingKind,
    PartVerdict,
    VerdictKind,
    exposures_of,
)
from schedules.times.interval import Bounds, Interval, between

_WRONG_PAGES = {
    ANOTHER_EDITION: FindingKind.WRONG_EDITION,
    NEXT_EDITION: FindingKind.WRONG_EDITION,
    ANOTHER_TITLE: FindingKind.WRONG_CONTENT,
    OTHER_FILE: FindingKind.WRONG_CONTENT,
}
_IN_TIME = (VerdictKind.ON_TIME, VerdictKind.EARLY, VerdictKind.PENDING)
_EXPOSED = {
    None: Reason.EXPOSED_NOW,
    Ended.SLOT: Reason.EXPOSED_UNTIL_SLOT,
    Ended.REMOVED: Reason.EXPOSED_UNTIL_REMOVED,
    Ended.UNKNOWN: Reason.EXPOSED_UNTIL,
}
_LATE = {VerdictKind.NOT_PUBLISHED: Reason.NEVER_SEEN, VerdictKind.OVERDUE: Reason.NOT_SEEN_YET}
_HOUR = 3600.0
_NEAR_AN_HOUR = 90.0


def collect_findings(
    case: Case, pairs: Sequence[Pair], of_promise: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Return all findings on a release, in the order of `FindingKind`.

    Those from looks need a slot that can be judged. `of_promise` are that the promise is in doubt
    or was brought forward.
    """
    parts = [part for part, _ in pairs]
    found = [*_find_in_ledger(case, parts), *of_promise]
    if case.is_judged:
        found += _find_exposures(case, parts)
        found += _find_late(case, pairs)
        found += _find_partial(parts)
        found += find_elsewhere_first(case, pairs)
        for part, evidence in pairs:
            for find in _RULES_OF_PART:
                found += find(case, part, evidence)
            # The slot is promised for the announced address only.
            if part.role != Role.ALTERNATIVE.value:
                found += [*find_stale_edge(case, evidence), *find_split_view(case, evidence)]
        found += find_blindness(case, pairs)
    most = case.policy.most_parts
    # Parts that the page links to on other sites are not watched anyway.
    if sum(part.origin is not Origin.LINKED for part in case.release.parts) > most:
        found.append(Finding(FindingKind.PARTS_CUT, None, Reason.PARTS_CUT.text(most=most)))
    found += _find_unwatched(case, pairs)
    order: list[str] = list(FindingKind)
    return tuple(sorted(found, key=lambda finding: order.index(finding.kind)))


def _find_in_ledger(case: Case, parts: Iterable[PartVerdict]) -> Iterator[Finding]:
    """Yield the findings from the ledger, our record of calendar reads: calendars that disagree,
    short notice, no announcement.
    """
    # Their `at` is the time of the calendar read that showed the fault, equal for all entries
    # changed by one edit.
    in_force = case.in_force
    if in_force.disagreements and in_force.promise is not None:
        differing = (in_force.promise, *in_force.disagreements)
        text = Reason.CALENDARS_DISAGREE.text(readings=differing)
        at = max(promise.learnt for promise in differing)
        yield Finding(FindingKind.CALENDARS_DISAGREE, None, text, at=at)
    if (short := in_force.short_notice) is not None:
        text = Reason.SHORT_NOTICE.text(
            case.zone,
            change=short.what,
            days=short.days,
            read=short.at,
            since=short.since,
            text=short.text or None,
        )
        yield Finding(FindingKind.SHORT_NOTICE, None, text, at=short.at)
    if any(part.verdict is VerdictKind.UNANNOUNCED for part in parts):
        yield Finding(FindingKind.UNANNOUNCED, None, Reason.UNANNOUNCED.text())


def _find_unwatched(case: Case, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Yield a finding if the page is absent after the tolerance, and its slot had passed when it
    was first read.
    """
    if case.window is None or not case.in_force.is_first_read_after_slot:
        return
    for part, evidence in pairs:
        absent = evidence.last_absent
        is_page_missing = part.id == "page" and not part.released
        if is_page_missing and absent is not None and absent > case.window.on_time_until:
            text = Reason.UNWATCHED.text(case.zone, absent=absent)
            yield Finding(FindingKind.UNWATCHED, "page", text, at=case.now)


def _find_exposures(case: Case, parts: Iterable[PartVerdict]) -> Iterator[Finding]:
    for exposure in exposures_of(parts):
        reason = _EXPOSED[exposure.ended]
        if exposure.start == exposure.to:
            reason = Reason.EXPOSED_UNSEEN
        remark = _hour_remark(exposure.seconds)
        text = reason.text(case.zone, came=exposure.start, ended=exposure.to, remark=remark)
        yield Finding(FindingKind.EARLY_EXPOSURE, exposure.part, text, exposure.seconds)


def _find_late(case: Case, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Yield a finding for each part that is late or overdue by every calendar that announces the
    release.
    """
    # If the promise was perhaps not in force at its slot, a part exposed before the slot counts
    # only as early.
    is_in_doubt = find_doubt_at_slot(case) is not None
    evidences = [evidence for _, evidence in pairs]
    late_by_others = []
    for promise in case.in_force.disagreements:
        # None is late by one without a readable slot.
        other_case, parts = case.with_promise(promise), judge_by_promise(case, promise, evidences)
        late_by_others.append({part.id for part in parts if is_late(other_case, part)})
    for part, _ in pairs:
        is_late_by_all = all(part.id in late_parts for late_parts in late_by_others)
        is_early_only = is_in_doubt and bool(part.exposures)
        if part.can_be_late and is_late(case, part) and is_late_by_all and not is_early_only:
            # A part can be early and late: exposed, removed, released late. Its `delay` is that of
            # the exposure.
            is_early = part.verdict is VerdictKind.EARLY
            delay = part.delay
            if is_early:
                delay = case.judged_window.delay_of(part.released)
            reason = _LATE.get(part.verdict, Reason.LATE)
            text = reason.text(
                case.zone, came=part.released, delay=delay, remark=_hour_remark(delay)
            )
            yield Finding(FindingKind.LATE, part.id, text, delay)


def _hour_remark(seconds: Bounds | None) -> str | None:
    """Return a remark if a length is almost exactly one hour, else None."""
    if seconds is None or seconds.min is None or seconds.max is None:
        return None
    is_hour = (
        abs(seconds.min - _HOUR) <= _NEAR_AN_HOUR and abs(seconds.max - _HOUR) <= _NEAR_AN_HOUR
    )
    return Reason.ONE_HOUR.text() if is_hour else None


def _find_partial(parts: Iterable[PartVerdict]) -> list[Finding]:
    """Return a finding if required parts are late while one was on time, or some absent while
    others are out.
    """
    required = [part for part in parts if part.can_be_late]
    late = [part for part in required if part.verdict in LATE_VERDICTS]
    is_any_out = any(part.released.by is not None for part in required)
    is_any_absent = any(part.released.by is None for part in late)
    is_any_on_time = any(part.verdict is VerdictKind.ON_TIME for part in required)
    if not late or not (is_any_on_time or (is_any_absent and is_any_out)):
        return []
    text = Reason.PARTIAL.text(parts=tuple(part.id for part in late))
    delays = [part.delay for part in late if part.delay is not None]
    longest = max(delays, key=lambda delay: delay.min or 0.0, default=None)
    return [Finding(FindingKind.PARTIAL, None, text, longest)]


def find_wrong_page(case: Case, part: PartVerdict, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each kind of wrong content at the address of a part that is late: another
    edition, title or file.

    A file that was there from the first look on may be the previous edition, which is not wrong.
    """
    window = case.judged_window
    # A guessed address may be that of another page, and an alternative has a title of its own.
    is_other_page = evidence.is_address_guessed or part.role == Role.ALTERNATIVE.value
    if is_other_page or part.verdict in _IN_TIME:
        return
    in_place = _files_in_place(evidence)
    runs = []
    for run in evidence.runs_at_edge_and_origin:
        was_in_place = run.why == OTHER_FILE and run.digest in in_place
        if run.last_received > window.on_time_until and not was_in_place:
            runs.append(run)
    for wrong_page, kind in _WRONG_PAGES.items():
        first = next((run for run in runs if run.why == wrong_page), None)
        if first is not None:
            # The address may have shown the page since before the slot. It is wrong only since the
            # slot.
            wrong_since = max(first.first_sent, window.slot_begins)
            shown = wrong_page
            is_file = evidence.part.role in (Role.ATTACHMENT, Role.DATA)
            if wrong_page == ANOTHER_EDITION and is_file:
                shown = "the file is of another edition"
            text = Reason.WRONG_PAGE.text(case.zone, page=shown, seen=wrong_since)
            yield Finding(kind, part.id, text, at=wrong_since)
    same = next((run for run in runs if run.why.startswith(SAME_BYTES)), None)
    if same is not None:
        text = Reason.WRONG_PAGE.text(case.zone, page=same.why, seen=same.first_sent)
        yield Finding(FindingKind.WRONG_CONTENT, part.id, text, at=same.first_sent)


_RULES_OF_PART = (find_wrong_page, find_inside, find_swaps, find_withdrawals, find_corrections)


def _files_in_place(evidence: PartEvidence) -> set[str | None]:
    """Return the digests of other files that a view showed at its first answer, and None, which
    stands for bytes that are not compared, if there is such a file.
    """
    digests: set[str | None] = set()
    for view in EDGE_AND_ORIGIN:
        runs = evidence.views.get(view, ())
        first = next((run for run in runs if run.state is not State.UNKNOWN), None)
        if first is not None and first.why == OTHER_FILE:
            digests |= {first.digest, None}
    return digests


def find_elsewhere_first(case: Case, pairs: Sequence[Pair]) -> list[Finding]:
    """Return a finding for each alternative address proved public before the landing page."""
    page = next((pair for pair in pairs if pair[0].id == "page"), None)
    if page is None:
        return []
    alternatives = (pair for pair in pairs if pair[0].role == Role.ALTERNATIVE.value)
    findings = (_compare_with_page(case, page, pair) for pair in alternatives)
    return [finding for finding in findings if finding is not None]


def _compare_with_page(case: Case, page: Pair, alternative: Pair) -> Finding | None:
    """Return the finding for one alternative address, or None."""
    part, evidence = alternative
    page_part, page_evidence = page
    alternative_out = part.first_seen
    if evidence.all_presences:
        alternative_out = evidence.all_presences[0].appears
    if alternative_out.by is None:
        return None
    # An address that answered at its first look, and was never seen absent before, may answer for
    # anything.
    if alternative_out.after is None and not evidence.all_presences:
        return None
    # If the page answered at its first look too, and before the alternative, it may already have
    # had the release.
    if (
        page_evidence.present_from_start is not None
        and page_evidence.present_from_start.begin < alternative_out.by
    ):
        return None
    # If the page was in time, no one had to look elsewhere. But an alternative that was out before
    # the slot counts.
    is_page_in_time = page_part.verdict in (VerdictKind.ON_TIME, VerdictKind.PENDING)
    if is_page_in_time and not part.exposures:
        return None
    # A page that was not seen yet comes after its last absence.
    page_out = page_part.first_seen
    if page_out.by is None:
        page_out = Interval(page_evidence.last_absent, None)
    lead_time = between(alternative_out, page_out)
    if lead_time.min is None or lead_time.min <= case.policy.uncertainty.total_seconds():
        return None
    # Say how late the alternative was only if it came after the slot (or was last absent at most a
    # second before it).
    slot = case.judged_window.slot_begins
    is_after_slot = alternative_out.after is not None and alternative_out.after >= slot - timedelta(
        seconds=1
    )
    delay = None
    if is_after_slot:
        delay = case.judged_window.delay_of(alternative_out)
    text = Reason.ELSEWHERE_FIRST.text(
        case.zone, url=part.shown_at, came=alternative_out, ahead=lead_time, delay=delay
    )
    return Finding(FindingKind.ELSEWHERE_FIRST, part.id, text, lead_time)
