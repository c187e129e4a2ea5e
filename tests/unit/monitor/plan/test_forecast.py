"""Forecasts of what a host's budget can prove."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budget_sim import simulate_sweep, usual_parts
from monitor.plan import phases
from monitor.plan.budget import WantedSpacing, affordable_spacings
from monitor.plan.forecast import (
    PartToProve,
    busiest_minute,
    count_wanted,
    forecast_slots,
    least_sufficient_rate,
    looks_per_minute,
    overload_warning,
    provable_count,
    rate_to_prove,
)
from monitor.plan.phases import NEAR, Window, next_due
from monitor.plan.proof import ProofGoal

BEGIN = datetime(2026, 7, 23, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
WITHIN = timedelta(seconds=60)
RATE = 5.0  # looks a second
DAY_BEGINS, DAY_ENDS = SLOT - timedelta(hours=9, minutes=30), SLOT + timedelta(hours=14, minutes=30)


def window(begins: int, ends: int, every: int) -> Window:
    return Window(NEAR, BEGIN + begins * SECOND, BEGIN + ends * SECOND, every * SECOND)


_windows = st.builds(window, st.integers(-500, 900), st.integers(-200, 1200), st.integers(1, 200))


def plans_of_pages(
    pages: int, *, every: float = 1.0, chance: float = 1.0
) -> list[tuple[Window, ...]]:
    """Return the plans of so many pages that want a look every so many seconds."""
    return [
        (Window(phases.SLOT, BEGIN, BEGIN + 2 * MINUTE, every * SECOND, chance=chance),)
    ] * pages


def warning_with_five_looks_a_second(
    plans: Sequence[Sequence[Window]], minutes: int = 1
) -> str | None:
    wanted = looks_per_minute(plans, BEGIN, BEGIN + minutes * MINUTE)
    return overload_warning("www.gov.uk", wanted, 5.0, plans, "Europe/London", 30 * SECOND)


def test_warning_names_budget_that_would_prove_who_was_on_time() -> None:
    """240 pages want a look each second. Together they get 5 looks a second, so each gets one in 48
    s. One in 30 s would prove who was on time, which takes 240 / 30 = 8 a second.
    """
    warning = warning_with_five_looks_a_second(plans_of_pages(240))
    assert warning.endswith(
        "every 48 s where 1 s is wanted, too far to prove who was on time; 8/s would make it 30 s"
    )


@pytest.mark.parametrize(("pages", "unlikely_pages"), [(240, 0), (240, 120), (7, 0), (61, 300)])
def test_least_sufficient_rate_allows_looks_every_30_s(pages: int, unlikely_pages: int) -> None:
    """`least_sufficient_rate` returns the looks a second at which each likely page gets one in 30
    s: 8 for 240 such pages. At one less, they are further apart. Unlikely pages, with a quarter of
    the chance, get fewer looks.
    """
    plans = plans_of_pages(pages, every=1.0, chance=1.0) + plans_of_pages(
        unlikely_pages, every=1.0, chance=0.25
    )
    counts = count_wanted(plans, BEGIN)

    def spacing_of_pages(rate: int) -> float:
        return affordable_spacings(counts, rate)[WantedSpacing(every=1.0, chance=1.0)]

    least = least_sufficient_rate(counts, timedelta(seconds=30))
    assert spacing_of_pages(least) <= 30
    # The lowest rate is 1 look a second.
    assert least == 1 or spacing_of_pages(least - 1) > 30


def test_warning_names_no_budget_if_wanted_looks_prove_nothing() -> None:
    """A look every 30 s can prove who was on time.

    These pages want one only every 60 s, so no budget would help.
    """
    warning = warning_with_five_looks_a_second(plans_of_pages(400, every=60))
    # 400 pages get 5 looks a second together, so each gets one in 80 s.
    assert warning.endswith("every 80 s where 60 s is wanted")


def test_warning_names_no_budget_if_looks_are_close_enough() -> None:
    """20 pages get 5 looks a second together, so each gets one in 4 s.

    One in 30 s can prove who was on time.
    """
    warning = warning_with_five_looks_a_second(plans_of_pages(20))
    assert warning.endswith("every 4 s where 1 s is wanted")


def test_wanted_looks_are_counted_in_each_minute_of_a_window() -> None:
    """In the first minute one page wants a look each second. In the second minute two pages do."""
    in_both_minutes, in_the_second_minute = [window(0, 120, every=1)], [window(60, 120, every=1)]
    plans = [in_both_minutes, in_the_second_minute]
    assert looks_per_minute(plans, BEGIN, BEGIN + 2 * MINUTE) == [
        (BEGIN, 60),
        (BEGIN + MINUTE, 120),
    ]


def test_looks_outside_the_period_are_not_counted() -> None:
    """The window goes on for ten minutes before and after the period of 30 seconds."""
    assert looks_per_minute([[window(-600, 600, every=5)]], BEGIN, BEGIN + 30 * SECOND) == [
        (BEGIN, 30 // 5)
    ]


@given(windows=st.lists(_windows, max_size=5), seconds=st.integers(1, 900))
def test_looks_per_minute_add_up_to_the_due_instants(windows: list[Window], seconds: int) -> None:
    """The looks that are due from BEGIN to `end` are counted one by one."""
    end = BEGIN + seconds * SECOND
    due_instants = 0
    just_before_begin = BEGIN - SECOND / 1000
    for each in windows:
        due = next_due([each], just_before_begin)
        while due is not None and due < end:
            due_instants += 1
            due = next_due([each], due)
    assert sum(looks for _, looks in looks_per_minute([windows], BEGIN, end)) == due_instants


def test_busiest_minute_is_first_of_equals() -> None:
    assert busiest_minute([(BEGIN, 3), (BEGIN + MINUTE, 9), (BEGIN + 2 * MINUTE, 9)]) == (
        BEGIN + MINUTE,
        9,
    )
    assert busiest_minute([]) is None


def test_sufficient_budget_gives_no_warning() -> None:
    assert warning_with_five_looks_a_second(plans_of_pages(5)) is None


def test_warning_states_looks_budget_and_spacing() -> None:
    plans = [[window(0, 60, every=12), window(60, 120, every=1)]] * 43
    # In the second minute 43 pages want 60 looks each. That is 2580, and 8.6 times the budget of
    # 300.
    assert (
        warning_with_five_looks_a_second(plans, minutes=2)
        == "www.gov.uk: 2580 looks wanted in the minute from 09:01 on 23 July 2026, the budget"
        " carries 300 (5/s); over budget in 1 minute from 09:01; looks will be 8.6 times as far"
        " apart: every 8.6 s where 1 s is wanted"
    )


def test_warning_gives_spacings_of_most_and_least_likely_pages() -> None:
    likely, unlikely = (
        plans_of_pages(50, every=1, chance=1.0),
        plans_of_pages(50, every=1, chance=0.25),
    )
    # Only pages that want the closest looks count for the range, so this one does not.
    wanted_every_15_s = [window(0, 60, every=15)]
    warning = warning_with_five_looks_a_second([*likely, *unlikely, wanted_every_15_s])
    # 100 looks a second are wanted, which is 20 times the budget of 5. A page with a quarter of the
    # chance gets half as many looks (the square root). So 50 pages get a look every 15 s and 50
    # every 30 s: 50 / 15 + 50 / 30 = 5 a second.
    assert warning.endswith(
        "looks will be 20.0 times as far apart: every 15 to 30 s where 1 s is wanted"
    )


def test_busiest_minute_is_the_first_with_the_most_looks() -> None:
    """Each of 6000 targets wants a look a minute until 30,000 s after BEGIN, and then a look a
    second for 1000 s.
    """
    slot_begins, targets = 30_000, 6000
    day_before, around_slot = (
        window(-86_400, slot_begins, every=60),
        window(slot_begins, slot_begins + 1000, every=1),
    )
    plans = [[day_before, around_slot]] * targets
    wanted = looks_per_minute(plans, BEGIN, BEGIN + timedelta(days=1))
    assert busiest_minute(wanted) == (BEGIN + slot_begins * SECOND, targets * 60)


def parts_to_prove(count: int, slot: datetime = SLOT) -> list[PartToProve]:
    """Return so many parts promised for the slot, of the releases r0, r1 and so on."""
    return [(f"r{n}", ProofGoal(slot, WITHIN, (0, 1, n))) for n in range(count)]


@pytest.mark.parametrize(("number_of_parts", "proved_to_seconds"), [(60, 12), (175, 35)])
def test_forecast_says_how_closely_each_part_can_be_proved(
    number_of_parts: int, proved_to_seconds: int
) -> None:
    """At 5 looks a second, it takes 12 s to look at each of 60 parts once. So two looks at the same
    part are 12 s apart: the first finds it absent, the next present. So each part can be proved to
    12 s.
    """
    (forecast,) = forecast_slots(parts_to_prove(number_of_parts), 5.0, DAY_BEGINS, DAY_ENDS)
    assert (
        forecast.describe("Europe/London")
        == f"of {number_of_parts} parts promised for 09:30, {number_of_parts} can be proved, to"
        f" {proved_to_seconds} s"
    )


def test_forecast_names_unproven_releases_and_a_sufficient_budget() -> None:
    """The tolerance is 60 s. Looks in its first 3 s find little, because most releases come later.
    So 57 s are left for one look at each part. Looks are a hundredth further apart than the budget
    of 5 a second requires.
    """
    looks_that_fit = int((60 - 3) / (1.01 / 5))
    assert looks_that_fit == 282
    (forecast,) = forecast_slots(parts_to_prove(284), 5.0, DAY_BEGINS, DAY_ENDS)
    assert (
        forecast.describe("Europe/London")
        == "of 284 parts promised for 09:30, 282 can be proved, to 57 s; unproven will be r282,"
        " r283; 6/s would prove all"
    )


def test_forecast_names_only_five_of_the_unproven_releases() -> None:
    """282 of the 300 parts can be proved, so 18 cannot."""
    (forecast,) = forecast_slots(parts_to_prove(300), 5.0, DAY_BEGINS, DAY_ENDS)
    assert (
        forecast.describe("Europe/London")
        == "of 300 parts promised for 09:30, 282 can be proved, to 57 s; "
        "unproven will be r282, r283, r284, r285, r286 and 13 more; 6/s would prove all"
    )


def test_slots_within_budget_or_on_another_day_have_no_forecast() -> None:
    """The forecast is for one day, and only says what a small budget cannot do. At 5 looks a
    second, 4 parts get over a look a second each. The 60 parts are promised for the next day.
    """
    assert forecast_slots(parts_to_prove(4), RATE, DAY_BEGINS, DAY_ENDS) == []
    assert (
        forecast_slots(parts_to_prove(60, SLOT + timedelta(days=1)), RATE, DAY_BEGINS, DAY_ENDS)
        == []
    )


def test_each_slot_has_its_own_forecast() -> None:
    later = SLOT + timedelta(minutes=30)
    forecasts = forecast_slots(
        [*parts_to_prove(60, later), *parts_to_prove(20, SLOT)], RATE, DAY_BEGINS, DAY_ENDS
    )
    assert [(forecast.slot, forecast.parts) for forecast in forecasts] == [(SLOT, 20), (later, 60)]


def test_release_with_two_unproved_parts_is_listed_once() -> None:
    """300 releases have two parts each.

    282 of the 600 parts can be proved, so most releases have two unproved ones.
    """
    one_part_of_each_release = parts_to_prove(300)
    (forecast,) = forecast_slots(
        [*one_part_of_each_release, *one_part_of_each_release], RATE, DAY_BEGINS, DAY_ENDS
    )
    unproved_releases = forecast.unproved
    assert unproved_releases
    assert len(unproved_releases) == len(set(unproved_releases))


@given(st.integers(1, 900))
def test_rate_to_prove_is_the_least_that_proves_all(count: int) -> None:
    """`rate_to_prove` returns the looks a second that prove so many parts within their tolerance of
    60 s. At one look a second less, not all can be proved.
    """
    least = rate_to_prove(count, WITHIN)
    assert provable_count(count, WITHIN, least) == count
    assert least == 1 or provable_count(count, WITHIN, least - 1) < count


@pytest.mark.parametrize("count", [60, 175, 282, 300, 450])
def test_forecast_promises_no_more_than_a_sweep_proves(count: int) -> None:
    simulated = simulate_sweep(usual_parts(count), rate=5.0)
    assert len(simulated.parts) >= provable_count(count, WITHIN, rate=5.0)
