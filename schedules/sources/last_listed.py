"""What the last read of a calendar listed, to find entries that the next read must look up one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from schedules.announcement import Announcement
from schedules.slot import Slot, first_day

MOST_LOOK_UPS = 60  # in one read
FORGET = timedelta(days=21)  # after the slot


class RememberingSource:
    """A source that remembers the announcements of its last read (`known`, by uid), without those long past.

    `has_looked_up` is true if this read has looked entries up already. Without it, a look-up that fails would be
    repeated without end, because it leaves no page.
    """

    def __init__(self) -> None:
        self.known: dict[str, Announcement] = {}
        self.has_looked_up = False

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Remember the latest announcements of this calendar in the store."""
        self.known |= {announcement.uid: announcement for announcement in announcements}

    def export_state(self) -> object:
        """Return what it remembers, as a value that can be pickled."""
        return self.known, self.has_looked_up

    def import_state(self, state: Any) -> None:  # noqa: ANN401  # each source has its own type
        """Restore what `export_state` returned, perhaps in another process."""
        self.known, self.has_looked_up = state

    def find_unlisted(self, listed: Collection[str], now: datetime) -> list[str]:
        """Return the first `MOST_LOOK_UPS` uids that are no longer listed, except those published or long past."""
        unlisted = {uid: last for uid, last in self.known.items() if uid not in listed and not last.published}
        return sorted(uid for uid, last in unlisted.items() if not _is_long_past(last.slot, now))[:MOST_LOOK_UPS]

    def record_read(self, made: Mapping[str, Announcement], now: datetime, resolved: Collection[str] = ()) -> None:
        """Remember a finished read. `resolved` are uids that were looked up and no longer exist."""
        known = {uid: each for uid, each in self.known.items() if uid not in resolved} | dict(made)
        self.known = {uid: each for uid, each in known.items() if not _is_long_past(each.slot, now)}


def _is_long_past(slot: Slot, now: datetime) -> bool:
    day = slot.last or first_day(slot)
    return day is not None and day < (now - FORGET).date()
