"""Counts reports that must still be signed, and finds overdue actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from alerts.incident import SIGNED, Action, Incident
from monitor.deliver.owed import count_owed, find_owed, needs_action
from monitor.store.rows import Draft
from tests.worlds.incidents import an_incident
from tests.worlds.instants import DAY, SECOND, SLOT
from tests.worlds.stores import TemporaryStore


def test_the_report_of_an_incident_without_a_release_is_owed_from_the_day_it_was_logged() -> None:
    logged_by_hand = an_incident("hand", facts=None, release="", opened=SLOT)
    assert count_owed([logged_by_hand], SLOT + DAY) == (1, DAY)


def test_a_report_is_counted_only_after_the_slot() -> None:
    incident = an_incident()
    assert incident.facts is not None
    slot = SLOT + DAY
    early = replace(incident, facts=replace(incident.facts, slot=slot))
    assert count_owed([early], slot - SECOND) == (0, timedelta())
    assert count_owed([early], slot)[0] == 1


@pytest.mark.parametrize(("signed", "owed"), [(None, ["hand"]), (SLOT, [])], ids=["no version", "the first version"])
def test_a_report_is_owed_until_a_version_of_its_draft_is_signed(signed: datetime | None, owed: list[str]) -> None:
    store = TemporaryStore()
    first = Draft("hand", 1, SLOT, "monitor", "A", "3.0", {}, signed=signed)
    with store.transaction() as tx:
        tx.save_incident(an_incident("hand", facts=None, release="", opened=SLOT))
        tx.add_draft(first)
        tx.add_draft(replace(first, version=2, signed=None))
    reports, _ = find_owed(store.verdicts, DUE)
    assert [incident.id for incident in reports] == owed


DUE = date(2018, 1, 12)
DAY_AFTER = DUE + timedelta(days=1)
SETTLED = replace(an_incident("settled"), closed=SLOT, words={SIGNED: "2"})
"""An incident that is closed and whose report is signed."""
UNDONE = replace(SETTLED, id="undone", actions=(Action("Renew it", "web team", DUE), Action("Test it", "qa", DUE)))
DONE = replace(SETTLED, id="done", actions=(Action("Renew it", "web team", DUE, SLOT, "web team"),))


def test_undone_actions_are_overdue_from_the_day_after_they_were_due_even_if_the_report_is_signed() -> None:
    store = TemporaryStore()
    with store.transaction() as tx:
        for incident in (SETTLED, UNDONE, DONE):
            tx.save_incident(incident)
    (_, overdue_on_the_day), (_, overdue_later) = (find_owed(store.verdicts, day) for day in (DUE, DAY_AFTER))
    assert overdue_on_the_day == []
    assert [(incident.id, number, action.owner) for incident, number, action in overdue_later] == [
        ("undone", 1, "web team"),
        ("undone", 2, "qa"),
    ]


@pytest.mark.parametrize(
    ("incident", "today", "expected"),
    [(SETTLED, DAY_AFTER, False), (DONE, DAY_AFTER, False), (UNDONE, DUE, False), (UNDONE, DAY_AFTER, True)],
    ids=["no action", "action done", "action due today", "action overdue"],
)
def test_a_settled_incident_needs_action_only_if_an_action_is_overdue(
    incident: Incident, today: date, *, expected: bool
) -> None:
    assert needs_action(incident, TemporaryStore().verdicts.drafts, today) is expected
