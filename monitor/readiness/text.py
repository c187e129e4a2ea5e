"""Assessments in words."""

from __future__ import annotations

from collections import Counter

from monitor.readiness.line import Line, Readiness, ReadinessAssessment
from schedules.times.words import count, day_text
from schedules.times.zone import local, local_date

STATE_WORDS = {
    Readiness.NOT_READY: "not ready",
    Readiness.NOT_KNOWN: "not known",
    Readiness.READY: "ready",
}


def describe_assessment(assessment: ReadinessAssessment, timezone: str) -> str:
    """Return one line: the day with its slots, and how many checks have each state."""
    day = day_text(local_date(assessment.begin, timezone), weekday=True)
    if not assessment.slots:
        return f"{day}: no slot is ahead"
    times = ", ".join(f"{local(slot, timezone):%H:%M}" for slot in assessment.slots)
    numbers = Counter(line.state for line in assessment.lines)
    states = ", ".join(f"{numbers[state]} {words}" for state, words in STATE_WORDS.items())
    return f"{day}, {times}: {count(len(assessment.lines), 'check')}: {states}"


def describe_line(line: Line) -> str:
    """Return a line as one sentence, and what to do if there is anything."""
    todo = f". {line.todo}" if line.todo else ""
    return f"{line.subject}: {line.reason}{todo}"
