from __future__ import annotations

from datetime import date, timedelta

import pytest

from monitor.judge.case import build_window
from monitor.judge.policy import Policies, Policy, PolicyTable, grade_delay
from schedules.announcement import State
from schedules.contract.verdict import Grade, choose_worst_grade
from schedules.in_force import slot_in_force
from schedules.times.interval import Bounds, Interval, between, since
from tests.worlds.instants import SLOT, after_slot, at
from tests.worlds.releases import a_promise, a_release, a_slot


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (Bounds(0, 60), Grade.NONE),
        (Bounds(59, 61), Grade.NOTE),
        (Bounds(299, 300), Grade.NOTE),
        (Bounds(299, 301), Grade.REPORT),
        (Bounds(61, None), Grade.NOTE),
        (Bounds(301, None), Grade.REPORT),
        (Bounds(None, None), Grade.NONE),
        (None, Grade.NONE),
    ],
)
def test_a_delay_is_graded_by_its_upper_bound_and_while_it_grows_by_its_lower(
    seconds: Bounds | None, expected: Grade
) -> None:
    # Up to 60 s there is no grade, up to 300 s it is a note, and above that a report. A delay
    # without an upper bound still grows.
    assert grade_delay(seconds, Policy()) is expected


def test_the_worst_of_no_grades_is_none() -> None:
    assert choose_worst_grade([]) is Grade.NONE
    assert choose_worst_grade([Grade.NOTE, Grade.REPORT, Grade.NONE]) is Grade.REPORT


def test_a_producer_changes_only_what_it_names() -> None:
    policies = Policies(Policy(), {"ons": PolicyTable.model_validate({"on_time_within": "5s"})})
    assert policies.of("ons").on_time_within == timedelta(seconds=5)
    assert policies.of("ons").note_within == Policy().note_within
    assert policies.of("dft") == Policy()


def test_bounds_between_two_intervals_are_their_least_and_greatest_distance_and_never_negative() -> None:
    start, end = Interval(SLOT, after_slot(2)), Interval(after_slot(10), after_slot(13))
    assert between(start, end) == Bounds(8, 13)
    assert between(end, start) == Bounds(0, 0)


def test_the_time_since_an_instant_has_no_minimum_if_the_interval_has_no_beginning() -> None:
    assert since(Interval(None, after_slot(3)), SLOT) == Bounds(None, 3)


def test_a_provisional_time_is_judged_from_local_midnight_to_local_midnight_and_has_no_delay() -> None:
    promise = a_promise(at("2026-07-23 09:30"), state=State.PROVISIONAL)
    window = build_window(slot_in_force(a_release(), [promise], promise.slot.instant), Policy())
    assert (window.opens, window.passes) == (at("2026-07-23 00:00"), at("2026-07-24 00:00"))
    # In summer London's midnight is 23:00 UTC.
    assert window.opens.hour == 23
    delays_count_from = window.promised_at
    assert delays_count_from is None


def test_the_day_on_which_clocks_go_back_has_twenty_five_hours() -> None:
    promise = a_promise(a_slot(date(2026, 10, 25)))
    # Any instant after the promise was read will do.
    window = build_window(slot_in_force(a_release(), [promise], now=SLOT), Policy())
    assert window.passes - window.opens == timedelta(hours=25)
