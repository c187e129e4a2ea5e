"""How many looks a plan wants of a host."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.demand import demand, oversubscribed, peak_rate
from monitor.plan.phases import Window, next_due

BEGIN = datetime(2026, 7, 23, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def window(begins: int, ends: int, every: int) -> Window:
    return Window("near", BEGIN + begins * SECOND, BEGIN + ends * SECOND, every * SECOND)


_windows = st.builds(window, st.integers(-500, 900), st.integers(-200, 1200), st.integers(1, 200))


def test_two_pages_looked_at_each_second_want_120_looks_a_minute() -> None:
    plans = [[window(0, 120, 1)], [window(60, 120, 1)]]
    assert demand(plans, BEGIN, BEGIN + 2 * MINUTE) == [(BEGIN, 60), (BEGIN + MINUTE, 120)]


def test_looks_outside_the_time_asked_for_do_not_count() -> None:
    assert demand([[window(-600, 600, 5)]], BEGIN, BEGIN + 30 * SECOND) == [(BEGIN, 6)]


@given(st.lists(_windows, max_size=5), st.integers(1, 900))
def test_the_count_is_that_of_the_due_instants(windows: list[Window], length: int) -> None:
    end = BEGIN + length * SECOND
    expected = 0
    for each in windows:
        due = next_due([each], BEGIN - SECOND / 1000)
        while due is not None and due < end:
            expected, due = expected + 1, next_due([each], due)
    assert sum(looks for _, looks in demand([windows], BEGIN, end)) == expected


def test_the_peak_is_the_first_of_the_busiest_minutes() -> None:
    assert peak_rate([(BEGIN, 3), (BEGIN + MINUTE, 9), (BEGIN + 2 * MINUTE, 9)]) == (BEGIN + MINUTE, 9)
    assert peak_rate([]) is None


def test_a_budget_that_carries_the_plan_brings_no_warning() -> None:
    assert oversubscribed("www.gov.uk", [(BEGIN, 300)], 5.0, []) is None


def test_a_budget_too_small_is_told_in_words() -> None:
    plans = [[window(0, 60, 12), window(60, 120, 1)]] * 43
    warning = oversubscribed("www.gov.uk", demand(plans, BEGIN, BEGIN + 2 * MINUTE), 5.0, plans)
    assert warning == (
        "www.gov.uk: 2580 looks wanted in the minute from 09:01 on 23 July 2026, the budget carries 300 (5/s); "
        "over budget in 1 minute from 09:01; looks will be 8.6 times as far apart: every 8.6 s where 1 s is wanted"
    )


def test_a_warning_tells_how_far_apart_the_likely_and_the_unlikely_will_be() -> None:
    unlikely = [replace(window(0, 60, 1), chance=0.25)]
    plans = [*[[window(0, 60, 1)]] * 50, *[unlikely] * 50, [window(0, 60, 15)]]
    warning = oversubscribed("www.gov.uk", demand(plans, BEGIN, BEGIN + MINUTE), 5.0, plans)
    assert warning is not None
    assert warning.endswith("looks will be 20.0 times as far apart: every 15 to 30 s where 1 s is wanted")


def test_a_day_of_six_thousand_targets_is_counted_without_walking_every_look() -> None:
    plans = [[window(-86_400, 30_000, 60), window(30_000, 31_000, 1)]] * 6000
    wanted = demand(plans, BEGIN, BEGIN + timedelta(days=1))
    assert peak_rate(wanted) == (BEGIN + 500 * MINUTE, 360_000)
