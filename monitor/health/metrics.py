"""What Prometheus reads: counters of what was done, and the state of every release near its slot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from monitor.health.histogram import QuickCounter, QuickHistogram
from monitor.look.fetch import Failure, Reason
from monitor.look.sighting import State

disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves this one bare

_LATENESS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_CAUSES = ("stopped", "killed", "suspended", "stalled", "network", "dns", "budget", "store", "clock", "no_worker")
_LOOKED = (*(state.value for state in State), *(reason.value for reason in Reason))
_DELIVERED = ("sent", "again", "given_up")
_PINGED = ("accepted", "refused", "withheld")
_STALE_READS = 3
MOST_HOSTS = 200
"""Hosts with series of their own; looks at further ones are counted together, so that their number is bounded."""
OTHER_HOSTS = "other"


@dataclass(frozen=True, slots=True)
class _Single(Collector):
    """One metric by itself."""

    metric: Metric

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return [self.metric]


class Metrics:
    """Every metric of the interface, in a registry of its own."""

    def __init__(
        self,
        version: str,
        calendars: Mapping[str, timedelta] | None = None,
        hosts: Iterable[str] = (),
        channels: Iterable[str] = (),
    ) -> None:
        """Make every series that is known beforehand, so that none is missing before its first event.

        `calendars` are the spacings of their reads.
        """
        self.registry = registry = CollectorRegistry()
        counter = partial(Counter, namespace="ninethirty", registry=registry)
        gauge = partial(Gauge, namespace="ninethirty", registry=registry)
        histogram = partial(Histogram, namespace="ninethirty", registry=registry)
        by_look = partial(QuickHistogram, registry)
        self._hosts: set[str] = set()
        self.looks = QuickCounter(registry, "looks", "Looks made", ["host", "outcome"])
        self.missed = QuickCounter(registry, "looks_missed", "Looks that were due and not made", ["host"])
        self.too_costly = counter("too_costly", "Answers that could not be read within their bounds", ["host"])
        self.duration = by_look("look_duration_seconds", "Request sent to headers received", Histogram.DEFAULT_BUCKETS)
        self.lateness = by_look("look_lateness_seconds", "Start of a look after it was due", _LATENESS)
        self.calendar_read = gauge("calendar_last_read_timestamp_seconds", "Last usable read", ["calendar"])
        self.calendar_entries = gauge("calendar_entries", "Entries at the last usable read", ["calendar"])
        self.calendar_stale = gauge("calendar_stale_after_seconds", "Age from which a calendar is stale", ["calendar"])
        self.blind = counter("blind_seconds", "Seconds without sight", ["cause"])
        self.clock_offset = gauge("clock_offset_seconds", "Our clock minus that of the watched hosts")
        self.given_up = gauge("outbox_given_up", "Deliveries given up within the last seven days")
        self.reports_owed = gauge("reports_owed", "Reports neither signed nor waived")
        self.report_owed = gauge("report_owed_oldest_seconds", "For how long the oldest of them has been owed")
        self.actions_overdue = gauge("actions_overdue", "Actions of incidents not done by their day")
        self.notices = counter("notices", "Attempts to deliver", ["channel", "outcome"])
        self.commit = histogram("store_commit_seconds", "Length of a commit")
        self.store_failures = counter("store_failures", "Attempts to write to the store that failed")
        self.pings = counter("deadman_pings", "Signs of life, sent or not", ["outcome"])
        self.slots_passed = counter("slots_passed", "Slots that passed while watched")
        self.exposures = counter("exposures", "Exposures that began while watched")
        self.worker_start_failures = counter("worker_start_failures", "Workers that did not start")
        self.faults = counter("faults", "Faults inside the program", ["task"])
        self.reload_taken = gauge("config_last_reload_successful", "Whether the last configuration read was taken")
        self.reload_at = gauge("config_last_reload_success_timestamp_seconds", "When one was last taken")
        ProcessCollector(registry=registry)
        gauge("build_info", "Version", ["version"]).labels(version).set(1)
        for cause in _CAUSES:
            self.blind.labels(cause)
        for outcome in _PINGED:
            self.pings.labels(outcome)
        self._calendars: set[str] = set()
        self.expect(calendars or {}, hosts, channels)

    def expect(self, calendars: Mapping[str, timedelta], hosts: Iterable[str], channels: Iterable[str]) -> None:
        """Make the series of these calendars, hosts and channels; no other calendar has any from now on."""
        for gone in self._calendars - calendars.keys():
            for told in (self.calendar_read, self.calendar_entries, self.calendar_stale):
                told.remove(gone)
        self._calendars = set(calendars)
        for name, every in calendars.items():
            self.calendar_read.labels(name)
            self.calendar_entries.labels(name)
            self.calendar_stale.labels(name).set(_STALE_READS * every.total_seconds())
        for host in hosts:
            if host not in self._hosts:
                self._named(host)
        for channel in channels:
            for outcome in _DELIVERED:
                self.notices.labels(channel, outcome)

    def reloaded(self, at: datetime | None) -> None:
        """Note that a configuration was taken at an instant, or, without one, that the last was refused."""
        self.reload_taken.set(at is not None)
        if at is not None:
            self.reload_at.set(at.timestamp())

    def owed(self, count: int, longest: timedelta, actions: int) -> None:
        """Note how many reports are owed, for how long the longest has been, and how many actions are overdue."""
        self.actions_overdue.set(actions)
        self.reports_owed.set(count)
        self.report_owed.set(longest.total_seconds())

    def look(self, host: str, outcome: str, duration: float, late: float) -> None:
        """Count one look: its outcome, how long the answer took and how late it started, in seconds."""
        self.looks.counts[host if host in self._hosts else self._named(host), outcome] += 1
        self.duration.observe(duration)
        self.lateness.observe(late)

    def delivered(self, channel: str, outcome: str) -> None:
        """Count one attempt to deliver."""
        self.notices.labels(channel, outcome).inc()

    def cost_too_much(self, host: str) -> None:
        """Count one answer that could not be read within its bounds."""
        self.too_costly.labels(self._named(host)).inc()

    def pinged(self, outcome: str) -> None:
        """Count one sign of life, sent or not."""
        self.pings.labels(outcome).inc()

    def miss(self, host: str, looks: int) -> None:
        """Count looks that were due and not made."""
        self.missed.counts[host if host in self._hosts else self._named(host),] += looks

    def page(self, *states: Collector) -> Iterator[bytes]:
        """Yield the text that Prometheus reads, a metric at a time, `states` first: reading them may count."""
        for one in (*states, self.registry):
            yield from (generate_latest(_Single(metric)) for metric in one.collect())

    def _named(self, host: str) -> str:
        """Return the host that a look is counted under, with every series of it made before its first event."""
        named = host if len(self._hosts) < MOST_HOSTS else OTHER_HOSTS
        if named not in self._hosts:
            self._hosts.add(named)
            for labels in ((named, outcome) for outcome in _LOOKED):
                self.looks.counts[labels] = 0
            self.missed.counts[named,] = 0
        return named


def outcome_of(state: State, failure: Failure | None) -> str:
    """Return the word that `looks_total` counts a look under."""
    return str(state if failure is None else failure.reason)
