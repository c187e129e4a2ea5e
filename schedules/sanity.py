"""Whether a read of a calendar can be believed: mass disappearance, mass change, and dates turned round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from schedules.announcement import Announcement, State
from schedules.change import slot_changes
from schedules.ledger_event import What
from schedules.slot import Precision, Slot
from schedules.slot_relations import has_passed
from schedules.source import Reading

_READS_COMPARED = 5
_LEAST_SHARE = 0.7
_MOST_CHANGED = 0.2
_MOST_GONE = 0.5
# So few can change or go in a small calendar without anything being wrong with the read.
_FEW = 3
_LATELY = timedelta(days=7)


class Wrong(StrEnum):
    """What is wrong with a read."""

    EMPTY = "empty"
    COUNT = "count"
    RE_DATED = "re-dated"
    CANCELLED = "cancelled"
    GONE = "gone"
    UNREADABLE = "unreadable"
    DATE_ORDER = "date order"


# What a producer can do on purpose; the others are faults of reading, whoever vouches for them.
_MEANT = frozenset({Wrong.COUNT, Wrong.RE_DATED, Wrong.CANCELLED, Wrong.GONE})


@dataclass(frozen=True, slots=True)
class Alarm:
    """Why a read is not believed, with a line for people."""

    wrong: Wrong
    detail: str


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What a calendar last said of an entry. `gone` is the first usable read that no longer showed it."""

    slot: Slot
    state: State | None = None
    doubt: str | None = None
    gone: datetime | None = None

    @classmethod
    def of(cls, announcement: Announcement, gone: datetime | None = None) -> LastSeen:
        """Keep what an announcement said."""
        return cls(announcement.slot, announcement.state, announcement.doubt or announcement.slot.doubt, gone)


@dataclass(frozen=True, slots=True)
class Previous:
    """What is known of a calendar before a read: entries by uid, and counts of its usable reads, newest last.

    `accepted`: a person has said that this much change is meant, so that only what cannot be read raises an alarm.
    """

    entries: Mapping[str, LastSeen]
    counts: Sequence[int] = ()
    may_be_empty: bool = False
    accepted: bool = False


def sanity(previous: Previous, reading: Reading, now: datetime) -> list[Alarm]:
    """Return why a read is not to be believed; empty when it is (`facts/calendars.md` §6 rule 2).

    A read that raises an alarm changes nothing: what the last usable one said stays in force.
    """
    found = [*_count(previous, reading, now), *_order(reading), *_changed(previous, reading, now), *_unread(reading)]
    # What is wrong twice over is told once; and where entries are fewer, others are gone.
    first = {alarm.wrong: alarm for alarm in reversed(found)}
    if Wrong.COUNT in first:
        first.pop(Wrong.GONE, None)
    return [alarm for alarm in reversed(first.values()) if alarm.wrong not in _MEANT or not previous.accepted]


def _count(previous: Previous, reading: Reading, now: datetime) -> Iterator[Alarm]:
    count = len(reading.announcements)
    usual = median(previous.counts[-_READS_COMPARED:]) if previous.counts else None
    if usual is None:
        if count == 0 and not previous.may_be_empty:
            yield Alarm(Wrong.EMPTY, "no entries at the first read")
    elif _fell(count, usual) and _fell(count + _over(previous, reading, now), usual):
        yield Alarm(Wrong.COUNT, f"{count} entries, usually {usual:g}")


def _fell(count: int, usual: float) -> bool:
    return count < _LEAST_SHARE * usual and usual - count > _FEW


def _over(previous: Previous, reading: Reading, now: datetime) -> int:
    """Return how many entries a list may have dropped of late since their day has come."""
    shown = {each.uid for each in reading.announcements}
    passed = (last.slot.passes() for uid, last in previous.entries.items() if uid not in shown)
    return sum(end is not None and now - _LATELY < end <= now for end in passed)


def _unread(reading: Reading) -> Iterator[Alarm]:
    made = reading.announcements
    if len(made) > _FEW and all(_is_unreadable(each.slot) for each in made):
        yield Alarm(Wrong.UNREADABLE, f"none of {len(made)} dates can be read ({made[0].slot.raw or 'empty'})")


def _order(reading: Reading) -> Iterator[Alarm]:
    odd = [each for each in reading.announcements if each.slot.reason == "order"]
    if odd:
        first = odd[0]
        yield Alarm(Wrong.DATE_ORDER, f"{len(odd)} dates fit only another order of day and month ({first.slot.raw})")


def _changed(previous: Previous, reading: Reading, now: datetime) -> Iterator[Alarm]:
    pairs = [
        (last, each)
        for each in reading.announcements
        if (last := previous.entries.get(each.uid)) is not None and _lies_ahead(last.slot, now)
    ]
    yield from _vanished(previous, reading, now)
    found = {
        Wrong.RE_DATED: sum(_is_re_dated(last.slot, each.slot) for last, each in pairs),
        Wrong.CANCELLED: sum(_is_newly_cancelled(last, each) for last, each in pairs),
        Wrong.UNREADABLE: sum(_is_unreadable(each.slot) for _, each in pairs),
    }
    for wrong, count in found.items():
        # Only what lies ahead is compared: the past of a calendar is rewritten all the time.
        if count > _FEW and count > _MOST_CHANGED * len(pairs):
            yield Alarm(wrong, f"{count} of {len(pairs)} coming entries at once")


def _vanished(previous: Previous, reading: Reading, now: datetime) -> Iterator[Alarm]:
    shown = {each.uid for each in reading.announcements}
    ahead = [uid for uid, last in previous.entries.items() if last.gone is None and _lies_ahead(last.slot, now)]
    gone = sum(uid not in shown for uid in ahead)
    # As many entries as before under other keys: the calendar, or whatever reads it, names them anew.
    if gone > _FEW and gone > _MOST_GONE * len(ahead):
        yield Alarm(Wrong.GONE, f"{gone} of {len(ahead)} coming entries gone at once")


def _lies_ahead(slot: Slot, now: datetime) -> bool:
    return slot.precision is not Precision.NONE and not has_passed(slot, now)


def _is_re_dated(old: Slot, new: Slot) -> bool:
    return not _is_unreadable(new) and What.RE_DATED in slot_changes(old, new)


def _is_newly_cancelled(last: LastSeen, announcement: Announcement) -> bool:
    return announcement.state is State.CANCELLED and last.state is not State.CANCELLED


def _is_unreadable(slot: Slot) -> bool:
    return slot.precision is Precision.NONE and slot.reason != "tbc"
