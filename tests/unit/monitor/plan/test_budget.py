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
def test_requests_under_way_are_those_of_half_a_second(rate: float, places: int) -> None:
    """They are at least 4 and at most 32."""
    assert concurrent_requests(rate) == places


def targets_that_want_a_look(*, every: float, chance: float = 1.0) -> WantedSpacing:
    """Return the key of targets that want a look every so many seconds and have this chance of a
    change.
    """
    return WantedSpacing(every, chance)


def test_spacing_is_not_stretched_if_rate_meets_demand() -> None:
    assert stretch_factor(demand=3.0, rate=5.0) == 1.0


def test_each_share_is_as_wanted_if_rate_is_enough() -> None:
    looks_a_second = [1.0, 2.0]
    assert share_rate(wants=looks_a_second, weights=[1.0, 1.0], rate=5.0) == looks_a_second


def test_spacings_are_as_wanted_if_rate_is_enough() -> None:
    """If all wanted looks fit into the rate, the chances of a change do not matter."""
    often, rarely = (
        targets_that_want_a_look(every=1, chance=1),
        targets_that_want_a_look(every=5, chance=9),
    )
    number_of_targets = {often: 2, rarely: 10}
    # They want 2/1 + 10/5 = 4 looks a second.
    seconds_between_looks = affordable_spacings(number_of_targets, rate=5.0)
    assert seconds_between_looks == {often: 1.0, rarely: 5.0}


def test_twice_the_demand_doubles_the_spacing() -> None:
    assert stretch_factor(demand=10.0, rate=5.0) == 2.0


def test_targets_that_want_fewer_looks_get_a_longer_spacing() -> None:
    often, rarely = targets_that_want_a_look(every=1), targets_that_want_a_look(every=10)
    number_of_targets = {often: 10, rarely: 10}
    # They want 10/1 + 10/10 = 11 looks a second, which is ten times the rate. So every spacing is
    # ten times as long.
    seconds_between_looks = affordable_spacings(number_of_targets, rate=1.1)
    assert seconds_between_looks == pytest.approx({often: 10 * 1, rarely: 10 * 10})


def test_no_share_exceeds_its_want_and_the_rest_is_shared() -> None:
    """The first target has the highest weight but wants only 1 look a second.

    The two equal ones share the other 4.
    """
    shares = share_rate(wants=[1.0, 10.0, 10.0], weights=[10.0, 1.0, 1.0], rate=5.0)
    assert shares == pytest.approx([1.0, 2.0, 2.0])


def test_target_that_cannot_change_gets_a_tenth_of_share() -> None:
    """Two targets want 10 looks a second each, and the host allows 5 a second."""
    chances = [1.0, 0.0]
    _may_change, cannot_change = share_rate([10.0, 10.0], weights=chances, rate=5.0)
    equal_share = 5.0 / 2
    assert cannot_change == pytest.approx(0.1 * equal_share)


@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1)), min_size=1, max_size=30), RATES)
def test_shares_never_exceed_the_rate_and_are_never_zero(
    rows: list[tuple[float, float]], rate: float
) -> None:
    """Each row is one target: how many looks a second it wants, and its weight."""
    wants, weights = [want for want, _ in rows], [weight for _, weight in rows]
    shares = share_rate(wants, weights, rate)
    rounding = 1e-6
    assert sum(shares) <= rate * (1 + rounding)
    assert all(0 < got <= want for got, want in zip(shares, wants, strict=True))


def test_spacings_give_the_shortest_mean_interval() -> None:
    """The interval is the time between the two looks around a change. Nine in ten of all changes
    are at the ten likely targets, and one in ten at the ninety unlikely ones.
    """
    likely = targets_that_want_a_look(every=1, chance=0.9 / 10)
    unlikely = targets_that_want_a_look(every=1, chance=0.1 / 90)
    seconds_between_looks = affordable_spacings({likely: 10, unlikely: 90}, rate=1.0)
    mean_interval = 0.9 * seconds_between_looks[likely] + 0.1 * seconds_between_looks[unlikely]
    # By the Cauchy-Schwarz inequality, no spacings that use one look a second in all give a shorter
    # mean than this.
    shortest_possible = (10 * sqrt(0.9 / 10) + 90 * sqrt(0.1 / 90)) ** 2
    assert mean_interval == pytest.approx(shortest_possible)


@given(RATES, st.lists(st.floats(0, 3), max_size=80))
def test_starts_in_any_second_never_exceed_the_budget(rate: float, waits: list[float]) -> None:
    """Each request is wanted up to `3 / rate` seconds after the start of the one before, some of
    them at once.
    """
    pacer, now, starts = Pacer(rate), NOON, []
    for wait in waits:
        now = pacer.next_start(now + timedelta(seconds=wait / rate))
        pacer.record_start(now)
        starts.append(now)
    for begin in starts:
        starts_within_a_second = [
            start for start in starts if begin <= start <= begin + timedelta(seconds=1)
        ]
        assert len(starts_within_a_second) <= ceil(rate)


def test_each_request_sent_again_delays_next_start_by_a_gap() -> None:
    """A request starts at noon. After 10 ms its connection breaks, and so does the next one. So it
    is sent again twice.
    """
    pacer = Pacer(5.0)
    pacer.record_start(NOON)
    sent_again_at = after(0.01)
    pacer.charge_extra_request(sent_again_at)
    pacer.charge_extra_request(sent_again_at)
    gaps_of_extra_requests, usual_gap = 2 * pacer.gap, pacer.gap
    assert pacer.next_start(after(0.02)) == sent_again_at + gaps_of_extra_requests + usual_gap


def test_refusal_doubles_the_wait_only_after_the_first_wait() -> None:
    """A host that refuses a request may name the time to wait. Without one, the wait is 30 s."""
    pacer, no_time_named = Pacer(10.0), None
    pacer.record_refusal(NOON, no_time_named)
    pacer.record_refusal(after(0.1), no_time_named)  # during the first wait
    assert pacer.quiet_until == after(30)
    pacer.record_refusal(after(31), no_time_named)
    assert pacer.quiet_until == after(31 + 2 * 30)


@pytest.mark.parametrize(
    ("successes", "seconds_to_wait"),
    [(8, 2 * 30), (16, 30)],
    ids=["rate still low", "rate recovered"],
)
def test_wait_doubles_unless_rate_recovered_from_first_refusal(
    successes: int, seconds_to_wait: float
) -> None:
    """A refusal cuts the rate to a quarter. Each success multiplies it by 1.1, so 15 of them bring
    it back. The first wait is 30 s. After 8 successes the second one is 60 s, but after 16 it is 30
    s again.
    """
    pacer, no_time_named = Pacer(10.0), None
    pacer.record_refusal(NOON, no_time_named)
    for _ in range(successes):
        pacer.record_success()
    pacer.record_refusal(after(100), no_time_named)
    assert pacer.quiet_until == after(100 + seconds_to_wait)


def test_longest_wait_is_one_day() -> None:
    """The host refuses a request and asks for a wait of 4000 days."""
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
