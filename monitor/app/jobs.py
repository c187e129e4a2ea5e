"""Jobs that recur, such as reads of calendars: run by APScheduler, and in rehearsals by the virtual loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Protocol

import structlog

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.threads import Job

_log = structlog.get_logger(__name__)
Failed = Callable[[str, BaseException], None]


class Jobs(Protocol):
    """Runs each job when it starts and then every so often; a job still running is not started again."""

    def every(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job under a fixed id, to be run at once and then at this spacing."""

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """Start no more jobs and end those that run."""

    def abandon(self) -> None:
        """Do the same at once, waiting for nothing, as a killed process would."""


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
        self._jobs: list[tuple[asyncio.Event, str, Job]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job; its first run is at `start`."""
        bell = asyncio.Event()
        self._jobs.append((bell, name, job))
        self._scheduler.add_job(
            _ring, "interval", args=(bell,), seconds=spacing.total_seconds(), id=name, replace_existing=True
        )

    def start(self) -> None:
        """Begin."""
        # APScheduler lists every run that was missed before it runs the last: no first run may lie in the past.
        for bell, _, _ in self._jobs:
            bell.set()
        self._tasks = [asyncio.create_task(self._answer(*job), name=job[1]) for job in self._jobs]
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

    async def _answer(self, bell: asyncio.Event, name: str, job: Job) -> None:
        while True:
            await bell.wait()
            bell.clear()
            await _guarded(name, job, self._on_failed)


class LoopJobs:
    """The same on the running loop's own time, which may be virtual."""

    def __init__(self, clock: Clock, on_failed: Failed) -> None:
        """`on_failed` is told the name of a job that raised, and what."""
        self._clock = clock
        self._on_failed = on_failed
        self._jobs: list[tuple[timedelta, str, Job]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job."""
        self._jobs.append((spacing, name, job))

    def start(self) -> None:
        """Begin, in the order the jobs were added."""
        self._tasks = [asyncio.create_task(self._turn(*job), name=job[1]) for job in self._jobs]

    async def stop(self) -> None:
        """End every job."""
        await _end(self._tasks)

    def abandon(self) -> None:
        """End every job at once, waiting for nothing."""
        for task in self._tasks:
            task.cancel()

    async def _turn(self, spacing: timedelta, name: str, job: Job) -> None:
        due = self._clock.monotonic()
        while True:
            await _guarded(name, job, self._on_failed)
            due = max(due + spacing.total_seconds(), self._clock.monotonic())
            await self._clock.sleep(due - self._clock.monotonic())


async def _ring(bell: asyncio.Event) -> None:
    bell.set()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
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
