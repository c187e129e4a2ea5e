"""One announcement made ready for joining: everything that is compared, computed once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from schedules.address import canonical
from schedules.announcement import Announcement
from schedules.called_off import CALLED_OFF, read_called_off
from schedules.patterns import quick
from schedules.slot_relations import first_day, last_day
from schedules.titles import Title, read_title

Key = tuple[str, str]
Rank = tuple[int, str, str, str, str]

# Entries without an id of their own are keyed by a hash, which is no name for people.
_HASH = quick(r"[0-9a-f]{16,}")
_UNTITLED = read_title("")


@dataclass(frozen=True, slots=True)
class Joinable:
    """An announcement of a calendar. `rank` orders entries: calendar first, then what they say.

    `links` are the canonical forms of its addresses, `days` the first and last local day of its slot.
    `given_id` is the id a person gave it, `pin` the id configuration pins it to; `alone`: never joined.
    """

    key: Key
    rank: Rank
    announcement: Announcement
    links: tuple[str, ...]
    title: Title
    days: tuple[date, date] | None
    given_id: str = ""
    pin: str | None = None
    alone: bool = False

    @property
    def calendar(self) -> str:
        """Return the calendar that shows the entry."""
        return self.key[0]

    @classmethod
    def alone_of(cls, calendar: str, order: int, announcement: Announcement, *, is_explicit: bool = False) -> Joinable:
        """Make an announcement ready that is compared with no other."""
        if announcement.state in CALLED_OFF:
            # Its release keeps the title that it had before.
            announcement = replace(announcement, title=read_called_off(announcement.title)[0])
        first = first_day(announcement.slot)
        return cls(
            key=(calendar, announcement.uid),
            rank=(order, str(first or ""), announcement.title, announcement.url, announcement.uid),
            announcement=announcement,
            links=(),
            title=_UNTITLED,
            days=None,
            given_id=announcement.uid if is_explicit and not _HASH.fullmatch(announcement.uid) else "",
        )

    @classmethod
    def of(cls, calendar: str, order: int, announcement: Announcement, *, is_explicit: bool = False) -> Joinable:
        """Make an announcement of the calendar that stands `order`-th ready for joining."""
        links = (canonical(url) for url in (announcement.url, announcement.link) if url)
        first, last = first_day(announcement.slot), last_day(announcement.slot)
        alone = cls.alone_of(calendar, order, announcement, is_explicit=is_explicit)
        return replace(
            alone,
            links=tuple(dict.fromkeys(link for link in links if link)),
            title=read_title(alone.announcement.title),
            days=None if first is None or last is None else (first, last),
        )
