from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.health.collector import MonitorState, ReleaseState, StateCollector
from monitor.health.metrics import MOST_HOSTS, Metrics
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import Exposure, Grade, PartVerdict, VerdictKind
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds, Interval

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
# Copied from the interface by hand: what others' dashboards are built on.
PROMISED = """\
release_overdue_seconds{release,producer} release_delay_seconds{release,producer,bound}
release_exposure_open{release,producer} releases{verdict} slots_passed_total looks_total{host,outcome}
look_duration_seconds look_lateness_seconds watch_stretch{host} calendar_last_read_timestamp_seconds{calendar}
calendar_entries{calendar} blind_seconds_total{cause} clock_offset_seconds outbox_pending
notices_total{channel,outcome} store_commit_seconds build_info{version}
"""
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def verdict(
    word: VerdictKind = VerdictKind.PENDING, name: str = "r", slot: datetime = SLOT, delay: Bounds | None = None
) -> Verdict:
    exposed = word is VerdictKind.EARLY
    span = Exposure("page", Interval(slot - timedelta(hours=1), slot), Interval(None, None), Bounds(0, None), exposed)
    page = PartVerdict(
        "page", "page", "https://x", required=True, verdict=word, delay=delay, exposures=(span,) if exposed else ()
    )
    return Verdict(
        release=name,
        title="Title",
        producer="dft",
        url="https://x",
        calendars=("govuk",),
        slot=Slot(Precision.INSTANT, instant=slot),
        slot_source="govuk",
        slot_learnt=slot,
        verdict=word,
        grade=Grade.NONE,
        final=False,
        at=slot,
        parts=(page,),
    )


class World:
    def __init__(self) -> None:
        self.metrics = Metrics("1.2.3", {"govuk": timedelta(minutes=10)}, ["www.gov.uk"], ["mail"])
        self.now = SLOT - timedelta(minutes=30)
        self.releases: list[ReleaseState] = []
        self.states = StateCollector(
            lambda: self.releases,
            lambda: MonitorState(stretch={"www.gov.uk": 1.0}),
            lambda: self.now,
            self.metrics.slots_passed.inc,
            self.metrics.faults.labels("metrics").inc,
            self.metrics.exposures.inc,
        )

    def scrape(self) -> Samples:
        families = text_string_to_metric_families(b"".join(self.metrics.render(self.states)).decode())
        return {(one.name, frozenset(one.labels.items())): one.value for each in families for one in each.samples}

    def value(self, name: str, **labels: str) -> float | None:
        return self.scrape().get((f"ninethirty_{name}", frozenset(labels.items())))


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("promised", PROMISED.split())
def test_every_documented_metric_exists_with_its_labels_before_its_first_event(world: World, promised: str) -> None:
    name, _, labels = promised.rstrip("}").partition("{")
    world.releases = [ReleaseState(verdict(VerdictKind.LATE, delay=Bounds(90, 92)), None)]
    found = [key for key in world.scrape() if re.fullmatch(rf"ninethirty_{name}(_count)?", key[0])]
    assert found
    for _, pairs in found:
        assert {label for label, _ in pairs} == set(filter(None, labels.split(",")))


def test_a_calendar_that_was_never_read_has_timestamp_zero_and_is_stale_after_three_spacings(world: World) -> None:
    assert world.value("calendar_last_read_timestamp_seconds", calendar="govuk") == 0
    assert world.value("calendar_stale_after_seconds", calendar="govuk") == 1800


def test_a_host_has_every_outcome_before_its_first_failure(world: World) -> None:
    world.metrics.count_look("www.ons.gov.uk", "present", 0.1, 0.001)
    assert world.value("looks_total", host="www.ons.gov.uk", outcome="present") == 1
    assert world.value("looks_total", host="www.ons.gov.uk", outcome="timeout") == 0
    assert world.value("looks_missed_total", host="www.ons.gov.uk") == 0


def test_a_release_has_series_from_two_hours_before_its_slot_to_a_day_after_its_verdict_is_final(world: World) -> None:
    names = {"r": SLOT + timedelta(hours=1, minutes=29), "far": SLOT + timedelta(hours=1, minutes=31)}
    world.releases = [ReleaseState(verdict(name=name, slot=slot), None) for name, slot in names.items()]
    world.releases.append(
        ReleaseState(verdict(VerdictKind.ON_TIME, "done"), world.now - timedelta(hours=23, minutes=59))
    )
    world.releases.append(ReleaseState(verdict(VerdictKind.ON_TIME, "gone"), world.now - timedelta(hours=24)))
    with_series = {dict(pairs)["release"] for name, pairs in world.scrape() if name == "ninethirty_release_verdict"}
    assert with_series == {"r", "done"}
    assert world.value("releases", verdict="on_time") == 2


def test_an_open_exposure_has_a_series_however_far_its_slot_is(world: World) -> None:
    world.releases = [ReleaseState(verdict(VerdictKind.EARLY, slot=SLOT + timedelta(days=6)), None)]
    assert world.value("release_exposure_open", release="r", producer="dft") == 1


def test_lateness_grows_with_the_clock_while_a_page_is_absent(world: World) -> None:
    world.releases = [ReleaseState(verdict(VerdictKind.OVERDUE), None)]
    world.now = SLOT + timedelta(seconds=75)
    assert world.value("release_overdue_seconds", release="r", producer="dft") == 75
    assert world.value("release_verdict", release="r", producer="dft", verdict="overdue", grade="none") == 1


def test_each_slot_is_counted_once_and_only_if_it_passes_while_we_run(world: World) -> None:
    world.releases = [
        ReleaseState(verdict(), None),
        ReleaseState(verdict(name="before", slot=SLOT - timedelta(hours=1)), None),
    ]
    assert world.value("slots_passed_total") == 0
    for minute in (0, 1, 2):
        world.now = SLOT + timedelta(minutes=minute)
        world.scrape()
    assert world.value("slots_passed_total") == 1


def test_the_first_scrape_after_a_slot_counts_it(world: World) -> None:
    world.releases = [ReleaseState(verdict(), None)]
    world.scrape()
    world.now = SLOT + timedelta(seconds=1)
    assert world.value("slots_passed_total") == 1


def test_hosts_beyond_the_first_two_hundred_share_their_series(world: World) -> None:
    for number in range(MOST_HOSTS + 50):
        world.metrics.count_look(f"h{number}.example", "present", 0.1, 0.0)
    hosts = {dict(pairs)["host"] for name, pairs in world.scrape() if name == "ninethirty_looks_total"}
    assert len(hosts) == MOST_HOSTS + 1
    assert world.value("looks_total", host="other", outcome="present") == 51


def test_a_failed_scrape_is_counted_and_counters_are_still_served(world: World) -> None:
    broken = Metrics("1")
    failed = broken.faults.labels("metrics").inc
    states = StateCollector(lambda: [ReleaseState(None, None)], MonitorState, lambda: SLOT, lambda: None, failed)  # type: ignore[arg-type]
    page = b"".join(broken.render(states))
    assert b"ninethirty_releases{" not in page
    assert b'ninethirty_build_info{version="1"} 1.0' in page
    assert b'ninethirty_faults_total{task="metrics"} 1.0' in page


@pytest.mark.needs("prometheus")
def test_promtool_finds_no_fault_in_the_metrics(world: World, tmp_path: Path) -> None:
    world.releases = [ReleaseState(verdict(VerdictKind.LATE, delay=Bounds(90, 92)), None)]
    world.metrics.count_look("www.gov.uk", "present", 0.1, 0.001)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=b"".join(world.metrics.render()), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (VerdictKind.LATE, "late"),
        (VerdictKind.NOT_PUBLISHED, "late"),
        (VerdictKind.EARLY, "early"),
        (VerdictKind.UNPROVEN, "unproven"),
    ],
)
def test_only_the_kind_of_finding_that_was_found_has_the_value_one(world: World, word: VerdictKind, kind: str) -> None:
    world.releases = [ReleaseState(verdict(word), None)]
    kinds = ("late", "partial", "early", "unproven", "withdrawn", "swapped", "calendar")
    values = {one: world.value("release_finding", release="r", producer="dft", kind=one) for one in kinds}
    assert values == {one: float(one == kind) for one in kinds}


def test_an_exposure_that_ended_between_two_scrapes_is_counted_once(world: World) -> None:
    world.scrape()
    early = verdict(VerdictKind.EARLY)
    span = replace(early.exposures[0], start=Interval(SLOT - timedelta(minutes=5), SLOT), open=False)
    world.releases = [ReleaseState(replace(early, parts=(replace(early.parts[0], exposures=(span,)),)), None)]
    assert [world.value("exposures_total") for _ in range(3)] == [1, 1, 1]
    assert world.value("release_exposures", release="r", producer="dft") == 1
    assert world.value("release_exposure_open", release="r", producer="dft") == 0


def test_title_slot_and_process_have_series(world: World) -> None:
    world.releases = [ReleaseState(verdict(), None)]
    world.now = SLOT - timedelta(hours=1)
    assert world.value("release_info", release="r", producer="dft", title="Title", slot="2026-11-26T09:30:00.000Z") == 1
    assert any(name == "process_resident_memory_bytes" for name, _ in world.scrape())
