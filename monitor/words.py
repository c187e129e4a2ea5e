"""Verdicts and lengths in the words that the command line and the pages share."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

VERDICTS = {
    "pending": "pending",
    "on_time": "on time",
    "late": "late",
    "overdue": "overdue",
    "early": "early",
    "not_published": "not published",
    "unproven": "unproven",
    "cancelled": "cancelled",
    "moved": "moved",
    "unannounced": "unannounced",
}
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def verdict_text(word: str) -> str:
    """Return a verdict as people read it."""
    return VERDICTS[word]


def span_text(seconds: float) -> str:
    """Return a length in its two largest units: `2 h 49 min`, `38 min 2 s`, `0.4 s`."""
    if abs(seconds) < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    left = round(abs(seconds))
    parts = []
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return ("-" if seconds < 0 else "") + (" ".join(parts[:2]) or "0 s")


def length_text(bounds: Mapping[str, Any] | None) -> str:
    """Return a measured length with both bounds, rounded outward to whole seconds; empty when there is none."""
    if bounds is None or (bounds["min"] is None and bounds["max"] is None):
        return ""
    least = None if bounds["min"] is None else floor(bounds["min"])
    most = None if bounds["max"] is None else ceil(bounds["max"])
    if least is None or most is None:
        return f"at least {span_text(least)}" if least is not None else f"at most {span_text(most or 0)}"
    if span_text(least) == span_text(most):
        return span_text(least)
    return f"{span_text(least)} to {span_text(most)}"
