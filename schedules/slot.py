"""The announced time of a release, with its precision, and comparisons of two such times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from schedules.times.json import Instant, fields_json, instant_json
from schedules.times.zone import day_begins, local_date


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

    `instant` is aware UTC, `first` and `last` are local dates, inclusive. `raw` is the calendar's
    text. `reason` is why it could not be read, `doubt` why it is not judged to the minute until a
    person confirms it. `assumed` is the instant of a `DAY` by the default time, for planning only.
    `readings` are the instants that a doubtful text can mean, or the begin of its first and the end
    of its last day.
    """

    precision: Precision
    instant: Instant | None = None
    first: date | None = None
    last: date | None = None
    raw: str = ""
    timezone: str = "Europe/London"
    reason: str | None = None
    doubt: str | None = None
    assumed: Instant | None = None
    readings: tuple[Instant, ...] = ()

    def begins(self) -> datetime | None:
        """Return the first instant, or None for precision `NONE`."""
        if self.instant is not None:
            return self.instant
        if self.first is None:
            return None
        return day_begins(self.first, self.timezone)

    def passes(self) -> datetime | None:
        """Return when the slot has passed, None for `NONE`."""
        if self.instant is not None:
            return self.instant
        if self.last is None:
            return None
        return day_begins(self.last + timedelta(days=1), self.timezone)

    def all_readings(self) -> tuple[datetime, ...]:
        """Return the instants that a doubtful slot can mean, first and last of days."""
        if self.readings:
            return self.readings
        day = first_day(self)
        if self.instant is not None and day is not None:
            ends = (day, day + timedelta(days=1))
            return tuple(day_begins(each, self.timezone) for each in ends)
        return tuple(each for each in (self.begins(), self.passes()) if each is not None)

    def choices(self) -> tuple[datetime, ...]:
        """Return the clock times among which a person can choose."""
        if self.instant is not None:
            return self.readings
        return ()

    def can_mean(self, moment: datetime) -> bool:
        """Return whether a doubtful slot can mean an instant, of its clock times or else days."""
        if choices := self.choices():
            return moment in choices
        readings = self.all_readings()
        return bool(readings) and readings[0] <= moment < readings[-1]

    def read_as(self, moment: datetime) -> Slot:
        """Return the slot without a doubt, as this instant."""
        return replace(
            self,
            precision=Precision.INSTANT,
            instant=moment,
            first=None,
            last=None,
            doubt=None,
            readings=(),
        )

    @property
    def time_key(self) -> tuple[object, ...]:
        """Return what equals that of another slot at the same time, however both are written."""
        return (self.precision, self.instant, self.first, self.last, self.readings)

    def is_same_time(self, other: Slot) -> bool:
        """Return whether both are the same time with the same precision."""
        return self.time_key == other.time_key

    def as_json(self) -> dict[str, Any]:
        """Return the slot as JSON, with an instant as `start` or local dates as ends."""
        start, end = self.first and self.first.isoformat(), self.last and self.last.isoformat()
        ends = {"start": instant_json(self.instant) or start, "end": end}
        known = fields_json(self, "raw", "timezone", "reason", "doubt", "assumed")
        shown = {"precision": self.precision.value, **ends, **known}
        if self.readings:
            shown["readings"] = [instant_json(each) for each in self.readings]
        return shown


def slot_from_json(data: Mapping[str, Any]) -> Slot:
    """Return the slot of this JSON. Raises KeyError or ValueError."""
    texts = (
        data.get("raw", ""),
        data.get("timezone", "Europe/London"),
        data.get("reason"),
        data.get("doubt"),
    )
    slot = _make_slot(data["precision"], data["start"], data["end"], data.get("assumed"), texts)
    readings = tuple(map(datetime.fromisoformat, data.get("readings", ())))
    if readings:
        return replace(slot, readings=readings)
    return slot


# Many releases share a slot.
@lru_cache(maxsize=1024)
def _make_slot(
    precision: str,
    start: str,
    end: str | None,
    assumed: str | None,
    texts: tuple[str, str, str | None, str | None],
) -> Slot:
    """Return the slot with these JSON values, `texts` being raw, timezone, reason and doubt."""
    is_instant = precision == Precision.INSTANT
    instant = None
    if is_instant:
        instant = datetime.fromisoformat(start)
    first = None
    if start and not is_instant:
        first = date.fromisoformat(start)
    last = date.fromisoformat(end) if end else None
    assumed_instant = None
    if assumed:
        assumed_instant = datetime.fromisoformat(assumed)
    raw, timezone, reason, doubt = texts
    return Slot(
        Precision(precision), instant, first, last, raw, timezone, reason, doubt, assumed_instant
    )


_COARSENESS = {precision: rank for rank, precision in enumerate(Precision)}


def has_passed(slot: Slot, at: datetime) -> bool:
    """Return whether a slot has passed. One without a readable time never does."""
    end = slot.passes()
    return end is not None and end <= at


def is_inside(inner: Slot, outer: Slot) -> bool:
    """Return whether every instant of `inner`, and each reading, is in `outer`. False
    for `NONE`.
    """
    if outer.precision is Precision.INSTANT:
        times = inner.choices() or (inner.instant,)
        return set(times) <= set(outer.choices() or (outer.instant,))
    begins, passes, outer_begins, outer_passes = (
        inner.begins(),
        inner.passes(),
        outer.begins(),
        outer.passes(),
    )
    if begins is None or passes is None or outer_begins is None or outer_passes is None:
        return False
    return outer_begins <= begins < outer_passes and passes <= outer_passes


def is_coarser(slot: Slot, other: Slot) -> bool:
    """Return whether `slot` was announced less precisely than `other`."""
    return _COARSENESS[slot.precision] > _COARSENESS[other.precision]


def first_day(slot: Slot) -> date | None:
    """Return the first local day a slot touches, None for precision `NONE`."""
    if slot.instant is None:
        return slot.first
    return local_date(slot.instant, slot.timezone)


def last_day(slot: Slot) -> date | None:
    """Return the slot's last local day, or None."""
    if slot.instant is None:
        return slot.last
    return local_date(slot.instant, slot.timezone)
