"""The state of releases and of the monitor itself, read from memory at each scrape and never from the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.judge.verdict import Kind, Verdict, Word
from schedules.times.json import instant_json

BEFORE_SLOT = timedelta(hours=2)
AFTER_FINAL = timedelta(days=1)
_RELEASE = ("release", "producer")
_LONGEST_TITLE = 100
_CALENDAR = frozenset(
    {Kind.CALENDARS_DISAGREE, Kind.SHORT_NOTICE, Kind.UNANNOUNCED, Kind.PROMISE_IN_DOUBT, Kind.BROUGHT_FORWARD}
)
_FINDINGS: Mapping[str, Callable[[Verdict], bool]] = {
    "late": lambda one: one.word in (Word.LATE, Word.NOT_PUBLISHED),
    "partial": lambda one: _has(one, {Kind.PARTIAL}),
    "early": lambda one: bool(one.exposures),
    "unproven": lambda one: one.word is Word.UNPROVEN,
    "withdrawn": lambda one: _has(one, {Kind.WITHDRAWN}),
    "swapped": lambda one: _has(one, {Kind.SWAPPED}),
    "calendar": lambda one: _has(one, _CALENDAR),
}
"""What alerts ask of a release. Each is told as 0 too, so that what was last known of it outlives a missed scrape."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A release as metrics see it: its verdict and when that became final (None: not yet)."""

    verdict: Verdict
    final_since: datetime | None


@dataclass(frozen=True, slots=True)
class Vitals:
    """The monitor itself as metrics see it.

    `stretch` tells for each host by how much its looks are spread out; `overdue` by how many seconds the most
    overdue look is late; `oldest` how many seconds a delivery has waited that ought to have gone.
    """

    unready: Sequence[str] = ()
    stretch: Mapping[str, float] | None = None
    targets: int = 0
    overdue: float = 0.0
    pending: int = 0
    oldest: float = 0.0


@dataclass(eq=False)
class Now(Collector):
    """Everything that is a state and no count. A release has series of its own only while its slot is near.

    `passed` is called for each slot that passed since the last scrape, `exposed` for each exposure that began, however
    short, and `failed` when a scrape goes wrong.
    """

    releases: Callable[[], Sequence[Shown]]
    vitals: Callable[[], Vitals]
    now: Callable[[], datetime]
    passed: Callable[[], None]
    failed: Callable[[], None]
    exposed: Callable[[], None] = lambda: None
    _counted: set[tuple[str, datetime]] = field(default_factory=set)
    _exposures: set[tuple[str, str, datetime]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began = self.now()

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the families; none of them when one breaks, so that the counters are served all the same."""
        now = self.now()
        try:
            shown = self.releases()
            families = [*_of_releases(shown, now), *_of_monitor(self.vitals())]
        except Exception:  # noqa: BLE001 # a scrape that fails looks like a monitor that is down; this one is counted
            self.failed()
            return
        self._count_passed(shown, now)
        self._count_exposures(shown)
        yield from families

    def _count_passed(self, shown: Sequence[Shown], now: datetime) -> None:
        slots = {(row.verdict.release, slot) for row in shown if (slot := _passes(row.verdict)) is not None}
        passed = {(release, slot) for release, slot in slots if self._began < slot <= now}
        for _ in passed - self._counted:
            self.passed()
        self._counted = passed

    def _count_exposures(self, shown: Sequence[Shown]) -> None:
        began = {
            (row.verdict.release, one.part, at)
            for row in shown
            for one in row.verdict.exposures
            if (at := one.start.by) is not None and at > self._began
        }
        for _ in began - self._exposures:
            self.exposed()
        self._exposures = began


def _of_releases(shown: Sequence[Shown], now: datetime) -> Iterator[Metric]:
    near = [row.verdict for row in shown if _is_near(row, now)]
    words = (((word.value,), sum(row.verdict.word is word for row in shown)) for word in Word)
    yield _family("releases", "Watched releases by verdict", ("verdict",), words)
    overdue = ((_named(one), _overdue(one, now)) for one in near)
    yield _family("release_overdue_seconds", "Seconds since the slot, still absent", _RELEASE, overdue)
    exposed = ((_named(one), float(any(exposure.open for exposure in one.exposures))) for one in near)
    yield _family("release_exposure_open", "1 while something is out early", _RELEASE, exposed)
    judged = (((*_named(one), one.word.value, one.grade.value), 1.0) for one in near)
    yield _family("release_verdict", "1 for the verdict and grade in force", (*_RELEASE, "verdict", "grade"), judged)
    found = (((*_named(one), kind), float(holds(one))) for one in near for kind, holds in _FINDINGS.items())
    yield _family("release_finding", "1 while it is so, else 0", (*_RELEASE, "kind"), found)
    exposures = ((_named(one), float(len(one.exposures))) for one in near)
    yield _family("release_exposures", "Exposures so far, open and over", _RELEASE, exposures)
    told = (((*_named(one), one.title[:_LONGEST_TITLE], instant_json(_passes(one)) or ""), 1.0) for one in near)
    yield _family("release_info", "Title and slot, always 1", (*_RELEASE, "title", "slot"), told)
    yield _family("release_delay_seconds", "Measured delay, both bounds", (*_RELEASE, "bound"), _delays(near))
    text = "How long before the slot absence was last proved: what is on time came no earlier"
    bounds = ((_named(one), one.early_bound) for one in near if one.early_bound is not None)
    yield _family("release_early_bound_seconds", text, _RELEASE, bounds)


def _of_monitor(vitals: Vitals) -> Iterator[Metric]:
    yield _gauge("ready", "1 while this monitor is to be relied on", float(not vitals.unready))
    yield _gauge("targets_watched", "Addresses that are being watched", vitals.targets)
    yield _gauge("look_overdue_seconds", "How late the most overdue look is", vitals.overdue)
    yield _gauge("outbox_pending", "Deliveries that wait", vitals.pending)
    yield _gauge("outbox_oldest_seconds", "How long a delivery has waited that ought to have gone", vitals.oldest)
    stretch = (((host,), stretch) for host, stretch in (vitals.stretch or {}).items())
    yield _family("watch_stretch", "How much wider looks are spaced than planned", ("host",), stretch)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ninethirty_{name}", text, value=value)


def _passes(verdict: Verdict) -> datetime | None:
    return verdict.slot.passes() if verdict.slot is not None else None


def _is_near(row: Shown, now: datetime) -> bool:
    slot = row.verdict.slot.begins() if row.verdict.slot is not None else None
    if slot is None or slot - BEFORE_SLOT > now:
        return any(exposure.open for exposure in row.verdict.exposures)
    return row.final_since is None or now < row.final_since + AFTER_FINAL


def _family(name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"ninethirty_{name}", text, labels=labels)
    for labelled, value in values:
        family.add_metric(labelled, value)
    return family


def _has(verdict: Verdict, kinds: Collection[Kind]) -> bool:
    return any(found.kind in kinds for found in verdict.findings)


def _named(verdict: Verdict) -> tuple[str, str]:
    return verdict.release, verdict.producer


def _overdue(verdict: Verdict, now: datetime) -> float:
    slot = _passes(verdict)
    return (now - slot).total_seconds() if verdict.word is Word.OVERDUE and slot is not None else 0.0


def _delays(verdicts: Sequence[Verdict]) -> Iterator[tuple[Sequence[str], float]]:
    for verdict in verdicts:
        delay = verdict.page.delay if verdict.page is not None else None
        for bound in ("min", "max"):
            value = getattr(delay, bound, None)
            if value is not None:
                yield (*_named(verdict), bound), value
