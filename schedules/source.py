"""The seam to calendars: what to ask for, and how to read it. Pure: `monitor` does the asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from schedules.announcement import Announcement


@dataclass(frozen=True, slots=True)
class Ask:
    """One GET that a source wants made. `optional`: a failure of this one does not spoil the read."""

    url: str
    accept: str = "*/*"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one `Ask`: status, headers in lower case and the decoded body."""

    url: str
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one read of a calendar gave.

    `notes` are remarks for people (unknown columns, entries left out and why). `lists_overdue` is False
    for a calendar that drops entries when their day has passed, so that absence says even less.
    """

    announcements: tuple[Announcement, ...]
    notes: tuple[str, ...] = ()
    lists_overdue: bool = True


class UnreadableCalendar(Exception):
    """The bytes are not a calendar of this kind. `str(fault)` gives place and reason, in one line."""


class CalendarSource(Protocol):
    """A kind of calendar. A read is `first`, then `more` until it asks for nothing, then `read`."""

    def first(self, now: datetime) -> Sequence[Ask]:
        """Return what to ask for to begin a read."""

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[Ask]:
        """Return what else to ask for, given everything answered so far; empty when complete."""

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn the answers into announcements. Raises `UnreadableCalendar`."""
