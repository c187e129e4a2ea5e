"""Compares the title in an answer with the release's title: this edition, another edition, or
another series.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from monitor.look.fetch import Found
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, present, unknown
from schedules.titles import (
    differ_in_stage,
    has_one_stage_more,
    is_misspelt,
    is_nearer,
    is_same_series,
    period_of,
    read_title,
    slug,
    title_matches,
)

ANOTHER_EDITION, ANOTHER_TITLE = "the page shows another edition", "the page shows another title"
"""Reasons of an absence and of an unknown, although the address answered with success."""
OTHER_FILE = "a file without the words of this release"
"""Reason of an absence, although the address answered with a file."""
NOT_ITS_TITLE = "it does not bear the title of this release"
WITHOUT_PERIOD = "its title without its period"
_MOST_TEXT = 20_000


def recognise_title(
    context: Context,
    seen: str,
    found: tuple[Found, ...] = (),
    version: str | None = None,
    text: str = "",
) -> Recognised:
    """Return presence if an answer has the title and period of the release, absence if those of
    another edition.

    Any other title proves nothing. `seen` is the title in the answer, and `text` the rest of the
    answer.
    """
    if not seen:
        return unknown(NAMELESS, found)
    if not context.title:  # any title will do
        return present(found, version=version)
    likeness = compare_titles(context.title, seen, context.similar_titles)
    if likeness is Likeness.OTHER_EDITION:
        return absent(ANOTHER_EDITION)
    why = _doubt_title(context, seen, likeness, text)
    if why:
        return unknown(why, found)
    # Only the title with its period is specific to this edition.
    return present(found, specific=likeness is Likeness.SAME, version=version)


def _doubt_title(context: Context, seen: str, likeness: Likeness, text: str) -> str:
    """Return why a title may not be that of the release, or an empty string."""
    is_new, others = context.known.was_missing, context.similar_titles
    if likeness is Likeness.DIFFERENT and not is_variant(
        context.title, seen, others, is_new=is_new
    ):
        # Another title proves presence only if the announcement redirects to the page, and that did
        # not answer 404 before.
        if is_new:
            return ANOTHER_TITLE
        is_of_another = is_title_of_another(context.title, seen, others)
        return NOT_ITS_TITLE if is_of_another or not context.is_led_to else ""
    # If the title has no period, or a less precise one, all words of the period must be in the
    # text.
    missing_words = read_title(context.title).period - set(period_of(text[:_MOST_TEXT]))
    return WITHOUT_PERIOD if likeness is Likeness.UNDATED and missing_words else ""


def names_release(title: str, text: str) -> bool:
    """Return whether a text, such as JSON, contains the words and the period of a release's title
    in any order.
    """
    ours, text = read_title(title), text[:_MOST_TEXT]
    words = set(slug(text, _MOST_TEXT).split("-"))
    return bool(ours.words) and set(ours.words) <= words and ours.period <= set(period_of(text))


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SEASONS = ("spring", "summer", "autumn", "winter")
_LONGEST = 500


class Likeness(StrEnum):
    """The result of comparing a title with the release's title."""

    SAME = "same"
    UNDATED = "undated"
    OTHER_EDITION = "other_edition"
    DIFFERENT = "different"


def compare_titles(title: str, seen: str, similar_titles: Iterable[str] = ()) -> Likeness:
    """Compare the release's title with the title in an answer.

    `SAME`: the same title with the same period. `OTHER_EDITION`: the same series with another
    period, such as another year or month. `UNDATED`: the same series, but one of them has no
    period, or a less precise one. Else `DIFFERENT`, as for a title that is not nearer to that of
    the release than to one of `similar_titles`, which other releases have.
    """
    # Titles are shorter than this, and comparing long texts takes time.
    seen = seen[:_LONGEST]
    wanted, shown = read_title(title), read_title(seen)
    is_same = bool(wanted.period) and title_matches(title, seen)
    if not is_same and not is_same_series(wanted, shown):
        return Likeness.DIFFERENT
    if not is_same and periods_contradict(wanted.period, shown.period):
        return Likeness.OTHER_EDITION
    if not all(is_nearer(title, other, seen) for other in similar_titles):
        return Likeness.DIFFERENT
    return Likeness.SAME if is_same else Likeness.UNDATED


def is_title_of_another(title: str, seen: str, similar_titles: Iterable[str]) -> bool:
    """Return whether a title in an answer is one of `similar_titles`, and nearer to it than to that
    of the release.
    """
    seen = seen[:_LONGEST]
    return any(
        title_matches(other, seen) and is_nearer(other, title, seen) for other in similar_titles
    )


def is_variant(title: str, seen: str, similar_titles: Iterable[str] = (), *, is_new: bool) -> bool:
    """Return whether a title may be that of the release at its own address, although it differs.

    It has a wrong letter, or is as near to the title of another release. Or one of the two names a
    stage such as "provisional", and no other release differs in that from ours. For that the page
    must be new (`is_new`), because what was in place may be an earlier stage.
    """
    seen, others = seen[:_LONGEST], tuple(similar_titles)
    if is_title_of_another(title, seen, others):
        return False
    own, shown = read_title(title), read_title(seen)
    if title_matches(title, seen) or is_misspelt(own, shown):
        return True
    if not is_new:
        return False
    is_only_edition = not any(differ_in_stage(own, read_title(other)) for other in others)
    return is_only_edition and has_one_stage_more(own, shown)


def is_title_among(context: Context, texts: Iterable[str]) -> bool:
    """Return whether one of these texts is the title of the release, with its period."""
    title, similar_titles = context.title, context.similar_titles
    return any(compare_titles(title, text, similar_titles) is Likeness.SAME for text in texts)


def names_same_period(title: str, seen: str) -> bool | None:
    """Return whether a text names the period of a title: False if it names another one, None if
    that is unclear.
    """
    ours, theirs = read_title(title).period, read_title(seen[:_LONGEST]).period
    if ours and ours == theirs:
        return True
    return False if periods_contradict(ours, theirs) else None


def names_earlier_edition(title: str, seen: str) -> bool:
    """Return whether a text is the title of the same series with an earlier period.

    A later one may be the day on which the content was prepared.
    """
    if compare_titles(title, seen) is not Likeness.OTHER_EDITION:
        return False
    ours, theirs = (_last_month(read_title(text[:_LONGEST]).period) for text in (title, seen))
    return bool(ours and theirs) and theirs[: len(ours)] < ours[: len(theirs)]


def _last_month(period: Iterable[str]) -> tuple[int, ...]:
    """Return the last year of a period, and its last month if it names one; nothing without a
    year.
    """
    words = _group_by_kind(period)
    months = [_MONTHS.index(word) + 1 for word in words.get("month", ())]
    months += [3 * int(word[1]) for word in words.get("q", ())]
    years = [int(year) for year in words.get("year", ())]
    if not years:
        return ()
    return (max(years), max(months)) if months else (max(years),)


def names_a_period(text: str) -> bool:
    """Return whether a text names a year, month, quarter or season, and so only one edition."""
    days_and_weeks = {"d", "w"}
    return bool(set(_group_by_kind(read_title(text).period)) - days_and_weeks)


def periods_contradict(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Return whether two periods name, for instance, a month each, but none in common."""
    our_words, their_words = _group_by_kind(ours), _group_by_kind(theirs)
    return any(
        our_words[kind].isdisjoint(their_words[kind])
        for kind in our_words.keys() & their_words.keys()
    )


def _group_by_kind(period: Iterable[str]) -> dict[str, set[str]]:
    """Group the words of a period by kind: year, span of years, month, season, and `q`, `h`, `w`,
    `d` with a number.
    """
    kinds: dict[str, set[str]] = defaultdict(set)
    for word in period:
        if word[0].isdigit():
            # 2025/26 counts as both years: it does not contradict 2026, but it does contradict
            # 2024/25.
            first, _, last = word.partition("/")
            kinds["year"].add(first)
            if last:
                kinds["year"].add(first[:2] + last)
                kinds["span"].add(word)
        elif word in _SEASONS:
            kinds["season"].add(word)
        else:
            kinds["month" if word.isalpha() else word[0]].add(word)
    return dict(kinds)
