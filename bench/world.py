"""A daemon of the ordinary kind with releases to watch, without the calendars that would tell of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from monitor.app.build import App, Edges, build
from monitor.app.daemon import Daemon
from monitor.app.jobs import LoopJobs
from monitor.clock import Clock, SystemClock
from monitor.config.settings import Settings
from monitor.look.fetch import Fetcher
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route
from schedules.announcement import Part, Role, State
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot

MANY = 1_000_000.0
"""Requests a second that no budget stands in the way of."""


def quietly() -> None:
    """Log nothing below a fault: a bench measures looks, not lines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder for a store, and drop it."""
    with TemporaryDirectory(prefix="ninethirty-bench-") as name:
        yield Path(name)


def settings(place: Path, **tables: Any) -> Settings:  # noqa: ANN401  # tables as a configuration has them
    """Return settings whose store and evidence lie in `place`, with these tables besides."""
    base: Mapping[str, Any] = {
        "store": {"url": f"sqlite:///{place / 'store.db'}"},
        "evidence": {"folder": str(place / "evidence")},
        "watch": {"origin_view": False},
        "channel": [{"name": "outbox", "kind": "folder", "folder": str(place / "outbox")}],
    }
    return Settings.model_validate({**base, **tables})


def mail(port: int) -> Mapping[str, Any]:
    """Return the channel of a mail server on this machine, as a configuration has it."""
    reached = {"host": "127.0.0.1", "port": port, "security": "none"}
    return {
        "name": "mail",
        "kind": "mail",
        **reached,
        "sender": "monitor@stats.example",
        "to": ["people@stats.example"],
    }


@asynccontextmanager
async def running(place: Path, port: int, promised: str, **tables: Any) -> AsyncIterator[None]:  # noqa: ANN401  # tables
    """Have a daemon watch what is promised, in TOML; every address of it leads to the publisher at a port."""
    (place / "calendar.toml").write_text(promised, encoding="utf-8")
    calendar = [{"name": "bench", "kind": "toml", "file": str(place / "calendar.toml")}]
    clock = SystemClock()
    fetcher = HttpFetcher(clock, route=lambda *_: Route("127.0.0.1", port, tls=False))
    made, stop = daemon(place, clock, fetcher, settings(place, calendar=calendar, **tables)), asyncio.Event()
    life = asyncio.create_task(made.run(stop))
    try:
        yield
    finally:
        stop.set()
        await life
        await made.close()


def daemon(place: Path, clock: Clock, fetcher: Fetcher | None = None, chosen: Settings | None = None) -> Daemon:
    """Return the daemon of a program that serves no pages."""
    return app(place, clock, fetcher, chosen).daemon


def app(place: Path, clock: Clock, fetcher: Fetcher | None = None, chosen: Settings | None = None) -> App:
    """Return a program of real parts that serves no pages."""
    edges = Edges(clock=clock, job_runner=LoopJobs, fetcher=fetcher, seed=1, serve=False)
    return build(chosen or settings(place), edges)


def release(number: int, host: str = "stats.example", path: str = "page", producer: str = "example") -> Release:
    """Return one of many releases, of one page."""
    url = f"https://{host}/{path}/{number}"
    title = f"Example statistics {number}: July to September 2026"
    return Release(f"r{number}", title, producer, url, (Part("page", Role.PAGE, url, "status"),), ("bench",))


def promise(number: int, slot: datetime) -> Promise:
    """Return the promise of a release, made in good time."""
    return Promise(
        f"r{number}", "bench", Slot(Precision.INSTANT, instant=slot), State.CONFIRMED, slot - timedelta(days=40)
    )
