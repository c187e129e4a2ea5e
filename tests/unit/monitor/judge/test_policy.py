from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.judge.policy import Grade, Override, Policies, Policy, grade, worst
from monitor.judge.window import window
from monitor.judge.words import at, lasting, length, spanned
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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.84, "0.8 s"),
        (12, "12 s"),
        (60, "1 min"),
        (10140, "2 h 49 min"),
        (-3605, "-1 h 5 s"),
        (2.0, "2 s"),
    ],
)
def test_lengths_are_told_in_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Bounds(1, 2), "1 s to 2 s"),
        (Bounds(60, 60), "1 min"),
        (Bounds(5, None), "at least 5 s"),
        (Bounds(None, 5), "at most 5 s"),
        (Bounds(), "an unknown time"),
    ],
)
def test_bounds_are_told_with_both_sides(bounds: Bounds, text: str) -> None:
    assert length(bounds) == text


def test_instants_are_told_in_local_time_with_its_name() -> None:
    assert at(datetime(2026, 7, 23, 8, 30, tzinfo=UTC)) == "Thu 23 Jul 2026 09:30:00 BST"
    assert spanned(Interval()) == "at a time not known"
    assert spanned(Interval(SLOT, None)) == "after Fri 5 Jan 2018 09:30:00 GMT"
    assert spanned(Interval(None, SLOT)) == "at or before Fri 5 Jan 2018 09:30:00 GMT"
