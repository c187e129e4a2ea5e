"""Corrective actions: what is to be done so that it does not happen again, by which role and by when. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from alerts.by_hand import NotEnough, as_role, instant_before, writable
from alerts.incident import Action, Entry, Incident
from alerts.one_line import one_line
from schedules.times.words import day_text
from schedules.times.zone import local_date

RECORD = "action no. "
"""How every line of the timeline on an action begins."""


def add_action(
    incident: Incident, role: str, typed: Mapping[str, str], now: datetime, timezone: str = "Europe/London"
) -> Incident:
    """Write down what is to be done: `text`, the `owner`, a role, and the last local day it is `due` on (ISO).

    The same action twice changes nothing. Raises `NotEnough` with every fault.
    """
    words, due, by, faults = one_line(writable(typed["text"])), typed["due"].strip(), as_role(role), []
    try:
        day = date.fromisoformat(due)
        if day < local_date(incident.occurred, timezone):
            faults.append(f'due: lies before the incident (got "{typed["due"]}")')
    except ValueError:
        day = date.min
        faults.append(f'due: say by which day, such as "2018-01-12" (got "{typed["due"]}")')
    try:
        whose = as_role(typed["owner"])
    except NotEnough as fault:
        whose = ""
        faults += [f"owner: {line}" for line in fault.faults]
    faults += [] if words else ["text: say what is to be done"]
    if faults:
        raise NotEnough(faults)
    made = Action(words, whose, day)
    if any((one.text, one.owner, one.due) == (words, whose, day) for one in incident.actions):
        return incident
    line = f"{RECORD}{len(incident.actions) + 1}: {words} ({whose}, by {day_text(day)})"
    told = Entry(now, by, line)
    return replace(incident, actions=(*incident.actions, made), timeline=(*incident.timeline, told))


def action_done(
    incident: Incident, role: str, number: int, now: datetime, at: str = "", timezone: str = "Europe/London"
) -> Incident:
    """Write down that an action, counted from 1, was done at a local date-time, now without one.

    One that was done before stays as it is. Raises `NotEnough` for an action there is not, and for what is no time.
    """
    by, done = as_role(role), instant_before(at, now, timezone)
    if not 1 <= number <= len(incident.actions):
        raise NotEnough([f"no action {number} of {incident.id}, there are {len(incident.actions)}"])
    action = incident.actions[number - 1]
    if action.done is not None:
        return incident
    actions = list(incident.actions)
    actions[number - 1] = replace(action, done=done, done_by=by)
    told = Entry(done, by, f"{RECORD}{number}: done")
    return replace(incident, actions=tuple(actions), timeline=(*incident.timeline, told))


def in_words(action: Action, timezone: str) -> str:
    """Return an action as a report tells it."""
    when = (
        f"by {day_text(action.due)}"
        if action.done is None
        else f"done on {day_text(local_date(action.done, timezone))}"
    )
    return f"{action.text.rstrip('.')}: {action.owner}, {when}."


def is_overdue(action: Action, today: date) -> bool:
    """Tell whether an action should have been done before this day."""
    return action.done is None and action.due < today


def overdue(incidents: Iterable[Incident], today: date) -> list[tuple[Incident, int, Action]]:
    """Return the actions that should have been done before this day, with their numbers, the longest first."""
    return [each for each in waiting(incidents) if is_overdue(each[2], today)]


def waiting(incidents: Iterable[Incident], *, done: bool = False) -> list[tuple[Incident, int, Action]]:
    """Return actions with their numbers, those due first in front; what is done too only when `done`."""
    every = [(one, number, action) for one in incidents for number, action in enumerate(one.actions, 1)]
    found = [each for each in every if done or each[2].done is None]
    return sorted(found, key=lambda each: (each[2].done is not None, each[2].due, each[0].id, each[1]))
