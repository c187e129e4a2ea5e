"""Short texts about one release, made from its JSON: slot, verdict, delay or exposure.

For the board and notices.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import floor

from alerts.draft.words import format_clock
from monitor.judge.as_json import (
    Body,
    decision_text,
    last_look_text,
    lateness_text,
    length_text,
    status_text,
    verdict_or_due,
)
from schedules.contract.verdict import LATE_VERDICTS, verdict_text
from schedules.times.words import clock, count, length
from schedules.times.zone import LONDON

LOUD = frozenset({"late", "overdue", "early", "not_published", "unproven", "unannounced"})
"""Verdicts that need attention. People see them in capitals."""
_MINUTES_ONLY_FROM = 300
"""From this many seconds to an hour, a length is shown in minutes without seconds."""
_NOT_COUNTED = frozenset({"cancelled", "moved"})


def slot_headline(rows: Iterable[Body], now: datetime) -> tuple[str, datetime | None]:
    """Return a summary of the latest slot that has passed: `8 releases due at 9.30am: 6 on
    time, 1 late, 1 not seen yet`.

    The second value is that slot if one of its releases was not seen yet, else None. The text is
    empty if no slot with a time has passed. Cancelled and moved releases do not count.
    """
    rows_by_slot: dict[datetime, list[Body]] = defaultdict(list)
    for row in rows:
        slot = row["slot"]
        if (
            slot is not None
            and slot["precision"] == "instant"
            and row["verdict"] not in _NOT_COUNTED
        ):
            rows_by_slot[datetime.fromisoformat(slot["start"])].append(row)
    last = max((start for start in rows_by_slot if start <= now), default=None)
    if last is None:
        return "", None
    due = rows_by_slot[last]
    counted = Counter(_headline_word(row) for row in due)
    counts = ", ".join(
        f"{counted[word]} {word}"
        for word in ("on time", "out (unproven)", "early", "late", "not seen yet")
        if counted[word]
    )
    text = (
        f"{count(len(due), 'release')} due at {format_clock(last, due[0]['slot']['timezone'])}:"
        f" {counts}"
    )
    return text, last if counted["not seen yet"] else None


def elapsed_text(span: timedelta) -> str:
    """Return a length of time rounded down: `4 min 5 s`. From five minutes to an hour, without
    seconds.
    """
    seconds = max(span.total_seconds(), 0)
    return length(seconds, floor, parts=count_length_units(seconds), tenths=False)


def count_length_units(seconds: float) -> int:
    """Return how many units a length is shown in: one from five minutes to an hour, else two."""
    return 1 if _MINUTES_ONLY_FROM <= seconds < 3600 else 2


def _headline_word(row: Body) -> str:
    """Return how the headline counts a release."""
    # A release of which something was seen while a required part is still due counts as not seen
    # yet.
    if row["verdict"] in LATE_VERDICTS:
        return "late"
    if row["verdict"] == "early":
        return "early"
    is_seen = (row.get("released") or {}).get("by") or row["first_seen"]["by"]
    if not is_seen or row.get("due"):
        return "not seen yet"
    return "on time" if row["verdict"] == "on_time" else "out (unproven)"


def count_by_status(rows: Iterable[Body]) -> str:
    """Return how many releases have each status, the most frequent first: `3 on time, 1 LATE`.
    Empty if none.
    """
    counted = Counter(verdict_or_due(row) for row in rows)
    return ", ".join(
        f"{number} {verdict_label(verdict)}" for verdict, number in counted.most_common()
    )


def verdict_label(verdict: str) -> str:
    """Return a verdict in words, in capitals if it needs attention. `due` becomes `not seen
    yet`.
    """
    if verdict == "due":
        return "not seen yet"
    if verdict in LOUD:
        return verdict_text(verdict).upper()
    return verdict_text(verdict)


def listed_status(row: Body) -> str:
    """Return the verdict on a release: `on time, to 12 s`, `due, not seen yet (12 s)`, `LATE`."""
    if row["verdict"] == "on_time" or row.get("due"):
        return status_text(row)
    return verdict_label(row["verdict"])


def slot_label(slot: Body | None) -> str:
    """Return the local time of a slot, or the announced text if it has no time, or `-` without a
    slot.
    """
    if slot is None:
        return "-"
    if slot["precision"] != "instant":
        return str(slot["raw"] or slot["precision"])
    return clock(datetime.fromisoformat(slot["start"]), slot["timezone"])


def measure_text(row: Body) -> str:
    """Return in words what was measured of a release, and any recorded change of its slot."""
    zone = row["slot"]["timezone"] if row["slot"] else LONDON
    return "; ".join(
        text for text in (_exposure_or_delay_text(row), decision_text(row, zone)) if text
    )


def open_alternatives(row: Body) -> list[Body]:
    """Return the alternative addresses at which an overdue release is public now, the earliest
    first.
    """
    if row["verdict"] != "overdue" or row["first_seen"]["by"]:
        return []
    return [period for period in row.get("available_elsewhere", ()) if period["to"]["by"] is None]


def elsewhere_text(row: Body) -> str:
    """Return since when an overdue release is public at another address: `out elsewhere since
    09:51`. Empty if none.
    """
    alternatives = open_alternatives(row)
    if not alternatives or row["slot"] is None:
        return ""
    seen_by = datetime.fromisoformat(alternatives[0]["from"]["by"]).replace(second=0, microsecond=0)
    return f"out elsewhere since {clock(seen_by, row['slot']['timezone'])}"


def exposure_text(row: Body) -> str:
    """Return the length of the longest exposure with both bounds: `29 min to 31 min so far`. Empty
    without exposure.
    """
    if not row["exposures"]:
        return ""
    longest = max(
        row["exposures"],
        key=lambda exposure: exposure["seconds"]["max"] or exposure["seconds"]["min"] or 0,
    )
    return length_text(longest["seconds"]) + (" so far" if longest["open"] else "")


def _exposure_or_delay_text(row: Body) -> str:
    """Return in words the last look at a release that is due, else its longest exposure, else its
    delay, or "".
    """
    if row.get("due"):
        return last_look_text(row)
    if exposure := exposure_text(row):
        return f"out early {exposure}"
    if row["verdict"] in {"late", "overdue"}:
        return "; ".join(text for text in (lateness_text(row), elsewhere_text(row)) if text)
    if row["verdict"] == "on_time":
        return length_text(row["delay"])
    return ""
