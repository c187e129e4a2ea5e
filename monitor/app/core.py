"""The core of a monitor, from which its parts are made: clock, store, evidence, counters, health,
and its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
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
from monitor.clock import SteadyClock, SystemClock
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


class Core:
    """The objects that nearly every part of a monitor is made from, each made from earlier ones.

    `leadership` is None if the store is for one monitor. `certificates` has the end of each host's
    certificate.
    """

    def __init__(self, settings: Settings, edges: Edges, folder: Path) -> None:
        """Open and migrate the store, and hand in the spool. Relative files are in `folder`.

        Raises `StoreFault`.
        """
        self.settings, self.edges, self.folder = settings, edges, folder
        clock = self.clock = edges.clock or SteadyClock(SystemClock())
        vantage, spacings = settings.watch.vantage, calendar_spacings(settings)
        unproven_offset = settings.clock.unproven_offset
        spool = _make_spool(settings, durable=edges.durable) if edges.spools else None
        self.store = _open_store(settings, edges, spool)
        hosts = [host for host in settings.budget if host != "default"]
        channels = [table.name for table in settings.channel]
        self.metrics = Metrics(__version__, spacings, hosts, channels)
        self.queue, self.heartbeat = JudgingQueue(clock), HeartbeatWriter(vantage)
        blind = self.blind = BlindSpans(vantage, self.queue.judge_all, self.metrics)
        self.health = HealthState(
            clock.now(), spacings, unproven_offset, blind.note, lambda: blind.last_end
        )
        self.worker_health = WorkerHealth(clock, self.metrics, blind.note)
        self.workers = self._make_workers()
        self.tasks, self.threads = Tasks(), Threads(_STORE_THREADS, "store")
        self.writer = self._make_writer()
        self.evidence = Evidence(
            Path(settings.evidence.folder),
            self.store.evidence,
            self.writer,
            clock,
            vantage,
            durable=edges.durable,
            on_lost=self.metrics.store_failures.inc,
        )
        rules, checks = make_join_rules(settings), make_calendar_checks(settings)
        self.ledger = Ledger(self.store, self.writer, clock, rules, checks, self.threads.ask)
        self.certificates = dict(edges.certificates)
        self.fetcher = edges.fetcher or make_fetcher(settings, clock, self.certificates)
        self.leadership = self._make_leadership()
        self.spooling = Spooling(spool, self.writer, self.evidence, self.heartbeat, self.health)

    @property
    def is_standby(self) -> bool:
        """Return whether another monitor looks, and this one waits to take over."""
        return self.leadership is not None and not self.leadership.is_leading

    def with_settings(self, settings: Settings, fetcher: Fetcher) -> Core:
        """Return the same objects with other settings and another fetcher."""
        changed = copy(self)
        changed.settings, changed.fetcher = settings, fetcher
        return changed

    def _make_workers(self) -> Workers:
        """Return the workers that read calendars and large responses."""

        def note_costly_host(host: str) -> None:
            self.metrics.count_too_costly(host)
            self.health.costly.add(host)

        return Workers(
            clock=self.clock,
            start=self.edges.start_worker,
            on_costly=note_costly_host,
            on_attempt=self.worker_health.note_start_attempt,
            on_unread=self.worker_health.note_unread,
        )

    def _make_writer(self) -> Writer:
        """Return the writer. Each batch has the heartbeat."""
        store_health = StoreHealth(self.clock, self.metrics, self.health)
        return Writer(
            self.store,
            self.clock,
            sources=[self.heartbeat],
            delay=self.edges.delay,
            on_commit=store_health.note_commit,
            on_failure=store_health.note_failure,
        )

    def _make_leadership(self) -> Leadership | None:
        """Return what decides which monitor of a shared store looks, if it is shared."""
        store, vantage = self.settings.store, self.settings.watch.vantage
        if not is_shared(store.url):
            return None
        # A random number tells processes of one monitor apart.
        process = f"{vantage} {Random(self.edges.seed).getrandbits(32):08x}"  # noqa: S311 # no secret
        return Leadership(vantage, process, self.writer, self.clock, store.takeover)


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
