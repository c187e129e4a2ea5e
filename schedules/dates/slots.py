"""Slots made from local times, instants, days and refusals; the clock's doubts are raised here."""

from __future__ import annotations

from datetime import UTC, date, datetime

from schedules.dates.span import FIRST_YEAR, LAST_YEAR, Span
from schedules.slot import Precision, Slot
from schedules.times.zone import LONDON, NoSingleInstant, instant


def at_instant(moment: datetime, raw: str, timezone: str = LONDON, doubt: str | None = None) -> Slot:
    """Return the slot of an aware instant, cut to milliseconds as it will be written."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return no_slot(raw, "impossible", timezone)
    exact = moment.astimezone(UTC)
    exact = exact.replace(microsecond=exact.microsecond // 1000 * 1000)
    return Slot(Precision.INSTANT, instant=exact, raw=raw, timezone=timezone, doubt=doubt)


def at_wall(wall: datetime, raw: str, timezone: str = LONDON, doubt: str | None = None) -> Slot:
    """Return the slot of a naive local time; one that the clock skips or repeats becomes its day, with a doubt."""
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        return no_slot(raw, "impossible", timezone)
    try:
        return at_instant(instant(wall, timezone), raw, timezone, doubt)
    except NoSingleInstant as skipped:
        return on_days(wall.date(), wall.date(), raw, timezone, doubt=skipped.doubt)


def on_days(first: date, last: date, raw: str, timezone: str = LONDON, doubt: str | None = None) -> Slot:
    """Return the slot of one local day, or of a range of them; both ends included."""
    if not (FIRST_YEAR <= first.year <= last.year <= LAST_YEAR and first <= last):
        return no_slot(raw, "impossible", timezone)
    precision = Precision.DAY if first == last else Precision.RANGE
    return Slot(precision, first=first, last=last, raw=raw, timezone=timezone, doubt=doubt)


def of_span(span: Span, raw: str, timezone: str = LONDON) -> Slot:
    """Return the slot of what the grammar found."""
    if span.precision is Precision.NONE:
        return no_slot(raw, span.reason or "not-a-date", timezone)
    return Slot(span.precision, first=span.first, last=span.last, raw=raw, timezone=timezone, doubt=span.doubt)


def no_slot(raw: str, reason: str, timezone: str = LONDON, doubt: str | None = None) -> Slot:
    """Return the slot that could not be read, with the reason."""
    return Slot(Precision.NONE, raw=raw, timezone=timezone, reason=reason, doubt=doubt)
