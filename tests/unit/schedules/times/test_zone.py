from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.times.zone import (
    LONDON,
    NoSingleInstant,
    UnknownZone,
    clock_doubt,
    day_begins,
    instant,
    local,
    local_date,
    zone,
)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-16T09:30", "2026-12-16T09:30+00:00"),
        ("2026-07-23T09:30", "2026-07-23T08:30+00:00"),
        ("2026-07-23T07:00", "2026-07-23T06:00+00:00"),
        ("2026-03-29T02:00", "2026-03-29T01:00+00:00"),
        ("2026-10-25T02:00", "2026-10-25T02:00+00:00"),
    ],
)
def test_a_wall_time_becomes_its_instant(text: str, expected: str) -> None:
    """Local times of London become UTC.

    In summer they are an hour ahead, from 29 March to 25 October 2026.
    """
    assert instant(wall(text)) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("text", ["2026-03-29T01:00", "2026-03-29T01:30", "2026-03-29T01:59:59"])
def test_a_time_that_the_clock_skips_is_refused(text: str) -> None:
    """On 29 March 2026 the clock in London goes forward from 01:00 to 02:00. So there is no
    01:30.
    """
    with pytest.raises(NoSingleInstant) as refused:
        instant(wall(text))
    assert refused.value.doubt == "nonexistent-time"


@pytest.mark.parametrize("text", ["2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T01:59:59"])
def test_a_local_time_that_occurs_twice_is_refused(text: str) -> None:
    """On 25 October 2026 the clock in London goes back from 02:00 to 01:00. So 01:30 occurs
    twice.
    """
    with pytest.raises(NoSingleInstant) as refused:
        instant(wall(text))
    assert refused.value.doubt == "ambiguous-time"


@pytest.mark.parametrize("year", range(2026, 2031))
def test_each_year_skips_one_hour_and_repeats_one(year: int) -> None:
    each_hour = [datetime(year, 1, 1) + timedelta(hours=n) for n in range(24 * 365)]  # wall times
    doubts = [doubt for hour in each_hour if (doubt := clock_doubt(hour, LONDON))]
    assert doubts == ["nonexistent-time", "ambiguous-time"]


def test_days_at_a_clock_change_last_23_and_25_hours() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert day_begins(spring + timedelta(days=1), LONDON) - day_begins(spring, LONDON) == timedelta(
        hours=23
    )
    assert day_begins(autumn + timedelta(days=1), LONDON) - day_begins(autumn, LONDON) == timedelta(
        hours=25
    )


def test_late_utc_evening_is_next_local_day_in_summer() -> None:
    assert local_date(datetime(2026, 6, 30, 23, 15, tzinfo=UTC)) == date(2026, 7, 1)
    assert local_date(datetime(2026, 12, 30, 23, 15, tzinfo=UTC)) == date(2026, 12, 30)


@pytest.mark.parametrize(
    "name", ["", "Europe/Lodon", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b"]
)
def test_an_unknown_zone_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(name)


def test_other_zones_follow_their_own_clock() -> None:
    assert instant(wall("2026-03-20T08:30"), "America/New_York") == datetime(
        2026, 3, 20, 12, 30, tzinfo=UTC
    )
    assert instant(wall("2026-07-20T08:30"), "America/New_York") == datetime(
        2026, 7, 20, 12, 30, tzinfo=UTC
    )


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from([LONDON, "America/New_York"]),
)
def test_an_unambiguous_local_time_survives_conversion_to_utc_and_back(
    moment: datetime, name: str
) -> None:
    if clock_doubt(moment, name) is None:
        assert local(instant(moment, name), name).replace(tzinfo=None) == moment
