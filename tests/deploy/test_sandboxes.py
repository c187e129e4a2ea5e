"""The daemon as it is installed, under the limits of the shipped unit, compose file and
manifest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bench.daemons import free_port
from monitor.health.system import clock_sync_text, is_clock_synchronised
from tests.deploy import sandbox
from tests.deploy.conftest import CLOCK, ROOT, running, until
from tests.deploy.sandbox import Limits, Rule
from tests.loopback import Asked, Server, http_server

PAGE = "<title>births</title>" + "<p>Figures</p>" * 5200
"""72 KB: what is larger than 16 KB is read by a worker."""
CONFIG = """
[store]
url = "sqlite:///{folder}/ninethirty.db"
[evidence]
folder = "{folder}/evidence"
[web]
listen = "127.0.0.1:{web}"
[policy]
on_time_within = "20s"
[watch]
origin_view = false
[budget]
default = "20/s"
[network]
allow = ["127.0.0.1/32"]
ports = [{publisher}]
[[calendar]]
name = "ours"
kind = "toml"
file = "releases.toml"
every = "1s"
[[channel]]
name = "outbox"
kind = "folder"
folder = "{folder}/outbox"
"""
# The process may read its limits but not set them.
NO_BOUNDS = Rule("prlimit64", where=(2, sandbox.DIFFERS, 0, 0))
RELEASE = """
[[release]]
id = "{name}"
title = "{name}"
producer = "dft"
url = "{url}/{name}"
slot = {slot}
"""


@dataclass
class Installed:
    """A daemon under limits, and the publisher that it watches."""

    folder: Path
    server: Server = field(default_factory=Server)
    web: int = field(default_factory=free_port)
    is_out: bool = False
    slots: dict[str, datetime] = field(default_factory=dict)

    def promise(self, name: str, **ahead: float) -> None:
        """Announce a release for so long from now."""
        self.slots[name] = (CLOCK.now() + timedelta(**ahead)).replace(microsecond=0)
        new = self.folder / "releases.new"
        new.write_text(
            "".join(
                RELEASE.format(name=one, url=self.server.url, slot=at)
                for one, at in self.slots.items()
            )
        )
        new.replace(self.folder / "releases.toml")

    def reply(self, _asked: Asked) -> tuple[int, str, dict[str, str]]:
        """Answer as the publisher: with an ordinary page once it is out."""
        return (200, PAGE, {"Content-Type": "text/html"}) if self.is_out else (404, "", {})

    async def get(self, path: str) -> httpx.Response:
        """Return the answer of the daemon at a path."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{self.web}{path}")

    async def is_unready(self) -> bool:
        """Return whether the daemon answers that it is not ready."""
        try:
            return (await self.get("/readyz")).status_code == 503
        except httpx.TransportError:
            return False

    async def verdict(self, name: str) -> str:
        """Return the verdict on a release. Empty if there is none yet."""
        try:
            answer = await self.get(f"/api/v1/releases/{name}")
        except httpx.TransportError:
            return ""
        return str(answer.json()["verdict"]) if answer.status_code == 200 else ""

    async def is_due(self, name: str) -> bool:
        """Return whether the slot of a release has passed and its page has had at least three
        looks.
        """
        looks = sum(one.target.startswith(f"/{name}") for one in self.server.asked)
        return CLOCK.now() > self.slots[name] and looks > 2


@asynccontextmanager
async def installed(
    folder: Path, limits: Limits, *, reads: bool = True
) -> AsyncIterator[Installed]:
    """Run the daemon under limits, from when it watches a release that is far ahead.

    If it does not read calendars: from when it says that it is not ready.
    """
    made = Installed(folder)
    async with AsyncExitStack() as stack:
        made.server = await stack.enter_async_context(http_server(made.reply))
        made.promise("far", days=400)
        config = CONFIG.format(folder=folder, web=made.web, publisher=made.server.port)
        (folder / "config.toml").write_text(config)
        log = stack.enter_context((folder / "log").open("wb"))
        launcher = [sys.executable, "-m", "tests.deploy.sandbox", limits.as_json()]
        daemon = [sys.executable, "-m", "monitor", "--config", str(folder / "config.toml"), "run"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        await stack.enter_async_context(
            running(*launcher, *daemon, cwd=ROOT, env=environment, stdout=log, stderr=log)
        )
        if reads:
            await until("it watches", lambda: made.verdict("far"))
        else:
            await until("it says that it is not ready", made.is_unready)
        yield made


def of_unit(folder: Path) -> Limits:
    return sandbox.of_unit(sandbox.unit(), folder)


def of_unit_without_priorities(folder: Path) -> Limits:
    return sandbox.of_unit([*sandbox.unit(), ("SystemCallFilter", "~setpriority")], folder)


INSTALLED = [of_unit, of_unit_without_priorities, sandbox.of_compose, sandbox.of_kubernetes]


@pytest.mark.needs("libseccomp")
@pytest.mark.parametrize("limits", INSTALLED, ids=lambda one: one.__name__)
async def test_a_page_that_a_worker_must_read_is_proved_on_time(
    tmp_path: Path, limits: Callable[[Path], Limits]
) -> None:
    async with installed(tmp_path, limits(tmp_path)) as monitor:
        monitor.promise("births", seconds=6)
        await until("looks prove that it is absent", lambda: monitor.is_due("births"))
        monitor.is_out = True

        async def is_judged() -> bool:
            return await monitor.verdict("births") != "pending"

        await until("the release is judged", is_judged)
        assert await monitor.verdict("births") == "on_time"
        assert (await monitor.get("/readyz")).json() == {"ready": True, "reasons": [], "doubts": []}
        assert clock_sync_text(is_clock_synchronised()) in (await monitor.get("/status")).text
        metrics = (await monitor.get("/metrics")).text
        assert "\nprocess_resident_memory_bytes " in metrics
        assert "\nninethirty_worker_start_failures_total 0.0\n" in metrics


@pytest.mark.needs("libseccomp")
async def test_a_worker_that_cannot_be_bounded_does_not_start_and_the_monitor_says_so(
    tmp_path: Path,
) -> None:
    limits = of_unit(tmp_path)
    unbounded = replace(limits, rules=[*limits.rules, NO_BOUNDS])
    async with installed(tmp_path, unbounded, reads=False) as monitor:
        assert "no worker process starts" in (await monitor.get("/readyz")).json()["reasons"][0]
        assert "cannot be bounded" in (await monitor.get("/status")).text
        failures = "ninethirty_worker_start_failures_total"
        metrics = dict(
            line.rsplit(" ", 1) for line in (await monitor.get("/metrics")).text.splitlines()
        )
        assert float(metrics[failures]) > 0
        assert await monitor.verdict("far") == ""


def test_the_unit_allows_what_workers_and_the_clock_need_and_nothing_else_of_what_it_takes_away() -> (
    None
):
    lines = [value for name, value in sandbox.unit() if name == "SystemCallFilter"]
    taken = [
        ("SystemCallFilter", line) for line in lines[: lines.index("~@privileged @resources") + 1]
    ]
    assert set(sandbox.allowed_by(sandbox.unit())) - set(sandbox.allowed_by(taken)) == {
        "setpriority",
        "adjtimex",
        "clock_adjtime",
        "clock_adjtime64",
    }
    assert {"setuid", "chown", "reboot", "clock_settime", "sched_setscheduler"}.isdisjoint(
        sandbox.allowed_by(taken)
    )


@pytest.mark.needs("systemd")
def test_the_table_of_system_calls_is_that_of_systemd() -> None:
    version = re.search(r"systemd (\d+)", sandbox.SETS.read_text(encoding="utf-8"))
    installed = subprocess.run(
        ["systemd-analyze", "--version"], capture_output=True, text=True, check=True
    ).stdout
    if version is None or not installed.startswith(f"{version[0]} "):
        pytest.skip("another version of systemd has other sets")
    for name, calls in sandbox.sets().items():
        listed = subprocess.run(
            ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
        )
        assert re.findall(r"^    ([@\w-]+)$", listed.stdout, re.MULTILINE) == calls
