"""What one read of a calendar adds to the ledger, or the alarms for which the read is rejected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from schedules.announcement import Address, Announcement, State
from schedules.change import find_slot_changes, is_informative
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.slot import Precision, Slot, first_day, has_passed
from schedules.source import Reading
from schedules.times.zone import local_date


@dataclass(frozen=True, slots=True)
class ReadChanges:
    """What one read adds to the ledger.

    `promises` are new or changed, by uid, still without `release`. The other fields are uids:
    `confirmed` ones are unchanged, `newly_missing` ones were shown in the previous read, `unlisted`
    ones are not shown although their slot is ahead, `unlisted_twice` for the second read in a row,
    and `reappeared` after that. With `alarms`, all else is empty.
    """

    promises: Mapping[str, Promise] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    newly_missing: tuple[str, ...] = ()
    unlisted_twice: tuple[str, ...] = ()
    reappeared: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    alarms: tuple[Alarm, ...] = ()

    @property
    def usable(self) -> bool:
        """Return whether the read counts."""
        return not self.alarms


def compare_read(
    earlier: EarlierReads,
    reading: Reading,
    calendar: str,
    read_at: datetime,
    as_of: datetime,
) -> ReadChanges:
    """Return what a read changes in the entries of earlier reads, or only alarms.

    A promise is added only if slot, state or doubt of an entry changed. `as_of` is the earliest
    instant that the read can describe.
    """
    known = earlier.entries
    alarms = find_alarms(earlier, reading, read_at)
    if alarms:
        return ReadChanges(alarms=tuple(alarms))
    # Of several entries with one uid, the first counts. All have a doubt (`drop_duplicates`).
    shown = {each.uid: each for each in reversed(reading.announcements)}
    changed = {
        uid: each
        for uid, each in shown.items()
        if uid not in known or _has_changed(known[uid], each)
    }
    not_shown = [uid for uid in known if uid not in shown and not uid.startswith(reading.unread)]
    # Calendars drop entries whose slot has passed, but not others.
    unlisted = [uid for uid in not_shown if _should_be_shown(known[uid], reading, read_at)]
    return ReadChanges(
        promises={
            uid: _make_promise(each, calendar, earlier, read_at, as_of)
            for uid, each in changed.items()
        },
        confirmed=tuple(
            uid for uid in shown if uid not in changed and is_still_announced(shown[uid])
        ),
        newly_missing=tuple(uid for uid in not_shown if known[uid].is_shown),
        # One read can lose an entry between two pages, hardly two in a row. So the second reports
        # it.
        unlisted_twice=tuple(
            uid
            for uid in unlisted
            if not known[uid].is_shown and known[uid].missing_since == earlier.last_read
        ),
        reappeared=tuple(
            uid
            for uid in shown
            if uid in known and _was_unlisted_twice(known[uid], reading, earlier.last_read)
        ),
        unlisted=tuple(unlisted),
    )


def find_unlisted(known: Mapping[str, LastSeen], reading: Reading, read_at: datetime) -> list[str]:
    """Return the uids that a repeated read still lacks although their slot is ahead."""
    return [
        uid
        for uid, last in known.items()
        if not last.is_shown and _should_be_shown(last, reading, read_at)
    ]


def is_still_announced(announcement: Announcement) -> bool:
    """Return whether an entry still shows its slot. One that redirects to its
    publication does not.
    """
    return announcement.address is not Address.LED_TO


def _has_changed(last: LastSeen, announcement: Announcement) -> bool:
    fresh = LastSeen.of(announcement)
    if (last.state, last.doubt, last.slot.reason) != (fresh.state, fresh.doubt, fresh.slot.reason):
        return True
    return not last.slot.is_same_time(fresh.slot)


def _make_promise(
    announcement: Announcement,
    calendar: str,
    earlier: EarlierReads,
    read_at: datetime,
    as_of: datetime,
) -> Promise:
    """Return the promise of an entry, which the last of the earlier reads did not show yet."""
    return Promise(
        release="",
        calendar=calendar,
        slot=announcement.slot,
        state=announcement.state,
        learnt=read_at,
        # That read may have been of an older copy in a cache.
        unlearnt=earlier.last_read and (earlier.as_of or earlier.last_read),
        confirmed_at=as_of,
        why=announcement.why,
        doubt=announcement.doubt or announcement.slot.doubt,
        status=announcement.status,
        previous=announcement.previous,
    )


def _should_be_shown(last: LastSeen, reading: Reading, at: datetime) -> bool:
    """Return whether the calendar should show an entry. Many lists drop past ones at midnight."""
    day = first_day(last.slot)
    if day is None or has_passed(last.slot, at):
        return False
    return reading.lists_overdue or day >= local_date(at, last.slot.timezone)


def _was_unlisted_twice(
    last: LastSeen, reading: Reading, previous_read_at: datetime | None
) -> bool:
    if (
        last.missing_since is None
        or previous_read_at is None
        or last.missing_since >= previous_read_at
    ):
        return False
    return _should_be_shown(last, reading, previous_read_at)


_READS_COMPARED = 5
_MOST_MISSING = 0.3
_MOST_CHANGED = 0.2
_MOST_REMOVED = 0.5
# So few can change or disappear in a correct read.
_FEW = 3
_LATELY = timedelta(days=7)


class AlarmKind(StrEnum):
    """What is wrong with a read."""

    EMPTY = "empty"
    COUNT = "count"
    RE_DATED = "re-dated"
    CANCELLED = "cancelled"
    GONE = "gone"
    UNREADABLE = "unreadable"
    DATE_ORDER = "date order"


# A producer may intend these. The others are faults of reading.
_MAY_BE_INTENDED = frozenset(
    {AlarmKind.COUNT, AlarmKind.RE_DATED, AlarmKind.CANCELLED, AlarmKind.GONE}
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Why a read is rejected, with a line for people."""

    kind: AlarmKind
    detail: str


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What a calendar last said about an entry, and which usable read first lacked it."""

    slot: Slot
    state: State | None = None
    doubt: str | None = None
    missing_since: datetime | None = None

    @property
    def is_shown(self) -> bool:
        """Return whether the last usable read showed it."""
        return self.missing_since is None

    @classmethod
    def of(cls, announcement: Announcement, missing_since: datetime | None = None) -> LastSeen:
        """Return what an announcement says about its entry."""
        return cls(
            announcement.slot,
            announcement.state,
            announcement.doubt or announcement.slot.doubt,
            missing_since,
        )


@dataclass(frozen=True, slots=True)
class EarlierReads:
    """What a calendar showed before: entries by uid, and counts of usable reads, newest last.

    The last usable read was at `last_read`, and describes no instant before `as_of`. `accepted`: a
    person confirmed that the producer intends this change.
    """

    entries: Mapping[str, LastSeen]
    counts: Sequence[int] = ()
    last_read: datetime | None = None
    as_of: datetime | None = None
    may_be_empty: bool = False
    accepted: bool = False


def find_alarms(previous: EarlierReads, reading: Reading, now: datetime) -> list[Alarm]:
    """Return why a read must change nothing, at most one alarm of each kind, empty if
    it is usable.
    """
    found = [
        *_check_count(previous, reading, now),
        *_check_date_order(reading),
        *_check_changes(previous, reading, now),
        *_check_readable(reading),
    ]
    first_of_kind: dict[AlarmKind, Alarm] = {}
    for alarm in found:
        first_of_kind.setdefault(alarm.kind, alarm)
    if AlarmKind.COUNT in first_of_kind:
        first_of_kind.pop(AlarmKind.GONE, None)
    ignored = _MAY_BE_INTENDED if previous.accepted else ()
    return [alarm for alarm in first_of_kind.values() if alarm.kind not in ignored]


def _check_count(previous: EarlierReads, reading: Reading, now: datetime) -> Iterator[Alarm]:
    """Yield an alarm for far fewer entries than before, or none in a first read."""
    count = len(reading.announcements)
    usual = None
    if previous.counts:
        usual = median(previous.counts[-_READS_COMPARED:])
    if usual is None:
        if count == 0 and not previous.may_be_empty:
            yield Alarm(AlarmKind.EMPTY, "no entries at the first read")
        return
    # Lists drop entries that passed lately.
    shown = {each.uid for each in reading.announcements}
    ends = (last.slot.passes() for uid, last in previous.entries.items() if uid not in shown)
    passed_lately = sum(end is not None and now - _LATELY < end <= now for end in ends)
    missing = usual - count - passed_lately
    if missing > _FEW and missing > _MOST_MISSING * usual:
        yield Alarm(AlarmKind.COUNT, f"{count} entries, usually {usual:g}")


def _check_date_order(reading: Reading) -> Iterator[Alarm]:
    announced = reading.announcements
    raws = [each.slot.raw for each in announced if each.slot.reason == "order"]
    # A few among others are typing errors in their rows.
    are_few = len(raws) <= _FEW and 2 * len(raws) <= len(announced)
    if not are_few and len(raws) > _MOST_CHANGED * len(announced):
        yield Alarm(
            AlarmKind.DATE_ORDER,
            f"dates with day and month exchanged: {len(raws)}, such as {raws[0]}",
        )


def _check_readable(reading: Reading) -> Iterator[Alarm]:
    announced = reading.announcements
    if len(announced) > _FEW and not any(map(is_informative, announced)):
        raw = announced[0].slot.raw or "empty"
        yield Alarm(AlarmKind.UNREADABLE, f"none of {len(announced)} dates can be read ({raw})")


def _check_changes(previous: EarlierReads, reading: Reading, now: datetime) -> Iterator[Alarm]:
    """Yield an alarm for each change that too many coming entries show."""
    yield from _check_vanished(previous, reading, now)
    pairs = []
    for each in reading.announcements:
        last = previous.entries.get(each.uid)
        if last is not None and _is_ahead(last.slot, now):
            pairs.append((last, each))
    moved = [
        (last.slot, each.slot)
        for last, each in pairs
        if is_informative(each) and each.state != State.CANCELLED
    ]
    counts = {
        AlarmKind.RE_DATED: sum(
            EventKind.RE_DATED in find_slot_changes(old, new) for old, new in moved
        ),
        AlarmKind.CANCELLED: sum(
            each.state is State.CANCELLED and last.state is not State.CANCELLED
            for last, each in pairs
        ),
        AlarmKind.UNREADABLE: sum(not is_informative(each) for _, each in pairs),
    }
    for kind, count in counts.items():
        if count > _FEW and count > _MOST_CHANGED * len(pairs):
            yield Alarm(kind, f"{count} of {len(pairs)} coming entries at once")


def _check_vanished(previous: EarlierReads, reading: Reading, now: datetime) -> Iterator[Alarm]:
    """Yield an alarm if more than half of the coming entries are missing."""
    shown = {each.uid for each in reading.announcements}
    ahead = [
        uid for uid, last in previous.entries.items() if last.is_shown and _is_ahead(last.slot, now)
    ]
    removed = sum(uid not in shown for uid in ahead)
    # As many as before may have other keys: the calendar or our reader renamed them all.
    if removed > _FEW and removed > _MOST_REMOVED * len(ahead):
        yield Alarm(AlarmKind.GONE, f"{removed} of {len(ahead)} coming entries removed at once")


def _is_ahead(slot: Slot, now: datetime) -> bool:
    return slot.precision is not Precision.NONE and not has_passed(slot, now)
