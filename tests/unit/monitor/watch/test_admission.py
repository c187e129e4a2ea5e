"""Which releases come under watch when a process begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.errors import StoreFault
from monitor.plan.share import Share, owner_of
from monitor.threads import run_in_thread
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
    assert monitor.daemon.poller.next_due() is None
    await monitor.run_hourly_job()
    assert monitor.watched_ids == {"in-five-days"}
    assert monitor.daemon.poller.next_due() == monitor.clock.now()


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
    monitor.daemon.admission.ask = fail_twice_and_then_ask
    began = monitor.clock.now()
    await monitor.run_hourly_job()
    assert monitor.watched_ids == {"in-five-days"}
    seconds_before_each_retry, retries = 1, 2
    assert (monitor.clock.now() - began).total_seconds() == retries * seconds_before_each_retry


@with_calendar_monitor()
async def test_monitor_keeps_its_releases_as_non_member_or_only_member(
    monitor: CalendarMonitor,
) -> None:
    """Monitors divide the hosts of publishers among those of them that are members. This monitor is
    called `north`. Whether no monitor is a member, only another one is, or only north is, north
    keeps all its releases under watch.
    """
    await monitor.read_calendar(csv(TOMORROW, IN_FIVE_DAYS))
    admission, watch = monitor.daemon.admission, monitor.daemon.watch
    before = dict(watch.releases)
    assert set(before) == {"tomorrow", "in-five-days"}

    async def change_members(*members: str) -> None:
        await admission.apply_share(Share("north", members, store_zero=0.0, divided=True))

    # North may be no member for a short time. Soon most of its hosts are its own again, so it keeps
    # its releases.
    await change_members()  # no monitor is a member
    assert watch.releases == before
    await change_members("south")
    assert watch.releases == before
    # As the only member, north owns all hosts.
    await change_members("north")
    assert watch.releases == before
    for name, watched in before.items():
        was_kept_without_a_break = watch.releases[name] is watched
        assert was_kept_without_a_break


@with_calendar_monitor()
async def test_monitor_drops_releases_of_hosts_that_others_own(monitor: CalendarMonitor) -> None:
    """Two monitors, `north` and `south`, divide the hosts of publishers between them. Both releases
    are on the host stats.example, which one of the two owns. This monitor becomes the other one. So
    it watches neither release.
    """
    await monitor.read_calendar(csv(TOMORROW, IN_FIVE_DAYS))
    assert monitor.watched_ids == {"tomorrow", "in-five-days"}
    members = ("north", "south")
    not_the_owner = "south" if owner_of("stats.example", members) == "north" else "north"
    await monitor.daemon.admission.apply_share(
        Share(not_the_owner, members, store_zero=0.0, divided=True)
    )
    assert not monitor.daemon.watch.releases
