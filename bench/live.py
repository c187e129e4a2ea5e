"""Measures how fifty open boards delay the event loop, with 175 releases today.

Nine of them are overdue, so their rows change every second.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from bench.figures import cpu_seconds, percentile
from bench.world import app, promise, release, silence_logs, temporary_folder
from monitor.app.build import App
from monitor.clock import SystemClock
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.web.app import make_application
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from monitor.web.server import WebServer, bind_address

_RELEASES, _CLIENTS = 175, 50
_TICK = 0.01
# The browsers run in another process, so that their CPU time is not counted.
_READERS = """
import asyncio, sys
async def poll(port):
    etag = b""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /board HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n" + etag + b"\\r\\n")
        headers = await reader.readuntil(b"\\r\\n\\r\\n")
        named = dict(line.split(b": ", 1) for line in headers.split(b"\\r\\n")[1:] if line)
        named = {name.lower(): value for name, value in named.items()}
        etag = b"If-None-Match: " + named[b"etag"] + b"\\r\\n"
        await reader.readexactly(int(named.get(b"content-length", 0)))
        writer.close()
        await asyncio.sleep(int(named[b"board-next"]))
async def main(port, many):
    await asyncio.gather(*(poll(port) for _ in range(many)))
asyncio.run(main(*map(int, sys.argv[1:])))
"""
_ASKER = """
import http.client, json, sys, time
def ask(path):
    began = time.monotonic()
    asked.request("GET", path)
    answer = asked.getresponse()
    answer.read()
    took = time.monotonic() - began
    assert answer.status == 200, answer.status
    time.sleep(0.05)
    return took
asked = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
print(json.dumps([ask(sys.argv[2]) for _ in range(int(sys.argv[3]))]))
"""


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield how late timers of the loop fire and the share of a core in use, without boards and
    with fifty.

    Also yield p50 and p99 in milliseconds of the front page, a release's page and an incident's
    page, as requested by another process while the boards are open, and the CPU time that each page
    costs the daemon.
    """
    silence_logs()
    with temporary_folder() as place:
        yield asyncio.run(_measured(place, 2.0 if quick else 30.0))


async def _measured(place: Path, seconds: float) -> dict[str, float]:
    made = app(place, SystemClock())
    # As `ninethirty run` does.
    gc.collect()
    gc.freeze()
    await _fill(made)
    clock = SystemClock()
    queries = Queries(
        made.daemon.core.store,
        made.status,
        clock,
        "Europe/London",
        throttle=Throttle(clock),
        local=True,
    )
    server = WebServer(make_application(queries), bind_address("127.0.0.1:0"))
    serving = asyncio.create_task(server.run())
    figures = {f"alone_{name}": value for name, value in (await _lateness(seconds)).items()}
    async with _readers(server.address):
        await clock.sleep(2)
        figures |= {f"live_{name}": value for name, value in (await _lateness(seconds)).items()}
        incident = made.daemon.parts.watch.releases["r0"].judging.incident
        for name, path in (
            ("board", "/"),
            ("release", "/releases/r0"),
            ("incident", f"/incidents/{incident}"),
        ):
            took, spent = await _timed(
                server.address, path, 20 if seconds < 5 else 200, figures["live_core_share"]
            )
            figures |= {
                f"{name}_p50_ms": 1000 * percentile(took, 50),
                f"{name}_p99_ms": 1000 * percentile(took, 99),
            }
            figures[f"{name}_cpu_ms"] = 1000 * spent
    server.stop()
    await serving
    queries.close()
    await made.daemon.close()
    return figures


async def _fill(made: App) -> None:
    """Have the releases of one slot watched, each looked at two hundred times."""
    slot = (SystemClock().now() - timedelta(minutes=15)).replace(second=0, microsecond=0)
    with made.daemon.core.store.transaction() as transaction:
        for number in range(_RELEASES):
            transaction.save(release(number))
            transaction.add_promises([promise(number, slot)])
    for number in range(_RELEASES):
        made.daemon.parts.watch.adopt(
            release(number), [promise(number, slot)], list(_runs(number, slot))
        )
        # No looks are made here, so verdicts must not wait for the first look.
        made.daemon.parts.watch.releases[f"r{number}"].judging.withheld_until = None
    await made.daemon.parts.watch.judging.judge_all(list(made.daemon.parts.watch.releases))


def _runs(number: int, slot: datetime) -> list[Run]:
    name, late = (
        f"r{number}/page/edge",
        slot + timedelta(minutes=2 if number % 10 == 0 else 0, seconds=1),
    )
    first, now = slot - timedelta(hours=2), SystemClock().now()
    absent = Run(name, State.ABSENT, first, late, begin=first, end=late, looks=100)
    present = Run(name, State.PRESENT, late, now, begin=late, end=now, looks=100, specific=True)
    return [absent] if number % 20 == 0 else [absent, present]


async def _lateness(seconds: float) -> dict[str, float]:
    clock, late = SystemClock(), []
    began, spent = clock.monotonic(), cpu_seconds()
    while (now := clock.monotonic()) < began + seconds:
        await asyncio.sleep(_TICK)
        late.append(1000 * (clock.monotonic() - now - _TICK))
    share = (cpu_seconds() - spent) / (clock.monotonic() - began)
    return {"late_p99_ms": percentile(late, 99), "late_max_ms": max(late), "core_share": share}


@asynccontextmanager
async def _readers(address: str) -> AsyncIterator[None]:
    port = address.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _READERS, port, str(_CLIENTS)
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def _timed(address: str, path: str, requests: int, idle: float) -> tuple[list[float], float]:
    """Return the seconds of each answer, and the CPU seconds of one, without the share of a core
    used anyway.
    """
    port, clock, before = address.rpartition(":")[2], SystemClock(), cpu_seconds()
    began = clock.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ASKER, port, path, str(requests), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    spent = cpu_seconds() - before - idle * (clock.monotonic() - began)
    took: list[float] = json.loads(told)
    return took[1:], spent / requests
