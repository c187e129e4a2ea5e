"""Gauges of releases and of the monitor, read from memory at each scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.fact_rules import CALENDAR_FINDINGS
from monitor.health.metrics import Metrics
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import FindingKind, Grade, VerdictKind
from schedules.times.json import instant_json

BEFORE_SLOT = timedelta(hours=2)
AFTER_FINAL = timedelta(days=1)
_RELEASE = ("release", "producer")
_LONGEST_TITLE = 100
_ONLY_AFTER_SLOT = frozenset(
    (VerdictKind.ON_TIME, VerdictKind.LATE, VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED)
)
"""Verdicts that are given only after a slot."""
_FINDINGS: Mapping[str, Callable[[Verdict], bool]] = {
    "late": lambda verdict: verdict.verdict in (VerdictKind.LATE, VerdictKind.NOT_PUBLISHED),
    "partial": lambda verdict: verdict.has_finding(FindingKind.PARTIAL),
    "early": lambda verdict: bool(verdict.exposures),
    "unproven": lambda verdict: verdict.verdict is VerdictKind.UNPROVEN,
    "withdrawn": lambda verdict: verdict.has_finding(FindingKind.WITHDRAWN),
    "swapped": lambda verdict: verdict.has_finding(FindingKind.SWAPPED),
    "calendar": lambda verdict: verdict.has_finding(*CALENDAR_FINDINGS),
}
"""Findings that alert rules query, also if 0, so that the last value survives a missed scrape."""


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """A release for metrics: its verdict, and when that became final (None: not yet)."""

    verdict: Verdict
    final_since: datetime | None


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The monitor itself for metrics.

    `stretch` is by host how much wider looks are spaced than planned. The budgets of `short_hosts`
    are too small to prove every part. In seconds, `overdue` is the
    delay of the most overdue look, `oldest` the wait of the oldest delivery that could be sent.
    """

    unready: Sequence[str] = ()
    stretch: Mapping[str, float] | None = None
    short_hosts: Collection[str] = ()
    targets: int = 0
    overdue: float = 0.0
    pending: int = 0
    oldest: float = 0.0


@dataclass(eq=False)
class StateCollector(Collector):
    """Collects all gauges. A release has its own series only while its slot is near, and before the
    slot these say only that it is promised (`EmbargoedCollector` has the rest).

    Each scrape counts the slots that have passed since the last one, the exposures that began, and
    its own failure.
    """

    releases: Callable[[], Sequence[ReleaseState]]
    monitor_state: Callable[[], MonitorState]
    now: Callable[[], datetime]
    counters: Metrics
    _counted_slots: set[tuple[str, datetime]] = field(default_factory=set)
    _counted_exposures: set[tuple[str, str, datetime]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began = self.now()
        self.counters.faults.labels("metrics")  # queries find the series before the first failure

    def describe(self) -> Iterable[Metric]:
        """Return no metrics, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, and count what is new since the last scrape.

        Yield none after an error, so that other collectors are still served.
        """
        now = self.now()
        try:
            shown = [_public_state(row, now) for row in self.releases()]
            families = [*_release_families(shown, now), *_monitor_families(self.monitor_state())]
        except Exception:  # noqa: BLE001 # a failed scrape would look like a monitor that is down, so it is counted
            self.counters.faults.labels("metrics").inc()
            return
        self._count_new([row.verdict for row in shown], now)
        yield from families

    def _count_new(self, shown: Sequence[Verdict], now: datetime) -> None:
        """Count once each slot that passed and exposure that began since the start."""
        passed: set[tuple[str, datetime]] = set()
        began: set[tuple[str, str, datetime]] = set()
        for verdict in shown:
            end = verdict.slot_passes
            if end is not None and self._began < end <= now:
                passed.add((verdict.release, end))
            for each in verdict.exposures:
                at = each.start.by
                if at is not None and at > self._began:
                    began.add((verdict.release, each.part, at))
        # Without those of the last scrape.
        self.counters.slots_passed.inc(len(passed - self._counted_slots))
        self.counters.exposures.inc(len(began - self._counted_exposures))
        self._counted_slots, self._counted_exposures = passed, began


def _release_families(shown: Sequence[ReleaseState], now: datetime) -> Iterator[Metric]:
    near = [row.verdict for row in shown if _is_near(row, now)]
    yield _count_by_verdict(shown)
    yield _show_verdicts(near)
    yield _show_titles_and_slots(near)
    yield from _measure_releases([one for one in near if _has_passed(one, now)], now)


@dataclass(frozen=True, eq=False)
class EmbargoedCollector(Collector):
    """Collects exposures, findings and delays of releases whose slot has not passed."""

    releases: Callable[[], Sequence[ReleaseState]]
    now: Callable[[], datetime]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, without a series for any release whose slot has passed."""
        now = self.now()
        near = [row.verdict for row in self.releases() if _is_near(row, now)]
        yield from _measure_releases([one for one in near if not _has_passed(one, now)], now)


def _has_passed(verdict: Verdict, now: datetime) -> bool:
    """Return whether the slot of a release has passed. False without a slot, as on the pages."""
    end = verdict.slot_passes
    # So a clock that is set back hides no result.
    if verdict.verdict in _ONLY_AFTER_SLOT:
        return True
    return end is not None and end <= now


def _public_state(row: ReleaseState, now: datetime) -> ReleaseState:
    """Return the numbers of a release that everyone may know."""
    verdict = row.verdict
    if _has_passed(verdict, now):
        return row
    # "cancelled" depends only on calendars.
    is_cancelled = verdict.verdict is VerdictKind.CANCELLED
    kind = verdict.verdict if is_cancelled else VerdictKind.PENDING
    promised = replace(verdict, verdict=kind, grade=Grade.NONE, parts=(), findings=())
    return ReleaseState(promised, row.final_since if is_cancelled else None)


def _measure_releases(near: Sequence[Verdict], now: datetime) -> Iterator[Metric]:
    yield _measure_each(
        near,
        "release_overdue_seconds",
        "Seconds since the slot, still absent",
        lambda verdict: _overdue_seconds(verdict, now),
    )
    yield _measure_each(
        near,
        "release_exposure_open",
        "1 while something is out early",
        lambda verdict: float(verdict.is_exposed),
    )
    yield _show_findings(near)
    yield _measure_each(
        near,
        "release_exposures",
        "Exposures so far, open and over",
        lambda verdict: float(len(verdict.exposures)),
    )
    yield _show_delays(near)
    yield _measure_each(
        near,
        "release_early_bound_seconds",
        "Seconds before the slot at which absence was last proved: the release came no earlier",
        lambda verdict: verdict.page.early_bound if verdict.page is not None else None,
    )


def _measure_each(
    near: Iterable[Verdict], name: str, text: str, measure: Callable[[Verdict], float | None]
) -> Metric:
    """Return a gauge with a value for each near release. A release with None has no series."""
    measured = ((_release_labels(verdict), measure(verdict)) for verdict in near)
    series = ((labels, value) for labels, value in measured if value is not None)
    return _make_family(name, text, _RELEASE, series)


def _overdue_seconds(verdict: Verdict, now: datetime) -> float:
    end = verdict.slot_passes if verdict.verdict is VerdictKind.OVERDUE else None
    return 0.0 if end is None else (now - end).total_seconds()


def _count_by_verdict(shown: Iterable[ReleaseState]) -> Metric:
    counts = Counter(row.verdict.verdict for row in shown)
    series = (((word.value,), counts[word]) for word in VerdictKind)
    return _make_family("releases", "Watched releases by verdict", ("verdict",), series)


def _show_verdicts(near: Iterable[Verdict]) -> Metric:
    series = (((*_release_labels(one), one.verdict.value, one.grade.value), 1.0) for one in near)
    return _make_family(
        "release_verdict",
        "1 for the verdict and grade in force",
        (*_RELEASE, "verdict", "grade"),
        series,
    )


def _show_findings(near: Iterable[Verdict]) -> Metric:
    series = []
    for one in near:
        for kind, has in _FINDINGS.items():
            series.append(((*_release_labels(one), kind), float(has(one))))
    return _make_family("release_finding", "1 while it is so, else 0", (*_RELEASE, "kind"), series)


def _show_titles_and_slots(near: Iterable[Verdict]) -> Metric:
    series = (
        (
            (
                *_release_labels(one),
                one.title[:_LONGEST_TITLE],
                instant_json(one.slot_passes) or "",
            ),
            1.0,
        )
        for one in near
    )
    return _make_family(
        "release_info", "Title and slot, always 1", (*_RELEASE, "title", "slot"), series
    )


def _show_delays(near: Iterable[Verdict]) -> Metric:
    series = []
    for one in near:
        if one.page is None or one.page.delay is None:
            continue
        for bound, value in (("min", one.page.delay.min), ("max", one.page.delay.max)):
            if value is not None:
                series.append(((*_release_labels(one), bound), value))
    return _make_family(
        "release_delay_seconds", "Measured delay, both bounds", (*_RELEASE, "bound"), series
    )


def _monitor_families(monitor_state: MonitorState) -> Iterator[Metric]:
    """Yield readiness, looks, deliveries, and spacing of looks by host."""
    yield _make_gauge(
        "ready", "1 while this monitor is to be relied on", float(not monitor_state.unready)
    )
    yield _make_gauge("targets_watched", "Addresses that are being watched", monitor_state.targets)
    yield _make_gauge(
        "look_overdue_seconds", "How late the most overdue look is", monitor_state.overdue
    )
    yield _make_gauge("outbox_pending", "Deliveries that wait", monitor_state.pending)
    yield _make_gauge(
        "outbox_oldest_seconds",
        "Seconds that a delivery has waited after it was due",
        monitor_state.oldest,
    )
    factors = monitor_state.stretch or {}
    stretch = (((host,), factor) for host, factor in factors.items())
    yield _make_family(
        "watch_stretch", "How much wider looks are spaced than planned", ("host",), stretch
    )
    is_short = (((host,), float(host in monitor_state.short_hosts)) for host in factors)
    yield _make_family(
        "budget_short", "1 while a budget is too small to prove every part", ("host",), is_short
    )


def _make_gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ninethirty_{name}", text, value=value)


def _is_near(row: ReleaseState, now: datetime) -> bool:
    """Return whether a release is near: from 2 h before its slot to a day after it became final, or
    exposed now.
    """
    slot = row.verdict.slot_begins
    if slot is None or slot - BEFORE_SLOT > now:
        return row.verdict.is_exposed
    return row.final_since is None or now < row.final_since + AFTER_FINAL


def _make_family(
    name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> Metric:
    """Return a gauge with a series, (labels, value), for each of `values`."""
    family = GaugeMetricFamily(f"ninethirty_{name}", text, labels=labels)
    for labelled, value in values:
        family.add_metric(labelled, value)
    return family


def _release_labels(verdict: Verdict) -> tuple[str, str]:
    return verdict.release, verdict.producer
