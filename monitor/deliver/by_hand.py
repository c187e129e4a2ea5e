"""What people do to incidents, written down: they log one that they saw, or say that they have one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from alerts.by_hand import acknowledge
from alerts.incident import Decision, Incident
from alerts.notice import opening
from monitor.clock import Clock
from monitor.deliver.verdicts import VerdictRecord
from monitor.store.interface import Transaction, VerdictStore
from monitor.store.writer import Writer

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """Writes down who has an incident."""

    verdicts: VerdictStore
    writer: Writer
    clock: Clock

    async def take(self, incident: str, role: str) -> Incident | None:
        """Write down that a role has an incident; None when there is none of that id. Raises `NotEnough`."""
        now = self.clock.now()

        def write(tx: Transaction) -> Incident | None:
            found = self.verdicts.incident(incident)
            if found is None:
                return None
            told = acknowledge(found, role, now)
            if told is not found:
                tx.save_incident(told)
            return told

        said = await self.writer.write(write)
        if said is not None:
            _log.info("acknowledged", incident=incident, role=role)
        return said


def write_by_hand(
    tx: Transaction, verdicts: VerdictStore, record: VerdictRecord, incident: Incident, now: datetime
) -> bool:
    """Write an incident that was logged by hand; False when it was logged already."""
    if verdicts.incident(incident.id) is not None:
        return False
    record.follow(tx, Decision(incident, (opening(incident, now),), draft=True), now)
    return True
