"""Resident memory at 1,000 targets, its growth over as many looks as fit, and the CPU of a daemon with nothing due."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import cpu_seconds, rounded, rss_kb
from bench.world import MANY, daemon, folder, promise, quietly, release, settings
from monitor.clock import Clock, SystemClock, VirtualClock
from monitor.daemon import Daemon
from monitor.look.fetch import Answer, Failure, Request
from monitor.rehearse.loop import JumpingLoop

_START = datetime(2026, 11, 1, tzinfo=UTC)
_TARGETS = 1000
# In virtual time a commit every 0.1 s would else hold a look or two, and the disk be all that is measured.
_OFTEN = {"origin_view": False, "far": {"from": "40d", "every": "2s"}, "ahead": {"from": "7d", "every": "2s"}}
_BODY = b"<html><head><title>Page not found</title></head><body><h1>Page not found</h1></body></html>" * 20


class _Absent:
    """A fetcher whose every answer says that there is nothing yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def fetch(self, request: Request) -> Answer | Failure:
        """Answer 404 after a turn of the loop."""
        sent = self._clock.now()
        await asyncio.sleep(0.01)
        return Answer(request.url, 404, {"content-type": "text/html"}, bytes(_BODY), sent, self._clock.now())

    async def close(self) -> None:
        """Have nothing to close."""


def run(*, quick: bool = False) -> dict[str, float]:
    """Return MB at 1,000 targets, growth in percent after warming up, looks made, and idle CPU in percent of a core."""
    quietly()
    with folder() as place, asyncio.Runner(loop_factory=JumpingLoop) as runner:
        figures = runner.run(_grown(place, 1000 if quick else 250_000))
    with folder() as place:
        figures |= asyncio.run(_idle(place, 0.2 if quick else 20.0))
    return rounded(figures)


async def _grown(place: Path, looks: int) -> dict[str, float]:
    clock = VirtualClock(_START)
    chosen = settings(place, budget={"default": f"{MANY:.0f}/s"}, watch=_OFTEN)
    made = daemon(place, clock, _Absent(clock), chosen)
    stop = asyncio.Event()
    life = asyncio.create_task(made.run(stop))
    for number in range(_TARGETS):
        slot = _START + timedelta(days=2 + number % 28, hours=9, minutes=30)
        made.watch.adopt(release(number, f"h{number % 50}.example"), [promise(number, slot)])
    await _until(made, life, looks // 5)
    warm, before = rss_kb(), clock.now()
    await _until(made, life, looks)
    grown = rss_kb()
    days = (clock.now() - before) / timedelta(days=1)
    made_looks = made.poller.made
    stop.set()
    await life
    await made.close()
    return {
        "rss_mb": grown / 1024,
        "growth_percent": 100 * (grown - warm) / warm,
        "looks": made_looks,
        "simulated_days": days,
        "targets": _TARGETS,
    }


async def _until(made: Daemon, life: asyncio.Task[None], looks: int) -> None:
    while made.poller.made < looks and not life.done():  # noqa: ASYNC110  # the poller counts, and tells nobody
        await asyncio.sleep(1.0)


async def _idle(place: Path, seconds: float) -> dict[str, float]:
    """Return what a daemon costs that knows 1,000 releases, none of them in any window."""
    clock = SystemClock()
    file = place / "calendar.toml"
    slot = (clock.now() + timedelta(days=20)).isoformat()
    url = "https://stats.example/releases/"
    rows = [f'[[release]]\nid="r{n}"\ntitle="Statistics {n}"\nurl="{url}{n}"\nslot={slot}' for n in range(_TARGETS)]
    file.write_text("\n".join(rows), encoding="utf-8")
    table = {"name": "bench", "kind": "toml", "file": str(file)}
    made = daemon(place, clock, _Absent(clock), settings(place, calendar=[table]))
    stop = asyncio.Event()
    life = asyncio.create_task(made.run(stop))
    await asyncio.sleep(min(3.0, seconds))
    began = cpu_seconds()
    await asyncio.sleep(seconds)
    share = (cpu_seconds() - began) / seconds
    known = len(made.roster.releases)
    stop.set()
    await life
    await made.close()
    return {"idle_cpu_percent": 100 * share, "idle_releases": known}
