"""What people noted and did, as one list in time order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from alerts.actions import ACTION_PREFIX
from alerts.by_hand import ATTACHED_PREFIX, GRADED_PREFIX
from alerts.draft import guidance, words
from alerts.draft.done_steps import DoneStep, find_earliest, read_done_step
from alerts.draft.edits import STEP_PREFIX
from alerts.draft.input import DraftInput
from alerts.draft.report import Paragraphs
from alerts.incident import ACKNOWLEDGED, ASSIGNED_PREFIX, MONITOR, Entry, IncidentKind
from alerts.one_line import one_line
from alerts.steps import Step
from schedules.times.zone import local_date

HEADING = "Sequence of events"
AMENDED_PREFIX = "report amended: "
# Leave out entries for the record or for later reports. The account already names a decision.
OMITTED_PREFIXES = (
    ACKNOWLEDGED,
    ASSIGNED_PREFIX,
    "cause: ",
    "report signed off",
    "report waived",
    AMENDED_PREFIX,
    "closed",
    "decided to bring the release forward",
    "other producers' incidents",
    ACTION_PREFIX,
    ATTACHED_PREFIX,
    GRADED_PREFIX,
)
PUBLISHERS = {"www.gov.uk": "The GOV.UK support team was"}
"""Who publishes the pages of a host, with the verb of a sentence about them."""

# When something happened, and what makes a line of it from that time in words.
Event = tuple[datetime, Callable[[str], str]]


def write_chronology(inputs: DraftInput) -> Paragraphs:
    """Return a heading and one line for each event that was logged or ticked, oldest first; empty
    without any.
    """
    events = [*_list_logged_events(inputs), *_list_done_steps(inputs)]
    events += [(tick.at, partial(_write_entry, tick)) for tick in inputs.incident.ticks]
    lines, named_day = [], None
    for at, write_line in sorted(events, key=lambda event: event[0]):
        time = words.format_clock_day(at, inputs.timezone, named_day)
        lines.append(write_line(time))
        named_day = local_date(at, inputs.timezone)
    if not lines:
        return ()
    return (HEADING, *lines)


def _list_logged_events(inputs: DraftInput) -> Iterator[Event]:
    incident = inputs.incident
    # The account begins with the sentence by which a person logged the incident.
    logged = ""
    if incident.kind is IncidentKind.HAND:
        logged = one_line(incident.words.get("what", ""))
    for entry in incident.timeline_by_time:
        is_omitted = entry.text == logged or entry.text.startswith(OMITTED_PREFIXES)
        if entry.by != MONITOR and not is_omitted:
            yield entry.at, partial(_write_entry, entry)


def _list_done_steps(inputs: DraftInput) -> Iterator[Event]:
    """Yield each step that a person ticked with a time, if readers of the report care for it."""
    since = find_earliest(inputs.incident)
    for step in guidance.list_steps(inputs.kinds):
        text = inputs.typed.get(f"{STEP_PREFIX}{step.id}", "")
        done = read_done_step(text, since, inputs.timezone)
        if done is not None and step.past:
            yield done.at, partial(_write_done_step, step, done, inputs)


def _write_entry(entry: Entry, time: str) -> str:
    return f"{words.capitalise(time)}: {entry.text.rstrip('.')} ({entry.by})"


def _write_done_step(step: Step, done: DoneStep, inputs: DraftInput, time: str) -> str:
    publisher = PUBLISHERS.get(inputs.incident.host, "The people who publish it were")
    sentence = step.past.format(at=time, publisher=publisher)
    if done.note:
        sentence += f" ({done.note})"
    return f"{sentence}."
