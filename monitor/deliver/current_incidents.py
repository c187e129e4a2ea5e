"""Brings incidents and their drafts up to date before people read them, because open delays grow
every second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.draft.versions import MONITOR
from alerts.finding import ReleaseFacts
from alerts.incident import NOT_MEASURED, Incident, find_known_incident
from monitor.deliver.verdicts import VerdictRecorder
from monitor.store.sql.read import Reads
from monitor.store.sql.write import Transaction

JudgeAt = Callable[[Reads, str, datetime], ReleaseFacts | None]
# Opening a draft again and again adds at most one version in this time.
_REDRAFT_AFTER = timedelta(seconds=10)


@dataclass(slots=True)
class CurrentIncidents:
    """Returns incidents with the facts of an instant, and redrafts their reports before a person
    opens them.

    `judge_at(read, release, instant)` returns the facts of a release at that instant, or None if it
    is unknown.
    """

    read: Reads
    judge_at: JudgeAt
    record: VerdictRecorder

    def within(self, tx: Transaction) -> CurrentIncidents:
        """Return the same, as a transaction sees the store."""
        return replace(self, read=tx.read)

    def find_facts(self, release: str, now: datetime) -> ReleaseFacts | None:
        """Return the facts of a release as of `now`, or None if it is unknown."""
        return self.judge_at(self.read, release, now)

    def refresh(self, known: Incident, now: datetime) -> Incident:
        """Return an incident with the facts as of `now`, or unchanged if its release is no longer
        measured.

        Its grade gets lower only if a person said so, and the names of producers stay. Looks and
        the gap between them are new. The rest of the certainty (clock, blind spans, evidence)
        stays, because `judge_at` does not know the clock and the evidence.
        """
        stored = known.facts
        facts = None
        if self._is_still_measured(known):
            facts = self.find_facts(known.release, now)
        if facts is None or stored is None:
            return known
        new = facts.certainty
        gap = stored.certainty.widest_gap if new.widest_gap is None else new.widest_gap
        certainty = replace(
            stored.certainty, looks=new.looks, failed_looks=new.failed_looks, widest_gap=gap
        )
        facts = replace(facts, certainty=certainty, names=stored.names)
        return replace(known, facts=facts, grade=known.choose_grade(facts.grade))

    def prepare_redraft(self, incident: str, now: datetime) -> Callable[[Transaction], None] | None:
        """Return a function that writes a new version of an incident's draft, or None if it needs
        none.

        It needs none if it is signed, if the monitor wrote a version seconds ago, or if its facts
        cannot change.
        """
        verdicts = self.read.verdicts
        known, drafts = verdicts.incident(incident), verdicts.drafts(incident)
        if known is None or not drafts or any(draft.signed is not None for draft in drafts):
            return None
        is_recent = drafts[-1].by == MONITOR and now - drafts[-1].at < _REDRAFT_AFTER
        # The incident of a platform is not measured itself, but it is linked to incidents of
        # releases that may be.
        can_change = self._is_still_measured(known) or known.linked
        if is_recent or not can_change:
            return None
        fresh = self.refresh(known, now)

        def write(tx: Transaction) -> None:
            # If the incident changed since it was read above, that change also wrote a draft, which
            # is newer than this.
            if tx.read.verdicts.incident(incident) == known:
                self.record.redraft(tx, fresh, now)

        return write

    def _is_still_measured(self, incident: Incident) -> bool:
        if incident.facts is None or incident.facts.final or incident.kind in NOT_MEASURED:
            return False
        of_release = self.read.verdicts.incidents_of(incident.release)
        last = find_known_incident(of_release, incident.release)
        return last is not None and last.id == incident.id
