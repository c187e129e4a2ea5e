"""The check of our clock by the dates of hosts, beside `clock_cases/skew.toml`."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.look.clock_skew import Skew
from monitor.look.fetch import Answer
from schedules.times.mail_date import mail_date
from tests.unit.monitor.look.dated_answers import NOON, URL, answer_with_date


def skew_of_unsynchronised_clock() -> Skew:
    """Return the check of a clock that the machine reports as not synchronised: there one host is
    enough.
    """
    return Skew(lambda: False)


ABSURD = [
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -1200",
    "Fri, 01 Jan 0100 00:00:00 +1400",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 27 Nov 2026 12:00:02 GMT",
    "Wed, 25 Nov 2026 11:59:57 GMT",
]


@pytest.mark.parametrize("absurd_date", ABSURD)
@pytest.mark.parametrize("is_reported_synchronised", [True, False, None])
def test_host_with_readable_but_ignored_dates_is_logged_once(
    *, absurd_date: str, is_reported_synchronised: bool | None
) -> None:
    """A host sends the same absurd date three times, over a day from our clock, so it is ignored.
    That is logged once. Some dates, for example at the end of the year 9999 in a zone behind UTC,
    are beyond Python's calendar. They cannot be read, so nothing is logged. It never matters what
    the machine reports about our clock.
    """
    skew = Skew(synchronised=lambda: is_reported_synchronised)
    answer = Answer(URL, 200, {"date": absurd_date}, b"", sent=NOON, received=NOON)
    with capture_logs() as lines:
        for _ in range(3):
            skew.observe("a.example", answer)
    logged_hosts = [line["host"] for line in lines if line["event"] == "date_ignored"]
    is_readable = mail_date(absurd_date) is not None
    assert logged_hosts == (["a.example"] if is_readable else [])


class AnswerOfCache(NamedTuple):
    seconds_since_last: float
    has_new_copy: bool
    sends_origin_date: bool


@given(
    st.lists(
        st.builds(AnswerOfCache, st.floats(0, 20), st.booleans(), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    st.floats(-40, 40),
)
def test_bounds_contain_clock_error_whenever_cache_renews_its_copy(
    answers: list[AnswerOfCache], our_clock_ahead: float
) -> None:
    """Our clock is wrong by some constant number of seconds. A cache answers up to 40 looks with
    copies. Random are the time between two looks, when the cache renews its copy, and which date it
    sends: that of the look or that of the copy. The bounds (the least and most seconds that our
    clock is ahead) may never miss the true number.
    """
    skew = skew_of_unsynchronised_clock()  # so one host can prove our clock wrong
    now, copied_at = 0.0, -300.0
    for seconds_since_last, has_new_copy, sends_origin_date in answers:
        now += seconds_since_last
        if has_new_copy:
            copied_at = now
        age = int(now - copied_at)
        answer = answer_with_date(
            at=now, our_clock_ahead=our_clock_ahead, age=age, keeps_origin_date=sends_origin_date
        )
        # No clock is ever set, so no date may seem to contradict another.
        is_time_certain = skew.observe("a", answer)
        assert is_time_certain
    least, most = skew.bounds
    rounding = 1e-6  # of floating-point numbers
    assert least - rounding <= our_clock_ahead <= most + rounding


class AnswerOfHost(NamedTuple):
    host: str
    seconds_since_last: float
    age: int
    sends_origin_date: bool


@given(
    st.lists(
        st.builds(
            AnswerOfHost,
            st.sampled_from("abc"),
            st.floats(0, 3),
            st.integers(0, 300),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    ),
    st.floats(-40, 40),
)
def test_bounds_contain_clock_error_whatever_ages_three_hosts_send(
    answers: list[AnswerOfHost], our_clock_ahead: float
) -> None:
    """Our clock is wrong by some constant number of seconds. Three hosts answer with copies from
    caches. Random are which host answers when, how old its copy is, and which date it sends: that
    of the look or of the copy. The bounds (the least and most seconds that our clock is ahead) may
    never miss the true number.
    """
    skew, now = skew_of_unsynchronised_clock(), 0.0
    for host, seconds_since_last, age, sends_origin_date in answers:
        now += seconds_since_last
        answer = answer_with_date(
            at=now, our_clock_ahead=our_clock_ahead, age=age, keeps_origin_date=sends_origin_date
        )
        # No clock is ever set, so no date may seem to contradict another.
        is_time_certain = skew.observe(host, answer)
        assert is_time_certain
    least, most = skew.bounds
    rounding = 1e-6  # of floating-point numbers
    assert least - rounding <= our_clock_ahead <= most + rounding
