"""What a title in an answer proves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from monitor.look.fetch import Found
from monitor.look.recognise.page import as_words
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, present, unknown
from schedules.dates.sentences import without_days_since
from schedules.titles import (
    are_other_editions,
    differ_in_stage,
    has_one_stage_more,
    is_misspelt,
    is_nearer,
    is_same_series,
    lacks_period,
    names_a_period,
    names_other_period,
    period_of,
    read_title,
    slug,
    title_matches,
)

ANOTHER_EDITION, ANOTHER_TITLE = "the page shows another edition", "the page shows another title"
"""Reasons of an absence and of an unknown after a success."""
NEXT_EDITION = "the page shows a later edition"
"""Reason of an absence at an address that editions share."""
OTHER_FILE = "a file without the words of this release"
"""Reason of an absence although there is a file."""
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
    """Return presence for the title and period of the release, absence for another edition's.

    Any other title proves nothing. `seen` is the title in the answer, `text` the rest.
    """
    if not seen:
        return unknown(NAMELESS, found)
    if not context.title:
        return present(found, version=version)
    likeness = compare_titles(context.title, seen, context.similar_titles)
    if likeness is Likeness.OTHER_EDITION:
        undated = without_days_since(seen, context.known.slot, context.title)
        likeness = compare_titles(context.title, undated, context.similar_titles)
    if likeness is Likeness.OTHER_EDITION:
        # The title of the first page of an address may have a wrong period.
        if context.known.was_missing and not context.known.had_page:
            return unknown(ANOTHER_EDITION, found)
        return absent(NEXT_EDITION if _is_replaced(context, seen) else ANOTHER_EDITION)
    why = _doubt_title(context, seen, likeness, text)
    if why:
        return unknown(why, found)
    # Only a title with its period is specific.
    return present(found, specific=likeness is Likeness.SAME, version=version)


def _is_replaced(context: Context, seen: str) -> bool:
    """Return whether a title is that of a later edition, at an address that names no period."""
    is_later = read_title(seen).is_later_than(read_title(context.title))
    return is_later and not names_a_period(as_words(urlsplit(context.url).path))


def _doubt_title(context: Context, seen: str, likeness: Likeness, text: str) -> str:
    """Return why a title proves nothing, or ""."""
    title, others, is_new = context.title, context.similar_titles, context.known.was_missing
    undated = without_days_since(seen, context.known.slot, title)
    is_of_other_period = names_other_period(title, undated)
    if likeness is Likeness.UNDATED:
        is_undated = lacks_period(title, seen, text[:_MOST_TEXT], is_new=is_new)
        return WITHOUT_PERIOD if is_undated or is_of_other_period else ""
    if likeness is Likeness.SAME or is_variant(title, seen, others, is_new=is_new):
        return ""
    # Another title counts only if the announcement redirects here.
    is_of_another = is_of_other_period or is_title_of_another(title, seen, others)
    if context.is_led_to and not is_of_another:
        return ""
    return ANOTHER_TITLE if is_new else NOT_ITS_TITLE


def names_release(title: str, text: str) -> bool:
    """Return whether a text has the words and the period of a title in any order."""
    ours, text = read_title(title), text[:_MOST_TEXT]
    words = set(slug(text, _MOST_TEXT).split("-"))
    return bool(ours.words) and set(ours.words) <= words and ours.period <= set(period_of(text))


class Likeness(StrEnum):
    """How a title is like the release's."""

    SAME = "same"
    UNDATED = "undated"
    OTHER_EDITION = "other_edition"
    DIFFERENT = "different"


def compare_titles(title: str, seen: str, similar_titles: Iterable[str] = ()) -> Likeness:
    """Compare the release's title with one in an answer.

    Of the same series, `OTHER_EDITION` has another period, `UNDATED` none or a less precise one.
    `DIFFERENT` is also a title no nearer to ours than to one of `similar_titles`.
    """
    wanted, shown = read_title(title), read_title(seen)
    likeness = Likeness.UNDATED
    if wanted.period and title_matches(title, seen):
        likeness = Likeness.SAME
    elif not is_same_series(wanted, shown):
        return Likeness.DIFFERENT
    elif are_other_editions(wanted, shown):
        return Likeness.OTHER_EDITION
    is_nearest = all(is_nearer(title, other, seen) for other in similar_titles)
    return likeness if is_nearest else Likeness.DIFFERENT


def is_title_of_another(title: str, seen: str, similar_titles: Iterable[str]) -> bool:
    """Return whether a title matches another release's, and is nearer to that than to ours."""
    return any(
        title_matches(other, seen) and is_nearer(other, title, seen) for other in similar_titles
    )


def is_variant(title: str, seen: str, similar_titles: Sequence[str], *, is_new: bool) -> bool:
    """Return whether a title may be that of the release at its own address, although it differs.

    It has a wrong letter, or is as near to another release's. Or one of the two names a stage such
    as "provisional", and no other release differs in that. Then the page must be new (`is_new`),
    because it may be an earlier stage.
    """
    if is_title_of_another(title, seen, similar_titles):
        return False
    own, shown = read_title(title), read_title(seen)
    if title_matches(title, seen) or is_misspelt(own, shown):
        return True
    is_only_edition = not any(differ_in_stage(own, read_title(each)) for each in similar_titles)
    return is_new and is_only_edition and has_one_stage_more(own, shown)


def is_title_among(context: Context, texts: Iterable[str]) -> bool:
    """Return whether one of these texts is the release's title with its period."""
    return any(
        compare_titles(context.title, text, context.similar_titles) is Likeness.SAME
        for text in texts
    )


def names_earlier_edition(title: str, seen: str) -> bool:
    """Return whether a text is the title of an earlier edition.

    A later period may be the day on which the content was prepared.
    """
    if compare_titles(title, seen) is not Likeness.OTHER_EDITION:
        return False
    return read_title(title).is_later_than(read_title(seen))
