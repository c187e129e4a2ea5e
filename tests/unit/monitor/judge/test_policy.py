from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.judge.case import build_window
from monitor.judge.policy import Policies, Policy, PolicySettings, grade_delay
from schedules.announcement import State
from schedules.contract.verdict import Grade, choose_worst_grade
from schedules.in_force import slot_in_force
from schedules.times.interval import Bounds, Interval, between, since
from tests.worlds.instants import SLOT, after_slot, at
from tests.worlds.releases import a_promise, a_release, a_slot


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (Bounds(0, 60), Grade.NONE),
        (Bounds(59, 61), Grade.NOTE),
        (Bounds(299, 300), Grade.NOTE),
        (Bounds(299, 301), Grade.REPORT),
    ],
)
def test_delay_is_graded_by_its_upper_bound(delay: Bounds, expected: Grade) -> None:
    """A delay is only known to lie between two bounds, in seconds. Up to 60 s there is no grade, up
    to 300 s it is a note, and above that a report. The upper bound decides: 59 to 61 s is a note.
    """
    assert grade_delay(delay, Policy()) is expected


@pytest.mark.parametrize(
    ("lower_bound", "expected"), [(61, Grade.NOTE), (301, Grade.REPORT), (None, Grade.NONE)]
)
def test_growing_delay_is_graded_by_its_lower_bound(
    lower_bound: float | None, expected: Grade
) -> None:
    """A release that has not come yet has a growing delay: at least so long, without an upper bound
    (None). Its lower bound decides: above 60 s it is a note, above 300 s a report. Without any
    bound, there is no grade.
    """
    assert grade_delay(Bounds(lower_bound, None), Policy()) is expected


def test_unknown_delay_has_no_grade() -> None:
    assert grade_delay(None, Policy()) is Grade.NONE


def test_worst_of_all_grades_is_chosen() -> None:
    assert choose_worst_grade([Grade.NOTE, Grade.REPORT, Grade.NONE]) is Grade.REPORT
    assert choose_worst_grade([]) is Grade.NONE


def test_producer_changes_only_the_settings_it_names() -> None:
    """ONS sets only its tolerance, `on_time_within`. So its other settings are those of the general
    policy. DfT sets nothing, so its whole policy is the general one.
    """
    policies = Policies(
        table=PolicySettings.model_validate({"producer": {"ons": {"on_time_within": "5s"}}})
    )
    assert policies.of(a_release(producer="ons")).on_time_within == timedelta(seconds=5)
    assert policies.of(a_release(producer="ons")).note_within == Policy().note_within
    assert policies.of(a_release(producer="dft")) == Policy()


def test_bounds_between_two_intervals_are_never_negative() -> None:
    """Something starts 0 to 2 s and ends 10 to 13 s after the slot. So it lasts 10 - 2 = 8 s to 13
    - 0 = 13 s. If start and end are swapped, it lasts 0 s, not less.
    """
    start, end = Interval(after_slot(0), after_slot(2)), Interval(after_slot(10), after_slot(13))
    assert between(start, end) == Bounds(8, 13)
    assert between(end, start) == Bounds(0, 0)


def test_time_since_slot_has_no_minimum_without_earliest_appearance() -> None:
    appeared = Interval(after=None, by=after_slot(3))
    assert since(appeared, SLOT) == Bounds(None, 3)


def test_provisional_time_is_judged_over_its_whole_local_day() -> None:
    """A time of 09:30 on 23 July was announced as provisional. So the release may come at any time
    of that day. No instant is promised from which a delay could count (None).
    """
    provisional = a_promise(at("2026-07-23 09:30"), state=State.PROVISIONAL)
    in_force = slot_in_force(a_release(), [provisional], now=provisional.slot.instant)
    judged_day = build_window(in_force, Policy())
    # In summer, midnight in London is 23:00 UTC of the day before.
    assert judged_day.slot_begins == datetime(2026, 7, 22, 23, tzinfo=UTC)
    assert judged_day.slot_ends == datetime(2026, 7, 23, 23, tzinfo=UTC)
    assert judged_day.promised_at is None


def test_day_when_clocks_go_back_is_judged_over_25_hours() -> None:
    """A release was promised for 25 October 2026, without a time, so it may come on that whole day.
    In London, clocks went back by an hour on that day. So it had 25 hours.
    """
    promise = a_promise(a_slot(date(2026, 10, 25)))
    at_noon = at("2026-10-25 12:00")  # any instant until the end of this day would do
    in_force = slot_in_force(a_release(), [promise], now=at_noon)
    judged_day = build_window(in_force, Policy())
    assert judged_day.slot_ends - judged_day.slot_begins == timedelta(hours=25)
