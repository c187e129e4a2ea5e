from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor.health.collector import (
    EmbargoedCollector,
    MonitorState,
    ReleaseState,
    StateCollector,
)
from monitor.health.metrics import (
    MOST_HOSTS,
    Metrics,
    QuickCounter,
    QuickHistogram,
    render_metrics,
)
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import Exposure, Grade, PartVerdict, VerdictKind
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds, Interval

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
# Copied from the interface by hand: what others' dashboards are built on.
DOCUMENTED = """\
release_overdue_seconds{release,producer} release_delay_seconds{release,producer,bound}
release_exposure_open{release,producer} releases{verdict} slots_passed_total looks_total{host,outcome}
look_duration_seconds look_lateness_seconds watch_stretch{host} calendar_last_read_timestamp_seconds{calendar}
calendar_entries{calendar} blind_seconds_total{cause} clock_offset_seconds outbox_pending
notices_total{channel,outcome} store_commit_seconds build_info{version}
"""
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def a_verdict(
    kind: VerdictKind = VerdictKind.PENDING,
    release: str = "r",
    slot: datetime = SLOT,
    delay: Bounds | None = None,
) -> Verdict:
    """Return a verdict of this kind.

    An early one has one exposure, which is open and began before its slot.
    """
    is_early = kind is VerdictKind.EARLY
    span = Exposure(
        "page",
        Interval(slot - timedelta(hours=1), slot),
        Interval(None, None),
        Bounds(0, None),
        is_early,
    )
    page = PartVerdict(
        "page",
        "page",
        "https://x",
        required=True,
        verdict=kind,
        delay=delay,
        exposures=(span,) if is_early else (),
    )
    return Verdict(
        release=release,
        title="Title",
        producer="dft",
        url="https://x",
        calendars=("govuk",),
        slot=Slot(Precision.INSTANT, instant=slot),
        slot_source="govuk",
        slot_learnt=slot,
        verdict=kind,
        grade=Grade.NONE,
        final=False,
        at=slot,
        parts=(page,),
    )


class World:
    """Metrics of a monitor that began 30 minutes before SLOT.

    A test sets `now` and the `releases` that are watched.
    """

    def __init__(self) -> None:
        self.metrics = Metrics("1.2.3", {"govuk": timedelta(minutes=10)}, ["www.gov.uk"], ["mail"])
        self.now = SLOT - timedelta(minutes=30)
        self.releases: list[ReleaseState] = []
        self.states = StateCollector(
            lambda: self.releases,
            lambda: MonitorState(
                stretch={"www.gov.uk": 1.0, "stats.example": 2.0}, short_hosts=["stats.example"]
            ),
            lambda: self.now,
            self.metrics,
        )

    def scrape(self, *, embargoed: bool = False) -> Samples:
        page = self.metrics.render(self.states)
        if embargoed:
            page = render_metrics(EmbargoedCollector(lambda: self.releases, lambda: self.now))
        families = text_string_to_metric_families(b"".join(page).decode())
        return {
            (one.name, frozenset(one.labels.items())): one.value
            for each in families
            for one in each.samples
        }

    def watch(self, *verdicts: Verdict) -> None:
        """Watch releases with these verdicts, which are not final."""
        self.releases = [ReleaseState(verdict, None) for verdict in verdicts]

    def value(self, name: str, **labels: str) -> float | None:
        return self.scrape().get((f"ninethirty_{name}", frozenset(labels.items())))


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("documented", DOCUMENTED.split())
def test_documented_metric_is_exported_with_its_labels_from_start(
    world: World, documented: str
) -> None:
    """`documented` is, for example, `looks_total{host,outcome}` or `slots_passed_total`."""
    name, _, labels = documented.rstrip("}").partition("{")
    documented_labels = set(labels.split(",")) if labels else set()
    # The metrics of releases exist as soon as the slot of one has passed. Nothing else happens
    # here.
    world.now = SLOT
    world.watch(a_verdict(VerdictKind.LATE, delay=Bounds(90, 92)))
    # A histogram is exported under several names. The one for its count ends in `_count`.
    exported_names = {f"ninethirty_{name}", f"ninethirty_{name}_count"}
    label_values_of_series = [
        label_values for series, label_values in world.scrape() if series in exported_names
    ]
    assert label_values_of_series
    for label_values in label_values_of_series:
        exported_labels = set(dict(label_values))
        assert exported_labels == documented_labels


def test_unread_calendar_has_timestamp_zero_and_stale_limit(world: World) -> None:
    """It is stale after three times the usual time between two reads."""
    world.metrics.prepare_series({"ons": timedelta(seconds=100)}, hosts=[], channels=[])
    assert world.value("calendar_last_read_timestamp_seconds", calendar="ons") == 0
    assert world.value("calendar_stale_after_seconds", calendar="ons") == 300


def test_outcome_that_has_not_happened_has_counter_zero(world: World) -> None:
    world.metrics.count_look("www.ons.gov.uk", "present", 0.1, 0.001)
    assert world.value("looks_total", host="www.ons.gov.uk", outcome="present") == 1
    assert world.value("looks_total", host="www.ons.gov.uk", outcome="timeout") == 0
    assert world.value("looks_missed_total", host="www.ons.gov.uk") == 0


def test_releases_have_metrics_only_near_their_slot(world: World) -> None:
    """The metrics of a release begin two hours before its slot, and end a day after its verdict is
    final.
    """
    two_hours, a_day, minute = timedelta(hours=2), timedelta(days=1), timedelta(minutes=1)
    world.releases = [
        ReleaseState(
            a_verdict(release="far", slot=world.now + two_hours + minute), final_since=None
        ),
        ReleaseState(
            a_verdict(release="near", slot=world.now + two_hours - minute), final_since=None
        ),
        ReleaseState(
            a_verdict(VerdictKind.ON_TIME, "lately final"), final_since=world.now - a_day + minute
        ),
        ReleaseState(a_verdict(VerdictKind.ON_TIME, "long final"), final_since=world.now - a_day),
    ]
    with_series = {
        dict(labels)["release"]
        for name, labels in world.scrape()
        if name == "ninethirty_release_verdict"
    }
    assert with_series == {"near", "lately final"}
    # All releases are in the number by verdict.
    assert world.value("releases", verdict="on_time") == 2


EXPOSURE = ("ninethirty_release_exposure_open", frozenset({("release", "r"), ("producer", "dft")}))


def test_open_exposure_has_embargoed_series_however_far_its_slot_is(world: World) -> None:
    world.watch(a_verdict(VerdictKind.EARLY, slot=SLOT + timedelta(days=6)))
    assert world.scrape(embargoed=True)[EXPOSURE] == 1


def test_metrics_are_the_same_before_the_slot_whether_or_not_a_release_is_out(
    world: World,
) -> None:
    """Its slot is in thirty minutes, or in six days."""
    process = "ninethirty_release"
    for slot in (SLOT, SLOT + timedelta(days=6)):
        pages = []
        for kind in (VerdictKind.PENDING, VerdictKind.EARLY, VerdictKind.UNPROVEN):
            world.watch(a_verdict(kind, slot=slot, delay=Bounds(-60, -59)))
            shown = world.scrape()
            exposures = {("ninethirty_exposures_total", frozenset[tuple[str, str]]())}
            pages.append(
                {key: value for key, value in shown.items() if key[0].startswith(process)}
                | {key: shown[key] for key in exposures}
            )
        assert pages[0] == pages[1] == pages[2]


def test_exposure_moves_to_the_metrics_at_its_slot(world: World) -> None:
    world.watch(a_verdict(VerdictKind.EARLY))
    assert (EXPOSURE in world.scrape(), EXPOSURE in world.scrape(embargoed=True)) == (False, True)
    world.now = SLOT
    assert (EXPOSURE in world.scrape(), EXPOSURE in world.scrape(embargoed=True)) == (True, False)
    assert world.value("release_finding", release="r", producer="dft", kind="early") == 1


def test_lateness_grows_while_page_is_absent(world: World) -> None:
    world.watch(a_verdict(VerdictKind.OVERDUE))
    world.now = SLOT + timedelta(seconds=75)
    assert world.value("release_overdue_seconds", release="r", producer="dft") == 75
    assert (
        world.value("release_verdict", release="r", producer="dft", verdict="overdue", grade="none")
        == 1
    )


def test_only_slot_that_passes_while_we_run_is_counted(world: World) -> None:
    passed_before_our_start = world.now - timedelta(minutes=30)
    world.watch(a_verdict(slot=SLOT), a_verdict(release="before", slot=passed_before_our_start))
    # SLOT is 30 minutes from now.
    assert world.value("slots_passed_total") == 0
    for minutes in (0, 1, 2):
        world.now = SLOT + timedelta(minutes=minutes)
        assert world.value("slots_passed_total") == 1


def test_hosts_beyond_the_first_two_hundred_share_one_set_of_metrics(world: World) -> None:
    # One host, that of the configuration, has its own metrics already.
    configured_hosts, more_than_fit = 1, 50
    for number in range(MOST_HOSTS - configured_hosts + more_than_fit):
        world.metrics.count_look(f"h{number}.example", "present", 0.1, 0.0)
    hosts = {
        dict(labels)["host"] for name, labels in world.scrape() if name == "ninethirty_looks_total"
    }
    assert len(hosts - {"other"}) == MOST_HOSTS
    assert world.value("looks_total", host="other", outcome="present") == more_than_fit
    # A host with its own metrics keeps them.
    world.metrics.count_too_costly("h0.example")
    assert world.value("too_costly_total", host="h0.example") == 1


def test_failed_scrape_is_counted_and_counters_are_still_served(world: World) -> None:
    """A scrape requests the metrics. Those of releases fail here, by None instead of a verdict, so
    they are left out.
    """
    not_a_verdict: Any = None
    world.watch(not_a_verdict)
    assert world.value("faults_total", task="metrics") == 1
    assert world.value("releases", verdict="pending") is None
    assert world.value("build_info", version="1.2.3") == 1


@pytest.mark.needs("prometheus")
def test_promtool_finds_no_fault_in_the_metrics(world: World, tmp_path: Path) -> None:
    world.watch(a_verdict(VerdictKind.LATE, delay=Bounds(90, 92)))
    world.metrics.count_look("www.gov.uk", "present", 0.1, 0.001)
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=b"".join(world.metrics.render(world.states)),
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


# Each case has the verdict on a release, and the finding of it: for example, NOT_PUBLISHED counts
# as late.
@pytest.mark.parametrize(
    ("verdict_kind", "finding"),
    [
        (VerdictKind.LATE, "late"),
        (VerdictKind.NOT_PUBLISHED, "late"),
        (VerdictKind.EARLY, "early"),
        (VerdictKind.UNPROVEN, "unproven"),
    ],
)
def test_finding_of_verdict_has_value_one_and_others_zero(
    world: World, verdict_kind: VerdictKind, finding: str
) -> None:
    """For example, a late release has the value 1 for `late` and 0 for `early`, `partial` and all
    others.
    """
    world.now = SLOT
    world.watch(a_verdict(verdict_kind))
    others = {"late", "partial", "early", "unproven", "withdrawn", "swapped", "calendar"} - {
        finding
    }
    assert world.value("release_finding", release="r", producer="dft", kind=finding) == 1
    assert {
        world.value("release_finding", release="r", producer="dft", kind=other) for other in others
    } == {0}


def test_exposure_that_ended_between_scrapes_is_counted_once(world: World) -> None:
    assert world.value("exposures_total") == 0
    early = a_verdict(VerdictKind.EARLY)
    ended = replace(early.exposures[0], open=False)
    world.now = SLOT
    world.watch(replace(early, parts=(replace(early.parts[0], exposures=(ended,)),)))
    first_scrape, second_scrape = world.value("exposures_total"), world.value("exposures_total")
    assert first_scrape == second_scrape == 1
    assert world.value("release_exposures", release="r", producer="dft") == 1
    assert world.value("release_exposure_open", release="r", producer="dft") == 0


def test_release_info_and_memory_of_process_are_exported(world: World) -> None:
    world.watch(a_verdict())
    assert (
        world.value(
            "release_info",
            release="r",
            producer="dft",
            title="Title",
            slot="2026-11-26T09:30:00.000Z",
        )
        == 1
    )
    assert any(name == "process_resident_memory_bytes" for name, _ in world.scrape())


VALUES = st.one_of(st.sampled_from(Histogram.DEFAULT_BUCKETS), st.floats(0, 30))


def test_short_budget_is_known_of_every_host_with_looks(world: World) -> None:
    assert world.value("budget_short", host="stats.example") == 1
    assert world.value("budget_short", host="www.gov.uk") == 0


@given(st.lists(VALUES, max_size=20))
def test_histogram_is_exported_like_the_librarys_own(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    our_histogram = QuickHistogram(ours, "look_seconds", "Of a look", Histogram.DEFAULT_BUCKETS)
    their_histogram = Histogram(
        "look_seconds", "Of a look", namespace="ninethirty", registry=theirs
    )
    for value in values:
        our_histogram.observe(value)
        their_histogram.observe(value)
    assert generate_latest(ours) == generate_latest(theirs)


@given(
    st.lists(
        st.sampled_from([("a.example", "present"), ("a.example", "dns"), ('"b"\n', "absent")]),
        max_size=20,
    )
)
def test_counter_is_exported_like_the_librarys_own(looks: list[tuple[str, str]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    our_counter = QuickCounter(ours, "looks", "Looks made", ["host", "outcome"])
    their_counter = Counter(
        "looks", "Looks made", ["host", "outcome"], namespace="ninethirty", registry=theirs
    )
    for labels in looks:
        our_counter.counts[labels] += 1
        their_counter.labels(*labels).inc()
    assert generate_latest(ours) == generate_latest(theirs)
