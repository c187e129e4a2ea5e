"""Draws a bar chart as SVG."""

from __future__ import annotations

from html import escape

from alerts.draft.report import Bar, Bars
from alerts.one_line import one_line

# Dark in an outlined frame: it stays readable on a black-and-white printer.
DARK, OUTLINE = "#9c2a1b", "#555555"
LONGEST_LABEL = 40
BAR_HEIGHT, BASELINE = 14, 14
"""The height of a bar, and how far the line of text is below the top of its row, in points."""
WIDTH, LEFT, RIGHT, ROW, TOP = 700, 250, 80, 22, 6


def measure_drawing(figure: Bars) -> tuple[int, int]:
    """Return width and height of the drawing in points."""
    return WIDTH, TOP * 2 + ROW * len(figure.bars)


def format_share(bar: Bar) -> str:
    """Return the number of a bar in words: `2 of 14`."""
    return f"{bar.number:,} of {bar.whole:,}"


def draw_svg(figure: Bars, name: str) -> str:
    """Return the chart as an SVG element with its text alternative. `name` must be unique on the page."""
    width, height = measure_drawing(figure)
    rows = "".join(_draw_bar(bar, TOP + row * ROW) for row, bar in enumerate(figure.bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{name}-title {name}-text"'
        f' viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="Arial, sans-serif" font-size="12">'
        f'<title id="{name}-title">{escape(figure.title)}</title><desc id="{name}-text">{escape(figure.alt)}</desc>'
        f"{rows}</svg>"
    )


def _draw_bar(bar: Bar, y: int) -> str:
    """Return the SVG of a row at height `y`: its label, a frame that the bar fills by its share, the share in words."""
    frame_width = WIDTH - LEFT - RIGHT
    bar_width = round(frame_width * bar.number / max(1, bar.whole), 1)
    label = f'<text x="0" y="{y + BASELINE}">{escape(one_line(bar.label, LONGEST_LABEL))}</text>'
    position = f'x="{LEFT}" y="{y + 3}" height="{BAR_HEIGHT}"'
    frame = f'<rect {position} width="{frame_width}" fill="none" stroke="{OUTLINE}" stroke-width="0.5"/>'
    filled = f'<rect {position} width="{bar_width}" fill="{DARK}"/>' if bar.number else ""
    share = f'<text x="{LEFT + frame_width + 6}" y="{y + BASELINE}">{format_share(bar)}</text>'
    return f"{label}{frame}{filled}{share}"
