"""Measures many targets in several processes that share the hosts: looks, CPU time a look, and
memory of each.

First a quarter of the targets is measured in one process, to show that the cost of a look does not
grow with the number of processes. The publisher is a separate process at 200 addresses of loopback.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx

from bench.answering import PathResponder
from bench.daemons import release_toml, wait_for_web
from bench.figures import cpu_seconds_of
from bench.fleet import empty, monitor
from bench.origin import run_beside
from bench.postgres import run_postgres
from bench.world import temporary_folder
from monitor.clock import SystemClock

_TARGETS, _HOSTS, _RATE = 50_000, 200, 8
_A_SECOND = 1000
_AHEAD = timedelta(minutes=55)
_SETTLED, _PATIENCE, _STEP = 0.05, 900.0, 25.0
_MISSING = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"
)
_AGENT, _HOST, _TOLD = re.compile(rb"\(\+(m\d+)\)"), re.compile(rb"Host: ([\d.]+)"), "/told"
_OFTEN = 'near = {{ from = "60m", every = "{}s" }}'


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield figures of four processes with 50,000 targets, and the cost of a look relative to one
    process.

    `looks_per_s` should be 1,000, one look each 50 s for each target. `share_least` and
    `share_most` are the fewest and the most looks of a process, relative to a fair share.
    `hosts_twice`: hosts that two processes requested. `settled_s`: seconds until all targets had a
    look and looks came at that rate.
    """
    many, targets, every = (2, 200, 2) if quick else (4, _TARGETS, _TARGETS // _A_SECOND)
    with run_postgres() as database:
        cost = _at(database, 1, targets // many, every)["cpu_ms_per_look"]
        yield {"targets": targets, "processes": many, "cpu_ms_per_look_1": cost}
        all_ = _at(database, many, targets, every)
        yield {**all_, "cpu_per_look_ratio": all_["cpu_ms_per_look"] / cost}


def _at(database: str, many: int, targets: int, every: int) -> dict[str, float]:
    """Return the figures of `many` processes, measured after they have reached their rate."""
    empty(database)
    with ExitStack() as stack:
        place, publisher = (
            stack.enter_context(temporary_folder()),
            stack.enter_context(run_beside("bench.wide")),
        )
        # The publisher has its own core. The monitors may use all cores.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        _promise(place, publisher.port, targets)
        fleet, started = [], time.monotonic()
        for number in range(many):
            how = {
                "name": f"m{number}",
                "mode": "shared",
                "port": publisher.port,
                "rate": _RATE,
                "takeover": "3s",
            }
            fleet.append(stack.enter_context(monitor(place, database, _OFTEN.format(every), **how)))
        for process, web in fleet:
            wait_for_web(process, web)
        _settle(publisher.port, targets, every)
        settled = time.monotonic() - started
        # First looks store rows, which is not measured here.
        time.sleep(every)
        began, spent = time.monotonic(), [cpu_seconds_of(process.pid) for process, _ in fleet]
        before = _asked(publisher.port)
        time.sleep(every)
        asked = _asked(publisher.port) - before
        took = time.monotonic() - began
        used = sum(cpu_seconds_of(process.pid) for process, _ in fleet) - sum(spent)
        memory = max(_resident_mb(process.pid) for process, _ in fleet)
    each = [
        sum(made for (who, _), made in asked.items() if who == f"m{number}")
        for number in range(many)
    ]
    if not sum(each):
        raise RuntimeError(f"no look was made in {took:.0f} s")
    hosts = Counter(host for _, host in asked)
    return {
        "looks_per_s": sum(each) / took,
        "settled_s": settled,
        "cpu_ms_per_look": used * 1000 / sum(each),
        "share_least": min(each) * many / sum(each),
        "share_most": max(each) * many / sum(each),
        "hosts_twice": sum(times > 1 for times in hosts.values()),
        "largest_mb": memory,
    }


def _promise(place: Path, port: int, targets: int) -> None:
    slot = (SystemClock().now() + _AHEAD).timestamp()
    urls = {
        number: f"http://127.0.1.{1 + number % _HOSTS}:{port}/page-{number}"
        for number in range(targets)
    }
    told = "".join(release_toml(f"r{number}", url, slot) for number, url in urls.items())
    (place / "calendar.toml").write_text(told, encoding="utf-8")


def _settle(publisher: int, targets: int, every: int) -> None:
    """Wait until each target has had a look, and looks are made at nearly the expected rate.

    Raises `RuntimeError` after 15 minutes.
    """
    until, before, wanted = time.monotonic() + _PATIENCE, 0.0, targets / every
    while time.monotonic() < until:
        made, at = _asked(publisher).total(), time.monotonic()
        time.sleep(min(_STEP, every))
        rate = (_asked(publisher).total() - made) / (time.monotonic() - at)
        are_all = _told(publisher)["pages"] == targets
        if are_all and max(abs(rate - wanted), abs(before - wanted)) < _SETTLED * wanted + 1:
            return
        before = rate
    raise RuntimeError(f"never {wanted:.0f} looks a second")


def _asked(publisher: int) -> Counter[tuple[str, str]]:
    """Return the number of requests by monitor and address."""
    return Counter({(who, host): many for who, host, many in _told(publisher)["asked"]})


def _told(publisher: int) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(
        f"http://127.0.1.1:{publisher}{_TOLD}", trust_env=False, timeout=60
    ).json()
    return told


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


class _Missing(PathResponder):
    """A publisher that answers 404, counts requests by monitor, and reports them at `/told`."""

    asked: ClassVar[Counter[tuple[str, str]]] = Counter()
    pages: ClassVar[set[bytes]] = set()

    def answer(self, path: bytes) -> bytes:
        """Count the request and return a 404, or the counts at `/told`."""
        if path == _TOLD.encode():
            asked = [(*key, many) for key, many in self.asked.items()]
            told = json.dumps({"asked": asked, "pages": len(self.pages)}).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told)
        agent, host = _AGENT.search(self.head), _HOST.search(self.head)
        if agent is not None and host is not None:
            self.asked[agent[1].decode(), host[1].decode()] += 1
            self.pages.add(path)
        return _MISSING


async def _serve() -> None:
    loop, port = asyncio.get_running_loop(), 0
    for number in range(1, 1 + _HOSTS):
        server = await loop.create_server(_Missing, f"127.0.1.{number}", port, backlog=1024)
        port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await loop.create_future()


if __name__ == "__main__":
    asyncio.run(_serve())
