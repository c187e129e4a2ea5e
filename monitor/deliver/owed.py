"""Reports that somebody still has to sign, or to waive with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.incident import Incident
from monitor.store.interface import VerdictStore
from monitor.store.rows import Draft


def is_owed(incident: Incident, drafts: Sequence[Draft]) -> bool:
    """Tell whether the report of an incident is still to be signed or waived.

    What was signed before incidents said so themselves is known by its draft.
    """
    return incident.owes_report and not any(draft.signed for draft in drafts)


def reports_owed(store: VerdictStore) -> list[Incident]:
    """Return the incidents whose report is owed, the longest first."""
    found = (one for one in store.incidents() if one.owes_report and is_owed(one, store.drafts(one.id)))
    return sorted(found, key=lambda one: (one.opened, one.id))


def longest_owed(owed: Sequence[Incident], now: datetime) -> tuple[int, timedelta]:
    """Return how many reports are owed, and for how long the longest has been; before its slot nothing counts.

    What a person logged about no release has no slot to wait for, and a number names nobody.
    """
    known = [one for one in owed if one.facts is None or (one.facts.slot is not None and one.facts.slot <= now)]
    return len(known), max((now - one.opened for one in known), default=timedelta())
