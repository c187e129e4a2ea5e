"""What is made of one verdict: what people see of it, and its JSON with an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from monitor.deliver.assessment import assess, with_incident
from monitor.deliver.facts import Measurement
from schedules.contract.verdict import ShownSince
from tests.worlds.incidents import an_incident
from tests.worlds.verdicts import a_late_verdict, judged


def test_only_growing_durations_change_nothing_that_people_see() -> None:
    """The release is overdue 400 s after its slot, and still is 401 s after it."""
    earlier, later = (assess(a_late_verdict(now), Measurement()) for now in (400, 401))
    assert earlier.body["delay"] != later.body["delay"]
    assert earlier.visible == later.visible


def test_release_that_comes_out_changes_what_people_see() -> None:
    overdue, out = (assess(a_late_verdict(now), Measurement()) for now in (400, 1300))
    assert overdue.visible != out.visible
    assert overdue.visible.is_breach


def test_a_slot_that_its_calendar_changes_too_late_changes_what_people_see() -> None:
    late = a_late_verdict(400)
    changed = replace(late, shown_since=ShownSince(late.at, is_cancelled=True))
    assert assess(changed, Measurement()).visible != assess(late, Measurement()).visible


def test_pending_release_is_no_breach() -> None:
    assert not assess(judged(-60), Measurement()).visible.is_breach


def test_json_with_an_incident_has_the_code_of_its_date() -> None:
    """The slot is in 2018, and the incident occurred in 2026, under another edition of the Code."""
    body = assess(a_late_verdict(400), Measurement()).body
    incident = replace(an_incident("inc-1"), occurred=datetime(2026, 1, 1, tzinfo=UTC))
    with_it = with_incident(body, incident, None)
    assert (body["code"]["edition"], body["incident"]) == ("1.0", None)
    assert (with_it["code"]["edition"], with_it["incident"]) == ("3.0", "inc-1")
    assert [*with_it] == [*body]
