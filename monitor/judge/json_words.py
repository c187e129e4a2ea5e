"""Verdicts and lengths in the words that the command line and the pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
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
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))


def verdict_text(word: str) -> str:
    """Return a verdict as people read it."""
    return VERDICTS[word]


def second_up(text: str | None) -> str | None:
    """Return an instant of the interface at the next whole second, so that a "by" is never told too early."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return (moment + timedelta(microseconds=-moment.microsecond % 1_000_000)).isoformat()


def span_text(seconds: float) -> str:
    """Return a length in its two largest units: `2 h 49 min`, `38 min 2 s`, `0.4 s`; the rest is cut off."""
    if abs(seconds) < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    left = round(abs(seconds))
    parts = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return ("-" if seconds < 0 else "") + (" ".join(parts[:2]) or "0 s")


def length_text(bounds: Mapping[str, Any] | None) -> str:
    """Return a measured length with both bounds, each rounded outward at the smallest unit it shows.

    Empty when there is none. One value stands alone only when both bounds come to it.
    """
    if bounds is None or (bounds["min"] is None and bounds["max"] is None):
        return ""
    least = None if bounds["min"] is None else span_text(_rounded(bounds["min"], floor))
    most = None if bounds["max"] is None else span_text(_rounded(bounds["max"], ceil))
    if least is None or most is None:
        return f"at least {least}" if most is None else f"at most {most}"
    return least if least == most else f"{least} to {most}"


def at_most_text(seconds: float) -> str:
    """Return a length rounded up at the smallest unit it shows: `1 s` for 0.2 s."""
    return span_text(_rounded(seconds, ceil))


def lateness(body: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """Return how late a release is, and the part that makes it so: empty where it is the page.

    A page on the minute with a missing file is late by the file.
    """
    behind = [one for one in body["parts"] if one["required"] and one["verdict"] == body["verdict"] and one["delay"]]
    part = max(behind, key=lambda one: (one["id"] == "page", one["delay"]["min"] or 0), default=None)
    return (body["delay"], "") if part is None or part["id"] == "page" else (part["delay"], part["id"])


def lateness_text(body: Mapping[str, Any]) -> str:
    """Return how late a release is, in words: `at least 2 min (sheet)`."""
    delay, part = lateness(body)
    return f"{length_text(delay)} ({part})" if part else length_text(delay)


def _rounded(seconds: float, towards: Callable[[float], int]) -> int:
    # Two units are shown, so the smaller of them is what a bound is rounded to.
    whole = towards(seconds)
    shown = _HOUR if abs(whole) >= _DAY else _MINUTE if abs(whole) >= _HOUR else 1
    return towards(whole / shown) * shown
