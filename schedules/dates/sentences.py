"""Finds days in the sentences of a page, such as "Due on Thursday 26 November", and results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

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
# In one text of the page. The first kind is only written when content is out.
_LABEL = quick(
    r"(?:^|[|.\u00b7\u2022]\s*)(?:(?P<done>(?:date )?(?:first |last )?(?:published|released|issued"
    r"|updated?)|cyhoeddwyd|diweddarwyd)|(?:release|publication) date|date of (?:release"
    r"|publication)|dyddiad cyhoeddi)(?: on)?[\s:|]{0,5}(?:[a-z]{3,9}day,? )?"
    r"(?=\d|[a-z]{3,9}\.? \d)"
)
_LONGEST_DATE = 24
_LONGEST_EXPOSED = timedelta(days=14)
"""How long before its slot a release may be out. An earlier date is that of another edition."""
_NEXT = quick(
    r"\bnext (?:release|update|edition|publication)(?: date| due)?(?: on)?[\s:|]{0,5}"
    r"(?:[a-z]{3,9}day,? )?(?=\d|[a-z]{3,9}\.? \d)"
)
# In sentences about what is not out yet, the edition before, or how the statistics are made
_NOT_OF_RESULTS = quick(
    r"\b(?:will|to be (?:published|released|issued|updated)|not yet|forthcoming|upcoming"
    r"|coming soon|(?:next|previous|last) (?:release|update|edition|publication)|i'w gyhoeddi"
    r"|survey (?:asks|asked|collects|covers)|(?:is|are) used (?:by|to)|code of practice"
    r"|contact|e-?mail|telephone|questions|questionnaires?|methods?|methodology)\b"
)
_SENTENCE_END = quick(r"[.!?](?=\s)|\|")
_LEAST_WORDS = 40
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


def has_date_of_publication(text: str, slot: Slot | None) -> bool:
    """Return whether a text has a label such as "Published: 26 November 2026".

    A later date is a promise, and so is the slot's own day, unless the label says that content is
    out.
    """
    words = text.lower()
    last = None if slot is None else last_day(slot)
    for label in _LABEL.finditer(words):
        day = next(days_in(words[label.end() : label.end() + _LONGEST_DATE], last), None)
        if day is None:
            continue
        is_past = last is None or last - _LONGEST_EXPOSED <= day < last
        if is_past or (label["done"] and day == last):
            return True
    return False


def names_day_since(slot: Slot | None, text: str) -> bool:
    """Return whether a text has a whole date of the slot's last day or later."""
    last = None if slot is None else last_day(slot)
    return last is not None and any(day >= last for day in days_in(text.lower(), None))


def names_as_next(slot: Slot | None, text: str) -> bool:
    """Return whether a text has a label such as "Next release: 26 November", the slot's day."""
    words = text.lower()
    last = None if slot is None else last_day(slot)
    labelled = (words[found.end() : found.end() + _LONGEST_DATE] for found in _NEXT.finditer(words))
    return last is not None and any(next(days_in(rest, last), None) == last for rest in labelled)


def tells_results(text: str, slot: Slot | None) -> bool:
    """Return whether a text has enough words, without dates and sentences that tell no results."""
    sentences = _SENTENCE_END.split(text.lower())
    results = " ".join(each for each in sentences if not _NOT_OF_RESULTS.search(each))
    return len(without_dates(results, slot).split()) >= _LEAST_WORDS


def without_dates(text: str, slot: Slot | None) -> str:
    """Return a text in lower case without its dates and times of day.

    A date without a year is one from the slot's day on.
    """
    day = None if slot is None else first_day(slot)
    rest = _DATE.sub(lambda found: found[0] if _read_date(found, day) is None else "", text.lower())
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
