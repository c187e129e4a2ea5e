"""Headings above the rows of a calendar: periods that complete dates, and words that call off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from schedules.dates.read import read_date
from schedules.dates.status import calls_off, status_word
from schedules.dates.words import MONTHS, normalise
from schedules.patterns import quick
from schedules.slot import Precision, Slot
from schedules.sources.row import CalendarRow
from schedules.sources.settings import CalendarSettings
from schedules.times.zone import LONDON
from schedules.titles import MONTH

_TAGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_NARROWEST = 7
_LONGEST_DAY = 16  # characters of a weekday and a number
# "Releases in 2028", "July 2027 publications"
_PERIOD = rf"(?:{MONTH} )?20\d\d"
_WHAT_IS_LISTED = r"(?:releases|publications|calendar|schedule|timetable)"
_PERIOD_OF_ROWS = quick(
    rf"\b{_WHAT_IS_LISTED} (?:in|for|during) ({_PERIOD})$"
    rf"|^({_PERIOD}) (?:(?:statistic|statistical|release|publication)s? )?{_WHAT_IS_LISTED}$",
    re.IGNORECASE,
)
_OF_GROUP = quick(
    rf"^(?:upcoming|forthcoming|confirmed|provisional|scheduled|planned|future) {_WHAT_IS_LISTED}$"
    r"|^(?:upcoming|forthcoming|scheduled|planned)$",
    re.IGNORECASE,
)


def heading_of_group(texts: Sequence[str]) -> str:
    """Return the heading for the rows below that the only text of a row is, "" if it is none.

    It is a period, a status, or names what is listed: "July 2027", "Cancelled", "Upcoming
    releases". Any other text may be the title of an entry without a date, or a note with a mark.
    """
    shown = {text.strip() for text in texts} - {""}
    text = shown.pop() if len(shown) == 1 else ""
    if not text[:1].isalnum():
        return ""
    is_status = calls_off(text) or status_word(normalise(text)) is not None
    period = _read_period(text, LONDON)
    is_period = period is not None and period.precision is not Precision.DAY
    return text if is_status or is_period or _OF_GROUP.match(text) else ""


class Headings:
    """The headings of a page above an element, from the widest to the narrowest."""

    def __init__(self) -> None:
        self._by_level: dict[int, str] = {}

    def add(self, tag: str, text: str) -> None:
        """Add a heading, `h1` to `h6` or any other, which is the narrowest.

        It ends those of its level and below. Another than `h1` to `h6` ends all, unless it is a
        period.
        """
        level = int(tag[1]) if tag in _TAGS else _NARROWEST
        is_of_all = level == _NARROWEST and _read_period(text, LONDON) is None
        kept = {} if is_of_all else self._by_level
        self._by_level = {each: kept[each] for each in kept if each < level} | {level: text}

    def texts(self) -> tuple[str, ...]:
        """Return the texts of the headings in force."""
        return tuple(text for _, text in sorted(self._by_level.items()))


def _read_period(heading: str, timezone: str) -> Slot | None:
    """Return the days that a heading names with a year, None if it names none.

    If a heading with a number has no year, it is read as one of 2000, so that its entries are past.
    """
    if not any(char.isdigit() for char in heading):  # a heading such as `July` gives no year
        return None
    slot = read_date(_period_of(heading), date(2000, 1, 1), timezone).slot
    return None if slot.first is None else slot


def _period_of(heading: str) -> str:
    stated = _PERIOD_OF_ROWS.search(heading)
    return next(filter(None, stated.groups()), heading) if stated else heading


def _find_period(above: Sequence[str], timezone: str) -> tuple[str, Slot | None]:
    """Return the narrowest period that headings name, as text and days. A month below a year is
    one of it.
    """
    found: tuple[str, Slot | None] = ("", None)
    for heading in above:
        year = found[1]
        text = heading
        if year is not None and year.precision is Precision.YEAR and normalise(heading) in MONTHS:
            text = f"{heading} {found[0]}"
        period = _read_period(text, timezone)
        if period is not None:
            found = (_period_of(text), period)
    return found


def apply_headings(
    entry: CalendarRow, above: Sequence[str], settings: CalendarSettings
) -> CalendarRow:
    """Return an entry with the headings above it as notes, which may say "Cancelled", and its date
    completed by a period such as `July 2026`, `2026` or `22 July 2026`.

    The period adds month and year to a day number, or the year to a date without one. A day is
    the date of an entry without one.
    """
    for heading in above:
        entry = entry.with_note(heading)
    written, period = _find_period(above, settings.zone)
    if period is None or period.first is None:
        return entry
    text = entry.date
    if not text.strip() and period.precision is Precision.DAY:
        return replace(entry, date=written)
    # In "Thursday 23rd" the last word is a number, if the letters of "st", "nd", "rd" and "th" at
    # its end are removed.
    number = text.strip(" .stndrh").rpartition(" ")[2]
    is_day_number = number.isdigit() and len(number) <= 2 and len(text) < _LONGEST_DAY
    if period.precision is Precision.MONTH and is_day_number:
        text = f"{text} {written}"
    anchor = period.first
    if period.precision is Precision.YEAR:
        # A date without a year is read as the one that is not more than 30 days before the anchor.
        # From 31 January 2026 on, that is a date in 2026. From 1 January 2026, `20 December` would
        # be a day in 2025.
        anchor += timedelta(days=30)
    return replace(entry, date=text, anchor=anchor)
