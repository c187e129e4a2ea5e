"""Charts of the faults in a period: by cause, weekday, hour, day or month, producer and
platform.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from alerts.draft.period import Period, Row, count_faulty_by, get_local_slot
from alerts.draft.report import Bar, Bars
from schedules.times.words import count, day_text

FAULTY, WATCHED = "Late, early or unproven", "Watched"
NOT_LOGGED = "not logged"
NAMED_GROUPS = 3


def chart_faults(period: Period) -> tuple[Bars, ...]:
    """Return the charts of a period.

    If no release was faulty this is at most the chart of logged causes.
    """
    if not period.incidents:
        return _chart_causes(period)
    weekdays = _list_groups(
        period, lambda row: f"{get_local_slot(row):%A}", [*calendar.day_name].index
    )
    with_time = replace(
        period, rows=tuple(row for row in period.rows if row.precision == "instant")
    )
    hours = _list_groups(
        with_time, lambda row: f"{get_local_slot(row):%H}:00 to {get_local_slot(row):%H}:59"
    )
    charts = (
        _make_chart("By weekday", "Weekday", weekdays),
        _make_chart("By announced hour", "Announced hour", hours),
        _chart_days_or_months(period),
        _make_chart("By producer", "Producer", count_faulty_by(period, lambda row: row.producer)),
        _make_chart("By platform", "Platform", count_faulty_by(period, lambda row: row.host)),
    )
    # A chart with a single bar does not show a pattern.
    return (*_chart_causes(period), *(chart for chart in charts if len(chart.bars) > 1))


def charts_json(period: Period) -> list[dict[str, Any]]:
    """Return the charts of a period as JSON values, each with its groups."""
    return [
        {
            "by": chart.title.partition(": by ")[2],
            "groups": [
                {"group": bar.label, "faulty": bar.number, "of": bar.whole} for bar in chart.bars
            ],
        }
        for chart in chart_faults(period)
    ]


def _chart_causes(period: Period) -> tuple[Bars, ...]:
    causes = [row.cause for row in period.incidents] + [
        incident.words.get("cause", "") for incident in period.logged
    ]
    if not any(causes):
        return ()
    counts = Counter(cause or NOT_LOGGED for cause in causes)
    ranked = sorted(counts, key=lambda cause: (cause == NOT_LOGGED, -counts[cause], cause))
    bars = tuple(Bar(cause, counts[cause], len(causes)) for cause in ranked)
    return (
        Bars(
            "Incidents: by cause",
            ("Cause logged", "Incidents", "All of them"),
            bars,
            _describe_worst(bars),
        ),
    )


def _chart_days_or_months(period: Period) -> Bars:
    number_of_days = (period.ends - period.begins).days + 1
    if number_of_days <= 31:
        days = _list_groups(period, lambda row: f"{get_local_slot(row):%Y-%m-%d}")
        named = [
            (day_text(date.fromisoformat(name)), faulty, watched) for name, faulty, watched in days
        ]
        return _make_chart("By day", "Day", named)
    months = _list_groups(period, lambda row: f"{get_local_slot(row):%Y-%m}")
    named = [
        (f"{calendar.month_name[int(name[5:])]} {name[:4]}", faulty, watched)
        for name, faulty, watched in months
    ]
    return _make_chart("By month", "Month", named)


def _list_groups(
    period: Period, key: Callable[[Row], str], place_of: Callable[[str], Any] = str
) -> list[tuple[str, int, int]]:
    groups = count_faulty_by(period, key)
    return sorted(groups, key=lambda group: place_of(group[0]))


def _make_chart(title: str, header: str, groups: Iterable[tuple[str, int, int]]) -> Bars:
    bars = tuple(Bar(*each) for each in groups)
    return Bars(
        f"{FAULTY}: {title[0].lower()}{title[1:]}",
        (header, FAULTY, WATCHED),
        bars,
        _describe_worst(bars),
    )


def _describe_worst(bars: tuple[Bar, ...]) -> str:
    worst = sorted(
        (bar for bar in bars if bar.number), key=lambda bar: (-bar.number / bar.whole, -bar.number)
    )
    named = [f"{bar.label} {bar.share}" for bar in worst[:NAMED_GROUPS]]
    text = f"Most: {'; '.join(named)}"
    if len(worst) > NAMED_GROUPS:
        text += f", then {count(len(worst) - NAMED_GROUPS, 'other')}"
    return f"{text}. All figures are in the table."
