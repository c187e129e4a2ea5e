"""Finds work that is still owed: reports that are neither signed nor waived, and overdue
actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from alerts.actions import overdue_actions
from alerts.incident import Action, Incident
from monitor.store.sql.read import VerdictStore

_MOST = 10_000


def needs_action(incident: Incident, today: date) -> bool:
    """Return whether an incident is open, owes its report, or has an action that was due before
    this local day.
    """
    return (
        incident.closed is None or incident.owes_report or bool(overdue_actions([incident], today))
    )


def find_owed(
    store: VerdictStore, today: date
) -> tuple[list[Incident], list[tuple[Incident, int, Action]]]:
    """Return the incidents that owe their report, and the actions due before this local day.

    Both are oldest first.
    """
    unfinished = store.open_incidents(_MOST)
    reports = [one for one in unfinished if one.owes_report]
    return sorted(reports, key=lambda one: (one.opened, one.id)), overdue_actions(unfinished, today)


def is_countable(incident: Incident, now: datetime) -> bool:
    """Return whether an incident may count in public numbers: it has no release, or its slot has
    passed (`docs/how-to/sign-in.md#who-sees-what`).
    """
    return incident.facts is None or (
        incident.facts.slot is not None and incident.facts.slot <= now
    )


def count_owed(owed: Sequence[Incident], now: datetime) -> tuple[int, timedelta]:
    """Return how many of these reports count in public numbers, and how long the oldest of them has
    been owed.
    """
    known = [one for one in owed if is_countable(one, now)]
    return len(known), max((now - one.opened for one in known), default=timedelta())
