"""How many looks a plan wants of a host."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.demand import apart, demand, needed, oversubscribed, peak_rate
from monitor.plan.phases import Window, next_due

BEGIN = datetime(2026, 7, 23, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def window(begins: int, ends: int, every: int) -> Window:
    return Window("near", BEGIN + begins * SECOND, BEGIN + ends * SECOND, every * SECOND)


_windows = st.builds(window, st.integers(-500, 900), st.integers(-200, 1200), st.integers(1, 200))


def many(pages: int, chance: float = 1.0) -> list[tuple[Window, ...]]:
    """Return the plans of so many pages that want a look a second."""
    return [(Window("slot", BEGIN, BEGIN + 2 * MINUTE, timedelta(seconds=1), chance=chance),)] * pages


def test_a_warning_of_what_cannot_be_proved_names_the_budget_that_would_do() -> None:
    plans = many(240)
    warning = oversubscribed("www.gov.uk", demand(plans, BEGIN, BEGIN + MINUTE), 5.0, plans)
    assert warning is not None
    assert warning.endswith("every 48 s where 1 s is wanted, too far to prove who was on time; 8/s would make it 30 s")


@pytest.mark.parametrize(("pages", "asides"), [(240, 0), (240, 120), (7, 0), (61, 300)])
def test_the_budget_that_would_do_is_enough_and_no_smaller_one_is(pages: int, asides: int) -> None:
    plans = many(pages) + many(asides, 0.25)
    least = needed(plans, BEGIN, timedelta(seconds=30))
    assert apart(plans, BEGIN, least)[(1.0, 1.0)] <= 30
    assert least == 1 or apart(plans, BEGIN, least - 1)[(1.0, 1.0)] > 30


def test_a_warning_of_looks_that_are_never_wanted_so_close_asks_for_nothing() -> None:
    plans = [[window(0, 60, 60)]] * 400
    warning = oversubscribed("www.gov.uk", demand(plans, BEGIN, BEGIN + MINUTE), 5.0, plans)
    assert warning is not None
    assert warning.endswith("every 80 s where 60 s is wanted")


def test_a_warning_of_looks_that_are_close_enough_asks_for_nothing() -> None:
    plans = many(20)
    warning = oversubscribed("www.gov.uk", demand(plans, BEGIN, BEGIN + MINUTE), 5.0, plans)
    assert warning is not None
    assert "would" not in warning


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
