"""When a date text that cannot be read may be due."""

from __future__ import annotations

from datetime import date, timedelta

from schedules.dates.words import MONTHS, normalise
from schedules.patterns import quick

_WORD = quick(r"[a-z]+")
_YEAR = quick(r"(?<!\d)20\d\d(?!\d)")
# "2025/26" is the period of the statistics, and not when they are released.
_PERIOD = quick(
    r"(?<!\d)20\d\d ?[/-] ?(?:20)?\d\d(?!\d)"
    r"|\b(?:figures|data|statistics|results|accounts|estimates) (?:for|of|to)"
    r"(?: [a-z]+)?(?: 20\d\d)?"
)
# "May be out soon", and Tuesday in Welsh.
_NO_MONTH = quick(
    r"\bmay (?:be|not|come|change|slip|move|have|appear|still|also)\b|\bd?dydd mawrth\b"
)


def may_fall_within(text: str, first: date, last: date) -> bool:
    """Return whether a text that cannot be read may mean one of these days.

    It cannot only if it names years or months, and all of them are others.
    """
    plain = _NO_MONTH.sub(" ", _PERIOD.sub(" ", normalise(text)))
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    years = {int(year) for year in _YEAR.findall(plain)}
    months = {MONTHS[word] for word in _WORD.findall(plain) if word in MONTHS}
    return any(
        (not years or day.year in years) and (not months or day.month in months) for day in days
    )
