"""The finding that an alternative address had the release before the announced one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from monitor.judge.case import Case
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.reasons import Reason
from schedules.announcement import Role
from schedules.contract.verdict import Elsewhere, Finding, Kind, PartVerdict, VerdictKind
from schedules.times.interval import NOTHING, Interval, between, since

Pair = tuple[PartVerdict, PartEvidence]


def find_elsewhere_first(case: Case, pairs: Sequence[Pair]) -> list[Finding]:
    """Return a finding for each alternative address proved public before the landing page.

    An address does not count if the page had answered before, or if the page was in time and the address not early.
    """
    page = next((pair for pair in pairs if pair[0].id == "page"), None)
    if page is None:
        return []
    findings = (_compare_with_page(case, page, pair) for pair in pairs if pair[0].role == Role.ALTERNATIVE.value)
    return [finding for finding in findings if finding is not None]


def public_elsewhere(evidences: Iterable[PartEvidence]) -> tuple[Elsewhere, ...]:
    """Return all periods in which the release was public at an alternative address, the earliest first."""
    periods = [
        Elsewhere(evidence.part.id, evidence.part.url, presence.appears, presence.removed or NOTHING)
        for evidence in evidences
        if evidence.part.role is Role.ALTERNATIVE
        for presence in evidence.all_presences
    ]
    return tuple(sorted(periods, key=lambda period: (period.start.by is None, period.start.by, period.part)))


def _compare_with_page(case: Case, page: Pair, alternative: Pair) -> Finding | None:
    """Return the finding if an alternative was public before the page by more than our clock's uncertainty, or None."""
    part, evidence = alternative
    page_part, page_evidence = page
    came = evidence.all_presences[0].appears if evidence.all_presences else part.first_seen
    # Without a presence, `first_seen` may be an answer from the first look on. It has no `after` and proves nothing.
    if came.by is None or (came.after is None and not evidence.all_presences):
        return None
    # If the page answered before from its first look on, it is not known with which edition.
    if page_evidence.present_from_start is not None and page_evidence.present_from_start.begin < came.by:
        return None
    # If the page was in time, no one had to look elsewhere.
    is_page_in_time = page_part.verdict in (VerdictKind.ON_TIME, VerdictKind.PENDING)
    if is_page_in_time and not part.exposures:
        return None
    page_came = page_part.first_seen if page_part.first_seen.by else Interval(page_evidence.last_absent, None)
    ahead = between(came, page_came)
    if ahead.min is None or ahead.min <= case.policy.uncertainty.total_seconds():
        return None
    # The delay is stated only if it came after the slot. A last absence within a second before the slot is near enough.
    origin, delay = None if case.window is None else case.window.origin, None
    if origin is not None and came.after is not None and came.after >= origin - timedelta(seconds=1):
        delay = since(came, origin)
    text = Reason.ELSEWHERE_FIRST.text(case.zone, url=part.url, came=came, ahead=ahead, delay=delay)
    return Finding(Kind.ELSEWHERE_FIRST, part.id, text, ahead)
