"""How long the program takes from its start to a checked configuration, and to its first look with
1,000 releases.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx

from bench.daemons import poll_while_starting, release_toml
from bench.figures import median
from bench.origin import SideProgram, run_beside
from bench.world import temporary_folder
from monitor.clock import SystemClock

_PATIENCE = 30.0
_CONFIG = """[store]
url = "sqlite:///{place}/store.db"
[evidence]
folder = "{place}/evidence"
[web]
listen = "127.0.0.1:0"
[network]
allow = ["127.0.0.0/8"]
ports = [{port}]
[budget]
default = "1000/s"
[[channel]]
name = "outbox"
kind = "folder"
folder = "{place}/outbox"
[[calendar]]
name = "bench"
kind = "toml"
file = "{place}/calendar.toml"
"""


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield wall seconds: `check`; the daemon's first look ever, and its first look after a
    restart.
    """
    releases, times = (50, 1) if quick else (1000, 5)
    with temporary_folder() as place, run_beside("bench.origin") as publisher:
        config = _written(place, publisher.port, releases)
        spent = _children_cpu()
        checks = [_timed(lambda: _check(config)) for _ in range(times)]
        spent = (_children_cpu() - spent) / times
        yield {"check_seconds": median(checks), "check_cpu_seconds": spent, "releases": releases}
        starts = [_started(config, publisher.port) for _ in range(times + 1)]
    first = _first_looks(publisher, starts)
    yield {"first_look_new_store_seconds": first[0], "first_look_seconds": median(first[1:])}


def _written(place: Path, port: int, releases: int) -> Path:
    slot, site = (
        (SystemClock().now() + timedelta(minutes=30)).timestamp(),
        f"http://127.0.0.1:{port}",
    )
    tables = [
        release_toml(f"r{number}", f"{site}/release/{number}", slot) for number in range(releases)
    ]
    (place / "calendar.toml").write_text("\n".join(tables), encoding="utf-8")
    config = place / "config.toml"
    config.write_text(_CONFIG.format(place=place, port=port), encoding="utf-8")
    return config


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _check(config: Path) -> None:
    command = [sys.executable, "-m", "monitor", "--config", str(config), "check"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())


def _started(config: Path, port: int) -> float:
    """Run the daemon until its first look. Return the monotonic time of its start."""
    publisher = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
    publisher.get("/again")
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "monitor",
        "--config",
        str(config),
        "run",
        "--level",
        "WARNING",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment()
    )
    try:
        for _ in poll_while_starting(process):
            if publisher.get("/looked").is_success:
                break
        # Promises must be stored before the next start.
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)
    finally:
        process.kill()
    return began


def _environment() -> dict[str, str]:
    """Return what a program is started with. Compiled modules are kept, as an installation does."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _first_looks(publisher: SideProgram, starts: list[float]) -> list[float]:
    """Return the seconds from each start to the first request after it."""
    looked = [
        float(line[2]) for line in publisher.told if line[0] == "first" and line[1] != "/again"
    ]
    return [min(at for at in looked if at > start) - start for start in starts]
