"""Finds days in the sentences of a page, such as "Due on Thursday 26 November"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from schedules.dates.words import MONTHS
from schedules.patterns import quick
from schedules.slot import Precision, Slot, first_day, last_day

_DATE = quick(
    r"\b(?P<d>\d{1,2}) ?(?:st|nd|rd|th)?(?: of)?[ -](?P<m>[a-z]{3,12})\b[.,]?(?:["
    r" -](?P<y>\d{4})\b)?"
    r"|\b(?P<m2>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"
    r" (?P<d2>\d{1,2})(?:st|nd|rd|th)?\b(?:,? (?P<y2>\d{4})\b)?"
    r"|\b(?P<y3>\d{4})-(?P<n3>\d\d)-(?P<d3>\d\d)\b"
    r"|\b(?P<d4>\d{1,2})[/.](?P<n4>\d{1,2})[/.](?P<y4>\d{4}|\d\d)\b"
)
_MONTH = quick(r"\b([a-z]{3,12}) (\d{4})\b")
_TIME = quick(r"\b\d{1,2}(?::\d\d|[:.]\d\d\s?[ap]m|\s?[ap]m)\b")
_YEARS_TO_LEAP_DAY = 9  # 29 February may be eight years after the last one


def names_day_of(slot: Slot, text: str) -> bool:
    """Return whether a text names the day of a slot or, if only months are announced, the first or
    last of them.
    """
    first, last = first_day(slot), last_day(slot)
    if first is None or last is None:
        return False
    words = text.lower()
    if first == last:
        return first in days_in(words, first)
    named_months = {(MONTHS.get(found[1]), int(found[2])) for found in _MONTH.finditer(words)}
    slot_months = {(day.month, day.year) for day in (first, last)}
    return slot.precision in (Precision.MONTH, Precision.RANGE) and not named_months.isdisjoint(
        slot_months
    )


def days_in(text: str, since: date | None) -> Iterator[date]:
    """Yield the dates that a lower-case text names.

    One without a year is the nearest at or after `since`, if that is known. Impossible dates are
    left out.
    """
    for found in _DATE.finditer(text):
        if (day := _read_date(found, since)) is not None:
            yield day


def without_day_of(text: str, slot: Slot | None) -> str:
    """Return a text without the dates that name the slot's day, and without times of day."""
    day = None if slot is None else first_day(slot)
    if day is None:
        return text
    rest = _DATE.sub(lambda found: "" if _read_date(found, day) == day else found[0], text.lower())
    return _TIME.sub("", rest)


def without_days_since(slot: Slot | None, text: str, title: str) -> str:
    """Return a text without the dates of a slot's day and later: they say when it was published.

    Unchanged if the release's `title` has such a date itself: then they tell editions apart.
    """
    day = None if slot is None else first_day(slot)
    if day is None or any(named >= day for named in days_in(title.lower(), None)):
        return text

    def keep_earlier(found: re.Match[str]) -> str:
        named = _read_date(found, None)
        return "" if named is not None and named >= day else found[0]

    return _DATE.sub(keep_earlier, text.lower())


def _read_date(found: re.Match[str], since: date | None) -> date | None:
    # Groups are named d (day), m (name of the month), n (number of the month) or y (year), with a
    # number.
    named = {name[0]: value for name, value in found.groupdict().items() if value is not None}
    # A word that is not a month counts as month 0, which is impossible.
    month = MONTHS.get(named["m"], 0) if "m" in named else int(named["n"])
    years = [int(named["y"])] if "y" in named else []
    if not years and since is not None:
        years = list(range(since.year, since.year + _YEARS_TO_LEAP_DAY))
    for year in years:
        try:
            day = date(year + 2000 if year < 100 else year, month, int(named["d"]))
        except ValueError:
            continue
        if "y" in named or since is None or day >= since:
            return day
    return None
