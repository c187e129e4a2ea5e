"""Starts the real program in processes on loopback, for benches and chaos tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import httpx

from bench.figures import cpu_seconds_of

ROOT = Path(__file__).parents[1]
_PATIENCE = 60.0
_POLLED = 0.05
_MOST_CPU = 120.0
"""Seconds of processor time: many times what a start takes."""
_CONFIG = """[store]
url = "{store}"
takeover = "{takeover}"
spool = "{own}/spool"
[evidence]
folder = "{own}/evidence"
[web]
listen = "127.0.0.1:{web}"
[network]
contact = "{name}"
allow = ["{allow}"]
ports = [{port}]
[budget]
default = "{rate}/s"
[[channel]]
name = "outbox"
kind = "folder"
folder = "{own}/outbox"
[[calendar]]
name = "own"
kind = "toml"
file = "{calendar}"
[watch]
vantage = "{name}"
origin_view = false
"""
_RELEASE = """[[release]]
id = {name}
title = {title}
producer = {producer}
url = "{url}"
slot = {slot}
state = "confirmed"
part = [{{ id = "page", role = "page", url = "{url}", recognise = {reader} }}]
"""


def configure(own: Path, calendar: Path, *more: str, **values: object) -> Path:
    """Write a monitor's configuration to the folder `own` and return its path.

    `more` are further lines of `[watch]`, and tables after it. `values` are `store`,
    `takeover`, `web`, `port` (of the publisher), `allow` (its network), `rate` and `name`, which is
    also the contact in the User-Agent.
    """
    own.mkdir(exist_ok=True)
    config = own / "config.toml"
    defaults = {
        "allow": "127.0.0.0/8",
        "takeover": "1600ms",
        "name": "edge",
        "rate": 20,
    }
    text = _CONFIG.format(
        own=own, calendar=calendar, **{"store": f"sqlite:///{own}/store.db", **defaults, **values}
    )
    config.write_text("\n".join([text, *more]), encoding="utf-8")
    return config


def release_toml(
    name: str,
    url: str,
    slot: float,
    title: str = "Births: July 2026",
    reader: str = "status",
    producer: str = "example",
) -> str:
    """Return a release as a table of a TOML calendar. `slot` is in seconds since 1970."""
    words = {"name": name, "title": title, "reader": reader, "producer": producer}
    when = datetime.fromtimestamp(slot, UTC).isoformat()
    return _RELEASE.format(
        url=url, slot=when, **{key: json.dumps(text) for key, text in words.items()}
    )


def start_daemon(
    config: Path,
    log: IO[bytes] | int = subprocess.DEVNULL,
    level: str = "WARNING",
    program: Path = ROOT,
    around: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start the daemon from the folder `program`, with the environment variables `around` added."""
    command = [sys.executable, "-m", "monitor", "--config", str(config), "run", "--level", level]
    # Python imports modules from this folder first.
    environment = {**os.environ, **(around or {}), "PYTHONPATH": str(program)}
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=program, env=environment)


def wait_for_web(process: subprocess.Popen[bytes], web: int) -> None:
    """Wait until a monitor answers HTTP. Raises `RuntimeError` if it does not start."""
    for _ in poll_while_starting(process):
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{web}/healthz", trust_env=False, timeout=_PATIENCE)
            return


def poll_while_starting(
    process: subprocess.Popen[bytes], patience: float = _PATIENCE
) -> Iterator[None]:
    """Yield repeatedly, for the caller to check whether a daemon has started, however slow the
    machine is.

    Raises `RuntimeError` if it has ended, used no CPU for `patience` seconds, or used more CPU than
    any start does.
    """
    used, since = 0.0, time.monotonic()
    while process.poll() is None:
        yield
        time.sleep(_POLLED)
        now, before, used = time.monotonic(), used, cpu_seconds_of(process.pid)
        since = now if used > before else since
        if now - since > patience:
            raise RuntimeError(f"the daemon did not come up: it did nothing for {patience:g} s")
        if used > _MOST_CPU:
            raise RuntimeError(f"the daemon did not come up in {used:.0f} s of processor time")
    raise RuntimeError(f"the daemon did not come up: it ended with status {process.returncode}")


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
