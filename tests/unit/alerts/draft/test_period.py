"""A claim is what a publisher itself says about when it published."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.claim import Claim
from alerts.draft.period import (
    Period,
    Row,
    count_faulty_by,
    count_verdicts,
    find_platform_faults,
    find_quantile,
    list_late_delays,
    measure_punctuality,
    select_period,
)
from alerts.draft.period_data import period_csv, period_json
from alerts.draft.period_report import build_period_report
from alerts.draft.report import Report, Signature
from alerts.draft.write.outline import Document, has_content
from alerts.draft.write.registry import WRITERS
from alerts.finding import BlindSpan
from alerts.incident import Incident
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import row_of, text_of_field

NOW = datetime(2018, 3, 1, 12, tzinfo=UTC)
SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)


def release_row(
    name: str, verdict: str = "on_time", *, minutes_late: float | None = 0, **changes: object
) -> Row:
    """Return a release of a period, measured to a second; with None for `minutes_late`, one that
    was never seen.
    """
    seen, delay = Interval(), None
    if minutes_late is not None:
        seen = Interval(SLOT, SLOT + timedelta(minutes=minutes_late, seconds=1))
        delay = Bounds(60 * minutes_late, 60 * minutes_late + 1)
    basis = Row(
        name,
        f"Release {name}",
        "ofqual",
        "https://www.gov.uk/x",
        "Europe/London",
        SLOT,
        verdict,
        seen,
        delay,
    )
    return replace(basis, **changes)  # type: ignore[arg-type]


def period_of(*rows: Row) -> Period:
    return select_period(rows, date(2018, 1, 1), date(2018, 2, 28))


def test_period_contains_slots_from_first_to_last_local_day() -> None:
    """The period is 1 July 2018.

    A slot at the midnight with which it begins is in it. One a minute before is not.
    """
    midnight_in_london = datetime(2018, 6, 30, 23, 0, tzinfo=UTC)
    first = release_row("a", slot=midnight_in_london)
    day_before = release_row("b", slot=midnight_in_london - timedelta(minutes=1))
    selected = select_period([first, day_before], date(2018, 7, 1), date(2018, 7, 1))
    assert selected.rows == (first,)


def test_report_of_a_period_may_be_limited_to_a_producer_or_a_host() -> None:
    ofqual = release_row("a", producer="ofqual", url="https://www.gov.uk/a")
    ons = release_row("b", producer="ons", url="https://www.ons.gov.uk/b")
    begins, ends = date(2018, 1, 1), date(2018, 2, 1)
    assert select_period([ofqual, ons], begins, ends, producer="ons").rows == (ons,)
    assert select_period([ofqual, ons], begins, ends, host="www.gov.uk").rows == (ofqual,)


def test_release_promised_for_a_day_is_in_the_report() -> None:
    """Only the day was announced, so the slot has no time."""
    midnight = SLOT.replace(hour=0, minute=0)
    found = period_of(release_row("a", "late", minutes_late=None, slot=midnight, precision="day"))
    report = build_period_report(found, "Ofqual", NOW)
    assert report.measured[0].rows[0][0] == "5 January 2018, no time"
    assert period_json(found)["releases"][0]["precision"] == "day"
    # Without a time it has no delay, so the mean need not say that it leaves out one. No chart
    # shows it by its hour.
    assert measure_punctuality(found).left_out == ()
    assert "By announced hour" not in str(report.figures)


def test_punctuality_omits_unproven_releases_and_gives_early_ones_no_delay() -> None:
    """Four releases were on time, 30 minutes late, an hour early, and unproven. The last one is not
    judged. The early one does not make up for the late one: its delay counts as 0.
    """
    on_time, late = release_row("a", minutes_late=0), release_row("b", "late", minutes_late=30)
    early, unproven = (
        release_row("c", "early", minutes_late=-60),
        release_row("d", "unproven", minutes_late=None),
    )
    punctuality = measure_punctuality(period_of(on_time, late, early, unproven))
    assert (punctuality.judged, punctuality.on_time) == (3, 1)
    # Delays are measured to a second: on time by 0 to 1 s, late by 1800 to 1801 s, and early 0 s.
    assert punctuality.mean == Bounds(
        pytest.approx((0 + 1800 + 0) / 3), pytest.approx((1 + 1801 + 0) / 3)
    )


def test_early_release_counts_as_no_delay_even_without_known_begin() -> None:
    """It was public at least 600 s before its slot.

    It does not make up for a late release, so it counts as 0.
    """
    public_since_an_unknown_time = release_row(
        "a", "early", minutes_late=None, delay=Bounds(min=None, max=-600)
    )
    punctuality = measure_punctuality(period_of(public_since_an_unknown_time))
    assert punctuality.mean == Bounds(0, 0)
    left_out_of_the_mean = punctuality.left_out
    assert left_out_of_the_mean == ()


def test_a_period_without_a_judged_release_has_no_share() -> None:
    unproven = period_of(release_row("a", "unproven", minutes_late=None))
    assert measure_punctuality(unproven).share is None
    report = build_period_report(unproven, "Ofqual", NOW)
    assert "its punctuality is not known" in text_of_field(report, "P.counts")


@given(st.lists(st.integers(0, 10_000), min_size=1), st.sampled_from([0.9, 1.0]))
def test_quantile_is_a_delay_that_covers_at_least_its_share(
    delays: list[int], share: float
) -> None:
    """Each delay was measured to a second."""
    quantile = find_quantile([Bounds(min=delay, max=delay + 1) for delay in delays], share)
    assert quantile is not None
    assert quantile.min in delays
    delays_up_to_quantile = [delay for delay in delays if delay <= quantile.min]
    assert len(delays_up_to_quantile) >= share * len(delays)


def test_median_of_two_delays_is_halfway_between_them() -> None:
    """The delays are 14 and 20 minutes, measured to a second. So the median is 17 min to 17 min 1
    s, which is written in whole minutes.
    """
    two_late = period_of(
        release_row("a", "late", minutes_late=14), release_row("b", "late", minutes_late=20)
    )
    report = build_period_report(two_late, "www.gov.uk", NOW)
    assert "median 17 to 18 minutes" in text_of_field(report, "P.distribution")


def test_longest_delay_is_unbounded_while_a_release_is_overdue() -> None:
    growing = release_row("a", "overdue", minutes_late=5, delay=Bounds(300, None))
    delays = list_late_delays(period_of(growing))
    # The longest delay is the one that covers all releases, so a share of 1.
    assert find_quantile(delays, share=1.0) == Bounds(300, None)


def test_faulty_releases_and_all_releases_are_counted_by_group() -> None:
    selected = period_of(
        release_row("a"),
        release_row("b", "late", minutes_late=5, cause="platform"),
        release_row("c", "late", minutes_late=9, cause="platform"),
    )
    # Group, faulty releases, all releases.
    assert count_faulty_by(selected, lambda each: each.cause or "not logged") == [
        ("platform", 2, 2),
        ("not logged", 0, 1),
    ]
    assert count_verdicts(selected) == {"late": 2, "on_time": 1}


def test_releases_of_one_slot_late_together_are_one_platform_fault() -> None:
    """Two releases of one slot were late, and the monitor found that they were late together on
    their host (`with_platform`). A third was late by itself, a day later. Only the first two count
    as a fault of the platform.
    """
    late_together = [
        release_row("a", "late", minutes_late=5, producer="ofqual", with_platform=True),
        release_row("b", "late", minutes_late=6, producer="ons", with_platform=True),
    ]
    late_by_itself = release_row(
        "c", "late", minutes_late=7, producer="dft", slot=SLOT + timedelta(days=1)
    )
    selected = period_of(*late_together, late_by_itself)
    (fault,) = find_platform_faults(selected)
    assert (fault.host, fault.begins) == ("www.gov.uk", SLOT)
    assert fault.rows == tuple(late_together)
    table_of_releases = text_of_field(build_period_report(selected, "All", NOW), "P.table")
    assert "2 releases of 2 producers were late together" in table_of_releases


def test_two_late_releases_of_a_hundred_are_no_platform_fault() -> None:
    """The monitor makes the finding `platform` only if a third of the releases of a slot is late.

    So here is none.
    """
    late = [
        release_row("a", "late", minutes_late=5),
        release_row("b", "late", minutes_late=6, producer="ons"),
    ]
    on_time = [release_row(f"on-time-{number}") for number in range(98)]
    assert find_platform_faults(period_of(*late, *on_time)) == []


def period_with_two_platform_faults() -> Period:
    """Return a period in which releases due at 9.30 and 10 came out by 10.10, and those due at
    14.30 are overdue.
    """
    ten, half_past_two = SLOT + timedelta(minutes=30), SLOT + timedelta(hours=5)
    seen = Interval(ten, ten + timedelta(minutes=10))
    first = {
        "minutes_late": 40,
        "first_seen": seen,
        "cause": "expired certificate",
        "with_platform": True,
    }
    second = {"minutes_late": 10, "slot": ten, "first_seen": seen, "with_platform": True}
    third = {
        "minutes_late": None,
        "slot": half_past_two,
        "delay": Bounds(60, None),
        "with_platform": True,
    }
    due_at_9_30 = [release_row(name, "late", producer=name, **first) for name in ("a", "b")]
    due_at_10 = [release_row(name, "late", producer=name, **second) for name in ("c", "d")]
    overdue = [release_row(name, "overdue", producer=name, **third) for name in ("e", "f")]
    return period_of(*due_at_9_30, *due_at_10, *overdue)


def test_releases_due_before_platform_recovers_are_one_fault() -> None:
    """Releases a to d, due at 9.30 or 10, come out by 10.10.

    Releases e and f, due at 14.30, are still overdue.
    """
    first, second = find_platform_faults(period_with_two_platform_faults())
    assert [each.release for each in first.rows] == ["a", "b", "c", "d"]
    recovered = SLOT + timedelta(minutes=40)
    assert (first.begins, first.ends, first.causes) == (SLOT, recovered, ("expired certificate",))
    assert [each.release for each in second.rows] == ["e", "f"]
    assert second.ends is None


def test_period_report_and_json_say_when_platform_faults_ended() -> None:
    """Four releases came out by 10.10, after a first fault.

    Those due at 14.30 are still overdue: a second fault.
    """
    selected = period_with_two_platform_faults()
    text = text_of_field(build_period_report(selected, "All", NOW), "P.table")
    assert "between 09:30 and 10:10 GMT on 5 January 2018: 4 releases of 4 producers" in text
    assert "since 14:30 GMT on 5 January 2018 and not over yet" in text
    assert "Cause logged: expired certificate." in text
    incidents = period_json(selected)["platform_incidents"]
    assert [incident["ends"] for incident in incidents] == ["2018-01-05T10:10:00.000Z", None]


def test_overdue_release_is_left_out_of_mean_and_named() -> None:
    """One release was 4 minutes late.

    Another is still overdue after 32 hours, so its delay is not known yet.
    """
    overdue = release_row("b", "overdue", minutes_late=None, delay=Bounds(32 * 3600, None))
    selected = period_of(release_row("a", "late", minutes_late=4), overdue)
    punctuality = measure_punctuality(selected)
    # The late release was late by 4 minutes, measured to a second.
    assert (punctuality.mean, len(punctuality.left_out)) == (Bounds(4 * 60, 4 * 60 + 1), 1)
    text = text_of_field(build_period_report(selected, "Ofqual", NOW), "P.counts")
    assert "Left out of any mean: 1 release not seen yet, at least 32 hours late so far." in text
    assert period_json(selected)["punctuality"]["mean_leaves_out"] == 1


def test_period_report_names_producers_in_full_and_json_by_id() -> None:
    selected = period_of(release_row("a", "late", minutes_late=4), release_row("b", producer="ons"))
    display_names = {"ofqual": "Office", "ons": "ONS"}
    page = WRITERS["md"](
        build_period_report(selected, "All", NOW, name_of=display_names.__getitem__)
    ).decode()
    assert "Office" in page
    assert "ofqual" not in page
    assert period_json(selected)["releases"][0]["producer"] == "ofqual"


def test_the_period_report_of_the_five_incidents_fills_every_box(
    incidents: dict[str, Incident],
) -> None:
    """All five published incidents get the same practice and cause here, which the report only
    quotes.
    """
    rows = [
        row_of(each.facts, practice="T3.6", cause="platform fault")
        for each in incidents.values()
        if each.facts
    ]
    selected = select_period(rows, date(2015, 1, 1), date(2018, 12, 31))
    report = build_period_report(selected, "www.gov.uk", NOW)
    assert all(field.paragraphs or field.placeholder for field in report.fields())
    assert text_of_field(report, "P.period") == "1 January 2015 to 31 December 2018"
    # The fifth incident is a leak: its release was not due yet.
    assert "3 late, 1 early, 0 unproven" in text_of_field(report, "P.counts")
    assert "longest 2 hours 48 minutes to 2 hours 49 minutes" in text_of_field(
        report, "P.distribution"
    )
    assert [table.caption for table in report.measured] == ["Releases late, early or unproven"]
    patterns = [
        f"Late, early or unproven: by {pattern}"
        for pattern in ("weekday", "month", "producer", "platform")
    ]
    assert [figure.title for figure in report.figures] == ["Incidents: by cause", *patterns]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "No release was watched."),
        (
            [release_row("a", "unproven", minutes_late=None)],
            "1 of 1 release watched stayed unproven.",
        ),
        ([release_row("a", "late", minutes_late=5)], "0 of 1 release watched stayed unproven."),
        (
            [release_row("a", "late", minutes_late=5), release_row("b", "late", minutes_late=5)],
            "0 of 2 releases watched stayed unproven.",
        ),
    ],
)
def test_coverage_counts_unproven_releases_and_zero_figures_are_omitted(
    rows: list[Row], sentence: str
) -> None:
    """A release is unproven if no look shows whether it came out on time. For example, with one
    late release the coverage says “0 of 1 release watched stayed unproven.” The counts leave out
    every figure of zero.
    """
    report = build_period_report(period_of(*rows), "All", NOW)
    assert sentence in text_of_field(report, "P.coverage")
    assert "0 releases" not in text_of_field(report, "P.counts")
    assert "0.0%" not in text_of_field(report, "P.counts")


def signed_period_report() -> Report:
    report = build_period_report(
        period_of(release_row("a", "late", minutes_late=5)), "www.gov.uk", NOW
    )
    return replace(report, signed=Signature("the head", "13:00 GMT", "5 January 2018", 2))


def test_signed_period_report_contains_incidents_it_refers_to() -> None:
    report = signed_period_report()
    assert "see annex A" in text_of_field(report, "P.table")
    written = WRITERS["md"](report).decode()
    assert "## Annex A: incidents" in written
    assert "| Release a<br>ofqual |" in written


def test_a_period_report_has_evidence_and_no_letters() -> None:
    documents = [each for each in Document if has_content(signed_period_report(), each)]
    assert documents == [Document.DRAFT, Document.REPORT, Document.EVIDENCE]


def test_evidence_of_period_begins_with_platform_and_dates() -> None:
    evidence = WRITERS["md"](signed_period_report(), Document.EVIDENCE).decode()
    assert evidence.startswith("# Evidence\n\nwww.gov.uk, 1 January to 28 February 2018\n")


def test_a_period_without_faults_says_so_and_has_no_tables() -> None:
    report = build_period_report(period_of(release_row("a")), "Ofqual", NOW)
    assert (
        text_of_field(report, "P.table") == "No release of the period was late, early or unproven."
    )
    assert (report.measured, report.figures) == ((), ())
    assert "1 release watched" in text_of_field(report, "P.counts")


def period_of_one_release_and_501_claims() -> Period:
    """Return a period with one release, on time, and one claim of the publishers more than the 500
    that are listed.
    """
    claim = Claim(
        "ofqual",
        "https://www.gov.uk/x",
        SLOT,
        "T",
        None,
        "",
        "https://www.gov.uk/api/content/x",
        NOW,
    )
    return replace(period_of(release_row("a")), claims=(claim,) * 501)


def test_period_report_lists_only_first_500_claims_of_publishers() -> None:
    report = build_period_report(period_of_one_release_and_501_claims(), "Ofqual", NOW)
    coverage = text_of_field(report, "P.coverage")
    assert (
        "501 publications in the period: the first 500 in the last annex, all in .csv" in coverage
    )
    (annex_of_claims,) = report.claimed
    assert len(annex_of_claims.rows) == 500


def test_the_csv_of_a_period_lists_all_claims_of_publishers() -> None:
    lines = period_csv(period_of_one_release_and_501_claims()).splitlines()
    header, releases, claims = 1, 1, 501
    assert len(lines) == header + releases + claims


def test_claims_of_publishers_are_not_counted_as_releases() -> None:
    """Here are 501 claims and one release."""
    selected = period_of_one_release_and_501_claims()
    tables_of_incidents = build_period_report(selected, "Ofqual", NOW).measured
    assert tables_of_incidents == ()  # the release was on time
    assert count_verdicts(selected) == {"on_time": 1}


@pytest.mark.parametrize(
    ("names", "counted"), [("a", "One of those on time"), ("ab", "2 of those on time")]
)
def test_counts_say_how_early_releases_on_time_may_have_been(names: str, counted: str) -> None:
    """The last look before each slot was 40 s before it."""
    releases = [release_row(name, early_bound=40.0) for name in names]
    report = build_period_report(period_of(*releases), "Ofqual", NOW)
    sentence = f"{counted} may have come up to 40 seconds early: no look nearer"
    assert sentence in text_of_field(report, "P.counts")


def test_coverage_of_a_period_states_gaps_of_monitor() -> None:
    gap = BlindSpan(SLOT, SLOT + timedelta(minutes=90), "restarted")
    report = build_period_report(replace(period_of(release_row("a")), blind=(gap,)), "Ofqual", NOW)
    assert "could not see during 1 gap, 1 hour 30 minutes in all" in text_of_field(
        report, "P.coverage"
    )


def test_csv_gives_each_release_delay_seconds_and_utc_slot() -> None:
    selected = period_of(
        release_row("a", "late", minutes_late=4), release_row("b", "unproven", minutes_late=None)
    )
    late, unproven = csv.DictReader(io.StringIO(period_csv(selected).decode()))
    # delay_min is the least delay in seconds.
    assert (late["release"], late["delay_min"]) == ("a", str(4 * 60))
    assert (unproven["release"], unproven["delay_min"]) == ("b", "")
    assert late["slot"] == unproven["slot"] == "2018-01-05T09:30:00.000Z"


def test_title_like_a_formula_stays_text_in_spreadsheet() -> None:
    assert (
        '"\'=HYPERLINK(""x"")"'
        in period_csv(period_of(release_row("a", title='=HYPERLINK("x")'))).decode()
    )


def test_json_of_period_has_share_on_time_and_every_release() -> None:
    selected = period_of(release_row("a", "on_time"), release_row("b", "late", minutes_late=4))
    body = json.loads(json.dumps(period_json(selected)))
    assert body["punctuality"]["share_on_time"] == 1 / 2
    assert [release["release"] for release in body["releases"]] == ["a", "b"]


def test_json_of_period_of_all_producers_names_no_producer() -> None:
    """The releases are of two producers."""
    assert (
        period_json(period_of(release_row("a"), release_row("b", producer="ons")))["producer"]
        is None
    )


def test_the_row_of_a_release_brought_forward_says_so() -> None:
    selected = period_of(
        release_row("a", "early", decided="brought forward to 5 Jan 2018 08:30 GMT")
    )
    ((*_, remarks),) = build_period_report(selected, "Ofqual", NOW).measured[0].rows
    assert "Brought forward to 5 Jan 2018 08:30 GMT" in remarks
    assert b"brought forward" in period_csv(selected)
