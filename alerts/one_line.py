"""Texts and lengths formatted for one line of a notice or one cell of a table."""

from __future__ import annotations

import re

from schedules.times.interval import Bounds, magnitude
from schedules.times.words import lengths

_INVISIBLE_MARKS = dict.fromkeys(
    [
        *(0x061C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),  # zero width, and marks of direction
        *range(0x202A, 0x202F),  # embeddings and overrides of direction
        *range(0x2060, 0x2065),  # joiners and invisible operators
        *range(0x2066, 0x2070),  # isolates of direction
    ]
)
"""Characters that show nothing but can hide, reorder or split words."""
_EVERY_WHITE = dict.fromkeys([*range(32), 127, 0x85, 0x2028, 0x2029], " ")


def remove_invisible_marks(text: str) -> str:
    """Return `text` without characters of zero width and without marks of direction."""
    return text.translate(_INVISIBLE_MARKS)


def one_line(text: str, longest: int = 0) -> str:
    """Return `text` on one line without control characters and invisible marks, cut with … if
    longer than `longest` (0: any length), after a word unless that loses more than a third.
    """
    line = " ".join(remove_invisible_marks(text).translate(_EVERY_WHITE).split())
    if not longest or len(line) <= longest:
        return line
    words = line[:longest].rpartition(" ")[0]
    if len(words) < longest * 2 // 3:
        words = line[: longest - 1]
    return words.rstrip(" ,:;") + "…"


def slug(text: str) -> str:
    """Return a text for use in an id: lower case, with hyphens between words; empty without a
    letter or digit.
    """
    return "-".join(re.findall(r"[a-z0-9]+", text.casefold()))


def csv_cell(value: object) -> object:
    """Return a value for CSV.

    Text that looks like a formula gets a quote, so that spreadsheets do not run it.
    """
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def whole_lengths(seconds: Bounds) -> str:
    """Return a length in words, without sign, with both bounds in whole seconds and at least one
    second.
    """
    size = magnitude(seconds)
    least, most = size.min, size.max
    if least is not None and least < 1:
        least = None
    if most is not None:
        most = max(most, 1.0)
    return lengths(Bounds(least, most), tenths=False)
