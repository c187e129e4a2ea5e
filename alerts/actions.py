"""Corrective actions: tasks that prevent a repeat of an incident, each with its role and due date.

No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from alerts.by_hand import BoxFault, InvalidInput, clean_role, make_storable, parse_past_instant
from alerts.incident import Action, Entry, Incident
from alerts.one_line import one_line
from schedules.times.words import day_text
from schedules.times.zone import local_date

ACTION_PREFIX = "action no. "
"""The beginning of every timeline entry about an action."""


def add_action(
    incident: Incident,
    role: str,
    typed: Mapping[str, str],
    now: datetime,
    timezone: str = "Europe/London",
) -> Incident:
    """Add the action that a person typed: its `text`, its `owner` (a role) and the last day it is
    `due` on (ISO).

    Returns the incident unchanged if it has this action. Raises `InvalidInput` with all faults.
    """
    text, by = one_line(make_storable(typed["text"])), clean_role(role)
    faults = list[BoxFault]()
    due, owner = date.min, ""
    try:
        due = date.fromisoformat(typed["due"].strip())
        if due < local_date(incident.occurred, timezone):
            why = f'give a day after the incident (got "{typed["due"]}")'
            faults.append(BoxFault("due", why))
    except ValueError:
        why = f'not a date, write it as "2018-01-12" (got "{typed["due"]}")'
        faults.append(BoxFault("due", why))
    try:
        owner = clean_role(typed["owner"])
    except InvalidInput as fault:
        faults += [BoxFault("owner", one.why) for one in fault.faults]
    if not text:
        faults.append(BoxFault("text", "say what must be done"))
    if faults:
        raise InvalidInput(*faults)
    action = Action(text, owner, due)
    if any(
        (known.text, known.owner, known.due) == (text, owner, due) for known in incident.actions
    ):
        return incident
    entry = Entry(
        now, by, f"{ACTION_PREFIX}{len(incident.actions) + 1}: {text} ({owner}, by {day_text(due)})"
    )
    return replace(incident.with_entries(entry), actions=(*incident.actions, action))


def complete_action(
    incident: Incident,
    role: str,
    number: int,
    now: datetime,
    at: str = "",
    timezone: str = "Europe/London",
) -> Incident:
    """Mark action `number` (from 1) as done at local date-time `at` (default: now).

    Returns the incident unchanged if it was done before. Raises `InvalidInput` for an unknown
    action or a future time.
    """
    by, done = clean_role(role), parse_past_instant(at, now, timezone)
    if not 1 <= number <= len(incident.actions):
        why = f"no action {number} of {incident.id}, there are {len(incident.actions)}"
        raise InvalidInput(BoxFault("", why))
    action = incident.actions[number - 1]
    if action.done is not None:
        return incident
    actions = list(incident.actions)
    actions[number - 1] = replace(action, done=done, done_by=by)
    entry = Entry(done, by, f"{ACTION_PREFIX}{number}: done")
    return replace(incident.with_entries(entry), actions=tuple(actions))


def describe_action(action: Action, timezone: str) -> str:
    """Return an action as one sentence of a report: the text, the owner, and the day it is due or
    was done.
    """
    when = f"by {day_text(action.due)}"
    if action.done is not None:
        when = f"done on {day_text(local_date(action.done, timezone))}"
    return f"{action.text.rstrip('.')}: {action.owner}, {when}."


def is_overdue(action: Action, today: date) -> bool:
    """Return whether an action is not done although it was due before this day."""
    return action.done is None and action.due < today


def overdue_actions(
    incidents: Iterable[Incident], today: date
) -> list[tuple[Incident, int, Action]]:
    """Return each overdue action with its incident and its number in it, the longest overdue
    first.
    """
    return [row for row in list_actions(incidents) if is_overdue(row[2], today)]


def list_actions(
    incidents: Iterable[Incident], *, done: bool = False
) -> list[tuple[Incident, int, Action]]:
    """Return (incident, number from 1, action) of each open action by due day; `done` adds finished
    ones at the end.
    """
    found: list[tuple[Incident, int, Action]] = []
    for incident in incidents:
        for number, action in enumerate(incident.actions, 1):
            if done or action.done is None:
                found.append((incident, number, action))
    return sorted(found, key=lambda row: (row[2].done is not None, row[2].due, row[0].id, row[1]))
