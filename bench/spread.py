"""50,000 targets on forty hosts, divided among one process and among four: what a look costs, and who looks at what."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.answering import Answering
from bench.daemons import await_web, configure, free_port, promised, started
from bench.figures import cpu_seconds_of, rounded
from bench.fleet import empty
from bench.origin import beside
from bench.postgres import running
from bench.world import folder
from monitor.clock import SystemClock

_FIRST, _HOSTS = 2, 40
_RATE = 25
_NEAR = 'near = {{ from = "120m", every = "{}s" }}\n'
_PATIENCE = 600.0
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"
Looks = Sequence[Counter[str]]
"""How often each monitor looked at each host."""
Fleet = Sequence[tuple[int, int]]
"""The number of each monitor's process, and the port of its pages."""


class Publisher(Answering):
    """Has published nothing."""

    def answer(self, path: bytes) -> bytes:  # noqa: ARG002 # whatever it is asked for
        """Return that there is nothing."""
        return _MISSING


def run(*, quick: bool = False) -> dict[str, float]:
    """Return looks a second of one process and of four, CPU a look of four against one, and how evenly they share.

    `least_share` and `most_share` are the looks of the laziest and the busiest of the four against a quarter;
    `hosts_of_two` counts hosts that more than one looked at once they had divided them.
    """
    targets, seconds = (2_000, 3.0) if quick else (50_000, 60.0)
    with running() as database:
        (one, cpu_one), (four, cpu_four) = (_looked(database, many, targets, seconds) for many in (1, 4))
    shares = [sum(its.values()) * 4 / _sum(four) for its in four]
    owners = Counter(host for its in four for host, looks in its.items() if looks)
    figures = {
        "targets": targets,
        "looks_per_s_1": _sum(one) / seconds,
        "looks_per_s_4": _sum(four) / seconds,
        "cpu_ms_per_look_1": cpu_one / _sum(one) * 1000,
        "cpu_per_look_ratio_4": (cpu_four / _sum(four)) / (cpu_one / _sum(one)),
        "least_share": min(shares),
        "most_share": max(shares),
        "hosts_of_two": sum(many > 1 for many in owners.values()),
    }
    return rounded(figures)


def _sum(looks: Looks) -> int:
    return sum(sum(its.values()) for its in looks)


def _looked(database: str, many: int, targets: int, seconds: float) -> tuple[Looks, float]:
    """Return the looks of so many monitors once all hosts are looked at, and the CPU seconds of them all."""
    empty(database)
    with folder() as place, beside("bench.spread") as publisher, ExitStack() as stack:
        (place / "calendar.toml").write_text(_pages(publisher.port, targets), encoding="utf-8")
        # As many as the hosts' budgets allow.
        near = _NEAR.format(targets // _HOSTS // _RATE)
        values = {"port": publisher.port, "store": database, "mode": "shared", "rate": _RATE}
        fleet = [stack.enter_context(_monitor(place, near, name=f"m{number}", **values)) for number in range(many)]
        _settled(fleet, targets)
        before, spent = _looks(fleet), _cpu(fleet)
        time.sleep(seconds)
        after, spent = _looks(fleet), _cpu(fleet) - spent
    return [its - then for its, then in zip(after, before, strict=True)], spent


def _settled(fleet: Fleet, targets: int) -> None:
    """Wait until what is wanted of all hosts has been looked at twice over. Raises `RuntimeError` where it never is."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        told = sum(_looks(fleet), Counter[str]())
        if len(told) == _HOSTS and min(told.values()) > 2 * targets / _HOSTS:
            return
        time.sleep(1)
    raise RuntimeError("not everything is looked at")


def _looks(fleet: Fleet) -> Looks:
    return [_told(web) for _, web in fleet]


def _told(web: int) -> Counter[str]:
    page = httpx.get(f"http://127.0.0.1:{web}/metrics", trust_env=False, timeout=_PATIENCE).text
    told: Counter[str] = Counter()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == "ninethirty_looks_total":
                told[sample.labels["host"]] += int(sample.value)
    return told


def _cpu(fleet: Fleet) -> float:
    return sum(cpu_seconds_of(process) for process, _ in fleet)


def _pages(port: int, targets: int) -> str:
    slot = (SystemClock().now() + timedelta(minutes=100)).timestamp()
    urls = (f"http://127.0.0.{_FIRST + each % _HOSTS}:{port}/page-{each}" for each in range(targets))
    return "".join(promised(f"r{each}", url, slot) for each, url in enumerate(urls))


@contextmanager
def _monitor(place: Path, near: str, **values: object) -> Iterator[tuple[int, int]]:
    own, web = place / str(values["name"]), free_port()
    config = configure(own, place / "calendar.toml", near, web=web, **values)
    with (own / "log").open("wb") as log:
        process = started(config, log)
        try:
            await_web(process, web)
            yield process.pid, web
        finally:
            process.kill()
            process.wait()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Publisher, f"127.0.0.{_FIRST}", 0)
    port = server.sockets[0].getsockname()[1]
    for number in range(_FIRST + 1, _FIRST + _HOSTS):
        await loop.create_server(Publisher, f"127.0.0.{number}", port)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
