from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.judge.policy import Grade, Override, Policies, Policy, grade, worst
from monitor.judge.window import window
from schedules.announcement import State
from schedules.in_force import slot_in_force
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds, Interval, between, since
from tests.unit.monitor.judge.world import SLOT, promise, release, second


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
    assert grade(seconds, Policy()) is expected


def test_the_worst_of_no_grades_is_none() -> None:
    assert worst([]) is Grade.NONE
    assert worst([Grade.NOTE, Grade.REPORT, Grade.NONE]) is Grade.REPORT


def test_a_producer_changes_only_what_it_names() -> None:
    policies = Policies(Policy(), {"ons": Override(on_time_within=timedelta(seconds=5))})
    assert policies.of("ons").on_time_within == timedelta(seconds=5)
    assert policies.of("ons").note_within == Policy().note_within
    assert policies.of("dft") == Policy()


def test_bounds_between_two_intervals_are_their_nearest_and_farthest() -> None:
    start, end = Interval(second(0), second(2)), Interval(second(10), second(13))
    assert between(start, end) == Bounds(8, 13)
    assert between(end, start) == Bounds(0, 0)
    assert since(Interval(None, second(3)), SLOT) == Bounds(None, 3)


def test_a_day_in_summer_lasts_from_local_midnight_to_local_midnight() -> None:
    slot = Slot(Precision.INSTANT, instant=datetime(2026, 7, 23, 8, 30, tzinfo=UTC))
    standing = slot_in_force(release(), [promise(slot, state=State.PROVISIONAL)], slot.instant or SLOT)
    frame = window(standing, Policy())
    assert frame is not None
    assert (frame.opens, frame.passes) == (
        datetime(2026, 7, 22, 23, tzinfo=UTC),
        datetime(2026, 7, 23, 23, tzinfo=UTC),
    )
    assert frame.origin is None


def test_the_day_on_which_clocks_go_back_has_twenty_five_hours() -> None:
    day = Slot(Precision.DAY, first=date(2026, 10, 25), last=date(2026, 10, 25))
    frame = window(slot_in_force(release(), [promise(day)], SLOT), Policy())
    assert frame is not None
    assert frame.passes - frame.opens == timedelta(hours=25)
