"""A reload while the daemon runs keeps everything that was seen and known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from monitor.config.settings import Settings
from monitor.errors import UserFault
from monitor.look.sighting import State
from monitor.store.writer import DELAY
from tests.unit.monitor.app.calendar_monitor import (
    STATS,
    CalendarMonitor,
    csv,
    row,
    with_calendar_monitor,
)
from tests.unit.monitor.app.hanging import HangingStore
from tests.unit.monitor.app.monitor_in_test import (
    PUBLISHED_AT_SLOT,
    MonitorInTest,
    published_at,
    run_monitor,
    with_daemon,
)
from tests.unit.monitor.deliver.outbox import a_channel
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.stores import a_store

OTHER = {"name": "other", "kind": "csv", "url": "https://other.example/calendar.csv"}


def settings_with(settings: Settings, **tables: Any) -> Callable[[], Settings]:  # noqa: ANN401 # as TOML gives them
    """Return what reads a configuration that differs in these tables, and in nothing else."""
    made = Settings.model_validate(tables)

    def other(name: str) -> object:
        table, new = getattr(settings, name), getattr(made, name)
        if isinstance(table, BaseModel):
            return table.model_copy(update={key: getattr(new, key) for key in tables[name]})
        return {**table, **new} if isinstance(table, dict) else new

    return lambda: settings.model_copy(update={name: other(name) for name in tables})


async def reload_with(monitor: MonitorInTest | CalendarMonitor, **tables: Any) -> Sequence[str]:  # noqa: ANN401 # as TOML
    """Reload a configuration that differs from the first one in these tables only.

    Return its faults.
    """
    return await monitor.app.reload(settings_with(monitor.settings, **tables), "config.toml")


@with_daemon(PUBLISHED_AT_SLOT)
async def test_reload_during_a_slot_leaves_no_gap_in_its_proof(monitor: MonitorInTest) -> None:
    """A reload happens 1.5 s before the slot, 09:30, when the page is published. The monitor is
    blind at no time, so the release is proved to be on time.
    """
    await monitor.until("09:29:58.500")
    runs_before = monitor.runs()
    faults = await reload_with(monitor, policy={"on_time_within": "90s"})
    assert faults == []
    await monitor.until("09:32:30")
    now = monitor.clock.now()
    assert monitor.store.runs.blind(now - timedelta(minutes=10), now) == []
    # The run of absent looks continues through the reload, and the next run begins when the page is
    # published. The last one has the rare looks after that.
    absent, present, later = monitor.runs()
    assert (absent.state, present.state) == (State.ABSENT, State.PRESENT)
    assert later.state is State.PRESENT
    assert absent.first_sent == runs_before[0].first_sent
    assert monitor.stored_verdict() == "on_time"
    assert monitor.metric("config_last_reload_successful") == 1.0


@with_daemon(published_at("09:31:15"))
async def test_release_is_judged_by_the_last_loaded_policy(monitor: MonitorInTest) -> None:
    """Published at 09:31:15, 75 s after the slot.

    The first policy allowed 60 s, the loaded one allows 90 s.
    """
    await monitor.until("09:30:30")
    await reload_with(monitor, policy={"on_time_within": "90s"})
    await monitor.until("09:35:00")
    assert monitor.stored_verdict() == "on_time"


@with_daemon(PUBLISHED_AT_SLOT)
async def test_reload_refuses_unchangeable_keys_by_name_and_changes_nothing(
    monitor: MonitorInTest,
) -> None:
    """A new configuration changes four keys that need a restart, and `policy`, which does not. The
    reload names the four keys and changes nothing.
    """
    await monitor.until("09:29:00")
    last_success = monitor.metric("config_last_reload_success_timestamp_seconds")
    changes: dict[str, Any] = {
        "watch": {"vantage": "tower"},
        "timezone": "UTC",
        "evidence": {"keep_days": 1},
    }
    changes |= {
        "store": {"url": "postgresql://anne:hidden@db/x"},
        "policy": {"on_time_within": "90s"},
    }
    faults = await reload_with(monitor, **changes)
    end = "cannot be changed while the monitor runs: restart the monitor"
    assert faults == [
        f'config.toml: timezone: {end} (got "UTC")',
        f"config.toml: store.url: {end}",
        f"config.toml: evidence.keep_days: {end} (got 1)",
        f'config.toml: watch.vantage: {end} (got "tower")',
    ]
    # The monitor goes on with its old settings, so `policy` is not changed either.
    assert monitor.daemon.core.settings is monitor.settings
    assert monitor.metric("config_last_reload_successful") == 0.0
    assert monitor.metric("config_last_reload_success_timestamp_seconds") == last_success


@with_daemon(PUBLISHED_AT_SLOT)
async def test_first_sign_in_provider_needs_a_restart(monitor: MonitorInTest) -> None:
    """No provider was configured at the start."""
    await monitor.until("09:29:00")
    any_variable = {"env": "PATH"}  # it must exist
    oidc = {
        "issuer": "https://login.example",
        "client_id": "ninethirty",
        "client_secret": any_variable,
    }
    oidc |= {"claim": "groups", "rights": {"statisticians": "duty"}}  # the right of each group
    faults = await reload_with(monitor, web={"oidc": oidc})
    assert faults == [
        "config.toml: web.oidc: cannot be changed while the monitor runs: restart the monitor"
    ]


def test_reload_that_fails_while_it_is_prepared_changes_nothing(tmp_path: Path) -> None:
    """The tolerance and the key of links change, and a channel is added.

    But the file of the key is no text. So the added channel is closed.
    """
    key = tmp_path / "link.key"
    key.write_bytes(b"\xff" * 40)
    key.chmod(0o600)

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:00")
        before = monitor.daemon.core
        (running,) = monitor.channels
        added = a_channel(monitor.clock, "added")
        monitor.channels = [running, added]
        faults = await reload_with(
            monitor, policy={"on_time_within": "90s"}, web={"link_key": {"file": str(key)}}
        )
        assert faults == ["a file that the configuration names is not UTF-8"]
        assert monitor.daemon.core is before
        assert monitor.daemon.parts.channels == [running]
        assert isinstance(running, FakeChannel)
        assert (added.is_closed, running.is_closed) == (True, False)
        assert monitor.metric("config_last_reload_successful") == 0.0
        # Published at 09:31:15, 75 s after the slot. The refused policy would allow that.
        await monitor.until("09:35:00")
        assert monitor.stored_verdict() == "late"

    run_monitor(tmp_path, published_at("09:31:15"), act, delay=DELAY)


def test_reload_succeeds_while_the_store_hangs(tmp_path: Path) -> None:
    """The last step of a reload reads the verdicts, which do not answer."""
    store = HangingStore(a_store(tmp_path, "hung.db"))

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:00")
        store.hang("verdicts")
        faults = await reload_with(monitor, policy={"on_time_within": "90s"})
        assert faults == []
        assert monitor.metric("config_last_reload_successful") == 1.0
        await store.free()
        # Published at 09:31:15, 75 s after the slot. Only the loaded policy allows that.
        await monitor.until("09:35:00")
        assert monitor.stored_verdict() == "on_time"

    run_monitor(
        tmp_path, published_at("09:31:15"), act, store_of=lambda: store.as_store, delay=DELAY
    )


def test_a_configuration_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    def broken() -> Settings:
        raise UserFault("config.toml: is not TOML\nconfig.toml: nor anything else")

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:00")
        faults = await monitor.app.reload(broken, "config.toml")
        assert faults == ["config.toml: is not TOML", "config.toml: nor anything else"]
        # The monitor goes on with its configuration.
        await monitor.until("09:31:00")
        assert monitor.stored_verdict() == "on_time"

    run_monitor(tmp_path, PUBLISHED_AT_SLOT, act)


@with_daemon(PUBLISHED_AT_SLOT)
async def test_host_is_looked_at_within_the_last_loaded_budget(monitor: MonitorInTest) -> None:
    """The budget of www.gov.uk is reloaded as 30 looks a minute.

    From then on, the host gets 10 looks in 20 seconds.
    """
    await monitor.until("09:29:00")
    await reload_with(monitor, budget={"www.gov.uk": "30/m"})
    await monitor.until("09:29:10")
    looks_before = monitor.daemon.parts.poller.made
    await monitor.until("09:29:30")
    looks_in_twenty_seconds = monitor.daemon.parts.poller.made - looks_before
    looks_a_second = 30 / 60
    assert looks_in_twenty_seconds == pytest.approx(looks_a_second * 20, abs=1)


@with_calendar_monitor()
async def test_reload_watches_a_new_calendar_instead_of_a_removed_one(
    monitor: CalendarMonitor,
) -> None:
    """A reload replaces `stats` (release `one`) with `other` (release `two`).

    A second one goes back to `stats`.
    """
    await monitor.read_calendar(csv(row("one", when="2026-11-20")))
    assert list(monitor.daemon.parts.watch.releases) == ["one"]
    # Nothing is watched until the new calendar is read.
    monitor.pages[OTHER["url"]] = csv(row("two", when="2026-11-19"))
    assert await reload_with(monitor, calendar=[OTHER]) == []
    assert list(monitor.daemon.parts.watch.releases) == []
    await monitor.read_calendar(name="other")
    assert list(monitor.daemon.parts.watch.releases) == ["two"]
    assert monitor.metric("calendar_entries", calendar="stats") is None
    assert monitor.metric("calendar_entries", calendar="other") == 1.0
    # Back to `stats`: its entries are still known, so its release is watched without another read.
    assert await reload_with(monitor, calendar=[STATS]) == []
    assert list(monitor.daemon.parts.watch.releases) == ["one"]


@with_calendar_monitor()
async def test_late_read_of_a_removed_calendar_changes_nothing(monitor: CalendarMonitor) -> None:
    """A reload removes the calendar `stats`.

    Its reader reads the release `one` only afterwards: nothing is added.
    """
    reader_of_stats = monitor.reader()
    monitor.pages[STATS["url"]] = csv(row("one", when="2026-11-20"))
    await reload_with(monitor, calendar=[OTHER])
    await monitor.daemon.parts.calendar_reads.read(reader_of_stats)
    assert not monitor.daemon.core.ledger.releases


@with_calendar_monitor()
async def test_reload_gives_a_release_the_id_of_its_new_pin(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(
        csv(row("one", when="2026-11-20", title="Example claims: October 2026"))
    )
    assert [*monitor.daemon.parts.watch.releases] == ["one"]
    # A pin gives the release with this title and producer an id, in place of `one` from its
    # calendar.
    pin = {"id": "chosen", "title": "Example claims: October 2026", "producer": "example-office"}
    assert await reload_with(monitor, pin=[pin]) == []
    assert [*monitor.daemon.parts.watch.releases] == ["chosen"]
