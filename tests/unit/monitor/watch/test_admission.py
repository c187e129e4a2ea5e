"""Which releases come under watch when a process begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.errors import StoreFault
from monitor.threads import run_in_thread
from schedules.contract.verdict import VerdictKind
from tests.unit.monitor.app.calendar_monitor import CalendarMonitor, csv, row, with_calendar_monitor

TOMORROW, IN_FIVE_DAYS = row("tomorrow", "2026-11-17"), row("in-five-days", "2026-11-21")
NEXT_MONTH = row("next-month", "2026-12-20")

T = TypeVar("T")


@with_calendar_monitor()
async def test_restart_watches_next_release_at_once_and_others_later(
    monitor: CalendarMonitor,
) -> None:
    """It is noon on 16 November. The releases of tomorrow and of 21 November are near enough to
    watch, that of 20 December is not. After a restart, only tomorrow's is watched at once. The
    hourly job then adds that of 21 November.
    """
    await monitor.read_calendar(csv(TOMORROW, IN_FIVE_DAYS, NEXT_MONTH))
    assert monitor.watched_ids == {"tomorrow", "in-five-days"}
    await monitor.restart(runs_hourly_job=False)
    assert monitor.watched_ids == {"tomorrow"}
    await monitor.run_hourly_job()
    assert monitor.watched_ids == {"tomorrow", "in-five-days"}


@with_calendar_monitor()
async def test_release_admitted_after_a_restart_gets_an_immediate_look(
    monitor: CalendarMonitor,
) -> None:
    """After a restart, only releases of the next day are watched. So the one in five days is not
    watched yet, and no look is due. Then the hourly job admits it. From then on it is watched, and
    its first look is due now.
    """
    await monitor.read_calendar(csv(IN_FIVE_DAYS))
    await monitor.restart(runs_hourly_job=False)
    assert monitor.daemon.parts.poller.next_due() is None
    await monitor.run_hourly_job()
    assert monitor.watched_ids == {"in-five-days"}
    assert monitor.daemon.parts.poller.next_due() == monitor.clock.now()


@with_calendar_monitor()
async def test_cancelled_release_shown_again_after_its_slot_is_judged_again(
    monitor: CalendarMonitor,
) -> None:
    """A release of 14:00 is cancelled by 13:55. So its verdict is final at its slot, and its watch
    ends. At 14:05 the calendar shows it as confirmed again, perhaps since before 14:00. So it is
    watched again, and unproven.
    """
    confirmed = row("today", "2026-11-16", "14:00")
    cancelled = row("today", "2026-11-16", "14:00", "cancelled")
    await monitor.read_calendar(csv(confirmed, NEXT_MONTH))
    await monitor.read_calendar(csv(cancelled, NEXT_MONTH), minutes_later=115)
    await monitor.clock.sleep(6 * 60)
    await monitor.judge_all()
    await monitor.read_calendar(csv(confirmed, NEXT_MONTH), minutes_later=4)
    await monitor.judge_all()
    verdict = monitor.daemon.parts.watch.releases["today"].verdict
    assert verdict is not None
    assert verdict.verdict is VerdictKind.UNPROVEN


@with_calendar_monitor()
async def test_hourly_job_retries_store_each_second_until_it_answers(
    monitor: CalendarMonitor,
) -> None:
    """The hourly job queries the store for the releases to watch. The first two queries fail, and
    the third one succeeds. So the job has waited twice, for a second each, and then the release is
    watched.
    """
    queries = 0

    async def fail_twice_and_then_ask(question: Callable[[], T], /) -> T:
        nonlocal queries
        queries += 1
        if queries <= 2:
            raise StoreFault("the disk is gone")
        return await run_in_thread(question)

    await monitor.read_calendar(csv(IN_FIVE_DAYS))
    await monitor.restart(runs_hourly_job=False)
    monitor.daemon.parts.admission.ask = fail_twice_and_then_ask
    began = monitor.clock.now()
    await monitor.run_hourly_job()
    assert monitor.watched_ids == {"in-five-days"}
    seconds_before_each_retry, retries = 1, 2
    assert (monitor.clock.now() - began).total_seconds() == retries * seconds_before_each_retry
