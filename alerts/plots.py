"""Plots as SVG: bars on an axis. Classes colour them on a page, attributes in a document."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from markupsafe import Markup

from alerts.draft.report import Bar, Bars, Lane, SlotStrip, Timeline
from alerts.one_line import one_line
from schedules.times.words import clock
from schedules.times.zone import local, local_date

WIDTH = 700
"""The width of a figure in a document, in points."""
_MOST_TICKS = 6
_LONGEST_LABEL = 60
_NARROWEST = 0.8
"""The least width of a bar in percent, so that an interval of a second can be seen."""
_ROW, _BAR = 34, 12
_TOP, _TOP_WITH_BRACKET = 22, 42
_THIN = ("absent", "withdrawn", "not_published")

STATES = {
    "absent": ("not public", "light grey", "#b8b8b8"),
    "between": ("changed in here", "hatched", "url(#between)"),
    "public": ("public", "dark green", "#1d5c3a"),
    "early": ("public before the announced time", "violet with white lines", "#6a2a9c"),
    "withdrawn": ("withdrawn", "brown", "#7a4d00"),
    "unknown": ("looks that proved nothing", "dashed frame", "none"),
    "blind": ("monitor could not see", "dotted", "url(#blind)"),
}
"""The meaning of each state, its look in words and its fill. They differ in a print without
colour.
"""
_FILLS = {state: fill for state, (_meaning, _look, fill) in STATES.items()} | {
    "on_time": "#1d5c3a",
    "late": "#a3160b",
    "lateness": "#e3aaa6",
    "open": "#f6d5d2",
}
_PATTERNS_IN_DOCUMENT = (
    '<defs><pattern id="between" width="6" height="6" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect width="6" height="6" fill="#ffffff"/><rect width="3"'
    ' height="6" fill="#1d5c3a"/></pattern><pattern id="blind" width="6" height="6"'
    ' patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#ffffff"/><circle cx="3"'
    ' cy="3" r="1.5" fill="#333333"/></pattern></defs>'
)
PATTERN_ON_PAGE = Markup(
    '<defs><pattern id="blind" width="5" height="5" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect class="hatch" width="2" height="5"/></pattern></defs>'
)


class Drawing(NamedTuple):
    """A figure of a document, with its size in points."""

    width: int
    height: int
    svg: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar on an axis, in percent."""

    state: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """A label and a note above a track with bars."""

    label: str
    note: str
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Axis:
    """Where numbers lie, linear between its points (number, place)."""

    points: Sequence[tuple[float, float]]

    def place(self, number: float) -> float:
        """Return where a number lies. Beyond the last points, that is where they lie."""
        after = bisect_right(self.points, number, key=lambda point: point[0])
        if after in (0, len(self.points)):
            return self.points[0 if after == 0 else -1][1]
        (low, left), (high, right) = self.points[after - 1 : after + 1]
        return round(left + (number - low) / (high - low) * (right - left), 2)

    def mark(self, state: str, low: float, high: float) -> Mark:
        """Return a bar between two numbers on an axis of percents."""
        left = self.place(low)
        width = max(self.place(high) - left, _NARROWEST)
        return Mark(state, min(left, 100 - _NARROWEST), round(width, 2))


SLOT_AXIS = Axis(
    (
        (-86_400.0, 0.0),
        (-3_600.0, 3.0),
        (-600.0, 7.0),
        (-120.0, 14.0),
        (0.0, 25.0),
        (10.0, 40.0),
        (60.0, 55.0),
        (300.0, 68.0),
        (600.0, 78.0),
        (3_600.0, 89.0),
        (86_400.0, 100.0),
    )
)
"""Seconds after a slot, in percent: a second near the slot is as wide as an hour far from it."""
_SLOT_LABELS = {-120: "-2 min", 0: "slot", 10: "10 s", 60: "1 min", 300: "5 min", 600: "10 min"}
_SLOT_LABELS |= {3_600: "1 h", 86_400: "1 day"}
SLOT_TICKS = [(SLOT_AXIS.place(seconds), label) for seconds, label in _SLOT_LABELS.items()]


def mark_release(
    state: str, low: float | None, high: float | None, exposures: Iterable[tuple[float, float]]
) -> list[Mark]:
    """Return the bars of one release on `SLOT_AXIS`: its exposures, and when it came.

    `low` and `high` are the bounds of its delay. `open` is not out yet: its bar ends at `high`, or
    with the axis.
    """
    marks = [SLOT_AXIS.mark("early", *exposure) for exposure in exposures]
    if state == "open":
        end_of_axis, _ = SLOT_AXIS.points[-1]
        marks.append(SLOT_AXIS.mark("open", 0.0, end_of_axis if high is None else high))
    elif low is not None and high is not None and not marks:
        if state == "late":
            marks.append(SLOT_AXIS.mark("lateness", 0.0, low))
        marks.append(SLOT_AXIS.mark(state, low, high))
    return marks


def draw_slot_bars(marks: Iterable[Mark]) -> Markup:
    """Return bars on `SLOT_AXIS` as the SVG of a page."""
    svg = '<line class="axis" x1="0" x2="100%" y1="7" y2="7"/>'
    for left, label in SLOT_TICKS:
        kind = "slot" if label == "slot" else "tick"
        svg += f'<line class="{kind}" x1="{left}%" x2="{left}%" y1="0" y2="14"/>'
    for mark in marks:
        y, height = {"tolerance": (0, 14), "blind": (0, 14), "lateness": (6, 2)}.get(
            mark.state, (2, 10)
        )
        svg += _draw_mark(mark, y, height)
    return Markup(f'<svg width="100%" height="14" aria-hidden="true">{svg}</svg>')  # noqa: S704 # numbers and words of ours


_MAIL_TABLE = (
    '<table width="100%" cellspacing="0" aria-hidden="true"'
    ' style="table-layout:fixed;border-collapse:collapse"><tr>{}</tr></table>\n'
)
_MAIL_CELL = '<td width="{}%" style="padding:0;font-size:12px;line-height:14px{}">{}</td>'


def draw_slot_bars_for_mail(marks: Iterable[Mark]) -> str:
    """Return bars on `SLOT_AXIS` as an HTML table, because mail programs show no SVG."""
    columns = [""] * 100
    for mark in marks:
        for column in range(round(mark.left), max(round(mark.left + mark.width), 1)):
            columns[min(column, 99)] = _FILLS[mark.state]
    columns[round(SLOT_AXIS.place(0.0))] = "#1a1a1a"
    bars = "".join(
        _MAIL_CELL.format(len(list(run)), f";background:{colour}" if colour else "", "&nbsp;")
        for colour, run in groupby(columns)
    )
    lefts = [0.0, *(left for left, _ in SLOT_TICKS)]
    names = ["", *(label for _, label in SLOT_TICKS)]
    labels = "".join(
        _MAIL_CELL.format(round(right - left), "", name)
        for (left, right), name in zip(pairwise(lefts), names, strict=False)
    )
    return "".join(_MAIL_TABLE.format(cells) for cells in (bars, labels))


def draw_for_document(figure: Timeline | Bars | SlotStrip, name: str) -> Drawing:
    """Return a figure as an SVG element with its text alternative, without scripts or external
    references.

    `name` must be unique on the page.
    """
    height, shapes = _draw_shapes(figure)
    if isinstance(figure, Timeline):
        height, legend = _draw_legend(figure, height)
        shapes = f"{_PATTERNS_IN_DOCUMENT}{shapes}{legend}"
    size = (
        f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" font-family="Arial, sans-serif" font-size="12"'
    )
    return Drawing(WIDTH, height, _wrap_figure(figure, name, size, shapes))


def draw_rows_for_page(rows: Sequence[Row], text: str) -> Markup:
    """Return rows as an SVG element as wide as its place on a page. `text` describes it."""
    height, shapes = _draw_rows(rows, 0)
    return Markup(  # noqa: S704 # escaped
        f'<svg width="100%" height="{height}" role="img" aria-label="{escape(text)}">{shapes}</svg>'
    )


def draw_for_page(figure: Timeline, name: str) -> Markup:
    """Return a timeline for a page, as `draw_rows_for_page` does rows."""
    height, shapes = _draw_shapes(figure)
    size = f'width="100%" height="{height}"'
    return Markup(_wrap_figure(figure, name, size, f"{PATTERN_ON_PAGE}{shapes}"))  # noqa: S704 # escaped


def _wrap_figure(figure: Timeline | Bars | SlotStrip, name: str, size: str, shapes: str) -> str:
    return (
        f'<svg {size} role="img" aria-labelledby="{name}-title {name}-text"><title'
        f' id="{name}-title">{escape(figure.title)}</title><desc'
        f' id="{name}-text">{escape(figure.alt)}</desc>{shapes}</svg>'
    )


def _draw_shapes(figure: Timeline | Bars | SlotStrip) -> tuple[int, str]:
    """Return the height of a figure and its shapes."""
    if isinstance(figure, Bars):
        return _draw_rows([_row_of_bar(bar) for bar in figure.bars], 0)
    if isinstance(figure, SlotStrip):
        return _draw_strip(figure)
    lanes = [Row(lane.label, "", list_marks(figure, lane)) for lane in figure.lanes]
    top = _TOP if figure.lateness is None else _TOP_WITH_BRACKET
    bottom, svg = _draw_rows(lanes, top)
    return bottom + 18, f"{svg}{_draw_slot(figure, top, bottom)}{_draw_ticks(figure, bottom)}"


def _row_of_bar(bar: Bar) -> Row:
    marks = []
    if bar.number:
        marks.append(Mark("late", 0.0, round(100 * bar.number / max(1, bar.whole), 1)))
    return Row(bar.label, bar.share, marks)


def _draw_strip(figure: SlotStrip) -> tuple[int, str]:
    """Return the height of a strip and its shapes: rows, a line through them at the slot, and the
    labels of the axis.
    """
    rows = [
        Row(bar.label, bar.note, mark_release(bar.state, bar.low, bar.high, bar.exposures))
        for bar in figure.bars
    ]
    bottom, svg = _draw_rows(rows, 0)
    for left, label in SLOT_TICKS:
        svg += (
            f'<text x="{left}%" y="{bottom + 11}" text-anchor="{_text_anchor(left)}">{label}</text>'
        )
    return bottom + 18, svg + _draw_slot_line(SLOT_AXIS.place(0.0), 0, bottom)


def _draw_slot_line(x: float, top: int, bottom: int) -> str:
    """Return a line across the tracks of rows, but not through their labels."""
    return "".join(
        f'<line class="slot" x1="{x}%" x2="{x}%" y1="{y + 14}" y2="{y + 30}" stroke="#000000"'
        ' stroke-width="2"/>'
        for y in range(top, bottom, _ROW)
    )


def _draw_rows(rows: Sequence[Row], top: int) -> tuple[int, str]:
    """Return the bottom of rows that begin at `top`, and their shapes."""
    svg = ""
    for place, row in enumerate(rows):
        svg += f'<g transform="translate(0 {top + place * _ROW})">{_draw_row(row)}</g>'
    return top + len(rows) * _ROW, svg


def _draw_row(row: Row) -> str:
    svg = f'<text x="0" y="12">{escape(one_line(row.label, _LONGEST_LABEL))}</text>'
    if row.note:
        svg += f'<text x="100%" y="12" text-anchor="end">{escape(row.note)}</text>'
    svg += (
        f'<rect class="track" x="0" y="16" width="100%" height="{_BAR}" fill="none"'
        ' stroke="#555555" stroke-width="0.5"/>'
    )
    for mark in row.marks:
        y, height = (20, 4) if mark.state in _THIN else (16, _BAR)
        svg += _draw_mark(mark, y, height)
    return svg


def _draw_mark(mark: Mark, y: int, height: int) -> str:
    return (
        f'<rect class="{mark.state}" x="{mark.left}%" width="{mark.width}%" y="{y}"'
        f' height="{height}" fill="{_FILLS.get(mark.state, "#555555")}"/>'
    )


def axis_of(figure: Timeline) -> Axis:
    """Return where the instants of a timeline lie, in percent."""
    return Axis(((figure.begins.timestamp(), 0.0), (figure.ends.timestamp(), 100.0)))


def list_marks(figure: Timeline, lane: Lane) -> list[Mark]:
    """Return the bars of a lane, without what lies outside the timeline."""
    axis = axis_of(figure)
    return [
        axis.mark(span.state, span.begins.timestamp(), span.ends.timestamp())
        for span in lane.spans
        if span.begins <= figure.ends and span.ends >= figure.begins
    ]


def list_states(figure: Timeline) -> list[str]:
    """Return the states that the figure shows, in the order of the legend."""
    shown = {span.state for span in chain.from_iterable(lane.spans for lane in figure.lanes)}
    return [state for state in STATES if state in shown]


def choose_ticks(figure: Timeline) -> list[datetime]:
    """Return instants at round local times for the marks of the axis, `_MOST_TICKS` at most unless
    weeks apart.
    """
    length = (figure.ends - figure.begins).total_seconds()
    round_seconds = (15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    step = next(
        (seconds for seconds in round_seconds if length / seconds <= _MOST_TICKS), 86400 * 7
    )
    seconds_ahead_of_utc = (
        local(figure.begins, figure.timezone).utcoffset() or timedelta()
    ).total_seconds()
    # The first tick is the next multiple of the step in local time.
    local_begin = figure.begins.timestamp() + seconds_ahead_of_utc
    first = (local_begin // step + 1) * step - seconds_ahead_of_utc
    count = int((figure.ends.timestamp() - first) // step) + 1
    return [
        datetime.fromtimestamp(first + step * number, tz=figure.begins.tzinfo)
        for number in range(max(0, count))
    ]


def _draw_ticks(figure: Timeline, bottom: int) -> str:
    days = {local_date(at, figure.timezone) for at in (figure.begins, figure.ends)}
    axis = axis_of(figure)
    svg = ""
    for number, at in enumerate(choose_ticks(figure)):
        x = axis.place(at.timestamp())
        day = local_date(at, figure.timezone)
        text = clock(at, figure.timezone, zone=False)
        if len(days) > 1:
            text = f"{day.day} {day:%b} {text}"
        # A narrow screen leaves out every second label.
        kind = "few" if number % 2 else "tick"
        svg += (
            f'<line x1="{x}%" y1="{bottom - 6}" x2="{x}%" y2="{bottom - 2}" stroke="#333333"/>'
            f'<text class="{kind}" x="{x}%" y="{bottom + 11}"'
            f' text-anchor="{_text_anchor(x)}">{escape(text)}</text>'
        )
    return svg


def _draw_slot(figure: Timeline, top: int, bottom: int) -> str:
    """Return the announced time as a line across the tracks, and a bracket for how late it was."""
    if figure.slot is None:
        return ""
    x = axis_of(figure).place(figure.slot.timestamp())
    text = f"announced {clock(figure.slot, figure.timezone)}"
    svg = (
        f'<text class="slot" x="{x}%" y="12" text-anchor="{_text_anchor(x)}"'
        f' font-weight="bold">{escape(text)}</text>'
    )
    svg += _draw_slot_line(x, top, bottom)
    if figure.lateness is None:
        return svg
    end = axis_of(figure).place(figure.lateness.ends.timestamp())
    for x1, x2, y1, y2 in ((x, x, 18, 26), (x, end, 22, 22), (end, end, 18, 26)):
        svg += f'<line class="lateness" x1="{x1}%" x2="{x2}%" y1="{y1}" y2="{y2}"/>'
    anchor = _text_anchor((x + end) / 2)
    at = {"start": x, "end": end}.get(anchor, (x + end) / 2)
    return (
        f'{svg}<text class="lateness" x="{at}%" y="38"'
        f' text-anchor="{anchor}">{escape(figure.lateness.note)}</text>'
    )


def _text_anchor(x: float) -> str:
    """Return how a text is aligned at this percentage, so that no side cuts it."""
    if x < 25:
        return "start"
    if x > 75:
        return "end"
    return "middle"


def _draw_legend(figure: Timeline, top: int) -> tuple[int, str]:
    """Return the bottom of a legend that begins at `top`, and its shapes, in lines that fit."""
    svg, x, y = "", 0, top + 14
    for state in list_states(figure):
        meaning, _, fill = STATES[state]
        width = 30 + 7 * len(meaning)  # the box and a gap, and about 7 points a letter
        if x + width > WIDTH:
            x, y = 0, y + 18
        svg += (
            f'<rect x="{x}" y="{y - 10}" width="14" height="10" fill="{fill}" stroke="#333333"'
            f' stroke-width="0.5"/><text x="{x + 18}" y="{y}">{escape(meaning)}</text>'
        )
        x += width
    return y + 4, svg
