"""Counts reports that must still be signed, and finds overdue actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from alerts.incident import SIGNED, Action, Incident
from monitor.deliver.owed import count_owed, find_owed, needs_action
from tests.worlds.incidents import an_incident, facts_of_a_release
from tests.worlds.instants import DAY, SECOND, SLOT
from tests.worlds.stores import TemporaryStore


def test_report_without_a_release_is_owed_since_it_was_logged() -> None:
    """At the slot, a person logs an incident that has no release.

    Its report must be signed, so it is owed.

    A day later, one report is owed, for a day.
    """
    logged_by_hand = an_incident("hand", facts=None, release="", opened=SLOT)
    reports, oldest_is_owed_for = count_owed([logged_by_hand], SLOT + DAY)
    assert (reports, oldest_is_owed_for) == (1, DAY)


def test_report_on_an_early_release_counts_only_from_slot_on() -> None:
    """A release is public a day before its slot, so an incident opens.

    Its report is owed: it must be signed.

    The number of owed reports is public. No one may learn before the slot that something is out, so
    it is not counted. From the slot on, it is counted, as owed for a day already.
    """
    early = an_incident(opened=SLOT - DAY, facts=facts_of_a_release(slot=SLOT))
    # `count_owed` returns the number of reports, and how long the oldest has been owed.
    assert count_owed([early], SLOT - SECOND) == (0, timedelta())
    assert count_owed([early], SLOT) == (1, DAY)


DUE_DAY = date(2018, 1, 12)
DAY_AFTER = DUE_DAY + timedelta(days=1)
SIGNED_WITHOUT_ACTIONS = replace(
    an_incident("without actions"), closed=SLOT, words={SIGNED: "2"}, actions=()
)
"""A closed incident whose report is signed in version 2 and which has no actions."""
SIGNED_WITH_ACTIONS_TO_DO = replace(
    SIGNED_WITHOUT_ACTIONS,
    id="actions to do",
    actions=(Action("Renew it", "web team", DUE_DAY), Action("Test it", "qa", DUE_DAY)),
)
SIGNED_WITH_ACTION_DONE = replace(
    SIGNED_WITHOUT_ACTIONS,
    id="action done",
    actions=(Action("Renew it", "web team", DUE_DAY, SLOT, "web team"),),
)


def test_undone_actions_are_overdue_from_the_day_after() -> None:
    """An incident may have actions: tasks for people, each with a day on which it is due.

    Of three incidents, one has no actions, one has an action that is done, and one has two that are
    not done. Both are overdue from the day after the one on which they are due.
    """
    store = TemporaryStore()
    with store.transaction() as tx:
        for incident in (
            SIGNED_WITHOUT_ACTIONS,
            SIGNED_WITH_ACTIONS_TO_DO,
            SIGNED_WITH_ACTION_DONE,
        ):
            tx.save(incident)
    _reports, overdue_on_the_day = find_owed(store.verdicts, today=DUE_DAY)
    assert overdue_on_the_day == []
    _reports, overdue_on_the_day_after = find_owed(store.verdicts, today=DAY_AFTER)
    assert [
        (incident.id, number, action.owner) for incident, number, action in overdue_on_the_day_after
    ] == [
        ("actions to do", 1, "web team"),
        ("actions to do", 2, "qa"),
    ]


@pytest.mark.parametrize(
    ("closed_and_signed_incident", "today", "needs_attention"),
    [
        (SIGNED_WITHOUT_ACTIONS, DAY_AFTER, False),
        (SIGNED_WITH_ACTION_DONE, DAY_AFTER, False),
        (SIGNED_WITH_ACTIONS_TO_DO, DUE_DAY, False),
        (SIGNED_WITH_ACTIONS_TO_DO, DAY_AFTER, True),
    ],
    ids=["nothing to do", "all done", "something due today", "something overdue"],
)
def test_signed_incident_needs_action_only_for_an_overdue_task(
    closed_and_signed_incident: Incident, today: date, *, needs_attention: bool
) -> None:
    """An incident is closed, and its report is signed.

    It may have tasks, each with a day on which it is due.

    It needs action only if a task was due yesterday or earlier and is not done. A task due today is
    not overdue.
    """
    assert needs_action(closed_and_signed_incident, today) is needs_attention
