"""A start waits for a store that fails, and everyone who looks or waits for notices is told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bench.daemons import free_port
from monitor.app.waiting import StoreWait
from monitor.clock import VirtualClock
from monitor.config.settings import Settings
from monitor.errors import StoreDamaged, StoreFault
from monitor.health.system import ServiceManager
from monitor.rehearse.virtual_loop import run_virtually
from monitor.web.waiting import make_waiting_application

AWAY = StoreFault("the store does not answer")


@dataclass(frozen=True, slots=True)
class RecordingManager(ServiceManager):
    """Keeps the states that it is sent."""

    states: list[str] = field(default_factory=list)

    def notify(self, state: str) -> None:
        self.states.append(state)


class Waiting:
    """A start whose store is in a folder that is a file, until `bring_back`."""

    def __init__(self, folder: Path, clock: VirtualClock, fault: StoreFault = AWAY) -> None:
        self._place = folder / "store"
        self._place.touch()
        self.outbox = folder / "outbox"
        settings = Settings.model_validate(
            {
                "store": {"url": f"sqlite:///{self._place}/store.db"},
                "web": {"listen": f"127.0.0.1:{free_port()}"},
                "channel": [{"name": "drawer", "kind": "folder", "folder": str(self.outbox)}],
            }
        )
        self.manager = RecordingManager()
        self.stop = asyncio.Event()
        wait = StoreWait(settings, self.manager, clock)
        if isinstance(fault, StoreDamaged):
            report = wait.report_damage(fault, self.stop)
        else:
            report = wait.wait(fault, self.stop)
        self.task = asyncio.create_task(report)

    def bring_back(self) -> None:
        self._place.unlink()

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.outbox.glob("**/*.json")]


def test_wait_ends_when_the_store_is_back(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        waiting = Waiting(tmp_path, clock)
        await clock.sleep(3)
        assert not waiting.task.done()
        assert waiting.messages() == []
        await clock.sleep(60)
        (message,) = waiting.messages()
        assert message["subject"].startswith("NOT WATCHING: the monitor edge waits for its store")
        assert "STATUS=waits for its store: " in waiting.manager.states[-1]
        waiting.bring_back()
        await waiting.task

    with capture_logs() as logs:
        run_virtually(story, patience=20)
    # Each fault is logged once.
    faults = [log["fault"] for log in logs if log["event"] == "waits_for_store"]
    assert faults[0] == "the store does not answer"
    assert len(faults) == 2


def test_wait_ends_when_the_monitor_is_stopped(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        waiting = Waiting(tmp_path, clock)
        await clock.sleep(3)
        waiting.stop.set()
        await waiting.task

    run_virtually(story, patience=20)


def test_only_checks_of_life_are_answered_meanwhile() -> None:
    async def story(_clock: VirtualClock) -> dict[str, int]:
        transport = httpx.ASGITransport(
            make_waiting_application("waits for its store", is_standby=False)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://monitor") as client:
            ready = await client.get("/readyz")
            assert ready.json()["reasons"] == ["waits for its store"]
            paths = ("/healthz", "/livez", "/readyz", "/", "/api/v1/releases")
            return {path: (await client.get(path)).status_code for path in paths}

    statuses = run_virtually(story, patience=20)
    assert statuses == {
        "/healthz": 200,
        "/livez": 200,
        "/readyz": 503,
        "/": 503,
        "/api/v1/releases": 503,
    }


def test_standby_that_waits_to_upgrade_is_ready_and_serves_no_page() -> None:
    async def story(_clock: VirtualClock) -> dict[str, tuple[int, str]]:
        application = make_waiting_application("waits", is_standby=True)
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://monitor") as client:
            answers = {path: await client.get(path) for path in ("/readyz", "/")}
        return {path: (answer.status_code, answer.text) for path, answer in answers.items()}

    assert run_virtually(story, patience=20) == {
        "/readyz": (200, "standby"),
        "/": (503, "ninethirty waits\n"),
    }


def test_damaged_store_is_reported_until_the_monitor_is_stopped(tmp_path: Path) -> None:
    """An operator who moves the damaged file away gets no monitor with a new, empty store."""

    async def story(clock: VirtualClock) -> None:
        damaged = StoreDamaged("the database is damaged: stop, move it away")
        reporting = Waiting(tmp_path, clock, damaged)
        reporting.bring_back()
        await clock.sleep(60)
        (message,) = reporting.messages()
        assert message["subject"].startswith("NOT WATCHING: ")
        assert reporting.manager.states[-1].endswith(f"STATUS=waits for its store: {damaged}")
        assert not reporting.task.done()
        reporting.stop.set()
        await reporting.task

    run_virtually(story, patience=20)


@pytest.mark.slow
def test_monitor_with_a_damaged_store_says_so_and_ends_with_status_3(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"damaged" * 1000)
    listen = f"127.0.0.1:{free_port()}"
    store = f'store.url = "sqlite:///{tmp_path}/store.db"'
    (tmp_path / "config.toml").write_text(f'{store}\nweb.listen = "{listen}"\n')
    command = [sys.executable, "-m", "monitor", "run"]
    retries = httpx.HTTPTransport(retries=9)
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as monitor:
        with httpx.Client(transport=retries, base_url=f"http://{listen}", timeout=60) as client:
            answer = client.get("/readyz")
        monitor.terminate()
        _, errors = monitor.communicate()
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["its store is damaged: restore a backup"]
    assert (monitor.returncode, len(errors.splitlines())) == (3, 1)
