"""The events that people noted or ticked, as one list in time order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from alerts.actions import ACTION_PREFIX
from alerts.draft import guidance, words
from alerts.draft.edits import STEP_PREFIX
from alerts.draft.input import DraftInput
from alerts.incident import ACKNOWLEDGED, MONITOR
from schedules.times.zone import local, local_date

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


def write_chronology(inputs: DraftInput) -> tuple[str, ...]:
    """Return a heading and one line for each event that a person logged or ticked, oldest first;
    empty without any.
    """
    events = sorted(
        [*_list_logged_events(inputs), *_list_ticked_steps(inputs)], key=lambda event: event[0]
    )
    lines, named_day = [], None
    for at, text in events:
        lines.append(
            f"{words.capitalise(words.format_clock_day(at, inputs.timezone, named_day))}: {text}"
        )
        named_day = local_date(at, inputs.timezone)
    return (HEADING, *lines) if lines else ()


def _list_logged_events(inputs: DraftInput) -> Iterator[Event]:
    for entry in inputs.incident.timeline_by_time:
        is_omitted = entry.text == inputs.incident.words.get("what") or entry.text.startswith(
            OMITTED_PREFIXES
        )
        if entry.by != MONITOR and not is_omitted:
            text = "took charge" if entry.text == ACKNOWLEDGED else entry.text.rstrip(".")
            yield entry.at, f"{text} ({entry.by})"


def _list_ticked_steps(inputs: DraftInput) -> Iterator[Event]:
    """Yield (instant, text) of each step that a person ticked with a time of day, such as `10:05,
    press office`.
    """
    opened = local(inputs.incident.opened, inputs.timezone).replace(second=0, microsecond=0)
    for step in guidance.list_steps(inputs.kinds):
        note = inputs.typed.get(f"{STEP_PREFIX}{step.id}", "")
        found = TIME_OF_DAY.search(note)
        if found is None:
            continue
        done = datetime.combine(opened.date(), time(int(found[1]), int(found[2])), opened.tzinfo)
        if done < opened:
            # No step is done before the incident was opened, so the time is of the next day.
            done += timedelta(days=1)
        rest_of_note = TIME_OF_DAY.sub("", note, count=1).strip(" ,.")
        by = f", {rest_of_note}" if rest_of_note else ""
        yield done.astimezone(UTC), f"{step.text.rstrip('.')}: done{by}"
