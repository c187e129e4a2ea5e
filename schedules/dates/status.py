"""Status words around a date ("provisional", "was 16 July")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedules.announcement import State
from schedules.patterns import quick

_WORDS = {
    "provisional": r"provisional(?:ly)?(?: date)?|tentative(?:ly)?|estimated|dros dro",
    "confirmed": r"(?:date )?confirmed|wedi'?i gadarnhau",
    "tbc": (
        r"(?:(?:exact |new )?(?:date|time|day)s? )?(?:(?:is |are )?(?:still )?(?:to be|tbc|tba|tbd)"
        r"(?: (?:confirmed|announced|decided|determined|agreed))?|not yet"
        r" (?:confirmed|announced|known))|i'w gadarnhau"
    ),
    "cancelled": r"cancell?ed|cancelation|cancellation|discontinued",
    "postponed": r"postponed|delayed|rescheduled|deferred",
}
_STATUS = "|".join(f"(?P<{name}>{words})" for name, words in _WORDS.items())
_WHOLE = quick(rf"(?:{_STATUS})(?: (?:date|release))?")
_BRACKETS = quick(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_WAS = quick(
    r"(?:was|previously|originally|formerly|moved from|changed from)(?: scheduled| planned| due)?:?"
    r" (?:for )?(.+)"
)
_DASH = quick(r"^(?P<left>.+?) ?(?: - |, |; |: )(?P<right>[^,;:]+)$")
_STATUS_FIRST = quick(
    r"^(?P<status>[a-z' ]+?)(?: ?[:-] ?| (?:to |until |till )?)(?=[0-9a-z])(?P<rest>.+)$"
)
_INTRODUCTION = quick(
    r"^(?:(?:date|release date|publication date|date of (?:release|publication)|to be"
    r" (?:published|released)|"
    r"(?:will be )?(?:published|released)|publication|expected|due|planned|scheduled(?:"
    r" for)?|cyhoeddir|"
    r"approx(?:imately)?|circa)"
    r"(?: (?:on|in))?(?: ?[:-] ?| ))+"
)

_STATES = {
    "provisional": State.PROVISIONAL,
    "tbc": State.PROVISIONAL,
    "confirmed": State.CONFIRMED,
    "cancelled": State.CANCELLED,
    "postponed": State.POSTPONED,
}


@dataclass(frozen=True, slots=True)
class StrippedText:
    """A date text without its status words, their `status` (a name in `_STATES`), and the text of
    an earlier date.
    """

    rest: str
    status: str | None = None
    previous: str | None = None


def status_word(text: str) -> str | None:
    """Return the status if a normalised text is only a status word, else None."""
    match = _WHOLE.fullmatch(text.strip(" .,;:-"))
    return match.lastgroup if match else None


def state_of(status: str | None) -> State | None:
    """Return the state that a status word means, None for None."""
    return None if status is None else _STATES[status]


def strip_status(text: str) -> StrippedText:
    """Split a normalised date text into the date, its status, and the earlier date that brackets
    give.

    "provisional: 9 may (was 2 may)" becomes the date "9 may", the status "provisional" and the
    earlier date "2 may".
    """
    status_in_brackets: str | None = None
    previous: str | None = None

    def take_brackets(match: re.Match[str]) -> str:
        """Store the status or the earlier date in these brackets.

        Return the text that replaces the brackets.
        """
        nonlocal status_in_brackets, previous
        inner = (match[1] or match[2] or "").strip()  # round or square brackets
        was = _WAS.fullmatch(inner)
        if was:
            previous = was[1]
            return " "
        # "(provisional, subject to change)" is provisional.
        found = status_word(inner) or status_word(inner.partition(",")[0])
        status_in_brackets = found or status_in_brackets  # the last one counts
        return " " if found else f" {inner} "

    rest = " ".join(_BRACKETS.sub(take_brackets, text).split())
    rest, status_at_end = _strip_trailing_status(rest)
    match = _STATUS_FIRST.match(rest)
    status_at_start = status_word(match["status"]) if match else None
    rest = match["rest"] if match and status_at_start else rest
    date_text = _INTRODUCTION.sub("", rest)  # without words such as "expected on"
    return StrippedText(date_text, status_in_brackets or status_at_end or status_at_start, previous)


def _strip_trailing_status(text: str) -> tuple[str, str | None]:
    """Return a text without a status word at its end, and that word, None if there is none."""
    match = _DASH.match(text)
    word = status_word(match["right"]) if match else None
    if match and word:
        return match["left"], word
    head, _, tail = text.rpartition(" ")
    word = status_word(tail) if head else None
    return (head.rstrip(" -,;:"), word) if word else (text, None)
