"""What nearly every part of a monitor is made from: clock, store, evidence, counters, health, and its edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from alerts.channel import Channel
from monitor import __version__
from monitor.app.jobs import Failed, Jobs
from monitor.app.options import checks_of, fetcher_of, joining_of, spacings_of
from monitor.app.standing_in import Opened, StoreFailover, opened
from monitor.clock import Ahead, Clock, SystemClock
from monitor.config.settings import Settings
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState, StoreHealth
from monitor.health.system import SILENT, ServiceManager, is_kept
from monitor.health.workers import WorkerHealth
from monitor.ledger.ledger import Ledger
from monitor.look.apart.workers import StartHooks, Workers
from monitor.look.clock_skew import Skew
from monitor.look.fetch import Fetcher
from monitor.look.interpret import Interpreter
from monitor.look.reading import BodyReader
from monitor.store.evidence.evidence import Evidence
from monitor.store.lease import Leaseholder
from monitor.store.members import Members
from monitor.store.open import is_shared, open_store
from monitor.store.sql.engine import Store
from monitor.store.writer import DELAY, Writer
from monitor.threads import Tasks, Threads
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging_queue import JudgingQueue

_STORE_THREADS = 8
"""As many as there are tasks that query the store, so that none waits in line behind one that is not answered."""


@dataclass(frozen=True, slots=True)
class Core:
    """What nearly every part is made from; `folder` is where relative files start.

    `holder` holds the leases of this process: two monitors of one name must not both believe that one is theirs.
    """

    settings: Settings
    edges: Edges
    folder: Path
    clock: Clock
    store: Store
    metrics: Metrics
    threads: Threads
    workers: Workers
    worker_health: WorkerHealth
    tasks: Tasks
    queue: JudgingQueue
    heartbeat: HeartbeatWriter
    blind: BlindSpans
    health: HealthState
    writer: Writer
    evidence: Evidence
    ledger: Ledger
    fetcher: Fetcher
    holder: str
    members: Members | None
    apart: StoreFailover


def core_of(settings: Settings, edges: Edges, folder: Path) -> Core:
    """Return the core of a monitor, with its store opened and migrated. Raises `StoreFault`."""
    clock, vantage = edges.clock or SystemClock(), settings.watch.vantage
    found = _opened(settings, edges, clock)
    store, holder = found.store, f"{vantage} {Random(edges.seed).getrandbits(32):08x}"  # noqa: S311 # guards nothing
    metrics, queue, heartbeat = _metrics(settings), JudgingQueue(clock), HeartbeatWriter(vantage, store.leases)
    blind = BlindSpans(vantage, queue, metrics)
    health = HealthState(clock.now(), spacings_of(settings), settings.clock.unproven_offset, blind.note)
    told = StoreHealth(clock, metrics, health, lambda: found.is_away)
    if found.is_away:
        health.store_failed(clock.now())
    writer = Writer(
        store, clock, members=[heartbeat], delay=edges.delay, on_commit=told.committed, on_failure=told.failed
    )
    threads = Threads(_STORE_THREADS, "store")
    evidence = Evidence(
        Path(settings.evidence.folder),
        store.evidence,
        writer,
        clock,
        found.keeper(vantage, clock),
        durable=edges.durable,
        on_lost=metrics.store_failures.inc,
    )
    members = _members(settings, store, writer, clock, holder)
    worker_health = WorkerHealth(clock, metrics, blind.note)
    ledger = Ledger(store, writer, clock, joining_of(settings), checks_of(settings), threads.ask)
    return Core(
        settings,
        edges,
        folder,
        clock,
        store,
        metrics,
        threads,
        _workers(clock, metrics, health, worker_health),
        worker_health,
        Tasks(),
        queue,
        heartbeat,
        blind,
        health,
        writer,
        evidence,
        ledger,
        edges.fetcher or fetcher_of(settings, clock),
        holder,
        members,
        StoreFailover(found, vantage, writer, evidence, clock, told, members, ledger, edges.hold),
    )


def _opened(settings: Settings, edges: Edges, clock: Clock) -> Opened:
    url, durable = settings.store.url, edges.durable
    if edges.journal:
        return opened(url, settings.store.journal, settings.watch.vantage, clock, durable=durable)
    store = edges.store or open_store(url, durable=durable)
    store.upgrade()
    return Opened(store)


def _members(settings: Settings, store: Store, writer: Writer, clock: Clock, holder: str) -> Members | None:
    """Return this monitor among those of its store, None where it has one of its own."""
    if not is_shared(settings.store.url):
        return None
    name, mine = settings.watch.vantage, Leaseholder(holder, settings.store.takeover)
    return Members(name, mine, store.leases, writer, clock, divided=settings.store.mode == "shared")


def _workers(clock: Clock, metrics: Metrics, health: HealthState, own: WorkerHealth) -> Workers:
    costly = partial(_cost_too_much, metrics, health)
    return Workers(clock=clock, on_costly=costly, hooks=StartHooks(own.attempted, own.unread))


def _cost_too_much(metrics: Metrics, health: HealthState, host: str) -> None:
    metrics.cost_too_much(host)
    health.costly.add(host)


def interpreter_of(core: Core) -> Interpreter:
    """Return what reads answers; it asks of the machine's clock only where that is the one we go by."""
    settings, is_real = core.settings, core.edges.clock is None
    return Interpreter(
        Skew(lambda: is_kept() if is_real else False, Ahead(core.clock)),
        unproven_offset=settings.clock.unproven_offset,
        is_shared=is_shared(settings.store.url),
        reader=BodyReader(core.workers, core.clock),
    )


def _metrics(settings: Settings) -> Metrics:
    return Metrics(
        __version__,
        spacings_of(settings),
        [host for host in settings.budget if host != "default"],
        [table.name for table in settings.channel],
    )


@dataclass(frozen=True, slots=True)
class Edges:
    """What may be put in place of the real edges, by a rehearsal or a test; None takes the real one.

    `journal`: what the store cannot take is kept beside it, and a store that is away holds up no start. `hold` keeps
    other monitors off a store that is back, or raises `SurroundingsFault` where one has it. `delay` is the writer's.
    """

    clock: Clock | None = None
    clockwork: Callable[[Clock, Failed], Jobs] | None = None
    fetcher: Fetcher | None = None
    store: Store | None = None
    channels: Sequence[Channel] | None = None
    seed: int | None = None
    serve: bool = True
    manager: ServiceManager = SILENT
    durable: bool = True
    delay: float = DELAY
    journal: bool = False
    hold: Callable[[], object] = lambda: None


REAL = Edges()
