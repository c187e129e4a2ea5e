"""What somebody still owes: reports to be signed, or waived with a reason, and actions that should have been done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from alerts.actions import overdue_actions
from alerts.incident import Action, Incident
from monitor.store.rows import Draft
from monitor.store.sql.read import VerdictStore

_MOST = 10_000


def is_owed(incident: Incident, drafts: Sequence[Draft]) -> bool:
    """Tell whether the report of an incident is still to be signed or waived.

    What was signed before incidents said so themselves is known by its draft.
    """
    return incident.owes_report and not any(draft.signed for draft in drafts)


def wants_somebody(incident: Incident, drafts: Callable[[str], Sequence[Draft]], today: date) -> bool:
    """Tell whether it is not over, its report is owed, or one of its actions was to be done before this local day."""
    return incident.closed is None or bool(overdue_actions([incident], today)) or is_owed(incident, drafts(incident.id))


def owed_on(store: VerdictStore, today: date) -> tuple[list[Incident], list[tuple[Incident, int, Action]]]:
    """Return the incidents whose report is owed, and the actions that were due before this local day: oldest first."""
    still = store.open_incidents(_MOST)
    reports = [one for one in still if one.owes_report and is_owed(one, store.drafts(one.id))]
    return sorted(reports, key=lambda one: (one.opened, one.id)), overdue_actions(still, today)


def is_countable(incident: Incident, now: datetime) -> bool:
    """Tell whether what is owed for an incident may count in a number that anybody reads."""
    return incident.facts is None or (incident.facts.slot is not None and incident.facts.slot <= now)


def longest_owed(owed: Sequence[Incident], now: datetime) -> tuple[int, timedelta]:
    """Return how many reports are owed, and for how long the longest has been; before its slot nothing counts.

    What a person logged about no release has no slot to wait for, and a number names nobody.
    """
    known = [one for one in owed if is_countable(one, now)]
    return len(known), max((now - one.opened for one in known), default=timedelta())
