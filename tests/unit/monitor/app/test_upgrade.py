"""Two monitors on one store, brought to the next version one after the other, and one of them
back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.store.sql.engine import Store
from monitor.store.sql.shape import OURS, Shape
from monitor.store.writer import DELAY
from tests.contracts.later import NEXT
from tests.unit.monitor.app.monitor_in_test import PUBLISHED_AT_SLOT, MonitorInTest
from tests.unit.monitor.app.replaying import differences_in_replay
from tests.unit.monitor.app.test_two_monitors import (
    HOUR,
    MINUTE,
    NO_FAULTS,
    PUBLISHED_AT_09_40,
    SLOT,
    run_two_monitors,
)


def use_version(monitor: MonitorInTest, folder: Path, shape: Shape) -> None:
    """Make a monitor open its store as this version of the program does, from its next start on."""
    monitor.store_of = lambda: Store(
        f"sqlite:///{(folder / 'ninethirty.db').as_posix()}", shape=shape
    )


async def upgrade(monitor: MonitorInTest, folder: Path, stops: str, starts: str) -> None:
    """Stop a monitor at one time of the day and start it in the next version at another.

    Return two seconds later.
    """
    await monitor.until(stops)
    await monitor.end()
    use_version(monitor, folder, NEXT)
    await monitor.until(starts)
    await monitor.start()
    await monitor.clock.sleep(2.0)


async def downgrade(monitor: MonitorInTest, folder: Path) -> None:
    """Restart a monitor in the old version, which still works with the store of the next one."""
    await monitor.end()
    use_version(monitor, folder, OURS)
    await monitor.start()


# The restarts are on both sides of the publication, at the slot, 09:30, or late, at 09:40.
UPGRADES = pytest.mark.parametrize(
    ("north_stops_and_starts", "south_stops_and_starts", "tables", "verdict"),
    [
        (("09:29:40.2", "09:29:52.6"), ("09:30:09.4", "09:30:21.2"), PUBLISHED_AT_SLOT, "on_time"),
        (("09:39:50.2", "09:39:57.6"), ("09:40:06.4", "09:40:21.2"), PUBLISHED_AT_09_40, "late"),
    ],
)


@pytest.mark.slow
@UPGRADES
def test_upgrading_two_monitors_in_turn_misses_no_second_of_looks(
    tmp_path: Path,
    north_stops_and_starts: tuple[str, str],
    south_stops_and_starts: tuple[str, str],
    tables: str,
    verdict: str,
) -> None:
    """First North and then South stops for some seconds and starts in the new version. Meanwhile
    the page is published, on time at 09:30 or late at 09:40.
    """

    async def upgrade_both_and_downgrade_north(north: MonitorInTest, south: MonitorInTest) -> None:
        await upgrade(north, tmp_path, *north_stops_and_starts)
        await upgrade(south, tmp_path, *south_stops_and_starts)
        # Then one of them goes back to the old version.
        await north.until("09:42:00")
        await downgrade(north, tmp_path)
        await north.until("09:45:00")

    store = run_two_monitors(
        tmp_path, tables, upgrade_both_and_downgrade_north, south_faults=NO_FAULTS, delay=DELAY
    )
    (release,) = store.verdicts.judged()
    assert release.word == verdict
    # One of the two always looked once a second. So the publication is known to a second, here with
    # a margin.
    published = SLOT if verdict == "on_time" else SLOT + 10 * MINUTE
    (page,) = release.body["parts"]
    after, by = (datetime.fromisoformat(page["released"][end]) for end in ("after", "by"))
    assert after <= published <= by
    assert by - after < timedelta(seconds=1.5)
    # A regular stop is stored as such, and nothing else made a monitor blind.
    assert {blind.cause for blind in store.runs.blind(SLOT - HOUR, SLOT + HOUR)} == {"stopped"}
    # The stored looks, judged again, give the stored verdict.
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


@pytest.mark.slow
@UPGRADES
def test_upgrading_two_monitors_in_turn_sends_each_notice_once(
    tmp_path: Path,
    north_stops_and_starts: tuple[str, str],
    south_stops_and_starts: tuple[str, str],
    tables: str,
    verdict: str,
) -> None:
    """First North and then South stops for some seconds and starts in the new version. Meanwhile
    the page is published, on time at 09:30 or late at 09:40. Later North goes back to the old
    version.
    """
    ids_of_sent_messages = list[str]()

    async def upgrade_both_and_downgrade_north(north: MonitorInTest, south: MonitorInTest) -> None:
        await upgrade(north, tmp_path, *north_stops_and_starts)
        await upgrade(south, tmp_path, *south_stops_and_starts)
        await north.until("09:42:00")
        await downgrade(north, tmp_path)
        await north.until("09:45:00")
        for monitor in (north, south):
            ids_of_sent_messages.extend(message.id for message in monitor.received())

    store = run_two_monitors(
        tmp_path, tables, upgrade_both_and_downgrade_north, south_faults=NO_FAULTS, delay=DELAY
    )
    notices = store.outbox.notices()
    # Had both monitors sent a notice, its id would be in the list twice.
    assert sorted(ids_of_sent_messages) == sorted(notice.id for notice in notices)
    assert all(delivery.attempts == 1 for delivery in store.outbox.deliveries())
    # Only a late release has an incident, which is opened once.
    incidents_of_verdict = {"on_time": 0, "late": 1}[verdict]
    assert len(store.verdicts.incidents()) == incidents_of_verdict
    assert [notice.kind for notice in notices].count("opened") == incidents_of_verdict
    assert [row.word for row in store.verdicts.judged()] == [verdict]
    # The stored looks, judged again, give the stored verdict.
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


@pytest.mark.slow
def test_old_version_works_on_an_upgraded_store_and_reports_it(tmp_path: Path) -> None:
    """First North and then South is upgraded to a newer version. Then North goes back to the old
    version. It goes on running, and reports that its store is of a newer version.
    """

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await upgrade(north, tmp_path, "09:29:40.2", "09:29:52.6")
        # `newer` is a version in the store that is newer than that of the monitor. Only North is
        # upgraded so far.
        assert north.store.newer == ""
        assert south.store.newer == NEXT.head
        await upgrade(south, tmp_path, "09:30:09.4", "09:30:21.2")
        # Both are upgraded, so neither finds a newer version.
        assert north.store.newer == south.store.newer == ""
        # North goes back to the old version.
        await north.until("09:42:00")
        await downgrade(north, tmp_path)
        await north.until("09:45:00")
        assert (
            f"{NEXT.head}, of a newer version"
            in north.app.status.as_json()["status"]["Needs attention"]["Store"]
        )

    run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, south_faults=NO_FAULTS, delay=DELAY).close()
