"""A store that hangs does not stop looks.

The status shows it, and notices follow as soon as possible.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StoreFault
from monitor.look.sighting import State
from monitor.store.writer import DELAY
from tests.unit.monitor.app.calendar_monitor import CalendarMonitor, csv, row, run_calendar_monitor
from tests.unit.monitor.app.hanging import EVERYTHING, PARTS, WRITING, HangingStore
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, published_at, run_monitor
from tests.worlds.stores import a_store
from tests.worlds.virtual import Test, asking_for

PUBLISHED_AT_09_33 = published_at("09:33:00")
SECOND = timedelta(seconds=1)


def hanging(folder: Path) -> HangingStore:
    return HangingStore(a_store(folder, "hung.db"))


@pytest.mark.slow
def test_the_store_is_never_called_on_the_event_loop(tmp_path: Path) -> None:
    """A slow call of the store on the event loop would delay looks.

    This store answers, and records such calls.
    """
    store = hanging(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        store.records_calls_on_loop = True
        # The page, due at 09:30, is published at 09:33. So the monitor reads and writes all parts
        # of the store.
        await monitor.until("10:10:00")
        # Neither the status nor the metrics may call it.
        assert monitor.app.status.as_json()
        assert b"".join(monitor.app.status.metrics())
        store.records_calls_on_loop = False
        assert monitor.stored_verdict() == "late"

    run_monitor(tmp_path, PUBLISHED_AT_09_33, act, store_of=lambda: store.as_store, delay=DELAY)
    assert store.calls_on_loop == []


def verdict_on_board(monitor: MonitorInTest) -> str:
    body = monitor.app.status.body("claims-q3")
    assert body is not None
    return str(body["verdict"])


@pytest.mark.slow
@pytest.mark.parametrize("hung_part", [EVERYTHING, *WRITING, *PARTS])
def test_looks_and_judging_go_on_while_the_store_hangs(tmp_path: Path, hung_part: str) -> None:
    """From 09:29:30 on, no call returns of one part of the store, for example `verdicts`, or of all
    of it.
    """
    store = hanging(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        store.records_calls_on_loop = True
        store.hang(hung_part)
        # 09:32:30: nothing is at the address. But the monitor only guesses it, so the release may
        # be elsewhere.
        await monitor.until("09:32:30")
        assert verdict_on_board(monitor) == "pending"
        # 09:33: the page is published at the guessed address. So it was late.
        await monitor.until("09:33:20")
        assert verdict_on_board(monitor) == "late"
        # Looks went on, a second apart.
        longest_pause = max(run.largest_gap for run in monitor.runs() if run.state is State.ABSENT)
        assert longest_pause < 2 * SECOND
        # The monitor reports itself unable to work if the hung part is needed to write a verdict.
        needed_to_write_verdicts = (EVERYTHING, *WRITING, "verdicts", "evidence", "leases")
        assert bool(monitor.app.status.unable()) is (hung_part in needed_to_write_verdicts)
        store.records_calls_on_loop = False
        # 09:34: the store answers again, so it has the verdict and the notice.
        await store.free()
        await monitor.until("09:34:00")
        assert (monitor.stored_verdict(), monitor.app.status.unable()) == ("late", [])
        assert "opened" in monitor.notice_kinds()

    # `delay`: looks are committed as soon as in production.
    run_monitor(tmp_path, PUBLISHED_AT_09_33, act, store_of=lambda: store.as_store, delay=DELAY)
    # A call in the thread of the event loop would have stopped all looks.
    assert store.calls_on_loop == []


def with_hanging_store(test: Test) -> Any:  # noqa: ANN401 # a test as pytest sees it
    """Run a coroutine as a test.

    Its `monitor` works on `store`, which answers again in the end, whatever happens.
    """

    async def run_with_store(monitor: CalendarMonitor, folder: Path, **fixtures: object) -> None:
        store = hanging(folder)
        monitor.store_of = lambda _url: store.as_store
        await monitor.restart()
        try:
            await test(monitor=monitor, store=store, **fixtures)
        finally:
            await store.free()

    def run(tmp_path: Path, **fixtures: object) -> None:
        run_calendar_monitor(tmp_path, partial(run_with_store, folder=tmp_path, **fixtures))

    return asking_for(run, test, given=("monitor", "store"), more=("tmp_path",))


def watched_releases(monitor: CalendarMonitor) -> set[str]:
    looked_at = {target.release for target in monitor.daemon.parts.poller.watched_targets()}
    assert looked_at == {*monitor.daemon.parts.watch.releases}
    return looked_at


@pytest.mark.parametrize("hung_part", ["runs", "verdicts", "transaction"])
@with_hanging_store
async def test_new_promise_is_watched_while_another_store_part_hangs(
    monitor: CalendarMonitor, store: HangingStore, hung_part: str
) -> None:
    """The ledger is the part of the store that has calendars, releases and promises.

    Here another part hangs.
    """
    await monitor.read_calendar(csv(row("a")))
    store.hang(hung_part)
    await monitor.read_calendar(csv(row("a"), row("new")))
    assert watched_releases(monitor) == {"a", "new"}


@pytest.mark.parametrize("hung_part", [EVERYTHING, "ledger"])
@with_hanging_store
async def test_calendar_change_read_while_the_ledger_hangs_takes_effect_later(
    monitor: CalendarMonitor, store: HangingStore, hung_part: str
) -> None:
    """The ledger is the part of the store that has calendars and releases. While it hangs, the
    release `new` is read. When it answers again, the job `read_around_slots` records that read
    without a new request.
    """
    await monitor.read_calendar(csv(row("a")))
    store.hang(hung_part)
    with pytest.raises(StoreFault):
        await monitor.read_calendar(csv(row("a"), row("new")))
    await monitor.daemon.parts.calendar_reads.read_around_slots()
    assert watched_releases(monitor) == {"a"}
    await store.free()
    requests_before = len(monitor.fetcher.asked)
    await monitor.daemon.parts.calendar_reads.read_around_slots()
    assert watched_releases(monitor) == {"a", "new"}
    assert len(monitor.fetcher.asked) == requests_before


@with_hanging_store
async def test_release_brought_forward_is_watched_once_the_store_answers(
    monitor: CalendarMonitor, store: HangingStore
) -> None:
    """A known release, due in March, is now due in ten days.

    Its earlier looks must first be read from the store.
    """
    await monitor.read_calendar(csv(row("a", "2027-03-01")))
    assert watched_releases(monitor) == set()  # its slot is months away
    store.hang("runs")
    with suppress(StoreFault):
        await monitor.read_calendar(csv(row("a")))  # now its slot is in ten days
    assert watched_releases(monitor) == set()
    await store.free()
    await monitor.clock.sleep(5)
    assert watched_releases(monitor) == {"a"}


def test_commit_hanging_for_five_seconds_counts_as_store_failure(tmp_path: Path) -> None:
    store = hanging(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        status = monitor.app.status
        # 09:29:30: commits hang. Before five seconds have passed, this may only be a slow store.
        await monitor.until("09:29:30")
        store.hang("commit")
        await monitor.until("09:29:34")
        assert status.unable() == status.self_check.reasons_to_alarm() == []
        # 09:29:37: more than five seconds have passed. The dead man's switch outside must raise an
        # alarm too.
        await monitor.until("09:29:37")
        reason = "the store has not been writable since 09:29:30 UTC"
        assert status.unable() == status.self_check.reasons_to_alarm() == [reason]
        assert monitor.metric("store_failures_total") == 1
        # 09:29:50: the store has answered again since 09:29:37.
        await store.free()
        await monitor.until("09:29:50")
        assert status.unready() == []
        # The looks of these seven seconds are stored by now, so the monitor was not blind.
        assert list(store.runs.blind(monitor.script.begins, monitor.clock.now())) == []

    # `delay`: looks are committed as soon as in production.
    run_monitor(tmp_path, PUBLISHED_AT_09_33, act, store_of=lambda: store.as_store, delay=DELAY)


def test_stop_ends_the_monitor_even_if_the_store_hangs(tmp_path: Path) -> None:
    store = hanging(tmp_path)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        store.hang(EVERYTHING)
        await monitor.until("09:29:40")
        stopped_at = monitor.clock.now()
        # It ends with a fault, because its last looks could not be stored.
        with pytest.raises(StoreFault, match="could not be stored"):
            await monitor.end()
        assert monitor.clock.now() - stopped_at < 10 * SECOND
        await store.free()

    run_monitor(tmp_path, PUBLISHED_AT_09_33, act, store_of=lambda: store.as_store, delay=DELAY)
