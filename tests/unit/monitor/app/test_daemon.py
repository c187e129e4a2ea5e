"""The whole daemon: restarts, notices, and faults from outside, which cannot end it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.app.daemon import TaskDied
from monitor.app.status import release_states
from monitor.clock import VirtualClock
from monitor.errors import Deposed, StoreFault
from monitor.look.sighting import State
from monitor.store.rows import DeliveryState
from monitor.store.writer import DELAY
from monitor.threads import Tasks
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    NEVER_PUBLISHED,
    PAGE,
    PUBLISHED_AT_SLOT,
    MonitorInTest,
    published_at,
    reopened,
    run_monitor,
    with_daemon,
)
from tests.unit.monitor.app.replaying import differences_in_replay
from tests.unit.monitor.deliver.outbox import SlowChannel, a_channel
from tests.worlds.fake_channel import FakeChannel, Options
from tests.worlds.stores import runs_of

FIRST_START_AT_09_40 = HEAD.replace("from = 2026-11-26T09:28:00", "from = 2026-11-26T09:40:00")


def test_release_published_at_its_slot_is_on_time_without_notice(tmp_path: Path) -> None:
    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:33:00")
        assert (monitor.stored_verdict(), monitor.notice_kinds()) == ("on_time", [])

    settings = run_monitor(tmp_path, PUBLISHED_AT_SLOT, act)
    store = reopened(settings)
    # The stored looks, judged again, give the stored verdict.
    assert differences_in_replay(store, settings) == {"claims-q3": []}
    assert store.check() == []
    store.close()


@with_daemon(NEVER_PUBLISHED, delay=DELAY)
async def test_missed_slot_is_unproven_until_a_look_finds_no_page(monitor: MonitorInTest) -> None:
    """No daemon runs at the slot, 09:30.

    After the restart, the first look finds the page absent: notice `opened`.
    """
    await monitor.restart(killed_at="09:29:30", started_at="09:35:30")
    await monitor.until("09:35:33")
    assert monitor.stored_verdict() == "overdue"
    assert monitor.notice_kinds() == ["unproven", "opened"]


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        (StoreFault("a note that could not be stored"), 1.0),
        # What a former leader decided is dropped, and that is no fault.
        (Deposed(), None),
    ],
)
def test_unawaited_exception_is_counted_and_ends_nothing(
    tmp_path: Path, fault: StoreFault, counted: float | None
) -> None:
    async def raise_fault() -> None:
        raise fault

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:00")
        # No one awaits this task, so the event loop gives its exception to the daemon, which counts
        # it as `stray`.
        Tasks().start(raise_fault())
        await monitor.until("09:33:00")
        faults = monitor.metric("faults_total", task="stray")
        assert (faults, monitor.stored_verdict()) == (counted, "on_time")

    run_monitor(tmp_path, PUBLISHED_AT_SLOT, act)


def test_verdict_waits_half_a_minute_for_a_successful_look(tmp_path: Path) -> None:
    """From 09:29 on each look fails. The daemon restarts at 09:36:30, after the slot. Until
    09:37:00 it waits for a look that proves something, before it says that the release is unproven.
    """
    every_look_fails = (
        '[[fault]]\nhost = "www.gov.uk"\nfrom = 2026-11-26T09:29:00\nuntil ='
        ' 2026-11-26T10:30:00\nkind = "reset"\n'
    )

    async def act(monitor: MonitorInTest) -> None:
        await monitor.restart(killed_at="09:28:55", started_at="09:36:30")
        await monitor.until("09:36:55")
        assert monitor.stored_verdict() == "pending"  # as before the kill
        assert monitor.notice_kinds() == []
        # The board and the API have no verdict since the restart.
        assert release_states(monitor.daemon.parts.watch.releases) == []
        assert monitor.app.status.body("claims-q3") is None
        await monitor.until("09:37:05")
        assert monitor.stored_verdict() == "unproven"
        assert monitor.notice_kinds() == ["unproven"]

    # Before a kill, looks must be committed as soon as in production (DELAY).
    run_monitor(tmp_path, every_look_fails, act, delay=DELAY)


@pytest.mark.slow
@with_daemon(NEVER_PUBLISHED, delay=DELAY)
async def test_after_a_restart_every_target_is_looked_at_within_seconds(
    monitor: MonitorInTest,
) -> None:
    """A target is an address and the way to it, for example the page at the edge or past the cache
    at the origin.
    """
    await monitor.restart(killed_at="09:45:00", started_at="10:20:30")
    restarted_at = monitor.clock.now()
    await monitor.until("10:20:33")
    targets = [target.id for target in monitor.daemon.parts.poller.watched_targets()]
    assert len(targets) >= 3
    assert all(monitor.runs(target)[-1].last_received >= restarted_at for target in targets)


@pytest.mark.slow
@with_daemon(NEVER_PUBLISHED, delay=DELAY)
async def test_gap_of_a_kill_begins_right_after_the_last_look(monitor: MonitorInTest) -> None:
    """A gap is a stored time in which the monitor was blind, here from the kill to the restart."""
    await monitor.until("09:29:40.5")
    last_look = monitor.runs()[-1].last_received
    await monitor.restart(killed_at="09:29:40.5", started_at="09:29:55")
    restarted_at = monitor.clock.now()
    await monitor.until("09:29:56")
    (gap,) = monitor.store.runs.blind(last_look - timedelta(hours=1), monitor.clock.now())
    assert (gap.cause, gap.ends) == ("killed", restarted_at)
    # The gap begins with the last heartbeat. Each commit of looks stores one, and looks are a
    # second apart.
    assert timedelta() <= gap.begins - last_look < timedelta(seconds=1)


@with_daemon(NEVER_PUBLISHED)
async def test_a_regular_stop_commits_everything_and_is_recorded(monitor: MonitorInTest) -> None:
    await monitor.until("09:29:40.5")
    run_before = monitor.runs()[-1]
    await monitor.end()
    await monitor.until("09:29:50")
    await monitor.start()
    store = monitor.store
    # The run in the store ends no earlier than the one in memory did: no look was lost.
    assert runs_of(store, PAGE)[-1].last_received >= run_before.last_received
    await monitor.until("09:29:51")
    (gap,) = store.runs.blind(run_before.first_sent, monitor.clock.now())
    assert gap.cause == "stopped"
    blind_seconds = monitor.metric("blind_seconds_total", cause="stopped")
    # Stopped at 09:29:40.5 and started again at 09:29:50.
    assert blind_seconds == pytest.approx(50 - 40.5, abs=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("delivery_seconds", "stop_seconds", "attempts_in_all"),
    [(4.0, 4.0, 1), (60.0, 10.0, 2)],
    ids=["finished before the stop", "cut off after ten seconds and repeated"],
)
def test_regular_stop_waits_at_most_ten_seconds_for_a_delivery(
    tmp_path: Path, delivery_seconds: float, stop_seconds: float, attempts_in_all: int
) -> None:
    """The stop begins while a message is being delivered. A delivery of 4 s ends before the stop.
    One of 60 s is cut off after 10 s and attempted again after the restart.
    """
    channels: list[SlowChannel] = []

    # `run_monitor` calls this function once, so the daemon has the same channel after its restart.
    def make_slow_channel(clock: VirtualClock) -> list[SlowChannel]:
        channels.append(SlowChannel(clock, delivery_seconds, "outbox"))
        return channels

    async def act(monitor: MonitorInTest) -> None:
        (channel,) = channels
        while not channel.begun_ids:
            await monitor.clock.sleep(0.1)
        message_id, began = channel.begun_ids[0], monitor.clock.now()
        await monitor.end()
        stopped, last_look = monitor.clock.now(), monitor.publisher.log.entries[-1].at
        assert (stopped - began).total_seconds() == pytest.approx(stop_seconds, abs=0.5)
        # Looks continue until the stop is complete. They are a second apart.
        assert (last_look - began).total_seconds() == pytest.approx(stop_seconds, abs=1)
        await monitor.start()
        await monitor.clock.sleep(240)  # enough for a second attempt
        # A message that the stop cut off is sent a second time.
        assert channel.begun_ids.count(message_id) == attempts_in_all
        assert [row.attempts for row in monitor.store.outbox.deliveries(message_id)] == [
            attempts_in_all
        ]

    run_monitor(tmp_path, NEVER_PUBLISHED, act, channels=make_slow_channel)


def test_unproven_release_is_notified_once_and_replays_equally_after_two_restarts(
    tmp_path: Path,
) -> None:
    """The page is published at 09:30, while no daemon runs, so no look can prove when.

    The second restart changes nothing about the release. A replay judges the stored looks again.
    """

    async def restart_twice(monitor: MonitorInTest) -> None:
        await monitor.restart(killed_at="09:29:00", started_at="09:42:00")
        await monitor.until("09:44:00")
        assert monitor.stored_verdict() == "unproven"
        await monitor.restart(killed_at="09:44:00", started_at="09:46:00")
        await monitor.until("09:50:00")
        assert monitor.stored_verdict() == "unproven"
        assert monitor.notice_kinds().count("unproven") == 1

    settings = run_monitor(tmp_path, PUBLISHED_AT_SLOT, restart_twice, delay=DELAY)
    store = reopened(settings)
    assert differences_in_replay(store, settings) == {"claims-q3": []}
    store.close()


@pytest.mark.slow
@with_daemon(published_at("09:50:00"), delay=DELAY)
async def test_overdue_release_is_notified_once_despite_nine_kills(monitor: MonitorInTest) -> None:
    """The page is absent until 09:50, 20 minutes after the slot.

    The kills come while it is overdue.
    """
    for minute in range(31, 40):
        await monitor.restart(killed_at=f"09:{minute}:20", started_at=f"09:{minute}:40")
    await monitor.until("09:55:00")
    ids = [notice.id for notice in monitor.store.outbox.notices()]
    assert len(ids) == len(set(ids))
    # The kind `opened` is the notice that the release is overdue.
    assert monitor.notice_kinds().count("opened") == 1
    assert {message.id for message in monitor.received()} == set(ids)


@pytest.mark.slow
def test_a_flapping_host_adds_no_draft_version_without_new_facts(tmp_path: Path) -> None:
    """From 09:40:00 to 09:44:52 the host resets connections for 4 of every 12 seconds: 25 times."""
    resets = "".join(
        f'[[fault]]\nhost = "www.gov.uk"\nfrom = 2026-11-26T09:4{minute}:{second:02}\n'
        f'until = 2026-11-26T09:4{minute}:{second + 4:02}\nkind = "reset"\n'
        for minute in range(5)
        for second in range(0, 60, 12)
    )

    def count_drafts(monitor: MonitorInTest) -> int:
        store = monitor.store
        return sum(
            len(store.verdicts.drafts(incident.id)) for incident in store.verdicts.incidents()
        )

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:39:50")
        # The release has been overdue since 09:31, so its incident has drafts. Resets add no facts.
        drafts = count_drafts(monitor)
        assert drafts
        await monitor.until("09:45:30")
        assert count_drafts(monitor) == drafts
        # The looks did see the 25 resets: each began a run of failed looks.
        assert len(monitor.runs()) > 25

    run_monitor(tmp_path, resets, act)


@with_daemon(
    PUBLISHED_AT_SLOT + published_at("09:50:00") + "status = 410\n" + published_at("10:05:00")
)
async def test_withdrawal_has_a_length_once_the_page_is_back(monitor: MonitorInTest) -> None:
    """The page is published at 09:30, removed (410) at 09:50 and back at 10:05."""
    await monitor.until("10:15:00")
    row = monitor.verdict_row()
    (finding,) = row.body["findings"]
    assert finding["kind"] == "withdrawn"
    # An upper bound of the length exists only when the withdrawal has ended.
    assert finding["seconds"]["max"] is not None


def test_only_a_removal_of_two_minutes_is_notified(tmp_path: Path) -> None:
    """The page is removed (404) for 80 seconds from 09:50:00 on, and then for good from 10:00:00
    on.
    """

    def answer_from(at: str, status: int) -> str:
        return published_at(at) + f"status = {status}\n"

    flickers = answer_from("09:50:00", 404) + answer_from("09:51:20", 200)
    removed = answer_from("10:00:00", 404)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("10:00:00")
        assert monitor.notice_kinds() == []
        await monitor.until("10:02:10")
        (notice,) = monitor.store.outbox.notices()
        assert (notice.kind, notice.grade) == ("altered", "none")
        # Routes can match the finding `withdrawn` by its own name or by its general name `altered`.
        assert notice.findings == ("altered", "withdrawn")

    run_monitor(tmp_path, PUBLISHED_AT_SLOT + flickers + removed, act)


def test_dead_task_ends_the_daemon_with_an_error_naming_it(tmp_path: Path) -> None:
    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:28:30")
        (watch_task,) = [task for task in asyncio.all_tasks() if task.get_name() == "watch"]
        # The daemon runs its parts as named tasks. This one must never end by itself.
        watch_task.cancel()
        await monitor.until("09:29:30")

    with pytest.raises(TaskDied, match=r"^watch ended, and with it the daemon$"):
        run_monitor(tmp_path, NEVER_PUBLISHED, act)


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["hangs", "passing", "permanent"])
def test_a_channel_that_fails_delays_neither_another_channel_nor_looks(
    tmp_path: Path, failure: str
) -> None:
    """The channel `bad` hangs for a day, or refuses each message, with a passing or a permanent
    error.
    """
    bad = Options(hangs=True, timeout=86_400) if failure == "hangs" else Options(refuses=failure)

    def channels(clock: VirtualClock) -> list[FakeChannel]:
        return [a_channel(clock, "bad", bad), a_channel(clock, "good")]

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:34:00")
        good = monitor.channels[1]
        assert isinstance(good, FakeChannel)
        notices = monitor.store.outbox.notices()
        # First that the release is not found yet, and then that it is overdue.
        assert [notice.kind for notice in notices] == ["due", "opened"]
        assert all(
            good.received[notice.id] - notice.at < timedelta(seconds=1) for notice in notices
        )
        # Around the slot, looks are a second apart.
        assert max(run.largest_gap for run in monitor.runs()) < timedelta(seconds=2)

    run_monitor(tmp_path, NEVER_PUBLISHED, act, channels=channels)


class RaisingChannel(FakeChannel):
    """A channel with a fault of its own: it raises instead of returning an outcome."""

    async def send(self, message: object) -> object:  # type: ignore[override]
        del message
        raise ZeroDivisionError("https://user:secret@hook.example")


@pytest.mark.slow
def test_raising_channel_is_retried_and_delays_no_other_channel(tmp_path: Path) -> None:
    def channels(clock: VirtualClock) -> list[FakeChannel]:
        return [RaisingChannel("broken", Options(), clock.now), a_channel(clock, "good")]

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:34:00")
        outbox = monitor.store.outbox
        first, second = (
            {row.channel: row for row in outbox.deliveries(notice.id)}
            for notice in outbox.notices()
        )
        # The first notice says that the release is not found yet, and the second that it is
        # overdue.
        assert first["good"].standing is second["good"].standing is DeliveryState.SENT
        assert first["broken"].standing is second["broken"].standing is DeliveryState.WAITING
        assert first["broken"].reason == "broke with ZeroDivisionError"
        assert first["broken"].attempts > 2
        # Notices go to one channel in order, so the second waits for the first.
        assert second["broken"].attempts == 0

    run_monitor(tmp_path, NEVER_PUBLISHED, act, channels=channels)


@with_daemon(NEVER_PUBLISHED, delay=DELAY)
async def test_the_first_look_after_a_restart_begins_a_new_run(monitor: MonitorInTest) -> None:
    await monitor.restart(killed_at="09:29:00", started_at="09:29:03")
    await monitor.until("09:29:10")
    # A run is a series of looks with one result. Both runs are absent, but no one looked between
    # them.
    before, after = monitor.runs()[-2:]
    assert before.state is after.state is State.ABSENT
    assert before.last_received < after.first_sent


@pytest.mark.slow
@with_daemon(published_at("10:00:00"), head=FIRST_START_AT_09_40)
async def test_release_absent_at_first_start_is_unproven_and_never_late(
    monitor: MonitorInTest,
) -> None:
    """The slot was 09:30.

    The monitor starts for the first time at 09:40, and the page is published at 10:00.
    """
    await monitor.until("09:55:00")
    (message,) = monitor.received()
    assert message.subject.startswith("NOT PROVEN: ")
    assert "not watched at its slot" in message.subject
    assert "not out as of" in message.text
    assert monitor.stored_verdict() == "unproven"
    await monitor.until("10:20:00")
    assert monitor.received() == [message]
    assert monitor.stored_verdict() == "unproven"


@with_daemon(PUBLISHED_AT_SLOT, head=FIRST_START_AT_09_40)
async def test_a_release_published_before_the_first_start_sends_no_notice(
    monitor: MonitorInTest,
) -> None:
    await monitor.until("09:55:00")
    assert monitor.received() == []
