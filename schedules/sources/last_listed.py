"""What the last read of a calendar listed: only to know which entries to look up one by one in the next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from schedules.announcement import Announcement
from schedules.slot import Slot
from schedules.slot_relations import first_day

MOST_LOOK_UPS = 60  # in one read
FORGET = timedelta(days=21)  # after the slot


class LastListed:
    """The announcements last read, by uid, without those long past.

    `asked` tells whether this read has looked entries up already: a look-up that fails leaves no answer behind, and
    would be asked for again without end.
    """

    def __init__(self) -> None:
        self.known: dict[str, Announcement] = {}
        self.asked = False

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Take announcements known from earlier, as they stand in a store."""
        self.known |= {announcement.uid: announcement for announcement in announcements}

    def kept(self) -> tuple[dict[str, Announcement], bool]:
        """Return all of this as plain facts."""
        return self.known, self.asked

    def take(self, kept: tuple[dict[str, Announcement], bool]) -> None:
        """Take what `kept` returned."""
        self.known, self.asked = kept

    def unlisted(self, listed: Collection[str], now: datetime) -> list[str]:
        """Return the uids that the calendar no longer lists though they are neither out nor long past."""
        gone = (
            uid
            for uid, known in self.known.items()
            if uid not in listed and not known.published and not _is_long_past(known.slot, now)
        )
        return sorted(gone)[:MOST_LOOK_UPS]

    def keep(self, made: Mapping[str, Announcement], now: datetime, resolved: Collection[str] = ()) -> None:
        """Take a finished read; `resolved` are uids that were looked up and are gone for good."""
        known = {uid: each for uid, each in self.known.items() if uid not in resolved} | dict(made)
        self.known = {uid: each for uid, each in known.items() if not _is_long_past(each.slot, now)}


def _is_long_past(slot: Slot, now: datetime) -> bool:
    day = slot.last or first_day(slot)
    return day is not None and day < (now - FORGET).date()
