"""Forms that name more than a day: weeks, ranges of days or months, "by …"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from schedules.dates.days import ORDINAL, WEEKDAY, day, on
from schedules.dates.periods import month
from schedules.dates.span import Context, Span, refuse
from schedules.dates.words import MONTHS, WEEKDAYS
from schedules.patterns import quick
from schedules.slot import Precision

_WEEK_FROM = quick(
    r"(?:the )?(?:week (?:commencing|beginning|starting|of)|w/?c\.?|w\.c\.|w/?b\.?|wythnos yn dechrau):? "
    r"(?:on )?(?P<rest>.+)"
)
_WEEK_TO = quick(r"(?:the )?(?:week ending|w/?e\.?|w\.e\.|wythnos yn diweddu):? (?:on )?(?P<rest>.+)")
_UNTIL = quick(r"(?:by|before|no later than|not later than|on or before|erbyn)(?: the)? (?P<rest>.+)")
_BETWEEN = quick(r"(?:between|from) (?P<rest>.+)")
_SPLIT = quick(r" to | - | until | and | & | or | through | i | neu | ?[-/] ?")
_PARTIAL = quick(
    rf"{WEEKDAY}(?P<day>\d{{1,2}}) ?{ORDINAL}(?: (?:of |o )?(?P<month>[a-z]{{3,10}})\.?)?(?:,? (?P<year>\d{{4}}))?"
)


def week(text: str, context: Context) -> Span | None:
    """Read "week commencing D" as D … D+6 and "week ending D" as D-6 … D."""
    begins, ends = _WEEK_FROM.fullmatch(text), _WEEK_TO.fullmatch(text)
    match = begins or ends
    found = day(match["rest"], context) if match else None
    if found is None or found.reason:
        return found
    shift = timedelta(days=6 if begins else -6)
    first, last = sorted((found.first, found.first + shift))
    return Span(Precision.RANGE, first, last, found.doubt)


def until(text: str, context: Context) -> Span | None:
    """Read "by D" as the range from the day of the read to D."""
    match = _UNTIL.fullmatch(text)
    if match is None:
        return None
    found = day(match["rest"], context) or month(match["rest"], context)
    if found is None or found.reason:
        return found
    return Span(Precision.RANGE, min(context.anchor, found.last), found.last, found.doubt)


def day_range(text: str, context: Context) -> Span | None:
    """Read "30/31 March 2026", "1 to 3 June", "30 June - 2 July 2026"; the right end lends what the left lacks."""
    sides = _sides(text)
    if sides is None:
        return None
    left = _PARTIAL.fullmatch(sides[0])
    right = day(sides[1], context) if left else None
    if left is None or right is None or right.reason:
        return right
    return _from_left(left, right)


def _from_left(left: re.Match[str], right: Span) -> Span | None:
    number = MONTHS.get(left["month"]) if left["month"] else right.first.month
    if number is None:
        return None
    year = int(left["year"] or right.first.year)
    first = on(int(left["day"]), number, year)
    if not first.reason and first.first > right.first and not left["year"] and left["month"]:
        first = on(int(left["day"]), number, year - 1)
    if first.reason:
        return first
    if first.first > right.first:
        return refuse("impossible")
    named = left["weekday"]
    wrong = named is not None and WEEKDAYS.get(named) != first.first.weekday()
    return Span(Precision.RANGE, first.first, right.last, "weekday" if wrong else right.doubt)


def month_range(text: str, context: Context) -> Span | None:
    """Read "March/April 2026", "December to January 2027", "August to September"."""
    sides = _sides(text)
    right = month(sides[1], context) if sides else None
    if sides is None or right is None or right.reason:
        return right
    left = month(sides[0], context)
    if left is None or left.reason:
        return left
    if not any(mark.isdigit() for mark in sides[0]):
        left = _before(left, right)
    return Span(Precision.RANGE, left.first, right.last) if left.first <= right.first else refuse("impossible")


def _before(left: Span, right: Span) -> Span:
    # The year stands once and belongs to the second month: "December to January 2027" begins in 2026.
    year = right.first.year - (left.first.month > right.first.month)
    return replace(left, first=date(year, left.first.month, 1))


def _sides(text: str) -> tuple[str, str] | None:
    match = _BETWEEN.fullmatch(text)
    parts = _SPLIT.split(match["rest"] if match else text)
    return (parts[0], parts[1]) if len(parts) == 2 else None
