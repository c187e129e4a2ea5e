"""The ledger: what each read adds to it, and what a row of reads comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from schedules.announcement import Announcement
from schedules.change import is_cancelled, says_something
from schedules.in_force import slot_in_force
from schedules.ledger_event import LedgerEvent, What
from schedules.promise import Promise
from schedules.release import Release
from schedules.sanity import Alarm, LastSeen, Previous, sanity
from schedules.slot_relations import first_day, has_passed
from schedules.source import Reading
from schedules.times.zone import local_date
from schedules.workdays import ENGLAND, Workdays, zone_doubt

_FIRST_READ = Previous({})


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one read adds to the ledger.

    `promises` by uid are to be appended (their `release` is still empty), `confirmed` uids were shown
    unchanged, `gone` ones no longer for the first time. `absent` were missing from the second usable
    read in a row although they should be listed, `reappeared` are back after that. With `alarms` the read is
    not usable and everything else is empty.
    """

    promises: Mapping[str, Promise] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    reappeared: tuple[str, ...] = ()
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
        confirmed=tuple(uid for uid in shown if uid not in changed),
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
    )


@dataclass(frozen=True, slots=True)
class Read:
    """One read of one calendar. `reading` is None when it failed, and `fault` says why."""

    calendar: str
    at: datetime
    reading: Reading | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a row of reads comes to: promises, what happened to calendars, and which reads were usable."""

    promises: tuple[Promise, ...]
    events: tuple[LedgerEvent, ...]
    usable: tuple[bool, ...]


def fold(reads: Sequence[Read], release_of: Callable[[str, str], str] = lambda _calendar, uid: uid) -> Ledger:
    """Fold reads, in time order, into a ledger. `release_of` gives the release of a calendar's uid."""
    book = _Book(release_of)
    usable = tuple(book.take(read) for read in reads)
    return Ledger(tuple(book.promises), tuple(book.events), usable)


def history(
    release: Release,
    promises: Sequence[Promise],
    now: datetime,
    workdays: Workdays = ENGLAND,
) -> tuple[LedgerEvent, ...]:
    """Return everything that happened to the slot of a release until `now`, in the order of reads.

    Besides changes this names slots on days when nobody publishes (`unlikely-day`, by the producer's
    `workdays`) and times that look like a mix-up of UTC and BST (`zone-doubt`).
    """
    known = sorted((each for each in promises if each.learnt <= now), key=lambda each: (each.learnt, each.calendar))
    hints = [event for promise in known for event in _hints(promise, workdays)]
    events = [*slot_in_force(release, promises, now).events, *_once(hints)]
    return tuple(sorted(events, key=lambda event: event.at))


class _Book:
    """A ledger being written."""

    def __init__(self, release_of: Callable[[str, str], str]) -> None:
        self.promises: list[Promise] = []
        self.events: list[LedgerEvent] = []
        self._release_of = release_of
        self._known: dict[str, dict[str, LastSeen]] = {}
        self._counts: dict[str, list[int]] = {}
        self._read_at: dict[str, datetime] = {}
        self._newest: dict[tuple[str, str], int] = {}

    def take(self, read: Read) -> bool:
        """Enter one read; tell whether it was usable."""
        if read.reading is None:
            self._note(What.READ_FAILED, read, detail=read.fault)
            return False
        known = self._known.setdefault(read.calendar, {})
        counts = self._counts.setdefault(read.calendar, [])
        before = self._read_at.get(read.calendar)
        learnt = learn(known, read.reading, read.calendar, read.at, before, Previous({}, counts))
        if not learnt.usable:
            self._note(What.SANITY_ALARM, read, detail="; ".join(alarm.detail for alarm in learnt.alarms))
            return False
        self._enter(read, learnt)
        known.update({each.uid: LastSeen.of(each) for each in read.reading.announcements})
        known.update({uid: replace(known[uid], gone=read.at) for uid in learnt.gone})
        counts.append(len(read.reading.announcements))
        self._read_at[read.calendar] = read.at
        return True

    def _enter(self, read: Read, learnt: Learnt) -> None:
        for uid, promise in learnt.promises.items():
            self._newest[read.calendar, uid] = len(self.promises)
            self.promises.append(replace(promise, release=self._release_of(read.calendar, uid)))
        for uid in learnt.confirmed:
            place = self._newest[read.calendar, uid]
            self.promises[place] = replace(self.promises[place], confirmed_at=read.at)
        for what, uids in ((What.ABSENT, learnt.absent), (What.REAPPEARED, learnt.reappeared)):
            for uid in uids:
                self._note(what, read, uid)

    def _note(self, what: What, read: Read, uid: str = "", detail: str = "") -> None:
        release = self._release_of(read.calendar, uid) if uid else ""
        since = self._read_at.get(read.calendar)
        self.events.append(LedgerEvent(what, read.at, read.calendar, release, since, detail=detail))


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


def _hints(promise: Promise, workdays: Workdays) -> Iterator[LedgerEvent]:
    if not says_something(promise) or is_cancelled(promise):
        return
    found = ((What.ZONE_DOUBT, zone_doubt(promise.slot)), (What.UNLIKELY_DAY, workdays.unlikely(promise.slot)))
    for what, detail in found:
        if detail:
            yield LedgerEvent(
                what,
                promise.learnt,
                promise.calendar,
                promise.release,
                promise.unlearnt,
                after=promise.slot,
                detail=detail,
            )


def _once(events: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """Drop hints that a calendar's entry gave before about the same time."""
    first: dict[object, LedgerEvent] = {}
    for event in events:
        slot = event.after
        first.setdefault((event.what, event.calendar, slot and (slot.instant, slot.first, slot.last)), event)
    return list(first.values())
