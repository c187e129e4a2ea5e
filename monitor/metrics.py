"""What Prometheus reads: counters of what was done, and the state of every release near its slot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.judge.verdict import Verdict, Word
from monitor.look.fetch import Failure
from monitor.look.sighting import State

disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves this one bare

_LATENESS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_CAUSES = ("stopped", "killed", "suspended", "stalled", "network", "dns", "budget", "store", "clock")
BEFORE_SLOT = timedelta(hours=2)
AFTER_FINAL = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A release as metrics see it: its verdict and when that became final (None: not yet)."""

    verdict: Verdict
    final_since: datetime | None


class Metrics:
    """Every metric of the interface, in a registry of its own."""

    def __init__(self, version: str) -> None:
        """Make every series that is known beforehand, so that none is missing before its first event."""
        self.registry = registry = CollectorRegistry()
        self.looks = Counter("ninethirty_looks", "Looks made", ["host", "outcome"], registry=registry)
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
        self.stretch = Gauge(
            "ninethirty_watch_stretch",
            "How much wider looks are spaced than planned",
            ["host"],
            registry=registry,
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
        self.blind = Counter("ninethirty_blind_seconds", "Seconds without sight", ["cause"], registry=registry)
        self.clock_offset = Gauge(
            "ninethirty_clock_offset_seconds",
            "Our clock minus that of the watched hosts",
            registry=registry,
        )
        self.outbox = Gauge("ninethirty_outbox_pending", "Deliveries that wait", registry=registry)
        self.notices = Counter("ninethirty_notices", "Attempts to deliver", ["channel", "outcome"], registry=registry)
        self.commit = Histogram("ninethirty_store_commit_seconds", "Length of a commit", registry=registry)
        self.slots_passed = Counter("ninethirty_slots_passed", "Slots that passed while watched", registry=registry)
        self.faults = Counter("ninethirty_faults", "Faults inside the program", ["task"], registry=registry)
        Gauge("ninethirty_build_info", "Version", ["version"], registry=registry).labels(version).set(1)
        for cause in _CAUSES:
            self.blind.labels(cause)

    def look(self, host: str, outcome: str, duration: float, late: float) -> None:
        """Count one look: its outcome, how long the answer took and how late it started, in seconds."""
        self.looks.labels(host, outcome).inc()
        self.duration.observe(duration)
        self.lateness.observe(late)

    def show(self, releases: Callable[[], Sequence[Shown]], now: Callable[[], datetime]) -> None:
        """Serve the state of releases from memory at every scrape."""
        self.registry.register(_Releases(releases, now))

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)


def outcome_of(state: State, failure: Failure | None) -> str:
    """Return the word that `looks_total` counts a look under."""
    return failure.reason.value if failure is not None else state.value


class _Releases(Collector):
    """The state of releases, one series each only while their slot is near, so that their number is bounded."""

    def __init__(self, releases: Callable[[], Sequence[Shown]], now: Callable[[], datetime]) -> None:
        self._releases = releases
        self._now = now

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        shown = self._releases()
        near = [row.verdict for row in shown if _is_near(row, self._now())]
        yield _counted(shown)
        yield _family("release_overdue_seconds", "Seconds since the slot, still absent", near, _overdue(self._now()))
        yield _family("release_exposure_open", "1 while something is out early", near, _exposed)
        yield _delays(near)


def _is_near(row: Shown, now: datetime) -> bool:
    slot = row.verdict.slot.begins() if row.verdict.slot is not None else None
    if slot is None or slot - BEFORE_SLOT > now:
        return any(exposure.open for exposure in row.verdict.exposures)
    return row.final_since is None or now < row.final_since + AFTER_FINAL


def _counted(shown: Sequence[Shown]) -> Metric:
    family = GaugeMetricFamily("ninethirty_releases", "Watched releases by verdict", labels=["verdict"])
    for word in Word:
        family.add_metric([word.value], sum(row.verdict.word is word for row in shown))
    return family


def _family(name: str, text: str, verdicts: Sequence[Verdict], value: Callable[[Verdict], float]) -> Metric:
    family = GaugeMetricFamily(f"ninethirty_{name}", text, labels=["release", "producer"])
    for verdict in verdicts:
        family.add_metric([verdict.release, verdict.producer], value(verdict))
    return family


def _overdue(now: datetime) -> Callable[[Verdict], float]:
    def seconds(verdict: Verdict) -> float:
        slot = verdict.slot.passes() if verdict.slot is not None else None
        return (now - slot).total_seconds() if verdict.word is Word.OVERDUE and slot is not None else 0.0

    return seconds


def _exposed(verdict: Verdict) -> float:
    return float(any(exposure.open for exposure in verdict.exposures))


def _delays(verdicts: Sequence[Verdict]) -> Metric:
    family = GaugeMetricFamily(
        "ninethirty_release_delay_seconds",
        "Measured delay, both bounds",
        labels=["release", "producer", "bound"],
    )
    for verdict in verdicts:
        delay = verdict.page.delay if verdict.page is not None else None
        for bound in ("min", "max"):
            value = getattr(delay, bound, None)
            if value is not None:
                family.add_metric([verdict.release, verdict.producer, bound], value)
    return family
