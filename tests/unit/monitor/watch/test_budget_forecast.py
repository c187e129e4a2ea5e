"""The status page warns the day before a slot that a budget is too small for."""

from __future__ import annotations

from monitor.config.settings import Settings
from monitor.health.self_check import Check
from tests.unit.monitor.app.monitor_in_test import HOST, NEVER_PUBLISHED, MonitorInTest, with_daemon
from tests.unit.monitor.watch.release_table import release_table

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


FIVE_CAN_BE_PROVED = Settings.model_validate({"policy": {"on_time_within": "4s"}})
"""Few releases come in the first 3 s. In the fourth, the budget of 5 looks a second allows five."""


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(6), base=FIVE_CAN_BE_PROVED)
async def test_status_page_warns_a_day_before_of_what_a_budget_cannot_prove(
    monitor: MonitorInTest,
) -> None:
    """Six releases on one host share tomorrow's slot, 09:30."""
    await monitor.clock.sleep(A_QUARTER_OF_AN_HOUR)
    (check_of_budget,) = checks_of_budgets(monitor)
    assert check_of_budget.name == f"Budget of {HOST}, 26 November 2026"
    assert check_of_budget.state.startswith(
        f"{HOST}, 5/s: of 6 parts promised for 09:30, 5 can be proved, to 1 s; unproven will be r"
    )


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(5))
async def test_status_page_omits_budgets_that_prove_every_part(monitor: MonitorInTest) -> None:
    """Each of the five pages wants 132 looks a minute, 660 together, and the budget carries 300.

    But one look at each in a minute proves who was on time.
    """
    await monitor.clock.sleep(A_QUARTER_OF_AN_HOUR)
    assert checks_of_budgets(monitor) == []


def checks_of_budgets(monitor: MonitorInTest) -> list[Check]:
    return [check for check in monitor.app.status.checks() if check.name.startswith("Budget of")]
