"""What people did and learned, as one list in the order of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.actions import ACTION_PREFIX
from alerts.draft import guidance, words
from alerts.draft.edits import STEP
from alerts.draft.input import DraftInput
from alerts.incident import ACKNOWLEDGED, MONITOR
from schedules.times.zone import local_date

HEADING = "Sequence of events"
AMENDED = "report amended: "
# Leave out entries for the record or for later reports. The account already names a decision.
RECORDS = (
    "cause: ",
    "report signed off",
    "report waived",
    AMENDED,
    "closed",
    "decided to bring the release forward",
    "other producers' incidents",
    ACTION_PREFIX,
)
TIME = re.compile(r"\b([01]?\d|2[0-3])[:.]([0-5]\d)\b")

Happening = tuple[datetime, str]


def chronology(case: DraftInput) -> tuple[str, ...]:
    """Return a heading and one line for each event that a person logged or ticked, oldest first; empty without any.

    When each address was available is in the account above it.
    """
    lines, known = [HEADING], None
    for at, text in sorted([*_logged(case), *_ticked(case)], key=lambda each: each[0]):
        lines.append(f"{words.capital(words.clock_on(at, case.timezone, known))}: {text}")
        known = local_date(at, case.timezone)
    return tuple(lines) if known else ()


def _logged(case: DraftInput) -> Iterator[Happening]:
    for entry in case.incident.timeline_by_time:
        is_told = entry.text == case.incident.words.get("what") or entry.text.startswith(RECORDS)
        if entry.by != MONITOR and not is_told:
            text = "took charge" if entry.text == ACKNOWLEDGED else entry.text.rstrip(".")
            yield entry.at, f"{text} ({entry.by})"


def _ticked(case: DraftInput) -> Iterator[Happening]:
    """Yield the steps that somebody ticked with a time of day: on the day of the incident or the one after."""
    for step in guidance.steps(case.kinds):
        said = case.typed.get(f"{STEP}{step.id}", "")
        if found := TIME.search(said):
            at = _on(case.incident.opened, time(int(found[1]), int(found[2])), case.timezone)
            by = TIME.sub("", said, count=1).strip(" ,.")
            yield at, f"{step.text.rstrip('.')}: done{f', {by}' if by else ''}"


def _on(opened: datetime, of_day: time, zone: str) -> datetime:
    first = opened.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
    at = datetime.combine(first.date(), of_day, first.tzinfo)
    return (at if at >= first else at + timedelta(days=1)).astimezone(UTC)
