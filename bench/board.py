"""How fast the board and the API answer, and a daemon starts, from a store of ten years with 6,000
releases each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from bench.figures import cpu_seconds, percentile, rss_kb
from bench.world import app, promise, release, settings, silence_logs, temporary_folder
from monitor.app.daemon import Daemon
from monitor.app.options import make_join_rules
from monitor.clock import SystemClock
from monitor.config.settings import Settings
from monitor.deliver.assessment import body_of
from monitor.deliver.verdicts import judged_row
from monitor.health.system import pause_garbage_collection, resume_garbage_collection
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies
from monitor.ledger.memory import LedgerMemory
from monitor.store.open import open_store
from monitor.store.rows import Announced, Judged
from monitor.web.app import make_application
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from schedules.announcement import Announcement, Part, Role, State
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot

_YEARS, _A_YEAR = 10, 6000
_CALENDAR, _SERIES = "bench", 500
_PAGES = {
    "board": "/",
    "calendar": "/calendar",
    "releases": "/api/v1/releases",
    "release": "/api/v1/releases/r7",
    "search": "/search?q=example+series+7",
}


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield p50, p99 and the first time in milliseconds of `/`, the calendar month, the list of
    releases, one release and a search.

    Also yield the CPU seconds and MB that a start needs to read its memory from the store and all
    past editions.
    """
    silence_logs()
    with temporary_folder() as place:
        yield asyncio.run(_measured(place, 100 if quick else _A_YEAR, 20 if quick else 300))
        yield asyncio.run(_started(place))


async def _measured(place: Path, a_year: int, requests: int) -> dict[str, float]:
    made = app(place, SystemClock(), chosen=_settings(place))
    _fill(made.daemon, a_year)
    # As `ninethirty run` does after its start.
    pause_garbage_collection()
    resume_garbage_collection()
    clock = SystemClock()
    queries = Queries(
        made.daemon.core.store,
        made.status,
        clock,
        "Europe/London",
        throttle=Throttle(clock),
        local=True,
    )
    transport = httpx.ASGITransport(make_application(queries))
    figures: dict[str, float] = {"releases": _YEARS * a_year}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for name, path in _PAGES.items():
            first, *took = await _timed(client, path, requests)
            figures |= {
                f"{name}_first_ms": 1000 * first,
                f"{name}_p50_ms": 1000 * percentile(took, 50),
                f"{name}_p99_ms": 1000 * percentile(took, 99),
            }
    queries.close()
    await made.daemon.close()
    return figures


async def _read_back(register: LedgerMemory, now: datetime) -> None:
    register.load(now)
    register.apply_change(await register.join_loaded())


async def _started(place: Path) -> dict[str, float]:
    chosen, now = _settings(place), SystemClock().now()
    store = open_store(chosen.store.url)
    register = LedgerMemory(store, make_join_rules(chosen))
    spent, resident = [cpu_seconds()], [rss_kb()]
    for work in (_read_back, LedgerMemory.past_editions):
        await work(register, now)
        spent.append(cpu_seconds())
        resident.append(rss_kb())
    store.close()
    return {
        "start_cpu_seconds": spent[1] - spent[0],
        "start_mb": (resident[1] - resident[0]) / 1024,
        "start_releases": len(register.releases),
        "editions_cpu_seconds": spent[2] - spent[1],
        "editions_mb": (resident[2] - resident[1]) / 1024,
    }


async def _timed(client: httpx.AsyncClient, path: str, requests: int) -> list[float]:
    clock, took = SystemClock(), []
    for _ in range(requests):
        began = clock.monotonic()
        answer = await client.get(path)
        took.append(clock.monotonic() - began)
        answer.raise_for_status()
    return took


def _fill(made: Daemon, a_year: int) -> None:
    """Write ten years of releases, the last of them today, each with its promise and its
    verdict.
    """
    for batch in _batches(_YEARS * a_year, 2000):
        with made.core.store.transaction() as transaction:
            for number in batch:
                slot = SystemClock().now() - timedelta(hours=24 * 365 * number / a_year)
                slot = slot.replace(minute=30, second=0, microsecond=0)
                one = edition(number, slot)
                transaction.save(one)
                transaction.add_promises([promise(number, slot)])
                transaction.save(entry(one, slot))
                transaction.save(judgement(one, promise(number, slot), slot))


def _batches(count: int, size: int) -> Iterator[range]:
    return (range(first, min(first + size, count)) for first in range(0, count, size))


def _settings(place: Path) -> Settings:
    return settings(
        place, calendar=[{"name": _CALENDAR, "kind": "toml", "file": str(place / "calendar.toml")}]
    )


def edition(number: int, slot: datetime) -> Release:
    """Return a release of one of five hundred series of forty producers, as joining its entry makes
    it.
    """
    series, one = number % _SERIES, release(number)
    title, page = f"Example series {series}: {slot:%B %Y}", Part("page", Role.PAGE, one.url)
    return replace(one, producer=f"producer-{series % 40}", title=title, parts=(page,))


def entry(one: Release, slot: datetime, *, gone: bool = True) -> Announced:
    """Return the entry of a release that its calendar shows, or showed until it was out."""
    said = Announcement(
        one.id, one.title, one.producer, one.url, Slot(Precision.INSTANT, slot), State.CONFIRMED
    )
    body = {"announcement": said.as_json()}
    return Announced(
        _CALENDAR,
        one.id,
        body,
        slot - timedelta(days=28),
        slot,
        slot + timedelta(hours=1) if gone else None,
        one.id,
    )


def judgement(one: Release, promised: Promise, slot: datetime) -> Judged:
    """Return the verdict on a release without any look, as of today."""
    settled = slot + timedelta(days=40)
    verdict = ReleaseCase(one, [promised], {}).judge(Policies(), min(settled, SystemClock().now()))
    return judged_row(verdict, body_of(verdict, None))
