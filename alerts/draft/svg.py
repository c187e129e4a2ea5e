"""Draws the figures of a draft as SVG: the timeline of a release, and bar charts."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import NamedTuple

from alerts.draft.report import Bar, Bars, Lane, Timeline
from alerts.draft.timeline import STATES, list_states
from alerts.one_line import one_line
from schedules.times.words import clock
from schedules.times.zone import local, local_date

WIDTH = 700
MOST_TICKS = 6
OUTLINE = 'stroke="#333333" stroke-width="0.5"'
LONGEST_LANE_LABEL, LONGEST_BAR_LABEL = 30, 40
LANES_LEFT, LANES_TOP, LANE_HEIGHT = 190, 44, 26
BARS_LEFT, BARS_RIGHT, BARS_TOP, ROW_HEIGHT = 250, 80, 6, 22
BAR_HEIGHT, BASELINE = 14, 14
"""The height of a bar, and how far the line of text is below the top of its row, in points."""
DARK, FRAME = "#9c2a1b", "#555555"
"""Dark in an outlined frame: it stays readable on a black-and-white printer."""
PATTERNS = (
    '<defs><pattern id="between" width="6" height="6" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect width="6" height="6" fill="#ffffff"/><rect width="3"'
    ' height="6" fill="#1d5c3a"/></pattern><pattern id="blind" width="6" height="6"'
    ' patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#ffffff"/><circle cx="3"'
    ' cy="3" r="1.5" fill="#333333"/></pattern></defs>'
)


class Drawing(NamedTuple):
    """A drawn figure, with its size in points."""

    width: int
    height: int
    svg: str


def draw_figure(figure: Timeline | Bars, name: str) -> Drawing:
    """Return a figure as an SVG element with its text alternative, without scripts or external
    references.

    `name` must be unique on the page.
    """
    if isinstance(figure, Bars):
        height = BARS_TOP * 2 + ROW_HEIGHT * len(figure.bars)
        shapes = "".join(
            _draw_bar(bar, BARS_TOP + row * ROW_HEIGHT) for row, bar in enumerate(figure.bars)
        )
    else:
        # 52 for the labels of the axis and the legend
        height = LANES_TOP + LANE_HEIGHT * len(figure.lanes) + 52
        lanes = "".join(_draw_lane(figure, row, lane) for row, lane in enumerate(figure.lanes))
        shapes = f"{PATTERNS}{lanes}{_draw_axis(figure)}{_draw_legend(figure, height - 12)}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{name}-title'
        f' {name}-text" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' font-family="Arial, sans-serif" font-size="12"><title'
        f' id="{name}-title">{escape(figure.title)}</title><desc'
        f' id="{name}-text">{escape(figure.alt)}</desc>{shapes}</svg>'
    )
    return Drawing(WIDTH, height, svg)


def _draw_bar(bar: Bar, y: int) -> str:
    frame_width = WIDTH - BARS_LEFT - BARS_RIGHT
    bar_width = round(frame_width * bar.number / max(1, bar.whole), 1)
    label = (
        f'<text x="0" y="{y + BASELINE}">{escape(one_line(bar.label, LONGEST_BAR_LABEL))}</text>'
    )
    position = f'x="{BARS_LEFT}" y="{y + 3}" height="{BAR_HEIGHT}"'
    frame = (
        f'<rect {position} width="{frame_width}" fill="none" stroke="{FRAME}" stroke-width="0.5"/>'
    )
    filled = f'<rect {position} width="{bar_width}" fill="{DARK}"/>' if bar.number else ""
    share = f'<text x="{BARS_LEFT + frame_width + 6}" y="{y + BASELINE}">{bar.share}</text>'
    return f"{label}{frame}{filled}{share}"


def _find_x(figure: Timeline, at: datetime) -> float:
    share = (at - figure.begins) / (figure.ends - figure.begins)
    return round(LANES_LEFT + share * (WIDTH - LANES_LEFT - 10), 1)


def _draw_lane(figure: Timeline, row: int, lane: Lane) -> str:
    y = LANES_TOP + row * LANE_HEIGHT
    svg = f'<text x="0" y="{y + 13}">{escape(one_line(lane.label, LONGEST_LANE_LABEL))}</text>'
    for span in lane.spans:
        _meaning, _look, fill = STATES[span.state]
        x = _find_x(figure, span.begins)
        # A one-second interval would be invisible on a scale of hours, so a bar is at least two
        # points wide.
        width = max(2.0, round(_find_x(figure, span.ends) - x, 1))
        svg += f'<rect x="{x}" y="{y}" width="{width}" height="18" fill="{fill}" {OUTLINE}/>'
    return svg


def choose_ticks(figure: Timeline) -> list[datetime]:
    """Return instants at round local times for the marks of the axis, `MOST_TICKS` at most unless
    weeks apart.
    """
    length = (figure.ends - figure.begins).total_seconds()
    round_seconds = (15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    step = next((seconds for seconds in round_seconds if length / seconds <= MOST_TICKS), 86400 * 7)
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


def _draw_axis(figure: Timeline) -> str:
    bottom = LANES_TOP + LANE_HEIGHT * len(figure.lanes)
    has_days = local_date(figure.begins, figure.timezone) != local_date(
        figure.ends, figure.timezone
    )
    svg = ""
    for at in choose_ticks(figure):
        x = _find_x(figure, at)
        day = local_date(at, figure.timezone)
        day_before_time = f"{day.day} {day:%b} " if has_days else ""
        text = f"{day_before_time}{clock(at, figure.timezone, zone=False)}"
        svg += f'<line x1="{x}" y1="{bottom - 4}" x2="{x}" y2="{bottom}" stroke="#333333"/>'
        svg += (
            f'<text x="{x}" y="{bottom + 12}" text-anchor="middle"'
            f' font-size="10">{escape(text)}</text>'
        )
    if figure.slot is None:
        return svg
    x = _find_x(figure, figure.slot)
    text = f"announced {clock(figure.slot, figure.timezone)}"
    # Near the sides the text extends away from the side, so that it is not cut.
    anchor = "middle"
    if x > WIDTH - 80:
        anchor = "end"
    elif x < LANES_LEFT + 80:
        anchor = "start"
    svg += (
        f'<line x1="{x}" y1="26" x2="{x}" y2="{bottom}" stroke="#000000" stroke-width="2"'
        ' stroke-dasharray="5 3"/>'
    )
    return (
        f'{svg}<text x="{x}" y="20" text-anchor="{anchor}" font-weight="bold">{escape(text)}</text>'
    )


def _draw_legend(figure: Timeline, y: int) -> str:
    svg, x = "", 0
    for state in list_states(figure):
        meaning, _, fill = STATES[state]
        svg += f'<rect x="{x}" y="{y - 10}" width="14" height="10" fill="{fill}" {OUTLINE}/>'
        svg += f'<text x="{x + 18}" y="{y}" font-size="10">{escape(meaning)}</text>'
        x += 30 + 6 * len(meaning)  # the box and a gap, and about 6 points a letter
    return svg
