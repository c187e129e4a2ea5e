"""Drafts list hashes of their evidence, are stored together with their incident, and show no content seen early."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from alerts.draft.code import load_editions, override_editions
from alerts.draft.report import report_from_json
from alerts.draft.versions import append_signature
from monitor.deliver.drafts import ENDINGS, draft_row, render_draft, versions_from_rows
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder, body_of
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.store.rows import Record
from tests.worlds.instants import after_slot
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

OVERDUE_AT, LATE_AT = 400, 1300
"""Seconds after the slot: the page is still absent, and it came 1200 seconds late."""
SECRET = "unemployment fell to 3.9%"
STORED = Record("edge", 1, "turn", after_slot(0), "f.warc", 0, 10, "ab" * 32, "cd" * 32)
NOT_STORED_YET = Record("edge", 2, "turn", after_slot(60), "f.warc", 10, 10, "ef" * 32, "01" * 32)


def record_verdict(store: TemporaryStore, verdict: Verdict, events: VerdictRecorder | None = None) -> str:
    """Record a verdict of three looks, as records `edge-1` to `edge-3`. Return the id of its incident."""
    events = events or VerdictRecorder(store, ReportingRules(channels=["mail"]))
    measured = Measurement("edge", records=(("edge-1", ""), ("edge-2", ""), ("edge-3", "")))
    with store.transaction() as tx:
        incident = events.record(tx, verdict, measured, verdict.at).incident
    assert incident is not None
    return incident.id


def store_with_first_record() -> TemporaryStore:
    store = TemporaryStore()
    with store.transaction() as tx:
        tx.add_evidence([STORED])
    return store


def early_verdict() -> Verdict:
    """Return the verdict, a minute after the slot, on a page that was public for ten minutes an hour before it."""
    runs = [
        a_run("page", State.ABSENT, -7200, -3600),
        replace(a_run("page", State.PRESENT, -3595, -3000), specific=True, evidence=("edge-1",), why=SECRET),
        a_run("page", State.ABSENT, -2995, 60),
    ]
    return judge(a_release(), [a_promise()], {"r/page/edge": runs}, [], Policy(), after_slot(60))


def test_an_incident_has_hashes_of_records_stored_before_or_in_the_same_transaction() -> None:
    store = store_with_first_record()
    events = VerdictRecorder(store, ReportingRules(), lambda: [NOT_STORED_YET])
    incident = store.verdicts.incident(record_verdict(store, a_late_verdict(OVERDUE_AT), events))
    assert incident is not None
    assert incident.facts is not None
    hashes = dict(incident.facts.certainty.records)
    assert hashes == {"edge-1": STORED.sha256, "edge-2": NOT_STORED_YET.sha256, "edge-3": ""}
    # The annex of the draft shows the hashes.
    report = report_from_json(store.verdicts.drafts(incident.id)[-1].facts)
    cells = [cell for table in report.annex for row in table.rows for cell in row]
    assert all(any(record.sha256 in cell for cell in cells) for record in (STORED, NOT_STORED_YET))


def test_a_second_monitor_with_other_counts_of_looks_adds_no_draft_and_no_notice() -> None:
    store = store_with_first_record()
    events, drafts, notice_counts = VerdictRecorder(store, ReportingRules()), [], []
    for judged_at in (OVERDUE_AT, LATE_AT):
        for monitor, delay in (("north", 0.0), ("south", 0.5)):
            runs = {"r/page/edge": [replace(a_run("page", State.ABSENT, -3600, OVERDUE_AT), looks=len(drafts) + 10)]}
            measured = Measurement(monitor, runs, records=(("north-1", ""), ("south-1", "")))
            with store.transaction() as tx:
                incident = events.record(
                    tx, a_late_verdict(judged_at), measured, after_slot(judged_at + delay)
                ).incident
            assert incident is not None
            drafts.append(store.verdicts.drafts(incident.id)[-1])
            notice_counts.append(len(store.outbox.notices()))
    assert [draft.version for draft in drafts] == [1, 1, 2, 2]
    assert notice_counts == [1, 1, 2, 2]
    assert "made by the monitors “north” and “south”" in str(drafts[-1].facts)


def test_an_interrupted_transaction_stores_neither_incident_nor_notice_nor_draft() -> None:
    store = TemporaryStore()

    def record_and_fail() -> None:
        with store.transaction() as tx:
            events = VerdictRecorder(store, ReportingRules(channels=["mail"]))
            events.record(tx, a_late_verdict(OVERDUE_AT), Measurement(), after_slot(OVERDUE_AT))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        record_and_fail()
    rows = [store.verdicts.incidents(), store.outbox.notices(), store.outbox.deliveries(), store.verdicts.judged()]
    assert rows == [[], [], [], []]
    incident = record_verdict(store, a_late_verdict(OVERDUE_AT))
    assert [(draft.version, draft.at) for draft in store.verdicts.drafts(incident)] == [(1, after_slot(OVERDUE_AT))]


def test_content_seen_before_its_slot_is_not_in_drafts_or_notices() -> None:
    store = store_with_first_record()
    verdict = early_verdict()
    assert verdict.verdict.value == "early"
    name = record_verdict(store, verdict)
    draft = store.verdicts.drafts(name)[-1]
    for ending in ENDINGS:
        assert SECRET.encode() not in render_draft(draft, ending)[0]
    assert SECRET not in str(draft)
    assert all(SECRET not in str(notice) for notice in store.outbox.notices())
    assert SECRET not in str(body_of(verdict, store.verdicts.incident(name)))


def test_a_measurement_after_sign_off_is_marked_as_an_amendment() -> None:
    store = TemporaryStore()
    name = record_verdict(store, a_late_verdict(OVERDUE_AT))
    signed_at = after_slot(OVERDUE_AT + 100)
    versions = append_signature(versions_from_rows(store.verdicts.drafts(name)), "head of profession", signed_at)
    with store.transaction() as tx:
        tx.add_draft(draft_row(versions[-1], name))
    record_verdict(store, a_late_verdict(LATE_AT))
    last = report_from_json(store.verdicts.drafts(name)[-1].facts)
    assert last.signed.startswith("Signed off by head of profession")
    assert [line.partition(" on ")[0] for line in last.amendments] == ["Amended after sign-off"]


def test_an_organisation_can_configure_when_an_edition_of_the_code_begins() -> None:
    editions = override_editions(load_editions(), {"2.0": date(2018, 1, 1)}, {})
    store = TemporaryStore()
    name = record_verdict(store, a_late_verdict(OVERDUE_AT), VerdictRecorder(store, ReportingRules(editions=editions)))
    assert store.verdicts.drafts(name)[-1].edition == "2.0"
    judged = store.verdicts.judged_one("r")
    assert judged is not None
    assert judged.body["code"]["edition"] == "2.0"


@pytest.mark.parametrize("template", ["damaged.docx", "missing.docx"])
def test_a_draft_is_a_word_document_even_if_its_template_is_damaged_or_missing(template: str, tmp_path: Path) -> None:
    store = TemporaryStore()
    draft = store.verdicts.drafts(record_verdict(store, a_late_verdict(OVERDUE_AT)))[-1]
    (tmp_path / "damaged.docx").write_bytes(b"no document")
    content, media = render_draft(draft, "docx", tmp_path / template)
    assert content.startswith(b"PK")
    assert media.endswith("wordprocessingml.document")
