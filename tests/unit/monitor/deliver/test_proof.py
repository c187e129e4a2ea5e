"""Drafts list hashes of their evidence, are stored together with their incident, and show no
content seen early.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alerts.draft.code import load_editions, override_editions
from alerts.draft.report import report_from_json
from alerts.draft.versions import append_signature
from alerts.incident import Incident
from monitor.deliver.assessment import assess, body_of
from monitor.deliver.drafts import (
    ENDINGS,
    convert_to_pdf,
    draft_row,
    render_draft,
    versions_from_rows,
)
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.errors import EnvironmentFault
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.store.rows import Draft, Record
from tests.worlds.instants import after_slot
from tests.worlds.looks import a_run
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict, judged

OVERDUE_AT, LATE_AT = 400, 1300
"""Seconds after the slot: the page is still absent, and it came 1200 seconds late."""
SECRET = "unemployment fell to 3.9%"
STORED = Record("edge", 1, "turn", after_slot(0), "f.warc", 0, 10, "ab" * 32, "cd" * 32)
NOT_STORED_YET = Record("edge", 2, "turn", after_slot(60), "f.warc", 10, 10, "ef" * 32, "01" * 32)


def record_verdict(
    store: TemporaryStore, verdict: Verdict, recorder: VerdictRecorder | None = None
) -> Incident:
    """Record a verdict whose evidence is the records `edge-1` to `edge-3`. Return its incident."""
    recorder = recorder or VerdictRecorder(ReportingRules(channels=["mail"]))
    measured = Measurement("edge", records=("edge-1", "edge-2", "edge-3"))
    with store.transaction() as tx:
        recorder.record(tx, assess(verdict, measured), verdict.at)
    (incident,) = store.verdicts.incidents()
    return incident


def last_draft(store: TemporaryStore, incident: Incident) -> Draft:
    return store.verdicts.drafts(incident.id)[-1]


def store_with_first_record() -> TemporaryStore:
    store = TemporaryStore()
    with store.transaction() as tx:
        tx.add_evidence([STORED])
    return store


def test_incident_and_draft_have_the_hashes_of_their_records() -> None:
    """A verdict rests on three records of evidence: edge-1, edge-2 and edge-3.

    The store has edge-1. The transaction that stores the verdict also stores edge-2. There is no
    edge-3. So the incident and its draft list the hashes of edge-1 and edge-2, and no hash of
    edge-3.
    """
    store = store_with_first_record()
    records_of_the_transaction = [NOT_STORED_YET]  # edge-2
    recorder = VerdictRecorder(ReportingRules(), lambda: records_of_the_transaction)
    incident = record_verdict(store, a_late_verdict(OVERDUE_AT), recorder)
    assert incident.facts is not None
    hashes_by_record = dict(incident.facts.certainty.records)
    assert hashes_by_record == {
        "edge-1": STORED.sha256,
        "edge-2": NOT_STORED_YET.sha256,
        "edge-3": "",
    }
    # The annex of the draft lists the hashes.
    report = report_from_json(last_draft(store, incident).facts)
    cells = [cell for table in report.annex for row in table.rows for cell in row]
    assert any(STORED.sha256 in cell for cell in cells)
    assert any(NOT_STORED_YET.sha256 in cell for cell in cells)


def test_second_monitor_with_more_looks_adds_no_draft() -> None:
    """Two monitors, north and south, record the same two verdicts.

    South does so half a second after north.

    South has made one look more. Still, there is one draft and one notice for each verdict, not
    two. The last draft names both monitors.
    """
    store = store_with_first_record()
    recorder = VerdictRecorder(ReportingRules())

    def record_as(monitor: str, looks: int, judged_at: float, recorded_at: float) -> None:
        runs = {"r/page/edge": [a_run("page", State.ABSENT, -3600, OVERDUE_AT, looks=looks)]}
        measured = Measurement(monitor, runs, records=("north-1", "south-1"))
        with store.transaction() as tx:
            recorder.record(
                tx, assess(a_late_verdict(judged_at), measured), after_slot(recorded_at)
            )

    for verdicts_so_far, judged_at in enumerate((OVERDUE_AT, LATE_AT), start=1):
        record_as("north", looks=10, judged_at=judged_at, recorded_at=judged_at)
        record_as("south", looks=11, judged_at=judged_at, recorded_at=judged_at + 0.5)
        (incident,) = store.verdicts.incidents()
        assert len(store.verdicts.drafts(incident.id)) == verdicts_so_far
        assert len(store.outbox.notices()) == verdicts_so_far
    assert "made by the monitors “north” and “south”" in str(last_draft(store, incident).facts)


def test_an_interrupted_transaction_stores_neither_incident_nor_notice_nor_draft() -> None:
    """The first attempt to record a verdict fails in its transaction and stores nothing.

    A second one succeeds.
    """
    store = TemporaryStore()

    def record_and_fail() -> None:
        with store.transaction() as tx:
            recorder = VerdictRecorder(ReportingRules(channels=["mail"]))
            recorder.record(
                tx, assess(a_late_verdict(OVERDUE_AT), Measurement()), after_slot(OVERDUE_AT)
            )
            raise InterruptedError

    with pytest.raises(InterruptedError):
        record_and_fail()
    rows = [
        store.verdicts.incidents(),
        store.outbox.notices(),
        store.outbox.deliveries(),
        store.verdicts.judged(),
    ]
    assert rows == [[], [], [], []]
    # The same verdict, recorded again, gets the first version of its draft.
    incident = record_verdict(store, a_late_verdict(OVERDUE_AT))
    assert [draft.version for draft in store.verdicts.drafts(incident.id)] == [1]


def test_content_seen_before_the_slot_is_shown_nowhere() -> None:
    """A page is public for ten minutes, an hour before its slot.

    The look at it quotes a figure from it (SECRET).

    Figures must not be spread before the slot. So no draft, notice or published JSON may show it.
    """
    store = store_with_first_record()
    absent_before = a_run("page", State.ABSENT, -7200, -3600)
    public = a_run(
        "page", State.PRESENT, -3595, -3000, specific=True, evidence=("edge-1",), why=SECRET
    )
    absent_after = a_run("page", State.ABSENT, -2995, 60)
    verdict = judged(60, {"page": [absent_before, public, absent_after]})
    assert verdict.verdict.value == "early"
    incident = record_verdict(store, verdict)
    draft = last_draft(store, incident)
    for ending in ENDINGS:
        document, _media_type = render_draft(draft, ending)
        assert SECRET.encode() not in document
    assert SECRET not in str(draft)
    assert all(SECRET not in str(notice) for notice in store.outbox.notices())
    release_json = body_of(verdict, incident)
    assert SECRET not in str(release_json)


def test_a_measurement_after_sign_off_is_marked_as_an_amendment() -> None:
    """A release is overdue, and its report is signed. Then it comes out, and its delay is known.

    The next version of the report stays signed. It says that it was amended after sign-off.
    """
    store = TemporaryStore()
    incident = record_verdict(store, a_late_verdict(OVERDUE_AT))
    drafts = versions_from_rows(store.verdicts.drafts(incident.id))
    *_, signed = append_signature(drafts, "head of profession", after_slot(OVERDUE_AT + 100))
    with store.transaction() as tx:
        tx.add_draft(draft_row(signed, incident.id))
    record_verdict(store, a_late_verdict(LATE_AT))
    report = report_from_json(last_draft(store, incident).facts)
    assert report.signed is not None
    assert report.signed.by == "head of profession"
    (amendment,) = report.amendments
    assert amendment.startswith("Amended after sign-off on ")


def test_organisation_can_configure_when_a_code_edition_begins() -> None:
    """The Code of Practice has editions.

    The slot of a release decides which one applies. It is on 5 January 2018.

    Usually edition 2.0 begins later. This organisation configures 1 January 2018. So edition 2.0
    applies.
    """
    editions = override_editions(load_editions(), {"2.0": date(2018, 1, 1)}, {})
    store = TemporaryStore()
    recorder = VerdictRecorder(ReportingRules(editions=editions))
    incident = record_verdict(store, a_late_verdict(OVERDUE_AT), recorder)
    assert last_draft(store, incident).edition == "2.0"
    row = store.verdicts.judged_one("r")
    assert row is not None
    assert row.body["code"]["edition"] == "2.0"


@pytest.mark.parametrize("template", ["damaged.docx", "missing.docx"])
def test_unusable_template_still_gives_a_word_document(template: str, tmp_path: Path) -> None:
    """The template of the producer is damaged or missing."""
    store = TemporaryStore()
    draft = last_draft(store, record_verdict(store, a_late_verdict(OVERDUE_AT)))
    (tmp_path / "damaged.docx").write_bytes(b"no document")
    content, media_type = render_draft(draft, "docx", tmp_path / template)
    assert content.startswith(b"PK"), "a Word document is a zip file"
    assert media_type.endswith("wordprocessingml.document")


def test_without_libreoffice_the_error_is_one_line() -> None:
    with pytest.raises(
        EnvironmentFault, match=r"^no \.pdf: LibreOffice \(no-such-office\) is not installed$"
    ):
        convert_to_pdf(b"", "odt", "no-such-office")
