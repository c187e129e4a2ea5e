"""Settings to the wired program, in one pass: the only place where real edges meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from socket import socket
from typing import TYPE_CHECKING

from alerts.channel import Channel
from monitor import __version__
from monitor.app.app import App
from monitor.app.daemon import Daemon
from monitor.app.edges import REAL, Edges
from monitor.app.jobs import Jobs, SchedulerJobs, counted
from monitor.app.options import (
    budget_of,
    checks_of,
    fetcher_of,
    hosts_of,
    joining_of,
    policies_of,
    tripwires_of,
    watch_rules_of,
)
from monitor.app.readers import readers_of
from monitor.app.reporting_options import (
    channels_of,
    digesting_of,
    door_of,
    endings_of,
    keys_of,
    links_of,
    reminding_of,
    reporting_rules_of,
)
from monitor.app.status import Status
from monitor.clock import Clock, SystemClock
from monitor.config.settings import Settings
from monitor.deliver.acknowledge import Acknowledgements
from monitor.deliver.as_of_now import Afresh, AsOfNow
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.reminders import Reminders
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecord
from monitor.health.deadman import Deadman
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.hosts import CHECKED, StarvedHosts
from monitor.health.metrics import Metrics
from monitor.health.progress import PollerProgress
from monitor.health.self_check import SelfCheck
from monitor.health.state import HealthState
from monitor.health.store_health import StoreHealth
from monitor.health.system import is_kept
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.ledger import Ledger
from monitor.ledger.reading import CalendarReads
from monitor.look.apart.workers import Workers
from monitor.look.clock_skew import Skew
from monitor.look.fetch import Fetcher
from monitor.look.interpret import Interpreter
from monitor.look.poller import Poller
from monitor.look.reading import ReadingApart
from monitor.store.evidence.evidence import Evidence
from monitor.store.interface import Store
from monitor.store.lease import Leaseholder
from monitor.store.open import is_shared, open_store
from monitor.store.retention import DAILY, Retention
from monitor.store.writer import Writer
from monitor.threads import Job, Tasks, Threads
from monitor.watch.admission import Admission
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.budget_forecast import RECKONED, BudgetForecast
from monitor.watch.compaction import Compaction
from monitor.watch.intake import Intake
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.leads import Leads
from monitor.watch.listing_followup import ListingFollowUp
from monitor.watch.look_tally import LookTally
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.predicted_addresses import EVERY, PredictedAddresses
from monitor.watch.rejudge import ahead_of, facts_of
from monitor.watch.tripwires import Heard, Tripwires
from monitor.watch.unannounced import Unannounced
from monitor.watch.watch import Watch
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries

if TYPE_CHECKING:
    from monitor.web.server import WebServer

__all__ = ["REAL", "Edges", "build"]
Recurring = tuple[timedelta, str, Job]
_ROLL = timedelta(hours=1)
_TURN = timedelta(seconds=10)
"""How long a killed process keeps the outbox from another; where a store is shared, how often that one looks."""


@dataclass(frozen=True, slots=True)
class _Base:
    """What nearly every part is made from; `folder` is where relative files start."""

    settings: Settings
    edges: Edges
    folder: Path
    clock: Clock
    store: Store
    metrics: Metrics
    threads: Threads
    workers: Workers
    tasks: Tasks
    queue: JudgingQueue
    heartbeat: HeartbeatWriter
    blind: BlindSpans
    health: HealthState
    writer: Writer
    evidence: Evidence


def build(settings: Settings, edges: Edges = REAL, folder: Path = Path()) -> App:
    """Return a program ready to run, made in the loop it will run in.

    `folder` is where relative calendar files start from. Raises `UserFault`, `StoreFault`, `PortTaken`.
    """
    bound = _listening(settings.web.listen) if edges.serve else None
    base = _base(settings, edges, folder)
    clock, store, writer = base.clock, base.store, base.writer
    fetcher = edges.fetcher or fetcher_of(settings, clock)
    interpreter = _interpreter(base)
    poller = Poller(clock, fetcher, budget_of(settings), interpreter)
    channels = channels_of(settings, clock.now, folder) if edges.channels is None else list(edges.channels)
    rules = reporting_rules_of(settings, [channel.name for channel in channels], folder)
    outbox = _outbox(base, channels, rules)
    reminders = _reminders(base, rules, outbox)
    watch = _watch(base, poller, rules, reminders)
    ledger = Ledger(store, writer, clock, joining_of(settings), checks_of(settings))
    admission = Admission(store, ledger, watch, clock)
    tally = LookTally(clock, base.metrics, base.health, base.heartbeat, base.blind, skew=interpreter.skew)
    tripwires = _tripwires(base, poller, watch, ledger, admission, tally, outbox)
    calendar_reads = _calendar_reads(base, poller, ledger, admission, watch, outbox)
    check = _self_check(base, poller, outbox)
    forecast = BudgetForecast(clock, watch.releases.values, budget_of(settings), settings.timezone, base.threads.ask)
    status = _status(base, watch, check, forecast, interpreter.skew)
    upkeep = (*check.jobs(), *_upkeep(base, poller, watch, forecast), *_deadman(base, fetcher, check))
    daemon = Daemon(
        settings.watch.vantage,
        clock,
        _clockwork(base),
        (*calendar_reads.jobs(), (_ROLL, "roll", admission.roll), *upkeep, *reminders.jobs()),
        edges.manager,
        fetcher,
        store,
        writer,
        base.heartbeat,
        base.blind,
        poller,
        Intake(tally, watch, tripwires),
        watch,
        ledger,
        admission,
        calendar_reads,
        tripwires,
        outbox,
        channels,
        base.metrics,
        base.workers,
        _web(queries := _queries(base, status, tally, rules), bound),
        (queries.close, base.workers.close, base.threads.close),
    )
    return App(daemon, status, settings.timezone)


def _base(settings: Settings, edges: Edges, folder: Path) -> _Base:
    clock, vantage = edges.clock or SystemClock(), settings.watch.vantage
    store = edges.store or open_store(settings.store.url, durable=edges.durable)
    store.upgrade()
    metrics, queue, heartbeat = _metrics(settings), JudgingQueue(clock), HeartbeatWriter(vantage)
    blind = BlindSpans(queue, metrics)
    spacings = {table.name: table.every for table in settings.calendar}
    health = HealthState(clock.now(), spacings, settings.clock.unproven_offset, blind.note)
    told = StoreHealth(clock, metrics, health)
    writer = Writer(store, clock, members=[heartbeat], on_commit=told.committed, on_failure=told.failed)
    lost, durable = metrics.store_failures.inc, edges.durable
    evidence = Evidence(Path(settings.evidence.folder), store, writer, clock, vantage, durable=durable, on_lost=lost)
    return _Base(
        settings,
        edges,
        folder,
        clock,
        store,
        metrics,
        Threads(2, "documents"),
        Workers(),
        Tasks(),
        queue,
        heartbeat,
        blind,
        health,
        writer,
        evidence,
    )


def _interpreter(base: _Base) -> Interpreter:
    settings, is_real = base.settings, base.edges.clock is None
    return Interpreter(
        Skew(lambda: is_real and is_kept() is True),
        unproven_offset=settings.clock.unproven_offset,
        shared=is_shared(settings.store.url),
        apart=ReadingApart(base.workers, base.clock, base.metrics.cost_too_much),
    )


def _metrics(settings: Settings) -> Metrics:
    metrics = Metrics(__version__)
    metrics.expect(
        {table.name: table.every for table in settings.calendar},
        [host for host in settings.budget if host != "default"],
        [table.name for table in settings.channel],
    )
    return metrics


def _outbox(base: _Base, channels: Sequence[Channel], rules: ReportingRules) -> Outbox:
    settings, seed = base.settings, base.edges.seed
    # Of this process alone: two monitors of one name must not both believe to hold the outbox.
    mark = Random(seed).getrandbits(32)  # noqa: S311 # tells processes apart, guards nothing
    idle = {"idle": _TURN} if is_shared(settings.store.url) else {}
    options = OutboxOptions(
        links_of(settings),
        rules.templates,
        digesting_of(settings),
        Leaseholder(f"{settings.watch.vantage} {mark:08x}", _TURN),
        **idle,
    )
    return Outbox(
        base.store,
        base.writer,
        channels,
        endings_of(settings, channels),
        base.clock,
        base.threads.ask,
        rng=Random(seed),  # noqa: S311 # spreads retries, guards nothing
        told=base.metrics.delivered,
        options=options,
    )


def _afresh(base: _Base) -> Afresh:
    return partial(facts_of, base.store, policies_of(base.settings), base.settings.watch.vantage)


def _reminders(base: _Base, rules: ReportingRules, outbox: Outbox) -> Reminders:
    settings, given_up = base.settings, base.metrics.given_up.set
    return Reminders(
        base.store,
        base.writer,
        base.clock,
        rules,
        reminding_of(settings),
        ask=base.threads.ask,
        wake=outbox.wake,
        given_up=given_up,
        afresh=_afresh(base),
    )


def _watch(base: _Base, poller: Poller, rules: ReportingRules, reminders: Reminders) -> Watch:
    shared = is_shared(base.settings.store.url)
    return Watch(
        base.clock,
        poller,
        base.writer,
        VerdictRecord(base.store, rules, base.evidence.laid_down, base.evidence.heads.get),
        base.evidence,
        watch_rules_of(base.settings),
        queue=base.queue,
        blind=base.blind,
        health=base.health,
        on_recorded=reminders.recorded,
        others=OtherMonitors(base.store, base.threads.ask) if shared else None,
    )


def _tripwires(  # noqa: PLR0913, PLR0917 # the edges they stand between
    base: _Base,
    poller: Poller,
    watch: Watch,
    ledger: Ledger,
    admission: Admission,
    tally: LookTally,
    outbox: Outbox,
) -> Tripwires:
    store, writer, clock, tasks = base.store, base.writer, base.clock, base.tasks
    leads = Leads(store, writer, clock, watch, admission, ledger, outbox.wake, tasks)
    listed = ListingFollowUp(admission, ledger, watch, clock, poller, leads, tasks)
    unannounced = Unannounced(store, writer, ledger, watch, poller, clock, tally, tasks)
    heard = Heard(listed.take, unannounced.take, leads.take_press)
    every = base.settings.watch.tripwire.every
    return Tripwires(poller, tripwires_of(base.settings), admission.near, admission.bearing, heard, every)


def _calendar_reads(
    base: _Base, poller: Poller, ledger: Ledger, admission: Admission, watch: Watch, outbox: Outbox
) -> CalendarReads:
    settings, health, clock = base.settings, base.health, base.clock
    zone, store, writer = settings.timezone, base.store, base.writer
    return CalendarReads(
        readers_of(settings, base.folder, poller.ask, clock, base.evidence, base.workers),
        admission.learn,
        admission.slots,
        CalendarIncidents(ledger, health, clock, store, writer, watch.events, outbox.wake, zone),
        health,
        base.metrics,
        clock,
        settings.policy.expect_editions,
        watch.check,
    )


def _self_check(base: _Base, poller: Poller, outbox: Outbox) -> SelfCheck:
    return SelfCheck(
        base.clock,
        base.health,
        PollerProgress(base.clock, poller),
        poller.stretch,
        outbox.backlogs.values,
        evidence=base.evidence.scribe.trouble,
        manager=base.edges.manager,
    )


def _status(base: _Base, watch: Watch, check: SelfCheck, forecast: BudgetForecast, skew: Skew) -> Status:
    status = Status(base.clock, base.store, watch, base.health, check, base.metrics, forecast, skew)
    base.metrics.show(status.shown, check.vitals, base.clock.now)
    return status


def _upkeep(base: _Base, poller: Poller, watch: Watch, forecast: BudgetForecast) -> Iterator[Recurring]:
    """Yield what is done every so often, whatever is watched."""
    settings, clock, ask = base.settings, base.clock, base.threads.ask
    policies, after = policies_of(settings), settings.store.compact_after
    compaction = Compaction(base.store, base.writer, clock, policies, after, watch.releases.keys, ask)
    keep, most = timedelta(days=settings.evidence.keep_days), settings.evidence.keep_mb * 1_000_000
    retention = Retention(base.evidence, compaction, base.store, base.writer, clock, ask=ask, keep=keep, most=most)
    yield DAILY, "retention", retention.give_up
    yield CHECKED, "scarcity", StarvedHosts(clock, poller.stretch, base.blind.note).check
    yield RECKONED, "foresight", forecast.look_ahead
    if settings.watch.learn_addresses:
        predicted = PredictedAddresses(base.store, watch, clock, hosts_of(settings), ask)
        yield EVERY, "expected addresses", predicted.learn


def _deadman(base: _Base, fetcher: Fetcher, check: SelfCheck) -> Iterator[Recurring]:
    table = base.settings.deadman
    if table.url is not None:
        yield table.every, "deadman", Deadman(fetcher, table.url, check.troubles, base.metrics.pinged).ping


def _clockwork(base: _Base) -> Jobs:
    failed = counted(base.metrics)
    make = base.edges.clockwork
    return SchedulerJobs(failed) if make is None else make(base.clock, failed)


def _queries(base: _Base, status: Status, tally: LookTally, rules: ReportingRules) -> Queries:
    settings, throttle = base.settings, Throttle(base.clock)
    return Queries(
        base.store,
        status,
        base.clock,
        settings.timezone,
        settings.web.public_board,
        Acknowledgements(base.store, base.writer, base.clock),
        keys_of(settings),
        rules.templates,
        [table.name for table in settings.calendar],
        ahead_of(base.store, policies_of(settings), rules.book),
        tally.silent_hosts.silences,
        as_of_now=AsOfNow(base.store, _afresh(base), VerdictRecord(base.store, rules)),
        writer=base.writer,
        door=door_of(settings, base.folder, base.clock, throttle),
        throttle=throttle,
    )


# The web server is loaded only by who serves: 6 MB that others need not have.


def _listening(address: str) -> socket:
    from monitor.web.server import listen  # noqa: PLC0415 # see above

    return listen(address)


def _web(queries: Queries, bound: socket | None) -> WebServer | None:
    if bound is None:
        return None
    from monitor.web.app import application  # noqa: PLC0415 # see above
    from monitor.web.server import WebServer  # noqa: PLC0415 # see above

    return WebServer(application(queries), bound)
