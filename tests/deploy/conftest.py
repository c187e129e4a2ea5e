"""The whole chain on loopback: a publisher, the daemon, Prometheus, Alertmanager and the receivers
of alerts.
"""

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
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from bench.daemons import free_port
from monitor.clock import SystemClock
from tests.loopback import Asked, Server, http_server, smtp_server

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
embargoed_token = {{ file = "embargoed_token" }}
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


async def until(what: str, condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until a condition is true. Fail with `what` if it is not within 40 s."""
    ends = CLOCK.monotonic() + PATIENCE
    while not await condition():
        assert CLOCK.monotonic() < ends, f"not within {PATIENCE:g} s: {what}"
        await CLOCK.sleep(0.1)


@dataclass
class Part:
    """One of the programs of the chain, which a test can kill and start again."""

    stack: AsyncExitStack
    command: list[str]
    options: dict[str, Any]
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the program with the data that it wrote before."""
        self.process = await self.stack.enter_async_context(running(*self.command, **self.options))

    async def kill(self) -> None:
        """Kill the program as the kernel does when memory runs out: it writes nothing more."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()


@dataclass
class Chain:
    """The running programs, the pages that the publisher shows, and everything that receivers
    got.
    """

    folder: Path
    server: Server = field(default_factory=Server)
    mail: Server = field(default_factory=Server)
    pages: dict[str, int] = field(default_factory=dict)
    slots: dict[str, datetime] = field(default_factory=dict)
    hooked: list[dict[str, Any]] = field(default_factory=list)
    systemd_messages: list[bytes] = field(default_factory=list)
    is_hurried: bool = True
    """Whether Prometheus and Alertmanager do everything each second, and do not keep the intervals
    that we ship.
    """
    web: int = field(default_factory=free_port)
    prometheus: int = field(default_factory=free_port)
    alertmanager: int = field(default_factory=free_port)
    parts: dict[str, Part] = field(default_factory=dict)

    def reply(self, asked: Asked) -> tuple[int, str, dict[str, str]]:
        """Answer as the publisher, as the receiver of alerts, and as the dead man's switch."""
        path = urlsplit(asked.target).path
        if path == "/alerts":
            now = CLOCK.now()
            self.hooked += [{**alert, "received": now} for alert in asked.json["alerts"]]
        status = 200 if path in {"/alerts", "/notices", f"/{PING}"} else self.pages.get(path, 404)
        # Before its slot, a page counts as public only with content: many words and a number.
        figures = "<p>Figures rose to 1,204.</p>" * 50
        return status, f"<title>{path}</title> {figures}", {"Content-Type": "text/html"}

    def asked(self, path: str) -> int:
        """Return the number of requests for a path."""
        return sum(urlsplit(one.target).path == path for one in self.server.asked)

    def promise(self, **slots: datetime) -> None:
        """Announce further releases in the calendar, all at once."""
        self.slots |= slots
        rows = [
            f'[[release]]\nid = "{name}"\ntitle = "{name}"\nproducer = "dft"\nurl ='
            f' "{self.server.url}/{name}"\nslot = {slot.isoformat()}\n'
            for name, slot in self.slots.items()
        ]
        (self.folder / "releases.new").write_text("\n".join(rows))
        (self.folder / "releases.new").replace(self.folder / "releases.toml")

    def states(self, alert: str, **labels: str) -> list[str]:
        """Return the status of an alert in each notification from Alertmanager, in order."""
        wanted = {"alertname": alert, **labels}
        return [one["status"] for one in self.hooked if wanted.items() <= one["labels"].items()]

    def subjects(self) -> list[str]:
        """Return the subjects of all mail from Alertmanager."""
        mails = [
            message_from_bytes(envelope.content or b"", policy=policy.default)
            for envelope in self.mail.mails
        ]
        return [str(mail["Subject"]) for mail in mails]

    def notices(self, kind: str, release: str) -> list[dict[str, Any]]:
        """Return the monitor's own notices of a kind about a release."""
        sent = [one.json for one in self.server.asked if urlsplit(one.target).path == "/notices"]
        return [one for one in sent if (one["kind"], one["release"]) == (kind, release)]

    async def is_active(self, alert: str, **labels: str) -> bool | None:
        """Return whether Alertmanager considers an alert firing, None while it does not answer."""
        filters = [f'{name}="{value}"' for name, value in {"alertname": alert, **labels}.items()]
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(self._alerts, params={"filter": filters})
            except httpx.TransportError:
                return None
        return bool(answer.raise_for_status().json())

    async def push(self, alert: str, **labels: str) -> None:
        """Push an alert to Alertmanager that fires for an hour."""
        ends = (CLOCK.now() + timedelta(hours=1)).isoformat()
        body = [
            {
                "labels": {"alertname": alert, **labels},
                "annotations": {"summary": alert},
                "endsAt": ends,
            }
        ]
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(self._alerts, json=body)).raise_for_status()

    @property
    def _alerts(self) -> str:
        return f"http://127.0.0.1:{self.alertmanager}/api/v2/alerts"

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """Put a query to Prometheus; a fault in it fails the test."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(
                    f"http://127.0.0.1:{self.prometheus}/api/v1/query", params={"query": query}
                )
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
    """Return the configuration that we ship, with addresses of this chain, and intervals of one
    second if hurried.
    """
    table = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    jobs = [job for job in table["scrape_configs"] if job["job_name"].startswith("ninethirty")]
    rules = [DEPLOY / "prometheus" / name for name in table["rule_files"]]
    if chain.is_hurried:
        table["global"] = {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
        }
        for job in jobs:
            del job["scrape_interval"], job["scrape_timeout"]
        rules = [_at_once(chain, file) for file in rules]
    table["global"]["external_labels"] = {"board": f"http://127.0.0.1:{chain.web}"}
    table["rule_files"] = list(map(str, rules))
    del table["alerting"]["alertmanagers"][0]["basic_auth"]
    table["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [
        f"127.0.0.1:{chain.alertmanager}"
    ]
    for job in jobs:
        job["static_configs"][0]["targets"] = [f"127.0.0.1:{chain.web}"]
        token = Path(job["authorization"]["credentials_file"]).name
        job["authorization"]["credentials_file"] = str(chain.folder / token)
    table["scrape_configs"] = jobs
    return yaml.safe_dump(table)


def _at_once(chain: Chain, file: Path) -> Path:
    """Write a file of our rules that are evaluated every second and in which no alert waits longer
    than that.
    """
    rules = yaml.safe_load(file.read_text(encoding="utf-8"))
    for group in rules["groups"]:
        group["interval"] = "1s"
        for rule in (rule for rule in group["rules"] if "for" in rule):
            rule["for"] = "1s"
    (chain.folder / file.name).write_text(yaml.safe_dump(rules))
    return chain.folder / file.name


def alertmanager_config(chain: Chain) -> str:
    """Return the configuration that we ship, which mails to this chain and calls its webhook, at
    once if hurried.
    """
    table = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text(encoding="utf-8"))
    sender = table["global"]["smtp_from"]
    table["global"] = {
        "smtp_smarthost": f"127.0.0.1:{chain.mail.port}",
        "smtp_from": sender,
        "smtp_require_tls": False,
    }
    for route in (table["route"], *table["route"]["routes"]) if chain.is_hurried else ():
        route |= {"group_wait": "200ms", "group_interval": "500ms"}
    for receiver in table["receivers"]:
        hooks = [
            {"send_resolved": mail["send_resolved"]} for mail in receiver.get("email_configs", [])
        ]
        receiver["webhook_configs"] = [
            {"url": f"{chain.server.url}/alerts", **hook} for hook in hooks
        ]
    return yaml.safe_dump(table)


@asynccontextmanager
async def service_manager(chain: Chain) -> AsyncIterator[str]:
    """Listen as systemd does; yields the address."""

    class Listening(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            del addr
            chain.systemd_messages.append(data)

    address = str(chain.folder / "notify")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bound.bind(address)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Listening, sock=bound)
    try:
        yield address
    finally:
        transport.close()


@pytest.fixture
async def chain(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Chain]:
    """Run the whole chain, hurried unless a test's parameter is False.

    The log of the daemon is in the file `log`.
    """
    chain = Chain(tmp_path, is_hurried=getattr(request, "param", True))
    async with AsyncExitStack() as stack:
        chain.server = await stack.enter_async_context(http_server(chain.reply))
        chain.mail = await stack.enter_async_context(smtp_server())
        notify = await stack.enter_async_context(service_manager(chain))
        chain.promise(far=CLOCK.now() + timedelta(days=400))
        (tmp_path / "prometheus.yml").write_text(prometheus_config(chain))
        (tmp_path / "alertmanager.yml").write_text(alertmanager_config(chain))
        config = CONFIG.format(
            folder=tmp_path,
            web=chain.web,
            publisher=chain.server.port,
            url=chain.server.url,
            ping=PING,
        )
        (tmp_path / "config.toml").write_text(config)
        (tmp_path / "metrics_token").write_text("for metrics alone")
        (tmp_path / "embargoed_token").write_text("for exposures")
        log = stack.enter_context((tmp_path / "log").open("wb"))
        environment = {**os.environ, "NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "1000000"}
        environment.pop("WATCHDOG_PID", None)
        silent = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
        chain.parts = {
            "daemon": Part(
                stack,
                _daemon_command(chain),
                {"cwd": ROOT, "env": environment, "stdout": log, "stderr": log},
            ),
            "prometheus": Part(stack, _prometheus_command(chain), silent),
            "alertmanager": Part(stack, _alertmanager_command(chain), silent),
        }
        for part in chain.parts.values():
            await part.start()
        yield chain


def _daemon_command(chain: Chain) -> list[str]:
    return [
        sys.executable,
        "-m",
        "monitor",
        "--config",
        str(chain.folder / "config.toml"),
        "run",
        "--level",
        "DEBUG",
    ]


def _prometheus_command(chain: Chain) -> list[str]:
    return [
        "prometheus",
        f"--config.file={chain.folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={chain.folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{chain.prometheus}",
        # An alert ends four seconds after Prometheus last sent it, and not four minutes.
        *(["--rules.alert.resend-delay=1s"] if chain.is_hurried else []),
    ]


def _alertmanager_command(chain: Chain) -> list[str]:
    return [
        "prometheus-alertmanager",
        f"--config.file={chain.folder / 'alertmanager.yml'}",
        f"--storage.path={chain.folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{chain.alertmanager}",
        "--cluster.listen-address=",
    ]


def lines(chain: Chain) -> list[dict[str, Any]]:
    """Return what the daemon has logged so far."""
    return [
        json.loads(line) for line in (chain.folder / "log").read_text(encoding="utf-8").splitlines()
    ]
