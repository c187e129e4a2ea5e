"""What a form of the grammar found: local days at a precision, or a refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from schedules.slot import Precision

FIRST_YEAR, LAST_YEAR = 2000, 2100
BACK, AHEAD = timedelta(days=30), timedelta(days=335)


@dataclass(frozen=True, slots=True)
class Span:
    """Local days `first` to `last`, both included; or, with precision `NONE`, the reason for a refusal."""

    precision: Precision
    first: date = date.min
    last: date = date.min
    doubt: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a text is read against: the day of the read (or of the heading above) and the order of numbers."""

    anchor: date
    date_order: str = "dmy"

    def holds(self, day: date) -> bool:
        """Tell whether a date written without its year may be this one: at most 30 days back, 335 ahead."""
        return self.anchor - BACK <= day <= self.anchor + AHEAD

    def years(self) -> tuple[int, int, int]:
        """Return the years in which a date without its year can lie."""
        return (self.anchor.year - 1, self.anchor.year, self.anchor.year + 1)


def refuse(reason: str) -> Span:
    """Return a refusal; `reason` is one of those of `samples/calendars/README.md`."""
    return Span(Precision.NONE, reason=reason)


def month_end(year: int, month: int) -> date:
    """Return the last day of a month; months count on past December into the next year."""
    over, index = divmod(month, 12)
    return date(year + over, index + 1, 1) - timedelta(days=1)


def months(precision: Precision, year: int, month: int, count: int, doubt: str | None = None) -> Span:
    """Return the span of `count` whole months from a month on; refused outside 2000 to 2100."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return refuse("impossible")
    return Span(precision, date(year, month, 1), month_end(year, month + count - 1), doubt)
