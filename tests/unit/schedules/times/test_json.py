from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from schedules.contract.verdict import Ended, Exposure
from schedules.times.interval import Bounds, Interval
from schedules.times.json import (
    bounds_from_json,
    bounds_json,
    fields_json,
    instant_from_json,
    instant_json,
    interval_from_json,
    interval_json,
)

NOON = datetime(2018, 1, 5, 12, tzinfo=UTC)
NOON_AND_123_MS = NOON.replace(microsecond=123_456)


def test_instant_is_written_in_utc_with_milliseconds_or_seconds() -> None:
    """The instant is 12:00:00.123456 UTC on 5 January 2018, given in a zone five hours behind."""
    assert (
        instant_json(NOON_AND_123_MS.astimezone(timezone(timedelta(hours=-5))))
        == "2018-01-05T12:00:00.123Z"
    )
    assert instant_json(NOON_AND_123_MS, "seconds") == "2018-01-05T12:00:00Z"


def test_no_instant_is_null_in_json() -> None:
    assert instant_json(None) is None
    assert instant_from_json(None) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back_to_the_millisecond(instant: datetime) -> None:
    back = instant_from_json(instant_json(instant))
    assert back == instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def test_intervals_and_bounds_come_back_from_json_with_unknowns() -> None:
    """An unknown end of an interval and an unknown bound are None, also in JSON. If both bounds are
    unknown, there may be None instead of the bounds.
    """
    open_interval, open_bounds = Interval(after=None, by=NOON), Bounds(min=1.5, max=None)
    assert interval_json(open_interval) == {"after": None, "by": "2018-01-05T12:00:00.000Z"}
    assert interval_from_json(interval_json(open_interval)) == open_interval
    assert bounds_from_json(bounds_json(open_bounds)) == open_bounds
    assert bounds_json(None) is None
    assert bounds_from_json(None) is None


def test_named_fields_are_written_by_type_in_the_given_order() -> None:
    """`fields_json` writes the named fields of an object in the given order. Each value is written
    by its type: an interval and bounds as two values, for example. An unknown one is None.
    """
    ended_by_noon = Interval(after=None, by=NOON)
    exposure = Exposure(
        "page",
        start=Interval(NOON, NOON),
        to=ended_by_noon,
        seconds=Bounds(min=1.5),
        open=False,
        ended=Ended.SLOT,
    )
    written = fields_json(exposure, "ended", "open", "to", "seconds")
    assert list(written.items()) == [
        ("ended", "slot"),
        ("open", False),
        ("to", {"after": None, "by": "2018-01-05T12:00:00.000Z"}),
        ("seconds", {"min": 1.5, "max": None}),
    ]
