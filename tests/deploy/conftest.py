"""The whole chain on loopback: a publisher, the daemon, Prometheus, Alertmanager, and whoever they call."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from bench.daemons import free_port
from monitor.clock import SystemClock
from tests.loopback import Asked, Server, http_server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CLOCK = SystemClock()
PATIENCE = 40.0
PING = "9f8e7d6c-this-is-a-secret"

CONFIG = """
[store]
url = "sqlite:///{folder}/ninethirty.db"
[evidence]
folder = "{folder}/evidence"
[web]
listen = "127.0.0.1:{web}"
metrics_token = {{ file = "metrics_token" }}
[policy]
on_time_within = "1s"
note_within = "2s"
[watch]
near = {{ from = "60m", every = "1s" }}
[watch.settle]
every = "1s"
parts_every = "1s"
until = "1h"
[budget]
default = "20/s"
[network]
allow = ["127.0.0.1/32"]
ports = [{publisher}]
[deadman]
url = "{url}/{ping}"
every = "1s"
[[calendar]]
name = "ours"
kind = "toml"
file = "releases.toml"
every = "1s"
[[channel]]
name = "outbox"
kind = "folder"
folder = "{folder}/outbox"
[[channel]]
name = "hook"
kind = "webhook"
url = "{url}/notices"
"""


async def until(what: str, holds: Callable[[], Awaitable[object]]) -> None:
    """Wait until a condition holds; fail with `what` when it does not within 40 s."""
    ends = CLOCK.monotonic() + PATIENCE
    while not await holds():
        assert CLOCK.monotonic() < ends, f"not within {PATIENCE:g} s: {what}"
        await CLOCK.sleep(0.1)


@dataclass
class Chain:
    """What runs, what the publisher shows, and what was heard of it."""

    folder: Path
    server: Server = field(default_factory=Server)
    pages: dict[str, int] = field(default_factory=dict)
    hooked: list[dict[str, Any]] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    web: int = field(default_factory=free_port)
    prometheus: int = field(default_factory=free_port)
    alertmanager: int = field(default_factory=free_port)
    daemon: asyncio.subprocess.Process | None = None
    start: Callable[[], Awaitable[asyncio.subprocess.Process]] | None = None

    def reply(self, asked: Asked) -> tuple[int, str, dict[str, str]]:
        """Answer as the publisher, as the receiver of alerts, and as the dead man's switch."""
        path = urlsplit(asked.target).path
        if path == "/alerts":
            self.hooked += asked.json["alerts"]
        status = 200 if path in {"/alerts", "/notices", f"/{PING}"} else self.pages.get(path, 404)
        return status, f"<title>{path}</title> figures", {"Content-Type": "text/html"}

    def asked(self, path: str) -> int:
        """Return how often something was asked for."""
        return sum(urlsplit(one.target).path == path for one in self.server.asked)

    def promise(self, **slots: datetime) -> None:
        """Announce releases in the calendar, all at once."""
        rows = [
            f'[[release]]\nid = "{name}"\ntitle = "{name}"\nproducer = "dft"\nurl = "{self.server.url}/{name}"\n'
            f"slot = {slot.isoformat()}\n"
            for name, slot in slots.items()
        ]
        (self.folder / "releases.new").write_text("\n".join(rows))
        (self.folder / "releases.new").replace(self.folder / "releases.toml")

    def states(self, alert: str, release: str) -> list[str]:
        """Return in order how an alert about a release was told."""
        labels = {"alertname": alert, "release": release}
        return [one["status"] for one in self.hooked if labels.items() <= one["labels"].items()]

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """Put a query to Prometheus; a fault in it fails the test."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self.prometheus}/api/v1/query", params={"query": query})
            except httpx.TransportError:
                return []
        if answer.status_code == 503:
            return []
        body = answer.json()
        assert body["status"] == "success", f"{query}: {body}"
        result: list[dict[str, Any]] = body["data"]["result"]
        return result


@asynccontextmanager
async def running(*command: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:  # noqa: ANN401  # as asyncio takes them
    process = await asyncio.create_subprocess_exec(*command, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


def prometheus_config(chain: Chain) -> str:
    """Return the configuration we ship, with the addresses of this chain and everything once a second."""
    table = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    table["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    table["global"]["external_labels"] = {"board": f"http://127.0.0.1:{chain.web}"}
    table["rule_files"] = [str(_at_once(chain, name)) for name in table["rule_files"]]
    table["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{chain.alertmanager}"]
    job = next(job for job in table["scrape_configs"] if job["job_name"] == "ninethirty")
    del job["scrape_interval"], job["scrape_timeout"]
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{chain.web}"]
    job["authorization"]["credentials_file"] = str(chain.folder / "metrics_token")
    table["scrape_configs"] = [job]
    return yaml.safe_dump(table)


def _at_once(chain: Chain, name: str) -> Path:
    """Write a file of our rules with those about releases waiting for nothing longer than a second."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / name).read_text(encoding="utf-8"))
    about = [group for group in rules["groups"] if group["name"] == "ninethirty-releases"]
    for rule in (rule for group in about for rule in group["rules"] if "for" in rule):
        rule["for"] = "1s"
    (chain.folder / name).write_text(yaml.safe_dump(rules))
    return chain.folder / name


def alertmanager_config(chain: Chain) -> str:
    """Return the configuration we ship, calling this chain's receiver and waiting for nothing."""
    table = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text(encoding="utf-8"))
    del table["global"]
    for route in (table["route"], *table["route"]["routes"]):
        route |= {"group_wait": "200ms", "group_interval": "500ms"}
    hook = {"url": f"{chain.server.url}/alerts", "send_resolved": True}
    table["receivers"] = [{"name": "on-call", "webhook_configs": [hook]}, {"name": "watchdog"}]
    return yaml.safe_dump(table)


@asynccontextmanager
async def service_manager(chain: Chain) -> AsyncIterator[str]:
    """Listen as systemd does; yields the address."""

    class Listening(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            del addr
            chain.told.append(data)

    address = str(chain.folder / "notify")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bound.bind(address)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Listening, sock=bound)
    try:
        yield address
    finally:
        transport.close()


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    """Give the whole chain, running, the daemon's log in `log`."""
    chain = Chain(tmp_path)
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
    async with AsyncExitStack() as stack:
        chain.server = await stack.enter_async_context(http_server(chain.reply))
        notify = await stack.enter_async_context(service_manager(chain))
        chain.promise(far=CLOCK.now() + timedelta(days=400))
        (tmp_path / "prometheus.yml").write_text(prometheus_config(chain))
        (tmp_path / "alertmanager.yml").write_text(alertmanager_config(chain))
        config = CONFIG.format(
            folder=tmp_path, web=chain.web, publisher=chain.server.port, url=chain.server.url, ping=PING
        )
        (tmp_path / "config.toml").write_text(config)
        (tmp_path / "metrics_token").write_text("for metrics alone")
        log = stack.enter_context((tmp_path / "log").open("wb"))
        verb = ["--config", str(tmp_path / "config.toml"), "run", "--level", "DEBUG"]
        environment = {**os.environ, "NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "1000000"}
        environment.pop("WATCHDOG_PID", None)
        command = (sys.executable, "-m", "monitor", *verb)

        async def start() -> asyncio.subprocess.Process:
            daemon = running(*command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            return await stack.enter_async_context(daemon)

        chain.start = start
        chain.daemon = await start()
        await stack.enter_async_context(running(*_prometheus(chain), **quiet))
        await stack.enter_async_context(running(*_alertmanager(chain), **quiet))
        yield chain


def _prometheus(chain: Chain) -> list[str]:
    return [
        "prometheus",
        f"--config.file={chain.folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={chain.folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{chain.prometheus}",
    ]


def _alertmanager(chain: Chain) -> list[str]:
    return [
        "prometheus-alertmanager",
        f"--config.file={chain.folder / 'alertmanager.yml'}",
        f"--storage.path={chain.folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{chain.alertmanager}",
        "--cluster.listen-address=",
    ]


def lines(chain: Chain) -> list[dict[str, Any]]:
    """Return what the daemon has logged so far."""
    return [json.loads(line) for line in (chain.folder / "log").read_text(encoding="utf-8").splitlines()]
