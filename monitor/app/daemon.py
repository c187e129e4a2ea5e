"""Starts, runs and stops the daemon: its tasks and recurring jobs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from monitor.app.core import Core
from monitor.app.jobs import Jobs
from monitor.app.parts import Parts
from monitor.config.settings import Settings
from monitor.errors import Deposed, EnvironmentFault, NoLongerLeads, StoreFault
from monitor.judge.runs import Blind
from monitor.threads import RecurringJob

if TYPE_CHECKING:
    from monitor.web.server import WebServer

_log = structlog.get_logger(__name__)
_LEADERSHIP = "leadership"
HEARTBEAT = timedelta(minutes=5)
_CLOCK_CHECK = timedelta(seconds=5)
_SPANS_LOADED = timedelta(days=30)
"""How far back blind spans are loaded at a start."""
_PATIENCE = 1.0
"""How many seconds a start or a stop waits for a step that may hang."""


class TaskDied(EnvironmentFault):
    """A task ended that should have run as long as the daemon."""


@dataclass
class Daemon:
    """One running monitor.

    `run` runs until `stop` is set. `abandon` ends it at once, like `kill -9`.
    """

    parts: Parts
    job_runner: Jobs
    web: WebServer | None
    jobs: Sequence[RecurringJob] = ()
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    _has_new_settings: bool = False
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def core(self) -> Core:
        """Return the core from which its parts were made, which a reload replaces."""
        return self.parts.core

    async def run(self, stop: asyncio.Event, started: Callable[[], None] = lambda: None) -> None:
        """Load the stored state, call `started`, run until `stop` is set, and stop regularly.

        Of several monitors on one store, only the leader does so. A standby first waits, and serves
        pages. Raises `TaskDied` if one of its tasks ends, and `NoLongerLeads`.
        """
        asyncio.get_running_loop().set_exception_handler(self._count_stray_exception)
        if not await self._wait_to_lead(stop):
            await self._stop_all()
            return
        await self.start_watching()
        started()
        self._tasks += [
            asyncio.create_task(work, name=name) for name, work in self._long_lived_works()
        ]
        own_jobs = (
            (HEARTBEAT, "heartbeat", self._write_heartbeat),
            (_CLOCK_CHECK, "clock", self._check_clock),
        )
        for every, name, job in (*own_jobs, *self.jobs):
            self.job_runner.add_job(every, name, job)
        self.job_runner.start()
        self.core.edges.manager.notify("READY=1")
        stop_requested = asyncio.create_task(stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait(
                [stop_requested, *self._tasks], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stop_requested.cancel()
        ended = [task for task in self._tasks if task in done]
        deposed = [task for task in ended if task.get_name() == _LEADERSHIP]
        broken = [task for task in ended if task not in deposed]
        for task in broken:
            _log.critical(
                "task_died",
                task=task.get_name(),
                exc_info=None if task.cancelled() else task.exception(),
            )
        try:
            await self._stop_all()
        finally:
            for task in deposed:
                # Raises `StoreTooNew` if a newer version has upgraded the store.
                task.result()
        if deposed:
            raise NoLongerLeads("another monitor leads now")
        if broken:
            raise TaskDied(
                f"{', '.join(task.get_name() for task in broken)} ended, and with it the daemon"
            )

    def begin_again(self, settings: Settings) -> None:
        """Let a standby begin again with other settings, which it finds in `core`."""
        self.parts.core = self.core.with_settings(settings, self.core.fetcher)
        self._has_new_settings = True

    def reconfigure(self, jobs: Sequence[RecurringJob], run_now: Collection[str]) -> None:
        """Replace the recurring jobs.

        New ones and those named in `run_now` run at once, others at their usual time.
        """
        names_to_keep = {name for _, name, _ in jobs}.difference(run_now)
        for _, name, _ in self.jobs:
            if name not in names_to_keep:
                self.job_runner.drop(name)
        for every, name, job in jobs:
            # A kept job only gets its new work and spacing. A job that is new, or was dropped
            # above, runs at once.
            self.job_runner.add_job(every, name, job)
        self.jobs = jobs

    async def _wait_to_lead(self, stop: asyncio.Event) -> bool:
        """Wait until this monitor leads. Return False if `stop` is set first."""
        leadership, manager = self.core.leadership, self.core.edges.manager
        if leadership is None:
            return True
        if self.web is not None:
            self._tasks = [asyncio.create_task(self.web.run(), name="web")]
        self.core.metrics.leading.set(0)
        manager.notify("READY=1")
        leading = asyncio.create_task(leadership.wait_to_lead(), name=_LEADERSHIP)
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            while not (leading.done() or stopping.done() or self._has_new_settings):
                manager.notify("WATCHDOG=1")
                await asyncio.wait(
                    [leading, stopping], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            stopping.cancel()
        if not leading.done():
            leading.cancel()
            if self._has_new_settings:
                await self._stop_all()
                raise NoLongerLeads("the configuration changed")
            return False
        leading.result()  # raises if another monitor has our name
        # The machine's clock may have been set while this standby waited without looks.
        self.core.clock.move(self.core.clock.wall_lead())
        self.core.metrics.leading.set(1)
        return True

    async def lead_now(self) -> None:
        """Lead, for a process that looks only once.

        Raises `EnvironmentFault` if another monitor leads.
        """
        leadership = self.core.leadership
        if leadership is None:
            return
        if await leadership.is_led_by_other():
            raise EnvironmentFault(
                f"{leadership.describe()}: query it with `today`, or stop all monitors first"
            )
        await leadership.wait_to_lead()
        self._tasks.append(asyncio.create_task(leadership.stay(), name=_LEADERSHIP))

    async def start_watching(self) -> None:
        """Load the stored state, and begin to watch releases and listings.

        The time since the last heartbeat of any monitor is recorded as a blind span, because none
        watched. From now on each batch of writes to the store contains a heartbeat.
        """
        core = self.core
        now = core.clock.now()
        name = core.settings.watch.vantage
        beats = await core.threads.ask(core.store.leases.heartbeats)
        beat = next(iter(beats), None)
        # also the spans that were noted while the parts were made
        core.blind.start_writing(core.writer)
        core.blind.add_and_rejudge(
            await core.threads.ask(lambda: core.store.runs.blind(now - _SPANS_LOADED, now))
        )
        await core.ledger.load(now)
        await self.parts.admission.begin(now)
        await self.parts.calendar_reads.load(core.ledger)
        # Entries that listings show since the last run are new.
        self.parts.tripwires.start(since=beat.at if beat is not None else now)
        core.heartbeat.begin(now)
        if beat is not None and beat.at < now:
            span = Blind(beat.at, now, "stopped" if beat.stopped else "killed", monitor=name)
            core.blind.add_and_rejudge([span])
            self._background.add(
                asyncio.create_task(core.blind.write(span, core.writer), name="blind span")
            )
            # Wait for this write only for a moment: a store that cannot be written must not delay
            # looks or a stop.
            await asyncio.wait(self._background, timeout=_PATIENCE)
        await self._write_heartbeat()

    async def finish(self) -> None:
        """Commit all writes, and let another monitor lead.

        If the store fails, the facts that wait for it go to the spool.
        """
        core = self.core
        if core.leadership is None or core.leadership.is_leading:
            core.heartbeat.end(core.clock.now())  # the last heartbeat says: a regular stop
        if core.leadership is not None:
            # If the store cannot be written, our leadership expires.
            with contextlib.suppress(StoreFault):
                await core.leadership.resign()
        core.writer.request_batch()
        await core.spooling.finish()

    def abandon(self) -> None:
        """Stop at once. Uncommitted writes are lost."""
        self.job_runner.abandon()
        for task in self._tasks:
            task.cancel()
        self.core.writer.abandon()

    async def close(self) -> None:
        """Close the store, channels and connections, even if not everything is committed."""
        # A standby that could not lead still serves pages.
        for task in self._tasks:
            task.cancel()
        # if this call is cancelled, close everything all the same
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, *self._background, return_exceptions=True)
        await self.core.fetcher.close()
        for channel in self.parts.channels:
            await channel.close()
        self.parts.queries.close()
        self.core.workers.close()
        self.core.threads.close()
        self.core.spooling.close()
        self.core.store.close()

    def _long_lived_works(self) -> list[tuple[str, Any]]:
        parts = self.parts
        works = [
            ("watch", parts.watch.judging.run()),
            ("poller", parts.poller.run(self._stopping, parts.intake.hooks())),
            ("outbox", parts.outbox.run()),
            ("calendars", parts.calendar_reads.read_on_request()),
        ]
        if self.core.leadership is not None:
            return [*works, (_LEADERSHIP, self.core.leadership.stay())]
        return [*works, ("web", self.web.run())] if self.web is not None else works

    def _count_stray_exception(
        self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """Count and log an exception that no task awaits, such as that of a single look."""
        if isinstance(context.get("exception"), Deposed):
            return  # this monitor begins again as a standby
        self.core.metrics.faults.labels("stray").inc()
        # The arguments follow in brackets. They can contain part of a response, so they are cut
        # off.
        _log.error(
            "strayed",
            what=str(context["message"]).partition("(")[0],
            exc_info=context.get("exception"),
        )

    async def _check_clock(self) -> None:
        """Compare our clock with the machine's, also while no look is due."""
        self.parts.intake.tally.check_clock()

    async def _write_heartbeat(self) -> None:
        """Record that the monitor is alive, and stop workers that are not used."""
        self.core.heartbeat.note_alive(self.core.clock.now())
        self.core.writer.request_batch()
        self.core.workers.stop_unused()

    async def _stop_all(self) -> None:
        """Stop messages and then jobs, then the web server and looks together, and commit
        everything last.

        Messages, looks and requests under way have seconds to finish: `outbox`, `poller` and `web`
        limit them. Jobs and the other tasks are cancelled and awaited.
        """
        self.core.edges.manager.notify("STOPPING=1")
        await self.parts.outbox.end()
        stopping_jobs = asyncio.ensure_future(self.job_runner.stop())
        await asyncio.wait([stopping_jobs], timeout=_PATIENCE)
        # A job that still reads a long calendar ends when its worker is killed. The next start
        # repeats the read.
        self.core.workers.close()
        await stopping_jobs
        if self.web is not None:
            self.web.stop()
        self._stopping.set()
        # The poller and the web server now end by themselves within seconds. The other tasks run
        # until cancelled.
        for task in self._tasks:
            if task.get_name() not in {"poller", "web"}:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.finish()
