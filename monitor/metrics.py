"""What Prometheus reads: counters of what was done, and the state of every release near its slot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from monitor.gauges import Now, Shown, Vitals
from monitor.look.fetch import Failure, Reason
from monitor.look.sighting import State

disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves this one bare

_LATENESS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_CAUSES = ("stopped", "killed", "suspended", "stalled", "network", "dns", "budget", "store", "clock")
_LOOKED = (*(state.value for state in State), *(reason.value for reason in Reason))
_DELIVERED = ("sent", "again", "given_up")
_PINGED = ("accepted", "refused", "withheld")
_STALE_READS = 3
MOST_HOSTS = 200
"""Hosts with series of their own; looks at further ones are counted together, so that their number is bounded."""
OTHER_HOSTS = "other"


class Metrics:
    """Every metric of the interface, in a registry of its own."""

    def __init__(self, version: str) -> None:
        """Make every series that is known beforehand, so that none is missing before its first event."""
        self.registry = registry = CollectorRegistry()
        self.looks = Counter("ninethirty_looks", "Looks made", ["host", "outcome"], registry=registry)
        self._counts: dict[tuple[str, str], Callable[[], None]] = {}
        self.duration = Histogram(
            "ninethirty_look_duration_seconds",
            "Request sent to headers received",
            registry=registry,
        )
        self.lateness = Histogram(
            "ninethirty_look_lateness_seconds",
            "Start of a look after it was due",
            registry=registry,
            buckets=_LATENESS,
        )
        self.missed = Counter(
            "ninethirty_looks_missed", "Looks that were due and not made", ["host"], registry=registry
        )
        self.calendar_read = Gauge(
            "ninethirty_calendar_last_read_timestamp_seconds",
            "Last usable read",
            ["calendar"],
            registry=registry,
        )
        self.calendar_entries = Gauge(
            "ninethirty_calendar_entries",
            "Entries at the last usable read",
            ["calendar"],
            registry=registry,
        )
        self.calendar_stale = Gauge(
            "ninethirty_calendar_stale_after_seconds",
            "Age of the last usable read from which a calendar is stale",
            ["calendar"],
            registry=registry,
        )
        self.blind = Counter("ninethirty_blind_seconds", "Seconds without sight", ["cause"], registry=registry)
        self.clock_offset = Gauge(
            "ninethirty_clock_offset_seconds",
            "Our clock minus that of the watched hosts",
            registry=registry,
        )
        self.given_up = Gauge(
            "ninethirty_outbox_given_up", "Deliveries given up within the last seven days", registry=registry
        )
        self.notices = Counter("ninethirty_notices", "Attempts to deliver", ["channel", "outcome"], registry=registry)
        self.commit = Histogram("ninethirty_store_commit_seconds", "Length of a commit", registry=registry)
        self.store_failures = Counter(
            "ninethirty_store_failures", "Attempts to write to the store that failed", registry=registry
        )
        self.pings = Counter("ninethirty_deadman_pings", "Signs of life, sent or not", ["outcome"], registry=registry)
        self.slots_passed = Counter("ninethirty_slots_passed", "Slots that passed while watched", registry=registry)
        self.faults = Counter("ninethirty_faults", "Faults inside the program", ["task"], registry=registry)
        Gauge("ninethirty_build_info", "Version", ["version"], registry=registry).labels(version).set(1)
        for cause in _CAUSES:
            self.blind.labels(cause)
        for outcome in _PINGED:
            self.pings.labels(outcome)
        self._hosts: set[str] = set()

    def expect(self, calendars: Mapping[str, timedelta], hosts: Iterable[str], channels: Iterable[str]) -> None:
        """Make the series of what is configured; `calendars` are the spacings of their reads."""
        for name, every in calendars.items():
            self.calendar_read.labels(name)
            self.calendar_entries.labels(name)
            self.calendar_stale.labels(name).set(_STALE_READS * every.total_seconds())
        for host in hosts:
            self._named(host)
        for channel in channels:
            for outcome in _DELIVERED:
                self.notices.labels(channel, outcome)

    def look(self, host: str, outcome: str, duration: float, late: float) -> None:
        """Count one look: its outcome, how long the answer took and how late it started, in seconds."""
        count = self._counts.get((host, outcome))
        if count is None:
            # Finding a series by its labels takes longer than counting.
            count = self._counts[host, outcome] = self.looks.labels(self._named(host), outcome).inc
        count()
        self.duration.observe(duration)
        self.lateness.observe(late)

    def miss(self, host: str, looks: int) -> None:
        """Count looks that were due and not made."""
        self.missed.labels(self._named(host)).inc(looks)

    def show(
        self, releases: Callable[[], Sequence[Shown]], vitals: Callable[[], Vitals], now: Callable[[], datetime]
    ) -> None:
        """Serve the state of releases and of the monitor itself from memory at every scrape."""
        self.registry.register(Now(releases, vitals, now, self.slots_passed.inc, self.faults.labels("metrics").inc))

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)

    def _named(self, host: str) -> str:
        """Return the host that a look is counted under, with every series of it made before its first event."""
        if host in self._hosts:
            return host
        named = host if len(self._hosts) < MOST_HOSTS else OTHER_HOSTS
        self._hosts.add(named)
        for outcome in _LOOKED:
            self.looks.labels(named, outcome)
        self.missed.labels(named)
        return named


def outcome_of(state: State, failure: Failure | None) -> str:
    """Return the word that `looks_total` counts a look under."""
    return failure.reason.value if failure is not None else state.value
