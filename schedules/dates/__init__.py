"""Date texts as producers write them → slots with honest precision, or a clear refusal; never a guess.

The grammar is small, ordered and reads whole texts only: what is left over refuses the text.
Source: `facts/calendars.md` §4.3.
"""

from __future__ import annotations

from schedules.dates.read import DateText, assume_time, read_date, with_time
from schedules.dates.span import at_instant, at_wall, no_slot, on_days
from schedules.dates.status import state_of, status_word

__all__ = [
    "DateText",
    "assume_time",
    "at_instant",
    "at_wall",
    "no_slot",
    "on_days",
    "read_date",
    "state_of",
    "status_word",
    "with_time",
]
