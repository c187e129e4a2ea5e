"""Is a title that was read that of our edition, of another edition, or of another series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from monitor.look.fetch import Found
from monitor.look.recognise.result import NAMELESS, Context, Recognised, absent, unknown
from monitor.look.sighting import State
from schedules.titles import period_of, read_title, slug, title_matches

ANOTHER_EDITION, ANOTHER_TITLE = "another edition stands there", "another title stands there"
"""Why a page is absent, or proves nothing, though something is answered at its address."""
NOT_ITS_TITLE = "it does not bear the title of this release"
WITHOUT_PERIOD = "its title without its period"
_MOST_TEXT = 20_000


def by_title(
    context: Context, seen: str, found: tuple[Found, ...] = (), version: str | None = None, text: str = ""
) -> Recognised:
    """Return presence under the release's title and period, absence under another edition's; else nothing is proved.

    The period may be missing from the title if `text`, what else the answer says, names it; then presence is not
    specific. Without a release's title any title will do. An announcement vouches for the page it has redirected to.
    """
    if not seen:
        return unknown(NAMELESS, found)
    like = likeness(context.title, seen) if context.title else Likeness.UNDATED
    if like is Likeness.OTHER_EDITION:
        return absent(ANOTHER_EDITION)
    if like is Likeness.DIFFERENT and (context.was_missing or not context.is_led_to):
        return unknown(ANOTHER_TITLE if context.was_missing else NOT_ITS_TITLE, found)
    if like is Likeness.UNDATED and not read_title(context.title).period <= set(period_of(text[:_MOST_TEXT])):
        return unknown(WITHOUT_PERIOD, found)
    return Recognised(State.PRESENT, like is Likeness.SAME, found, version=version)


def names_release(title: str, text: str) -> bool:
    """Return whether a text that is no page, such as JSON, contains the words and the period of a release's title."""
    mine, text = read_title(title), text[:_MOST_TEXT]
    said = set(slug(text, _MOST_TEXT).split("-"))
    return bool(mine.words) and set(mine.words) <= said and mine.period <= set(period_of(text))


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
