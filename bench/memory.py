"""Measures resident memory at 1,000 targets, its growth over a month with a million looks, and idle
CPU.

`rss_mb` is measured before the first draft. `rss_with_drafts_mb` includes the library that writes
.docx, which the first draft loads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from bench import as_installed  # noqa: F401  # before anything that looks for consoles
from bench.figures import cpu_seconds
from bench.month import Absent, live_month
from bench.world import daemon, settings, silence_logs, temporary_folder
from monitor.clock import SystemClock
from monitor.health.system import tune_process
from monitor.rehearse.virtual_loop import JumpingLoop

_TARGETS = 1000


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield MB at 1,000 targets, growth in percent after warming up, looks made, and idle CPU in
    percent of a core.
    """
    silence_logs()
    # As `ninethirty run` does.
    tune_process()
    with temporary_folder() as place, asyncio.Runner(loop_factory=JumpingLoop) as runner:
        yield runner.run(_grown(place, *((22, 1) if quick else (_TARGETS, 28))))
    with temporary_folder() as place:
        yield asyncio.run(_idle(place, 0.2 if quick else 20.0))


async def _grown(place: Path, targets: int, days: int) -> dict[str, float]:
    month = await live_month(place, targets, days)
    warm, last = month.resident[0], month.resident[-1]
    return {
        "rss_mb": month.full / 1024,
        "rss_with_drafts_mb": max(month.resident) / 1024,
        "growth_percent": 100 * (last - warm) / warm,
        "looks": month.looks,
        "simulated_days": month.days,
        "targets": month.targets,
    }


async def _idle(place: Path, seconds: float) -> dict[str, float]:
    """Return the CPU use of a daemon with 1,000 releases of which none is due."""
    clock = SystemClock()
    file = place / "calendar.toml"
    slot = (clock.now() + timedelta(days=20)).isoformat()
    url = "https://stats.example/releases/"
    rows = [
        f'[[release]]\nid="r{n}"\ntitle="Statistics {n}"\nurl="{url}{n}"\nslot={slot}'
        for n in range(_TARGETS)
    ]
    file.write_text("\n".join(rows), encoding="utf-8")
    table = {"name": "bench", "kind": "toml", "file": str(file)}
    made = daemon(place, clock, Absent(clock), settings(place, calendar=[table]))
    stop = asyncio.Event()
    life = asyncio.create_task(made.run(stop))
    await asyncio.sleep(min(3.0, seconds))
    began = cpu_seconds()
    await asyncio.sleep(seconds)
    share = (cpu_seconds() - began) / seconds
    known = len(made.core.ledger.releases)
    stop.set()
    await life
    await made.close()
    return {"idle_cpu_percent": 100 * share, "idle_releases": known}
