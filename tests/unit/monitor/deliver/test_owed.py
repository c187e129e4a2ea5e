"""Which reports are owed, and for how long, as metrics tell it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from alerts.incident import SIGNED, Action
from monitor.deliver.owed import count_owed, find_owed, is_countable, needs_action
from tests.worlds.incidents import an_incident
from tests.worlds.instants import DAY, SLOT
from tests.worlds.stores import TemporaryStore


def test_the_report_of_an_incident_without_a_release_is_owed_from_the_day_it_was_logged() -> None:
    by_hand = an_incident("hand", facts=None, release="", opened=SLOT)
    assert count_owed([by_hand], SLOT + DAY) == (1, DAY)


def test_a_report_is_not_counted_before_the_slot() -> None:
    known = an_incident()
    assert known.facts is not None
    ahead = replace(known, facts=replace(known.facts, slot=SLOT + DAY))
    assert count_owed([ahead], SLOT) == (0, timedelta())
    assert count_owed([ahead], SLOT + DAY)[0] == 1


def test_an_action_is_overdue_after_its_day_until_it_is_done_even_if_the_report_is_signed() -> None:
    due = date(2018, 1, 12)
    settled = replace(an_incident("settled"), closed=SLOT, words={SIGNED: "2"})
    undone = replace(settled, id="undone", actions=(Action("Renew it", "web team", due), Action("Test it", "qa", due)))
    done = replace(undone, id="done", actions=(Action("Renew it", "web team", due, SLOT, "web team"),))
    store = TemporaryStore()
    with store.transaction() as tx:
        for one in (settled, undone, done):
            tx.save_incident(one)
    told = {day: find_owed(store.verdicts, due + timedelta(days=day))[1] for day in (0, 1)}
    assert told[0] == []
    assert [(one.id, number, action.owner) for one, number, action in told[1]] == [
        ("undone", 1, "web team"),
        ("undone", 2, "qa"),
    ]
    wanted = [needs_action(one, store.verdicts.drafts, due + timedelta(days=1)) for one in (settled, undone, done)]
    assert wanted == [False, True, False]
    assert not needs_action(undone, store.verdicts.drafts, due)
    assert is_countable(undone, SLOT)
