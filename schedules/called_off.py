"""Titles that say that the release is cancelled or postponed: "CANCELLED: …", "Postponed - …", "… (cancelled)"."""

from __future__ import annotations

import re

from schedules.announcement import State
from schedules.dates import state_of, status_word
from schedules.patterns import quick

_LEAD = quick(
    r"^\s*[(\[]?(?P<word>[a-z]{3,14})[)\]]?(?:\s*[:\u2013\u2014]\s*|\s+-\s+|(?<=[)\]])\s+)(?=\S)", re.IGNORECASE
)
# In brackets no other word may follow: "(cancelled operations)" is the subject of the statistics.
_BRACKETS = quick(
    r" ?[(\[](?:now |release )?(?P<word>cancell?ed|postponed)"
    r"(?:(?: ?[-\u2013\u2014,:;]| (?:until|to|from|by|due|see)\b)[^()\[\]]{0,100})?[)\]]",
    re.IGNORECASE,
)
CALLED_OFF = (State.CANCELLED, State.POSTPONED)


def read_called_off(title: str) -> tuple[str, State | None]:
    """Return a title without "cancelled" or "postponed", and that state. The state is None if it says neither."""
    state = leading_state(title)
    if state in CALLED_OFF:
        return _LEAD.sub("", title, count=1), state
    found = _BRACKETS.search(title)
    rest = _BRACKETS.sub("", title).strip() if found else ""
    return (rest, state_of(status_word(found["word"].lower()))) if found and rest else (title, None)


def leading_state(title: str) -> State | None:
    """Return the state named by the first word of a title, if a colon, a dash or brackets separate it. Else None."""
    found = _LEAD.match(title)
    return state_of(status_word(found["word"].lower())) if found else None
