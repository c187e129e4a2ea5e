"""Tells whether a text may name the end of a period, in whatever notation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from schedules.dates.words import MONTHS
from schedules.patterns import quick
from schedules.titles import Title, last_month, period_kind, period_of

_WORD_OR_NUMBER = quick(r"[a-z]+|\d+")
_DECIMAL = quick(r"(?<![\d.])\d+\.\d{1,3}(?![\d.])")
_QUARTER_WORDS = frozenset({"q", "qtr", "quarter"})
_WEEK_WORDS = frozenset({"w", "wk", "week"})
_NTH = ("first", "second", "third", "fourth")
_NAMED_BY_ITS_END = frozenset({"year", "span", "month", "q"})
"""The kinds of words of which the last year and month say everything about a period."""


def may_name_period(text: str, title: Title, *, is_new_year: bool) -> bool:
    """Return whether a text may have the end of a title's period, such as `12/2022`, `2022Q4`,
    `FY23` or `Dec-22`.

    `is_new_year`: it is enough to name the year.
    """
    period, end = title.period, title.end
    if end and f"{end[0] % 100:02}" not in text:
        return False
    words = frozenset(period_of(text))
    is_named_by_end = _NAMED_BY_ITS_END.issuperset(map(period_kind, period))
    if period <= words or (is_named_by_end and end and last_month(words) == end):
        return True
    tokens = _WORD_OR_NUMBER.findall(_DECIMAL.sub("", text.lower()))
    if not end or not any(_names_year(token, end[0], len(tokens)) for token in tokens):
        return False
    if is_new_year or len(end) == 1:
        return is_new_year
    others = [token.replace(str(end[0]), "") for token in tokens]
    days = [int(word[1:]) for word in period if period_kind(word) == "d"]
    if not days:
        return _names_month(others, end[1])
    # 31 June counts as 1 July.
    return _names_day(others, date(end[0], end[1], 1) + timedelta(days=max(days) - 1))


def _names_year(token: str, year: int, tokens: int) -> bool:
    """Return whether one of several tokens may name a year: `2024`, `24`, `202324`, `20240331`."""
    short = f"{year % 100:02}"
    if len(token) <= len(short):
        return token == short and tokens > 1
    return len(token) % 2 == 0 and (
        token.startswith(str(year)) or token.endswith((str(year), f"{year - 1}{short}"))
    )


def _names_month(tokens: Sequence[str], month: int) -> bool:
    """Return whether tokens name a month or its quarter. A number counts without a month's name."""
    named = [MONTHS[token] for token in tokens if token in MONTHS]
    if named:
        return month in named
    numbers = _find_numbers(tokens)
    quarter = (month + 2) // 3
    names_quarter = quarter in numbers or _NTH[quarter - 1] in tokens
    return month in numbers or (names_quarter and not _QUARTER_WORDS.isdisjoint(tokens))


def _names_day(tokens: Sequence[str], day: date) -> bool:
    """Return whether tokens name a day, or its week by a number. Not all count weeks alike."""
    week = day.isocalendar().week
    weeks = {str(number) for number in (week - 1, week, week + 1)}
    if any(word in _WEEK_WORDS and after in weeks for word, after in pairwise(tokens)):
        return True
    return day.day in _find_numbers(tokens) and _names_month(tokens, day.month)


def _find_numbers(tokens: Sequence[str]) -> set[int]:
    """Return the numbers that may be days, months, weeks or quarters: `20221231` has 12 and 31."""
    digits = [token for token in tokens if token.isdecimal()]
    return {int(token[at : at + 2]) for token in digits for at in range(0, len(token), 2)}
