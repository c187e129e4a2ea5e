from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.draft import words
from schedules.times.interval import Bounds, Interval
from tests.worlds.published import at

LONDON = "Europe/London"
LENGTHS = st.floats(min_value=0, max_value=40 * 86400, allow_nan=False)
UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (2265, 2280, "37 to 38 minutes"),
        (2280, 2280, "38 minutes"),
        (60, 60, "1 minute"),
        (61, 119, "1 minute 1 second to 1 minute 59 seconds"),
        (0.2, 0.9, "up to 1 second"),
        (None, 45, "up to 45 seconds"),
        (720, None, "at least 12 minutes"),
        (1500, 2100, "25 to 35 minutes"),
        (10125, 10140, "2 hours 48 minutes to 2 hours 49 minutes (168 to 169 minutes)"),
        (10139.2, 10140.6, "2 hours 48 minutes to 2 hours 50 minutes (168 to 170 minutes)"),
        (599, 599.5, "9 minutes 59 seconds to 10 minutes"),
        (3000, 3600, "50 minutes to 1 hour"),
        (145800, 145800, "40 hours 30 minutes"),
        (65700, 65700, "18 hours 15 minutes"),
        (257400, 257700, "71 hours 30 minutes to 71 hours 35 minutes"),
        (261000, 261300, "3 days to 3 days 1 hour"),
        (4 * 86400, 5 * 86400, "4 to 5 days"),
        (None, None, "a time that is not known"),
    ],
)
def test_a_length_is_written_with_both_bounds(
    low: float | None, high: float | None, text: str
) -> None:
    """Bounds in seconds, such as 2265 to 2280: “37 to 38 minutes”. None is an unknown bound."""
    assert words.format_bounds(Bounds(low, high)) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (25.2, 26, "less than a minute"),
        (65, 68, "about 1 minute"),
        (2265, 2280, "about 38 minutes"),
        (10125, 10140, "about 2 hours 49 minutes"),
        (34140, 34260, "some 9½ hours"),
        (12570, 12630, "some 3½ hours"),
        (304170, 304230, "about 3 days 12 hours"),
        (145763, 145808, "some 40½ hours"),
        (34440, 35700, "9 hours 34 minutes to 9 hours 55 minutes"),
        (65700, 65702, "about 18 hours 15 minutes"),
        (352800, 352860, "about 4 days 2 hours"),
        (1500, 2100, "25 to 35 minutes"),
        (200, 290, "3 to 5 minutes"),
        (230, 320, "about 5 minutes"),
        (720, None, "at least 12 minutes"),
        (30, None, ""),
        (0, 250, "up to 5 minutes"),
    ],
)
def test_a_length_is_one_round_figure_or_a_range(low: float, high: float | None, text: str) -> None:
    """Bounds in seconds.

    If they are close they give one figure, such as “about 38 minutes” for 2265 to 2280.
    """
    assert words.round_length(Bounds(low, high)) == text


@given(LENGTHS, LENGTHS)
def test_the_written_bounds_of_a_length_contain_the_measured_bounds(
    one: float, other: float
) -> None:
    """For example, 1.2 s to 2.5 s is written as “1 to 3 seconds”."""
    low, high = sorted((one, other))
    written_low, written_high = read_bounds(words.format_bounds(Bounds(low, high)))
    millisecond = 0.001  # lengths are rounded to it first
    assert written_low <= low + millisecond
    assert written_high >= high - millisecond


def read_bounds(text: str) -> tuple[int, int]:
    """Return both bounds in seconds: of "37 to 38 minutes", "1 minute to 1 hour", "up to 1 second"
    or "1 minute".
    """
    text = text.split(" (", maxsplit=1)[0]
    if text.startswith("up to "):
        return 0, read_seconds(text)
    low, _, high = text.partition(" to ")
    if low.isdigit():
        unit = high.split(" ")[1]
        low = f"{low} {unit}"
    return read_seconds(low), read_seconds(high or low)


def read_seconds(text: str) -> int:
    parts = re.findall(r"(\d+) (day|hour|minute|second)s?", text)
    return sum(int(number) * UNITS[unit] for number, unit in parts)


@pytest.mark.parametrize(
    ("after", "by", "text"),
    [
        (
            "2015-07-23T09:07:45Z",
            "2015-07-23T09:08:00Z",
            "between 10:07:45 and 10:08:00 BST on 23 July 2015",
        ),
        (
            "2018-01-05T09:59:00Z",
            "2018-01-05T10:00:00Z",
            "between 09:59 and 10:00 GMT on 5 January 2018",
        ),
        (
            "2015-07-22T22:58:00Z",
            "2015-07-22T23:03:00Z",
            "between 23:58 BST on 22 July 2015 and 00:03 BST on 23 July 2015",
        ),
        (  # The clocks went back on this day: 01:10 GMT is 40 minutes after 01:30 BST.
            "2015-10-25T00:30:00Z",
            "2015-10-25T01:10:00Z",
            "between 01:30 BST on 25 October 2015 and 01:10 GMT on 25 October 2015",
        ),
        (
            "2015-07-23T09:07:59.200Z",
            "2015-07-23T09:08:00.300Z",
            "between 10:07:59 and 10:08:01 BST on 23 July 2015",
        ),
        ("2015-07-23T09:08:00Z", "2015-07-23T09:08:00Z", "at 10:08 BST on 23 July 2015"),
        (None, "2018-01-05T10:00:00Z", "by 10:00 GMT on 5 January 2018"),
        ("2018-01-05T10:00:00Z", None, "after 10:00 GMT on 5 January 2018"),
        (None, None, "at an unknown time"),
    ],
)
def test_an_interval_is_written_in_local_time(after: str | None, by: str | None, text: str) -> None:
    """For example, 09:07:45 to 09:08:00 by UTC in July is “between 10:07:45 and 10:08:00 BST”. A
    bound that is None is not known. Fractions of a second are rounded, the lower bound down and the
    upper bound up.
    """
    assert words.format_interval(make_interval(after, by), LONDON) == text


def make_interval(after: str | None, by: str | None) -> Interval:
    return Interval(at(after) if after else None, at(by) if by else None)


@pytest.mark.parametrize(
    ("after", "by", "text"),
    [
        ("2018-01-05T09:50:45Z", "2018-01-05T09:51:00Z", "at about 9.51am"),
        ("2018-01-05T17:29:57Z", "2018-01-05T17:30:03Z", "at about 5.30pm"),
        ("2018-01-04T23:59:58Z", "2018-01-05T00:00:01Z", "at about midnight"),
        ("2018-01-05T09:50:00Z", "2018-01-05T09:52:00Z", "at about 9.51am"),
        ("2018-01-05T09:40:10Z", "2018-01-05T09:50:50Z", "between 9.40am and 9.51am"),
        ("2018-01-04T17:00:00Z", "2018-01-04T17:00:01Z", "at about 5pm on 4 January"),
        (
            "2017-12-20T17:00:00Z",
            "2017-12-20T17:00:01Z",
            "at about 5pm on Wednesday 20 December 2017",
        ),
        ("2018-01-04T23:50:00Z", "2018-01-05T09:00:00Z", "between 11.50pm on 4 January and 9am"),
        (None, "2018-01-05T09:51:00Z", "by 9.51am"),
        ("2018-01-05T09:51:00Z", None, "after 9.51am"),
    ],
)
def test_narrow_interval_is_one_minute_and_wide_one_has_ends(
    after: str | None, by: str | None, text: str
) -> None:
    """So a report writes them. It does not repeat the day that the text has named before."""
    assert (
        words.round_interval(make_interval(after, by), LONDON, known_day=date(2018, 1, 5)) == text
    )


@given(LENGTHS, st.floats(min_value=0, max_value=240))
def test_reported_time_is_within_90_seconds_of_a_narrow_interval(
    seconds_after_nine: float, width: float
) -> None:
    """A page came out at a moment between `after` and `by`. If this interval is narrow, a text
    gives one minute for it, at most 90 s from both bounds.
    """
    after = at("2018-01-05T09:00:00Z") + timedelta(seconds=seconds_after_nine)
    by = after + timedelta(seconds=width)
    nearest = words.find_nearest_minute(Interval(after, by))
    # A wide interval is not written as one minute (None).
    assert (nearest is None) is (by - after > words.NARROW_INTERVAL)
    if nearest is not None:
        assert max(abs(nearest - after), abs(nearest - by)) <= timedelta(seconds=90)


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2016, 10, 1), date(2016, 10, 1), "1 October 2016"),
        (date(2016, 10, 1), date(2016, 10, 4), "1 to 4 October 2016"),
        (date(2016, 9, 30), date(2016, 10, 1), "30 September to 1 October 2016"),
        (date(2016, 12, 30), date(2017, 1, 2), "30 December 2016 to 2 January 2017"),
    ],
)
def test_range_of_days_states_same_month_and_year_once(first: date, last: date, text: str) -> None:
    assert words.format_days(first, last) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(2, "second"), (21, "21st"), (22, "22nd"), (111, "111th"), (112, "112th"), (121, "121st")],
)
def test_an_ordinal_is_a_word_up_to_ten_and_has_the_ending_of_its_number(
    number: int, text: str
) -> None:
    assert words.format_ordinal(number) == text


def test_midnight_is_written_with_the_day_that_begins_then() -> None:
    assert words.format_instant(at("2022-05-04T23:00:00Z"), LONDON) == "00:00 BST on 5 May 2022"


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("2018-01-05T09:30+00:00", "9.30am on Friday 5 January 2018"),
        ("2017-03-20T17:00+00:00", "5pm on Monday 20 March 2017"),
        ("2018-07-05T11:19:58+00:00", "12.19pm on Thursday 5 July 2018"),
        ("2018-01-05T00:00+00:00", "midnight on Friday 5 January 2018"),
        ("2018-01-05T12:00+00:00", "noon on Friday 5 January 2018"),
    ],
)
def test_a_report_writes_a_time_as_the_civil_service_does(when: str, text: str) -> None:
    assert words.format_clock_day(at(when), LONDON) == text


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("2026-10-24T17:00+01:00", "5pm BST on 24 October"),
        ("2026-10-26T09:41+00:00", "9.41am"),
        ("2026-10-25T23:00+00:00", "11pm on 25 October"),
    ],
)
def test_time_before_a_change_of_the_clocks_names_its_zone(when: str, text: str) -> None:
    """The day that is known is 26 October 2026, a day after the change."""
    assert words.format_clock_day(at(when), LONDON, date(2026, 10, 26)) == text
