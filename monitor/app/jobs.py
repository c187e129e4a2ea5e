"""Runs recurring jobs, such as reads of calendars, with APScheduler or in rehearsals on the virtual
loop.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, timedelta

import structlog

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.threads import Job

_log = structlog.get_logger(__name__)
OnFailed = Callable[[str, BaseException], None]


@dataclass(eq=False)
class _RecurringJob:
    """A job with its spacing. `job` is None once it is dropped. `wakeup` is set when a run is
    due.
    """

    spacing: timedelta
    name: str
    job: Job | None
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)


class Jobs(ABC):
    """Runs each job at the start and then at its spacing.

    A job that is still running is not started again.
    """

    def __init__(self, on_failed: OnFailed) -> None:
        """`on_failed(name, exception)` is called if a job raises."""
        self._on_failed = on_failed
        self._jobs: dict[str, _RecurringJob] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_running = False

    def add_job(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job that runs at once, or else when `start` is called, and then at this spacing.

        A job that has this name already gets the new work and spacing from its next run on. It does
        not run at once.
        """
        if (known := self._jobs.get(name)) is not None:
            known.spacing = spacing
            known.job = job
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

    @abstractmethod
    async def _run_repeatedly(self, entry: _RecurringJob) -> None:
        """Run a job at once and then at its spacing, until it is dropped."""

    async def _run_and_catch(self, name: str, job: Job) -> None:
        """Run a job once. An exception is passed to `on_failed`."""
        try:
            await job()
        except Exception as exc:  # noqa: BLE001 # a recurring job must survive one bad run
            self._on_failed(name, exc)


class SchedulerJobs(Jobs):
    """Jobs on APScheduler. Late runs are never dropped, and several missed runs become one.

    APScheduler only wakes our own tasks, which run the jobs, because its shutdown would cut jobs
    short.
    """

    def __init__(self, on_failed: OnFailed) -> None:
        """`on_failed(name, exception)` is called if a job raises."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415 # 80 ms, only for the daemon

        super().__init__(on_failed)
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)

    def add_job(self, spacing: timedelta, name: str, job: Job) -> None:
        """Add a job.

        If there is one of this name, it only gets the new work and spacing, and does not run now.
        """
        known = self._jobs.get(name)
        has_same_spacing = known is not None and known.spacing == spacing
        super().add_job(spacing, name, job)
        if not has_same_spacing:
            # APScheduler only wakes the task that runs the job.
            args = [self._jobs[name].wakeup]
            seconds = spacing.total_seconds()
            self._scheduler.add_job(
                _set_event, "interval", args, seconds=seconds, id=name, replace_existing=True
            )

    def drop(self, name: str) -> None:
        """Remove a job. A run under way is finished."""
        if name in self._jobs:
            self._scheduler.remove_job(name)
        super().drop(name)

    def start(self) -> None:
        """Start all jobs."""
        super().start()
        self._scheduler.start()

    def abandon(self) -> None:
        """Cancel all jobs without waiting."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        super().abandon()

    async def _run_repeatedly(self, entry: _RecurringJob) -> None:
        """Run a job at once, and each time that APScheduler wakes it, until it is dropped."""
        # The first run does not wait, because APScheduler lists every missed run before it runs the
        # last.
        while (job := entry.job) is not None:
            entry.wakeup.clear()
            await self._run_and_catch(entry.name, job)
            await entry.wakeup.wait()


async def _set_event(wakeup: asyncio.Event) -> None:
    # APScheduler would run a plain function in a thread, where an event of the loop must not be
    # set.
    wakeup.set()


class LoopJobs(Jobs):
    """Jobs on the time of the running event loop, which may be virtual."""

    def __init__(self, clock: Clock, on_failed: OnFailed) -> None:
        """`on_failed(name, exception)` is called if a job raises."""
        super().__init__(on_failed)
        self._clock = clock

    async def _run_repeatedly(self, entry: _RecurringJob) -> None:
        """Run a job at its spacing until it is dropped.

        After a run that took longer, the next follows at once.
        """
        due = self._clock.monotonic()
        while (job := entry.job) is not None:
            await self._run_and_catch(entry.name, job)
            now = self._clock.monotonic()
            due = max(due + entry.spacing.total_seconds(), now)
            await self._clock.sleep(due - now)


def count_failures(counters: Metrics) -> OnFailed:
    """Return a function that counts and logs the exception of a job."""

    def count(name: str, fault: BaseException) -> None:
        counters.faults.labels(name).inc()
        _log.error("job_failed", job=name, exc_info=fault)

    return count
