"""The finding that an alternative address had the release before the announced one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from monitor.judge.case import Case
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.reasons import Reason
from schedules.announcement import Role
from schedules.contract.verdict import Elsewhere, Finding, Kind, PartVerdict, VerdictKind
from schedules.times.interval import NOTHING, Interval, between, since

Pair = tuple[PartVerdict, PartEvidence]


def find_elsewhere_first(case: Case, pairs: Iterable[Pair]) -> list[Finding]:
    """Return a finding for each alternative address proved public before the landing page.

    One does not count if the page had answered before it, or if the page was on time and it was not public early.
    """
    pairs = list(pairs)
    page = next((pair for pair in pairs if pair[0].id == "page"), None)
    if page is None:
        return []
    alternatives = (pair for pair in pairs if pair[0].role == Role.ALTERNATIVE.value)
    compared = (_compare_with_page(case, page, alternative) for alternative in alternatives)
    return [finding for finding in compared if finding is not None]


def public_elsewhere(evidences: Iterable[PartEvidence]) -> tuple[Elsewhere, ...]:
    """Return all periods in which the release was public at an alternative address, the earliest first."""
    periods = [
        Elsewhere(evidence.part.id, evidence.part.url, presence.appears, presence.goes or NOTHING)
        for evidence in evidences
        if evidence.part.role is Role.ALTERNATIVE
        for presence in evidence.all_presences
    ]
    return tuple(sorted(periods, key=lambda period: (period.start.by is None, period.start.by, period.part)))


def _compare_with_page(case: Case, page: Pair, alternative: Pair) -> Finding | None:
    """Return the finding if an alternative was public before the page by more than the clock's uncertainty."""
    part, evidence = alternative
    page_part, page_evidence = page
    came = evidence.all_presences[0].appears if evidence.all_presences else part.first_seen
    if came.by is None or (came.after is None and not evidence.all_presences):
        return None
    # The page answered before, and it is not known with which edition.
    if page_evidence.present_from_start is not None and page_evidence.present_from_start.begin < came.by:
        return None
    # On its page it is in time, so no one had to look elsewhere.
    if page_part.verdict in (VerdictKind.ON_TIME, VerdictKind.PENDING) and not part.exposures:
        return None
    page_came = page_part.first_seen if page_part.first_seen.by else Interval(page_evidence.last_absent, None)
    ahead = between(came, page_came)
    if ahead.min is None or ahead.min <= case.policy.uncertainty.total_seconds():
        return None
    origin, delay = None if case.window is None else case.window.origin, None
    if origin is not None and came.after is not None and came.after >= origin - timedelta(seconds=1):
        delay = since(came, origin)
    text = Reason.ELSEWHERE_FIRST.text(case.zone, url=part.url, came=came, ahead=ahead, delay=delay)
    return Finding(Kind.ELSEWHERE_FIRST, part.id, text, ahead)
