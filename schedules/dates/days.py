"""Forms that name one day: "Thursday 23rd July 2026", "July 23, 2026", "23/07/2026", "2026-07-23"."""

from __future__ import annotations

import re
from datetime import date

from schedules.dates.span import FIRST_YEAR, LAST_YEAR, Context, Span, refusal
from schedules.dates.words import MONTHS, WEEKDAYS
from schedules.patterns import quick
from schedules.slot import Precision

WEEKDAY = r"(?:(?P<weekday>(?:dd?ydd )?[a-z]{3,9})\.?,? )?"
ORDINAL = r"(?:st|nd|rd|th|ain|fed|eg|af|ydd)?"
_YEAR = r"(?P<year>\d{4}|'?\d{2})"
_AFTER = r"(?:,? (?P<after>(?:dd?ydd )?[a-z]{3,9}))?"

_DAY_FIRST = quick(
    rf"{WEEKDAY}(?P<day>\d{{1,2}}) ?{ORDINAL}(?: (?:day )?(?:of|o))?[ -]?"
    rf"(?P<month>[a-z]{{3,10}})\.?(?:[ ,-]+{_YEAR})?{_AFTER}"
)
_MONTH_FIRST = quick(rf"{WEEKDAY}(?P<month>[a-z]{{3,10}})\.? (?P<day>\d{{1,2}}) ?{ORDINAL},? (?P<year>\d{{4}}){_AFTER}")
_NUMBERS = quick(rf"{WEEKDAY}(?P<a>\d{{1,2}})(?P<sep>[/.-])(?P<b>\d{{1,2}})(?P=sep)(?P<c>\d{{4}}|\d{{2}}){_AFTER}")
_ISO = quick(rf"{WEEKDAY}(?P<year>\d{{4}})(?P<sep>[-/.]?)(?P<month>\d{{1,2}})(?P=sep)(?P<day>\d{{1,2}}){_AFTER}")


def read_day(text: str, context: Context) -> Span | None:
    """Read a text that names one day. Return None if it has no such form."""
    match = _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if match:
        month = MONTHS.get(match["month"])
        if month is None:
            return None
        return _resolve_date(match, int(match["day"]), month, full_year(match["year"]), context)
    match = _NUMBERS.fullmatch(text)
    if match:
        return _read_numbers(match, context)
    match = _ISO.fullmatch(text)
    if match is None or (not match["sep"] and len(match["month"] + match["day"]) != 4):
        return None
    return _resolve_date(match, int(match["day"]), int(match["month"]), int(match["year"]), context)


def full_year(text: str | None) -> int | None:
    """Return a year of two or four digits as a number, None for None."""
    if text is None:
        return None
    digits = text.lstrip("'")
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _read_numbers(match: re.Match[str], context: Context) -> Span | None:
    """Read three numbers such as 23/07/2026, in the order of the calendar."""
    if match["sep"] == "." and len(match["c"]) == 2:
        return None
    values = dict(zip(context.date_order, (match["a"], match["b"], match["c"]), strict=False))
    if len(values["y"]) < len(match["c"]):
        return refusal("order")
    number, month, year = int(values["d"]), int(values["m"]), full_year(values["y"].zfill(2))
    # Day and month are never swapped, even if only that would fit: then the order may be wrong for all rows.
    if month > 12:
        return refusal("order" if number <= 12 else "impossible")
    return _resolve_date(match, number, month, year, context)


def _resolve_date(match: re.Match[str], number: int, month: int, year: int | None, context: Context) -> Span | None:
    """Return the day that is named, None if a word beside it is no weekday. A weekday that does not fit is a doubt."""
    names = {match.group("weekday"), match.group("after")} - {None}
    weekdays = {WEEKDAYS.get(name or "") for name in names}
    if None in weekdays:
        return None
    span = day_span(number, month, year) if year else _find_near_year(number, month, weekdays, context)
    if span.precision is Precision.NONE or weekdays <= {span.first.weekday()}:
        return span
    return Span(Precision.DAY, span.first, span.last, doubt="weekday")


def day_span(number: int, month: int, year: int) -> Span:
    """Return the span of one day, or the refusal `impossible` if there is no such day."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return refusal("impossible")
    try:
        day = date(year, month, number)
    except ValueError:
        return refusal("impossible")
    return Span(Precision.DAY, day, day)


def _find_near_year(number: int, month: int, weekdays: set[int | None], context: Context) -> Span:
    """Return the day without a year that is near the day of the read and fits its weekdays, or a refusal."""
    possible = [day_span(number, month, year) for year in context.years()]
    near = [span for span in possible if not span.reason and context.is_near(span.first)]
    fitting = [span for span in near if weekdays <= {span.first.weekday()}]
    if fitting:
        return fitting[0]
    return refusal("weekday" if near else "impossible")
