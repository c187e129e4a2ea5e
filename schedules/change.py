"""What changed between two promises of one calendar, and whether people had enough notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schedules.announcement import Announcement, State
from schedules.called_off import CALLED_OFF
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.slot import Precision, Slot, first_day, is_coarser, is_inside
from schedules.times.zone import local_date

_ON_ONE_DAY = (Precision.INSTANT, Precision.DAY)


@dataclass(frozen=True, slots=True)
class ShortNotice:
    """A change, cancellation or first announcement with too little notice, in `(since, at]`.

    `days` are calendar days from the read that showed it to the date that people planned for.
    `proven`: the earlier read would have been too late too. `text` is what the calendar shows now.
    """

    what: EventKind
    days: int
    since: datetime | None
    at: datetime
    proven: bool
    text: str = ""


def is_cancelled(promise: Promise) -> bool:
    """Return whether an entry cancels the release."""
    return promise.state is State.CANCELLED


def is_standing(promise: Promise) -> bool:
    """Return whether an entry says that its slot stands.

    Not if it is cancelled, its status is not understood, or it is postponed and still shows its old
    slot.
    """
    if is_cancelled(promise) or promise.doubt == STATUS_DOUBT:
        return False
    if promise.state is not State.POSTPONED:
        return True
    before = promise.previous
    return before is not None and not before.is_same_time(promise.slot)


def is_informative(entry: Promise | Announcement) -> bool:
    """Return whether an entry states anything, be it "to be confirmed".

    Any other unreadable date is a fault of reading, and withdraws no earlier promise.
    """
    slot = entry.slot
    return slot.precision is not Precision.NONE or slot.reason == "tbc" or entry.state in CALLED_OFF


def find_changes(old: Promise, new: Promise) -> tuple[EventKind, ...]:
    """Return the kinds of change between two promises of one calendar."""
    if is_cancelled(new):
        return () if is_cancelled(old) else (EventKind.CANCELLED,)
    moved = find_slot_changes(old.slot, new.slot)
    if is_cancelled(old):
        return (EventKind.REINSTATED, *moved)
    if new.doubt == STATUS_DOUBT != old.doubt:
        return (*moved, EventKind.STATUS_DOUBT)
    if new.state is State.POSTPONED is not old.state and not moved:
        return (EventKind.POSTPONED,)
    became_confirmed = old.state is State.PROVISIONAL and new.state is State.CONFIRMED
    keeps_date_and_time = EventKind.RE_DATED not in moved and EventKind.TIME_CHANGED not in moved
    # Only a date and time announced before can be confirmed.
    return (*moved, EventKind.CONFIRMED) if became_confirmed and keeps_date_and_time else moved


def find_slot_changes(old: Slot, new: Slot) -> tuple[EventKind, ...]:
    """Return how a slot changed, empty if it did not: precision, time of day, or date.

    `NONE` excludes no time, so any readable one only adds precision.
    """
    if old.precision is new.precision is Precision.NONE:
        return ()
    is_new_inside = old.precision is Precision.NONE or is_inside(new, old)
    is_old_inside = is_inside(old, new)
    if is_new_inside and is_old_inside:
        return ()
    if is_new_inside:
        return (EventKind.PRECISION_RAISED,)
    if is_old_inside:
        return (EventKind.PRECISION_LOWERED,)
    if old.instant and new.instant and first_day(old) == first_day(new):
        return (EventKind.TIME_CHANGED,)
    changes = [EventKind.RE_DATED]
    if is_coarser(new, old):
        changes.append(EventKind.PRECISION_LOWERED)
    elif is_coarser(old, new):
        changes.append(EventKind.PRECISION_RAISED)
    return tuple(changes)


def find_short_notice(old: Promise | None, new: Promise, days: int) -> ShortNotice | None:
    """Return the short notice that `new` gives after `old` of the same calendar, or None.

    No one plans for a provisional date or one wider than a day. The first read of a calendar does
    not prove when an entry was made.
    """
    what = _announced_change(old, new)
    planned_day = first_day((old or new).slot)
    if what is None or planned_day is None:
        return None
    # As the Code counts weeks of notice.
    notice = (planned_day - local_date(new.learnt, new.slot.timezone)).days
    if notice >= days:
        return None
    # The change may have been made just after the last read without it.
    last_read_without = None
    if new.unlearnt is not None:
        last_read_without = local_date(new.unlearnt, new.slot.timezone)
    is_proven = last_read_without is not None and (planned_day - last_read_without).days < days
    text = ""
    if what is not EventKind.ANNOUNCED:
        text = new.status or new.slot.raw
    return ShortNotice(what, notice, new.unlearnt, new.learnt, proven=is_proven, text=text)


def _announced_change(old: Promise | None, new: Promise) -> EventKind | None:
    """Return a change that people must hear of well in advance, or None."""
    promised = old or new
    if promised.slot.precision not in _ON_ONE_DAY or promised.state is State.PROVISIONAL:
        return None
    if old is None:
        is_new_announcement = new.unlearnt is not None and not is_cancelled(new)
        return EventKind.ANNOUNCED if is_new_announcement else None
    changes = find_changes(old, new)
    kinds = (EventKind.CANCELLED, EventKind.RE_DATED, EventKind.TIME_CHANGED)
    return next((kind for kind in kinds if kind in changes), None)
