"""Instants and lengths in plain sentences: what is not exact is told too wide, never too narrow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.judge.words import lasting, length, spanned
from schedules.times.interval import Bounds, Interval


def at(seconds: float) -> datetime:
    whole, rest = divmod(round(seconds * 1_000_000), 1_000_000)
    return datetime(2026, 11, 20, 13, 25, whole, rest, tzinfo=UTC)


def test_an_interval_is_told_no_narrower_than_it_is() -> None:
    told = "between Fri 20 Nov 2026 13:25:09 GMT and Fri 20 Nov 2026 13:25:10.1 GMT"
    assert spanned(Interval(at(9.099), at(10.003631))) == told
    assert spanned(Interval(None, at(10.1))) == "at or before Fri 20 Nov 2026 13:25:10.1 GMT"


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        (Bounds(69.999, 70.003), "1 min 9 s to 1 min 11 s"),
        (Bounds(-0.59, 1.1), "-0.6 s to 1.1 s"),
        (Bounds(-70.5, -69.5), "-1 min 11 s to -1 min 9 s"),
        (Bounds(5.0, 5.0), "5 s"),
        (Bounds(0.01, None), "at least 0 s"),
        (Bounds(None, 12.001), "at most 13 s"),
        (Bounds(None, None), "an unknown time"),
    ],
)
def test_a_length_is_told_no_narrower_than_it_is(bounds: Bounds, told: str) -> None:
    assert length(bounds) == told


def test_a_length_of_one_bound_is_rounded_to_the_nearest() -> None:
    assert [lasting(3.96), lasting(0.04), lasting(59.6)] == ["4 s", "0 s", "1 min"]
