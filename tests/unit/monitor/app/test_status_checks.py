"""Each check of the status page is good or says what to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from monitor import __version__
from monitor.app.status import clock_check
from monitor.deliver.outbox_rows import Backlog
from monitor.health.self_check import Check
from schedules.times.interval import Bounds
from tests.unit.monitor.app.monitor_in_test import (
    NEVER_PUBLISHED,
    PUBLISHED_AT_SLOT,
    MonitorInTest,
    with_daemon,
)
from tests.unit.monitor.watch.test_budget_forecast import (
    DAY_BEFORE,
    FIVE_CAN_BE_PROVED,
    releases_of_next_day,
)

LONG_AGO = datetime(2026, 11, 1, 9, tzinfo=UTC)


def checks_of(monitor: MonitorInTest) -> dict[str, Check]:
    return {check.name: check for check in monitor.app.status.checks()}


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(1))
async def test_a_monitor_that_works_has_good_checks(monitor: MonitorInTest) -> None:
    """The slot of its only release is tomorrow."""
    await monitor.clock.sleep(15 * 60)
    checks = checks_of(monitor)
    del checks["Clock"]  # the machine's own
    assert [name for name, check in checks.items() if not check.is_good] == []
    assert {"Monitor", "Store", "Looks", "Workers", "Budgets"} <= checks.keys()
    assert "releases watched: 1," in checks["Looks"].state
    assert f"version {__version__}, up 15 min, since " in checks["Monitor"].state


@with_daemon(PUBLISHED_AT_SLOT)
async def test_checks_show_the_rate_of_looks_and_used_budget(monitor: MonitorInTest) -> None:
    """In the two minutes before the slot the page is looked at each second."""
    await monitor.until("09:29:40")
    checks = checks_of(monitor)
    rate = re.search(r"on time, (.*) a second", checks["Looks"].state)
    assert rate is not None
    looks_a_second = float(rate[1])
    assert looks_a_second > 0.9
    assert f"www.gov.uk {looks_a_second:.1f} of 5 a second" in checks["Budgets"].state


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(1))
async def test_check_of_a_channel_shows_last_delivery_and_waiting_messages(
    monitor: MonitorInTest,
) -> None:
    await monitor.clock.sleep(60)
    (name,) = (name for name in checks_of(monitor) if name.startswith("Channel "))
    assert (
        checks_of(monitor)[name].state
        == "no delivery since the monitor started, no messages waiting"
    )
    # Two messages have been waiting since 1 November, when the last one was delivered (LONG_AGO).
    channel = monitor.app.daemon.parts.outbox.states[name.removeprefix("Channel ")]
    channel.backlog = Backlog(pending=2, since=LONG_AGO, delivered=LONG_AGO)
    waiting = checks_of(monitor)[name]
    assert waiting.state.startswith(
        "last delivery 1 Nov 2026 09:00:00 GMT, 2 messages waiting since 1 Nov"
    )
    assert "ninethirty channel test" in waiting.todo


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(6), base=FIVE_CAN_BE_PROVED)
async def test_check_warns_of_a_budget_too_small_for_tomorrows_slot(monitor: MonitorInTest) -> None:
    """Tomorrow six pages have one slot."""
    quarter_of_an_hour = 15 * 60
    await monitor.clock.sleep(quarter_of_an_hour)
    checks = checks_of(monitor)
    (name,) = (name for name in checks if name.startswith("Budget of "))
    assert "of 6 parts promised for 09:30, 5 can be proved" in checks[name].state
    table_to_change = "`[budget]`"
    assert table_to_change in checks[name].todo
    # A check named `Budgets` would say that every budget is enough.
    assert "Budgets" not in checks


@with_daemon(NEVER_PUBLISHED, head=DAY_BEFORE + releases_of_next_day(1))
async def test_check_of_an_unreadable_calendar_says_what_to_do(monitor: MonitorInTest) -> None:
    """The only calendar answers with 503.

    Its check on the status page says so, and names the command that reads it.
    """
    health = monitor.app.status.core.health
    (calendar,) = health.spacings.keys()  # the names of all calendars
    health.note_calendar_read(calendar, monitor.clock.now(), "503")
    assert "; 503" in checks_of(monitor)[f"Calendar {calendar}"].state
    assert f"ninethirty calendar read {calendar}" in checks_of(monitor)[f"Calendar {calendar}"].todo


@pytest.mark.parametrize(
    ("is_synchronised", "is_off", "is_good", "state"),
    [
        (True, False, True, "synchronised; ahead of the watched hosts: -0.010 s to 0.012 s"),
        (None, False, True, "the system does not say if it is synchronised"),
        (False, False, False, "no service synchronises it"),
        (True, True, False, "synchronised"),
    ],
)
def test_clock_is_bad_if_unsynchronised_or_off(
    is_synchronised: bool | None,  # noqa: FBT001 # a column of the table
    is_off: bool,  # noqa: FBT001 # a column of the table
    is_good: bool,  # noqa: FBT001 # a column of the table
    state: str,
) -> None:
    """The clock is bad if the system says that it is not synchronised, but not if the system says
    nothing (None). It is also bad if it `is_off`: too different from the clocks of the watched
    hosts.
    """
    difference = Bounds(-0.01, 0.012)
    check = clock_check(difference, is_synchronised=is_synchronised, is_off=is_off)
    assert (check.is_good, check.state.startswith(state)) == (is_good, True)
