"""The status page warns the day before a slot that a budget is too small for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from monitor.clock import VirtualClock
from monitor.judge.policy import Policy
from monitor.plan.budget import Budget
from monitor.plan.phases import SLOT, Window
from monitor.plan.targets import targets_of
from monitor.rehearse.virtual_loop import run_virtually
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.release import WatchedRelease
from tests.unit.monitor.app.monitor_in_test import HOST, NEVER_PUBLISHED, MonitorInTest, with_daemon
from tests.unit.monitor.watch.release_table import release_table
from tests.worlds.releases import a_release

Warnings = dict[tuple[str, date], str]

DAY_BEFORE = """
title = "The day before"
from = 2026-11-25T15:00:00
until = 2026-11-25T18:00:00
"""


def releases_of_next_day(count: int) -> str:
    return "".join(
        release_table(
            f"r{n}",
            f"Example returns {n}: July to September 2026",
            f"https://{HOST}/government/statistics/r{n}",
        )
        for n in range(count)
    )


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(5))
async def test_status_page_warns_of_overloaded_slot_a_day_before(monitor: MonitorInTest) -> None:
    """The budget is the most requests a second to one host, here 5. Five releases on one host share
    tomorrow's slot, 09:30. Their looks need more than that, so the status page warns today.
    """
    quarter_of_an_hour_after_start = 15 * 60
    await monitor.clock.sleep(quarter_of_an_hour_after_start)
    (check_of_budget,) = (
        check for check in monitor.app.status.checks() if check.name.startswith("Budget of")
    )
    assert check_of_budget.name == f"Budget of {HOST}, 26 November 2026"
    # In a minute, each of the five pages wants 60 looks at the edge, 60 at the origin and 12 at the
    # content API.
    assert f"{5 * (60 + 60 + 12)} looks wanted in the minute from 09:28" in check_of_budget.state
    assert f"the budget carries {5 * 60} (5/s)" in check_of_budget.state
    # Pages are looked at each second from 2 minutes before their slot to 10 minutes after it.
    assert "over budget in 12 minutes from 09:28" in check_of_budget.state


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(2))
async def test_status_page_omits_budgets_that_are_large_enough(monitor: MonitorInTest) -> None:
    """The budget is the most requests a second to one host, here 5 (300 a minute). Two releases
    share tomorrow's slot. Each wants 132 looks a minute, so 264 together.
    """
    # The plan is compared with the budget at the start, and again every hour.
    after_the_second_hourly_comparison = 2.5 * 3600
    await monitor.clock.sleep(after_the_second_hourly_comparison)
    lines_about_budgets = [
        check for check in monitor.app.status.checks() if check.name.startswith("Budget of")
    ]
    assert lines_about_budgets == []


def test_unchanged_plan_is_compared_hourly_and_changed_one_at_once() -> None:
    """Every ten minutes, the monitor calls `look_ahead`. It compares the planned looks with the
    budget, by one query (`ask`). But it skips that if the plan is the same and the last comparison
    is less than an hour old. Here the plan changes only before the last call.
    """
    watched, minutes_of_comparisons = WatchedRelease(a_release(), ()), list[float]()

    async def look_ahead_every_ten_minutes(clock: VirtualClock) -> None:
        async def ask(question: Callable[[], Warnings]) -> Warnings:
            minutes_of_comparisons.append(clock.monotonic() / 60)
            return question()

        forecast = BudgetForecast(
            clock, lambda: [watched], Budget(), Policy().close_enough, "Europe/London", ask
        )
        for _ in range(10):
            await forecast.look_ahead()
            await clock.sleep(10 * 60)
        # 100 minutes after the start, the release gets targets, which changes the plan.
        watched.set_targets(targets_of(watched.release))
        await forecast.look_ahead()

    run_virtually(look_ahead_every_ten_minutes)
    assert minutes_of_comparisons == [0, 60, 100]


@pytest.mark.parametrize(
    ("seconds_that_are_close_enough", "recommends_larger_budget"), [(30, False), (2, True)]
)
def test_warning_recommends_larger_budget_only_if_looks_are_sparse(
    seconds_that_are_close_enough: float, *, recommends_larger_budget: bool
) -> None:
    """Each target wants a look every second. With a budget of 0.2 requests a second, looks are at
    least 5 s apart. Where looks up to 30 s apart are close enough, the warning recommends nothing.
    Where only 2 s are close enough, it says which budget would make it.
    """
    warning = warning_about_budget(
        Budget(0.2),
        looks_every=timedelta(seconds=1),
        close_enough=timedelta(seconds=seconds_that_are_close_enough),
    )
    assert ("/s would make it" in warning) is recommends_larger_budget


def warning_about_budget(budget: Budget, looks_every: timedelta, close_enough: timedelta) -> str:
    """Return the warning about a release whose targets all want looks so often for two minutes."""
    watched = WatchedRelease(a_release(), ())
    watched.set_targets(targets_of(watched.release))

    async def make_forecast(clock: VirtualClock) -> list[str]:
        async def ask(question: Callable[[], Warnings]) -> Warnings:
            return question()

        begins = clock.now()
        for state in watched.states.values():
            state.windows = (Window(SLOT, begins, begins + timedelta(minutes=2), looks_every),)
        forecast = BudgetForecast(
            clock, lambda: [watched], budget, close_enough, "Europe/London", ask
        )
        await forecast.look_ahead()
        return list(forecast.warnings.values())

    (warning,) = run_virtually(make_forecast)
    return warning
