"""A real process, killed with kill -9 at random moments in front of a real publisher, and started again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from monitor.clock import SystemClock
from monitor.config.read import read_settings
from monitor.judge.runs import Run
from monitor.store.open import open_store
from tests.unit.monitor.app.one_release import Publisher, configured, publishing
from tests.unit.monitor.app.process import alive, until_said
from tests.unit.monitor.app.test_store_away import check_late_verdict_in_store

CLOCK = SystemClock()
LIVES = 3


@pytest.fixture
def slot() -> datetime:
    # Three lives must end before it, on a busy machine too.
    return (CLOCK.now() + timedelta(seconds=20)).replace(microsecond=0)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, publisher: Publisher, slot: datetime) -> Path:
    return configured(tmp_path, publisher, slot)


def stored_runs(config: Path) -> list[Run]:
    store = open_store(read_settings(config).store.url)
    try:
        return store.runs.of_release("claims")
    finally:
        store.close()


@pytest.mark.slow
def test_kill_9_loses_no_commit_and_repeats_no_notice(config: Path, slot: datetime, publisher: Publisher) -> None:
    chance, runs_before_kill, kills = Random(930), [], []  # noqa: S311 # the same moments each time
    for _ in range(LIVES):
        with alive(config) as child:
            until_said(child, "calendar_read")
            threading.Event().wait(chance.uniform(0.0, 1.2))
            runs_before_kill.append(stored_runs(config))
            child.kill()
            kills.append(CLOCK.now())
    with alive(config) as child:
        until_said(child, "verdict", verdict="overdue", grade="report")
        publisher.out = CLOCK.now()
        until_said(child, "verdict", verdict="late", final=True)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=20)
    assert child.returncode == 0

    store = open_store(read_settings(config).store.url)
    kept = {(run.target, run.first_sent): run for run in store.runs.of_release("claims")}
    for runs in runs_before_kill:
        for run in runs:
            assert kept[run.target, run.first_sent].last_received >= run.last_received
    assert runs_before_kill[-1]
    spans = [span for span in store.runs.blind(slot - timedelta(hours=1), CLOCK.now()) if span.cause == "killed"]
    for kill in kills:
        assert any(span.begins <= kill <= span.ends for span in spans)
    store.close()
    check_late_verdict_in_store(config, slot, publisher.out)


@pytest.mark.slow
def test_a_signal_stops_the_monitor_regularly(config: Path) -> None:
    with alive(config) as child:
        until_said(child, "calendar_read")
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
        assert child.returncode == 0
    store = open_store(read_settings(config).store.url)
    beat = store.leases.heartbeat("edge")
    assert beat is not None
    assert beat.stopped
    assert CLOCK.now() - beat.at < timedelta(minutes=1)
    store.close()
