"""Finds the promise of a release in force: the last one announced before its slot passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schedules.announcement import BY_HAND, State
from schedules.change import (
    ShortNotice,
    find_changes,
    find_short_notice,
    find_slot_changes,
    is_cancelled,
    is_informative,
    is_standing,
)
from schedules.ledger_event import EventKind, LedgerEvent, event_of
from schedules.patterns import quick
from schedules.promise import Promise, Settled, Unlisted
from schedules.release import Release
from schedules.slot import Precision, Slot, has_passed, is_inside
from schedules.times.zone import local

NOTICE_DAYS = 28
_WRITTEN_TIME = quick(r"(?<!\d)(\d{1,2})[:.](\d{2})(?!\d)|\dT(\d{2})(\d{2})(?!\d{3})")


@dataclass(frozen=True, slots=True)
class InForce:
    """The promise in force for one release as of an instant, and what else its calendars said."""

    promise: Promise | None = None
    """If it is `cancelled`, the entry that cancels it, with the slot of `planned`."""
    cancelled: bool = False
    moved_from: Promise | None = None
    """The newest of `replaced_promises` with an earlier slot, else the newest."""
    changed_after_slot: Promise | None = None
    """Another time or status announced too late."""
    first_announced: Promise | None = None
    short_notice: ShortNotice | None = None
    disagreements: tuple[Promise, ...] = ()
    """Promises of other calendars, before the slot passed."""
    is_first_read_after_slot: bool = False
    """If so, nothing can be proved."""
    replaced_promises: tuple[Promise, ...] = ()
    """In force until they changed in time, oldest first."""
    events: tuple[LedgerEvent, ...] = ()
    """In the order of reads."""
    possible_changes: tuple[Promise, ...] = ()
    """Changes in the same calendar that were perhaps announced before the slot, or perhaps change
    only the UTC offset.
    """
    agreeing: tuple[Promise, ...] = ()
    """Such promises that agree."""
    planned: Promise | None = None
    """The last one in force that stood."""
    last_exact: Promise | None = None
    """The last one that promised a time for certain."""

    @property
    def slot(self) -> Slot | None:
        """Return the slot in force, None if there is none or it is cancelled."""
        if self.promise is None or self.cancelled:
            return None
        return self.promise.slot

    @property
    def slot_begins(self) -> datetime | None:
        """Return when the slot in force begins, or None."""
        if self.slot is None:
            return None
        return self.slot.begins()

    @property
    def announced_as_of(self) -> datetime | None:
        """Return when a read last showed the promise, at the latest when its slot passed."""
        if self.promise is None:
            return None
        shown = self.promise.confirmed_at or self.promise.learnt
        end = self.promise.slot.passes()
        if end is None or self.is_first_read_after_slot:
            return shown
        return min(shown, end)


def slot_in_force(
    release: Release, promises: Iterable[Promise], now: datetime, notice_days: int = NOTICE_DAYS
) -> InForce:
    """Return what is in force for a release as of `now`, from its promises in any order.

    The first of `release.calendars` that has an entry rules. Unlisted ones follow, by their first
    entry. If the ruling one announces only a day, another's entry for that day adds the time.

    A promise replaces the slot in force only if neither had passed when it was read. But the first
    entry of a calendar that ranks higher, with a slot still ahead, replaces one that had passed at
    its first read.
    """
    known = [_as_of(promise, now) for promise in promises if promise.learnt <= now]
    ledger = _ReleaseLedger(release.calendars, notice_days)
    for promise in sorted(known, key=lambda each: (each.learnt, ledger.rank(each), each.calendar)):
        ledger.add(promise)
    return ledger.in_force()


def _as_of(promise: Promise, now: datetime) -> Promise:
    """Return the promise as known at `now`.

    If a later read confirmed it, its calendar showed it at `now` too.
    """
    if promise.confirmed_at is None or promise.confirmed_at <= now:
        return promise
    return replace(promise, confirmed_at=now)


class _ReleaseLedger:
    """The promises of one release, added in the order of their reads."""

    def __init__(self, calendars: Sequence[str], notice_days: int) -> None:
        """`calendars` are by their rank."""
        self._ranks = {calendar: rank for rank, calendar in enumerate(calendars)}
        self._notice_days = notice_days
        # By calendar, its last promise that may be in force, and its last that was too late.
        self._last_accepted: dict[str, Promise] = {}
        self._last_too_late: dict[str, Promise] = {}
        # By calendar.
        self._zone_shifted: dict[str, Promise] = {}
        self._current: Promise | None = None
        self._last_planned: Promise | None = None
        self._last_exact: Promise | None = None
        self._first: Promise | None = None
        self._changed_after_slot: Promise | None = None
        self._short_notice: ShortNotice | None = None
        self._replaced_promises: list[Promise] = []
        self._possible_changes: list[Promise] = []
        self._events: list[LedgerEvent] = []
        # Each is reported once as long as it contradicts the one in force.
        self._reported_as_differing: set[str] = set()

    def rank(self, promise: Promise) -> int:
        """Return the rank of a promise's calendar. The lowest rules."""
        return self._ranks.get(promise.calendar, len(self._ranks))

    def add(self, promise: Promise) -> None:
        """Add the next promise, in the order of reads."""
        current = self._current
        if not is_informative(promise):
            self._mark_unlisted(promise)
        elif promise.settled is not None:
            self._add_answer(promise, promise.settled)
        elif current is None:
            self._add_first(promise)
        elif self._is_too_late(promise, current):
            self._add_too_late(promise, current)
        elif _is_back_dated(promise):
            self._events.append(event_of(EventKind.BACK_DATED, promise, current.slot))
            self._add_if_possible_change(promise, promise.slot)
        elif _is_zone_shift(self._last_accepted.get(promise.calendar), promise):
            # A doubt until the calendar's next change.
            self._zone_shifted[promise.calendar] = promise
        else:
            self._zone_shifted.pop(promise.calendar, None)
            self._add_change(promise)

    def _mark_unlisted(self, promise: Promise) -> None:
        """Mark the last promise of a calendar as not shown, if an unreadable date replaced it in
        time.
        """
        last = self._last_accepted.get(promise.calendar)
        if last is not None and last.unlisted is None and not has_passed(last.slot, promise.learnt):
            unlisted = Unlisted(promise.learnt, reads=1, text=promise.slot.raw)
            self._replace_last(last, replace(last, unlisted=unlisted))

    def _replace_last(self, last: Promise, marked: Promise) -> None:
        """Replace a calendar's last promise, which may be in force, with a marked copy."""
        self._last_accepted[last.calendar] = marked
        self._current = marked if self._current is last else self._current

    def _add_answer(self, promise: Promise, settled: Settled) -> None:
        """Add a person's answer to what a doubtful time means.

        It counts only before each time that the text can mean: a later one could follow from what
        was seen. An answer to another text is ignored.
        """
        last = self._last_accepted.get(promise.calendar)
        if last is None or last.question is None or not last.question.is_same_time(settled.asked):
            return
        is_in_time = promise.learnt < min(settled.asked.all_readings())
        detail = f"as the {settled.by} said" + ("" if is_in_time else ", too late to count")
        self._events.append(event_of(EventKind.SETTLED, promise, settled.asked, detail))
        if is_in_time:
            self._update_current(promise)
            return
        # Later reads confirm the newest promise in the ledger, which is the answer.
        shown = replace(last, confirmed_at=promise.confirmed_at, unlisted=promise.unlisted)
        self._replace_last(last, shown)

    def _is_too_late(self, promise: Promise, current: Promise) -> bool:
        """Return whether a promise was read after the slot of `current`, and so cannot replace it.

        A cancellation can be replaced. So can a slot itself read too late, by the first promise of
        a calendar that ranks higher, with a slot still ahead.
        """
        if is_cancelled(current) or not has_passed(current.slot, promise.learnt):
            return False
        was_current_read_too_late = has_passed(current.slot, current.learnt)
        is_first_of_calendar = promise.calendar not in self._last_accepted
        ranks_higher = self.rank(promise) < self.rank(current)
        is_ahead = not has_passed(promise.slot, promise.learnt)
        return not (
            was_current_read_too_late and is_first_of_calendar and ranks_higher and is_ahead
        )

    def in_force(self) -> InForce:
        """Return what is in force after all promises added so far."""
        current = self._current
        if current is None:
            return InForce()
        calendar = current.calendar
        others = [
            each
            for each in self._last_accepted.values()
            if each.calendar != calendar and is_standing(each)
        ]
        shifted = [
            promise for promise in self._zone_shifted.values() if promise.calendar == calendar
        ]
        possible = [*self._possible_changes, *shifted]
        planned = self._last_planned
        if is_cancelled(current) and planned is not None and any(map(is_standing, possible)):
            # Perhaps it was announced again in time.
            current, possible = planned, [current, *possible]
        # Expected at the last replaced slot before the one in force, or at the last of all if it
        # was brought forward.
        begins = current.slot.begins()
        earlier_slots = [
            each
            for each in self._replaced_promises
            if begins is None or has_passed(each.slot, begins)
        ]
        expected = earlier_slots or self._replaced_promises
        return InForce(
            promise=current,
            cancelled=is_cancelled(current),
            moved_from=expected[-1] if expected else None,
            changed_after_slot=self._changed_after_slot,
            first_announced=self._first,
            short_notice=self._short_notice,
            disagreements=tuple(
                sorted(self._find_differing(current), key=lambda each: each.calendar)
            ),
            agreeing=tuple(each for each in others if each.slot.is_same_time(current.slot)),
            is_first_read_after_slot=has_passed(current.slot, current.learnt),
            replaced_promises=tuple(self._replaced_promises),
            events=tuple(self._events),
            possible_changes=tuple(possible),
            planned=planned,
            last_exact=self._last_exact,
        )

    def _add_first(self, promise: Promise) -> None:
        """Add the release's first promise, with events."""
        self._first = promise
        is_past = has_passed(promise.slot, promise.learnt)
        self._events.append(
            event_of(EventKind.FIRST_SEEN_AFTER_SLOT if is_past else EventKind.ANNOUNCED, promise)
        )
        if is_cancelled(promise):
            self._events.append(event_of(EventKind.CANCELLED, promise))
        self._update_current(promise)
        self._check_short_notice(None, promise)

    def _add_change(self, promise: Promise) -> None:
        """Add a promise that was read in time, with events."""
        old = self._last_accepted.get(promise.calendar)
        if old is not None:
            old = replace(old, slot=old.shown)
            self._events += [
                event_of(what, promise, old.slot) for what in find_changes(old, promise)
            ]
        elif is_cancelled(promise):
            self._events.append(event_of(EventKind.CANCELLED, promise))
        self._update_current(promise)
        # Another calendar's change is a disagreement, not short notice. A copy with another slot
        # may be in force, known by calendar and time of the read.
        current = self._current
        is_in_force = (
            current is not None
            and current.calendar == promise.calendar
            and current.learnt == promise.learnt
        )
        if old is not None and is_in_force:
            self._check_short_notice(old, promise)

    def _update_current(self, promise: Promise) -> None:
        """Make this promise the last of its calendar, and choose again which one is in force.

        If the slot in force changed, and not only its precision, the old promise was replaced.
        """
        is_first_of_calendar = promise.calendar not in self._last_accepted
        promise = _with_slot_before(self._last_accepted.get(promise.calendar), promise)
        self._last_accepted[promise.calendar] = promise
        chosen = self._choose_promise()
        planned = self._last_planned
        if is_standing(chosen):
            if planned is not None and not is_first_of_calendar:
                # A slot without a readable time excludes none, and an answer changes no text.
                is_refined = (
                    planned.slot.precision is Precision.NONE
                    or chosen.settled is not None
                    or is_inside(chosen.slot, planned.shown)
                )
                if not is_refined:
                    self._replaced_promises.append(planned)
            self._last_planned = chosen
            is_sure = chosen.doubt is None and chosen.slot.doubt is None
            is_exact = chosen.slot.precision is Precision.INSTANT
            if is_sure and is_exact and chosen.state is not State.PROVISIONAL:
                self._last_exact = chosen
        elif (
            planned is not None and is_cancelled(chosen) and chosen.slot.precision is Precision.NONE
        ):
            # It keeps the slot that it cancels.
            chosen = replace(chosen, slot=planned.slot)
        self._current = chosen
        self._report_disagreements(promise, chosen)

    def _choose_promise(self) -> Promise:
        """Return the last promise of the ruling calendar, or the first other that adds an instant
        without doubt to its day.
        """
        ruling = min(self._last_accepted.values(), key=self.rank)
        if ruling.slot.precision is not Precision.DAY or not is_standing(ruling):
            return ruling
        for promise in self._last_accepted.values():
            is_sure = promise.doubt is None and promise.slot.doubt is None and is_standing(promise)
            if (
                is_sure
                and promise.slot.precision is Precision.INSTANT
                and is_inside(promise.slot, ruling.slot)
            ):
                return promise
        return ruling

    def _check_short_notice(self, old: Promise | None, promise: Promise) -> None:
        """Store short notice, with an event."""
        # The read shows only when a person typed the entry.
        if promise.calendar == BY_HAND:
            return
        short = find_short_notice(old, promise, self._notice_days)
        if short is not None:
            self._short_notice = short
            before = None if old is None else old.slot
            self._events.append(
                event_of(EventKind.SHORT_NOTICE, promise, before, f"{short.days} days")
            )

    def _report_disagreements(self, promise: Promise, current: Promise) -> None:
        """Add an event for each calendar that contradicts `current` since the read of `promise`."""
        differing = {each.calendar: each for each in self._find_differing(current)}
        for calendar in sorted(differing.keys() - self._reported_as_differing):
            other = differing[calendar].slot
            self._events.append(
                event_of(EventKind.CALENDARS_DISAGREE, promise, current.slot, calendar, other)
            )
        self._reported_as_differing = set(differing)

    def _find_differing(self, current: Promise) -> list[Promise]:
        others = (
            each for each in self._last_accepted.values() if each.calendar != current.calendar
        )
        # An entry that a person removed is kept as cancelled, and says nothing about the slot.
        not_removed = (
            each for each in others if each.calendar != BY_HAND or not is_cancelled(each)
        )
        return [each for each in not_removed if _contradict_each_other(current, each)]

    def _add_too_late(self, promise: Promise, current: Promise) -> None:
        """Add a promise read after the slot of `current`, which stays in force.

        The change announced after the slot is a status by which the release does not stand, or a
        time that is still ahead. It counts until the calendar shows the old slot again. A time that
        has passed is only an event.
        """
        calendar = promise.calendar
        shown_before = self._last_too_late.get(calendar) or self._last_accepted.get(calendar)
        self._last_too_late[calendar] = promise
        if (
            shown_before is not None
            and is_standing(shown_before) == is_standing(promise)
            and not _has_changed(shown_before, promise)
        ):
            return  # a repetition
        self._add_if_possible_change(promise, current.slot)
        shows_slot_in_force = is_standing(promise) and not find_slot_changes(
            current.slot, promise.slot
        )
        if shows_slot_in_force:
            if (
                self._changed_after_slot is not None
                and self._changed_after_slot.calendar == calendar
            ):
                self._changed_after_slot = None
        elif _is_back_dated(promise):
            self._events.append(event_of(EventKind.BACK_DATED, promise, current.slot))
        else:
            self._changed_after_slot = promise
            self._events.append(event_of(EventKind.CHANGED_AFTER_SLOT, promise, current.slot))

    def _add_if_possible_change(self, promise: Promise, slot: Slot) -> None:
        """Add a promise to those in doubt if it was perhaps announced before `slot` passed: the
        slot was ahead at the last read without it.
        """
        before = self._last_accepted.get(promise.calendar)
        current = self._current
        if before is None or current is None or promise.calendar != current.calendar:
            return
        # Both the read before it and those that showed the earlier promise were without it.
        last_read_without = max(
            filter(None, (promise.unlearnt, before.confirmed_at, before.learnt))
        )
        if _has_changed(current, promise) and not has_passed(slot, last_read_without):
            self._possible_changes.append(promise)


def _with_slot_before(before: Promise | None, promise: Promise) -> Promise:
    """Return a postponed promise with its calendar's slot before the move, if that was shown."""
    if before is None or promise.state is not State.POSTPONED or promise.previous is not None:
        return promise
    if promise.slot.is_same_time(before.slot):
        return replace(promise, previous=before.previous)
    return replace(promise, previous=before.slot)


def _has_changed(old: Promise, new: Promise) -> bool:
    """Return whether a calendar changed its promise, or no longer confirms it."""
    return bool(find_changes(old, new)) or old.state is not State.PROVISIONAL is new.state


def _is_back_dated(promise: Promise) -> bool:
    """Return whether a promise announces a time that had passed at its read."""
    return has_passed(promise.slot, promise.learnt) and is_standing(promise)


def _contradict_each_other(promise: Promise, other: Promise) -> bool:
    if not (is_standing(promise) and is_standing(other)):
        states = [(each.state, each.doubt) for each in (promise, other)]
        return states[0] != states[1]
    if Precision.NONE in (promise.slot.precision, other.slot.precision):
        return False
    return not (is_inside(promise.slot, other.slot) or is_inside(other.slot, promise.slot))


def _is_zone_shift(before: Promise | None, promise: Promise) -> bool:
    """Return whether two promises show one written time, but differ by the zone's UTC offset.

    A calendar that drops its offset ("09:30+01:00", then "09:30Z") changed its format, and perhaps
    not its promise.
    """
    if before is None or is_cancelled(before) or is_cancelled(promise):
        return False
    old, new = before.slot, promise.slot
    if old.instant is None or new.instant is None or old.instant == new.instant:
        return False
    if abs(new.instant - old.instant) != local(old.instant, old.timezone).utcoffset():
        return False
    old_time, new_time = _written_time(old.raw), _written_time(new.raw)
    return old_time is not None and old_time == new_time


def _written_time(text: str) -> tuple[int, int] | None:
    found = _WRITTEN_TIME.search(text)
    if found is None:
        return None
    hour, minute = (group for group in found.groups() if group is not None)
    return int(hour), int(minute)
