"""Rows of a period as the store would give them, made from the facts of an incident."""

from __future__ import annotations

from alerts.draft.period import Row
from alerts.finding import ReleaseFacts
from schedules.times.interval import Interval


def row_of(facts: ReleaseFacts, practice: str = "", cause: str = "", incident: str = "") -> Row:
    page = facts.page
    longest = max((each.seconds for each in facts.exposures), key=lambda each: each.min or 0.0, default=None)
    row = (facts.release, facts.title, facts.producer, facts.url, facts.timezone, facts.slot, facts.verdict)
    seen, delay = (page.first_seen, page.delay) if page else (Interval(), None)
    return Row(*row, seen, delay, longest, practice, cause, incident)
