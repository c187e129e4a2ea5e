"""The announced time of a release, with its precision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from schedules.times.zone import day_begins


class Precision(StrEnum):
    """How precisely a time was announced. All but `INSTANT` and `NONE` are spans of local days."""

    INSTANT = "instant"
    DAY = "day"
    RANGE = "range"
    MONTH = "month"
    QUARTER = "quarter"
    SEASON = "season"
    YEAR = "year"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Slot:
    """An announced time.

    `instant` (aware UTC) is set only for `INSTANT`. Every other precision but `NONE` has `first` and `last`, local
    dates in `timezone`, both included. `raw` is the text of the calendar. `reason` is why a slot of precision `NONE`
    could not be read. `doubt` is why a readable one is not judged to the minute until a person confirms it (values:
    `samples/calendars/README.md`). `assumed` is the instant by the configured default time for a slot of precision
    `DAY`. It is used for planning only and never counts as announced.
    """

    precision: Precision
    instant: datetime | None = None
    first: date | None = None
    last: date | None = None
    raw: str = ""
    timezone: str = "Europe/London"
    reason: str | None = None
    doubt: str | None = None
    assumed: datetime | None = None

    def begins(self) -> datetime | None:
        """Return the first instant (UTC) that the slot covers, None for precision `NONE`."""
        if self.instant is not None:
            return self.instant
        return None if self.first is None else day_begins(self.first, self.timezone)

    def passes(self) -> datetime | None:
        """Return the instant (UTC) at which the slot has passed: itself, or the end of its last local day."""
        if self.instant is not None:
            return self.instant
        return None if self.last is None else day_begins(self.last + timedelta(days=1), self.timezone)

    def is_same_time(self, other: Slot) -> bool:
        """Return whether both are the same time with the same precision, however they are written."""
        mine = (self.precision, self.instant, self.first, self.last)
        return mine == (other.precision, other.instant, other.first, other.last)
