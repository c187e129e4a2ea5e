"""The status page warns the day before a slot that a budget is too small for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from monitor.clock import VirtualClock
from monitor.config.settings import Settings
from monitor.health.self_check import Check
from monitor.plan.budget import Budget
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import targets_of
from monitor.rehearse.virtual_loop import run_virtually
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.release import WatchedRelease
from tests.unit.monitor.app.monitor_in_test import HOST, NEVER_PUBLISHED, MonitorInTest, with_daemon
from tests.unit.monitor.watch.release_table import release_table
from tests.worlds.releases import a_release

Warnings = dict[tuple[str, date], str]
A_QUARTER_OF_AN_HOUR = 15 * 60

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


FOUR_CAN_BE_PROVED = Settings.model_validate({"policy": {"on_time_within": "4s"}})
"""Few releases come in the first 3 s. In the fourth, the budget of 5 looks a second allows four."""


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(5), base=FOUR_CAN_BE_PROVED)
async def test_status_page_warns_a_day_before_of_what_a_budget_cannot_prove(
    monitor: MonitorInTest,
) -> None:
    """Five releases on one host share tomorrow's slot, 09:30."""
    await monitor.clock.sleep(A_QUARTER_OF_AN_HOUR)
    (check_of_budget,) = checks_of_budgets(monitor)
    assert check_of_budget.name == f"Budget of {HOST}, 26 November 2026"
    assert check_of_budget.state.startswith(
        f"{HOST}, 5/s: of 5 parts promised for 09:30, 4 can be proved, to 1 s; unproven will be r"
    )


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(5))
async def test_status_page_omits_budgets_that_prove_every_part(monitor: MonitorInTest) -> None:
    """Each of the five pages wants 132 looks a minute, 660 together, and the budget carries 300.

    But one look at each in a minute proves who was on time.
    """
    # The plan is compared with the budget at the start, and again every hour.
    after_the_second_hourly_comparison = 2.5 * 3600
    await monitor.clock.sleep(after_the_second_hourly_comparison)
    assert checks_of_budgets(monitor) == []


def checks_of_budgets(monitor: MonitorInTest) -> list[Check]:
    return [check for check in monitor.app.status.checks() if check.name.startswith("Budget of")]


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

        forecast = BudgetForecast(clock, lambda: [watched], Budget(), "Europe/London", ask)
        for _ in range(10):
            await forecast.look_ahead()
            await clock.sleep(10 * 60)
        # 100 minutes after the start, the release gets parts to prove, which changes the plan.
        watched.set_targets(targets_of(watched.release))
        for state in watched.states.values():
            state.proof_goal = ProofGoal(clock.now(), timedelta(minutes=1), (0, 1, 0))
        await forecast.look_ahead()

    run_virtually(look_ahead_every_ten_minutes)
    assert minutes_of_comparisons == [0, 60, 100]
