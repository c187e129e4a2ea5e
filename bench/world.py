"""Builds a real daemon and releases for benches, without calendars on the network."""

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
from monitor.clock import Clock, SteadyClock, SystemClock
from monitor.config.settings import Settings
from monitor.look.fetch import Fetcher
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route
from schedules.announcement import Part, Role, State
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot

MANY = 1_000_000.0
"""Requests a second: so many that the budget never delays a look."""


def silence_logs() -> None:
    """Log only critical errors, so that logging is not measured."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a temporary folder and delete it afterwards."""
    with TemporaryDirectory(prefix="ninethirty-bench-") as name:
        yield Path(name)


def settings(place: Path, **tables: Any) -> Settings:  # noqa: ANN401  # tables as a configuration has them
    """Return settings with store and evidence in `place`, and with these further tables."""
    base: Mapping[str, Any] = {
        "store": {"url": f"sqlite:///{place / 'store.db'}"},
        "evidence": {"folder": str(place / "evidence")},
        "watch": {"origin_view": False},
        "channel": [{"name": "outbox", "kind": "folder", "folder": str(place / "outbox")}],
    }
    return Settings.model_validate({**base, **tables})


def mail(port: int) -> Mapping[str, Any]:
    """Return the configuration table of a mail channel to a server on this machine."""
    reached = {"host": "127.0.0.1", "port": port, "security": "none"}
    return {
        "name": "mail",
        "kind": "mail",
        **reached,
        "sender": "monitor@stats.example",
        "to": ["people@stats.example"],
    }


@asynccontextmanager
async def run_daemon(place: Path, port: int, promised: str, **tables: Any) -> AsyncIterator[None]:  # noqa: ANN401  # tables
    """Run a daemon with a TOML calendar. All its addresses lead to the publisher at `port`."""
    (place / "calendar.toml").write_text(promised, encoding="utf-8")
    calendar = [{"name": "bench", "kind": "toml", "file": str(place / "calendar.toml")}]
    clock = SystemClock()
    fetcher = HttpFetcher(clock, route=lambda *_: Route("127.0.0.1", port, tls=False))
    made, stop = (
        daemon(place, clock, fetcher, settings(place, calendar=calendar, **tables)),
        asyncio.Event(),
    )
    life = asyncio.create_task(made.run(stop))
    try:
        yield
    finally:
        stop.set()
        await life
        await made.close()


def daemon(
    place: Path, clock: Clock, fetcher: Fetcher | None = None, chosen: Settings | None = None
) -> Daemon:
    """Return a real daemon without web pages."""
    return app(place, clock, fetcher, chosen).daemon


def app(
    place: Path, clock: Clock, fetcher: Fetcher | None = None, chosen: Settings | None = None
) -> App:
    """Return the real application without web pages."""
    edges = Edges(clock=SteadyClock(clock), fetcher=fetcher, seed=1, serve=False)
    return build(chosen or settings(place), edges)


def release(
    number: int, host: str = "stats.example", path: str = "page", producer: str = "example"
) -> Release:
    """Return release `number`, with one page."""
    url = f"https://{host}/{path}/{number}"
    title = f"Example statistics {number}: July to September 2026"
    return Release(
        f"r{number}", title, producer, url, (Part("page", Role.PAGE, url, "status"),), ("bench",)
    )


def promise(number: int, slot: datetime) -> Promise:
    """Return the promise of release `number`, read 40 days before its slot."""
    return Promise(
        f"r{number}",
        "bench",
        Slot(Precision.INSTANT, instant=slot),
        State.CONFIRMED,
        slot - timedelta(days=40),
    )
