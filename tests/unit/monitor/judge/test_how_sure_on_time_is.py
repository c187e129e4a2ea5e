"""If absence was last proved more than five seconds before the slot, "on time" says by how much.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

import csv
from datetime import date
from typing import Any

import pytest

from alerts.draft.certainty import tabulate_parts
from alerts.draft.narrative import say_availability
from alerts.draft.period import Row, select_period
from alerts.draft.period_data import period_csv, period_json
from alerts.draft.period_report import build_period_report
from alerts.notice_text import write_notice_subject, write_notice_text
from monitor.cli.explain import headline
from monitor.cli.today import board_cells
from monitor.deliver.facts import Measurement, release_facts
from monitor.health.collector import MonitorState, ReleaseState, StateCollector
from monitor.health.metrics import Metrics
from monitor.judge.as_json import release_json, status_text, widest_bound
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import VerdictKind
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, ORIGIN, PRESENT, a_run
from tests.worlds.verdicts import judged


def on_time_after_absence(*, seconds_before_slot: float) -> Verdict:
    """Return the verdict on a page that was last absent this long before its slot, and seen a
    second after it.
    """
    absent_before = a_run("page", ABSENT, -600, -seconds_before_slot)
    verdict = judged(now=90, seen={"page": [absent_before, a_run("page", PRESENT, 1, 60)]})
    assert (verdict.verdict, verdict.page.early_bound) == (VerdictKind.ON_TIME, seconds_before_slot)
    return verdict


SECONDS_AND_STATUS = [
    (0.8, "on time"),
    (5, "on time"),
    (5.2, "on time, to 6 s"),
    (12, "on time, to 12 s"),
]


@pytest.mark.parametrize(("last_absent_before_slot", "expected_status"), SECONDS_AND_STATUS)
def test_board_says_how_early_page_on_time_may_be(
    last_absent_before_slot: float, expected_status: str
) -> None:
    """A page was last seen absent some seconds before its slot, and present a second after it. So
    it was on time, or early by less than these seconds. If they are more than 5 s, the status says
    so, rounded up: 5.2 s give “on time, to 6 s”. Up to 5 s, the status is just “on time”.
    """
    body = release_json(on_time_after_absence(seconds_before_slot=last_absent_before_slot))
    _slot, _producer, status_on_board, *_ = board_cells(body, "ONS")
    (page,) = body["parts"]
    assert status_on_board == expected_status
    assert status_text(body) == expected_status
    assert status_text(page) == expected_status
    # The terminal writes the verdict in capitals. It is final: later looks are not expected to
    # change it.
    assert headline(body) == expected_status.replace("on time", "ON TIME") + ", final"


@pytest.mark.parametrize(("last_absent_before_slot", "expected_status"), SECONDS_AND_STATUS)
def test_notice_says_how_early_page_on_time_may_be(
    last_absent_before_slot: float, expected_status: str
) -> None:
    """A page was last seen absent some seconds before its slot, and present a second after it. So
    it was on time, or early by less than these seconds. If they are more than 5 s, the notice says
    so, rounded up: 5.2 s give “on time, to 6 s”. Up to 5 s, it says just “on time”.
    """
    facts = release_facts(
        on_time_after_absence(seconds_before_slot=last_absent_before_slot), Measurement()
    )
    # The final notice of an incident that was reported as late at first. Now the release turned out
    # to be on time.
    notice = {"kind": "final", "reported_kind": "late", "facts": facts, "now": after_slot(90)}
    assert f"came out {expected_status}, first seen" in write_notice_subject(**notice)
    assert f"- Announced page: {expected_status}, first seen" in write_notice_text(
        **notice, incident="r"
    )


@pytest.mark.parametrize(
    ("last_absent_before_slot", "in_table"), [(5, "On time"), (11.5, "On time, to 12 s")]
)
def test_table_of_draft_says_how_early_but_sentence_does_not(
    last_absent_before_slot: float, in_table: str
) -> None:
    """A page was last seen absent 11.5 s before its slot, and present a second after it. So it was
    on time, or early by less than 12 s. The table of the draft says so: “On time, to 12 s”. Its
    sentence says only that it was published as announced. If it was absent 5 s before, that need
    not be said, even in the table.
    """
    facts = release_facts(
        on_time_after_absence(seconds_before_slot=last_absent_before_slot), Measurement()
    )
    # the page is the only part, so one row
    ((_part, _announced, status, *_),) = tabulate_parts(facts)[0].rows
    assert say_availability(facts) == ["It was published as announced at 9.30am."]
    assert status == in_table


def test_gap_without_proof_ends_with_the_first_view_that_shows_the_page() -> None:
    """No look succeeded from 180 s to 1200 s after the slot. Then the origin showed the page, and
    the edge half a second later. A notice between these two looks states the gap too.
    """
    runs = {
        EDGE: [a_run("page", ABSENT, -120, 180)],
        ORIGIN: [a_run("page/origin", ABSENT, -120, 179), a_run("page/origin", PRESENT, 1200)],
    }
    verdict = judged(now=1200.2, seen={"page": runs[EDGE], "page/origin": runs[ORIGIN]})
    assert release_facts(verdict, Measurement("m", runs)).certainty.widest_gap == 1020


def part_json(verdict: str, *, early_bound: float | None, required: bool = True) -> dict[str, Any]:
    """Return the JSON of a part that may have come early by at most `early_bound` seconds."""
    return {"verdict": verdict, "early_bound": early_bound, "required": required}


def test_release_is_as_sure_as_its_least_sure_required_part() -> None:
    """A part on time may have come early, by `early_bound` seconds at most. Two required parts have
    1 s and 40 s, and an optional part 90 s. The whole release takes the greatest of its required
    parts: 40 s.
    """
    sure = part_json("on_time", early_bound=1)
    least_sure = part_json("on_time", early_bound=40)
    optional = part_json("on_time", early_bound=90, required=False)
    assert widest_bound({"verdict": "on_time", "parts": [sure, least_sure, optional]}) == 40


def test_late_release_does_not_say_how_early_it_was() -> None:
    """One part was on time, and may have come up to 40 s early. The other part was late, so the
    whole release is late. Then it does not matter how early a part may have come (None).
    """
    parts = [part_json("on_time", early_bound=40), part_json("late", early_bound=None)]
    assert widest_bound({"verdict": "late", "parts": parts}) is None


def test_release_on_time_without_known_bound_is_just_on_time() -> None:
    part = part_json("on_time", early_bound=None)
    assert status_text({"verdict": "on_time", "parts": [part]}) == "on time"


def test_period_report_counts_releases_that_may_have_come_early() -> None:
    """Three releases were on time, but may have come up to 1 s, 12 s and 30.5 s early (`bound`). Up
    to 5 s need not be stated, so two count as unsure. The report names the greatest, rounded up to
    31 s. The CSV file has all three.
    """
    same = {
        "title": "t",
        "producer": "ofqual",
        "url": "https://e.org/",
        "timezone": "Europe/London",
        "slot": SLOT,
    }
    rows = [
        Row(release=str(bound), verdict="on_time", early_bound=bound, **same)
        for bound in (1, 12, 30.5)
    ]
    day_of_slot = date(2018, 1, 5)
    period = select_period(rows, day_of_slot, day_of_slot)
    counts = build_period_report(period, "Ofqual", after_slot(90)).find_field("P.counts")
    assert "2 of those on time may have come up to 31 seconds early" in " ".join(counts.paragraphs)
    assert period_json(period)["punctuality"]["on_time_unsure"] == 2
    csv_rows = csv.DictReader(period_csv(period).decode().splitlines())
    assert [row["early_bound"] for row in csv_rows] == ["1", "12", "30.5"]


def test_metric_shows_how_early_release_may_have_come() -> None:
    """A page was last seen absent 12 s before its slot, and then was on time. So it may have come
    up to 12 s early. The metrics of the monitor show these 12 s.
    """
    verdict = on_time_after_absence(seconds_before_slot=12)
    releases = [ReleaseState(verdict, after_slot(60))]
    counters = Metrics("1.2.3")
    # The collector calls functions, because it reads the current state of releases and monitor at
    # each request.
    states = StateCollector(lambda: releases, MonitorState, lambda: after_slot(90), counters)
    metrics = b"".join(counters.render(states))
    assert b'ninethirty_release_early_bound_seconds{producer="ofqual",release="r"} 12.0' in metrics
