"""The events that people noted or ticked, as one list in time order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.actions import ACTION_PREFIX
from alerts.draft import guidance, words
from alerts.draft.edits import STEP_PREFIX
from alerts.draft.input import DraftInput
from alerts.incident import ACKNOWLEDGED, MONITOR
from schedules.times.zone import local_date

HEADING = "Sequence of events"
AMENDED_PREFIX = "report amended: "
# Leave out entries for the record or for later reports. The account already names a decision.
OMITTED_PREFIXES = (
    "cause: ",
    "report signed off",
    "report waived",
    AMENDED_PREFIX,
    "closed",
    "decided to bring the release forward",
    "other producers' incidents",
    ACTION_PREFIX,
)
TIME_OF_DAY = re.compile(r"\b([01]?\d|2[0-3])[:.]([0-5]\d)\b")

Event = tuple[datetime, str]


def write_chronology(case: DraftInput) -> tuple[str, ...]:
    """Return a heading and one line for each event that a person logged or ticked, oldest first; empty without any.

    The times at which each address was available are in the account above this list.
    """
    lines, known = [], None
    for at, text in sorted([*_list_logged_events(case), *_list_ticked_steps(case)], key=lambda each: each[0]):
        lines.append(f"{words.capitalise(words.format_clock_day(at, case.timezone, known))}: {text}")
        known = local_date(at, case.timezone)
    return (HEADING, *lines) if lines else ()


def _list_logged_events(case: DraftInput) -> Iterator[Event]:
    """Yield the notes that people made during the incident, except those that the account or the record has."""
    for entry in case.incident.timeline_by_time:
        is_omitted = entry.text == case.incident.words.get("what") or entry.text.startswith(OMITTED_PREFIXES)
        if entry.by != MONITOR and not is_omitted:
            text = "took charge" if entry.text == ACKNOWLEDGED else entry.text.rstrip(".")
            yield entry.at, f"{text} ({entry.by})"


def _list_ticked_steps(case: DraftInput) -> Iterator[Event]:
    """Yield the steps that a person ticked with a time of day."""
    for step in guidance.list_steps(case.kinds):
        note = case.typed.get(f"{STEP_PREFIX}{step.id}", "")
        if found := TIME_OF_DAY.search(note):
            at = _find_instant(case.incident.opened, time(int(found[1]), int(found[2])), case.timezone)
            by = TIME_OF_DAY.sub("", note, count=1).strip(" ,.")
            yield at, f"{step.text.rstrip('.')}: done{f', {by}' if by else ''}"


def _find_instant(opened: datetime, of_day: time, zone: str) -> datetime:
    """Return the first instant with this local time of day at or after the minute in which the incident opened."""
    first = opened.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
    at = datetime.combine(first.date(), of_day, first.tzinfo)
    return (at if at >= first else at + timedelta(days=1)).astimezone(UTC)
