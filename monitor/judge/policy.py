"""Tolerances and grades, per producer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Grade(StrEnum):
    """What people get: nothing, a short note, or a report."""

    NONE = "none"
    NOTE = "note"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a release is judged.

    `on_time_within` is the tolerance after the slot; later than `note_within` is a report. `uncertainty`
    is how far our clock may be off without our knowing: presence earlier than the slot by less is not
    early. `closes_after` is when the watch for a release that never appeared ends.
    """

    on_time_within: timedelta = timedelta(seconds=60)
    note_within: timedelta = timedelta(minutes=5)
    uncertainty: timedelta = timedelta(seconds=1)
    closes_after: timedelta = timedelta(days=14)
    short_notice: timedelta = timedelta(days=28)
