"""The monitor's checks of itself, for readiness, the watchdog, the dead man's switch and
metrics.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta

import structlog

from monitor.clock import Clock
from monitor.deliver.outbox_rows import Backlog
from monitor.health.collector import MonitorState
from monitor.health.state import HealthState
from monitor.health.system import NO_SERVICE_MANAGER, ServiceManager
from monitor.look.fetch import Failure, Fetcher, Request
from monitor.look.poller import Poller
from monitor.threads import RecurringJob

_log = structlog.get_logger(__name__)
NOTICE_STUCK_AFTER = timedelta(minutes=10)
STALLED_AFTER = timedelta(seconds=30)
_SAMPLE_EVERY = timedelta(seconds=30)
_SAMPLES = 3
"""The number of samples kept. They span a minute."""
_MAX_ANSWER_BYTES = 10_000


@dataclass(slots=True)
class PollerProgress:
    """Detects a poller that is stuck, as distinct from one without due looks or budget."""

    clock: Clock
    poller: Poller
    _looks_made: int = 0
    _moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._moved_at = self.clock.monotonic()

    def overdue(self) -> float:
        """Return the delay of the most overdue look, in seconds.

        Hosts that sent Retry-After do not count.
        """
        due = self.poller.next_due()
        return 0.0 if due is None else max(0.0, (self.clock.now() - due).total_seconds())

    def is_moving(self) -> bool:
        """Return False if a look has been overdue for long and none has begun for 30 seconds.

        It remembers when it last saw progress, so call it regularly.
        """
        mono = self.clock.monotonic()
        if self.poller.made != self._looks_made or self.overdue() < STALLED_AFTER.total_seconds():
            self._looks_made, self._moved_at = self.poller.made, mono
        return mono - self._moved_at <= STALLED_AFTER.total_seconds()


@dataclass(frozen=True, slots=True)
class LookRates:
    """Measures looks a second at each host, from samples of a counter by host and outcome."""

    counts: Mapping[tuple[str, ...], float]
    monotonic: Callable[[], float]
    _samples: deque[tuple[float, Counter[str]]] = field(
        default_factory=lambda: deque(maxlen=_SAMPLES)
    )

    async def sample(self) -> None:
        """Take a sample. This is a recurring job."""
        by_host = Counter[str]()
        for (host, *_), count in self.counts.items():
            by_host[host] += round(count)
        self._samples.append((self.monotonic(), by_host))

    def per_second(self) -> dict[str, float]:
        """Return the looks a second at each host in the last minute, most first.

        Empty before the second sample.
        """
        if len(self._samples) < 2 or (span := self._samples[-1][0] - self._samples[0][0]) <= 0:
            return {}
        made = self._samples[-1][1] - self._samples[0][1]
        return {host: count / span for host, count in made.most_common()}


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Combines the state of all parts. It never queries the store, which may be the fault.

    `evidence_fault` returns why evidence cannot be stored, `evidence_damage` which damage the daily
    check of the evidence found, `worker_faults` why large responses cannot be read.
    """

    clock: Clock
    health: HealthState
    progress: PollerProgress
    stretch: Callable[[], Mapping[str, float]]
    backlogs: Callable[[], Mapping[str, Backlog]]
    _: KW_ONLY
    evidence_fault: Callable[[], str] = lambda: ""
    evidence_damage: Callable[[], str] = lambda: ""
    worker_faults: Callable[[], list[str]] = list
    short_hosts: Callable[[], Collection[str]] = tuple
    manager: ServiceManager = NO_SERVICE_MANAGER
    rates: LookRates = field(default_factory=lambda: LookRates({}, float))

    def jobs(self) -> list[RecurringJob]:
        """Return the recurring jobs, each with its spacing, name and function."""
        watchdog = self.manager.watchdog
        pace = (_SAMPLE_EVERY, "pace of looks", self.rates.sample)
        return (
            [pace]
            if watchdog is None
            else [pace, (watchdog / 2, "watchdog", self._notify_watchdog)]
        )

    def unready(self) -> list[str]:
        """Return why this monitor is not reliable now. Empty if it is."""
        damage = self.evidence_damage()
        return [*self._present_faults(), *([damage] if damage else [])]

    def _present_faults(self) -> list[str]:
        lost = self.evidence_fault()
        return [
            *self.health.unready(self.clock.now()),
            *([lost] if lost else []),
            *self.worker_faults(),
            *self.stuck(),
        ]

    def unable(self) -> list[str]:
        """Return why this monitor cannot serve pages or look.

        Empty if it can, even if its evidence is doubtful.
        """
        return [*self.health.unable(self.clock.now()), *self.worker_faults(), *self.stuck()]

    def stuck(self) -> list[str]:
        """Return why this process should be restarted. Empty if it should not."""
        return (
            []
            if self.progress.is_moving()
            else ["no look has begun for a while though some are due"]
        )

    def reasons_to_alarm(self) -> list[str]:
        """Return why the dead man's switch must not ping: a present fault, or a notice that waits
        too long for its channel.

        Damaged evidence is left out: it stays damaged, and a switch that never pings again would
        hide later faults.
        """
        is_stuck = self._oldest_delivery_seconds() > NOTICE_STUCK_AFTER.total_seconds()
        return [
            *self._present_faults(),
            *(["a notice has waited for its channel for ten minutes"] if is_stuck else []),
        ]

    def monitor_state(self) -> MonitorState:
        """Return the state of the monitor for metrics."""
        return MonitorState(
            unready=self.unready(),
            stretch=self.stretch(),
            short_hosts=self.short_hosts(),
            targets=len(self.progress.poller.watched_targets()),
            overdue=self.progress.overdue(),
            pending=sum(backlog.pending for backlog in self.backlogs().values()),
            oldest=self._oldest_delivery_seconds(),
        )

    def _oldest_delivery_seconds(self) -> float:
        """Return for how long the oldest delivery that could have been sent has waited."""
        since = min(
            (backlog.since for backlog in self.backlogs().values() if backlog.since is not None),
            default=None,
        )
        return 0.0 if since is None else max(0.0, (self.clock.now() - since).total_seconds())

    async def _notify_watchdog(self) -> None:
        """Tell systemd that this process moves. If it is not told, it restarts the process."""
        if self.progress.is_moving():
            self.manager.notify("WATCHDOG=1")


@dataclass(frozen=True, slots=True)
class DeadManSwitch:
    """Pings an address unless there is a reason to alarm. The address is a secret and never logged.

    `count_ping` is called with each outcome: `accepted`, `refused` or `withheld`.
    """

    fetcher: Fetcher
    url: str = field(repr=False)
    reasons_to_alarm: Callable[[], Sequence[str]]
    count_ping: Callable[[str], None]

    async def ping(self) -> None:
        """Send one request, or count and log why not: the missing ping is the alarm."""
        reasons = list(self.reasons_to_alarm())
        if reasons:
            self.count_ping("withheld")
            _log.warning("deadman_withheld", reasons=reasons)
            return
        answer = await self.fetcher.fetch(Request(self.url, cap=_MAX_ANSWER_BYTES, may_cut=True))
        is_accepted = not isinstance(answer, Failure) and answer.status < 300
        self.count_ping("accepted" if is_accepted else "refused")
        if not is_accepted:
            _log.warning(
                "deadman_refused",
                why=answer.reason.value if isinstance(answer, Failure) else answer.status,
            )


@dataclass(frozen=True, slots=True)
class Check:
    """A part of the monitor with its state.

    `todo` says what to do about a fault (empty: no fault). `alert` names its section of the
    runbook.
    """

    name: str
    state: str
    todo: str = ""
    alert: str = ""

    @property
    def is_good(self) -> bool:
        """Return whether no one has to act."""
        return not self.todo
