"""Predicts the address of the next edition of a series: the old address with its period replaced.

Words are read by the grammar of titles, numbers by that of dates. What can be read or
written in two ways, or belongs to one edition, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise, product
from urllib.parse import urlsplit

from schedules.dates.read import read_date
from schedules.dates.words import ENGLISH_MONTHS
from schedules.patterns import quick
from schedules.slot import Precision
from schedules.titles import period_kind, period_of, read_title

_PIECE = quick(
    r"[a-z]+|(?:19|20)\d\d(?=(?:\d\d){1,2}(?!\d))|(?<=\d{4})\d\d(?=(?:\d\d)?(?!\d))|\d+",
    re.IGNORECASE,
)
_JOINT = quick(r"(?:[-_+./]|%20)?")
_ID = quick(r"(?=.*\d)[0-9a-f]{12,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STEP = quick(r"[/=&?.]")
_LONG_NUMBER = quick(r"\d{4,}")  # a year or an id
_LONGEST = 6  # pieces of one period
_LONGEST_ADDRESS = 500
_SHORT = tuple(name[:3] for name in ENGLISH_MONTHS)
_NTH = ("first", "second", "third", "fourth")
_NAMES = frozenset({"q", "h", "quarter", "half", "week", *_NTH})
_ANCHOR = date(2000, 1, 1)

NewByOld = Mapping[str, str]
"""By each word of the old period (`2019`, `jan`), the new one in its place."""
_Matches = Sequence[re.Match[str]]


@dataclass(frozen=True, slots=True)
class _FoundPeriod:
    """Pieces `begin` to `end` of an address, which name the `period` in its words."""

    begin: int
    end: int
    period: tuple[str, ...]


class _Ambiguous(Exception):
    """The address can be read or written in two ways, or names a period that its title does not."""


def map_period_words(before: str, after: str) -> dict[str, str] | None:
    """Map each word of the period in `before` to that in its place in `after`.

    `Prices, May 2019` and `Prices, June 2020` give `{"may": "jun", "2019": "2020"}`. None unless
    the titles are two editions of one series that write periods alike.
    """
    old, new = period_of(before), period_of(after)
    have_same_kinds = [period_kind(word) for word in old] == [period_kind(word) for word in new]
    is_same_series = read_title(before).words == read_title(after).words
    if old == new or not have_same_kinds or not is_same_series:
        return None
    new_by_old = dict(zip(old, new, strict=True))
    # A word that occurs twice must become the same one.
    is_consistent = all(
        new_by_old[word] == new_word for word, new_word in zip(old, new, strict=True)
    )
    return new_by_old if is_consistent else None


def replace_period(address: str, new_by_old: NewByOld) -> str | None:
    """Return an address with the new period in path and query, None if that is ambiguous.

    None too if it does not name the old period, names another, has an id, a fragment or no host, or
    is very long.
    """
    parts = urlsplit(address)
    site = f"{parts.scheme}://{parts.netloc}"
    path = address.removeprefix(site)
    # A hexadecimal id belongs to one edition.
    has_id = any(map(_ID.fullmatch, _STEP.split(path)))
    has_no_site = path == address
    if has_id or has_no_site or parts.fragment or len(address) > _LONGEST_ADDRESS:
        return None
    try:
        new_path = _rewrite_period(path, new_by_old)
    except _Ambiguous:
        return None
    if new_path == path:
        return None
    return site + new_path


def _rewrite_period(text: str, new_by_old: NewByOld) -> str:
    """Return a text with the new period in place of the old, in the same case and form.

    Raises `_Ambiguous`, also if a part of another period is left.
    """
    matches = list(_PIECE.finditer(text))
    pieces = [match.group().lower() for match in matches]
    result, end = "", 0
    for found in _find_periods(text, matches, pieces, new_by_old):
        new_pieces = _write_pieces(tuple(pieces[found.begin : found.end]), found.period, new_by_old)
        for match, piece in zip(matches[found.begin : found.end], new_pieces, strict=True):
            result += text[end : match.start()] + _match_case(piece, match.group())
            end = match.end()
    return result + text[end:]


def _find_periods(
    text: str, matches: _Matches, pieces: Sequence[str], new_by_old: NewByOld
) -> Iterator[_FoundPeriod]:
    """Yield each place where an address names the old period.

    `pieces` are its words and numbers in lower case, at `matches`. Raises `_Ambiguous` if they can
    be read as two periods, or another may be a part of one.
    """
    # Such as `jan`, `january` and `01`.
    old_spellings = set[str]()
    for old_word in new_by_old:
        old_spellings.update(_forms_of(old_word).values())
    begin = 0
    while begin < len(pieces):
        longest_first = range(min(len(pieces), begin + _LONGEST), begin, -1)
        ends = (end for end in longest_first if _is_unbroken(text, matches, begin, end))
        periods = (_read_period(pieces, begin, end, new_by_old) for end in ends)
        found = next((period for period in periods if period is not None), None)
        if found is not None:
            yield found
            begin = found.end
        elif (
            pieces[begin] in old_spellings
            or period_of(pieces[begin])
            or _LONG_NUMBER.fullmatch(pieces[begin])
        ):
            raise _Ambiguous
        else:
            begin += 1


def _is_unbroken(text: str, matches: _Matches, begin: int, end: int) -> bool:
    """Return whether only separators are between these pieces, and no number is cut."""
    joints = [text[left.end() : right.start()] for left, right in pairwise(matches[begin:end])]
    edges = [
        (matches[place - 1], matches[place]) for place in (begin, end) if 0 < place < len(matches)
    ]
    is_cut = any(
        left.end() == right.start() and (left[0] + right[0]).isdecimal() for left, right in edges
    )
    return not is_cut and all(_JOINT.fullmatch(joint) for joint in joints)


def _read_period(
    pieces: Sequence[str], begin: int, end: int, new_by_old: NewByOld
) -> _FoundPeriod | None:
    """Return the old period if these pieces name it, else None. Raises `_Ambiguous`."""
    readings = [
        period
        for period in _possible_readings(tuple(pieces[begin:end]))
        if set(period) <= new_by_old.keys()
    ]
    if len(readings) > 1:
        raise _Ambiguous
    if readings:
        return _FoundPeriod(begin, end, readings[0])
    return None


@lru_cache(maxsize=4096)
def _possible_readings(pieces: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Return each period that these pieces can name in full, as a tuple of its words."""
    if not all(
        piece.isdecimal() or piece in _NAMES or period_of(piece)
        for piece in (pieces[0], pieces[-1])
    ):
        return frozenset()
    if all(piece.isdecimal() for piece in pieces):
        text = "-".join(pieces)
        title_period, date_period = _read_as_title(text), _read_as_date(text)
        # Titles read any two numbers as two years, even `2017-03`. So only a single word counts: a
        # year or financial year.
        found = [title_period, date_period] if len(title_period) == 1 else [date_period]
    else:
        texts = [_spell_like_title(pieces)]
        if len(pieces[-1]) == 2 and pieces[-1].isdecimal() and pieces[-2].isalpha():
            texts.append(_spell_like_title((*pieces[:-1], f"20{pieces[-1]}")))
        found = [_read_as_title(text) for text in texts]
    return frozenset(period for period in found if period)


def _read_as_title(text: str) -> tuple[str, ...]:
    """Return the words of the period that a text names, () if it names anything else."""
    if read_title(text).words:
        return ()
    return period_of(text)


def _spell_like_title(pieces: Sequence[str]) -> str:
    """Return pieces as a title writes them: `q` and `h` before their number, two
    numbers hyphened.
    """
    text = pieces[0]
    for before, piece in pairwise(pieces):
        joint = " "
        if before in ("q", "h"):
            joint = ""
        elif before.isdecimal() and piece.isdecimal():
            joint = "-"
        text += joint + piece
    return text


def _read_as_date(text: str) -> tuple[str, ...]:
    """Return year, month and day that numbers such as `2017-03` name, or ()."""
    slot = read_date(text, _ANCHOR).slot
    if slot.precision not in (Precision.MONTH, Precision.DAY) or slot.first is None:
        return ()
    day = (f"d{slot.first.day}",) if slot.precision is Precision.DAY else ()
    return (str(slot.first.year), _SHORT[slot.first.month - 1], *day)


def _write_pieces(
    pieces: tuple[str, ...], old_period: tuple[str, ...], new_by_old: NewByOld
) -> tuple[str, ...]:
    """Return the new period as the `pieces` of an address write `old_period`: `apr-2019` for
    `jan-2019`.

    Raises `_Ambiguous` unless exactly one spelling means it.
    """
    new_period = tuple(new_by_old[word] for word in old_period)
    # Such as `apr` for `jan`, combined in every way.
    choices = [_replacements_for(piece, old_period, new_by_old) for piece in pieces]
    spellings = {
        spelling for spelling in product(*choices) if new_period in _possible_readings(spelling)
    }
    if len(spellings) != 1:
        raise _Ambiguous
    return spellings.pop()


def _replacements_for(piece: str, old_period: Sequence[str], new_by_old: NewByOld) -> list[str]:
    """Return the texts that may replace a piece: the same forms of the new word, or itself."""
    replacements: set[str] = set()
    for old_word in old_period:
        new_forms = _forms_of(new_by_old[old_word])
        # Words of one kind have the same forms.
        replacements |= {
            new_forms[form] for form, text in _forms_of(old_word).items() if text == piece
        }
    return sorted(replacements) or [piece]


@lru_cache(maxsize=1024)
def _forms_of(word: str) -> dict[str, str]:
    """Return the texts that addresses write for a word of a period, by their form."""
    kind = period_kind(word)
    if kind == "month":
        number = _SHORT.index(word)
        four = "sept" if word == "sep" else word
        return {
            "full": ENGLISH_MONTHS[number],
            "short": word,
            "four": four,
            "number": f"{number + 1:02d}",
        }
    if kind == "span":
        # `2018/19` is written with 2018 and either 19 or 2019.
        first, last = word.split("/")
        return {"first": first, "last": last, "whole": str(int(first) + 1)}
    if kind == "year":
        return {"long": word, "short": word[2:]}
    if kind == "season":
        return {"name": word}
    number = int(word[1:])
    if kind in ("q", "h"):
        return {"plain": str(number), "word": _NTH[number - 1]}
    return {"plain": str(number), "padded": f"{number:02d}"}


def _match_case(text: str, like: str) -> str:
    """Return a text in upper case, capitalised or unchanged, as `like` is."""
    if like.isupper():
        return text.upper()
    if like[:1].isupper():
        return text.capitalize()
    return text
