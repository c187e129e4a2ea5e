"""Draws a lane of the timeline, or a bar of a chart, as a small PNG, for formats without SVG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime

from alerts.draft.report import Lane, Timeline

WIDTH, HEIGHT, BAR_HEIGHT = 900, 36, 34
Colour = tuple[int, int, int]
WHITE, INK, GREEN, RED = (255, 255, 255), (40, 40, 40), (29, 92, 58), (156, 42, 27)
# As in the SVG, every state has a different pattern, so that the states differ without colour.
COLOUR_AT: Mapping[str, Callable[[int, int], Colour]] = {
    "absent": lambda _x, _y: (232, 232, 232),
    "between": lambda x, y: GREEN if (x + y) % 10 < 5 else WHITE,
    "public": lambda _x, _y: GREEN,
    "early": lambda x, y: WHITE if (x - y) % 14 < 2 else RED,
    "": lambda _x, _y: WHITE,
    "blind": lambda x, y: INK if x % 8 < 3 and y % 8 < 3 else WHITE,
}


def lane_png(figure: Timeline, lane: Lane) -> bytes:
    """Return one lane between the figure's two instants, with the announced time as a line, as PNG bytes."""
    state_of_column = [""] * WIDTH
    for span in lane.spans:
        begin = _find_column(figure, span.begins)
        # A one-second interval would be invisible on a scale of hours, so a span is at least three pixels wide.
        end = max(_find_column(figure, span.ends), begin + 3)
        for column in range(begin, min(end, WIDTH)):
            state_of_column[column] = span.state
    slot_column = None if figure.slot is None else _find_column(figure, figure.slot)
    return _encode_png([_draw_line(state_of_column, slot_column, y) for y in range(HEIGHT)])


def bar_png(share: float) -> bytes:
    """Return a bar that fills this share (0 to 1) of its frame, as PNG bytes."""
    filled = round(WIDTH * share)
    inside = [INK, *([RED] * filled + [WHITE] * (WIDTH - filled))[1:-1], INK]
    edge = [INK] * WIDTH
    lines = [edge if y in (0, BAR_HEIGHT - 1) else inside for y in range(BAR_HEIGHT)]
    return _encode_png([_encode_line(line) for line in lines])


def _encode_line(line: list[Colour]) -> bytes:
    return b"\0" + bytes(value for colour in line for value in colour)


def _find_column(figure: Timeline, at: datetime) -> int:
    """Return the pixel column of an instant, or the nearest edge if it is outside the figure."""
    share = (at - figure.begins) / (figure.ends - figure.begins)
    return min(WIDTH - 1, max(0, round(share * WIDTH)))


def _draw_line(state_of_column: list[str], slot_column: int | None, y: int) -> bytes:
    """Return pixel line `y` of a lane: a border, or the states, crossed by a dashed line at the announced time."""
    is_border = y in (0, HEIGHT - 1)
    colours = [INK if is_border else COLOUR_AT[state](x, y) for x, state in enumerate(state_of_column)]
    if slot_column is not None:
        is_dash = y % 9 < 6  # six pixels black, three white
        for x in range(max(0, slot_column - 1), min(slot_column + 2, WIDTH)):
            colours[x] = (0, 0, 0) if is_dash else WHITE
    return _encode_line(colours)


def _encode_png(lines: list[bytes]) -> bytes:
    """Return encoded pixel lines as the bytes of a PNG file (RGB, 8 bits a channel)."""
    head = struct.pack(">IIBBBBB", WIDTH, len(lines), 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:
        png += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return png
