"""Two monitors on one store: one leads, and the other takes over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.clock import VirtualClock
from monitor.config.settings import Settings, StoreSettings, WatchSettings
from monitor.errors import EnvironmentFault, NoLongerLeads, StoreFault
from monitor.judge.runs import Blind
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.open import open_store
from monitor.store.sql.engine import Store
from monitor.store.sql.read import RunStore
from monitor.store.writer import DELAY
from tests.unit.monitor.app.browsing import browse
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
from tests.worlds.stores import CutStore

SHARED = StoreSettings.model_validate(
    {"url": "postgresql+psycopg://nobody@127.0.0.1/shared", "takeover": "4s"}
)
PUBLISHED_AT_09_40 = published_at("09:40:00")
SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BEGIN_OF_HEAD = SLOT - timedelta(minutes=2)
HAND_IN = SLOT + 3 * MINUTE
SHORT_WATCH: Mapping[str, object] = {
    "settle": {"every": "60s", "parts_every": "60s", "until": "10m"},
    "after": {"every": "5m", "until": "20m"},
}
NO_TABLE: Mapping[str, object] = {}
Pair = Callable[[MonitorInTest, MonitorInTest], Awaitable[None]]


def monitor_named(
    folder: Path,
    name: str,
    tables: str,
    clock: VirtualClock,
    delay: float,
    watch_table: Mapping[str, object],
) -> MonitorInTest:
    """Return a monitor of this name whose store is the one in the folder."""
    path = folder / f"{name}.toml"
    path.write_text(HEAD + tables)
    script = read_script(path)
    watch = WatchSettings.model_validate({**watch_table, "vantage": name})
    settings = rehearsal_settings(script, Settings(watch=watch), folder)
    file = settings.store.url
    store = SHARED.model_copy(update={"spool": str(folder / "spool")})
    shared = settings.model_copy(update={"store": store})
    return MonitorInTest(
        script, shared, clock, [a_channel(clock, "outbox")], lambda: open_store(file), delay
    )


def run_two_monitors(
    folder: Path,
    tables: str,
    act: Pair,
    north_faults: str = "",
    delay: float = UNHURRIED,
    watch_table: Mapping[str, object] = NO_TABLE,
) -> Store:
    """Run monitor `north`, which leads and to which these faults happen, and `south`, a standby.

    Both watch as `watch_table` says. Return their store.
    """

    async def story(clock: VirtualClock) -> None:
        scripts = {"north": tables + north_faults, "south": tables}
        monitors = [
            monitor_named(folder, name, script, clock, delay, watch_table)
            for name, script in scripts.items()
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


def requests_of(monitor: MonitorInTest) -> list[datetime]:
    """Return when a monitor sent its requests to the host of the page."""
    return [entry.at for entry in monitor.publisher.log.entries if entry.host == HOST]


def test_standby_sends_no_request_and_writes_no_verdict(tmp_path: Path) -> None:
    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.until("09:32:00")
        assert north.stored_verdict() == "on_time"
        assert requests_of(north) != []
        assert requests_of(south) == []
        assert (north.app.status.is_standby(), south.app.status.is_standby()) == (False, True)
        assert south.app.status.unready() == south.app.status.unable() == []
        (leader,) = (check for check in south.app.status.checks() if check.name == "Leader")
        assert "north leads since 26 November 09:28:00" in leader.state
        assert (north.metric("leading"), south.metric("leading")) == (1, 0)
        async with browse(south) as client:
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.text) == (200, "standby")
            # A standby that cannot reach the store cannot take over.
            south.daemon.core.health.note_store_failure(south.clock.now() - 11 * SECOND)
            assert (await client.get("/readyz")).status_code == 503

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act)
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


@pytest.mark.parametrize("killed_at", ["09:29:45.2", "09:29:55.2"])
def test_standby_proves_a_release_whose_leader_was_killed_before_the_slot(
    tmp_path: Path, killed_at: str
) -> None:
    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.until(killed_at)
        await north.kill()
        await south.until("09:32:00")
        assert not south.app.status.is_standby()
        assert south.stored_verdict() == "on_time"
        assert south.notice_kinds() == []
        # The calendar too is read by the new leader.
        assert south.app.status.unready() == []

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, delay=DELAY)
    # No monitor looked between the kill and the takeover.
    (blind,) = store.runs.blind(SLOT - HOUR, SLOT + HOUR)
    assert (blind.cause, blind.ends - blind.begins < 6 * SECOND) == ("killed", True)
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


def test_standby_whose_clock_was_wrong_at_its_start_proves_a_release(tmp_path: Path) -> None:
    """The machine of the standby starts with a clock two minutes ahead, which is set right before
    the standby leads.
    """

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await south.end()
        await north.until("09:28:30")
        await north.kill()
        south.clock = VirtualClock(BEGIN_OF_HEAD, 2 * MINUTE)
        await south.start()
        south.clock.offset = timedelta()
        await south.until("09:32:00")
        assert not south.app.status.is_standby()
        assert south.stored_verdict() == "on_time"

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, delay=DELAY)
    assert [blind.cause for blind in store.runs.blind(SLOT - HOUR, SLOT + HOUR)] == ["killed"]
    store.close()


@pytest.mark.slow
def test_late_release_makes_one_incident_although_its_leader_is_killed(tmp_path: Path) -> None:
    """The page is published at 09:40, late. The leader is killed at 09:35, and comes back as a
    standby.
    """

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.restart(killed_at="09:35:00.2", started_at="09:37:00.6")
        await south.until("10:00:00")
        assert north.app.status.is_standby()
        assert south.stored_verdict() == "late"
        # First that it is not found yet, then that it is overdue, seriously overdue, and out at
        # last.
        assert south.notice_kinds() == ["due", "opened", "grade_changed", "final"]
        assert len(south.received()) + len(north.received()) == len(
            {message.id for monitor in (north, south) for message in monitor.received()}
        )

    store = run_two_monitors(tmp_path, PUBLISHED_AT_09_40, act, delay=DELAY)
    assert differences_in_replay(store) == {"claims-q3": []}
    assert len(store.verdicts.incidents()) == 1
    store.close()


def test_leader_that_is_stopped_hands_over_at_once(tmp_path: Path) -> None:
    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.until("09:29:55.2")
        await north.end()
        ended = north.clock.now()
        await south.until("09:32:00")
        assert south.stored_verdict() == "on_time"
        first = requests_of(south)[0]
        assert first - ended < 2 * SECOND

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, delay=DELAY)
    assert [span.cause for span in store.runs.blind(SLOT - HOUR, SLOT + HOUR)] == ["stopped"]
    store.close()


def test_wait_demanded_of_the_leader_binds_its_successor(tmp_path: Path) -> None:
    """A host refuses North for 40 seconds. Ten seconds later North is killed."""
    refuses_from, wait = SLOT - MINUTE, timedelta(seconds=40)
    wait_ends = refuses_from + wait
    refusal_of_north = f"""
[[answer]]
url = "{URL}"
at = {refuses_from:%Y-%m-%dT%H:%M:%S}
status = 429
headers = {{ Retry-After = "{wait.seconds}" }}
"""

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.until("09:29:10")
        await north.kill()
        await south.until("09:31:00")
        requests = requests_of(south)
        assert [at for at in requests if at < wait_ends - SECOND] == []
        assert [at for at in requests if wait_ends <= at < SLOT] != []
        assert south.stored_verdict() == "on_time"

    run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, refusal_of_north, delay=DELAY).close()


def test_monitor_that_looks_once_leads_meanwhile(tmp_path: Path) -> None:
    async def look_once(monitor: MonitorInTest) -> None:
        monitor.build()
        try:
            await monitor.app.run_once(None)
            leader = monitor.store.leases.leader()
            assert leader is not None
            epochs.append((leader.monitor, leader.epoch))
        finally:
            monitor.daemon.abandon()
            await monitor.daemon.close()

    async def act(north: MonitorInTest, south: MonitorInTest) -> None:
        await north.end()
        await south.end()
        await look_once(south)
        await look_once(south)
        await north.start()
        await north.clock.sleep(1)
        with pytest.raises(EnvironmentFault, match=r"north leads since .*: query it with `today`"):
            await look_once(south)

    epochs: list[tuple[str, int]] = []
    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act)
    (_, first), *_ = epochs
    assert epochs == [("south", first), ("south", first + 1)]
    beats = {beat.monitor: beat.stopped for beat in store.leases.heartbeats()}
    assert beats == {"north": True, "south": True}
    store.close()


class RefusingRuns(RunStore):
    """Queries of blind spans, which the store does not answer for 20 s."""

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        if HAND_IN < end < HAND_IN + 20 * SECOND:
            raise StoreFault("the store does not answer")
        return super().blind(begin, end)


SOUTH_SEES_503 = """
[[fault]]
host = "www.gov.uk"
from = 2026-11-26T09:29:40
until = 2026-11-26T09:30:20
kind = "503"
"""


async def cut_off_leader(
    folder: Path, south: MonitorInTest, north: MonitorInTest, open_south: Callable[[str], Store]
) -> CutStore:
    """Let North lead and South stand by, and cut North off from the store at 09:29:40.

    Return North's store. The store of South is opened by `open_south`.
    """
    await south.end()
    await north.until("09:28:30")
    await north.end()
    file = f"sqlite:///{(folder / 'ninethirty.db').as_posix()}"
    store = CutStore(file, durable=False)
    north.store_of, south.store_of = (lambda: store), (lambda: open_south(file))
    await north.start()
    await north.clock.sleep(2)
    await south.start()
    await north.until("09:29:40")
    north.store_of = lambda: open_store(file, durable=False)
    store.is_cut = True
    return store


def test_looks_of_a_leader_that_was_cut_off_narrow_the_interval(tmp_path: Path) -> None:
    """From 09:29:40 on North cannot reach the store, and from 09:29:40 to 09:30:20 South sees 503.

    North alone sees the page at 09:30. When North reaches the store again, it hands in its looks.
    South cannot read them at first.
    """

    def open_refusing(file: str) -> Store:
        store = open_store(file, durable=False)
        store.runs = RefusingRuns(store.runs.runner)
        return store

    # The first of the two is the one with faults.
    async def act(south: MonitorInTest, north: MonitorInTest) -> None:
        store = await cut_off_leader(tmp_path, south, north, open_refusing)
        await south.until("09:31:00")
        assert south.verdict_row().body["first_seen"]["by"] > "2026-11-26T09:30:19"
        store.is_cut = False
        with pytest.raises(NoLongerLeads):
            await north.until("09:33:00")
        await south.until("09:33:00")
        north.running = None
        assert north.clock.now() == HAND_IN
        await north.start()  # as a standby
        await south.until("09:34:00")
        assert south.verdict_row().body["first_seen"]["by"] < "2026-11-26T09:30:05"

    run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, SOUTH_SEES_503, delay=DELAY).close()


def test_spool_of_a_leader_that_was_cut_off_and_killed_narrows_the_interval(tmp_path: Path) -> None:
    """As above, but North is killed at 09:30:10, while South leads. Its next start hands in its
    spool.
    """

    async def act(south: MonitorInTest, north: MonitorInTest) -> None:
        await cut_off_leader(tmp_path, south, north, open_store)
        await north.until("09:30:10.2")
        await north.kill()
        assert [*(tmp_path / "spool").iterdir()] != []
        await south.until("09:31:00")
        assert south.verdict_row().body["first_seen"]["by"] > "2026-11-26T09:30:19"
        await north.start()  # as a standby
        assert [*(tmp_path / "spool").iterdir()] == []
        await south.until("09:32:00")
        assert south.verdict_row().body["first_seen"]["by"] < "2026-11-26T09:30:05"

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, SOUTH_SEES_503, delay=DELAY)
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


def test_spool_that_is_handed_in_after_the_watch_ended_changes_the_verdict(tmp_path: Path) -> None:
    """As above, but South sees 503 until 09:32, and North starts again at 11:05.

    The watch over the release has ended before.
    """
    faults = SOUTH_SEES_503.replace("09:30:20", "09:32:00")

    async def act(south: MonitorInTest, north: MonitorInTest) -> None:
        await cut_off_leader(tmp_path, south, north, open_store)
        await north.until("09:30:10.2")
        await north.kill()
        await south.until("11:05:00")
        assert "claims-q3" not in south.daemon.parts.watch.releases
        assert south.stored_verdict() == "unproven"
        await north.start()  # as a standby
        await south.until("11:06:00")
        assert south.stored_verdict() == "on_time"

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, faults, DELAY, SHORT_WATCH)
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()


def test_late_hand_in_changes_the_verdict_although_no_look_can_confirm_it(tmp_path: Path) -> None:
    """As above, but South sees 503 again from 11:00 on, and updates its watch while the new verdict
    waits for a look.
    """
    faults = SOUTH_SEES_503.replace("09:30:20", "09:32:00")
    again = faults.replace("09:29:40", "11:00:00").replace("09:32:00", "12:00:00")

    async def act(south: MonitorInTest, north: MonitorInTest) -> None:
        await cut_off_leader(tmp_path, south, north, open_store)
        await north.until("09:30:10.2")
        await north.kill()
        await south.until("11:05:00")
        await north.start()
        await south.until("11:05:10")
        await south.daemon.parts.admission.roll()
        await south.until("11:06:00")
        assert south.stored_verdict() == "on_time"

    store = run_two_monitors(tmp_path, PUBLISHED_AT_SLOT, act, faults + again, DELAY, SHORT_WATCH)
    assert differences_in_replay(store) == {"claims-q3": []}
    store.close()
