"""Incidents and drafts have the current delay when a person opens them, not that of the last
notice.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from alerts.by_hand import add_note, bring_forward
from alerts.draft.versions import append_edit, append_signature
from alerts.draft.write.outline import Document
from alerts.incident import Incident, IncidentKind
from monitor.cli.today import board_cells
from monitor.deliver.assessment import assess
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import draft_row, render_draft, versions_from_rows
from monitor.deliver.facts import Measurement
from monitor.deliver.incident_json import incident_json
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
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
from tests.worlds.verdicts import judge

JUDGED_AT, TWELVE_MINUTES, NEXT_DAY = 6 * 60, 12 * 60, 32 * 3600
"""Seconds after the slot. The first draft is written six minutes after it."""


def save_absence_until(store: Store, seconds: float) -> None:
    """Save looks that found no release from an hour before the slot until so many seconds after
    it.
    """
    with store.transaction() as tx:
        tx.save(a_run("page", State.ABSENT, -3600, seconds))


@pytest.fixture
def store() -> Store:
    return TemporaryStore()


@pytest.fixture
def current(store: Store) -> CurrentIncidents:
    """The one incident is of a release that is overdue.

    Its draft was written six minutes after the slot.
    """
    with store.transaction() as tx:
        tx.save(a_release())
        tx.add_promises([a_promise()])
    save_absence_until(store, JUDGED_AT)
    recorder = VerdictRecorder(ReportingRules())
    runs = {"r/page/edge": [a_run("page", State.ABSENT, -3600, JUDGED_AT)]}
    verdict = judge(a_release(), [a_promise()], runs, [], Policy(), after_slot(JUDGED_AT))
    with store.transaction() as tx:
        recorder.record(
            tx,
            assess(verdict, Measurement("edge", runs, records=("edge-1",))),
            after_slot(JUDGED_AT),
        )
    return CurrentIncidents(store, partial(facts_of, Policies(), "edge"), recorder)


def the_incident(current: CurrentIncidents) -> Incident:
    (found,) = current.read.verdicts.incidents_of("r")
    return found


def redraft_if_needed(store: Store, current: CurrentIncidents, seconds: float) -> bool:
    """Write a new version of the draft so many seconds after the slot if one is needed.

    Return whether it was.
    """
    write = current.prepare_redraft(the_incident(current).id, after_slot(seconds))
    if write is not None:
        with store.transaction() as tx:
            write(tx)
    return write is not None


def draft_text(current: CurrentIncidents, document: Document = Document.DRAFT) -> str:
    return render_draft(
        current.read.verdicts.drafts(the_incident(current).id)[-1], "md", document=document
    )[0].decode()


def test_draft_opened_32_hours_after_its_slot_states_that_delay(
    store: Store, current: CurrentIncidents
) -> None:
    save_absence_until(store, NEXT_DAY)
    # The first version of the draft was written six minutes after the slot.
    assert "at least 6 minutes" in draft_text(current)
    assert redraft_if_needed(store, current, NEXT_DAY)
    assert "Access to the release was delayed by at least 32 hours so far." in draft_text(current)
    assert "6 minutes" not in draft_text(current)
    # The record of the first measurement is still cited.
    assert "edge-1" in draft_text(current, Document.EVIDENCE)


def test_an_incident_shows_the_current_delay_without_storing_it(
    store: Store, current: CurrentIncidents
) -> None:
    """The page is still absent 32 hours after its slot, but the stored facts of its incident are
    older.
    """
    save_absence_until(store, NEXT_DAY)
    before = the_incident(current)
    shown = incident_json(current.refresh(before, now=after_slot(NEXT_DAY)))
    assert shown["delay"] == {"min": NEXT_DAY, "max": None}
    assert shown["as_of"] == "2018-01-06T17:30:00.000Z"
    # The change is stored and notified later, by the monitor.
    assert the_incident(current) == before


def test_draft_opened_twice_within_ten_seconds_gets_one_new_version(
    store: Store, current: CurrentIncidents
) -> None:
    """`redraft_if_needed` acts as if a person opened the draft.

    It returns whether there is a new version.
    """
    save_absence_until(store, TWELVE_MINUTES)
    assert redraft_if_needed(store, current, TWELVE_MINUTES)
    assert not redraft_if_needed(store, current, TWELVE_MINUTES + 9)
    # The version of when the incident opened, and the new one.
    assert len(current.read.verdicts.drafts(the_incident(current).id)) == 2


def test_new_version_keeps_typed_text_and_has_current_delay(
    store: Store, current: CurrentIncidents
) -> None:
    """The draft of an incident states the delay of six minutes after the slot.

    A person types into it.

    Twelve minutes after the slot, the page is still absent, and someone opens the draft. So it gets
    a new version. This version has the typed text and the current delay.
    """
    name = the_incident(current).id
    versions = versions_from_rows(current.read.verdicts.drafts(name))
    impact_box = next(box.id for box in versions[-1].report.fields() if "human.impact" in box.facts)
    typed = append_edit(
        versions, {impact_box: "Two users telephoned."}, "duty statistician", after_slot(700)
    )[-1]
    with store.transaction() as tx:
        tx.add_draft(draft_row(typed, name))
    save_absence_until(store, TWELVE_MINUTES)
    assert redraft_if_needed(store, current, TWELVE_MINUTES)
    assert "Two users telephoned." in draft_text(current)
    assert "at least 12 minutes" in draft_text(current)


def test_signed_draft_gets_no_new_version_when_opened(
    store: Store, current: CurrentIncidents
) -> None:
    name = the_incident(current).id
    versions = versions_from_rows(current.read.verdicts.drafts(name))
    signed = append_signature(versions, "head of profession", after_slot(700))[-1]
    with store.transaction() as tx:
        tx.add_draft(draft_row(signed, name))
    save_absence_until(store, NEXT_DAY)  # so an unsigned draft would get a new version
    assert not redraft_if_needed(store, current, NEXT_DAY)


def test_incident_facts_are_updated_unless_final_or_logged_by_hand(
    store: Store, current: CurrentIncidents
) -> None:
    """The facts of an incident are those of six minutes after the slot.

    Twelve minutes after it, they are refreshed.

    1. Usually they change, because the page is still absent.
    2. If the verdict is final, they stay.
    3. If a person logged the incident by hand, they stay too.
    """
    now = after_slot(TWELVE_MINUTES)
    save_absence_until(store, TWELVE_MINUTES)
    incident = the_incident(current)
    assert incident.facts is not None
    assert not incident.facts.final
    # 1.
    refreshed = current.refresh(incident, now)
    assert refreshed.facts != incident.facts
    # 2.
    with_final_verdict = replace(incident, facts=replace(incident.facts, final=True))
    assert current.refresh(with_final_verdict, now) == with_final_verdict
    # 3.
    logged_by_person = replace(incident, kind=IncidentKind.HAND)
    assert current.refresh(logged_by_person, now) == logged_by_person


def test_redraft_is_dropped_if_a_person_changed_the_incident(
    store: Store, current: CurrentIncidents
) -> None:
    """A new version of the draft is prepared.

    Before it is written, a person adds a note to the incident.

    So the version is dropped, because it does not have the note. The note is kept.
    """
    incident = the_incident(current)
    write_new_version = current.prepare_redraft(incident.id, after_slot(TWELVE_MINUTES))
    assert write_new_version is not None
    with store.transaction() as tx:
        tx.save(add_note(incident, "duty statistician", "seen", after_slot(TWELVE_MINUTES + 1)))
        write_new_version(tx)
    assert len(current.read.verdicts.drafts(incident.id)) == 1
    assert the_incident(current).timeline[-1].text == "seen"


async def test_incident_pages_documents_and_json_have_the_current_delay(
    store: Store, current: CurrentIncidents
) -> None:
    """The page was due at 09:30 on 5 January.

    At 17:30 on the next day, 32 hours later, it is still absent.
    """
    async with a_board() as board:
        writer = Writer(store, board.clock)
        board.queries.store, board.queries.desk = store, Desk(current, writer, board.clock)
        board.clock.at = after_slot(NEXT_DAY)
        save_absence_until(store, NEXT_DAY)
        name = the_incident(current).id
        (listed,) = (await board.client.get("/api/v1/incidents")).json()["incidents"]
        page = (await board.client.get(f"/incidents/{name}")).text
        document = (await board.client.get(f"/api/v1/incidents/{name}/draft.md")).text
        writer.abandon()
    assert "delayed by at least 32 hours" in document
    assert listed["delay"]["min"] == NEXT_DAY
    assert "still absent at 17:30:00 GMT" in page


async def test_decision_to_bring_a_release_forward_is_on_the_board() -> None:
    """A person decides to bring a release forward: to publish it before its slot.

    The decision is recorded.

    The page of the day says so once, and so does the JSON of the release.
    """
    async with a_board() as board:
        incident = board.store.verdicts.incident(board.early_incident)
        assert incident is not None
        brought_forward = bring_forward(
            incident, "head of profession", "2018-01-05T08:30", after_slot(500)
        )
        with board.store.transaction() as tx:
            tx.save(brought_forward)
        page = (await board.client.get("/?date=2018-01-05")).text
        body = (await board.client.get("/api/v1/releases/early")).json()
    sentence = "brought forward to 5 Jan 2018 08:30 GMT, as recorded by the head of profession"
    assert sentence in page
    assert page.count("brought forward") == 1
    assert body["brought_forward"] == {"to": "2018-01-05T08:30:00.000Z", "by": "head of profession"}
    _slot, _producer, _status, measured, *_ = board_cells(body, "ONS")
    assert measured.endswith(f"; {sentence}")
