"""Whether a title that was read is that of the release: the words of its series, and those of its period."""

from __future__ import annotations

import re
from enum import StrEnum

_WORD = re.compile(r"[a-z0-9£%]+")
_APOSTROPHE = re.compile("['\u2019]")
_FILLERS = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"])
_ASIDES = frozenset(["provisional", "revised", "final", "gov", "uk", "withdrawn"])
_YEAR = re.compile(r"(19|20)\d\d")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october")
_ALL_MONTHS = frozenset(name[:3] for name in (*_MONTHS, "november", "december"))
_QUARTERS = frozenset(("q1", "q2", "q3", "q4", "h1", "h2"))
_SEASONS = frozenset(("spring", "summer", "autumn", "winter"))


class Likeness(StrEnum):
    """How a title that was read compares with the one we wait for."""

    SAME = "same"
    UNDATED = "undated"
    OTHER_EDITION = "other_edition"
    DIFFERENT = "different"


def likeness(title: str, seen: str) -> Likeness:
    """Compare the release's title with one that was read; `seen` may hold more, such as a site's name.

    `SAME` needs a period, and all of it. `OTHER_EDITION` needs one that contradicts ours (other years,
    other months); `UNDATED` is the same series where neither can be told.
    """
    series, periods = _split(title)
    seen_series, seen_periods = _split(seen)
    shared = len(series & seen_series)
    if not series or shared < 0.8 * len(series) or shared < 0.5 * len(seen_series):
        return Likeness.DIFFERENT
    if periods and periods <= seen_periods:
        return Likeness.SAME if _is_dated(periods) else Likeness.UNDATED
    return Likeness.OTHER_EDITION if _contradict(periods, seen_periods) else Likeness.UNDATED


def names_a_period(text: str) -> bool:
    """Tell whether a text names a year, month, quarter or season, and so one edition alone."""
    return _is_dated(_split(text)[1])


def _split(title: str) -> tuple[frozenset[str], frozenset[str]]:
    words = frozenset(_WORD.findall(_APOSTROPHE.sub("", title.lower()))) - _FILLERS
    periods = frozenset(word for word in words if _kind(word))
    shortened = (word[:3] if _kind(word) == "month" else word for word in periods)
    return words - periods - _ASIDES, frozenset(shortened)


def _kind(word: str) -> str:
    if _YEAR.fullmatch(word):
        return "year"
    if word in _QUARTERS:
        return "quarter"
    if word[:3] in _ALL_MONTHS and (len(word) == 3 or word == "sept" or word in (*_MONTHS, "november", "december")):
        return "month"
    if word in _SEASONS:
        return "season"
    return "number" if word[0].isdigit() else ""


def _is_dated(periods: frozenset[str]) -> bool:
    return any(_kind(word) != "number" for word in periods)


def _contradict(ours: frozenset[str], seen: frozenset[str]) -> bool:
    for kind in ("year", "month", "quarter", "season"):
        mine = {word for word in ours if _kind(word) == kind}
        theirs = {word for word in seen if _kind(word) == kind}
        if mine and theirs and mine.isdisjoint(theirs):
            return True
    return False
