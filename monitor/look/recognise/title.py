"""Is a title that was read that of our edition, of another edition, or of another series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from monitor.look.fetch import Found
from monitor.look.recognise.result import Context, Recognised, absent, unknown
from monitor.look.sighting import State
from schedules.titles import read_title, title_matches

ANOTHER_EDITION, ANOTHER_TITLE = "another edition stands there", "another title stands there"
"""Why a page is absent, or proves nothing, though something is answered at its address."""


def by_title(context: Context, seen: str, found: tuple[Found, ...], version: str | None = None) -> Recognised:
    """Return presence, specific when the title is ours with its period; absence while another edition stands there.

    Another title where nothing stood before may be ours under a wrong name, or anything: it proves nothing. Where
    something always stood it is presence that counts for nothing by itself.
    """
    like = likeness(context.title, seen) if context.title else Likeness.UNDATED
    if like is Likeness.OTHER_EDITION:
        return absent(ANOTHER_EDITION)
    if like is Likeness.DIFFERENT and seen and context.was_missing:
        return unknown(ANOTHER_TITLE, found)
    return Recognised(State.PRESENT, like is Likeness.SAME, found, version=version)


_SEASONS = ("spring", "summer", "autumn", "winter")
_ALIKE = 0.7
_LONGEST = 500


class Likeness(StrEnum):
    """How a title that was read compares with the one we wait for."""

    SAME = "same"
    UNDATED = "undated"
    OTHER_EDITION = "other_edition"
    DIFFERENT = "different"


def likeness(title: str, seen: str) -> Likeness:
    """Compare the release's title with one that was read.

    `SAME` needs a period, and the same. `OTHER_EDITION` is the same series with a period that contradicts
    ours (other years, other months); `UNDATED` is the same series where neither can be told.
    """
    # No title is this long: what comes after would only cost time.
    seen = seen[:_LONGEST]
    mine, other = read_title(title), read_title(seen)
    if mine.period and title_matches(title, seen):
        return Likeness.SAME
    few, many = sorted((set(mine.words), set(other.words)), key=len)
    if not few or not few <= many or len(few) < _ALIKE * len(many):
        return Likeness.DIFFERENT
    return Likeness.OTHER_EDITION if _contradict(mine.period, other.period) else Likeness.UNDATED


def names_same_period(title: str, seen: str) -> bool | None:
    """Tell whether a text names the very period of a title: False where it names another, None where none is told."""
    mine, other = read_title(title).period, read_title(seen[:_LONGEST]).period
    if mine and mine == other:
        return True
    return False if _contradict(mine, other) else None


def names_a_period(text: str) -> bool:
    """Tell whether a text names a year, month, quarter or season, and so one edition alone."""
    return bool(set(_by_kind(read_title(text).period)) - {"d", "w"})


def _contradict(ours: Iterable[str], seen: Iterable[str]) -> bool:
    mine, theirs = _by_kind(ours), _by_kind(seen)
    return any(
        mine[kind].isdisjoint(theirs[kind]) for kind in mine.keys() & theirs.keys() if mine[kind] and theirs[kind]
    )


def _by_kind(period: Iterable[str]) -> dict[str, set[str]]:
    """Sort the words of a period: years, months, seasons, and `q`, `h`, `w`, `d` with their numbers."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for word in period:
        if word[0].isdigit():
            # A year of two halves is both years: 2025/26 does not contradict 2026, but it does 2024/25.
            first, _, last = word.partition("/")
            kinds["year"] |= {first, first[:2] + last} if last else {first}
            kinds["span"] |= {word} if last else set()
        elif word in _SEASONS:
            kinds["season"].add(word)
        else:
            kinds["month" if word.isalpha() else word[0]].add(word)
    return dict(kinds)
