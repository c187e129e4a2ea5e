"""Settings to a wired daemon; the only place where real edges meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from monitor import __version__
from monitor.app import serving
from monitor.app.daemon import Daemon
from monitor.app.edges import REAL, Edges
from monitor.app.jobs import Jobs, SchedulerJobs
from monitor.app.options import (
    budget_of,
    checks_of,
    fetcher_of,
    hosts_of,
    importance_of,
    joining_of,
    parts_of,
    phases_of,
    policies_of,
)
from monitor.app.options_of_people import channels_of, door_of, keys_of, reporting_rules_of
from monitor.app.postroom import Postroom
from monitor.app.readers import readers_of
from monitor.clock import Clock, SystemClock
from monitor.config.settings import Settings
from monitor.deliver.verdicts import Recorded, VerdictRecord
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.hosts import CHECKED, StarvedHosts
from monitor.health.metrics import Metrics
from monitor.health.progress import PollerProgress
from monitor.health.self_check import SelfCheck
from monitor.health.state import HealthState
from monitor.health.system import is_kept
from monitor.ledger.reading import Rounds
from monitor.look.apart.workers import Workers
from monitor.look.clock_skew import Skew
from monitor.look.interpret import Interpreter
from monitor.look.poller import Poller
from monitor.look.reading import ReadingApart
from monitor.plan.targets import Target
from monitor.store.evidence.appender import EvidenceRefused
from monitor.store.evidence.evidence import Evidence
from monitor.store.interface import Store
from monitor.store.open import is_shared, open_store
from monitor.store.retention import DAILY, Retention
from monitor.store.writer import Writer
from monitor.watch.admission import Roster
from monitor.watch.budget_forecast import RECKONED, BudgetForecast
from monitor.watch.compaction import Compaction
from monitor.watch.intake import Intake, Troubles
from monitor.watch.listing_followup import ListingFollowUp
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import WatchRules
from monitor.watch.predicted_addresses import EVERY, PredictedAddresses
from monitor.watch.rejudge import ahead_of
from monitor.watch.release import WatchedRelease
from monitor.watch.tripwires import Heard, Tripwires
from monitor.watch.unannounced import Unannounced
from monitor.watch.watch import Watch
from monitor.web.queries import Queries

T = TypeVar("T")
__all__ = ["REAL", "Edges", "build"]
_log = structlog.get_logger(__name__)


def build(settings: Settings, edges: Edges = REAL, folder: Path = Path()) -> Daemon:
    """Return a daemon ready to run, made in the loop it will run in.

    `folder` is where relative calendar files start from. Raises `UserFault`, `StoreFault`, `PortTaken`.
    """
    clock = edges.clock or SystemClock()
    bound = serving.listening(settings.web.listen) if edges.serve else None
    store = edges.store or open_store(settings.store.url, durable=edges.durable)
    store.upgrade()
    daemon, queries = _Workshop(settings, edges, folder, clock, store).daemon()
    if bound is not None:
        daemon.web = serving.server(queries, bound)
    return daemon


class _Workshop:
    """Makes the organs in the order they need each other."""

    def __init__(self, settings: Settings, edges: Edges, folder: Path, clock: Clock, store: Store) -> None:
        self.settings = settings
        self.edges = edges
        self.folder = folder
        self.clock = clock
        self.store = store
        self.name = settings.watch.vantage
        self.metrics = Metrics(__version__)
        self.metrics.expect(
            {table.name: table.every for table in settings.calendar},
            [host for host in settings.budget if host != "default"],
            [table.name for table in settings.channel],
        )
        self.threads = ThreadPoolExecutor(2, "documents")
        self.workers = Workers()
        self.fetcher = edges.fetcher or fetcher_of(settings, clock)
        self.channels = channels_of(settings, clock.now, folder) if edges.channels is None else list(edges.channels)
        self.health = HealthState(
            clock.now(), {table.name: table.every for table in settings.calendar}, settings.clock.unproven_offset
        )
        self.writer = Writer(store, clock, on_commit=self._committed, on_failure=self._store_failed)
        self.heartbeat = HeartbeatWriter(self.name)
        self.writer.accompany(self.heartbeat)
        self.intake = Intake(clock, self.metrics, self.health)
        self.intake.alive = self.heartbeat.alive
        self.poller = self._poller()
        self.reporting = reporting_rules_of(settings, [channel.name for channel in self.channels], folder)
        self.watch = self._watch()
        post = Postroom(
            settings, store, self.writer, clock, self.reporting, self.channels, self.metrics, self._ask, edges.seed
        )
        self.outbox = post.outbox()
        self.attendant = post.attendant(self.outbox.ring)

    def daemon(self) -> tuple[Daemon, Queries]:
        """Return everything wired, and the queries that answers for it."""
        roster = Roster(
            self.store, self.writer, self.watch, self.clock, joining_of(self.settings), checks_of(self.settings)
        )
        daemon = Daemon(
            name=self.name,
            clock=self.clock,
            clockwork=self._clockwork(),
            fetcher=self.fetcher,
            store=self.store,
            writer=self.writer,
            heartbeat=self.heartbeat,
            poller=self.poller,
            interpreter=self.interpreter,
            intake=self.intake,
            watch=self.watch,
            roster=roster,
            tripwires=self._tripwires(roster),
            outbox=self.outbox,
            health=self.health,
            self_check=self._self_check(),
            attendant=self.attendant,
            counters=self.metrics,
            rounds=self._rounds(roster),
            workers=self.workers,
            channels=self.channels,
            timezone=self.settings.timezone,
            tripwire_every=self.settings.watch.tripwire.every,
        )
        web = self.settings.web
        queries = Queries(self.store, daemon, self.clock, self.settings.timezone, web.public_board)
        queries.calendars = [table.name for table in self.settings.calendar]
        queries.attendant, queries.keys, queries.templates = (
            self.attendant,
            keys_of(self.settings),
            self.reporting.templates,
        )
        queries.ahead = ahead_of(self.store, policies_of(self.settings), self.reporting.book)
        queries.silences = self.intake.unheard.silences
        queries.door = door_of(self.settings, self.folder, self.clock, queries.throttle)
        daemon.closing = [queries.close, self.workers.close, lambda: self.threads.shutdown(cancel_futures=True)]
        daemon.foreseen = self.foresight.warnings_told
        self.daemon_made = daemon
        self.intake.attach(self.watch, daemon, daemon.tripwires)
        self.metrics.show(daemon.shown, daemon.self_check.vitals, self.clock.now)
        return daemon, queries

    def _self_check(self) -> SelfCheck:
        motion = PollerProgress(self.clock, self.poller)
        backlogs = self.outbox.backlogs
        self_check = SelfCheck(
            self.clock, self.health, motion, self.poller.stretch, backlogs.values, self.edges.manager
        )
        self_check.add(DAILY, "retention", self._retention().give_up)
        self_check.add(CHECKED, "scarcity", StarvedHosts(self.clock, self.poller.stretch, self.intake.blind).check)
        self.foresight = BudgetForecast(
            self.clock, self.watch.releases.values, budget_of(self.settings), self.settings.timezone, self._ask
        )
        self_check.add(RECKONED, "foresight", self.foresight.look_ahead)
        if self.settings.watch.learn_addresses:
            self_check.add(EVERY, "expected addresses", self._expected().learn)
        deadman = self.settings.deadman
        self_check.add_deadman(
            deadman.url, deadman.every, self.fetcher, lambda outcome: self.metrics.pings.labels(outcome).inc()
        )
        return self_check

    def _retention(self) -> Retention:
        store, writer, clock, watched = self.store, self.writer, self.clock, self.watch.releases.keys
        policies, after = policies_of(self.settings), self.settings.store.compact_after
        table = self.settings.evidence
        compaction = Compaction(store, writer, clock, policies, after, watched, self._ask)
        keep, most = timedelta(days=table.keep_days), table.keep_mb * 1_000_000
        return Retention(self.evidence, compaction, store, writer, clock, ask=self._ask, keep=keep, most=most)

    def _expected(self) -> PredictedAddresses:
        return PredictedAddresses(self.store, self.watch, self.clock, hosts_of(self.settings), self._ask)

    def _poller(self) -> Poller:
        intake = self.intake
        is_real = self.edges.clock is None
        self.interpreter = Interpreter(
            Skew(lambda: is_real and is_kept() is True),
            unproven_offset=self.settings.clock.unproven_offset,
            shared=is_shared(self.settings.store.url),
        )
        told = self.metrics.too_costly
        self.interpreter.apart = ReadingApart(self.workers, self.clock, lambda host: told.labels(host).inc())
        intake.skew = self.interpreter.skew
        return Poller(self.clock, self.fetcher, budget_of(self.settings), self.interpreter)

    def _watch(self) -> Watch:
        self.evidence = Evidence(
            Path(self.settings.evidence.folder),
            self.store,
            self.writer,
            self.clock,
            self.name,
            durable=self.edges.durable,
        )
        self.health.evidence = self.evidence.scribe.trouble
        self.evidence.scribe.on_lost = self.metrics.store_failures.inc
        rules = WatchRules(
            monitor=self.name,
            phases=phases_of(self.settings),
            policies=policies_of(self.settings),
            origin_view=self.settings.watch.origin_view,
            most_parts=self.settings.watch.most_parts,
            extra_parts=parts_of(self.settings),
            importance=importance_of(self.settings),
        )
        return Watch(
            self.clock,
            self.poller,
            self.writer,
            VerdictRecord(self.store, self.reporting, self.evidence.laid_down, self.evidence.heads.get),
            self.evidence,
            rules,
            on_recorded=self._recorded,
            clock_offset=lambda: self.health.offset,
            recall=self._recall,
            troubles=Troubles(self.intake.blind, lambda: self.health.store_failed(self.clock.now())),
            peers=OtherMonitors(self.store, self._ask) if is_shared(self.settings.store.url) else None,
        )

    def _recall(self, target: Target, watched: WatchedRelease) -> None:
        baseline, was_missing = watched.remembered(target)
        if baseline is not None or was_missing:
            self.interpreter.recall(target, baseline, was_missing=was_missing)

    def _tripwires(self, roster: Roster) -> Tripwires:
        soon = self.intake.soon
        heard = Heard(
            hit=lambda hit: soon(self._listed(roster).follow(hit)),
            newcomer=lambda producer, found: soon(self._newcomers(roster).consider(producer, found)),
            press=lambda producer, found, at: soon(self.daemon_made.raise_press(producer, found, at)),
            replan=self._replan_tripwires,
        )
        return Tripwires(self.settings.producer, roster.near, roster.kin, heard)

    def _replan_tripwires(self) -> None:
        self.daemon_made.watch_tripwires()

    def _listed(self, roster: Roster) -> ListingFollowUp:
        daemon = self.daemon_made
        return ListingFollowUp(roster, self.watch, self.clock, self.poller.glance, daemon.raise_lead, self.intake.soon)

    def _newcomers(self, roster: Roster) -> Unannounced:
        daemon, poller = self.daemon_made, self.poller
        return Unannounced(self.store, self.writer, roster, self.watch, poller, self.clock, daemon.look)

    def _rounds(self, roster: Roster) -> Rounds:
        return Rounds(
            readers_of(self.settings, self.folder, self.poller.ask, self.clock, self.evidence, self.workers),
            roster,
            self.health,
            self.metrics,
            self.clock,
            self.store,
            self.writer,
            self.watch.events,
            self.outbox.ring,
            self.settings.timezone,
            self.settings.policy.expect_editions,
        )

    def _clockwork(self) -> Jobs:
        if self.edges.clockwork is not None:
            return self.edges.clockwork(self.clock, self._failed)
        return SchedulerJobs(self._failed)

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, question)

    def _recorded(self, recorded: Recorded) -> None:
        self.attendant.opened(recorded.incident)
        if recorded.notices:
            self.outbox.ring()

    def _failed(self, name: str, fault: BaseException) -> None:
        self.metrics.faults.labels(name).inc()
        _log.error("job_failed", job=name, exc_info=fault)

    def _committed(self, seconds: float, _rows: int) -> None:
        self.metrics.commit.observe(seconds)
        self.health.committed(self.clock.now())

    def _store_failed(self, fault: Exception) -> None:
        # While a folder of evidence holds the batch up, looks go on and nothing is unseen.
        if not isinstance(fault, EvidenceRefused):
            self.health.store_failed(self.clock.now())
        self.metrics.store_failures.inc()
        _log.error("store_failed", fault=str(fault))
