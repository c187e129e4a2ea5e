"""What one read of a calendar adds to the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from schedules.announcement import Address, Announcement
from schedules.promise import Promise
from schedules.sanity import Alarm, LastSeen, Previous, sanity
from schedules.slot_relations import first_day, has_passed
from schedules.source import Reading
from schedules.times.zone import local_date

_FIRST_READ = Previous({})


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one read adds to the ledger.

    `promises` by uid are to be appended (their `release` is still empty), `confirmed` uids were shown
    unchanged and still promise it, `gone` ones no longer for the first time. `absent` were missing from the second
    usable read in a row although they should be listed, `reappeared` are back after that. `unlisted` are not shown
    although their slot lies ahead. With `alarms` the read is not usable and everything else is empty.
    """

    promises: Mapping[str, Promise] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    reappeared: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    alarms: tuple[Alarm, ...] = ()

    @property
    def usable(self) -> bool:
        """Tell whether the read counts."""
        return not self.alarms


def learn(
    known: Mapping[str, LastSeen],
    reading: Reading,
    calendar: str,
    read_at: datetime,
    previous_read_at: datetime | None,
    previous: Previous = _FIRST_READ,
) -> Learnt:
    """Return what a read made at `read_at` adds to what the calendar's entries last said (`known`, by uid).

    `previous_read_at` is the last usable read, None before the first; `previous` brings the counts of the
    usable reads and whether the calendar may be empty (its entries are not used). A promise is due only
    when slot, state or doubt changed against the last of this calendar.
    """
    alarms = sanity(replace(previous, entries=known), reading, read_at)
    if alarms:
        return Learnt(alarms=tuple(alarms))
    shown = _by_uid(reading.announcements)
    changed = {uid: each for uid, each in shown.items() if uid not in known or _says_otherwise(known[uid], each)}
    missing = [uid for uid in known if uid not in shown]
    return Learnt(
        promises={uid: _promise(each, calendar, read_at, previous_read_at) for uid, each in changed.items()},
        confirmed=tuple(uid for uid in shown if uid not in changed and is_still_announced(shown[uid])),
        gone=tuple(uid for uid in missing if known[uid].gone is None),
        # One missing read can be a page border; two in a row cannot.
        absent=tuple(
            uid
            for uid in missing
            if known[uid].gone is not None
            and known[uid].gone == previous_read_at
            and _should_be_listed(known[uid], reading, read_at)
        ),
        reappeared=tuple(uid for uid in shown if uid in known and _was_absent(known[uid], reading, previous_read_at)),
        unlisted=tuple(uid for uid in missing if _should_be_listed(known[uid], reading, read_at)),
    )


def still_unlisted(known: Mapping[str, LastSeen], reading: Reading, read_at: datetime) -> list[str]:
    """Return the entries that a repeated `reading` does not show at `read_at` although their slot lies ahead."""
    return [uid for uid, last in known.items() if last.gone is not None and _should_be_listed(last, reading, read_at)]


def is_still_announced(announcement: Announcement) -> bool:
    """Tell whether an entry still says what it promises: one that leads to its publication shows no slot any more."""
    return announcement.address is not Address.LED_TO


def _by_uid(announcements: Sequence[Announcement]) -> dict[str, Announcement]:
    # Of entries that share a uid (they are doubted where they are read) the first stands for all.
    return {each.uid: each for each in reversed(announcements)}


def _says_otherwise(last: LastSeen, announcement: Announcement) -> bool:
    fresh = LastSeen.of(announcement)
    if (last.state, last.doubt, last.slot.reason) != (fresh.state, fresh.doubt, fresh.slot.reason):
        return True
    return not last.slot.says_same_as(fresh.slot)


def _promise(announcement: Announcement, calendar: str, read_at: datetime, unlearnt: datetime | None) -> Promise:
    return Promise(
        release="",
        calendar=calendar,
        slot=announcement.slot,
        state=announcement.state,
        learnt=read_at,
        unlearnt=unlearnt,
        confirmed_at=read_at,
        why=announcement.why,
        doubt=announcement.doubt or announcement.slot.doubt,
    )


def _should_be_listed(last: LastSeen, reading: Reading, at: datetime) -> bool:
    """Tell whether an entry lies in the window of the list at a read; published and overdue ones leave lists."""
    day = first_day(last.slot)
    if day is None or has_passed(last.slot, at):
        return False
    return reading.lists_overdue or day >= local_date(at, last.slot.timezone)


def _was_absent(last: LastSeen, reading: Reading, previous_read_at: datetime | None) -> bool:
    if last.gone is None or previous_read_at is None or last.gone >= previous_read_at:
        return False
    return _should_be_listed(last, reading, previous_read_at)
