from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from alerts.by_hand import add_note, bring_forward
from alerts.draft.versions import append_edit, append_signature
from alerts.draft.write.outline import Document
from alerts.incident import Incident, Kind
from monitor.cli.today import board_cells
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.drafts import draft_row, render_draft, versions_from_rows
from monitor.deliver.facts import Measurement
from monitor.deliver.incident_json import incident_json
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.judge import judge
from monitor.judge.policy import Policies, Policy
from monitor.look.sighting import State
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.watch.rejudge import facts_of
from tests.unit.monitor.web.board import a_board
from tests.worlds.instants import after_slot
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore

DAY_AND_A_THIRD = 32 * 3600


def absent_until(store: Store, seconds: float) -> None:
    with store.transaction() as tx:
        tx.save_runs([a_run("page", State.ABSENT, -3600, seconds)])


@pytest.fixture
def store() -> Store:
    return TemporaryStore()


@pytest.fixture
def overdue(store: Store) -> CurrentIncidents:
    """A release whose draft was written six minutes after its slot, and which has not been seen since."""
    with store.transaction() as tx:
        tx.save_release(a_release())
        tx.add_promises([a_promise()])
    absent_until(store, 360)
    record = VerdictRecorder(store, ReportingRules())
    runs = {"r/page/edge": [a_run("page", State.ABSENT, -3600, 360)]}
    verdict = judge(a_release(), [a_promise()], runs, [], Policy(), after_slot(360))
    with store.transaction() as tx:
        record.record(tx, verdict, Measurement("edge", runs, records=(("edge-1", ""),)), after_slot(360))
    return CurrentIncidents(store.verdicts, partial(facts_of, store, Policies(), "edge"), record)


def the_incident(current: CurrentIncidents) -> Incident:
    (found,) = current.verdicts.incidents_of("r")
    return found


def renew(store: Store, current: CurrentIncidents, now: datetime) -> bool:
    write = current.prepare_redraft(the_incident(current).id, now)
    if write is not None:
        with store.transaction() as tx:
            write(tx)
    return write is not None


def draft(current: CurrentIncidents, document: Document = Document.DRAFT) -> str:
    return render_draft(current.verdicts.drafts(the_incident(current).id)[-1], "md", document=document)[0].decode()


def test_a_draft_opened_32_hours_after_its_slot_states_that_delay(store: Store, overdue: CurrentIncidents) -> None:
    absent_until(store, DAY_AND_A_THIRD)
    assert "at least 6 minutes" in draft(overdue)
    assert renew(store, overdue, after_slot(DAY_AND_A_THIRD))
    assert "Access to the release was delayed by at least 32 hours so far." in draft(overdue)
    assert "6 minutes" not in draft(overdue)
    assert "edge-1" in draft(overdue, Document.EVIDENCE)


def test_an_incident_shows_the_current_delay_without_storing_it(store: Store, overdue: CurrentIncidents) -> None:
    absent_until(store, DAY_AND_A_THIRD)
    before = the_incident(overdue)
    told = incident_json(overdue.incident(before, after_slot(DAY_AND_A_THIRD)))
    assert told["delay"] == {"min": DAY_AND_A_THIRD, "max": None}
    assert told["as_of"] == "2018-01-06T17:30:00.000Z"
    # The daemon will store the change and send its notice.
    assert the_incident(overdue) == before


def test_a_draft_renewed_again_at_once_gets_no_further_version(store: Store, overdue: CurrentIncidents) -> None:
    absent_until(store, 720)
    assert renew(store, overdue, after_slot(720))
    assert not renew(store, overdue, after_slot(729))
    assert len(overdue.verdicts.drafts(the_incident(overdue).id)) == 2


def test_typed_text_is_kept_beside_current_figures(store: Store, overdue: CurrentIncidents) -> None:
    name = the_incident(overdue).id
    versions = versions_from_rows(overdue.verdicts.drafts(name))
    field = next(one.id for one in versions[-1].report.fields() if "human.impact" in one.facts)
    typed = append_edit(versions, {field: "Two users telephoned."}, "duty statistician", after_slot(700))[-1]
    with store.transaction() as tx:
        tx.add_draft(draft_row(typed, name))
    absent_until(store, 720)
    assert renew(store, overdue, after_slot(721))
    assert "Two users telephoned." in draft(overdue)
    assert "at least 12 minutes" in draft(overdue)


def test_renewing_a_signed_draft_adds_no_version(store: Store, overdue: CurrentIncidents) -> None:
    name = the_incident(overdue).id
    made = append_signature(versions_from_rows(overdue.verdicts.drafts(name)), "head of profession", after_slot(700))[
        -1
    ]
    with store.transaction() as tx:
        tx.add_draft(draft_row(made, name))
    absent_until(store, DAY_AND_A_THIRD)
    assert not renew(store, overdue, after_slot(DAY_AND_A_THIRD))


def test_a_final_or_hand_logged_incident_does_not_change(store: Store, overdue: CurrentIncidents) -> None:
    known = the_incident(overdue)
    assert known.facts is not None
    final = replace(known, facts=replace(known.facts, final=True))
    by_hand = replace(known, kind=Kind.HAND)
    absent_until(store, 720)
    assert [overdue.incident(one, after_slot(720)) for one in (final, by_hand)] == [final, by_hand]


def test_renewing_a_draft_keeps_a_note_that_was_saved_meanwhile(store: Store, overdue: CurrentIncidents) -> None:
    known = the_incident(overdue)
    write = overdue.prepare_redraft(known.id, after_slot(720))
    assert write is not None
    with store.transaction() as tx:
        tx.save_incident(add_note(known, "duty statistician", "seen", after_slot(721)))
        write(tx)
    assert len(overdue.verdicts.drafts(known.id)) == 1
    assert the_incident(overdue).timeline[-1].text == "seen"


async def test_pages_and_documents_are_current_when_they_are_opened(store: Store, overdue: CurrentIncidents) -> None:
    async with a_board() as board:
        board.queries.store = store
        board.queries.current_incidents, board.queries.writer = overdue, Writer(store, board.clock)
        board.clock.at = after_slot(DAY_AND_A_THIRD) - timedelta(seconds=board.clock.seconds)
        absent_until(store, DAY_AND_A_THIRD)
        name = the_incident(overdue).id
        listed = (await board.client.get("/api/v1/incidents")).json()["incidents"]
        page = (await board.client.get(f"/incidents/{name}")).text
        document = (await board.client.get(f"/api/v1/incidents/{name}/draft.md")).text
        board.queries.writer.abandon()
    assert "delayed by at least 32 hours" in document
    assert listed[0]["delay"]["min"] == DAY_AND_A_THIRD
    assert "still absent at 17:30:00 GMT" in page


async def test_a_decision_to_bring_a_release_forward_is_on_the_board_and_in_the_json() -> None:
    async with a_board() as board:
        known = board.store.verdicts.incident(board.early_incident)
        assert known is not None
        decided = bring_forward(known, "head of profession", "2018-01-05T08:30", after_slot(500))
        with board.store.transaction() as tx:
            tx.save_incident(decided)
        page = (await board.client.get("/?date=2018-01-05")).text
        body = (await board.client.get("/api/v1/releases/early")).json()
    told = "brought forward to 5 Jan 2018 08:30 GMT, as recorded by the head of profession"
    assert told in page
    assert body["brought_forward"] == {"to": "2018-01-05T08:30:00.000Z", "by": "head of profession"}
    assert board_cells(body)[3].endswith(f"; {told}")
    assert page.count("brought forward") == 1
