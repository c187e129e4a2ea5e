"""The daemon: its tasks, its coarse clockwork, and its orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from alerts.by_hand import log_by_hand
from alerts.channel import Channel
from alerts.finding import Finding
from alerts.incident import Decision, Incident, decide, known_to
from alerts.notice import opening
from monitor.app.jobs import Jobs
from monitor.clock import Clock
from monitor.deliver.outbox import Outbox
from monitor.deliver.reminders import Attendant
from monitor.errors import SurroundingsFault
from monitor.health.collector import Shown
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.metrics import Metrics
from monitor.health.self_check import SelfCheck
from monitor.health.state import HealthState
from monitor.health.system import give_back, is_kept, kept_words
from monitor.judge.runs import Blind
from monitor.ledger.reading import Rounds
from monitor.look.apart.workers import Workers
from monitor.look.fetch import Fetcher, Found
from monitor.look.interpret import Interpreter
from monitor.look.poller import Poller
from monitor.plan.targets import Target
from monitor.store.interface import Store, Transaction
from monitor.store.writer import Writer
from monitor.watch.admission import Roster
from monitor.watch.intake import Intake, is_worth_a_line
from monitor.watch.leads import leads_among, of_press, with_lead
from monitor.watch.tripwires import Tripwires
from monitor.watch.watch import Watch

if TYPE_CHECKING:
    from monitor.web.server import WebServer

_log = structlog.get_logger(__name__)
HEARTBEAT = timedelta(minutes=5)
ROLL = timedelta(hours=1)
BEHIND = timedelta(days=30)
_PATIENCE = 1.0


class TaskDied(SurroundingsFault):
    """A task that should have lived as long as the daemon ended before it."""


@dataclass
class Daemon:
    """Every organ, wired by `build`. `run` lives until told to stop; `abandon` dies as by kill -9."""

    name: str
    clock: Clock
    clockwork: Jobs
    fetcher: Fetcher
    store: Store
    writer: Writer
    heartbeat: HeartbeatWriter
    poller: Poller
    interpreter: Interpreter
    intake: Intake
    watch: Watch
    roster: Roster
    tripwires: Tripwires
    outbox: Outbox
    health: HealthState
    self_check: SelfCheck
    attendant: Attendant
    counters: Metrics
    rounds: Rounds
    workers: Workers = field(default_factory=Workers)
    channels: Sequence[Channel] = ()
    web: WebServer | None = None
    timezone: str = "Europe/London"
    tripwire_every: timedelta = timedelta(seconds=60)
    closing: Sequence[Callable[[], None]] = ()
    foreseen: Callable[[], Mapping[str, str]] = dict
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    _opening: set[asyncio.Task[None]] = field(default_factory=set)
    _tripped: set[str] = field(default_factory=set)
    _blind_until: dict[tuple[str, datetime, str, str], datetime] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Take up where the store left off, work until `stop` is set, and stop in good order."""
        asyncio.get_running_loop().set_exception_handler(self._strayed)
        await self.take_up()
        self._tasks = [asyncio.create_task(work, name=name) for name, work in self._works()]
        self._set_clockwork()
        self.self_check.manager.tell("READY=1")
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

    async def take_up(self) -> None:
        """Read the store, and write down how long this monitor was not watching."""
        beat = self.store.heartbeat(self.name)
        now = self.clock.now()
        for span in self.store.blind(now - BEHIND, now):
            self.watch.blind(span)
        await self.roster.take_up(now)
        self.rounds.take_up()
        self.tripwires.since = beat.at if beat is not None else now
        self.watch_tripwires()
        self.heartbeat.begin(now)
        if beat is not None and beat.at < now:
            span = Blind(beat.at, now, "stopped" if beat.stopped else "killed")
            self.watch.blind(span)
            self._opening.add(asyncio.create_task(self.note_blind(span), name="opening"))
            # A store that cannot be written holds up neither looks nor a signal to stop.
            await asyncio.wait(self._opening, timeout=_PATIENCE)
        await self._beat()

    async def note_blind(self, span: Blind) -> None:
        """Write down a blind span, or how far one has grown, and judge what it touches."""
        counted = self._blind_until.get(key := (span.cause, span.begins, span.host, span.target), span.begins)
        self._blind_until[key] = max(counted, span.ends)
        self.counters.blind.labels(span.cause).inc(max(0.0, (span.ends - counted).total_seconds()))
        await self.writer.write(lambda tx: tx.add_blind(span))
        self.watch.blind(span)
        if is_worth_a_line(span, counted):
            _log.warning("blind", cause=span.cause, begins=span.begins.isoformat(), ends=span.ends.isoformat())

    async def read_calendars(self) -> None:
        """Read every calendar once."""
        await self.rounds.read_all()

    async def log_by_hand(self, release: str, words: Mapping[str, str]) -> Incident:
        """Log an incident that a person saw, about a watched release or none. Raises `NotEnough`."""
        now = self.clock.now()
        known = await self.roster.recall(release)
        facts = self.watch.facts(known, self.roster.promises(release)) if known is not None else None
        incident = log_by_hand({"release": release, **words}, facts, now, self.timezone)
        notice = opening(incident, now)
        decision = Decision(incident, (notice,), draft=True)
        await self.writer.write(lambda tx: self.watch.events.follow(tx, decision, now))
        self.outbox.ring()
        return incident

    async def raise_lead(self, release: str, lead: Finding) -> None:
        """Ask a person to judge something about a release: once for each address."""
        now = self.clock.now()
        facts = self.watch.facts(self.roster.releases[release], self.roster.promises(release))

        def follow(tx: Transaction) -> int:
            # A lead is no measurement: it neither joins nor alters an incident that was measured.
            known = known_to(leads_among(self.store.incidents_of(release)), release)
            told = with_lead(facts, lead, known)
            return 0 if told is None else self.watch.events.follow(tx, decide(told, known, now), now)

        if await self.writer.write(follow):
            self.outbox.ring()

    async def raise_press(self, producer: str, found: Found, at: datetime) -> None:
        """Ask a person to judge an item of the press, about the release of its producer that is due next."""
        ahead = [(one.slot, one.release.id) for one in self.roster.near(producer) if one.slot and one.slot > at]
        if ahead:
            _, nearest = min(ahead)
            _log.info("lead", producer=producer, release=nearest, url=found.url)
            await self.raise_lead(nearest, of_press(found, at))

    def watch_tripwires(self) -> None:
        """Look at every tripwire from now on, and at none that is no longer one."""
        planned = list(self.tripwires.planned(self.tripwire_every))
        for gone in self._tripped - {target.id for target, _, _ in planned}:
            self.poller.drop(gone)
        for target, windows, shift in planned:
            self.poller.watch(target, windows, shift)
        self._tripped = {target.id for target, _, _ in planned}

    async def look_once(self, day: date | None = None) -> None:
        """Look once at every target of a local day's releases, and judge them."""
        for target in self.roster.targets_on(day):
            await self.look(target)
        await self.watch.judge_all(list(self.watch.releases))

    async def look(self, target: Target) -> None:
        """Look once at a target, in its host's turn."""
        self.intake.see(target, *await self.poller.look_once(target))

    def abandon(self) -> None:
        """Die at once: nothing that is not committed is kept."""
        self.clockwork.abandon()
        for task in self._tasks:
            task.cancel()
        self.writer.abandon()

    async def close(self) -> None:
        """Let go of everything, committed or not."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, *self._opening, return_exceptions=True)
        await self.fetcher.close()
        for channel in self.channels:
            await channel.close()
        for close in self.closing:
            close()
        self.store.close()

    # What the web asks of the daemon that lives.

    def body(self, release: str) -> dict[str, Any] | None:
        """Return the JSON of a watched release as of now."""
        return self.watch.verdict_now(release)

    def unready(self) -> list[str]:
        """Return why this monitor is not ready, empty when it is."""
        return self.self_check.unready()

    def metrics(self) -> bytes:
        """Return the page that Prometheus reads."""
        return self.counters.page()

    def status(self) -> dict[str, Any]:
        """Return how the monitor is doing, for the status page."""
        reads = {name: f"{at:%d %B %Y %H:%M:%S} UTC" for name, at in self.health.calendars.items()}
        offset, now = self.health.offset, self.clock.now()
        # One that ran out is held by nobody: whoever has something to send takes it.
        leases = [one for one in self.store.leases() if one.until > now]
        told = "not measured yet" if offset is None else f"between {offset.min:.3f} s and {offset.max:.3f} s"
        return {
            "Calendars, last usable read": reads,
            "Calendars, faults": dict(self.health.faults),
            "Clock": {
                "our clock minus the watched hosts'": told,
                "kept right by the machine": kept_words(is_kept()),
                **self.interpreter.skew.doubts(),
            },
            "Budgets, looks ahead": dict(self.foreseen()),
            "Watch": {"releases": str(len(self.watch.releases)), "outbox": str(self.store.outbox_pending())},
            "Leases": {one.name: f"{one.holder}, until {one.until:%H:%M:%S} UTC" for one in leases},
        }

    def shown(self) -> list[Shown]:
        """Return every watched release's verdict for the metrics."""
        told = (one for one in self.watch.releases.values() if one.held is None)
        return [Shown(one.verdict, one.final_since) for one in told if one.verdict is not None]

    def _works(self) -> list[tuple[str, Any]]:
        works = [
            ("watch", self.watch.run()),
            ("poller", self.poller.run(self.stopping, self.intake.hooks())),
            ("outbox", self.outbox.run()),
        ]
        return [*works, ("web", self.web.run())] if self.web is not None else works

    def _set_clockwork(self) -> None:
        own = ((HEARTBEAT, "heartbeat", self._beat), (ROLL, "roll", self.roster.roll))
        for every, name, job in (*self.rounds.jobs(), *own, *self.self_check.jobs(), *self.attendant.jobs()):
            self.clockwork.every(every, name, job)
        self.clockwork.start()

    def _strayed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Count and log what broke where nobody waits for it: a look, a note of a blind span."""
        self.counters.faults.labels("stray").inc()
        # What a callback was given follows in brackets: it may be part of an answer.
        _log.error("strayed", what=str(context["message"]).partition("(")[0], exc_info=context.get("exception"))

    async def _beat(self) -> None:
        self.heartbeat.alive(self.clock.now())
        self.writer.nudge()
        self.workers.rest()
        give_back()

    async def _stop(self) -> None:
        """Let looks under way land and commit everything; what cannot be done within seconds is left."""
        self.self_check.manager.tell("STOPPING=1")
        stopping = asyncio.ensure_future(self.clockwork.stop())
        await asyncio.wait([stopping], timeout=_PATIENCE)
        # A calendar that is read for long is read another time.
        self.workers.close()
        await stopping
        if self.web is not None:
            self.web.stop()
        self.stopping.set()
        for task in self._tasks:
            if task.get_name() in {"watch", "outbox"}:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.heartbeat.end(self.clock.now())
        self.writer.nudge()
        await self.writer.close()
