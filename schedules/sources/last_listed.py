"""What the last read of a calendar listed, to find entries that the next read must look up one by
one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schedules.announcement import Announcement
from schedules.slot import Slot, last_day
from schedules.sources.govuk_items import ContentItem

MOST_LOOK_UPS = 60  # in one read
FORGET = timedelta(days=21)  # after the slot


@dataclass(slots=True)
class Memory:
    """The announcements of the last read by uid, without those long past, and whether this read has
    looked any up.

    Without `has_looked_up`, a look-up that fails would be repeated without end, because it leaves
    no page. `items` are the GOV.UK content items of announcements, each with the signature of the
    entry that the listing then showed.
    """

    announcements: dict[str, Announcement] = field(default_factory=dict)
    has_looked_up: bool = False
    items: dict[str, tuple[str, ContentItem]] = field(default_factory=dict)


class RememberingSource:
    """A source that remembers what its last read listed."""

    def __init__(self) -> None:
        self.state = Memory()

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Remember the latest announcements of this calendar in the store."""
        self.state.announcements |= {
            announcement.uid: announcement for announcement in announcements
        }

    def find_unlisted(self, listed: Collection[str], now: datetime) -> list[str]:
        """Return the first `MOST_LOOK_UPS` uids that are no longer listed, except those published
        or long past.
        """
        unlisted = {
            uid: last
            for uid, last in self.state.announcements.items()
            if uid not in listed and not last.published
        }
        return sorted(uid for uid, last in unlisted.items() if not _is_long_past(last.slot, now))[
            :MOST_LOOK_UPS
        ]

    def record_read(
        self, made: Mapping[str, Announcement], now: datetime, forget: Collection[str] = ()
    ) -> None:
        """Remember a finished read, except the uids to `forget`, which were looked up and no longer
        exist.
        """
        known = {
            uid: each for uid, each in self.state.announcements.items() if uid not in forget
        } | dict(made)
        self.state.announcements = {
            uid: each for uid, each in known.items() if not _is_long_past(each.slot, now)
        }


def _is_long_past(slot: Slot, now: datetime) -> bool:
    day = last_day(slot)
    return day is not None and day < (now - FORGET).date()
