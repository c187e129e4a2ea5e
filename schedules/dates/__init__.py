"""Reads date texts of producers as slots with the precision that they state. It refuses a text rather than guess.

The grammar is a short ordered list of forms. A form must match the whole text. Source: `facts/calendars.md` §4.3.
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
