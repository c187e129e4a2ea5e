"""Status words around a date ("provisional", "was 16 July"), and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedules.announcement import State
from schedules.patterns import quick

_WORDS = {
    "provisional": r"provisional(?:ly)?(?: date)?|tentative(?:ly)?|estimated|dros dro",
    "confirmed": r"(?:date )?confirmed|wedi'?i gadarnhau",
    "tbc": r"(?:(?:exact )?(?:date|time|day)s? )?(?:(?:is |are )?(?:still )?(?:to be|tbc|tba|tbd)"
    r"(?: (?:confirmed|announced|decided|determined|agreed))?|not yet (?:confirmed|announced|known))|i'w gadarnhau",
    "cancelled": r"cancell?ed|cancelation|cancellation|discontinued",
    "postponed": r"postponed|delayed|rescheduled|deferred",
}
_STATUS = "|".join(f"(?P<{name}>{words})" for name, words in _WORDS.items())
_WHOLE = quick(rf"(?:{_STATUS})(?: (?:date|release))?")
_BRACKETS = quick(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_WAS = quick(
    r"(?:was|previously|originally|formerly|moved from|changed from)(?: scheduled| planned| due)?:? (?:for )?(.+)"
)
_DASH = quick(r"^(?P<left>.+?) ?(?: - |, |; |: )(?P<right>[^,;:]+)$")
_LEAD = quick(r"^(?P<word>[a-z' ]+?)(?: ?[:-] ?| (?:to |until |till )?)(?=[0-9a-z])(?P<rest>.+)$")
_HARMLESS = quick(
    r"^(?:(?:date|release date|publication date|date of (?:release|publication)|to be (?:published|released)|"
    r"(?:will be )?(?:published|released)|publication|expected|due|planned|scheduled(?: for)?|cyhoeddir|"
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
class Peeled:
    """A date text without its status words; `previous` is the text of the date it had before."""

    rest: str
    status: str | None = None
    previous: str | None = None


def status_word(text: str) -> str | None:
    """Return which status a normalised text states and nothing else; None when it states none."""
    match = _WHOLE.fullmatch(text.strip(" .,;:-"))
    return match.lastgroup if match else None


def state_of(status: str | None) -> State | None:
    """Return the state of an entry whose date carries this status word."""
    return None if status is None else _STATES[status]


def peel(text: str) -> Peeled:
    """Take the status words off a normalised text, in brackets, after a dash or before the date."""
    status: str | None = None
    previous: str | None = None

    def unwrap(match: re.Match[str]) -> str:
        nonlocal status, previous
        inner = (match[1] or match[2] or "").strip()
        was = _WAS.fullmatch(inner)
        if was:
            previous = was[1]
            return " "
        word = status_word(inner) or status_word(inner.partition(",")[0])
        status = word or status
        return " " if word else f" {inner} "

    rest = " ".join(_BRACKETS.sub(unwrap, text).split())
    rest, word = _trailing(rest)
    rest, lead = _leading(rest)
    return Peeled(_HARMLESS.sub("", rest), status or word or lead, previous)


def _trailing(text: str) -> tuple[str, str | None]:
    match = _DASH.match(text)
    word = status_word(match["right"]) if match else None
    if match and word:
        return match["left"], word
    head, _, tail = text.rpartition(" ")
    word = status_word(tail) if head else None
    return (head.rstrip(" -,;:"), word) if word else (text, None)


def _leading(text: str) -> tuple[str, str | None]:
    match = _LEAD.match(text)
    word = status_word(match["word"]) if match else None
    return (match["rest"], word) if match and word else (text, None)
