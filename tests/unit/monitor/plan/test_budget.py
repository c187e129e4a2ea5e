from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.budget import (
    Budget,
    Pacer,
    WantedSpacing,
    affordable_spacings,
    concurrent_requests,
    share_rate,
    stretch_factor,
)

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
RATES = st.floats(0.1, 200)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_host_without_its_own_rate_gets_the_default() -> None:
    budget = Budget(2.0, {"www.gov.uk": 5.0})
    assert (budget.rate("www.gov.uk"), budget.rate("elsewhere.example")) == (5.0, 2.0)


@pytest.mark.parametrize(("rate", "places"), [(2.0, 4), (20.0, 10), (200.0, 32)])
def test_requests_under_way_are_those_of_half_a_second_but_at_least_4_and_at_most_32(rate: float, places: int) -> None:
    assert concurrent_requests(rate) == places


def group(*, wanted_every: float, chance: float = 1.0) -> WantedSpacing:
    """Return the key of a group of targets: the seconds between its looks as wanted, and its chance of a change."""
    return WantedSpacing(wanted_every, chance)


def test_spacings_are_as_wanted_if_the_budget_carries_all() -> None:
    assert stretch_factor(demand=3.0, rate=5.0) == 1.0
    assert share_rate(wants=[1.0, 2.0], weights=[1.0, 1.0], rate=5.0) == [1.0, 2.0]
    often, rarely = group(wanted_every=1), group(wanted_every=5, chance=9)
    # The groups want 2/1 + 10/5 = 4 looks a second, less than the rate. So the higher chance makes no difference.
    assert affordable_spacings({often: 2, rarely: 10}, rate=5.0) == {often: 1.0, rarely: 5.0}


def test_twice_the_demand_doubles_the_spacing() -> None:
    assert stretch_factor(demand=10.0, rate=5.0) == 2.0


def test_a_group_wanted_ten_times_as_rarely_gets_ten_times_the_spacing() -> None:
    often, rarely = group(wanted_every=1), group(wanted_every=10)
    # The groups want 10/1 + 10/10 = 11 looks a second, which is ten times the rate.
    assert affordable_spacings({often: 10, rarely: 10}, rate=1.1) == pytest.approx({often: 10, rarely: 100})


def test_no_share_exceeds_its_want_and_the_rest_is_shared() -> None:
    # The first target has the highest weight but wants only 1 look a second. The other 4 are for the two equal ones.
    shares = share_rate(wants=[1.0, 10.0, 10.0], weights=[10.0, 1.0, 1.0], rate=5.0)
    assert shares == pytest.approx([1.0, 2.0, 2.0])


def test_target_that_cannot_change_gets_a_tenth_of_an_equal_share() -> None:
    # Two targets want 10 looks a second each, and the host allows 5 a second. The second target has no chance of a
    # change.
    chances = [1.0, 0.0]
    _may_change, cannot_change = share_rate([10.0, 10.0], weights=chances, rate=5.0)
    equal_share = 5.0 / 2
    assert cannot_change == pytest.approx(0.1 * equal_share)


@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1)), min_size=1, max_size=30), RATES)
def test_shares_never_exceed_the_rate_and_are_never_zero(rows: list[tuple[float, float]], rate: float) -> None:
    wants, weights = [want for want, _ in rows], [weight for _, weight in rows]
    shares = share_rate(wants, weights, rate)
    rounding = 1e-6
    assert sum(shares) <= rate * (1 + rounding)
    assert all(0 < got <= want for got, want in zip(shares, wants, strict=True))


def test_spacings_by_the_square_root_of_the_chance_give_the_shortest_mean_interval() -> None:
    # Nine in ten of all changes are at the ten likely targets, and the rest at the ninety unlikely ones.
    likely, unlikely = group(wanted_every=1, chance=0.9 / 10), group(wanted_every=1, chance=0.1 / 90)
    spacings = affordable_spacings({likely: 10, unlikely: 90}, rate=1.0)
    mean_interval = 0.9 * spacings[likely] + 0.1 * spacings[unlikely]
    # By the Cauchy-Schwarz inequality, no spacings with 10 / likely + 90 / unlikely = 1 have a shorter mean.
    shortest_possible = (10 * sqrt(0.9 / 10) + 90 * sqrt(0.1 / 90)) ** 2
    assert mean_interval == pytest.approx(shortest_possible)


@given(RATES, st.lists(st.floats(0, 3), max_size=80))
def test_starts_in_any_second_never_exceed_the_budget(rate: float, waits: list[float]) -> None:
    # Each request is wanted up to `3 / rate` seconds after the start of the one before, some of them at once.
    pacer, now, starts = Pacer(rate), NOON, []
    for wait in waits:
        now = pacer.next_start(now + timedelta(seconds=wait / rate))
        pacer.record_start(now)
        starts.append(now)
    for begin in starts:
        starts_within_a_second = [start for start in starts if begin <= start <= begin + timedelta(seconds=1)]
        assert len(starts_within_a_second) <= ceil(rate)


def test_request_sent_again_on_a_new_connection_counts_against_the_budget() -> None:
    pacer = Pacer(5.0)
    pacer.record_start(NOON)
    pacer.charge_extra_request(after(0.01))
    pacer.charge_extra_request(after(0.01))
    # The first extra request counts as a start one gap after it, and the second one as a start one gap after that.
    last_counted_start = after(0.01) + 2 * pacer.gap
    assert pacer.next_start(after(0.02)) == last_counted_start + pacer.gap


def test_wait_of_30_s_after_a_refusal_is_doubled_by_a_refusal_after_it_but_not_by_one_during_it() -> None:
    # A host that refuses a request may name the time to wait. Without one, the wait is 30 s.
    pacer, no_time_named = Pacer(10.0), None
    pacer.record_refusal(NOON, no_time_named)
    pacer.record_refusal(after(0.1), no_time_named)
    assert pacer.quiet_until == after(30)
    pacer.record_refusal(after(31), no_time_named)
    assert pacer.quiet_until == after(31 + 2 * 30)


@pytest.mark.parametrize(("successes", "seconds_of_next_wait"), [(8, 60), (16, 30)], ids=["slow", "at full rate again"])
def test_wait_without_a_named_time_is_30_s_again_only_after_the_rate_has_recovered(
    successes: int, seconds_of_next_wait: float
) -> None:
    pacer, no_time_named = Pacer(10.0), None
    pacer.record_refusal(NOON, no_time_named)
    # A refusal cuts the rate to a quarter. Each success multiplies it by 1.1, so 15 of them bring it back.
    for _ in range(successes):
        pacer.record_success()
    pacer.record_refusal(after(100), no_time_named)
    assert pacer.quiet_until == after(100 + seconds_of_next_wait)


def test_longest_wait_is_one_day() -> None:
    # The host refuses a request and asks for a wait of 4000 days.
    pacer = Pacer(10.0)
    pacer.record_refusal(NOON, timedelta(days=4000))
    assert pacer.quiet_until == NOON + timedelta(days=1)


def test_host_is_quiet_until_its_wait_is_over() -> None:
    pacer = Pacer(10.0)
    pacer.record_refusal(NOON, timedelta(seconds=30))
    assert pacer.is_quiet(after(29.9))
    assert not pacer.is_quiet(after(30))


def test_shorter_wait_does_not_end_a_longer_one() -> None:
    pacer = Pacer(10.0)
    pacer.record_refusal(NOON, timedelta(seconds=60))
    pacer.record_refusal(NOON, timedelta(seconds=10))
    assert pacer.quiet_until == after(60)
