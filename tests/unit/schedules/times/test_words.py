"""Instants and lengths in sentences. An inexact value becomes a range that is wide enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.times.interval import Bounds, Interval
from schedules.times.words import (
    MINUTE,
    TENTH,
    between_exactly,
    exactly,
    instant_text,
    interval_text,
    length,
    lengths,
    rounded,
    stamp,
)


def at(seconds: float) -> datetime:
    """Return the instant so many seconds after 13:25 UTC on Friday 20 November 2026."""
    whole, rest = divmod(round(seconds * 1_000_000), 1_000_000)
    return datetime(2026, 11, 20, 13, 25, whole, rest, tzinfo=UTC)


def test_a_written_interval_contains_the_measured_one() -> None:
    """The interval is from 13:25:09.099 to 13:25:10.003631.

    To a tenth, its start is rounded down and its end up.
    """
    text = "between Fri 20 Nov 2026 13:25:09 GMT and Fri 20 Nov 2026 13:25:10.1 GMT"
    assert between_exactly(Interval(at(9.099), at(10.003631))) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Bounds(69.999, 70.003), "1 min 9 s to 1 min 11 s"),
        (Bounds(-0.59, 1.1), "-0.6 s to 1.1 s"),
        (Bounds(-70.5, -69.5), "-1 min 11 s to -1 min 9 s"),
        (Bounds(5.0, 5.0), "5 s"),
        (Bounds(60, 60), "1 min"),
        (Bounds(0.01, None), "at least 0 s"),
        (Bounds(None, 12.001), "at most 13 s"),
        (Bounds(None, None), "an unknown time"),
    ],
)
def test_a_written_length_contains_the_measured_one(bounds: Bounds, text: str) -> None:
    """The lower bound is rounded down and the upper bound up: 69.999 s to 1 min 9 s, 70.003 s to 1
    min 11 s.
    """
    assert lengths(bounds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.84, "0.8 s"),
        (3.96, "4 s"),
        (12, "12 s"),
        (59.6, "1 min"),
        (10140, "2 h 49 min"),
        (-3605, "-1 h 5 s"),
    ],
)
def test_length_is_rounded_to_seconds_or_tenths_below_ten(seconds: float, text: str) -> None:
    assert length(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (-61, "-1 min 1 s"), (90_061, "1 d 1 h")]
)
def test_a_length_of_two_parts_has_its_two_largest_units(seconds: float, text: str) -> None:
    """For example, 90,061 s is 1 d 1 h 1 min 1 s."""
    assert length(seconds, parts=2) == text


def test_an_instant_is_written_in_local_time_with_its_zone() -> None:
    assert exactly(datetime(2026, 7, 23, 8, 30, tzinfo=UTC)) == "Thu 23 Jul 2026 09:30:00 BST"


def test_interval_without_one_limit_is_written_with_the_other() -> None:
    """`at` counts seconds from 13:25:00."""
    assert between_exactly(Interval()) == "at an unknown time"
    assert between_exactly(Interval(at(0), None)) == "after Fri 20 Nov 2026 13:25:00 GMT"
    assert between_exactly(Interval(None, at(10.1))) == "by Fri 20 Nov 2026 13:25:10.1 GMT"


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(at(9.1), at(10.2)), "between 20 Nov 2026 13:25:09 and 13:25:11 GMT"),
        (Interval(None, at(10.2)), "by 20 Nov 2026 13:25:11 GMT"),
        (Interval(at(10.2)), "after 20 Nov 2026 13:25:10 GMT"),
        (Interval(at(10), at(10)), "at 20 Nov 2026 13:25:10 GMT"),
    ],
)
def test_a_date_common_to_both_ends_is_written_once(interval: Interval, text: str) -> None:
    """`at` counts seconds from 13:25:00. Starts are rounded down to a second, and ends up."""
    assert interval_text(interval) == text


def test_both_ends_have_zone_in_night_of_clock_change() -> None:
    """At 01:00 UTC the clock goes back from 02:00 BST to 01:00 GMT."""
    change = datetime(2026, 10, 25, 1, tzinfo=UTC)
    text = "between 25 Oct 2026 01:59:59 BST and 25 Oct 2026 01:00:00 GMT"
    assert interval_text(Interval(change - timedelta(seconds=1), change)) == text


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)),
    st.sampled_from([TENTH, timedelta(seconds=1), MINUTE]),
)  # made aware below
def test_rounding_never_passes_the_instant_and_stays_within_a_step(
    wall: datetime, step: timedelta
) -> None:
    """For example, with a step of a minute, 09:30:07 is between 09:30 and 09:31."""
    instant = wall.replace(tzinfo=UTC)
    low, high = rounded(instant, step), rounded(instant, step, up=True)
    assert low <= instant <= high
    assert high - low in {timedelta(), step}


def test_stamp_is_cut_to_minute_or_tenth_or_rounded_up() -> None:
    """13:25:09.25 is cut to the minute (13:25), rounded up to the second (13:25:10), or cut to a
    tenth (13:25:09.2).
    """
    instant = datetime(2026, 11, 20, 13, 25, 9, 250_000, tzinfo=UTC)
    assert stamp(instant, step=MINUTE) == "20 Nov 2026 13:25 GMT"
    assert stamp(instant, up=True) == "20 Nov 2026 13:25:10 GMT"
    assert exactly(instant) == "Fri 20 Nov 2026 13:25:09.2 GMT"


def test_the_instant_of_a_slot_is_written_in_full() -> None:
    half_past_nine = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
    assert instant_text(half_past_nine, "Europe/London") == "Friday 5 January 2018, 09:30 GMT"
