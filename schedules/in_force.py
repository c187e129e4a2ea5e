"""Which promise of a release is in force: the last one that was announced before its slot passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schedules.announcement import BY_HAND
from schedules.change import (
    ShortNotice,
    find_changes,
    find_short_notice,
    find_slot_changes,
    is_cancelled,
    is_informative,
)
from schedules.ledger_event import EventKind, LedgerEvent, event_of
from schedules.patterns import quick
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot, has_passed, is_inside
from schedules.times.zone import local

NOTICE_DAYS = 28
_WRITTEN_TIME = quick(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d)")


@dataclass(frozen=True, slots=True)
class InForce:
    """The promise in force for one release as of an instant, and what else its calendars said.

    `promise` is the one in force, or None if nothing readable was announced. If the release is `cancelled`, it is the
    cancelling entry, with the slot that was planned. `events` are in the order of reads.

    `withdrawn` are promises withdrawn before their slot passed, oldest first. `moved_from` is the newest of them before
    the slot in force, else the newest of all. `changed_after_slot` is the change (another time or a cancellation) that
    was announced after the slot had passed. It is judged separately. `is_first_read_after_slot`: the slot had passed
    when it was first read, so no verdict on it can be proved.

    `disagreements` are entries of other calendars that differed before the slot passed, `agreeing` those with the same
    slot. `in_doubt` are later entries of the same calendar that may have been made in time, because no read in between
    shows the opposite, and entries with the same written time and another offset.
    """

    promise: Promise | None = None
    cancelled: bool = False
    moved_from: Promise | None = None
    changed_after_slot: Promise | None = None
    first_announced: Promise | None = None
    short_notice: ShortNotice | None = None
    disagreements: tuple[Promise, ...] = ()
    is_first_read_after_slot: bool = False
    withdrawn: tuple[Promise, ...] = ()
    events: tuple[LedgerEvent, ...] = ()
    in_doubt: tuple[Promise, ...] = ()
    agreeing: tuple[Promise, ...] = ()

    @property
    def slot(self) -> Slot | None:
        """Return the slot in force, None if there is none or the release is cancelled."""
        return None if self.promise is None or self.cancelled else self.promise.slot

    @property
    def announced_as_of(self) -> datetime | None:
        """Return when a read last showed the promise, at the latest when its slot passed. None without a promise."""
        if self.promise is None:
            return None
        shown, end = self.promise.confirmed_at or self.promise.learnt, self.promise.slot.passes()
        return shown if end is None or self.is_first_read_after_slot else min(shown, end)


def slot_in_force(
    release: Release, promises: Iterable[Promise], now: datetime, notice_days: int = NOTICE_DAYS
) -> InForce:
    """Return what is in force for a release as of `now`, from its promises in any order.

    In force is the last promise of the calendar that ranks highest. `release.calendars` are in order of rank, the
    highest first. Other calendars rank below them, the one that announced the release first before the rest.

    A promise does not count if it was read after the slot in force had passed, or after its own slot. For exceptions
    see `_is_too_late` and `_choose_promise`. A change less than `notice_days` before its slot is short notice.
    """
    known = [promise for promise in promises if promise.learnt <= now and is_informative(promise)]
    ledger = _ReleaseLedger(release.calendars, notice_days)
    for promise in sorted(known, key=lambda each: (each.learnt, ledger.rank(each), each.calendar)):
        ledger.add(promise)
    return ledger.in_force()


class _ReleaseLedger:
    """Finds the promise in force of one release, from its promises added in the order of reads."""

    def __init__(self, calendars: Sequence[str], notice_days: int) -> None:
        """`calendars` are those of the release in order of rank, the highest first."""
        self._ranks = {calendar: rank for rank, calendar in enumerate(calendars)}
        self._notice_days = notice_days
        # By calendar, its last promise that can be in force, and its last one that was read too late for that.
        self._candidates: dict[str, Promise] = {}
        self._last_too_late: dict[str, Promise] = {}
        # By calendar, a later promise with the same written time and another UTC offset, which may be no change.
        self._zone_shifted: dict[str, Promise] = {}
        self._current: Promise | None = None  # in force
        self._last_uncancelled: Promise | None = None  # the last one in force that was not a cancellation
        # These become fields of the result, `InForce`.
        self._first: Promise | None = None
        self._changed_after_slot: Promise | None = None
        self._short_notice: ShortNotice | None = None
        self._withdrawn: list[Promise] = []  # in force once, and changed before their slot passed
        self._in_doubt: list[Promise] = []  # read too late, but perhaps announced in time
        self._events: list[LedgerEvent] = []
        # Calendars that contradict the one in force, each reported once as long as it does.
        self._reported_as_differing: set[str] = set()

    def rank(self, promise: Promise) -> int:
        """Return the rank of a promise's calendar among those of the release. 0 is the highest."""
        return self._ranks.get(promise.calendar, len(self._ranks))

    def add(self, promise: Promise) -> None:
        """Add the promise that was read next. The first one and changes read in time can come into force."""
        current = self._current
        if current is None:
            self._add_first(promise)
        elif self._is_too_late(promise, current):
            self._add_too_late(promise, current)
        elif _is_back_dated(promise):
            # The promised slot had passed when it was read, so it does not come into force.
            self._add_event(EventKind.BACK_DATED, promise, current.slot)
            self._keep_if_perhaps_in_time(promise, promise.slot)
        elif _is_zone_shift(self._candidates.get(promise.calendar), promise):
            # The same written time has another UTC offset. That is perhaps no change, so the promise does not come into
            # force. The result names it as `in_doubt` until the calendar's next change.
            self._zone_shifted[promise.calendar] = promise
        else:
            self._zone_shifted.pop(promise.calendar, None)
            self._add_change(promise)

    def _is_too_late(self, promise: Promise, current: Promise) -> bool:
        """Return whether a promise was read too late to replace `current`, the one in force.

        It was too late if the slot of `current` had passed at the read. A cancellation in force can always be replaced.
        """
        if is_cancelled(current) or not has_passed(current.slot, promise.learnt):
            return False
        # If `current` itself was read only after its slot, the first promise of a calendar with a higher rank replaces
        # it, provided that the slot of this promise is ahead.
        was_current_read_too_late = has_passed(current.slot, current.learnt)
        is_first_of_calendar = promise.calendar not in self._candidates
        ranks_higher = self.rank(promise) < self.rank(current)  # 0 is the highest rank
        is_ahead = not has_passed(promise.slot, promise.learnt)
        return not (was_current_read_too_late and is_first_of_calendar and ranks_higher and is_ahead)

    def in_force(self) -> InForce:
        """Return what is in force after all promises added so far, with their events, doubts and disagreements."""
        current = self._current
        calendar = "" if current is None else current.calendar
        others = [each for each in self._candidates.values() if each.calendar != calendar and not is_cancelled(each)]
        # A later promise of the same calendar, with the same written time and another UTC offset.
        shifted = [promise for promise in self._zone_shifted.values() if promise.calendar == calendar]
        # If the release was postponed from 3 May to 9 May, the slot of 3 May was withdrawn and is before the one in
        # force. If the release was brought forward from 9 May to 3 May, no withdrawn slot is before the one in force.
        begins = None if current is None else current.slot.begins()
        withdrawn_before = [each for each in self._withdrawn if begins is None or has_passed(each.slot, begins)]
        moved_from = withdrawn_before or self._withdrawn
        return InForce(
            promise=current,
            cancelled=current is not None and is_cancelled(current),
            moved_from=moved_from[-1] if moved_from else None,
            changed_after_slot=self._changed_after_slot,
            first_announced=self._first,
            short_notice=self._short_notice,
            disagreements=tuple(sorted(self._find_differing(), key=lambda each: each.calendar)),
            agreeing=tuple(each for each in others if current is not None and each.slot.is_same_time(current.slot)),
            is_first_read_after_slot=current is not None and has_passed(current.slot, current.learnt),
            withdrawn=tuple(self._withdrawn),
            events=tuple(self._events),
            in_doubt=(*self._in_doubt, *shifted),
        )

    def _add_first(self, promise: Promise) -> None:
        """Put the first promise of the release in force, with events: announced or first seen late, and cancelled."""
        self._first = promise
        is_past = has_passed(promise.slot, promise.learnt)
        self._add_event(EventKind.FIRST_SEEN_AFTER_SLOT if is_past else EventKind.ANNOUNCED, promise)
        if is_cancelled(promise):
            self._add_event(EventKind.CANCELLED, promise)
        self._make_candidate(promise)
        self._check_short_notice(None, promise)

    def _add_change(self, promise: Promise) -> None:
        """Add a promise read before the slot in force and its own slot passed, with events for what it changes."""
        old = self._candidates.get(promise.calendar)
        if old is not None:
            for what in find_changes(old, promise):
                self._add_event(what, promise, old.slot)
        elif is_cancelled(promise):
            self._add_event(EventKind.CANCELLED, promise)
        self._make_candidate(promise)
        # Only a change of the slot in force gives short notice. A promise in force may be a copy: a cancellation
        # without a date gets the cancelled slot. So compare the calendar and the time of the read, not the slot.
        current = self._current
        is_in_force = current is not None and current.calendar == promise.calendar and current.learnt == promise.learnt
        if old is not None and is_in_force:
            self._check_short_notice(old, promise)

    def _make_candidate(self, promise: Promise) -> None:
        """Make this promise the candidate of its calendar, and choose again which candidate is in force."""
        is_first_of_calendar = promise.calendar not in self._candidates
        self._candidates[promise.calendar] = promise
        chosen, old = self._choose_promise(), self._last_uncancelled
        if is_cancelled(chosen):
            # A cancellation without a date gets the slot that it cancels.
            if old is not None and chosen.slot.precision is Precision.NONE:
                chosen = replace(chosen, slot=old.slot)
        else:
            # The first promise of a calendar withdraws no slot. It only disagrees with those of other calendars.
            if old is not None and not is_first_of_calendar:
                # Before the change there was no readable time (`NONE`), or a day or month that contains the new slot.
                is_only_more_precise = old.slot.precision is Precision.NONE or is_inside(chosen.slot, old.slot)
                if not is_only_more_precise:
                    self._withdrawn.append(old)
            self._last_uncancelled = chosen
        self._current = chosen
        self._report_disagreements(promise)

    def _choose_promise(self) -> Promise:
        """Return the candidate of the calendar that ranks highest, or if that has only a day, one with a time.

        The time comes from the first other calendar, in the order in which they began to announce the release, that
        promises an instant of that day without any doubt.
        """
        highest = min(self._candidates.values(), key=self.rank)
        if highest.slot.precision is not Precision.DAY or is_cancelled(highest):
            return highest
        for promise in self._candidates.values():
            is_sure = promise.doubt is None and promise.slot.doubt is None and not is_cancelled(promise)
            if is_sure and promise.slot.precision is Precision.INSTANT and is_inside(promise.slot, highest.slot):
                return promise
        return highest

    def _check_short_notice(self, old: Promise | None, promise: Promise) -> None:
        """If a promise gives short notice, store that and add an event. `old` is its calendar's earlier promise."""
        # The read shows only when a person typed the entry, not when the producer announced it.
        if promise.calendar == BY_HAND:
            return
        short = find_short_notice(old, promise, self._notice_days)
        if short is not None:
            self._short_notice = short
            self._add_event(EventKind.SHORT_NOTICE, promise, None if old is None else old.slot, f"{short.days} days")

    def _report_disagreements(self, promise: Promise) -> None:
        """Add an event for each calendar that contradicts the one in force since the read of `promise`."""
        differing = {each.calendar: each for each in self._find_differing()}
        for calendar in sorted(differing.keys() - self._reported_as_differing):
            in_force = self._current.slot if self._current is not None else None
            self._add_event(EventKind.CALENDARS_DISAGREE, promise, in_force, calendar, differing[calendar].slot)
        self._reported_as_differing = set(differing)

    def _find_differing(self) -> list[Promise]:
        """Return the promises of other calendars that contradict the one in force."""
        current = self._current
        if current is None:
            return []
        others = (each for each in self._candidates.values() if each.calendar != current.calendar)
        # An entry that a person added and removed again is kept as cancelled. It says nothing about the slot.
        not_removed = (each for each in others if each.calendar != BY_HAND or not is_cancelled(each))
        return [each for each in not_removed if _contradict_each_other(current, each)]

    def _add_too_late(self, promise: Promise, current: Promise) -> None:
        """Add a promise that was read after the slot in force, that of `current`, had passed. It stays in force."""
        calendar = promise.calendar
        # The calendar's previous promise: its last one that was read too late, else its last one before that.
        previous = self._last_too_late.get(calendar) or self._candidates.get(calendar)
        self._last_too_late[calendar] = promise
        is_repetition = previous is not None and not find_changes(previous, promise)
        if is_repetition:
            return
        self._keep_if_perhaps_in_time(promise, current.slot)
        shows_slot_in_force = not is_cancelled(promise) and not find_slot_changes(current.slot, promise.slot)
        if shows_slot_in_force:
            # The calendar takes back the change that it announced after the slot, if there was one.
            if self._changed_after_slot is not None and self._changed_after_slot.calendar == calendar:
                self._changed_after_slot = None
        elif _is_back_dated(promise):
            # It announces another slot, which had also passed when it was read.
            self._add_event(EventKind.BACK_DATED, promise, current.slot)
        else:
            # It is a cancellation, or announces a slot that is still ahead.
            self._changed_after_slot = promise
            self._add_event(EventKind.CHANGED_AFTER_SLOT, promise, current.slot)

    def _keep_if_perhaps_in_time(self, promise: Promise, deadline: Slot) -> None:
        """Keep a change that was read too late as a doubt, if it was perhaps announced before `deadline` passed.

        Example: the deadline is 9:30. A read at 9:00 did not show the change, the next one at 10:00 did. It may have
        been announced at 9:15.
        """
        current, previous = self._current, self._candidates.get(promise.calendar)
        if previous is None or current is None or promise.calendar != current.calendar:
            return  # the promise changes no slot in force, so its time does not matter
        # The change was not yet shown at the read before it (`unlearnt`), nor when a read showed the previous promise.
        last_read_without = max(filter(None, (promise.unlearnt, previous.confirmed_at, previous.learnt)))
        if find_changes(current, promise) and not has_passed(deadline, last_read_without):
            self._in_doubt.append(promise)

    def _add_event(
        self, what: EventKind, promise: Promise, before: Slot | None = None, detail: str = "", after: Slot | None = None
    ) -> None:
        self._events.append(event_of(what, promise, before, detail, after))


def _is_back_dated(promise: Promise) -> bool:
    """Return whether the slot of a promise had passed when it was read. A cancellation is never back-dated."""
    return has_passed(promise.slot, promise.learnt) and not is_cancelled(promise)


def _contradict_each_other(promise: Promise, other: Promise) -> bool:
    """Return whether two promises of different calendars cannot both be true."""
    if is_cancelled(promise) or is_cancelled(other):
        return is_cancelled(promise) != is_cancelled(other)
    if Precision.NONE in (promise.slot.precision, other.slot.precision):
        return False
    return not (is_inside(promise.slot, other.slot) or is_inside(other.slot, promise.slot))


def _is_zone_shift(before: Promise | None, promise: Promise) -> bool:
    """Return whether two promises show the same written time, but their instants differ by the zone's UTC offset.

    A calendar that drops its offset ("09:30+01:00", then "09:30Z") changed its format, and perhaps not its promise.
    """
    if before is None or is_cancelled(before) or is_cancelled(promise):
        return False
    old, new = before.slot, promise.slot
    if old.instant is None or new.instant is None or old.instant == new.instant:
        return False
    if abs(new.instant - old.instant) != local(old.instant, old.timezone).utcoffset():
        return False
    old_time, new_time = _WRITTEN_TIME.search(old.raw), _WRITTEN_TIME.search(new.raw)
    return bool(old_time and new_time and old_time[0].replace(".", ":") == new_time[0].replace(".", ":"))
