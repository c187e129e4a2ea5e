"""A calendar of 100,000 entries: the first read, with its join, ledger and store, and one that brings nothing new."""

from __future__ import annotations

import asyncio
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import cpu_seconds, rounded
from bench.world import daemon, folder, quietly, settings
from monitor.clock import SystemClock

_ENTRIES = 100_000
_FIRST = datetime(2027, 1, 4, tzinfo=UTC)


def run(*, quick: bool = False) -> dict[str, float]:
    """Return seconds of both reads, and by how many MB the first let the process grow at most."""
    quietly()
    with folder() as place:
        return rounded(asyncio.run(_measured(place, 500 if quick else _ENTRIES)))


async def _measured(place: Path, entries: int) -> dict[str, float]:
    file = place / "calendar.csv"
    file.write_text(_calendar(entries), encoding="utf-8")
    table = {"name": "bench", "kind": "csv", "file": str(file)}
    clock = SystemClock()
    made = daemon(place, clock, chosen=settings(place, calendar=[table]))
    await made.take_up()
    before = _peak_mb()
    figures: dict[str, float] = {"entries": entries}
    for name in ("first", "unchanged"):
        began, cpu = clock.monotonic(), cpu_seconds()
        await made.calendar_reads.read_all()
        figures |= {f"{name}_seconds": clock.monotonic() - began, f"{name}_cpu_seconds": cpu_seconds() - cpu}
    read = made.store.ledger.reads("bench", limit=1)[0]
    assert (read.usable, read.entries) == (True, entries), read  # noqa: S101  # else it measures something else
    await made.close()
    return figures | {"grew_by_mb": _peak_mb() - before}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _calendar(entries: int) -> str:
    lines = ["id,title,producer,url,date,time,state"]
    for number in range(entries):
        day = _FIRST + timedelta(days=number % 1500)
        url = f"https://stats.example/releases/{number}"
        title = f"Example statistics {number}: week of {day:%d %B %Y}"
        lines.append(f"r{number},{title},producer-{number % 40},{url},{day:%Y-%m-%d},09:30,confirmed")
    return "\n".join(lines) + "\n"
