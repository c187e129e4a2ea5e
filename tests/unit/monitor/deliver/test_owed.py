"""Counts reports that must still be signed, and finds overdue actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from alerts.incident import SIGNED, Action, Incident
from monitor.deliver.owed import count_owed, find_owed, needs_action
from monitor.store.rows import Draft
from tests.worlds.incidents import an_incident, facts_of_a_release
from tests.worlds.instants import DAY, SECOND, SLOT
from tests.worlds.stores import TemporaryStore


def test_the_report_of_an_incident_without_a_release_is_owed_from_the_day_it_was_logged() -> None:
    logged_by_hand = an_incident("hand", facts=None, release="", opened=SLOT)
    reports, owed_for = count_owed([logged_by_hand], SLOT + DAY)
    assert (reports, owed_for) == (1, DAY)


def test_a_report_on_an_early_release_is_counted_from_the_slot_on() -> None:
    slot = SLOT + DAY
    early = an_incident(opened=SLOT, facts=facts_of_a_release(slot=slot))
    assert count_owed([early], slot - SECOND) == (0, timedelta())
    assert count_owed([early], slot) == (1, DAY)


@pytest.mark.parametrize(
    ("first_version_signed_at", "owed"), [(None, ["hand"]), (SLOT, [])], ids=["no version", "the first version"]
)
def test_a_report_is_owed_until_a_version_of_its_draft_is_signed(
    first_version_signed_at: datetime | None, owed: list[str]
) -> None:
    store = TemporaryStore()
    first = Draft("hand", 1, SLOT, "monitor", "A", "3.0", {}, signed=first_version_signed_at)
    with store.transaction() as tx:
        tx.save_incident(an_incident("hand", facts=None, release="", opened=SLOT))
        tx.add_draft(first)
        tx.add_draft(replace(first, version=2, signed=None))
    reports, _overdue_actions = find_owed(store.verdicts, DUE)
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
    _reports, overdue_on_the_day = find_owed(store.verdicts, DUE)
    assert overdue_on_the_day == []
    _reports, overdue_on_the_day_after = find_owed(store.verdicts, DAY_AFTER)
    assert [(incident.id, number, action.owner) for incident, number, action in overdue_on_the_day_after] == [
        ("undone", 1, "web team"),
        ("undone", 2, "qa"),
    ]


@pytest.mark.parametrize(
    ("incident", "today", "is_action_needed"),
    [(SETTLED, DAY_AFTER, False), (DONE, DAY_AFTER, False), (UNDONE, DUE, False), (UNDONE, DAY_AFTER, True)],
    ids=["no action", "action done", "action due today", "action overdue"],
)
def test_a_settled_incident_needs_action_only_if_an_action_is_overdue(
    incident: Incident, today: date, *, is_action_needed: bool
) -> None:
    def no_drafts(_incident: str) -> list[Draft]:
        return []

    assert needs_action(incident, no_drafts, today) is is_action_needed
