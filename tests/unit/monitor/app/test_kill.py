"""A real process, killed with kill -9 at random moments in front of a real publisher, and started
again.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from monitor.clock import SystemClock
from monitor.config.read import read_settings
from monitor.judge.runs import Run
from monitor.store.open import open_store
from tests.unit.monitor.app.one_release import Publisher, configured, publishing
from tests.unit.monitor.app.process import alive, wait_for_log_line
from tests.unit.monitor.app.test_store_away import check_late_verdict_in_store, stop_process

CLOCK = SystemClock()
NUMBER_OF_KILLS = 3


@pytest.fixture
def slot() -> datetime:
    # Three kills must happen before it, on a busy machine too.
    return (CLOCK.now() + timedelta(seconds=20)).replace(microsecond=0)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, publisher: Publisher, slot: datetime) -> Path:
    return configured(tmp_path, publisher, slot)


def stored_runs(config: Path) -> list[Run]:
    with closing(open_store(read_settings(config).store.url)) as store:
        return store.runs.of_release("claims")


@pytest.mark.slow
def test_three_kills_before_the_slot_lose_no_committed_look(
    config: Path, slot: datetime, publisher: Publisher
) -> None:
    """A monitor is killed three times before the slot. The fourth goes on with what the killed ones
    stored, and notifies of the late release once.
    """
    random = Random(930)  # noqa: S311 # the same moments each time
    runs_before_kill, kills = list[list[Run]](), list[datetime]()
    for _ in range(NUMBER_OF_KILLS):
        with alive(config) as child:
            wait_for_log_line(child, "calendar_read")
            # Kill it at any moment of its first looks, which are a second apart.
            threading.Event().wait(random.uniform(0.0, 1.2))
            runs_before_kill.append(stored_runs(config))
            child.kill()
            kills.append(CLOCK.now())
    # The page is published only when it is overdue.
    with alive(config) as child:
        wait_for_log_line(child, "verdict", verdict="overdue", grade="report")
        publisher.published_at = CLOCK.now()
        wait_for_log_line(child, "verdict", verdict="late", final=True)
        stop_process(child)
    with closing(open_store(read_settings(config).store.url)) as store:
        runs_at_end = {(run.target, run.first_sent): run for run in store.runs.of_release("claims")}
        assert runs_before_kill[-1]  # without stored runs, the loop below would check nothing
        # At the end each run is still there, and goes on at least as long as before the kill.
        for run in chain(*runs_before_kill):
            assert runs_at_end[run.target, run.first_sent].last_received >= run.last_received
        gaps = [
            span
            for span in store.runs.blind(slot - timedelta(hours=1), CLOCK.now())
            if span.cause == "killed"
        ]
        # The monitor knows that it was blind at each kill.
        for kill in kills:
            assert any(gap.begins <= kill <= gap.ends for gap in gaps)
    # It also checks that there is one notice that the release is late, and none twice.
    check_late_verdict_in_store(config, slot, publisher.published_at)


@pytest.mark.slow
def test_a_signal_stops_the_monitor_regularly(config: Path) -> None:
    with alive(config) as child:
        wait_for_log_line(child, "calendar_read")
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
        assert child.returncode == 0
    with closing(open_store(read_settings(config).store.url)) as store:
        heartbeat = store.leases.heartbeat("edge")
    assert heartbeat is not None
    # The last heartbeat in the store says that the monitor stopped. After a kill it would not.
    assert heartbeat.stopped
    assert CLOCK.now() - heartbeat.at < timedelta(minutes=1)
