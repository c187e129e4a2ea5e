"""Charts of the faults in a period: by cause, weekday, hour, day or month, producer and platform."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from alerts.draft import words
from alerts.draft.period import Period, Row, by, local_slot
from alerts.draft.report import Bar, Bars
from schedules.times.words import day_text

FAULTY, WATCHED = "Late, early or unproven", "Watched"
NOT_LOGGED = "not logged"
LONGEST_BY_DAY = 31
TOLD = 3


def patterns(period: Period) -> tuple[Bars, ...]:
    """Return the charts of a period. If no release was faulty this is at most the chart of logged causes."""
    if not period.incidents:
        return _causes(period)
    weekdays = _in_order(period, lambda row: f"{local_slot(row):%A}", tuple(calendar.day_name))
    hours = _in_order(period, lambda row: f"{local_slot(row):%H}:00 to {local_slot(row):%H}:59")
    charts = (
        _chart("By weekday", "Weekday", weekdays),
        _chart("By announced hour", "Announced hour", hours),
        _days(period),
        _chart("By producer", "Producer", by(period, lambda row: row.producer)),
        _chart("By platform", "Platform", by(period, lambda row: row.host)),
    )
    # A chart with a single bar does not show a pattern.
    return (*_causes(period), *(chart for chart in charts if len(chart.bars) > 1))


def patterns_json(period: Period) -> list[dict[str, Any]]:
    """Return the charts of a period as JSON values, each with its groups."""
    return [
        {
            "by": chart.title.partition(": by ")[2],
            "groups": [{"group": bar.label, "faulty": bar.number, "of": bar.whole} for bar in chart.bars],
        }
        for chart in patterns(period)
    ]


def _causes(period: Period) -> tuple[Bars, ...]:
    causes = [row.cause for row in period.incidents] + [one.words.get("cause", "") for one in period.logged]
    if not any(causes):
        return ()
    whole, found = len(causes), Counter(cause or NOT_LOGGED for cause in causes)
    ranked = sorted(found.items(), key=lambda each: (each[0] == NOT_LOGGED, -each[1], each[0]))
    groups = tuple(Bar(name, one, whole) for name, one in ranked)
    return (Bars("Incidents: by cause", ("Cause logged", "Incidents", "All of them"), groups, _alt(groups)),)


def _days(period: Period) -> Bars:
    if (period.ends - period.begins).days < LONGEST_BY_DAY:
        days = _in_order(period, lambda row: f"{local_slot(row):%Y-%m-%d}")
        named = [(day_text(date.fromisoformat(name)), number, whole) for name, number, whole in days]
        return _chart("By day", "Day", named)
    months = _in_order(period, lambda row: f"{local_slot(row):%Y-%m}")
    return _chart("By month", "Month", [(_month(name), number, whole) for name, number, whole in months])


def _month(name: str) -> str:
    year, month = name.split("-")
    return f"{calendar.month_name[int(month)]} {year}"


def _in_order(period: Period, key: Callable[[Row], str], order: tuple[str, ...] = ()) -> list[tuple[str, int, int]]:
    """Return the groups in calendar or clock order, not by their share of faults."""
    return sorted(by(period, key), key=lambda each: (order.index(each[0]) if order else 0, each[0]))


def _chart(title: str, group: str, groups: Iterable[tuple[str, int, int]]) -> Bars:
    return _bars(title, (group, FAULTY, WATCHED), groups)


def _bars(title: str, header: tuple[str, str, str], groups: Iterable[tuple[str, int, int]]) -> Bars:
    found = tuple(Bar(*each) for each in groups)
    return Bars(f"{FAULTY}: {title[0].lower()}{title[1:]}", header, found, _alt(found))


def _alt(bars: tuple[Bar, ...]) -> str:
    worst = sorted((each for each in bars if each.number), key=lambda each: (-each.number / each.whole, -each.number))
    told = [f"{each.label} {each.number:,} of {each.whole:,}" for each in worst[:TOLD]]
    more = f", then {words.count(len(worst) - TOLD, 'other')}" if len(worst) > TOLD else ""
    return f"Most: {'; '.join(told)}{more}. All figures are in the table."
