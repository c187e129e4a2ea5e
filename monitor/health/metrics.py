"""All counters, and the page of metrics that Prometheus reads."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from math import inf

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
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from monitor.look.fetch import Failure, Reason
from monitor.look.sighting import State

disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves this one bare

_NAMESPACE = "ninethirty"
_LATENESS_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_BLIND_CAUSES = (
    "stopped",
    "killed",
    "suspended",
    "stalled",
    "network",
    "dns",
    "budget",
    "store",
    "clock",
    "no_worker",
)
_EMBARGOED = "embargoed"
_LOOK_OUTCOMES = (
    *(state.value for state in State),
    _EMBARGOED,
    *(reason.value for reason in Reason),
)
_DELIVERY_OUTCOMES = ("sent", "again", "given_up")
_PING_OUTCOMES = ("accepted", "refused", "withheld")
FRESH_READS = 3
"""After so many spacings of its reads without a usable one, a calendar is stale."""
MOST_HOSTS = 200
"""Looks at further hosts are counted together."""
OTHER_HOSTS = "other"


class QuickHistogram(Collector):
    """A histogram without locks: one thread observes values, any can read it."""

    def __init__(
        self, registry: CollectorRegistry, name: str, help_text: str, bounds: Sequence[float]
    ) -> None:
        """Register it as `ninethirty_NAME`. `bounds` are the upper ends of buckets, ascending."""
        self._name, self._help = f"{_NAMESPACE}_{name}", help_text
        self._bounds = tuple(bound for bound in bounds if bound != inf)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield what was counted so far."""
        ends = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        buckets = list(zip(ends, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._help, buckets=buckets, sum_value=self._sum)


class QuickCounter(Collector):
    """A counter without locks: one thread adds to `counts`, by the values of its labels."""

    def __init__(
        self, registry: CollectorRegistry, name: str, help_text: str, labels: Sequence[str]
    ) -> None:
        """Register the counter as `ninethirty_NAME_total`."""
        self._name, self._help, self._labels = f"{_NAMESPACE}_{name}", help_text, labels
        self.counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what was counted so far."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, count in list(self.counts.items()):
            family.add_metric(labels, count)
        yield family


@dataclass(frozen=True, slots=True)
class _SingleMetric(Collector):
    """A collector of one metric."""

    metric: Metric

    def collect(self) -> Iterable[Metric]:
        """Return the metric."""
        return [self.metric]


class Metrics:
    """Every documented metric, in its own registry."""

    def __init__(
        self,
        version: str,
        calendars: Mapping[str, timedelta] | None = None,
        hosts: Iterable[str] = (),
        channels: Iterable[str] = (),
    ) -> None:
        """Create every series known in advance, so that none is absent before its first event.

        `calendars` are the spacings of their reads.
        """
        self.registry = CollectorRegistry()
        self._hosts: set[str] = set()
        self._calendars: set[str] = set()
        # The page of metrics has them in this order.
        self._add_looks()
        self._add_calendars()
        self._add_sight()
        self._add_reporting()
        self._add_writes_and_pings()
        self._add_releases()
        self._add_program(version)
        self.prepare_series(calendars or {}, hosts, channels)

    def _add_looks(self) -> None:
        registry = self.registry
        self.looks = QuickCounter(registry, "looks", "Looks made", ["host", "outcome"])
        self.missed = QuickCounter(
            registry, "looks_missed", "Looks that were due and not made", ["host"]
        )
        self.too_costly = self._make_counter(
            "too_costly", "Answers that could not be read within their bounds", ["host"]
        )
        self.duration = QuickHistogram(
            registry,
            "look_duration_seconds",
            "Request sent to headers received",
            Histogram.DEFAULT_BUCKETS,
        )
        self.lateness = QuickHistogram(
            registry, "look_lateness_seconds", "Start of a look after it was due", _LATENESS_BUCKETS
        )

    def _add_calendars(self) -> None:
        self.calendar_read = self._make_gauge(
            "calendar_last_read_timestamp_seconds", "Last usable read", ["calendar"]
        )
        self.calendar_entries = self._make_gauge(
            "calendar_entries", "Entries at the last usable read", ["calendar"]
        )
        self.calendar_stale = self._make_gauge(
            "calendar_stale_after_seconds", "Age from which a calendar is stale", ["calendar"]
        )

    def _add_sight(self) -> None:
        """Add whether and how well this monitor sees: blind spans, its clock, and if it leads."""
        self.blind = self._make_counter("blind_seconds", "Seconds without sight", ["cause"])
        for cause in _BLIND_CAUSES:
            self.blind.labels(cause)
        self.clock_offset = self._make_gauge(
            "clock_offset_seconds", "Our clock minus that of the watched hosts"
        )
        self.leading = self._make_gauge(
            "leading", "Whether this monitor looks, or is a standby (0)"
        )
        self.leading.set(1)

    def _add_reporting(self) -> None:
        """Add what people are sent, and what they have yet to do."""
        self.given_up = self._make_gauge(
            "outbox_given_up", "Deliveries given up within the last seven days"
        )
        self.reports_owed = self._make_gauge("reports_owed", "Reports neither signed nor waived")
        self.report_owed = self._make_gauge(
            "report_owed_oldest_seconds", "For how long the oldest of them has been owed"
        )
        self.actions_overdue = self._make_gauge(
            "actions_overdue", "Actions of incidents not done by their day"
        )
        self.notices = self._make_counter("notices", "Attempts to deliver", ["channel", "outcome"])

    def _add_writes_and_pings(self) -> None:
        self.commit = Histogram(
            "store_commit_seconds",
            "Length of a commit",
            namespace=_NAMESPACE,
            registry=self.registry,
        )
        self.store_failures = self._make_counter(
            "store_failures", "Attempts to write to the store that failed"
        )
        self.pings = self._make_counter("deadman_pings", "Signs of life, sent or not", ["outcome"])
        for outcome in _PING_OUTCOMES:
            self.pings.labels(outcome)

    def _add_releases(self) -> None:
        self.slots_passed = self._make_counter("slots_passed", "Slots that passed while watched")
        self.exposures = self._make_counter("exposures", "Exposures that began while watched")

    def _add_program(self, version: str) -> None:
        self.worker_start_failures = self._make_counter(
            "worker_start_failures", "Workers that did not start"
        )
        self.faults = self._make_counter("faults", "Faults inside the program", ["task"])
        self.reload_taken = self._make_gauge(
            "config_last_reload_successful", "Whether the last configuration read was taken"
        )
        self.reload_at = self._make_gauge(
            "config_last_reload_success_timestamp_seconds", "When one was last taken"
        )
        ProcessCollector(registry=self.registry)
        self._make_gauge("build_info", "Version", ["version"]).labels(version).set(1)

    def _make_counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, text, labels, namespace=_NAMESPACE, registry=self.registry)

    def _make_gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, text, labels, namespace=_NAMESPACE, registry=self.registry)

    def prepare_series(
        self, calendars: Mapping[str, timedelta], hosts: Iterable[str], channels: Iterable[str]
    ) -> None:
        """Create the series of these calendars (with the spacings of their reads), hosts and
        channels, and remove those of other calendars.
        """
        for removed in self._calendars - calendars.keys():
            for metric in (self.calendar_read, self.calendar_entries, self.calendar_stale):
                metric.remove(removed)
        self._calendars = set(calendars)
        for name, every in calendars.items():
            self.calendar_read.labels(name)
            self.calendar_entries.labels(name)
            self.calendar_stale.labels(name).set(FRESH_READS * every.total_seconds())
        for host in hosts:
            self._host_label(host)
        for channel in channels:
            for outcome in _DELIVERY_OUTCOMES:
                self.notices.labels(channel, outcome)

    def record_reload(self, at: datetime | None) -> None:
        """Record that a configuration was loaded at an instant, or that it was refused (None)."""
        self.reload_taken.set(at is not None)
        if at is not None:
            self.reload_at.set(at.timestamp())

    def record_owed(self, count: int, longest: timedelta, actions: int) -> None:
        """Record the owed reports, the age of the oldest, and the overdue actions."""
        self.actions_overdue.set(actions)
        self.reports_owed.set(count)
        self.report_owed.set(longest.total_seconds())

    def count_look(self, host: str, outcome: str, duration: float, late: float) -> None:
        """Count one look. `duration` of the response and `late` at its start are in seconds."""
        self.looks.counts[self._host_label(host), outcome] += 1
        self.duration.observe(duration)
        self.lateness.observe(late)

    def count_delivery(self, channel: str, outcome: str) -> None:
        """Count one attempt to deliver a notice."""
        self.notices.labels(channel, outcome).inc()

    def count_too_costly(self, host: str) -> None:
        """Count one response that could not be parsed within its limits."""
        self.too_costly.labels(self._host_label(host)).inc()

    def count_ping(self, outcome: str) -> None:
        """Count one ping of the dead man's switch, sent or withheld."""
        self.pings.labels(outcome).inc()

    def count_missed(self, host: str, looks: int) -> None:
        """Count looks that were due and not made."""
        self.missed.counts[self._host_label(host),] += looks

    def render(self, *states: Collector) -> Iterator[bytes]:
        """Yield the text for Prometheus, first that of `states`, which may count."""
        yield from render_metrics(*states, self.registry)

    def _host_label(self, host: str) -> str:
        """Return the label of a host, and create its series if it is new.

        Beyond `MOST_HOSTS` it is `OTHER_HOSTS`.
        """
        label = host if host in self._hosts or len(self._hosts) < MOST_HOSTS else OTHER_HOSTS
        if label not in self._hosts:
            self._hosts.add(label)
            for labels in ((label, outcome) for outcome in _LOOK_OUTCOMES):
                self.looks.counts[labels] = 0
            self.missed.counts[label,] = 0
        return label


def render_metrics(*collectors: Collector) -> Iterator[bytes]:
    """Yield the text of these collectors, one metric at a time."""
    for collector in collectors:
        yield from (generate_latest(_SingleMetric(metric)) for metric in collector.collect())


def outcome_of(state: State, failure: Failure | None, *, is_embargoed: bool) -> str:
    """Return the outcome that `looks_total` counts a look under: its state, which stays secret
    before the slot, or the reason of its failure.
    """
    if failure is not None:
        return str(failure.reason)
    return _EMBARGOED if is_embargoed else str(state)
