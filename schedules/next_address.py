"""The address of one edition of a series turned into that of another: its period replaced, where that is plain.

Periods are read by the grammar of titles, numbers by that of dates. What can be read or written in two ways, names a
period that the edition does not, or holds an id that nobody can foretell, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise, product
from urllib.parse import urlsplit

from schedules.dates import read_date
from schedules.dates.words import ENGLISH_MONTHS
from schedules.patterns import quick
from schedules.slot import Precision
from schedules.titles import period_of, read_title

_PIECE = quick(r"[a-z]+|(?:19|20)\d\d(?=(?:\d\d){1,2}(?!\d))|(?<=\d{4})\d\d(?=(?:\d\d)?(?!\d))|\d+", re.IGNORECASE)
_JOINT = quick(r"(?:[-_+./]|%20)?")
_ID = quick(r"(?=.*\d)[0-9a-f]{12,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STEP = quick(r"[/=&?.]")
_LONGEST = 6
_LONGEST_ADDRESS = 500
_LEAST_ID = 4
_SHORT = tuple(name[:3] for name in ENGLISH_MONTHS)
_NTH = ("first", "second", "third", "fourth")
_NAMES = frozenset({"q", "h", "quarter", "half", "week", *_NTH})
_ANCHOR = date(2000, 1, 1)

Pairs = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Window:
    """Pieces of an address that together name a period: from which up to which, and as what they are read."""

    begin: int
    end: int
    tokens: tuple[str, ...]


class _Unplain(Exception):
    """The address can be read or written in two ways, or says something that its edition does not."""


def replaced(before: str, after: str) -> dict[str, str] | None:
    """Return what stands in the title `after` for each word of the period in `before`.

    None when these are not two editions of one series, told apart by periods of one shape.
    """
    old, new = period_of(before), period_of(after)
    if [_kind(each) for each in old] != [_kind(each) for each in new] or old == new:
        return None
    pairs = dict(zip(old, new, strict=True))
    is_plain = all(pairs[one] == other for one, other in zip(old, new, strict=True))
    return pairs if is_plain and read_title(before).words == read_title(after).words else None


def renewed(address: str, pairs: Pairs) -> str | None:
    """Return an address with the period in its path and query replaced by `pairs`; None where that is not plain.

    It is not where nothing is replaced, a period is named that the pairs do not hold, or an id stands.
    """
    parts = urlsplit(address)
    head = f"{parts.scheme}://{parts.netloc}"
    rest = address.removeprefix(head)
    if rest == address or parts.fragment or len(address) > _LONGEST_ADDRESS or _has_id(rest):
        return None
    try:
        made = _rewritten(rest, pairs)
    except _Unplain:
        return None
    return None if made == rest else head + made


def _rewritten(text: str, pairs: Pairs) -> str:
    found = list(_PIECE.finditer(text))
    pieces = [match.group().lower() for match in found]
    made, end = "", 0
    for window in _windows(text, found, pieces, pairs):
        written = _written(tuple(pieces[window.begin : window.end]), window.tokens, pairs)
        for match, piece in zip(found[window.begin : window.end], written, strict=True):
            made += text[end : match.start()] + _cased(piece, match.group())
            end = match.end()
    return made + text[end:]


def _windows(text: str, found: Sequence[re.Match[str]], pieces: Sequence[str], pairs: Pairs) -> Iterator[_Window]:
    """Yield the windows that hold the period, the longest at each place."""
    numbers = {form for token in pairs for form in _forms(token).values()}
    at = 0
    while at < len(pieces):
        ends = range(min(len(pieces), at + _LONGEST), at, -1)
        whole = (end for end in ends if _is_whole(text, found, at, end))
        window = next((read for end in whole if (read := _read(pieces, at, end, pairs))), None)
        if window is not None:
            yield window
        elif pieces[at] in numbers or _is_doubtful(pieces[at]):
            raise _Unplain
        at = at + 1 if window is None else window.end


def _is_whole(text: str, found: Sequence[re.Match[str]], begin: int, end: int) -> bool:
    """Tell whether pieces stand together, and cut no number in two."""
    joints = [text[one.end() : other.start()] for one, other in pairwise(found[begin:end])]
    edges = [(found[place - 1], found[place]) for place in (begin, end) if 0 < place < len(found)]
    is_cut = any(one.end() == other.start() and (one[0] + other[0]).isdecimal() for one, other in edges)
    return not is_cut and all(_JOINT.fullmatch(joint) for joint in joints)


def _read(pieces: Sequence[str], begin: int, end: int, pairs: Pairs) -> _Window | None:
    fitting = [tokens for tokens in _readings(tuple(pieces[begin:end])) if set(tokens) <= pairs.keys()]
    if len(fitting) > 1:
        raise _Unplain
    return _Window(begin, end, fitting[0]) if fitting else None


@lru_cache(maxsize=4096)
def _readings(pieces: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Return every way in which pieces name a period and nothing else."""
    if not all(piece.isdecimal() or piece in _NAMES or period_of(piece) for piece in (pieces[0], pieces[-1])):
        return frozenset()
    if all(piece.isdecimal() for piece in pieces):
        text = "-".join(pieces)
        # The grammar of titles takes any two numbers for years from one to the other.
        years = [tokens for tokens in [_titled(text)] if len(tokens) == 1]
        return frozenset({*years, _dated(text)} - {()})
    texts = [_spelt(pieces)]
    if len(pieces[-1]) == 2 and pieces[-1].isdecimal() and pieces[-2].isalpha():
        texts.append(_spelt((*pieces[:-1], f"20{pieces[-1]}")))
    return frozenset({_titled(text) for text in texts} - {()})


def _titled(text: str) -> tuple[str, ...]:
    return () if read_title(text).words else period_of(text)


def _spelt(pieces: Sequence[str]) -> str:
    """Return pieces as a title would have them: `q` and `h` at their number, two numbers with a hyphen."""
    text = pieces[0]
    for one, other in pairwise(pieces):
        joint = "" if one in ("q", "h") else "-" if one.isdecimal() and other.isdecimal() else " "
        text += joint + other
    return text


def _dated(text: str) -> tuple[str, ...]:
    """Return the year, month and day that numbers name: `2017-03`, `2017-03-15`."""
    slot = read_date(text, _ANCHOR).slot
    if slot.precision not in (Precision.MONTH, Precision.DAY) or slot.first is None:
        return ()
    day = (f"d{slot.first.day}",) if slot.precision is Precision.DAY else ()
    return (str(slot.first.year), _SHORT[slot.first.month - 1], *day)


def _is_doubtful(piece: str) -> bool:
    """Tell whether a piece that nobody could place names some period, or is a number that may be anything."""
    return bool(period_of(piece)) or (piece.isdecimal() and len(piece) >= _LEAST_ID)


def _has_id(text: str) -> bool:
    return any(_ID.fullmatch(step) for step in _STEP.split(text))


def _written(pieces: tuple[str, ...], tokens: tuple[str, ...], pairs: Pairs) -> tuple[str, ...]:
    """Return pieces with their tokens replaced; there must be one way to write them that reads as meant."""
    wanted = tuple(pairs[token] for token in tokens)
    options = [_options(piece, tokens, pairs) for piece in pieces]
    made = {written for written in product(*options) if wanted in _readings(written)}
    if len(made) != 1:
        raise _Unplain
    return made.pop()


def _options(piece: str, tokens: Sequence[str], pairs: Pairs) -> list[str]:
    found = {
        _forms(pairs[token]).get(form, "") for token in tokens for form, text in _forms(token).items() if text == piece
    }
    return sorted(found) or [piece]


@lru_cache(maxsize=1024)
def _forms(word: str) -> dict[str, str]:
    """Return every form in which addresses write one word of a period, or a piece of it."""
    kind = _kind(word)
    if kind == "month":
        number = _SHORT.index(word)
        four = "sept" if word == "sep" else word
        return {"full": ENGLISH_MONTHS[number], "short": word, "four": four, "number": f"{number + 1:02d}"}
    if kind == "years":
        first, last = word.split("/")
        return {"first": first, "last": last, "whole": str(int(first) + 1)}
    if kind == "year":
        return {"long": word, "short": word[2:]}
    if kind == "season":
        return {"name": word}
    number = int(word[1:])
    numbers = {"plain": str(number), "padded": f"{number:02d}"}
    return {"plain": str(number), "word": _NTH[number - 1]} if kind in ("q", "h") else numbers


def _kind(token: str) -> str:
    if token[0].isdecimal():
        return "years" if "/" in token else "year"
    if token[1:].isdecimal():
        return token[0]
    return "month" if token in _SHORT else "season"


def _cased(text: str, like: str) -> str:
    if like.isupper():
        return text.upper()
    return text.capitalize() if like[:1].isupper() else text
