"""Measures reads of a calendar with 100,000 entries: the first, until it is stored, and one without
changes.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import cpu_seconds
from bench.world import daemon, settings, silence_logs, temporary_folder
from monitor.app.daemon import Daemon
from monitor.clock import SystemClock
from monitor.health.system import tune_process
from monitor.store.writer import STALLED_AFTER

_ENTRIES = 100_000
_FIRST = datetime(2027, 1, 4, tzinfo=UTC)


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield seconds of both reads, and by how many MB the first let the process grow at most.

    `first_seconds` is until it is known to the watch, which waits five seconds for the store at
    most, and `stored_seconds` until all of it is stored. `blind_seconds`: for how long the store
    was taken for silent.
    """
    silence_logs()
    # As `ninethirty run` does.
    tune_process()
    entries = 500 if quick else _ENTRIES
    with temporary_folder() as place, asyncio.Runner() as runner:
        made = runner.run(_started(place, entries))
        began, before = SystemClock().monotonic(), _peak_mb()
        yield {"entries": entries, **runner.run(_read(made, "first"))}
        runner.run(made.core.writer.backlog.finish_large(STALLED_AFTER))
        yield {
            "stored_seconds": SystemClock().monotonic() - began,
            "grew_by_mb": _peak_mb() - before,
        }
        yield {"blind_seconds": _blind_seconds(made)}
        reads = [(read.usable, read.entries) for read in made.core.store.ledger.reads("bench")]
        if reads != [(True, entries)]:
            left = made.core.writer.backlog.portions_left()
            raise RuntimeError(
                f"the first read is not stored: {left} portions are left, and stored are {reads}"
            )
        yield runner.run(_read(made, "unchanged"))
        runner.run(made.close())


async def _started(place: Path, entries: int) -> Daemon:
    file = place / "calendar.csv"
    file.write_text(_calendar(entries), encoding="utf-8")
    table = {"name": "bench", "kind": "csv", "file": str(file)}
    made = daemon(place, SystemClock(), chosen=settings(place, calendar=[table]))
    await made.start_watching()
    return made


async def _read(made: Daemon, name: str) -> dict[str, float]:
    clock = SystemClock()
    began, cpu = clock.monotonic(), cpu_seconds()
    await made.parts.calendar_reads.read_all()
    return {
        f"{name}_seconds": clock.monotonic() - began,
        f"{name}_cpu_seconds": cpu_seconds() - cpu,
    }


def _blind_seconds(made: Daemon) -> float:
    now = SystemClock().now()
    return sum(
        (span.ends - span.begins).total_seconds()
        for span in made.core.store.runs.blind(now - timedelta(1), now)
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _calendar(entries: int) -> str:
    lines = ["id,title,producer,url,date,time,state"]
    for number in range(entries):
        day = _FIRST + timedelta(days=number % 1500)
        url = f"https://stats.example/releases/{number}"
        title = f"Example statistics {number}: week of {day:%d %B %Y}"
        lines.append(
            f"r{number},{title},producer-{number % 40},{url},{day:%Y-%m-%d},09:30,confirmed"
        )
    return "\n".join(lines) + "\n"
