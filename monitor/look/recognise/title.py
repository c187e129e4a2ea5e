"""Compares the title in an answer with the release's title: this edition, another edition, or another series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from monitor.look.fetch import Found
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, unknown
from monitor.look.sighting import State
from schedules.titles import period_of, read_title, slug, title_matches

ANOTHER_EDITION, ANOTHER_TITLE = "the page shows another edition", "the page shows another title"
"""Reasons of an absence and of an unknown, although the address answered with success."""
NOT_ITS_TITLE = "it does not bear the title of this release"
WITHOUT_PERIOD = "its title without its period"
_MOST_TEXT = 20_000


def recognise_title(
    context: Context, seen: str, found: tuple[Found, ...] = (), version: str | None = None, text: str = ""
) -> Recognised:
    """Return presence for the release's title and period, absence for another edition's, and unknown for any other.

    `seen` is the title in the answer, `text` the rest of it. If only `text` contains the period, presence is not
    specific. If the release has no title, any title is accepted. A page that the announcement redirected to may have
    another title.
    """
    if not seen:
        return unknown(NAMELESS, found)
    like = compare_titles(context.title, seen) if context.title else Likeness.UNDATED
    if like is Likeness.OTHER_EDITION:
        return absent(ANOTHER_EDITION)
    if like is Likeness.DIFFERENT and (context.was_missing or not context.is_led_to):
        return unknown(ANOTHER_TITLE if context.was_missing else NOT_ITS_TITLE, found)
    if like is Likeness.UNDATED and not read_title(context.title).period <= set(period_of(text[:_MOST_TEXT])):
        return unknown(WITHOUT_PERIOD, found)
    return Recognised(State.PRESENT, like is Likeness.SAME, found, version=version)


def names_release(title: str, text: str) -> bool:
    """Return whether a text, such as JSON, contains the words and the period of a release's title in any order."""
    mine, text = read_title(title), text[:_MOST_TEXT]
    words = set(slug(text, _MOST_TEXT).split("-"))
    return bool(mine.words) and set(mine.words) <= words and mine.period <= set(period_of(text))


_SEASONS = ("spring", "summer", "autumn", "winter")
_ALIKE = 0.7
_LONGEST = 500


class Likeness(StrEnum):
    """The result of comparing a title with the release's title."""

    SAME = "same"
    UNDATED = "undated"
    OTHER_EDITION = "other_edition"
    DIFFERENT = "different"


def compare_titles(title: str, seen: str) -> Likeness:
    """Compare the release's title with the title in an answer.

    `SAME`: the same title with the same period. `OTHER_EDITION`: the same series with another period, such as another
    year or month. `UNDATED`: the same series, but one of them has no period, or a less precise one. Any other title is
    `DIFFERENT`.
    """
    # Titles are shorter than this, and comparing long texts takes time.
    seen = seen[:_LONGEST]
    mine, other = read_title(title), read_title(seen)
    if mine.period and title_matches(title, seen):
        return Likeness.SAME
    few, many = sorted((set(mine.words), set(other.words)), key=len)
    if not few or not few <= many or len(few) < _ALIKE * len(many):
        return Likeness.DIFFERENT
    return Likeness.OTHER_EDITION if _periods_contradict(mine.period, other.period) else Likeness.UNDATED


def names_same_period(title: str, seen: str) -> bool | None:
    """Return whether a text names the period of a title: False if it names another one, None if that is unclear."""
    mine, other = read_title(title).period, read_title(seen[:_LONGEST]).period
    if mine and mine == other:
        return True
    return False if _periods_contradict(mine, other) else None


def names_a_period(text: str) -> bool:
    """Return whether a text names a year, month, quarter or season, and so only one edition."""
    return bool(set(_group_by_kind(read_title(text).period)) - {"d", "w"})


def _periods_contradict(ours: Iterable[str], seen: Iterable[str]) -> bool:
    mine, theirs = _group_by_kind(ours), _group_by_kind(seen)
    return any(
        mine[kind].isdisjoint(theirs[kind]) for kind in mine.keys() & theirs.keys() if mine[kind] and theirs[kind]
    )


def _group_by_kind(period: Iterable[str]) -> dict[str, set[str]]:
    """Group the words of a period by kind: year, span of years, month, season, and `q`, `h`, `w`, `d` with a number."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for word in period:
        if word[0].isdigit():
            # 2025/26 counts as both years: it does not contradict 2026, but it does contradict 2024/25.
            first, _, last = word.partition("/")
            kinds["year"] |= {first, first[:2] + last} if last else {first}
            kinds["span"] |= {word} if last else set()
        elif word in _SEASONS:
            kinds["season"].add(word)
        else:
            kinds["month" if word.isalpha() else word[0]].add(word)
    return dict(kinds)
