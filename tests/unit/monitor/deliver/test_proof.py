"""What a draft rests on: hashes of what was kept, one transaction with its incident, and nothing seen too early."""

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

SECRET = "unemployment fell to 3.9%"
KEPT = Record("edge", 1, "turn", after_slot(0), "f.warc", 0, 10, "ab" * 32, "cd" * 32)
FRESH = Record("edge", 2, "turn", after_slot(60), "f.warc", 10, 10, "ef" * 32, "01" * 32)


def recorded(store: TemporaryStore, verdict: Verdict, now: float, events: VerdictRecorder | None = None) -> str:
    events = events or VerdictRecorder(store, ReportingRules(channels=["mail"]))
    measured = Measurement("edge", records=(("edge-1", ""), ("edge-2", ""), ("edge-3", "")))
    with store.transaction() as tx:
        incident = events.record(tx, verdict, measured, after_slot(now)).incident
    assert incident is not None
    return incident.id


def with_evidence() -> TemporaryStore:
    store = TemporaryStore()
    with store.transaction() as tx:
        tx.add_evidence([KEPT])
    return store


def early(now: float = 60) -> Verdict:
    runs = [
        a_run("page", State.ABSENT, -7200, -3600),
        replace(a_run("page", State.PRESENT, -3595, -3000), specific=True, evidence=("edge-1",), why=SECRET),
        a_run("page", State.ABSENT, -2995, now),
    ]
    return judge(a_release(), [a_promise()], {"r/page/edge": runs}, [], Policy(), after_slot(now))


def test_evidence_of_the_same_transaction_has_its_hash_too() -> None:
    store = with_evidence()
    events = VerdictRecorder(store, ReportingRules(), lambda: [FRESH])
    incident = store.verdicts.incident(recorded(store, a_late_verdict(400), 400, events))
    assert incident is not None
    assert incident.facts is not None
    known = dict(incident.facts.certainty.records)
    assert known == {"edge-1": KEPT.sha256, "edge-2": FRESH.sha256, "edge-3": ""}
    report = report_from_json(store.verdicts.drafts(incident.id)[-1].facts)
    cells = [cell for table in report.annex for row in table.rows for cell in row]
    assert any(KEPT.sha256 in cell for cell in cells)


def test_a_second_monitor_with_other_counts_of_looks_sends_no_second_notice() -> None:
    store = with_evidence()
    events, drafts = VerdictRecorder(store, ReportingRules()), []
    for monitor, now in (("north", 400.0), ("south", 400.5), ("north", 1300.0), ("south", 1300.5)):
        runs = {"r/page/edge": [replace(a_run("page", State.ABSENT, -3600, 400), looks=len(drafts) + 10)]}
        measured = Measurement(monitor, runs, records=(("north-1", ""), ("south-1", "")))
        with store.transaction() as tx:
            incident = events.record(
                tx, a_late_verdict(1300 if now >= 1300 else 400), measured, after_slot(now)
            ).incident
        assert incident is not None
        drafts.append(store.verdicts.drafts(incident.id)[-1])
    assert [draft.version for draft in drafts] == [1, 1, 2, 2]
    assert "made by the monitors “north” and “south”" in str(drafts[-1].facts)


def test_a_draft_appears_with_its_incident_or_not_at_all() -> None:
    store = TemporaryStore()

    class _Gone(Exception):
        pass

    def cut_off() -> None:
        with store.transaction() as tx:
            VerdictRecorder(store, ReportingRules(channels=["mail"])).record(
                tx, a_late_verdict(400), Measurement(), after_slot(400)
            )
            raise _Gone

    with pytest.raises(_Gone):
        cut_off()
    assert (store.verdicts.incidents(), store.outbox.notices(), store.outbox.deliveries(), store.verdicts.judged()) == (
        [],
        [],
        [],
        [],
    )
    name = recorded(store, a_late_verdict(400), 400)
    assert [draft.version for draft in store.verdicts.drafts(name)] == [1]
    assert store.verdicts.drafts(name)[0].at == after_slot(400)


def test_content_seen_before_its_slot_is_not_in_drafts_or_notices() -> None:
    store = with_evidence()
    verdict = early()
    assert verdict.verdict.value == "early"
    name = recorded(store, verdict, 60)
    draft = store.verdicts.drafts(name)[-1]
    for ending in ENDINGS:
        assert SECRET.encode() not in render_draft(draft, ending)[0]
    assert SECRET not in str(draft)
    assert all(SECRET not in str(notice) for notice in store.outbox.notices())
    assert SECRET not in str(body_of(verdict, store.verdicts.incident(name)))


def test_a_measurement_after_sign_off_is_marked_as_an_amendment() -> None:
    store = TemporaryStore()
    name = recorded(store, a_late_verdict(400), 400)
    versions = append_signature(versions_from_rows(store.verdicts.drafts(name)), "head of profession", after_slot(500))
    with store.transaction() as tx:
        tx.add_draft(draft_row(versions[-1], name))
    recorded(store, a_late_verdict(1300), 1300)
    last = report_from_json(store.verdicts.drafts(name)[-1].facts)
    assert last.signed.startswith("Signed off by head of profession")
    assert [line.partition(" on ")[0] for line in last.amendments] == ["Amended after sign-off"]


def test_an_organisation_can_correct_when_an_edition_begins_and_how_it_is_cited() -> None:
    editions = override_editions(load_editions(), {"2.0": date(2018, 1, 1)}, {"2.0/T3.6": "T3.6 (our reading)"})
    store = TemporaryStore()
    name = recorded(store, a_late_verdict(400), 400, VerdictRecorder(store, ReportingRules(editions=editions)))
    assert store.verdicts.drafts(name)[-1].edition == "2.0"
    judged = store.verdicts.judged_one("r")
    assert judged is not None
    assert judged.body["code"]["edition"] == "2.0"


def test_a_damaged_template_does_not_block_the_report(tmp_path: Path) -> None:
    store = TemporaryStore()
    draft = store.verdicts.drafts(recorded(store, a_late_verdict(400), 400))[-1]
    (tmp_path / "bad.docx").write_bytes(b"no document")
    for file in ("bad.docx", "gone.docx"):
        content, media = render_draft(draft, "docx", tmp_path / file)
        assert content.startswith(b"PK")
        assert media.endswith("wordprocessingml.document")
