"""Jobs that recur, such as reads of calendars: run by APScheduler, and in rehearsals by the virtual loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any, Protocol

import structlog

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.threads import Job

_log = structlog.get_logger(__name__)
Failed = Callable[[str, BaseException], None]


class Jobs(Protocol):
    """Runs each job when it starts and then every so often; a job still running is not started again."""

    def every(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job under a fixed id, to be run at once and then at this spacing.

        One of that name, once started, goes on in its turn with this work; a run under way is finished first.
        """

    def drop(self, name: str) -> None:
        """Start a job no more; a run under way is finished."""

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """Start no more jobs and end those that run."""

    def abandon(self) -> None:
        """Do the same at once, waiting for nothing, as a killed process would."""


@dataclass(eq=False)
class _Kept:
    """A job, None once it is dropped, and what rings when it is due."""

    spacing: timedelta
    name: str
    job: Job | None
    bell: asyncio.Event = field(default_factory=asyncio.Event)


class SchedulerJobs:
    """APScheduler: late runs are run late, never dropped, and piled-up ones once.

    Its jobs only ring a bell; the work is done in tasks of our own, which its shutdown cannot cut short.
    """

    def __init__(self, on_failed: Failed) -> None:
        """`on_failed` is told the name of a job that raised, and what."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415 # 80 ms, for the daemon alone

        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._on_failed = on_failed
        self._jobs: dict[str, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def every(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job, or put it in the place of the one of that name."""
        known = self._jobs.get(name)
        if known is not None:
            known.job = job
            if known.spacing == spacing:
                return
        kept = self._jobs[name] = known or _Kept(spacing, name, job)
        kept.spacing = spacing
        self._scheduler.add_job(
            _ring, "interval", args=(kept.bell,), seconds=spacing.total_seconds(), id=name, replace_existing=True
        )
        if known is None and self._scheduler.running:
            self._begin(kept)

    def drop(self, name: str) -> None:
        """Start a job no more; a run under way is finished."""
        if (kept := self._jobs.pop(name, None)) is not None:
            self._scheduler.remove_job(name)
            kept.job = None
            kept.bell.set()

    def start(self) -> None:
        """Begin."""
        for kept in self._jobs.values():
            self._begin(kept)
        self._scheduler.start()

    async def stop(self) -> None:
        """Start no more jobs and end those that run."""
        self.abandon()
        await _end(self._tasks)

    def abandon(self) -> None:
        """Do the same at once, waiting for nothing."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._tasks:
            task.cancel()

    def _begin(self, kept: _Kept) -> None:
        # APScheduler lists every run that was missed before it runs the last: no first run may lie in the past.
        kept.bell.set()
        _keep(self._tasks, self._answer(kept), kept.name)

    async def _answer(self, kept: _Kept) -> None:
        await kept.bell.wait()
        while (job := kept.job) is not None:
            kept.bell.clear()
            await _guarded(kept.name, job, self._on_failed)
            await kept.bell.wait()


class LoopJobs:
    """The same on the running loop's own time, which may be virtual."""

    def __init__(self, clock: Clock, on_failed: Failed) -> None:
        """`on_failed` is told the name of a job that raised, and what."""
        self._clock = clock
        self._on_failed = on_failed
        self._jobs: dict[str, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs = False

    def every(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job, or put it in the place of the one of that name."""
        if (known := self._jobs.get(name)) is not None:
            known.spacing, known.job = spacing, job
            return
        kept = self._jobs[name] = _Kept(spacing, name, job)
        if self._runs:
            _keep(self._tasks, self._turn(kept), name)

    def drop(self, name: str) -> None:
        """Start a job no more; a run under way is finished."""
        if (kept := self._jobs.pop(name, None)) is not None:
            kept.job = None

    def start(self) -> None:
        """Begin, in the order the jobs were added."""
        self._runs = True
        for kept in self._jobs.values():
            _keep(self._tasks, self._turn(kept), kept.name)

    async def stop(self) -> None:
        """End every job."""
        await _end(self._tasks)

    def abandon(self) -> None:
        """End every job at once, waiting for nothing."""
        for task in self._tasks:
            task.cancel()

    async def _turn(self, kept: _Kept) -> None:
        due = self._clock.monotonic()
        while (job := kept.job) is not None:
            await _guarded(kept.name, job, self._on_failed)
            now = self._clock.monotonic()
            due = max(due + kept.spacing.total_seconds(), now)
            await self._clock.sleep(due - now)


async def _ring(bell: asyncio.Event) -> None:
    bell.set()


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None], name: str) -> None:
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _guarded(name: str, job: Job, on_failed: Failed) -> None:
    try:
        await job()
    except Exception as exc:  # noqa: BLE001 # a recurring job must outlive one bad run; the fault is counted and logged
        on_failed(name, exc)


def counted(counters: Metrics) -> Failed:
    """Return what counts and logs a job that raised."""

    def failed(name: str, fault: BaseException) -> None:
        counters.faults.labels(name).inc()
        _log.error("job_failed", job=name, exc_info=fault)

    return failed
