"""Measures how costs grow with the number of releases: N due within 100 days, and N of the ten
years before.
"""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from bench import as_installed  # noqa: F401  # before anything that looks for consoles
from bench.board import edition, entry, judgement
from bench.figures import cpu_seconds, rss_kb
from bench.world import app, promise, settings, silence_logs, temporary_folder
from monitor.clock import SystemClock
from monitor.config.settings import Settings
from monitor.health.system import pause_garbage_collection, resume_garbage_collection, tune_process
from monitor.store.open import open_store
from monitor.web.app import make_application
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries

_RELEASES, _DAYS, _PAST = 5000, 100, 3650
_BATCH = 2000
# The peak memory of a process includes that of its parent when it was started, so the parent is a
# small script.
_APART = """import json, resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}))
"""
_AS_INSTALLED = "import runpy, bench.as_installed; runpy.run_module('monitor', run_name='__main__')"
_PROGRAMS: Mapping[str, Sequence[str]] = {
    "plan": ("plan",),
    "export": ("export", "--format", "csv"),
    "period": ("report", "period", "--from", "2020-01-01", "--to", "2039-12-31", "--format", "csv"),
}


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield CPU seconds and MB with 50,000 future and 50,000 past releases, and exponents of growth
    from 5,000.

    `start` is the work before the first look. `roll` plans the rest and compares it with the store
    while looks are made. `/calendar.ics` is requested twice.
    """
    few = 50 if quick else _RELEASES
    small, large = _at(few), _at(10 * few)
    yield {"releases": 10 * few, **large}
    yield {
        f"{name}_exponent": math.log10(large[name] / small[name])
        for name in small
        if small[name] > 0
    }


def _at(count: int) -> dict[str, float]:
    """Return the figures with `count` releases, measured in a separate process."""
    told = subprocess.run(
        [sys.executable, "-m", "bench.scale", str(count)], stdout=subprocess.PIPE, check=True
    )
    figures: dict[str, float] = json.loads(told.stdout)
    return figures


def _measured(count: int) -> dict[str, float]:
    silence_logs()
    # As `ninethirty run` does.
    tune_process()
    with temporary_folder() as place:
        chosen = _settings(place)
        _fill(chosen, count, SystemClock().now())
        before = rss_kb()
        figures = asyncio.run(_started(place, chosen))
        figures["start_mb"] = (figures["start_mb"] - before) / 1024
        for name, words in _PROGRAMS.items():
            figures |= _measure_command(place, name, words)
        return figures


async def _started(place: Path, chosen: Settings) -> dict[str, float]:
    made, clock = app(place, SystemClock(), chosen=chosen), SystemClock()
    # As `ninethirty run` does, too.
    pause_garbage_collection()
    began = cpu_seconds()
    await made.daemon.start_watching()
    figures = {"start_cpu_seconds": cpu_seconds() - began}
    await made.daemon.parts.admission.roll()
    figures |= {"start_and_roll_cpu_seconds": cpu_seconds() - began, "start_mb": rss_kb()}
    resume_garbage_collection()
    queries = Queries(
        made.daemon.core.store,
        made.status,
        clock,
        "Europe/London",
        throttle=Throttle(clock),
        local=True,
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make_application(queries)), base_url="http://127.0.0.1"
    ) as client:
        for name in ("ics", "ics_again"):
            began = cpu_seconds()
            (await client.get("/calendar.ics", timeout=120)).raise_for_status()
            figures[f"{name}_cpu_seconds"] = cpu_seconds() - began
    queries.close()
    await made.daemon.finish()
    await made.daemon.close()
    return figures


def _measure_command(place: Path, name: str, words: Sequence[str]) -> dict[str, float]:
    """Return what one command costs: CPU seconds, and resident memory at most."""
    config = place / "config.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{place}/store.db"\n[evidence]\nfolder = "{place}/evidence"\n'
        f'[[calendar]]\nname = "bench"\nkind = "toml"\nfile = "{place}/calendar.toml"\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-c", _AS_INSTALLED, "--config", str(config), *words]
    told = subprocess.run(
        [sys.executable, "-c", _APART, *command], stdout=subprocess.PIPE, check=True
    )
    figures: dict[str, float] = json.loads(told.stdout)
    return {f"{name}_{unit}": figure for unit, figure in figures.items()}


def _fill(chosen: Settings, count: int, now: datetime) -> None:
    store = open_store(chosen.store.url)
    store.upgrade()
    begins = now.replace(minute=30, second=0, microsecond=0) + timedelta(hours=1)
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        ahead = {number: begins + timedelta(days=number % _DAYS) for number in numbers}
        past = {count + number: begins - timedelta(days=1 + number % _PAST) for number in numbers}
        with store.transaction() as transaction:
            for slots in (ahead, past):
                ones = {number: edition(number, slot) for number, slot in slots.items()}
                promises = {number: promise(number, slot) for number, slot in slots.items()}
                transaction.save(*ones.values())
                transaction.add_promises(promises.values())
                transaction.save(
                    *(entry(ones[n], slot, gone=slots is past) for n, slot in slots.items())
                )
            for number, slot in past.items():
                transaction.save(judgement(ones[number], promises[number], slot))
    store.close()


def _settings(place: Path) -> Settings:
    (place / "calendar.toml").write_text("", encoding="utf-8")
    return settings(
        place, calendar=[{"name": "bench", "kind": "toml", "file": str(place / "calendar.toml")}]
    )


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]))))
