"""Findings from the ledger: what calendars announced, when, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.judge.case import Case
from monitor.judge.reasons import Reason
from schedules.contract.verdict import Finding, Kind, PartVerdict, VerdictKind


def find_in_ledger(case: Case, parts: Iterable[PartVerdict]) -> list[Finding]:
    """Return the findings from the ledger: calendars that disagree, short notice, no announcement.

    Their `at` is the time of the read that showed it, equal for all entries changed by one edit of a calendar.
    """
    found = []
    in_force = case.in_force
    if in_force.disagreements and in_force.promise is not None:
        differing = (in_force.promise, *in_force.disagreements)
        text, at = Reason.CALENDARS_DISAGREE.text(readings=differing), max(each.learnt for each in differing)
        found.append(Finding(Kind.CALENDARS_DISAGREE, None, text, at=at))
    if (short := in_force.short_notice) is not None:
        reason = Reason.SHORT_NOTICE
        text = reason.text(case.zone, change=short.what, days=short.days, read=short.at, since=short.since)
        found.append(Finding(Kind.SHORT_NOTICE, None, text, at=short.at))
    if any(part.verdict is VerdictKind.UNANNOUNCED for part in parts):
        found.append(Finding(Kind.UNANNOUNCED, None, Reason.UNANNOUNCED.text()))
    return found
