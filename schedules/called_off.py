"""Finds in a title that its release is called off: "CANCELLED: …", "… (postponed to May)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from schedules.announcement import State
from schedules.dates.status import CALLS, INSTEAD, Status, find_call_off
from schedules.dates.words import normalise
from schedules.patterns import quick
from schedules.titles import MONTH

CALLED_OFF = (State.CANCELLED, State.POSTPONED)
# Dashes, points and brackets, and any other sign that no name of a series has inside
_SEPARATOR = quick(
    r"\b_|_\b|[^\w\s',.;:&/+%$\u00a3\u20ac\u2018\u2019-]|:"
    r"|(?<!\w)['\u2018\u2019]|['\u2018\u2019](?!\w)|(?:^|(?<= ))--?|--?(?= |$)|[,;./](?= |$)"
)
_KINDS = {
    **dict.fromkeys("([{<", "("),
    **dict.fromkeys(")]}>", ")"),
    **dict.fromkeys(("-", "--", "\u2013", "\u2014", "\u2026"), "-"),
    **dict.fromkeys(",/", ","),
    **dict.fromkeys(";.", "."),
    ":": ":",
}
"""The kind of each separator. Every other sign is a mark, "*"."""
_CLOSING = dict(zip("([{<", ")]}>", strict=True))
_PAUSES = ("-", ":", ".")
_LONGEST = 500
_JOINTS = " -\u2013\u2014\u2026:,;./|*~!"
# Such words say that something is wrong, but not what.
_WITHOUT_STATE = (
    rf"(?:not (?:yet |now )?(?:being )?(?:published|publishing|released)|{INSTEAD}|pulled|removed"
    r"|under review|declined|tentative(?:ly)?|hold|no (?:release|publication)|do not use"
    r"|duplicate|deleted?|void|draft"
    r"|test(?: (?:entry|event|only))?|(?:please )?ignore"
    r"|(?:pulled|removed) from (?:the |this )?(?:calendar|schedule|list|programme)"
    r"|(?:date )?tbc|(?:publication |release )?date to be [a-z]{1,12}|now (?:due )?(?:on |in )?"
    rf"(?=\d|(?:{MONTH})\b))"
)
_SAYS_NO_STATE = quick(
    rf"{_WITHOUT_STATE}(?:$|(?<= )| (?=(?:by|this|in|on|see|from|to be|until)\b| ?\d))"
)
# Any other word, such as "delayed", may name what the statistics are about, unless it has a subject
# or a reason.
_SURE = quick(
    r"cancell?ed|postponed|withdrawn|discontinued|on hold|no longer .*|(?:will )?not .*"
    r"|canslwyd|gohiriwyd|wedi(?:'?i| ei) .*"
)
_SPAN = r"(?:an?|one|two|three|\d\d?) (?:day|week|month)"
_TIME = rf"\d|\b(?:{MONTH}|spring|summer|autumn|winter|week|month|quarter|year|notice|later)\b"
# "Moved to London", "cancelled by hospital"
_NAMES_NO_TIME = quick(rf" (?:until|till|to) (?!.{{0,60}}(?:{_TIME}))")
_NAMES_WHO = quick(rf" by (?!{_SPAN})")
_REASON = quick(
    r"(?:see|note|due|owing|because|until|pending|following|new|was|will|the|figures)\b"
)
# "CANCELLED: The state of …" begins with a title.
_REASON_WITHOUT_TITLE = quick(
    r"(?:see|note|due|owing|because|until|pending|following|(?:the )?new (?:release |publication )?"
    r"date)\b"
)
_SHOUTED = (
    "CANCELL?ED|POSTPONED|WITHDRAWN|DISCONTINUED|ON HOLD|SUSPENDED|DELAYED|DEFERRED|PAUSED"
    "|RESCHEDULED|SLIPPED"
)
_DAY = rf"(?:[a-z]{{3,9}} )?\d{{1,2}}(?:st|nd|rd|th)? {MONTH}(?: \d{{4}})?"
_UNTIL = (
    rf"until further notice|indefinitely|(?:until|till|to) (?:a later date|{_DAY})|by {_SPAN}s?"
)
# In a title without marks, a verb, capitals or a known end show that it is called off.
_UNMARKED = (
    quick(
        r"\b(?:(?:this |the )?(?:release|publication)(?: has been| is)?|has been|is)(?: now)?"
        rf" (?:{_SHOUTED})(?: (?:{_UNTIL}))?[.!]?$",
        re.IGNORECASE,
    ),
    quick(rf"\b(?:{_SHOUTED}) (?:{_UNTIL})[.!]?$", re.IGNORECASE),
    quick(rf"(?<=\b20\d\d) (?:{_SHOUTED})[.!]?$", re.IGNORECASE),
    quick(rf"\b(?:{_SHOUTED})\b"),
)
# Any title of ASCII characters that says so has one of these in it, in lower case and with single
# blanks. Most titles have none, and splitting them into pieces takes much longer.
_WORD_OF_ANY = quick(rf"(?<![a-z0-9])(?:event)?(?:{CALLS}|{_WITHOUT_STATE}|{_SHOUTED.lower()})")
_CROSS = quick(r"^\s*[\u274c\u274e\u26d4\u2715-\u2718\U0001f6ab]\ufe0f?\s*")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a title, which ends at `ends`. The separator before it begins at `begins`.

    `before` and `after` are the kinds of the separators beside it, "" at an end of the title.
    `is_last`: nothing follows but reasons, which `has_reasons` says.
    """

    text: str
    begins: int
    ends: int
    before: str
    after: str
    is_first: bool
    is_last: bool
    has_reasons: bool

    @property
    def is_enclosed(self) -> bool:
        """Whether it begins what is in brackets or between marks, and is not in a list."""
        return self.before in ("(", "*") and (self.is_last or self.after not in (",", "("))

    @property
    def is_apart(self) -> bool:
        """Whether its separators show that it is not part of the name of a series."""
        if self.is_enclosed:
            return True
        if self.is_first:
            return self.after in (":", "-", "*")
        return self.before == "-" and (self.is_last or self.after == "-")


@lru_cache(maxsize=10_000)
def read_called_off(title: str) -> tuple[str, Status]:
    """Return a title without "cancelled" or "postponed", and the status that this names.

    The status is empty if the title names none. It is not understood if a word such as "(delayed)"
    has no reason, or if a cross before the title has no word. The rest is empty if the title says
    nothing else. Titles of more than `_LONGEST` characters are not read.
    """
    if len(title) > _LONGEST:
        return title, Status()
    if title.isascii() and not _WORD_OF_ANY.search(_join_words(title)):
        return title, Status()
    if cross := _CROSS.match(title):
        rest, crossed = read_called_off(title[cross.end() :])
        if crossed == Status():
            crossed = Status(is_understood=False)
        return rest, crossed
    for piece in _split_title(title):
        status = _read_piece(title, piece)
        if status is not None:
            return _remove_piece(title, piece), status
    for form in _UNMARKED:
        found = form.search(title)
        rest = ""
        if found:
            rest = _join_pieces(title[: found.start()], title[found.end() :])
        is_shouted = form is _UNMARKED[-1]
        if found and (any(map(str.islower, rest)) or not is_shouted):
            call = find_call_off(found[0])
            is_sure = call and (call.has_subject or call.reason or _SURE.fullmatch(call.word))
            return rest, Status(call.state) if call and is_sure else Status(is_understood=False)
    return title, Status()


def _join_words(title: str) -> str:
    """Return a title in lower case with single blanks, also in place of an underscore."""
    return " ".join(title.lower().replace("_", " ").split())


def _split_title(title: str) -> Iterator[_Piece]:
    cuts = [*_SEPARATOR.finditer(title)]
    begins = [0, *(cut.end() for cut in cuts)]
    ends = [*(cut.start() for cut in cuts), len(title)]
    kinds = ["", *(_KINDS.get(cut[0], "*") for cut in cuts), ""]
    texts = [title[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]
    for place, text in enumerate(texts):
        later = [other for other in texts[place + 1 :] if other]
        is_first = not any(texts[:place])
        reason = _REASON_WITHOUT_TITLE if is_first else _REASON
        is_last = all(reason.match(other.lower()) for other in later)
        yield _Piece(
            text,
            0 if place == 0 else ends[place - 1],
            begins[place] + len(title[begins[place] : ends[place]].rstrip()),
            kinds[place],
            kinds[place + 1],
            is_first=is_first,
            is_last=is_last,
            has_reasons=is_last and bool(later),
        )


def _read_piece(title: str, piece: _Piece) -> Status | None:
    """Return the status that a piece of a title names. None if it names none or may belong to the
    name of the series.
    """
    plain = normalise(piece.text)
    call = find_call_off(plain)
    if call is not None and not call.has_subject and _NAMES_WHO.match(call.reason):
        return None
    is_whole = piece.is_first and piece.is_last
    is_explained = piece.has_reasons or (piece.is_enclosed and piece.after in _PAUSES)
    has_reason = is_explained and call is not None
    if call is not None and not _NAMES_NO_TIME.match(call.reason):
        has_reason = is_explained or call.has_subject or call.reason != ""
    if not (piece.is_apart or is_whole or has_reason or _is_at_end(title, piece)):
        return None
    if call is None:
        return Status(is_understood=False) if _SAYS_NO_STATE.match(plain) else None
    is_sure = has_reason or (piece.is_first and piece.is_apart and not is_whole)
    if _SURE.fullmatch(call.word) and not is_whole:
        is_sure = is_sure or piece.is_apart or _follows_number(title, piece)
    elif call.word == "moved" and not (has_reason or is_sure):
        return None
    return Status(call.state) if is_sure else Status(is_understood=False)


def _is_at_end(title: str, piece: _Piece) -> bool:
    """Return whether a piece at either end of a title is parted from the rest by a point, or at the
    right end by a colon or comma, and is not in a list.
    """
    if piece.is_first:
        return piece.after == "."
    is_listed = piece.before == "," and title.count(",") > 1 and not _follows_number(title, piece)
    return piece.is_last and piece.before in (":", ",", ".") and not is_listed


def _follows_number(title: str, piece: _Piece) -> bool:
    return title[: piece.begins].rstrip()[-1:].isdigit()


def _remove_piece(title: str, piece: _Piece) -> str:
    """Return a title without a piece, its separators and the reasons after it."""
    ends = piece.ends
    if piece.is_last:
        ends = len(title)
    elif piece.before == "(":
        closing = title.find(_CLOSING[title[piece.begins]], ends)
        ends = closing + 1 if closing >= 0 else len(title)
    elif piece.is_first or piece.before == piece.after == "*":
        ends += 1
    return _join_pieces(title[: piece.begins], title[ends:])


def _join_pieces(left: str, right: str) -> str:
    left = left.rstrip(f"{_JOINTS}([{{<")
    if left:
        return f"{left}{right}".strip()
    return right.strip(_JOINTS)
