"""Results of the grammar: local days with a precision. Builders of slots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from schedules.slot import Precision, Slot
from schedules.times.zone import (
    NoSingleInstant,
    day_begins,
    instant,
    instants_of,
    local,
    zone,
)

FIRST_YEAR, LAST_YEAR = 2000, 2100
BACK, AHEAD = timedelta(days=30), timedelta(days=335)


@dataclass(frozen=True, slots=True)
class Span:
    """Local days `first` to `last`, both included.

    `others` are further days that a doubtful text can mean.
    """

    precision: Precision
    first: date
    last: date
    doubt: str | None = None
    others: tuple[date, ...] = ()

    def days(self) -> list[date]:
        """Return the first and last day and all others, in order."""
        return sorted({self.first, self.last, *self.others})


class Refused(ValueError):
    """A text that has a form of the grammar but names no day.

    `reason` is `impossible` (no such day), `order` (day or month first?), `weekday` (another
    weekday), or `not-a-date`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Context:
    """What a text is read with: the day of the read (or of the heading above it) and the order of
    numbers.
    """

    anchor: date
    date_order: str = "dmy"

    def is_near(self, day: date) -> bool:
        """Return whether a day is at most 30 days before the anchor or 335 after it."""
        return self.anchor - BACK <= day <= self.anchor + AHEAD

    def years(self) -> tuple[int, int, int]:
        """Return the years that a date without a year can be in."""
        return (self.anchor.year - 1, self.anchor.year, self.anchor.year + 1)


def month_end(year: int, month: int) -> date:
    """Return the last day of a month. Month 13 is January of the next year."""
    over, index = divmod(month, 12)
    return date(year + over, index + 1, 1) - timedelta(days=1)


def month_span(
    precision: Precision, year: int, month: int, count: int, doubt: str | None = None
) -> Span:
    """Return the span of `count` whole months from a month on.

    Raises `Refused` outside 2000 to 2100.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Refused("impossible")
    return Span(precision, date(year, month, 1), month_end(year, month + count - 1), doubt)


def at_instant(moment: datetime, raw: str, timezone: str, doubt: str | None = None) -> Slot:
    """Return the slot of an aware instant, cut to milliseconds as in JSON.

    Years outside 2000 to 2100 are refused.
    """
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return no_slot(raw, "impossible", timezone)
    exact = moment.astimezone(UTC)
    exact = exact.replace(microsecond=exact.microsecond // 1000 * 1000)
    return Slot(Precision.INSTANT, instant=exact, raw=raw, timezone=timezone, doubt=doubt)


def at_written(moment: datetime, raw: str, timezone: str) -> Slot:
    """Return the slot of an aware time.

    Midnight, as written or in `timezone`, is a day: often it means no time. An offset that the
    clocks of `timezone` have at another time of the year is a doubt: programs write `+01:00` in
    December for local time.
    """
    slot = at_instant(moment, raw, timezone)
    if slot.instant is None:
        return slot
    midnight = next(
        (each for each in (moment, local(moment, timezone)) if each.time() == time()), None
    )
    if midnight is not None:
        return on_days(midnight.date(), midnight.date(), raw, timezone, doubt="midnight")
    wall, offset = moment.replace(tzinfo=None), moment.utcoffset()
    here = zone(timezone)
    seasons = {here.utcoffset(wall.replace(month=month, day=1)) for month in (1, 7)}
    if not offset or offset not in seasons or offset == here.utcoffset(wall):
        return slot
    readings = {slot.instant, *instants_of(wall, timezone)}
    return replace(slot, doubt="zone", readings=tuple(sorted(readings)))


def at_wall(wall: datetime, raw: str, timezone: str, doubt: str | None = None) -> Slot:
    """Return the slot of a naive local time.

    If the clock skips or repeats it, return its day with a doubt.
    """
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        return no_slot(raw, "impossible", timezone)
    try:
        return at_instant(instant(wall, timezone), raw, timezone, doubt)
    except NoSingleInstant as skipped:
        day = on_days(wall.date(), wall.date(), raw, timezone, doubt=skipped.doubt)
        return replace(day, readings=instants_of(wall, timezone))


def on_days(first: date, last: date, raw: str, timezone: str, doubt: str | None = None) -> Slot:
    """Return the slot of a local day or range, both ends included.

    A reversed range or other years are refused.
    """
    if not (FIRST_YEAR <= first.year <= last.year <= LAST_YEAR and first <= last):
        return no_slot(raw, "impossible", timezone)
    precision = Precision.RANGE
    if first == last:
        precision = Precision.DAY
    return Slot(precision, first=first, last=last, raw=raw, timezone=timezone, doubt=doubt)


def slot_of_span(span: Span, raw: str, timezone: str) -> Slot:
    """Return a span as a slot."""
    slot = Slot(
        span.precision,
        first=span.first,
        last=span.last,
        raw=raw,
        timezone=timezone,
        doubt=span.doubt,
    )
    if not span.others:
        return slot
    days = span.days()
    ends = (days[0], days[-1] + timedelta(days=1))
    return replace(slot, readings=tuple(day_begins(each, timezone) for each in ends))


def no_slot(raw: str, reason: str, timezone: str, doubt: str | None = None) -> Slot:
    """Return a slot of precision `NONE` with the reason why it could not be read."""
    return Slot(Precision.NONE, raw=raw, timezone=timezone, reason=reason, doubt=doubt)
