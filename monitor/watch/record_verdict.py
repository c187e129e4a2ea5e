"""Record each verdict that differs visibly from the last one, with how it was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alerts import fact_rules
from alerts.incident import BREACHES, find_incident_kind
from monitor.deliver.facts import Measurement, release_facts
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder, body_of, status_key
from monitor.errors import Conflict
from monitor.health.state import HealthState
from monitor.judge.verdict import Verdict
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.release import VisibleState, WatchedRelease
from schedules.announcement import Origin
from schedules.contract.verdict import FindingKind
from schedules.promise import Promise
from schedules.release import Release

_log = structlog.get_logger(__name__)
_NEAR_SLOT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes verdicts with the incidents and notices that follow from them.

    `blind` has this monitor's name and blind spans, `health` our clock's offset. `on_recorded` gets
    written verdicts.
    """

    writer: Writer
    events: VerdictRecorder
    blind: BlindSpans
    health: HealthState
    on_recorded: Callable[[RecordedVerdict], None]

    def how_measured(self, watched: WatchedRelease, verdict: Verdict) -> Measurement:
        """Return how a verdict was measured: vantage, runs, blind spans near its slot, clock
        offset, evidence.
        """
        slot = verdict.slot.begins() if verdict.slot else None
        near = [
            span for span in self.blind.spans if slot is None or abs(span.ends - slot) < _NEAR_SLOT
        ]
        records = tuple(
            (name, "") for runs in watched.runs.values() for run in runs for name in run.evidence
        )
        return Measurement(self.blind.monitor, watched.runs, near, self.health.offset, records)

    def has_changed(self, watched: WatchedRelease, verdict: Verdict) -> bool:
        """Return whether a verdict differs from the recorded one by more than durations that still
        grow.
        """
        return _visible_state(verdict, self.how_measured(watched, verdict)) != watched.last_recorded

    def is_new_breach(self, watched: WatchedRelease, verdict: Verdict) -> bool:
        """Return whether a verdict is a breach, and the recorded one is not."""
        kind = _visible_state(verdict, self.how_measured(watched, verdict)).incident_kind
        recorded = watched.last_recorded
        return kind in BREACHES and (recorded is None or recorded.incident_kind not in BREACHES)

    async def record(self, watched: WatchedRelease, verdict: Verdict, now: datetime) -> bool:
        """Write a verdict and call `on_recorded`, unless people would see no change but growing
        durations.

        Return False if the verdict could not be written, so that the release must be judged again.
        """
        measured = self.how_measured(watched, verdict)
        visible = _visible_state(verdict, measured)
        if visible == watched.last_recorded:
            return True
        # Portions of a calendar read may still wait to be written, perhaps with these promises. The
        # store must never have the verdict without its promises, so write them together.
        perhaps_unwritten = watched.promises if self.writer.backlog.portions_left() else ()

        def write(tx: Transaction) -> RecordedVerdict:
            _write_release_and_promises(tx, watched.announced, perhaps_unwritten)
            return self.events.record(tx, verdict, measured, now)

        try:
            recorded = await self.writer.write(write)
        except Conflict:  # a person changed the incident's draft at the same time
            return False
        watched.last_recorded = visible
        watched.incident = recorded.incident.id if recorded.incident else None
        kind, grade = verdict.verdict.value, verdict.grade.value
        _log.info(
            "verdict", release=verdict.release, verdict=kind, grade=grade, final=verdict.final
        )
        self.on_recorded(recorded)
        return True


def _write_release_and_promises(
    tx: Transaction, release: Release | None, promises: Sequence[Promise]
) -> None:
    """Write a release, its `promises` (oldest first) and each calendar's last confirmation.

    Without any, do nothing.
    """
    if release is None or not promises:
        return
    tx.save(release)
    tx.add_promises(promises)
    for calendar, newest in {promise.calendar: promise for promise in promises}.items():
        if newest.confirmed_at is not None:
            tx.confirm_all(calendar, [release.id], newest.confirmed_at)


def _visible_state(verdict: Verdict, measured: Measurement) -> VisibleState:
    """Return what people see of a verdict."""
    facts = release_facts(verdict, measured)
    return VisibleState(
        body=status_key(body_of(verdict, None)),
        facts=fact_rules.select_drafted_facts(facts),
        incident_kind=find_incident_kind(facts, verdict.at),
        platform=[found.detail for found in verdict.findings if found.kind is FindingKind.PLATFORM],
        linked=[part.url for part in verdict.parts if part.origin is Origin.LINKED],
    )
