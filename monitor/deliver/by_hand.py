"""An incident that a person saw, written down with its draft and its notice."""

from __future__ import annotations

from datetime import datetime

from alerts.incident import Decision, Incident
from alerts.notice import opening
from monitor.deliver.verdicts import VerdictRecord
from monitor.store.interface import Transaction, VerdictStore


def write_by_hand(
    tx: Transaction, verdicts: VerdictStore, record: VerdictRecord, incident: Incident, now: datetime
) -> bool:
    """Write an incident that was logged by hand; False when it was logged already."""
    if verdicts.incident(incident.id) is not None:
        return False
    record.follow(tx, Decision(incident, (opening(incident, now),), draft=True), now)
    return True
