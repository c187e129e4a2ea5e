"""The interface of calendar sources: what to request, and how to read it.

`monitor` makes the requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from schedules.announcement import Announcement


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One GET that a source needs.

    `optional`: the read can succeed without it. `bust`: no cache may answer it.
    """

    url: str
    accept: str = "*/*"
    optional: bool = False
    bust: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one `PageRequest`: status, headers in lower case and the decoded body."""

    url: str
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of one read of a calendar.

    `notes` are remarks for people (unknown columns, entries left out and why). `lists_overdue` is
    False for a calendar that drops entries when their day has passed. `unread` are uids of earlier
    entries whose own page failed in this read. It neither shows them nor proves that they are no
    longer listed.
    """

    announcements: tuple[Announcement, ...]
    notes: tuple[str, ...] = ()
    lists_overdue: bool = True
    unread: tuple[str, ...] = ()


class UnreadableCalendar(Exception):
    """The bytes are not a calendar of this kind. `str(fault)` gives place and reason, in one
    line.
    """


class CalendarSource(Protocol):
    """A kind of calendar. A read is `first`, then `more` until it returns nothing, then `read`.

    `state` is what it remembers between two steps, of a type of `SourceState`. None: nothing, ever.
    """

    state: Any

    def first(self, now: datetime) -> Sequence[PageRequest]:
        """Return the first requests of a read."""

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[PageRequest]:
        """Return further requests, given all answers so far. Empty: the read is complete."""

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn the answers into announcements. Raises `UnreadableCalendar`."""
