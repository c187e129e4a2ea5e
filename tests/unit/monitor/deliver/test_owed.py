"""Which reports are owed, and for how long, as metrics tell it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.deliver.owed import longest_owed
from tests.contracts.rows import DAY, SLOT, an_incident


def test_what_was_logged_about_no_release_is_owed_from_the_day_it_was_logged() -> None:
    by_hand = replace(an_incident("hand"), facts=None, release="", opened=SLOT)
    assert longest_owed([by_hand], SLOT + DAY) == (1, DAY)


def test_before_its_slot_no_report_is_counted() -> None:
    known = an_incident()
    assert known.facts is not None
    ahead = replace(known, facts=replace(known.facts, slot=SLOT + DAY))
    assert longest_owed([ahead], SLOT) == (0, timedelta())
    assert longest_owed([ahead], SLOT + DAY)[0] == 1
