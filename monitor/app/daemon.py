"""The life of the daemon: its tasks, its recurring jobs, and its orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from alerts.channel import Channel
from monitor.app.jobs import Jobs
from monitor.app.standing_in import StoreFailover
from monitor.clock import Clock
from monitor.deliver.outbox import Outbox
from monitor.errors import StoreFault, SurroundingsFault
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.metrics import Metrics
from monitor.health.system import ServiceManager
from monitor.judge.runs import Blind
from monitor.ledger.ledger import Ledger
from monitor.ledger.reading import CalendarReads
from monitor.look.apart.workers import Workers
from monitor.look.fetch import Fetcher
from monitor.look.poller import Poller
from monitor.plan.share import Share
from monitor.store.members import Members
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.threads import Ask, Job
from monitor.watch.admission import Admission
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.intake import Intake
from monitor.watch.tripwires import Tripwires
from monitor.watch.watch import Watch

if TYPE_CHECKING:
    from monitor.web.server import WebServer

_log = structlog.get_logger(__name__)
HEARTBEAT = timedelta(minutes=5)
BEHIND = timedelta(days=30)
_PATIENCE = 1.0


class TaskDied(SurroundingsFault):
    """A task that should have lived as long as the daemon ended before it."""


@dataclass
class Daemon:
    """One running monitor. `run` works until told to stop; `abandon` ends at once, as `kill -9` would."""

    name: str
    clock: Clock
    clockwork: Jobs
    jobs: Sequence[tuple[timedelta, str, Job]]
    manager: ServiceManager
    fetcher: Fetcher
    store: Store
    writer: Writer
    heartbeat: HeartbeatWriter
    blind: BlindSpans
    ask: Ask
    poller: Poller
    intake: Intake
    watch: Watch
    ledger: Ledger
    admission: Admission
    calendar_reads: CalendarReads
    tripwires: Tripwires
    outbox: Outbox
    channels: Sequence[Channel]
    counters: Metrics
    workers: Workers
    apart: StoreFailover
    members: Members | None = None
    web: WebServer | None = None
    closing: Sequence[Callable[[], None]] = ()
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    _opening: set[asyncio.Task[None]] = field(default_factory=set)
    _keeping: asyncio.Task[None] | None = None
    _dealt: tuple[str, ...] = ()

    async def run(self, stop: asyncio.Event, started: Callable[[], None] = lambda: None) -> None:
        """Take up where the store left off, call `started`, work until `stop` is set, and stop in good order."""
        asyncio.get_running_loop().set_exception_handler(self._strayed)
        await self.take_up()
        started()
        self._tasks = [asyncio.create_task(work, name=name) for name, work in self._works()]
        self._tasks += [] if self._keeping is None else [self._keeping]
        for every, name, job in ((HEARTBEAT, "heartbeat", self._beat), *self.jobs):
            self.clockwork.every(every, name, job)
        self.clockwork.start()
        self.manager.tell("READY=1")
        ended = asyncio.create_task(stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([ended, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        broken = [task for task in self._tasks if task in done]
        for task in broken:
            _log.critical("task_died", task=task.get_name(), exc_info=None if task.cancelled() else task.exception())
        await self._stop()
        if broken:
            raise TaskDied(f"{', '.join(task.get_name() for task in broken)} ended, and with it the daemon")

    def reconfigure(self, jobs: Sequence[tuple[timedelta, str, Job]], anew: Collection[str]) -> None:
        """Do these recurring jobs from now on and no others; of those that go on, the ones named `anew` at once."""
        names = {name for _, name, _ in jobs}.difference(anew)
        for _, name, _ in self.jobs:
            if name not in names:
                self.clockwork.drop(name)
        for every, name, job in jobs:
            self.clockwork.every(every, name, job)
        self.jobs = jobs

    async def take_up(self) -> None:
        """Read the store, and write down how long this monitor was not watching."""
        if self.members is not None:
            self.members.told, self.members.quiet = self._take_share, self.poller.told_to_wait
            await self.members.join()
            self._keeping = asyncio.create_task(self.members.keep(), name="members")
        store, now = self.store, self.clock.now()
        beat = await self.ask(lambda: store.leases.heartbeat(self.name))
        self.blind.start_writing(self.writer)
        self.blind.add_and_rejudge(await self.ask(lambda: store.runs.blind(now - BEHIND, now)))
        await self.ledger.take_up(now)
        await self.admission.begin(now)
        await self.calendar_reads.load(self.ledger)
        self.tripwires.start(beat.at if beat is not None else now)
        self.heartbeat.begin(now)
        if beat is not None and beat.at < now:
            span = Blind(beat.at, now, "stopped" if beat.stopped else "killed", monitor=self.name)
            self.blind.add_and_rejudge([span])
            self._opening.add(asyncio.create_task(self.blind.write(span, self.writer), name="opening"))
            # A store that cannot be written holds up neither looks nor a signal to stop.
            await asyncio.wait(self._opening, timeout=_PATIENCE)
        await self._beat()

    async def finish(self) -> None:
        """Commit everything, and write down that this process ended in good order."""
        self.heartbeat.end(self.clock.now())
        if self.members is not None and self._keeping is not None:
            self._keeping.cancel()
            # A store that cannot be told sees our name run out.
            with contextlib.suppress(StoreFault):
                await self.members.leave()
        await self.apart.keep_held()
        self.writer.nudge()
        await self.writer.close()
        # The next start may have nothing else to go by.
        await self.apart.renew(stopping=True)

    def abandon(self) -> None:
        """Die at once: nothing that is not committed is kept."""
        self.clockwork.abandon()
        for task in self._tasks:
            task.cancel()
        self.writer.abandon()

    async def close(self) -> None:
        """Let go of everything, committed or not."""
        # What falls to us is of no concern any more, though the store never told.
        self._dealt = ()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, *self._opening, return_exceptions=True)
        await self.fetcher.close()
        for channel in self.channels:
            await channel.close()
        for close in self.closing:
            close()
        self.store.close()

    def _take_share(self, share: Share) -> None:
        self.poller.take_share(share)
        if share.divided and share.members != self._dealt:
            self._dealt = share.members
            dealing = asyncio.create_task(self._deal(share), name="dealing")
            self._opening.add(dealing)
            dealing.add_done_callback(self._opening.discard)

    async def _deal(self, share: Share) -> None:
        while self._dealt == share.members:
            try:
                await self.admission.apply_share(share)
            except StoreFault:
                await self.clock.sleep(_PATIENCE)
            else:
                return

    def _works(self) -> list[tuple[str, Any]]:
        works = [
            ("watch", self.watch.run()),
            ("poller", self.poller.run(self._stopping, self.intake.hooks())),
            ("outbox", self.outbox.run()),
            ("calendars", self.calendar_reads.read_on_request()),
        ]
        return [*works, ("web", self.web.run())] if self.web is not None else works

    def _strayed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Count and log what broke where nobody waits for it: a look, a note of a blind span."""
        self.counters.faults.labels("stray").inc()
        # What a callback was given follows in brackets: it may be part of an answer.
        _log.error("strayed", what=str(context["message"]).partition("(")[0], exc_info=context.get("exception"))

    async def _beat(self) -> None:
        self.heartbeat.alive(self.clock.now())
        self.writer.nudge()
        self.workers.rest()

    async def _stop(self) -> None:
        """Let looks under way land and commit everything; what cannot be done within seconds is left."""
        self.manager.tell("STOPPING=1")
        # Looks go on meanwhile, and nobody waits for our turns.
        await self.outbox.end()
        stopping = asyncio.ensure_future(self.clockwork.stop())
        await asyncio.wait([stopping], timeout=_PATIENCE)
        # A calendar that is read for long is read another time.
        self.workers.close()
        await stopping
        if self.web is not None:
            self.web.stop()
        self._stopping.set()
        for task in self._tasks:
            if task.get_name() in {"watch", "outbox", "calendars", "members"}:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.finish()
