"""One release of the JSON as a line that people read: its slot, and how late it is or for how long it was out early."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import floor
from typing import Any

from monitor.judge.as_json import (
    decision_text,
    last_look_text,
    lateness_text,
    length_text,
    status_of,
    verdict_told,
)
from monitor.judge.verdict import verdict_text
from schedules.times.words import clock, length
from schedules.times.zone import LONDON, local

LOUD = frozenset({"late", "overdue", "early", "not_published", "unproven", "unannounced"})
"""Verdicts that want somebody's eye: they stand in capitals."""
_IN_MINUTES = 300
"""Seconds from which people are shown a length in minutes."""
_OUT_OF_COUNT = frozenset({"cancelled", "moved"})
_LATE = frozenset({"late", "overdue", "not_published"})


def slot_headline(rows: Iterable[Mapping[str, Any]], now: datetime) -> tuple[str, datetime | None]:
    """Return what became of the slot that passed last: `8 releases due at 9.30am: 6 out, 1 late, 1 not seen yet`.

    With it comes the slot if a release of it was not seen yet, to tell for how long, else None. The text is empty
    if no slot to the minute has passed. Cancelled and moved releases do not count.
    """
    passed: dict[datetime, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        slot = row["slot"]
        if slot is not None and slot["precision"] == "instant" and row["verdict"] not in _OUT_OF_COUNT:
            passed[datetime.fromisoformat(slot["start"])].append(row)
    last = max((start for start in passed if start <= now), default=None)
    if last is None:
        return "", None
    due = passed[last]
    counted = Counter(_outcome(row) for row in due)
    told = ", ".join(f"{counted[word]} {word}" for word in ("out", "early", "late", "not seen yet") if counted[word])
    here = local(last, due[0]["slot"]["timezone"])
    time = f"{here.hour % 12 or 12}.{here:%M}{'am' if here.hour < 12 else 'pm'}"
    text = f"{len(due)} release{'s' if len(due) != 1 else ''} due at {time}: {told}"
    return text, last if counted["not seen yet"] else None


def elapsed(span: timedelta) -> str:
    """Return how long something has lasted, in minutes rather than seconds once over five minutes: `4 min 5 s`."""
    seconds = max(span.total_seconds(), 0)
    return length(seconds, floor, parts=length_parts(seconds), tenths=False)


def length_parts(seconds: float) -> int:
    """Return how many units a length is shown in: minutes without seconds once over five minutes."""
    return 1 if _IN_MINUTES <= seconds < 3600 else 2


def _outcome(row: Mapping[str, Any]) -> str:
    if row["verdict"] in _LATE:
        return "late"
    if row["verdict"] == "early":
        return "early"
    is_seen = (row.get("released") or {}).get("by") or row["first_seen"]["by"]
    return "out" if is_seen and not row.get("due") else "not seen yet"


def tally(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return how many releases have each status, the most frequent first; empty without any."""
    counted = Counter(status_of(row) for row in rows)
    return ", ".join(f"{number} {word_text(verdict)}" for verdict, number in counted.most_common())


def word_text(verdict: str) -> str:
    """Return a verdict in words, in capitals if it needs attention; `due` as not seen yet."""
    if verdict == "due":
        return "not seen yet"
    return verdict_text(verdict).upper() if verdict in LOUD else verdict_text(verdict)


def told_text(row: Mapping[str, Any]) -> str:
    """Return the verdict on a release, of one on time how sure that is, and of one that is due for how long."""
    return verdict_told(row) if row["verdict"] == "on_time" or row.get("due") else word_text(row["verdict"])


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


def elsewhere_now(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the alternatives that are public while the announced page of a release is overdue, first one first."""
    is_awaited = row["verdict"] == "overdue" and not row["first_seen"]["by"]
    return [one for one in row.get("available_elsewhere", ()) if is_awaited and one["to"]["by"] is None]


def elsewhere_text(row: Mapping[str, Any]) -> str:
    """Return since when users can get a release elsewhere while its page is overdue; empty if they cannot."""
    found = elsewhere_now(row)
    if not found or row["slot"] is None:
        return ""
    seen = datetime.fromisoformat(found[0]["from"]["by"]).replace(second=0, microsecond=0)
    return f"out elsewhere since {clock(seen, row['slot']['timezone'])}"


def longest_exposure(row: Mapping[str, Any]) -> str:
    """Return the longest exposure of a release with both bounds, empty without any."""
    longest = max(row["exposures"], key=lambda one: one["seconds"]["max"] or one["seconds"]["min"] or 0, default=None)
    if longest is None:
        return ""
    return length_text(longest["seconds"]) + (" so far" if longest["open"] else "")


def _measured(row: Mapping[str, Any]) -> str:
    if row.get("due"):
        return last_look_text(row)
    if exposure := longest_exposure(row):
        return f"out early {exposure}"
    if row["verdict"] in {"late", "overdue"}:
        return "; ".join(text for text in (lateness_text(row), elsewhere_text(row)) if text)
    return length_text(row["delay"]) if row["verdict"] == "on_time" else ""
