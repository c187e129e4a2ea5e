"""Measures how hostile publishers affect looks at a healthy page, with the real daemon and all
inputs at once.

The healthy page and each hostile input get a look a second, each hostile calendar a read a minute.
The publisher times the gaps between looks. `/healthz` and memory are measured from outside.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx

from bench.daemons import configure, free_port, release_toml, start_daemon, wait_for_web
from bench.hostile_files import hostile_files, measure
from bench.hostile_inputs import Hostile, inputs
from bench.hostile_origin import FIRST, HOSTS
from bench.origin import SideProgram, run_beside
from bench.world import temporary_folder
from monitor.clock import SystemClock

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024
_PATIENCE = 60.0
_POLLED = 0.05
_SETTLE = 5.0
_NEAR = 'near = { from = "60m", every = "1s" }'
_CALENDAR = """[[calendar]]
name = "{name}"
kind = "{reader}"
url = "{url}"
every = "1m"
producer = "{name}"
"""


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield the worst of each figure in seconds and MB, and for comparison those without hostile
    inputs.
    """
    chosen = [each for number, each in enumerate(inputs()) if not quick or number % 11 == 0]
    seconds = 4.0 if quick else 75.0
    yield _measure_files(every=8 if quick else 1)
    calm = _figures([], 2.0 if quick else 20.0)
    yield {"calm_gap_seconds": calm["gap"], "calm_healthz_seconds": calm["healthz"]}
    hostile = _figures(chosen, seconds)
    yield {
        "healthy_gap_seconds": hostile["gap"],
        "healthz_seconds": hostile["healthz"],
        "rss_mb": hostile["rss"],
        "rss_more_mb": hostile["rss"] - calm["rss"],
        "workers_rss_mb": hostile["workers"],
        "stop_seconds": hostile["stop"],
        "inputs": len(chosen),
        "inputs_asked": hostile["asked"],
        "links_followed": hostile["below"],
        "healthy_looks": hostile["looks"],
    }


def _measure_files(every: int) -> dict[str, float]:
    """Return the most processor seconds and memory that a hostile file takes in a worker."""
    chosen = list(hostile_files())[::every]
    taken = [asyncio.run(measure(make(), extension)) for _, extension, make in chosen]
    return {
        "files": len(chosen),
        "file_seconds": max(seconds for seconds, _ in taken),
        "file_mb": max(mb for _, mb in taken),
    }


def _figures(chosen: list[Hostile], seconds: float) -> dict[str, float]:
    with (
        temporary_folder() as place,
        run_beside("bench.hostile_origin") as publisher,
        _daemon(place, publisher.port, chosen) as (process, web),
    ):
        found = _watched(process, web, seconds)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)
        found["stop"] = time.monotonic() - began
    return found | _of_log(publisher, found)


def _of_log(publisher: SideProgram, found: dict[str, float]) -> dict[str, float]:
    asked = [(line[1], float(line[2])) for line in publisher.told if line[0] == "asked"]
    looks = [at for path, at in asked if path == "/healthy" and found["from"] <= at <= found["to"]]
    gaps = [later - earlier for earlier, later in pairwise([found["from"], *looks, found["to"]])]
    hostile = {path for path, _ in asked if path.startswith("/hostile/")}
    below = {path for path in hostile if path.startswith("/hostile/below/")}
    return {
        "gap": max(gaps),
        "looks": len(looks),
        "asked": len(hostile - below),
        "below": len(below),
    }


def _watched(process: subprocess.Popen[bytes], web: int, seconds: float) -> dict[str, float]:
    """Return the slowest answer of `/healthz` and the most memory in `seconds`."""
    found = {"healthz": 0.0, "rss": 0.0, "workers": 0.0, "from": time.monotonic()}
    with httpx.Client(
        base_url=f"http://127.0.0.1:{web}", trust_env=False, timeout=_PATIENCE
    ) as client:
        while (began := time.monotonic()) < found["from"] + seconds:
            client.get("/healthz").raise_for_status()
            found["healthz"] = max(found["healthz"], time.monotonic() - began)
            found["rss"] = max(found["rss"], _rss_mb(process.pid))
            found["workers"] = max(
                found["workers"], sum(_rss_mb(child) for child in _children(process.pid))
            )
            time.sleep(_POLLED)
    found["to"] = time.monotonic()
    return found


@contextmanager
def _daemon(
    place: Path, port: int, chosen: list[Hostile]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    web = free_port()
    process = start_daemon(_written(place, port, web, chosen))
    try:
        wait_for_web(process, web)
        # By the end of this wait the healthy page has had its first looks.
        time.sleep(_SETTLE)
        yield process, web
    finally:
        process.kill()
        process.wait()


def _written(place: Path, port: int, web: int, chosen: list[Hostile]) -> Path:
    slot = SystemClock().now().timestamp() + 20
    healthy = release_toml("healthy", f"http://127.0.0.1:{port}/healthy", slot)
    tables, calendars = [healthy], []
    for number, each in enumerate(chosen):
        url = f"http://127.0.0.{FIRST + number % HOSTS}:{port}/hostile/{each.name}"
        if each.is_calendar:
            calendars.append(_calendar(each, url))
        else:
            tables.append(release_toml(each.name, url, slot, reader=each.reader))
    listed = place / "calendar.toml"
    listed.write_text("\n".join(tables), encoding="utf-8")
    return configure(place, listed, _NEAR, *calendars, web=web, port=port)


def _calendar(each: Hostile, url: str) -> str:
    table = _CALENDAR.format(name=each.name, reader=each.reader, url=url)
    if not each.options:
        return table
    return table + "".join(
        ["[calendar.options]\n", *(f"{name} = {json.dumps(text)}\n" for name, text in each.options)]
    )


def _rss_mb(pid: int) -> float:
    try:
        return (
            int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KB / 1024
        )
    except (OSError, IndexError):
        return 0.0


def _children(pid: int) -> list[int]:
    try:
        threads = Path(f"/proc/{pid}/task").iterdir()
        text = " ".join((each / "children").read_text(encoding="ascii") for each in threads)
    except OSError:
        return []
    return [int(word) for word in text.split()]
