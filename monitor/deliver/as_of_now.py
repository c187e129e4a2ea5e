"""Incidents and their drafts as of now: what grows has grown since they were written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.draft.versions import MONITOR
from alerts.fact_rules import worse_grade
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, Kind, find_known_incident
from monitor.deliver.verdicts import VerdictRecord
from monitor.store.rows import Draft
from monitor.store.sql.read import VerdictStore
from monitor.store.sql.write import Transaction

Afresh = Callable[[str, datetime], ReleaseFacts | None]
# A draft that is opened again and again makes no more versions than this.
_FRESH = timedelta(seconds=10)
_NOT_MEASURED = (Kind.HAND, Kind.LEAD)


def brought_up_to_date(incident: Incident, facts: ReleaseFacts | None) -> Incident:
    """Return an incident with what is measured by now; how it was measured stays as it was written down."""
    measured = incident.facts
    if facts is None or measured is None:
        return incident
    sure, fresh = measured.certainty, facts.certainty
    gap = sure.widest_gap if fresh.widest_gap is None else fresh.widest_gap
    sure = replace(sure, looks=fresh.looks, failed_looks=fresh.failed_looks, widest_gap=gap)
    facts = replace(facts, certainty=sure, names=measured.names)
    return replace(incident, facts=facts, grade=worse_grade(incident.grade, facts.grade))


@dataclass(slots=True)
class AsOfNow:
    """Reads incidents as they stand at an instant, and writes their drafts anew before somebody opens them.

    `afresh` judges a release as of an instant, None when it is not known.
    """

    verdicts: VerdictStore
    afresh: Afresh
    record: VerdictRecord

    def incident(self, known: Incident, now: datetime) -> Incident:
        """Return an incident with what is measured of its release by now; itself where nothing is measured any more."""
        if not self._grows(known):
            return known
        return brought_up_to_date(known, self.afresh(known.release, now))

    def renewal(self, incident: str, now: datetime) -> Callable[[Transaction], None] | None:
        """Return what writes the draft of an incident anew, None where it says all that is known by now.

        One that was signed off says what was signed, until something is measured that people are told of.
        """
        known, drafts = self.verdicts.incident(incident), self.verdicts.drafts(incident)
        if known is None or not drafts or _is_fresh(drafts, now) or not (self._grows(known) or known.linked):
            return None
        fresh = self.incident(known, now)

        def write(tx: Transaction) -> None:
            # Whatever was written down meanwhile is newer than this.
            if self.verdicts.incident(incident) == known:
                self.record.redraft(tx, fresh, now)

        return write

    def _grows(self, incident: Incident) -> bool:
        if incident.facts is None or incident.facts.final or incident.kind in _NOT_MEASURED:
            return False
        last = find_known_incident(self.verdicts.incidents_of(incident.release), incident.release)
        return last is not None and last.id == incident.id


def _is_fresh(drafts: list[Draft], now: datetime) -> bool:
    last = drafts[-1]
    is_signed = any(draft.signed is not None for draft in drafts)
    return is_signed or (last.by == MONITOR and now - last.at < _FRESH)
