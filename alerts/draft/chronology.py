"""What happened and what was done about it, as one list in the order of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.actions import ACTION_PREFIX
from alerts.draft import guidance
from alerts.draft.edits import STEP
from alerts.draft.input import DraftInput, bears_on, parts_in_order
from alerts.finding import Ended, Part, ReleaseFacts, part_name
from alerts.incident import ACKNOWLEDGED, MONITOR
from alerts.status import was_public_at_slot
from schedules.times.words import clock, day_text, rounded
from schedules.times.zone import local_date

HEADING = "Sequence of events"
AMENDED = "report amended: "
# What people write down for the record and for later reports is nothing that happened.
RECORDS = (
    "cause: ",
    "report signed off",
    "report waived",
    AMENDED,
    "closed",
    "other producers' incidents",
    ACTION_PREFIX,
)
TIME = re.compile(r"\b([01]?\d|2[0-3])[:.]([0-5]\d)\b")

Happening = tuple[datetime, str]


def chronology(case: DraftInput) -> tuple[str, ...]:
    """Return a heading and one line for each event, oldest first; empty until a person has logged or ticked one."""
    logged = [*_logged(case), *_ticked(case)]
    if not logged:
        return ()
    facts = case.measured
    every = sorted([*(_measured(facts) if facts is not None else ()), *logged], key=lambda each: each[0])
    return HEADING, *_lines(every, case.timezone)


def _lines(every: list[Happening], zone: str) -> Iterator[str]:
    before = None
    for at, text in every:
        day = local_date(at, zone)
        dated = "" if day == before else f"{day_text(day)}, "
        before = day
        yield f"{dated}{clock(at, zone)}: {text}"


def _logged(case: DraftInput) -> Iterator[Happening]:
    for entry in case.incident.timeline_by_time:
        is_told = entry.text == case.incident.words.get("what") or entry.text.startswith(RECORDS)
        if entry.by != MONITOR and not is_told:
            text = "took this on" if entry.text == ACKNOWLEDGED else entry.text.rstrip(".")
            yield entry.at, f"{text} ({entry.by})"


def _ticked(case: DraftInput) -> Iterator[Happening]:
    """Yield the steps that somebody ticked with a time of day: on the day of the incident or the one after."""
    for step in guidance.steps(case.kinds):
        said = case.typed.get(f"{STEP}{step.id}", "")
        if found := TIME.search(said):
            at = _on(case.incident.opened, time(int(found[1]), int(found[2])), case.timezone)
            yield at, f"{step.text.rstrip('.')}: done, {said.strip()}"


def _on(opened: datetime, of_day: time, zone: str) -> datetime:
    first = opened.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
    at = datetime.combine(first.date(), of_day, first.tzinfo)
    return (at if at >= first else datetime.combine(first.date() + timedelta(days=1), of_day, first.tzinfo)).astimezone(
        UTC
    )


def _measured(facts: ReleaseFacts) -> Iterator[Happening]:
    if facts.slot is not None:
        yield facts.slot, "announced time"
    for part in parts_in_order(facts):
        yield from _of(part) if bears_on(part) else ()


def _of(part: Part) -> Iterator[Happening]:
    # By when it was seen, outward to the second above, as the account says it.
    name = part_name(part)
    for each in part.exposures:
        if each.start.by is not None:
            yield rounded(each.start.by, up=True), f"{name} first seen, before its time"
        if each.to.by is not None and each.ended is Ended.REMOVED:
            yield rounded(each.to.by, up=True), f"{name} seen gone"
    released = part.released if part.exposures else part.first_seen
    if released.by is not None and not was_public_at_slot(part):
        yield rounded(released.by, up=True), f"{name} first seen{' after its time had come' if part.exposures else ''}"
