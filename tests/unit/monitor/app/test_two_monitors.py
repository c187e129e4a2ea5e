"""Two monitors on one store: what one proves counts for both, even if the other is blind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.clock import VirtualClock
from monitor.config.settings import Settings, StoreSettings, WatchSettings
from monitor.deliver.drafts import versions_from_rows
from monitor.judge.runs import Blind
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.open import open_store
from monitor.store.sql.engine import Store
from monitor.store.writer import DELAY
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    HOST,
    PUBLISHED_AT_SLOT,
    UNHURRIED,
    URL,
    MonitorInTest,
    published_at,
)
from tests.unit.monitor.app.replaying import differences_in_replay
from tests.unit.monitor.deliver.outbox import a_channel

SHARED = StoreSettings.model_validate(
    {"url": "postgresql+psycopg://nobody@127.0.0.1/shared", "takeover": "20s"}
)
PUBLISHED_AT_09_40 = published_at("09:40:00")
NO_FAULTS = ""
SOUTH_SEES_503 = """
[[fault]]
host = "www.gov.uk"
from = 2026-11-26T09:29:00
until = 2026-11-26T09:45:00
kind = "503"
"""
SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BEGIN_OF_HEAD = SLOT - timedelta(minutes=2)
Pair = Callable[[MonitorInTest, MonitorInTest], Awaitable[None]]


def monitor_named(
    folder: Path, name: str, tables: str, clock: VirtualClock, delay: float
) -> MonitorInTest:
    """Return a monitor of this name whose store is the one in the folder."""
    path = folder / f"{name}.toml"
    path.write_text(HEAD + tables)
    script = read_script(path)
    settings = rehearsal_settings(script, Settings(watch=WatchSettings(vantage=name)), folder)
    file = settings.store.url
    shared = settings.model_copy(update={"store": SHARED})
    return MonitorInTest(
        script, shared, clock, [a_channel(clock, "outbox")], lambda: open_store(file), delay
    )


def run_two_monitors(
    folder: Path,
    tables: str,
    act: Pair,
    south_faults: str = SOUTH_SEES_503,
    delay: float = UNHURRIED,
) -> Store:
    """Run monitor `north`, and `south` to which these faults happen, on one store.

    Return the store.
    """

    async def story(clock: VirtualClock) -> None:
        scripts = {"north": tables, "south": tables + south_faults}
        monitors = [
            monitor_named(folder, name, script, clock, delay) for name, script in scripts.items()
        ]
        for monitor in monitors:
            await monitor.publisher.start()
        try:
            for monitor in monitors:
                await monitor.start()
                await clock.sleep(0.25)
            await act(*monitors)
            for monitor in monitors:
                await monitor.end()
        finally:
            for monitor in monitors:
                await monitor.publisher.close()

    run_virtually(story, BEGIN_OF_HEAD, patience=20)
    return open_store(f"sqlite:///{(folder / 'ninethirty.db').as_posix()}")


@pytest.mark.slow
def test_proof_of_one_monitor_also_counts_for_a_blind_one(tmp_path: Path) -> None:
    """The page is published at its slot, 09:30. North sees that. South gets only 503 from 09:29 to
    09:45, but it uses the looks of North, too.
    """

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.until("09:50:00")
        for monitor in (north, south):
            body = monitor.daemon.watch.verdict_now("claims-q3")
            assert body is not None
            assert body["verdict"] == "on_time"
        assert (north.stored_verdict(), north.notice_kinds()) == ("on_time", [])

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, south_faults=SOUTH_SEES_503)
    # A replay judges the stored looks again. It gives the stored verdict.
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


@pytest.mark.slow
def test_late_release_makes_one_incident_despite_a_blind_monitor(tmp_path: Path) -> None:
    """The page is published at 09:40, late.

    From 09:29 to 09:45 South gets only 503. Only North sees the page.
    """

    async def act(north: MonitorInTest, _south: MonitorInTest) -> None:
        await north.until("10:00:00")
        assert north.stored_verdict() == "late"
        # First that it is not found yet, then that it is overdue, seriously overdue, and out at
        # last.
        assert north.notice_kinds() == ["due", "opened", "grade_changed", "final"]

    store = run_two_monitors(tmp_path, PUBLISHED_AT_09_40, act, south_faults=SOUTH_SEES_503)
    # A replay judges the stored looks again. It gives the stored verdict.
    assert differences_in_replay(store) == {"claims-q3": []}
    assert len(store.verdicts.incidents()) == 1
    store.close()


@pytest.mark.slow
def test_two_monitors_write_no_draft_if_only_the_certainty_changes(tmp_path: Path) -> None:
    """The first draft is written when the release is overdue, the second when its grade rises, the
    third when its page is out. No draft is written only because the monitors have looked more often
    (`N.certainty`).
    """

    async def act(north: MonitorInTest, _south: MonitorInTest) -> None:
        await north.until("10:00:00")

    store = run_two_monitors(tmp_path, PUBLISHED_AT_09_40, act, south_faults=NO_FAULTS)
    (incident,) = store.verdicts.incidents()
    versions = versions_from_rows(store.verdicts.drafts(incident.id))
    grade_rose, page_out = ("N.what", "N.measure", "N.grade"), ("N.what", "N.measure")
    # Each version names the fields that changed. The first has no earlier one to differ from.
    assert [version.changed for version in versions] == [(), grade_rose, page_out]
    assert "made by the monitors “north” and “south”" in str(versions[-1].report)
    store.close()


@pytest.mark.slow
def test_replay_agrees_although_one_of_two_monitors_was_blind(tmp_path: Path) -> None:
    """Around the slot, the monitor South gets only 503. So the verdict rests on the looks of the
    monitor North. Only at 09:36, North stores that it was blind itself from 09:29 to 09:31. A later
    replay must know this too, to give the same verdict.
    """

    async def act(north: MonitorInTest, _south: MonitorInTest) -> None:
        await north.until("09:36:00")
        await north.daemon.core.blind.write(
            Blind(SLOT - MINUTE, SLOT + MINUTE, "store"), north.daemon.core.writer
        )
        await north.until("10:00:00")

    store = run_two_monitors(tmp_path, PUBLISHED_AT_09_40, act, south_faults=SOUTH_SEES_503)
    # A replay judges all stored looks again. There is no difference to the stored verdict.
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


def test_wait_demanded_of_one_monitor_binds_both(tmp_path: Path) -> None:
    """A host refuses only South, for 40 seconds.

    In the middle of the wait it would answer South again.
    """
    refuses_from, wait = SLOT - MINUTE, timedelta(seconds=40)
    wait_ends = refuses_from + wait
    refusal_of_south = f"""
[[answer]]
url = "{URL}"
at = {refuses_from:%Y-%m-%dT%H:%M:%S}
status = 429
headers = {{ Retry-After = "{wait.seconds}" }}

[[answer]]
url = "{URL}"
at = {refuses_from + wait / 2:%Y-%m-%dT%H:%M:%S}
status = 404
"""

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.until("09:35:00")
        # South is refused within 1 s and stores its wait within 5 s. North reads it from the store
        # within 5 s more.
        both_know_from = refuses_from + timedelta(seconds=1 + 5 + 5)
        for monitor in (north, south):
            requests = [entry.at for entry in monitor.publisher.log.entries if entry.host == HOST]
            assert [at for at in requests if both_know_from < at < wait_ends] == []
            assert [at for at in requests if wait_ends <= at < SLOT] != []
        assert north.stored_verdict() == "on_time"

    run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, south_faults=refusal_of_south).close()


@pytest.mark.slow
@pytest.mark.parametrize("killed_monitor", ["north", "south"])
def test_one_monitor_proves_a_release_while_the_other_is_down(
    tmp_path: Path, killed_monitor: str
) -> None:
    """One monitor is down from 09:29:55 to 09:30:20. The page is published at the slot, 09:30."""

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        killed = north if killed_monitor == "north" else south
        await killed.restart(killed_at="09:29:55.2", started_at="09:30:20.6")
        await north.until("09:45:00")
        assert north.stored_verdict() == "on_time"
        assert north.notice_kinds() == []

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, south_faults=NO_FAULTS, delay=DELAY)
    # The store has the time in which that monitor was down. In a replay with it, the release is
    # still on time.
    assert [blind.cause for blind in store.runs.blind(SLOT - HOUR, SLOT + HOUR)] == ["killed"]
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()
