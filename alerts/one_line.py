"""Texts and lengths as they fit into one line of a notice, or into one cell of a table."""

from __future__ import annotations

from schedules.times.interval import Bounds, magnitude
from schedules.times.words import lengths

_EVERY_WHITE = dict.fromkeys([*range(32), 127, 0x85, 0x2028, 0x2029], " ")


def one_line(text: str, longest: int = 0) -> str:
    """Return `text` on one line without control characters, cut with … where it is longer than `longest`."""
    line = " ".join(text.translate(_EVERY_WHITE).split())
    return line if not longest or len(line) <= longest else line[: longest - 1].rstrip() + "…"


def csv_cell(value: object) -> object:
    """Return a value as it stands in CSV; a quote before what begins like a formula makes it text for spreadsheets."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def whole_lengths(seconds: Bounds) -> str:
    """Return a length with both bounds in whole seconds, none of them below one; signs are left to the caller."""
    size = magnitude(seconds)
    least = size.min if size.min is not None and size.min >= 1 else None
    return lengths(Bounds(least, None if size.max is None else max(size.max, 1.0)), tenths=False)
