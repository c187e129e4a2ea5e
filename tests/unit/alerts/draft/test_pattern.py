from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import docx
from docx.oxml.ns import qn

from alerts.draft import bars
from alerts.draft.pattern import chart_faults, charts_json
from alerts.draft.period import Period, Row, select_period
from alerts.draft.period_data import period_json
from alerts.draft.period_report import build_period_report
from alerts.draft.report import Bar, Bars
from alerts.draft.write.png import bar_png
from alerts.draft.write.registry import WRITERS
from schedules.times.interval import Bounds, Interval

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
NOW = datetime(2018, 3, 1, 12, tzinfo=UTC)
URL = "https://www.gov.uk/x"


def late_row(name: str, days: int = 0, **more: object) -> Row:
    slot = SLOT + timedelta(days=days)
    seen = Interval(slot, slot + timedelta(minutes=5))
    row = Row(name, f"Release {name}", "ofqual", URL, "Europe/London", slot, "late", seen, Bounds(240, 300))
    return replace(row, **more)  # type: ignore[arg-type]


def period_of(*rows: Row, ends: date = date(2018, 1, 31)) -> Period:
    return select_period(rows, date(2018, 1, 1), ends)


def find_chart(period: Period, name: str) -> Bars:
    return next(each for each in chart_faults(period) if each.title.endswith(f"by {name}"))


def test_late_releases_are_counted_by_cause_with_not_logged_last() -> None:
    rows = [late_row("a"), late_row("b"), late_row("c", cause="platform fault"), late_row("d", verdict="on_time")]
    assert find_chart(period_of(*rows), "cause").bars == (Bar("platform fault", 1, 3), Bar("not logged", 2, 3))


def test_weekdays_are_in_calendar_order_with_faulty_and_watched_releases() -> None:
    rows = [late_row("a"), late_row("b", 3), late_row("c", 3, verdict="on_time")]
    assert find_chart(period_of(*rows), "weekday").bars == (Bar("Monday", 1, 2), Bar("Friday", 1, 1))


def test_announced_hours_are_local_and_not_utc() -> None:
    summer, winter = (
        late_row("a", slot=datetime(2018, 6, 5, 8, 30, tzinfo=UTC)),
        late_row("b", slot=SLOT.replace(hour=14)),
    )
    found = find_chart(period_of(summer, winter, ends=date(2018, 7, 1)), "announced hour")
    assert [each.label for each in found.bars] == ["09:00 to 09:59", "14:00 to 14:59"]


def test_a_month_is_drawn_by_day_and_a_longer_period_by_month() -> None:
    rows = [late_row("a"), late_row("b", 5), late_row("c", 40)]
    assert [each.label for each in find_chart(period_of(*rows), "day").bars] == ["5 January 2018", "10 January 2018"]
    longer = find_chart(period_of(*rows, ends=date(2018, 2, 28)), "month")
    assert longer.bars == (Bar("January 2018", 2, 2), Bar("February 2018", 1, 1))


def test_a_chart_of_one_bar_is_drawn_only_for_a_logged_cause() -> None:
    assert [each.title for each in chart_faults(period_of(late_row("a", cause="fault")))] == ["Incidents: by cause"]
    assert chart_faults(period_of(late_row("a"))) == ()


def test_charts_are_written_as_json_with_faulty_and_watched_releases() -> None:
    charts = charts_json(period_of(late_row("a", cause="fault"), late_row("b", 3)))
    assert charts[0] == {
        "by": "cause",
        "groups": [{"group": "fault", "faulty": 1, "of": 2}, {"group": "not logged", "faulty": 1, "of": 2}],
    }
    assert [each["by"] for each in charts] == ["cause", "weekday", "day"]


def test_the_text_alternative_names_the_worst_first_and_counts_the_rest() -> None:
    rows = [late_row(str(place), place) for place in (0, 0, 3, 4, 5, 6)]
    assert find_chart(period_of(*rows), "weekday").alt == (
        "Most: Friday 2 of 2; Monday 1 of 1; Tuesday 1 of 1, then 2 others. All figures are in the table."
    )


def test_a_chart_is_well_formed_and_each_bar_shows_its_share() -> None:
    figure = Bars("A & B", ("Group", "Late", "Watched"), (Bar("<x>", 4, 8), Bar("y", 1, 4), Bar("z", 0, 1)), "Most: x.")
    drawn = ET.fromstring(bars.draw_svg(figure, "chart-1"))  # noqa: S314 # our own drawing
    rectangles = [each for each in drawn if each.tag.endswith("rect")]
    frame, half, _, quarter, *empty = (float(each.get("width", "")) for each in rectangles)
    assert (half, quarter, len(empty)) == (round(frame / 2, 1), round(frame / 4, 1), 1)
    texts = [each.text for each in drawn]
    assert {"A & B", "Most: x.", "<x>", "4 of 8"} <= set(texts)


def test_a_bar_without_anything_is_an_empty_frame() -> None:
    assert bar_png(0.0).startswith(b"\x89PNG")
    assert len({bar_png(0.0), bar_png(0.5), bar_png(1.0)}) == 3


def test_every_chart_stands_in_every_format_with_its_text_alternative() -> None:
    report = build_period_report(period_of(late_row("a", cause="platform fault"), late_row("b", 3)), "Ofqual", NOW)
    page = WRITERS["html"](report).decode()
    assert page.count("<img") == len(report.figures) == 3
    assert all(figure.alt in page for figure in report.figures)
    document = docx.Document(io.BytesIO(WRITERS["docx"](report)))
    drawn = [each.get("descr") for each in document.element.iter(qn("wp:docPr"))]
    assert len(drawn) == sum(len(figure.bars) for figure in report.figures)
    assert "platform fault: 1 of 2" in drawn
    assert "| platform fault | 1 | 2 |" in WRITERS["md"](report).decode()


def test_one_fault_of_a_platform_is_one_incident_linked_to_each_producers_own() -> None:
    rows = [late_row("a", incident="a-2018-01-05"), late_row("b", producer="ons", incident="b-2018-01-05")]
    period = period_of(*rows)
    [platform] = period_json(period)["platform_incidents"]
    assert platform["id"] == "platform-www.gov.uk-2018-01-05T0930Z"
    assert platform["incidents"] == ["a-2018-01-05", "b-2018-01-05"]
    text = WRITERS["html"](build_period_report(period, "www.gov.uk", NOW)).decode()
    assert "One fault of www.gov.uk, between 09:30 and 09:35 GMT on 5 January 2018:" in text
    assert "a-2018-01-05" not in text


def test_a_single_late_release_is_told_without_percentiles() -> None:
    report = build_period_report(period_of(late_row("a")), "Ofqual", NOW)
    text = WRITERS["md"](report).decode()
    assert "The one release that could be judged did not come out on time. Its delay (indicator TP3) was" in text
    assert "The one late release was late by 4 to 5 minutes." in text
