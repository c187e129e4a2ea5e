"""The core of a monitor, from which its parts are made: clock, store, evidence, counters, health,
and its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

from alerts.channel import Channel
from monitor import __version__
from monitor.app.options import (
    calendar_spacings,
    make_calendar_checks,
    make_channels,
    make_fetcher,
    make_join_rules,
)
from monitor.app.spooling import Spooling
from monitor.clock import Clock, SteadyClock, SystemClock
from monitor.config.settings import Settings
from monitor.errors import StoreFault
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.hosts import WorkerHealth
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState, StoreHealth
from monitor.health.system import NO_SERVICE_MANAGER, ServiceManager, is_clock_synchronised
from monitor.ledger.ledger import Ledger
from monitor.look.clock_skew import Skew
from monitor.look.clock_steps import ClockSteps
from monitor.look.fetch import Fetcher
from monitor.look.interpret import Interpreter
from monitor.look.reading import BodyReader
from monitor.look.sandbox.process import Worker, start_worker
from monitor.look.sandbox.workers import Workers
from monitor.store.evidence.evidence import Evidence
from monitor.store.leadership import Leadership
from monitor.store.open import file_of, is_shared, open_store
from monitor.store.spool import Spool
from monitor.store.sql.engine import Store
from monitor.store.writer import DELAY, Writer
from monitor.threads import Tasks, Threads
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging_queue import JudgingQueue

_STORE_THREADS = 8
"""One for each task that queries the store, so that none waits behind a query that hangs."""


@dataclass(frozen=True, slots=True)
class Core:
    """The objects that nearly every part of a monitor is made from. Relative files are in `folder`.

    `leadership` is None if the store is for one monitor. `certificates` has the end of each host's
    certificate.
    """

    settings: Settings
    edges: Edges
    folder: Path
    clock: SteadyClock
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
    certificates: dict[str, datetime]
    leadership: Leadership | None
    spooling: Spooling

    @property
    def is_standby(self) -> bool:
        """Return whether another monitor looks, and this one waits to take over."""
        return self.leadership is not None and not self.leadership.is_leading


def make_core(settings: Settings, edges: Edges, folder: Path) -> Core:
    """Return the core of a monitor.

    Open and migrate its store, and hand in its spool. Raises `StoreFault`.
    """
    clock, vantage = edges.clock or SteadyClock(SystemClock()), settings.watch.vantage
    spool = _make_spool(settings, durable=edges.durable) if edges.spools else None
    store = _open_store(settings, edges, spool)
    metrics = _make_metrics(settings)
    queue, heartbeat = JudgingQueue(clock), HeartbeatWriter(vantage)
    blind = BlindSpans(vantage, queue.judge_all, metrics)
    health = _make_health(settings, clock, blind)
    store_health = StoreHealth(clock, metrics, health)
    worker_health = WorkerHealth(clock, metrics, blind.note)
    writer = _make_writer(edges, store, clock, heartbeat, store_health)
    threads = Threads(_STORE_THREADS, "store")
    evidence = Evidence(
        Path(settings.evidence.folder),
        store.evidence,
        writer,
        clock,
        vantage,
        durable=edges.durable,
        on_lost=metrics.store_failures.inc,
    )
    ledger = Ledger(
        store, writer, clock, make_join_rules(settings), make_calendar_checks(settings), threads.ask
    )
    certificates = dict(edges.certificates)
    return Core(
        settings=settings,
        edges=edges,
        folder=folder,
        clock=clock,
        store=store,
        metrics=metrics,
        threads=threads,
        workers=_make_workers(edges, clock, metrics, health, worker_health),
        worker_health=worker_health,
        tasks=Tasks(),
        queue=queue,
        heartbeat=heartbeat,
        blind=blind,
        health=health,
        writer=writer,
        evidence=evidence,
        ledger=ledger,
        fetcher=edges.fetcher or make_fetcher(settings, clock, certificates),
        certificates=certificates,
        leadership=_make_leadership(settings, edges, writer, clock),
        spooling=Spooling(spool, writer, evidence, heartbeat, health),
    )


def _make_spool(settings: Settings, *, durable: bool) -> Spool:
    """Return the spool of this monitor, by default beside its store."""
    url, folder = settings.store.url, settings.store.spool
    beside = (file_of(url) or Path("var/store")).parent / "spool"
    return Spool(Path(folder) if folder else beside, settings.watch.vantage, url, durable=durable)


def _open_store(settings: Settings, edges: Edges, spool: Spool | None) -> Store:
    """Return the configured store, or that of `edges`, with the facts of the spool.

    Raises `StoreFault`.
    """
    store = edges.store or open_store(settings.store.url, durable=edges.durable)
    try:
        store.upgrade()
        if spool is not None:
            spool.hand_in(store)
    except StoreFault:
        store.close()
        raise
    return store


def _make_metrics(settings: Settings) -> Metrics:
    """Return the metrics, with the series of the configured calendars, hosts and channels."""
    hosts = [host for host in settings.budget if host != "default"]
    channels = [table.name for table in settings.channel]
    return Metrics(__version__, calendar_spacings(settings), hosts, channels)


def _make_health(settings: Settings, clock: Clock, blind: BlindSpans) -> HealthState:
    return HealthState(
        clock.now(),
        calendar_spacings(settings),
        settings.clock.unproven_offset,
        blind.note,
        lambda: blind.last_end,
    )


def _make_writer(
    edges: Edges,
    store: Store,
    clock: SteadyClock,
    heartbeat: HeartbeatWriter,
    store_health: StoreHealth,
) -> Writer:
    """Return the writer. Each batch has the heartbeat, and `store_health` notes its outcome."""
    return Writer(
        store,
        clock,
        sources=[heartbeat],
        delay=edges.delay,
        on_commit=store_health.note_commit,
        on_failure=store_health.note_failure,
    )


def _make_leadership(
    settings: Settings, edges: Edges, writer: Writer, clock: SteadyClock
) -> Leadership | None:
    """Return what decides which monitor of a shared store looks, or None for a store of one."""
    if not is_shared(settings.store.url):
        return None
    vantage = settings.watch.vantage
    # No other process has this name, even if its monitor has the same one.
    process = f"{vantage} {Random(edges.seed).getrandbits(32):08x}"  # noqa: S311 # no secret
    length = settings.store.takeover
    return Leadership(vantage, process, writer, clock, length)


def _make_workers(
    edges: Edges,
    clock: Clock,
    metrics: Metrics,
    health: HealthState,
    worker_health: WorkerHealth,
) -> Workers:
    """Return the workers that read calendars and large responses.

    `metrics`, `health` and `worker_health` note their problems.
    """

    def note_costly_host(host: str) -> None:
        metrics.count_too_costly(host)
        health.costly.add(host)

    on_attempt, on_unread = worker_health.note_start_attempt, worker_health.note_unread
    return Workers(
        clock=clock,
        start=edges.start_worker,
        on_costly=note_costly_host,
        on_attempt=on_attempt,
        on_unread=on_unread,
    )


def make_clock_steps(core: Core) -> ClockSteps:
    """Return what compares our clock with the wall clock and the dates of hosts.

    A clock in place of the machine's, as in rehearsals, is not synchronised.
    """
    uses_machine_clock = core.edges.clock is None
    skew = Skew(lambda: uses_machine_clock and is_clock_synchronised(), lambda: core.clock.moved)
    return ClockSteps(core.clock, skew, core.settings.clock.unproven_offset)


def make_interpreter(core: Core, steps: ClockSteps) -> Interpreter:
    """Return the interpreter of responses."""
    settings = core.settings
    return Interpreter(
        steps.skew,
        unproven_offset=settings.clock.unproven_offset,
        is_shared=is_shared(settings.store.url),
        reader=BodyReader(core.workers, core.clock),
        wall_error=steps.wall_error,
        similar_titles=core.ledger.similar_titles,
    )


@dataclass(frozen=True, slots=True)
class Edges:
    """Replacements of the real edges, for rehearsals and tests (None: the real one).

    With the file of its `configuration`, the monitor also serves users of this machine on a socket.
    The ends of hosts' `certificates` are known at the start. If it `spools`, facts that the store
    does not take are kept in a spool. `delay` is how many seconds the writer collects a batch.
    """

    clock: SteadyClock | None = None
    fetcher: Fetcher | None = None
    store: Store | None = None
    open_channels: Callable[[Settings, Callable[[], datetime]], Sequence[Channel]] = make_channels
    seed: int | None = None
    serve: bool = True
    configuration: Path | None = None
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    manager: ServiceManager = NO_SERVICE_MANAGER
    durable: bool = True
    delay: float = DELAY
    spools: bool = False
    start_worker: Callable[[int], Worker] = start_worker


REAL = Edges()
