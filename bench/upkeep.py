"""Measures how much space daily retention frees, and how long it delays commits and the event
loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bench.figures import percentile
from bench.world import daemon, promise, release, silence_logs, temporary_folder
from monitor.app.daemon import Daemon
from monitor.clock import SystemClock
from monitor.deliver.assessment import body_of
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.store.rows import CalendarRead, Heartbeat, Judged

_SECOND, _HOUR, _DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
_VIEWS = ("edge", "origin", "content")
_EVERY = 0.01


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield bytes before and after, and the longest delays in milliseconds during retention."""
    silence_logs()
    with temporary_folder() as place:
        yield asyncio.run(_measured(place, 10 if quick else 150, 2_000 if quick else 30_000))


async def _measured(place: Path, releases: int, reads: int) -> dict[str, float]:
    made = daemon(place, SystemClock())
    _fill(made, releases, reads)
    retention = next(job for _, name, job in made.jobs if name == "retention")
    bytes_before = _size(place)
    idle = await _waits(made, asyncio.sleep(0.2 if reads < 10_000 else 2))
    clock = SystemClock()
    began = clock.monotonic()
    waits = await _waits(made, retention())
    seconds = clock.monotonic() - began
    rows = sum(len(made.core.store.runs.of_release(f"r{number}")) for number in range(releases))
    await made.core.writer.close()
    await made.close()
    return {
        "bytes_before": bytes_before,
        "bytes_after": _size(place),
        "runs_after_per_release": rows / releases,
        "seconds": seconds,
        "commit_idle_p99_ms": 1000 * percentile(idle[0], 99),
        "commit_p99_ms": 1000 * percentile(waits[0], 99),
        "commit_longest_ms": 1000 * max(waits[0]),
        "loop_longest_ms": 1000 * max(waits[1]),
    }


async def _waits(made: Daemon, work: Awaitable[None]) -> tuple[list[float], list[float]]:
    """Return the seconds of each commit, and the delay of each turn of the loop, until `work` is
    done.
    """
    clock, commits, turns = SystemClock(), list[float](), list[float]()
    task = asyncio.ensure_future(work)
    while not task.done():
        began = clock.monotonic()
        await made.core.writer.write(lambda tx: tx.save(Heartbeat("bench", clock.now())))
        commits.append(clock.monotonic() - began)
        began = clock.monotonic()
        await asyncio.sleep(_EVERY)
        turns.append(clock.monotonic() - began - _EVERY)
    await task
    return commits, turns


def _fill(made: Daemon, releases: int, reads: int) -> None:
    """Store releases of two years ago with one failed look in a hundred, and calendar reads without
    changes.
    """
    slot = SystemClock().now().replace(microsecond=0) - 730 * _DAY
    for number in range(releases):
        one, promised = release(number), promise(number, slot)
        seen = {f"r{number}/page/{view}": _noisy(f"r{number}/page/{view}", slot) for view in _VIEWS}
        verdict = ReleaseCase(one, [promised], seen).judge(Policies(), slot + 8 * _DAY)
        word, grade, body = verdict.verdict.value, verdict.grade.value, body_of(verdict, None)
        with made.core.store.transaction() as tx:
            tx.save(one)
            tx.add_promises([promised])
            tx.save(*(each for runs in seen.values() for each in runs))
            tx.save(
                Judged(one.id, one.producer, slot, word, grade, verdict.final, verdict.at, body)
            )
    first = slot - 200 * _DAY
    for start in range(0, reads, 2_000):
        with made.core.store.transaction() as tx:
            for number in range(start, start + 2_000):
                at = first + number * 10 * timedelta(minutes=1)
                tx.save(CalendarRead("bench", at, at, usable=True, entries=10, digest="ab" * 32))


def _noisy(target: str, slot: datetime) -> list[Run]:
    runs = []
    for number in range(100):
        begin = slot - 14 * _DAY + 3 * number * _HOUR
        last, failed = begin + 2 * _HOUR, begin + 2 * _HOUR + _SECOND
        runs.append(
            Run(target, State.ABSENT, begin, last, begin, last, 120, 60 * _SECOND, status=404)
        )
        runs.append(
            Run(target, State.UNKNOWN, failed, failed + _SECOND, failed, failed, why="timeout")
        )
    near = slot - _SECOND / 2
    runs.append(
        Run(
            target,
            State.ABSENT,
            slot - _DAY,
            near,
            slot - _DAY,
            near,
            9000,
            60 * _SECOND,
            status=404,
        )
    )
    came = slot + _SECOND / 4
    runs.append(
        Run(
            target,
            State.PRESENT,
            slot,
            slot + 7 * _DAY,
            came,
            slot + 7 * _DAY,
            900,
            _HOUR,
            specific=True,
        )
    )
    return runs


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.glob("store.db*"))
