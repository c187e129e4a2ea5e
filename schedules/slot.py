"""The announced time of a release, with the precision it was announced in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from schedules.times.zone import day_begins


class Precision(StrEnum):
    """How finely a time was announced; everything but `INSTANT` is a span of local days."""

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

    `instant` (aware UTC) is set for `INSTANT` alone. Every other precision but `NONE` has `first` and
    `last`, inclusive local dates in `timezone`. `raw` is the text as the calendar wrote it; `reason`
    says why a slot of precision `NONE` could not be read, `doubt` why a readable one is not to be
    judged to the minute before a person confirms it (values: `samples/calendars/README.md`). `assumed` is the
    instant that the configuration's default time gives a slot of precision `DAY`: for planning, never announced.
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

    def says_same_as(self, other: Slot) -> bool:
        """Tell whether both state the same time at the same precision, however they are written."""
        mine = (self.precision, self.instant, self.first, self.last)
        return mine == (other.precision, other.instant, other.first, other.last)
