"""One release of the JSON as a line that people read: its slot, and how late it is or for how long it was out early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from monitor.judge.as_json import decision_text, lateness_text, length_text, verdict_told
from monitor.judge.verdict import verdict_text
from schedules.times.words import clock
from schedules.times.zone import LONDON

LOUD = frozenset({"late", "overdue", "early", "not_published", "unproven", "unannounced"})
"""Verdicts that want somebody's eye: they stand in capitals."""


def tally(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return how many releases have each verdict, the most frequent first; empty without any."""
    counted = Counter(row["verdict"] for row in rows)
    return ", ".join(f"{number} {word_text(verdict)}" for verdict, number in counted.most_common())


def word_text(verdict: str) -> str:
    """Return a verdict in words, in capitals where it wants somebody's eye."""
    return verdict_text(verdict).upper() if verdict in LOUD else verdict_text(verdict)


def told_text(row: Mapping[str, Any]) -> str:
    """Return the verdict on a release, and of one on time how sure that is."""
    return verdict_told(row) if row["verdict"] == "on_time" else word_text(row["verdict"])


def due_text(slot: Mapping[str, Any] | None) -> str:
    """Return the local time of a slot, or how it was announced where no time was."""
    if slot is None:
        return "-"
    if slot["precision"] != "instant":
        return str(slot["raw"] or slot["precision"])
    return clock(datetime.fromisoformat(slot["start"]), slot["timezone"])


def measure_text(row: Mapping[str, Any]) -> str:
    """Return the longest exposure, else the delay, with both bounds, and what was decided of it."""
    zone = row["slot"]["timezone"] if row["slot"] else LONDON
    return "; ".join(text for text in (_measured(row), decision_text(row, zone)) if text)


def longest_exposure(row: Mapping[str, Any]) -> str:
    """Return the longest exposure of a release with both bounds, empty without any."""
    longest = max(row["exposures"], key=lambda one: one["seconds"]["max"] or one["seconds"]["min"] or 0, default=None)
    if longest is None:
        return ""
    return length_text(longest["seconds"]) + (" so far" if longest["open"] else "")


def _measured(row: Mapping[str, Any]) -> str:
    if exposure := longest_exposure(row):
        return f"out early {exposure}"
    if row["verdict"] in {"late", "overdue"}:
        return lateness_text(row)
    return length_text(row["delay"]) if row["verdict"] == "on_time" else ""
