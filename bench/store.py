"""Rows a second through the writer's store, and what releases take on the disk with all their
looks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import cpu_seconds
from bench.quiet import play_quiet_releases
from bench.world import silence_logs, temporary_folder
from monitor.clock import SystemClock
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.store.open import open_store

_BATCH = 100
_START = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield rows a second and CPU a row, bytes a quiet release, and bytes of twelve editions with
    six files each.
    """
    silence_logs()
    few, many = (1, 3) if quick else (2, 22)
    with temporary_folder() as place:
        yield _measure_rows(place, 20 if quick else 300)
        yield {
            "bytes_per_quiet_release": (
                _measure_size(place / "many", many) - _measure_size(place / "few", few)
            )
            / (many - few)
        }
        editions = 2 if quick else 12
        series = _measure_size(place / "series", editions, files=6) - _measure_size(
            place / "none", 0
        )
        yield {"bytes_of_a_monthly_series": series / editions * 12}


def _measure_rows(place: Path, batches: int) -> dict[str, float]:
    """Write batches of a hundred runs that grow, as the writer does with every look of a hundred
    targets.
    """
    store = open_store(f"sqlite:///{place / 'rows.db'}")
    store.upgrade()
    clock = SystemClock()
    began, cpu = clock.monotonic(), cpu_seconds()
    for batch in range(batches):
        with store.transaction() as transaction:
            transaction.save(*(_make_run(number, batch) for number in range(_BATCH)))
    seconds, rows = clock.monotonic() - began, batches * _BATCH
    cpu = cpu_seconds() - cpu
    store.close()
    return {"rows_per_second": rows / seconds, "cpu_us_per_row": 1e6 * cpu / rows}


def _make_run(number: int, looks: int) -> Run:
    last = _START + timedelta(seconds=looks)
    return Run(f"r{number}/page/edge", State.ABSENT, _START, last, _START, last, looks + 1)


def _measure_size(place: Path, releases: int, files: int = 0) -> int:
    """Return the size of the store after that many releases, once it is tidied; evidence is counted
    by its rows.
    """
    place.mkdir()
    if releases:
        play_quiet_releases(place, releases, files)
    else:
        store = open_store(f"sqlite:///{place / 'ninethirty.db'}")
        store.upgrade()
        store.close()
    file = place / "ninethirty.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size
