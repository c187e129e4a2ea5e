"""Forms of the grammar: one day, months, quarters, half-years, seasons, years, weeks, ranges and
"by …".

Each returns None for a text of another form, and raises `Refused` for one of its own that names no
day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from schedules.dates.span import (
    FIRST_YEAR,
    LAST_YEAR,
    Context,
    Refused,
    Span,
    month_end,
    month_span,
)
from schedules.dates.words import HYDREF, MONTHS, SEASONS, WEEKDAYS
from schedules.patterns import quick
from schedules.slot import Precision

_WEEKDAY = r"(?:(?P<weekday>(?:dd?ydd )?[a-z]{3,9})\.?,? )?"
_ORDINAL = r"(?:st|nd|rd|th|ain|fed|eg|af|ydd|\.)?"
_YEAR_BESIDE_DAY = r"(?P<year>\d{4}|'?\d{2})"
_WEEKDAY_AFTER = r"(?:,? (?P<after>(?:dd?ydd )?[a-z]{3,9}))?"

_DAY_FIRST = quick(
    rf"(?:the )?{_WEEKDAY}(?:the )?(?P<day>\d{{1,2}}) ?{_ORDINAL}(?: (?:day )?(?:of|o))?[ /-]?"
    rf"(?P<month>[a-z]{{3,10}})\.?(?:[ ,/-]*{_YEAR_BESIDE_DAY})?{_WEEKDAY_AFTER}"
)
_MONTH_FIRST = quick(
    rf"{_WEEKDAY}(?P<month>[a-z]{{3,10}})\.? (?P<day>\d{{1,2}}) ?{_ORDINAL},?"
    rf"(?: (?P<year>\d{{4}}))?{_WEEKDAY_AFTER}"
)
_NUMBERS = quick(
    rf"{_WEEKDAY}(?P<a>\d{{1,2}})(?P<sep>[/.-])(?P<b>\d{{1,2}})(?P=sep)(?P<c>\d{{4}}|\d{{2}}){_WEEKDAY_AFTER}"
)
_YEARS_OF_CALENDARS = 3
_ISO = quick(
    rf"{_WEEKDAY}(?P<year>\d{{4}})(?P<sep>[-/.]?)(?P<month>\d{{1,2}})(?P=sep)(?P<day>\d{{1,2}}){_WEEKDAY_AFTER}"
)


def _read_day(text: str, context: Context) -> Span | None:
    """Return the day that a text names: "23 July 2026", "July 23, 2026", "23/07/2026", "2026-07-23"
    or "20260723".

    A weekday may be beside it. None for a text of another form. Raises `Refused` if there is no
    such day.
    """
    match = _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if match:
        month = MONTHS.get(match["month"])
        is_last = match["year"] is None and text.endswith(match["day"])
        if month is None or (is_last and _is_year_of_calendars(match["day"], context)):
            return None
        return _resolve_date(match, int(match["day"]), month, _full_year(match["year"]), context)
    match = _NUMBERS.fullmatch(text)
    if match:
        return _read_numbers(match, context)
    match = _ISO.fullmatch(text)
    if match is None or (not match["sep"] and len(match["month"] + match["day"]) < 4):
        return None
    return _resolve_date(match, int(match["day"]), int(match["month"]), int(match["year"]), context)


def _is_year_of_calendars(digits: str, context: Context) -> bool:
    """Return whether two digits can be a year near the read."""
    return len(digits) == 2 and abs(2000 + int(digits) - context.anchor.year) <= _YEARS_OF_CALENDARS


def _full_year(text: str | None) -> int | None:
    """Return a year of two or four digits as a number, None for None."""
    if text is None:
        return None
    digits = text.lstrip("'")
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _read_numbers(match: re.Match[str], context: Context) -> Span | None:
    """Read three numbers such as 23/07/2026 in the calendar's order of day, month and year.

    Raises `Refused`: `order` if they could be a date in another order, else `impossible`. None for
    dots with two digits at the end unless they can only be a day near the read, because they may be
    a time or a version, such as 9.30.00.
    """
    if match["sep"] == "." and len(match["c"]) == 2:
        can_be_date = int(match["a"]) > 12 and _is_year_of_calendars(match["c"], context)
        if not can_be_date:
            return None
    values = dict(zip(context.date_order, (match["a"], match["b"], match["c"]), strict=True))
    # The last number has two or four digits, the others one or two. If the year would be shorter,
    # the order is wrong.
    if len(values["y"]) < len(match["c"]):
        raise Refused("order")
    day, month, year = int(values["d"]), int(values["m"]), _full_year(values["y"])
    # Day and month are never swapped, even if only that would fit: then the order may be wrong for
    # all rows.
    if month > 12:
        raise Refused("order" if day <= 12 else "impossible")
    return _resolve_date(match, day, month, year, context)


def _resolve_date(
    match: re.Match[str], number: int, month: int, year: int | None, context: Context
) -> Span | None:
    """Return day `number` of a month, with a doubt if a weekday written before or after it is that
    of another day.

    Without a `year`, the day is one near the read of the calendar. None if a word beside it is not
    a weekday.
    """
    words_beside = [word for word in (match["weekday"], match["after"]) if word is not None]
    if any(word not in WEEKDAYS for word in words_beside):
        return None
    weekdays = [WEEKDAYS[word] for word in words_beside]
    if year is not None:
        span = _day_span(number, month, year)
    else:
        span = _find_day_near_read(number, month, weekdays, context)
    do_weekdays_fit = all(weekday == span.first.weekday() for weekday in weekdays)
    if do_weekdays_fit:
        return span
    return replace(span, doubt="weekday", others=_nearest_days(span.first, weekdays))


def _nearest_days(day: date, weekdays: Sequence[int]) -> tuple[date, ...]:
    steps = ((weekday - day.weekday() + 3) % 7 - 3 for weekday in weekdays)
    return tuple(day + timedelta(days=step) for step in steps)


def _day_span(number: int, month: int, year: int) -> Span:
    """Return the span of one day. Raises `Refused` if there is no such day."""
    with suppress(ValueError):
        day = date(year, month, number)
        if FIRST_YEAR <= year <= LAST_YEAR:
            return Span(Precision.DAY, day, day)
    raise Refused("impossible")


def _find_day_near_read(number: int, month: int, weekdays: Sequence[int], context: Context) -> Span:
    """Return day `number` of a month in the first year in which it is near the read of the
    calendar.

    `weekdays` are those written before and after the date (0 is Monday): none, one or two. Raises
    `Refused`: `impossible` if the day is near the read in no year, `weekday` if only its weekday is
    wrong.
    """
    near: list[Span] = []
    for year in context.years():
        with suppress(Refused):  # 29 February is not in every year
            span = _day_span(number, month, year)
            if context.is_near(span.first):
                near.append(span)
    for span in near:
        if all(weekday == span.first.weekday() for weekday in weekdays):
            return span
    raise Refused("weekday" if near else "impossible")


_PART_OF = quick(
    r"(?:(?:early|mid|late|end)[ -]{1,3}(?:of )?|(?:the )?(?:end|beginning|start|middle) of"
    r" (?:the )?|"
    r"(?:in |during |mis |fis |ym mis |(?:dechrau|canol|diwedd) (?:mis )?))"
    r"(?P<rest>.+)"
)
_MONTH = quick(r"(?:mis )?(?P<month>[a-z]{3,10})\.?(?:,? ?-?(?P<year>\d{4}))?")
_NUMBERED = quick(r"(?P<month>\d{1,2})/(?P<year>\d{4})|(?P<y>\d{4})-(?P<m>\d{2})")
_TWO = r"(?P<year>\d{4})(?: ?(?:[/-]|to) ?(?P<next>\d{4}|\d{2}))?"
_FY = r"(?:fy ?(?=\d{4} ?[/-]))?"
_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_QUARTERS = (
    quick(rf"(?:q|quarter |chwarter )(?P<n>[1-4])(?:,? (?:of )?| ?[-/] ?){_FY}{_TWO}"),
    quick(rf"(?:the )?(?P<n>{'|'.join(_NTH)}) quarter,? (?:of |in )?{_TWO}"),
    quick(rf"{_TWO} ?[-,/]? ?(?:q|quarter |chwarter )(?P<n>[1-4])"),
)
_HALF = quick(r"(?:h(?P<n>[12])|(?:the )?(?P<word>first|second) half)(?: of)? (?P<year>\d{4})")
_SEASON = quick(rf"(?P<season>{'|'.join(SEASONS)})(?:,? (?:of )?{_TWO})?")
_YEAR = quick(rf"(?P<fy>(?:fy|financial year) ?)?{_TWO}")


def _drop_part_words(text: str) -> str:
    """Return a text without words before its period: "early July", "the end of July" and "in July"
    become "july".
    """
    part = _PART_OF.fullmatch(text)
    return part["rest"] if part else text


def _read_month(text: str, context: Context) -> Span | None:
    """Read "July 2026", "Mid-November 2026" (as the month), "2026-09", "07/2026" and "July" (near
    the read).
    """
    match = _MONTH.fullmatch(_drop_part_words(text))
    if match:
        number = MONTHS.get(match["month"])
        # the Welsh word for October is also that for autumn
        doubt = "season" if match["month"] == HYDREF else None
        if number is None:
            return None
        return _months_of_year(number, 1, _full_year(match["year"]), context, doubt)
    match = _NUMBERED.fullmatch(text)
    if match is None:
        return None
    year, number = int(match["year"] or match["y"]), int(match["month"] or match["m"])
    if 1 <= number <= 12:
        return month_span(Precision.MONTH, year, number, 1)
    return None


def _read_quarter(text: str, context: Context) -> Span | None:  # noqa: ARG001  # one signature for every form
    """Read "Q3 2026" as July to September, and "Q3 2025/26", of a financial year, as October to
    December 2025.
    """
    matches = (form.fullmatch(text) for form in _QUARTERS)
    match = next((each for each in matches if each is not None), None)
    if match is None:
        return None
    number = _NTH.get(match["n"]) or int(match["n"])
    year = int(match["year"])
    if match["next"] is None:
        return month_span(Precision.QUARTER, year, 3 * number - 2, 3)
    if not _is_next_year(year, match["next"]):
        raise Refused("impossible")
    # A financial year begins in April, so its fourth quarter is January to March of the next year.
    first_month, year = (1, year + 1) if number == 4 else (3 * number + 1, year)
    return month_span(Precision.QUARTER, year, first_month, 3)


def _read_half_year(text: str, context: Context) -> Span | None:  # noqa: ARG001  # one signature for every form
    """Read "H1 2026" and "second half of 2026" as a range of six months."""
    match = _HALF.fullmatch(text)
    if match is None:
        return None
    is_second = match["n"] == "2" or match["word"] == "second"
    return month_span(Precision.RANGE, int(match["year"]), 7 if is_second else 1, 6)


def _read_season(text: str, context: Context) -> Span | None:
    """Read "Spring 2026" as March to May, and so on, and "Winter 2026/27".

    "Early spring" counts as the whole season. "Winter 2026" gets a doubt, because it can
    begin or end in 2026.
    """
    match = _SEASON.fullmatch(_drop_part_words(text))
    if match is None:
        return None
    first_month = SEASONS[match["season"]]
    is_winter = first_month == 12
    year = _full_year(match["year"])
    second_year = match["next"]
    # Only a winter is in two years. The pattern has a second year only after a first one.
    if second_year is not None and not (
        is_winter and _is_next_year(int(match["year"]), second_year)
    ):
        raise Refused("not-a-date")
    if not (is_winter and year and second_year is None):
        return _months_of_year(first_month, 3, year, context, None)
    span = _months_of_year(first_month, 3, year, context, "season")
    return replace(span, others=(date(year - 1, 12, 1),))


def _read_year(text: str, context: Context) -> Span | None:  # noqa: ARG001  # one signature for every form
    """Read "2026", "Late 2026" as the year and "2026/27", "FY 2026-27" as April to March.

    Return None for any other text, so also for "FY 2026", which can begin or end in 2026, and for
    "2026/28".
    """
    match = _YEAR.fullmatch(_drop_part_words(text))
    if match is None:
        return None
    first = int(match["year"])
    if match["next"] is None:
        if match["fy"]:
            return None
        return month_span(Precision.YEAR, first, 1, 12)
    if _is_next_year(first, match["next"]):
        return month_span(Precision.YEAR, first, 4, 12)
    return None


def _is_next_year(first: int, second: str) -> bool:
    return (first + 1) % (100 if len(second) == 2 else 10_000) == int(second)


def _months_of_year(
    number: int, count: int, year: int | None, context: Context, doubt: str | None
) -> Span:
    """Return the span of `count` months from month `number` on.

    If `year` is None, choose the year in which the span ends near the day of the read, else the
    year of the read.
    """
    precision = Precision.SEASON
    if count == 1:
        precision = Precision.MONTH
    if year is None:
        near = (
            each for each in context.years() if context.is_near(month_end(each, number + count - 1))
        )
        year = next(near, context.anchor.year)
    return month_span(precision, year, number, count, doubt)


_WEEK_FROM = quick(
    r"(?:the )?(?:(?:week|wk) (?:commencing|beginning|beg|starting|of)|w/?c\.?|w\.c\.|w/?b\.?"
    r"|(?:yr )?wythnos yn dechrau):? "
    r"(?:on )?(?P<rest>.+)"
)
_WEEK_TO = quick(
    r"(?:the )?(?:(?:week|wk) ending|w/?e\.?|w\.e\.|(?:yr )?wythnos yn diweddu):? "
    r"(?:on )?(?P<rest>.+)"
)
_UNTIL = quick(
    r"(?:by|before|no later than|not later than|on or before|erbyn)(?: the)? (?P<rest>.+)"
)
_BETWEEN = quick(r"(?:between|from) (?P<rest>.+)")
_SPLIT = quick(r" to | - | until | and | & | or | through | i | neu | ?[-/] ?")
_CHOICES = frozenset({"and", "&", "or", "neu", "/"})
_PARTIAL = quick(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}}) ?{_ORDINAL}(?: (?:of |o )?(?P<month>[a-z]{{3,10}})\.?)?(?:,?"
    r" (?P<year>\d{4}))?"
)


def _read_week(text: str, context: Context) -> Span | None:
    """Read "week commencing D" as D … D+6 and "week ending D" as D-6 … D."""
    begins, ends = _WEEK_FROM.fullmatch(text), _WEEK_TO.fullmatch(text)
    match = begins or ends
    found = None
    if match:
        found = _read_day(match["rest"], context)
    if found is None:
        return None
    shift = timedelta(days=6 if begins else -6)
    first, last = sorted((found.first, found.first + shift))
    return Span(Precision.RANGE, first, last, found.doubt)


def _read_until(text: str, context: Context) -> Span | None:
    """Read "by D" (a day or a month) as the days from the read to the end of D, or as the last day
    of a past D.
    """
    match = _UNTIL.fullmatch(text)
    if match is None:
        return None
    found = _read_day(match["rest"], context) or _read_month(match["rest"], context)
    return found and Span(Precision.RANGE, min(context.anchor, found.last), found.last, found.doubt)


def _read_day_range(text: str, context: Context) -> Span | None:
    """Read "30/31 March 2026", "1 to 3 June", "30 June - 2 July 2026".

    The left end may lack month and year. "1 or 8 June" gets a doubt, because no day between them
    is meant.
    """
    sides = _split_range(text)
    left = None
    if sides:
        left = _PARTIAL.fullmatch(sides[0])
    right = None
    if sides and left:
        right = _read_day(sides[1], context)
    if left is None or right is None:
        return None
    span = _join_days(left, right)
    separator = _SPLIT.search(text)
    is_choice = separator and separator[0].strip() in _CHOICES and not _BETWEEN.fullmatch(text)
    if span is None or not is_choice or span.last - span.first <= timedelta(days=1):
        return span
    return replace(span, doubt=span.doubt or "duplicate-date")


def _join_days(left: re.Match[str], right: Span) -> Span | None:
    """Return the range from the day in `left` (a match of `_PARTIAL`) to `right`.

    If the left day lacks its month or year, it has that of `right`. "Aug 10" has its month where
    another text has its weekday.
    """
    is_month_first = left["month"] is None and left["weekday"] in MONTHS
    month_name = left["weekday"] if is_month_first else left["month"]
    month = MONTHS.get(month_name) if month_name else right.first.month
    if month is None:
        return None
    day, year = int(left["day"]), int(left["year"] or right.first.year)
    first = _day_span(day, month, year)
    has_only_month = month_name and not left["year"]
    if has_only_month and first.first > right.first:
        first = _day_span(day, month, year - 1)  # "30 December - 2 January 2027" begins in 2026
    if first.first > right.first:
        raise Refused("impossible")
    weekday = None
    if not is_month_first:
        weekday = left["weekday"]
    is_wrong_weekday = weekday is not None and WEEKDAYS.get(weekday) != first.first.weekday()
    return Span(
        Precision.RANGE, first.first, right.last, "weekday" if is_wrong_weekday else right.doubt
    )


def _read_month_range(text: str, context: Context) -> Span | None:
    """Read "March/April 2026", "December to January 2027", "August to September"."""
    sides = _split_range(text)
    if sides is None:
        return None
    right = _read_month(sides[1], context)
    left = None
    if right:
        left = _read_month(sides[0], context)
    if right is None or left is None:
        return None
    if not any(mark.isdigit() for mark in sides[0]):
        # The year is that of the second month: "December to January 2027" begins in 2026.
        year = right.first.year if left.first.month <= right.first.month else right.first.year - 1
        left = replace(left, first=date(year, left.first.month, 1))
    if left.first > right.first:
        raise Refused("impossible")
    return Span(Precision.RANGE, left.first, right.last)


def _split_range(text: str) -> tuple[str, str] | None:
    match = _BETWEEN.fullmatch(text)
    parts = _SPLIT.split(match["rest"] if match else text)
    if len(parts) == 2:
        return (parts[0], parts[1])
    return None


FORMS: tuple[Callable[[str, Context], Span | None], ...] = (
    *(_read_day, _read_week, _read_until, _read_month, _read_quarter, _read_half_year),
    *(_read_season, _read_year, _read_day_range, _read_month_range),
)
"""In the order in which they are tried."""
