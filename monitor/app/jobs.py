"""Runs recurring jobs, such as reads of calendars, at spacings of steady time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.threads import Job

_log = structlog.get_logger(__name__)
OnFailed = Callable[[str, BaseException], None]


@dataclass(eq=False)
class _RecurringJob:
    """A job with its spacing. `job` is None once it is dropped. `wakeup` is set when one of them
    changes.
    """

    spacing: timedelta
    name: str
    job: Job | None
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)


class Jobs:
    """Runs each job at the start and then at its spacing, even if someone sets the clock.

    A job that is still running is not started again. After a run that took longer than the spacing,
    the next follows at once.
    """

    def __init__(self, clock: Clock, on_failed: OnFailed) -> None:
        """`on_failed(name, exception)` is called if a job raises."""
        self._clock, self._on_failed = clock, on_failed
        self._jobs: dict[str, _RecurringJob] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_running = False

    def add_job(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job that runs at once, or else when `start` is called, and then at this spacing.

        A job that has this name already gets the new work and spacing. It does not run at once.
        """
        if (known := self._jobs.get(name)) is not None:
            known.spacing = spacing
            known.job = job
            known.wakeup.set()
            return
        self._jobs[name] = _RecurringJob(spacing, name, job)
        if self._is_running:
            self._start_entry(self._jobs[name])

    def drop(self, name: str) -> None:
        """Remove a job. A run under way is finished."""
        if (entry := self._jobs.pop(name, None)) is not None:
            entry.job = None
            entry.wakeup.set()

    def start(self) -> None:
        """Start all jobs, in the order in which they were added."""
        self._is_running = True
        for entry in self._jobs.values():
            self._start_entry(entry)

    async def stop(self) -> None:
        """Cancel all jobs and wait until they have ended."""
        self.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def abandon(self) -> None:
        """Cancel all jobs without waiting, like a killed process."""
        self._is_running = False
        for task in self._tasks:
            task.cancel()

    def _start_entry(self, entry: _RecurringJob) -> None:
        task = asyncio.create_task(self._run_repeatedly(entry), name=entry.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_repeatedly(self, entry: _RecurringJob) -> None:
        """Run a job at once and then at its spacing, until it is dropped. Pass its exceptions to
        `on_failed`.
        """
        due = self._clock.monotonic()
        while (job := entry.job) is not None:
            try:
                await job()
            except Exception as exc:  # noqa: BLE001 # a recurring job must survive one bad run
                self._on_failed(entry.name, exc)
            due = await self._wait_until_due(entry, last_due=due)

    async def _wait_until_due(self, entry: _RecurringJob, last_due: float) -> float:
        """Wait until a job is due again, or is dropped. Return when it was due."""
        ended = self._clock.monotonic()
        while entry.job is not None:
            entry.wakeup.clear()
            due = max(last_due + entry.spacing.total_seconds(), ended)
            try:
                async with asyncio.timeout(due - self._clock.monotonic()):
                    await entry.wakeup.wait()
            except TimeoutError:
                return due
        return ended


def count_failures(counters: Metrics) -> OnFailed:
    """Return a function that counts and logs the exception of a job."""

    def count(name: str, fault: BaseException) -> None:
        counters.faults.labels(name).inc()
        _log.error("job_failed", job=name, exc_info=fault)

    return count
