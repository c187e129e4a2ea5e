"""What was ticked before a slot is a fact in the report of a breach."""

from __future__ import annotations

from alerts.draft.chronology import HEADING
from alerts.ticks import PAST, Tick
from monitor.deliver.assessment import assess
from monitor.deliver.drafts import versions_from_rows
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.ticks import make_tick
from monitor.deliver.verdicts import VerdictRecorder
from monitor.store.rows import Actor
from tests.worlds.instants import HOUR, SLOT
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

DUTY = Actor("user:anne", "duty officer")


def test_ticks_enter_the_chronology_of_a_later_report_and_acknowledge_nothing() -> None:
    store, late = TemporaryStore(), a_late_verdict(1800.0)
    with store.transaction() as tx:
        tx.save(make_tick(DUTY, Tick.SCHEDULED, "r", SLOT - HOUR))
        tx.save(DUTY.act("slot_settled", "r", SLOT - HOUR))
        tx.save(make_tick(DUTY, Tick.SCHEDULED, "other", SLOT - HOUR))
    with store.transaction() as tx:
        recorder = VerdictRecorder(ReportingRules())
        recorder.record(tx, assess(late, Measurement()), late.at)
    (incident,) = store.verdicts.incidents_of("r")
    assert [(one.by, one.text) for one in incident.ticks] == [
        ("duty officer", PAST[Tick.SCHEDULED])
    ]
    assert incident.acknowledged is None
    (draft,) = versions_from_rows(store.verdicts.drafts(incident.id))
    paragraphs = [
        line
        for section in draft.report.sections
        for field in section.fields
        for line in field.paragraphs
    ]
    event = (
        "8.30am on Friday 5 January 2018: the release was scheduled in the publishing tool for the"
        " announced time (duty officer)"
    )
    assert paragraphs[paragraphs.index(HEADING) + 1] == event
