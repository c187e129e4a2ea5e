from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.budget import Budget, Pacer, spacings, spread, stretch

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
RATES = st.floats(0.1, 200)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_host_without_a_rate_of_its_own_has_the_default() -> None:
    budget = Budget(2.0, {"www.gov.uk": 5.0})
    assert (budget.rate("www.gov.uk"), budget.rate("elsewhere.example")) == (5.0, 2.0)


def test_a_budget_that_carries_all_stretches_nothing() -> None:
    assert stretch(3.0, 5.0) == 1.0
    assert spread([1.0, 2.0], [1.0, 1.0], 5.0) == [1.0, 2.0]
    assert spacings({(1.0, 1.0): 2, (5.0, 9.0): 10}, 5.0) == {(1.0, 1.0): 1.0, (5.0, 9.0): 5.0}


def test_twice_the_demand_is_stretched_twice() -> None:
    assert stretch(10.0, 5.0) == 2.0


def test_shares_follow_the_square_root_of_the_chance() -> None:
    assert spacings({(0.1, 9.0): 1, (0.1, 1.0): 1}, 4.0) == pytest.approx({(0.1, 9.0): 1 / 3, (0.1, 1.0): 1.0})


def test_a_wider_spacing_says_how_much_less_likely_a_change_is() -> None:
    assert spacings({(1.0, 1.0): 10, (10.0, 1.0): 10}, 1.1) == pytest.approx({(1.0, 1.0): 10, (10.0, 1.0): 100})


def test_none_gets_more_than_it_wants_and_the_rest_is_shared_out() -> None:
    shares = spread([1.0, 10.0, 10.0], [10.0, 1.0, 1.0], 5.0)
    assert shares == pytest.approx([1.0, 2.0, 2.0])


def test_what_cannot_change_keeps_its_floor() -> None:
    shares = spread([10.0, 10.0], [1.0, 0.0], 5.0, floor=0.2)
    assert shares[1] == pytest.approx(0.5)


@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1)), min_size=1, max_size=30), RATES)
def test_shares_never_exceed_the_rate_nor_starve_anyone(rows: list[tuple[float, float]], rate: float) -> None:
    wants, weights = [want for want, _ in rows], [weight for _, weight in rows]
    shares = spread(wants, weights, rate)
    assert sum(shares) <= max(rate, 0) * 1.000001 or sum(shares) <= sum(wants)
    assert all(0 < got <= want for got, want in zip(shares, wants, strict=True))


def test_the_square_root_rule_beats_equal_and_proportional_shares() -> None:
    counts = {(1.0, 0.9 / 10): 10, (1.0, 0.1 / 90): 90}
    width = sum(counts[key] * key[1] * spacing for key, spacing in spacings(counts, 1.0).items())
    assert width == pytest.approx(sum(count * sqrt(chance) for (_, chance), count in counts.items()) ** 2)
    assert width == pytest.approx(36)


@given(RATES, st.lists(st.floats(0, 3), max_size=80))
def test_no_second_ever_holds_more_starts_than_the_budget(rate: float, waits: list[float]) -> None:
    pacer, now, starts = Pacer(rate), NOON, []
    for wait in waits:
        now = pacer.next_start(now + timedelta(seconds=wait / rate))
        pacer.started(now)
        starts.append(now)
    for begin in starts:
        held = [start for start in starts if begin <= start <= begin + timedelta(seconds=1)]
        assert len(held) <= ceil(rate)


def test_a_request_that_went_out_twice_is_paid_for_twice() -> None:
    pacer = Pacer(5.0)
    pacer.started(NOON)
    pacer.owes(after(0.01))
    pacer.owes(after(0.01))
    assert pacer.next_start(after(0.02)) == after(0.01) + 3 * pacer.gap()


def test_a_host_that_asked_for_patience_gets_it_to_the_second() -> None:
    pacer = Pacer(10.0)
    pacer.started(NOON)
    pacer.told_to_wait(NOON, timedelta(seconds=30))
    assert pacer.next_start(after(1)) == after(30)
    assert pacer.is_quiet(after(29.9))
    assert not pacer.is_quiet(after(30))


def test_the_rate_recovers_gently() -> None:
    pacer = Pacer(10.0)
    pacer.told_to_wait(NOON, timedelta(seconds=1))
    before = pacer.gap()
    for _ in range(8):
        pacer.answered()
    during = pacer.gap()
    for _ in range(8):
        pacer.answered()
    assert before > during > pacer.gap() == Pacer(10.0).gap()


def test_a_host_that_names_no_time_is_left_alone_longer_at_each_turn() -> None:
    pacer = Pacer(10.0)
    pacer.told_to_wait(NOON, None)
    pacer.told_to_wait(after(0.1), None)
    assert pacer.quiet_until == after(30)
    pacer.told_to_wait(after(31), None)
    assert pacer.quiet_until == after(91)


def test_patience_has_an_end() -> None:
    pacer = Pacer(10.0)
    pacer.told_to_wait(NOON, timedelta(days=4000))
    assert pacer.quiet_until == NOON + timedelta(days=1)


def test_a_shorter_silence_does_not_end_a_longer_one() -> None:
    pacer = Pacer(10.0)
    pacer.quiet(after(60))
    pacer.quiet(after(10))
    assert pacer.quiet_until == after(60)
