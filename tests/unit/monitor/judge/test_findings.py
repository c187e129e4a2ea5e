"""Findings beside `cases/findings.toml`. A number is an instant in seconds after the slot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.judge.findings.platform import add_platform_finding, slot_verdict
from schedules.announcement import Part, Role
from schedules.contract.verdict import Ended, FindingKind, VerdictKind
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, looks
from tests.worlds.verdicts import found, judged

LATE_OF_OFQUAL = judged(now=400, seen=[(-100, ABSENT), (300, PRESENT)])
LATE_OF_ONS = replace(LATE_OF_OFQUAL, release="q", producer="ons")


def test_age_of_last_copy_does_not_shorten_exposure() -> None:
    """The edge showed the page every 10 s from -600 s to -300 s, with a copy that was made at
    -600 s. The first absence, at -290 s, has an Age too. It was made 60 s before. The last copy was
    served at most 10 s before it was received, the longest a request takes.
    """
    seen = [(second, PRESENT, second + 600) for second in range(-600, -299, 10)]
    absent = [(second, ABSENT, 60) for second in range(-290, -100, 10)]
    page = looks((-700, ABSENT), *seen, *absent, specific=True)
    (exposure,) = judged(now=-100, seen={"page": page}).exposures
    assert (exposure.start.by, exposure.ended) == (after_slot(-600), Ended.REMOVED)
    assert exposure.to == Interval(after_slot(-310), after_slot(-290))


@pytest.mark.parametrize(("files", "expected_findings"), [(59, 0), (60, 1), (2000, 1)])
def test_more_parts_than_are_watched_is_a_finding(files: int, expected_findings: int) -> None:
    """At most 60 parts of a release are watched: a page and 59 files.

    If there are 60 files, a finding says so.
    """
    parts = [
        Part(f"found-{n}", Role.DATA, f"https://a.example/{n}", required=False)
        for n in range(files)
    ]
    assert len(found(judged(200, {}, *parts), FindingKind.PARTS_CUT)) == expected_findings


def test_two_producers_late_on_one_host_are_platform_finding() -> None:
    (platform,) = found(
        add_platform_finding(LATE_OF_OFQUAL, [slot_verdict(LATE_OF_ONS)]), FindingKind.PLATFORM
    )
    assert platform.detail == "2 releases of ofqual, ons late together on www.gov.uk"


@pytest.mark.parametrize(
    ("on_time_on_same_host", "expected_findings"), [(0, 1), (4, 1), (5, 0), (98, 0)]
)
def test_five_releases_on_time_prevent_platform_finding(
    on_time_on_same_host: int, expected_findings: int
) -> None:
    """Two releases of two producers were late on one host, at one slot. If at least a third of all
    releases there were late, the host may be at fault: a finding (`PLATFORM`). With four others on
    time, 2 of 6 were late, which is a third. With five, 2 of 7 were late, which is less. Releases
    on other hosts do not count.
    """
    late = slot_verdict(LATE_OF_ONS)
    on_time = [
        replace(late, release=f"on-time-{n}", verdict=VerdictKind.ON_TIME)
        for n in range(on_time_on_same_host)
    ]
    on_time_elsewhere = [
        replace(each, host="www.ons.gov.uk", release=f"ons-{each.release}") for each in on_time
    ]
    verdict = add_platform_finding(LATE_OF_OFQUAL, [late, *on_time, *on_time_elsewhere])
    assert len(found(verdict, FindingKind.PLATFORM)) == expected_findings


@pytest.mark.parametrize(
    "change", [{"producer": "ofqual"}, {"url": "https://www.ons.gov.uk/x"}, {"slot": None}]
)
def test_platform_finding_needs_two_producers_one_host_one_slot(change: dict[str, object]) -> None:
    other = replace(LATE_OF_ONS, **change)
    assert add_platform_finding(LATE_OF_OFQUAL, [slot_verdict(other)]) is LATE_OF_OFQUAL
