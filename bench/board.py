"""How fast the board and the API answer from a store of ten years with 6,000 releases each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from bench.figures import percentile, rounded
from bench.world import daemon, folder, promise, quietly, release
from monitor.clock import SystemClock
from monitor.daemon import Daemon
from monitor.deliver.events import body_of
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.record.rows import Judged
from monitor.web.app import application
from monitor.web.desk import Desk

_YEARS, _A_YEAR = 10, 6000
_PAGES = {"board": "/", "releases": "/api/v1/releases", "release": "/api/v1/releases/r7"}


def run(*, quick: bool = False) -> dict[str, float]:
    """Return p50 and p99 in milliseconds of `/`, the list of releases and one release, through the application."""
    quietly()
    with folder() as place:
        return rounded(asyncio.run(_measured(place, 100 if quick else _A_YEAR, 20 if quick else 300)))


async def _measured(place: Path, a_year: int, requests: int) -> dict[str, float]:
    made = daemon(place, SystemClock())
    _fill(made, a_year)
    desk = Desk(made.store, made, SystemClock(), "Europe/London")
    transport = httpx.ASGITransport(application(desk))
    figures: dict[str, float] = {"releases": _YEARS * a_year}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for name, path in _PAGES.items():
            took = await _timed(client, path, requests)
            figures |= {f"{name}_p50_ms": 1000 * percentile(took, 50), f"{name}_p99_ms": 1000 * percentile(took, 99)}
    desk.close()
    await made.close()
    return figures


async def _timed(client: httpx.AsyncClient, path: str, requests: int) -> list[float]:
    clock, took = SystemClock(), []
    for _ in range(requests):
        began = clock.monotonic()
        answer = await client.get(path)
        took.append(clock.monotonic() - began)
        answer.raise_for_status()
    return took[1:]


def _fill(made: Daemon, a_year: int) -> None:
    """Write ten years of releases, the last of them today, each with its promise and its verdict."""
    for batch in _batches(_YEARS * a_year, 2000):
        with made.store.transaction() as transaction:
            for number in batch:
                slot = SystemClock().now() - timedelta(hours=24 * 365 * number / a_year)
                slot = slot.replace(minute=30, second=0, microsecond=0)
                transaction.save_release(release(number, producer=f"producer-{number % 40}"))
                transaction.add_promises([promise(number, slot)])
                transaction.save_judged(_judged(number, slot))


def _batches(count: int, size: int) -> Iterator[range]:
    return (range(first, min(first + size, count)) for first in range(0, count, size))


def _judged(number: int, slot: datetime) -> Judged:
    one = replace(release(number), producer=f"producer-{number % 40}")
    verdict = judge(one, [promise(number, slot)], {}, (), Policy(), slot + timedelta(hours=1))
    body = body_of(verdict, None)
    return Judged(one.id, one.producer, slot, verdict.word.value, verdict.grade.value, verdict.final, verdict.at, body)
