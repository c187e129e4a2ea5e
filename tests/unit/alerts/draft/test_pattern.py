"""Charts of the faults in a period: which groups they have, and how each format shows them."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import docx
from docx.oxml.ns import qn

from alerts.draft.pattern import chart_faults, charts_json
from alerts.draft.period import Period, Row, select_period
from alerts.draft.period_data import period_json
from alerts.draft.period_report import build_period_report
from alerts.draft.report import Bar, Bars, Report
from alerts.draft.write.docx import bar_png
from alerts.draft.write.registry import WRITERS
from alerts.plots import draw_for_document
from schedules.times.interval import Bounds, Interval

FRIDAY_SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
FRIDAY, MONDAY = 0, 3
"""Days after the slot on Friday 5 January."""
NOW = datetime(2018, 3, 1, 12, tzinfo=UTC)
URL = "https://www.gov.uk/x"


def late_row(name: str, days_after_5_january: int = FRIDAY, **changed: object) -> Row:
    """Return a release of a period, due so many days after Friday 5 January, with these fields
    changed.
    """
    slot = FRIDAY_SLOT + timedelta(days=days_after_5_january)
    seen = Interval(slot, slot + timedelta(minutes=5))
    row = Row(
        name,
        f"Release {name}",
        "ofqual",
        URL,
        "Europe/London",
        slot,
        "late",
        seen,
        Bounds(240, 300),
    )
    return replace(row, **changed)  # type: ignore[arg-type]


def period_of(*rows: Row, ends: date = date(2018, 1, 31)) -> Period:
    return select_period(rows, date(2018, 1, 1), ends)


def chart_by(group: str, period: Period) -> Bars:
    return next(chart for chart in chart_faults(period) if chart.title.endswith(f"by {group}"))


def test_late_releases_are_counted_by_cause_with_not_logged_last() -> None:
    """Three of the four releases are late: c with a logged cause, a and b without one."""
    rows = [
        late_row("a"),
        late_row("b"),
        late_row("c", cause="platform fault"),
        late_row("d", verdict="on_time"),
    ]
    by_cause = chart_by("cause", period_of(*rows))
    assert by_cause.bars == (
        Bar("platform fault", number=1, whole=3),
        Bar("not logged", number=2, whole=3),
    )


def test_weekday_chart_counts_faulty_of_watched_releases_from_monday() -> None:
    rows = [late_row("a", FRIDAY), late_row("b", MONDAY), late_row("c", MONDAY, verdict="on_time")]
    by_weekday = chart_by("weekday", period_of(*rows))
    assert by_weekday.bars == (Bar("Monday", number=1, whole=2), Bar("Friday", number=1, whole=1))


def test_announced_hours_are_local_and_not_utc() -> None:
    summer = late_row("a", slot=datetime(2018, 6, 5, 8, 30, tzinfo=UTC))
    winter = late_row("b", slot=datetime(2018, 1, 5, 14, 30, tzinfo=UTC))
    by_hour = chart_by("announced hour", period_of(summer, winter, ends=date(2018, 7, 1)))
    assert [bar.label for bar in by_hour.bars] == ["09:00 to 09:59", "14:00 to 14:59"]


def test_a_period_of_a_month_has_a_chart_by_day() -> None:
    by_day = chart_by(
        "day",
        period_of(late_row("a"), late_row("b", days_after_5_january=5), ends=date(2018, 1, 31)),
    )
    assert [bar.label for bar in by_day.bars] == ["5 January 2018", "10 January 2018"]


def test_a_period_of_two_months_has_a_chart_by_month() -> None:
    """The releases are due on 5 January, 10 January and 14 February."""
    rows = [late_row(f"r{days}", days_after_5_january=days) for days in (0, 5, 40)]
    by_month = chart_by("month", period_of(*rows, ends=date(2018, 2, 28)))
    assert [(bar.label, bar.number) for bar in by_month.bars] == [
        ("January 2018", 2),
        ("February 2018", 1),
    ]


def test_chart_of_one_bar_is_drawn_only_for_logged_cause() -> None:
    """One late release gives every chart one bar, which shows no pattern."""
    cause_logged, no_cause_logged = (
        period_of(late_row("a", cause="fault")),
        period_of(late_row("a", cause="")),
    )
    assert [chart.title for chart in chart_faults(cause_logged)] == ["Incidents: by cause"]
    assert chart_faults(no_cause_logged) == ()


def test_json_chart_has_faulty_and_all_releases_of_each_group() -> None:
    rows = [late_row("a", FRIDAY), late_row("b", MONDAY), late_row("c", MONDAY, verdict="on_time")]
    charts = {chart["by"]: chart for chart in charts_json(period_of(*rows))}
    monday, friday = charts["weekday"]["groups"]
    assert monday == {"group": "Monday", "faulty": 1, "of": 2}
    assert friday == {"group": "Friday", "faulty": 1, "of": 1}


def test_json_leaves_out_charts_with_one_bar() -> None:
    """Both releases are due at 9.30 and have one producer and platform, so charts by these would
    have one bar.
    """
    charts = charts_json(
        period_of(late_row("a", FRIDAY, cause="certificate"), late_row("b", MONDAY))
    )
    assert [chart["by"] for chart in charts] == ["cause", "weekday", "day"]


def test_text_alternative_names_three_worst_groups_and_counts_others() -> None:
    """All releases are late, two of them on Friday.

    Equal shares are ranked by number of releases, then by day.
    """
    tuesday, wednesday, thursday = MONDAY + 1, MONDAY + 2, MONDAY + 3
    rows = [
        late_row(f"r{day}", day) for day in (FRIDAY, FRIDAY, MONDAY, tuesday, wednesday, thursday)
    ]
    assert (
        chart_by("weekday", period_of(*rows)).alt
        == "Most: Friday 2 of 2; Monday 1 of 1; Tuesday 1 of 1, then 2 others. All figures are in"
        " the table."
    )


def draw_chart(*groups: Bar) -> ET.Element:
    chart = Bars("A & B", ("Group", "Late", "Watched"), groups, "Most: x.")
    return ET.fromstring(draw_for_document(chart, "chart-1").svg)  # noqa: S314 # our own drawing


def test_drawn_bar_fills_its_share_of_its_frame() -> None:
    """A share of zero has no bar."""
    half, quarter, zero = (
        Bar("x", number=4, whole=8),
        Bar("y", number=1, whole=4),
        Bar("z", number=0, whole=1),
    )
    rectangles = [
        element
        for element in draw_chart(half, quarter, zero).iter()
        if element.tag.endswith("rect")
    ]
    frame_of_half, bar_of_half, frame_of_quarter, bar_of_quarter, frame_of_zero = (
        float(rectangle.get("width", "").removesuffix("%")) for rectangle in rectangles
    )
    assert frame_of_half == frame_of_quarter == frame_of_zero
    assert bar_of_half == round(frame_of_half / 2, 1)
    assert bar_of_quarter == round(frame_of_quarter / 4, 1)


def test_drawn_chart_has_title_alternative_labels_and_numbers() -> None:
    """The chart has the title “A & B”, the text alternative “Most: x.” and a bar with the label
    “<x>”. Special characters are kept.
    """
    texts = {element.text for element in draw_chart(Bar("<x>", number=4, whole=8)).iter()}
    assert {"A & B", "Most: x.", "<x>", "4 of 8"} <= texts


def test_pictures_of_empty_half_and_full_bars_differ() -> None:
    pictures = {bar_png(share) for share in (0.0, 0.5, 1.0)}
    assert len(pictures) == 3
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def report_with_three_charts() -> Report:
    """Return a report on two late releases, with charts by cause, weekday and day."""
    rows = [late_row("a", FRIDAY, cause="platform fault"), late_row("b", MONDAY)]
    return build_period_report(period_of(*rows), "Ofqual", NOW)


def test_web_page_has_every_chart_as_picture_with_alternative() -> None:
    report = report_with_three_charts()
    page = WRITERS["html"](report).decode()
    strip = 1
    assert page.count("<img") == len(report.figures) + strip == 4
    assert all(chart.alt in page for chart in report.figures)


def test_word_document_has_every_bar_as_picture_with_alternative() -> None:
    report = report_with_three_charts()
    document = docx.Document(io.BytesIO(WRITERS["docx"](report)))
    alternatives = [picture.get("descr") for picture in document.element.iter(qn("wp:docPr"))]
    assert alternatives == [
        f"{bar.label}: {bar.number} of {bar.whole}"
        for chart in report.figures
        for bar in chart.bars
    ]


def test_markdown_has_a_chart_as_a_table() -> None:
    page = WRITERS["md"](report_with_three_charts()).decode()
    assert "| platform fault | 1 | 2 |" in page


TWO_PRODUCERS_LATE_TOGETHER = (
    late_row("a", incident="a-2018-01-05", with_platform=True),
    late_row("b", producer="ons", incident="b-2018-01-05", with_platform=True),
)
"""Releases of two producers on one platform that were late at the same time."""


def test_releases_late_together_are_one_platform_incident() -> None:
    """Releases of two producers on www.gov.uk, due at the same time, were both late."""
    (platform,) = period_json(period_of(*TWO_PRODUCERS_LATE_TOGETHER))["platform_incidents"]
    assert platform["id"] == "platform-www.gov.uk-2018-01-05T0930Z"
    assert platform["incidents"] == ["a-2018-01-05", "b-2018-01-05"]


def test_period_report_describes_platform_fault_without_incident_ids() -> None:
    report = build_period_report(period_of(*TWO_PRODUCERS_LATE_TOGETHER), "www.gov.uk", NOW)
    text = WRITERS["html"](report).decode()
    assert "One fault of www.gov.uk, between 09:30 and 09:35 GMT on 5 January 2018:" in text
    assert "a-2018-01-05" not in text


def test_report_on_one_late_release_states_its_delay_in_a_sentence() -> None:
    """Several late releases would get a table of their delays. One gets a sentence."""
    late_by_4_to_5_minutes = late_row("a", delay=Bounds(4 * 60, 5 * 60))
    report = build_period_report(period_of(late_by_4_to_5_minutes), "Ofqual", NOW)
    text = WRITERS["md"](report).decode()
    assert (
        "The one release that could be judged did not come out on time. Its delay (indicator"
        " TP3) was" in text
    )
    assert "The one late release was late by 4 to 5 minutes." in text


def test_strip_of_a_period_draws_faulty_releases_and_folds_those_on_time() -> None:
    rows = [
        late_row("a"),
        late_row("b", verdict="on_time", delay=Bounds(0.0, 1.0)),
        late_row("c", verdict="on_time", delay=Bounds(-1.0, 3.0)),
        late_row("d", verdict="early", delay=Bounds(-120.0, -100.0), exposure=Bounds(100.0, 120.0)),
        late_row("e", verdict="not_published", delay=None),
    ]
    report = build_period_report(period_of(*rows), "GOV.UK", NOW)
    strip = report.strip
    assert strip is not None
    drawn = {bar.label: (bar.state, bar.low, bar.high, bar.exposures) for bar in strip.bars}
    assert drawn == {
        "ofqual": ("on_time", -1.0, 3.0, ()),
        "Release a": ("late", 240.0, 300.0, ()),
        "Release d": ("early", -120.0, -100.0, ((-120.0, 0.0),)),
        "Release e": ("open", None, None, ()),
    }
    assert strip.bars[0].note == "2 of 5 on time"
    svg = draw_for_document(strip, "strip").svg
    ET.fromstring(svg)  # noqa: S314 # our own
    for state in ("on_time", "lateness", "late", "early", "open"):
        assert f'class="{state}"' in svg
    for ending in WRITERS:
        assert WRITERS[ending](report)


def test_a_period_without_a_faulty_release_has_no_strip() -> None:
    rows = [late_row("b", verdict="on_time", delay=Bounds(0.0, 1.0))]
    assert build_period_report(period_of(*rows), "GOV.UK", NOW).strip is None
