"""An alternative address had it before the one that was promised."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from alerts.finding import Elsewhere
from monitor.judge.case import Case
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.verdict import Finding, Kind, PartVerdict, Word
from schedules.announcement import Role
from schedules.times.interval import NOTHING, Bounds, Interval, between, since
from schedules.times.words import between_exactly, lengths

Pair = tuple[PartVerdict, PartEvidence]


def elsewhere_first(case: Case, pairs: Iterable[Pair]) -> list[Finding]:
    """Return the alternatives proved to have been out before the landing page.

    When the page came in time nobody was sent elsewhere: only an alternative out before the slot counts then.
    """
    pairs = list(pairs)
    page = next((pair for pair in pairs if pair[0].id == "page"), None)
    if page is None:
        return []
    others = [pair for pair in pairs if pair[0].role == Role.ALTERNATIVE.value]
    return [found for other in others if (found := _first(case, page, other)) is not None]


def public_elsewhere(sights: Iterable[PartEvidence]) -> tuple[Elsewhere, ...]:
    """Return where else than at its page the release was public, the first one first, whatever its slot was."""
    found = [
        Elsewhere(sight.part.id, sight.part.url, presence.appears, presence.goes or NOTHING)
        for sight in sights
        if sight.part.role is Role.ALTERNATIVE
        for presence in sight.public
    ]
    return tuple(sorted(found, key=lambda one: (one.start.by is None, one.start.by, one.part)))


def _first(case: Case, page: Pair, other: Pair) -> Finding | None:
    (part, sight), (landing, landing_sight) = other, page
    came = sight.public[0].appears if sight.public else part.first_seen
    if came.by is None or not (sight.public or came.after is not None):
        return None
    if landing.word in (Word.ON_TIME, Word.PENDING) and not part.exposures:
        return None
    lead = between(came, landing.first_seen if landing.first_seen.by else Interval(landing_sight.last_gone, None))
    if lead.min is None or lead.min <= case.policy.uncertainty.total_seconds():
        return None
    return Finding(Kind.ELSEWHERE_FIRST, part.id, _told(case, part, came, lead), lead)


def _told(case: Case, other: PartVerdict, came: Interval, lead: Bounds) -> str:
    text = f"{other.url} had it {between_exactly(came, case.zone)}, {lengths(lead)} before the announced address"
    origin = None if case.window is None else case.window.origin
    if origin is None or came.after is None or came.after < origin - timedelta(seconds=1):
        return text
    return f"{text}, {lengths(since(came, origin))} after the slot"
