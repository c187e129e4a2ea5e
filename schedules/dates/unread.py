"""When a date text that cannot be read may be due."""

from __future__ import annotations

from datetime import date, timedelta

from schedules.dates.words import normalise
from schedules.patterns import quick

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_MONTH = quick(rf"\b({'|'.join(_MONTH_NAMES)})[a-z]*\b")
_YEAR = quick(r"(?<!\d)20\d\d(?!\d)")
# "2025/26" is the period of the statistics, and not when they are released.
_PERIOD = quick(r"(?<!\d)20\d\d ?[/-] ?(?:20)?\d\d(?!\d)")


def may_fall_within(text: str, first: date, last: date) -> bool:
    """Return whether a text that cannot be read may mean one of these days.

    It cannot only if it names years or months, and all of them are others.
    """
    plain = _PERIOD.sub(" ", normalise(text))
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    years = {int(year) for year in _YEAR.findall(plain)}
    months = {_MONTHS[name] for name in _MONTH.findall(plain)}
    return any(
        (not years or day.year in years) and (not months or day.month in months) for day in days
    )
