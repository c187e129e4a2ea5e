"""Which promise counted when its slot passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schedules.change import ShortNotice, changes, is_cancelled, says_something, short_notice, slot_changes
from schedules.ledger_event import LedgerEvent, What, event_of
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.slot_relations import has_passed, is_inside, is_zone_shift

NOTICE_DAYS = 28


@dataclass(frozen=True, slots=True)
class InForce:
    """What the ledger of one release says as of an instant.

    `promise` is the one in force, or, when `cancelled`, the entry that called the release off before its
    slot passed (with the slot it was planned for); None when nothing readable was announced. `given_up`
    are promises taken back before they passed, oldest first; `moved_from` is the newest of them that
    lies before the slot in force, else the newest. `second` was given after the slot had passed and is
    judged on its own; it may be a late cancellation. `disagreements` are other calendars' entries that
    differed before the slot passed. `learnt_after_slot`: the slot had passed when it was first read, so
    no verdict on it can be proved. `in_doubt` are later words of the same calendar that may have been there before
    the slot passed, or before the earlier time they give did: the change lies between two reads. They are also entries
    that show the same written time with another offset, so that the slot moved by exactly the zone's offset. `agreeing`
    are other calendars' entries with the same slot. `events` are in the order of reads.
    """

    promise: Promise | None = None
    cancelled: bool = False
    moved_from: Promise | None = None
    second: Promise | None = None
    first_announced: Promise | None = None
    short_notice: ShortNotice | None = None
    disagreements: tuple[Promise, ...] = ()
    learnt_after_slot: bool = False
    given_up: tuple[Promise, ...] = ()
    events: tuple[LedgerEvent, ...] = ()
    in_doubt: tuple[Promise, ...] = ()
    agreeing: tuple[Promise, ...] = ()

    @property
    def slot(self) -> Slot | None:
        """Return the slot in force, None when there is none or the release is cancelled."""
        return None if self.promise is None or self.cancelled else self.promise.slot

    @property
    def announced_as_of(self) -> datetime | None:
        """Return the last read known to have shown the promise before its slot passed."""
        if self.promise is None:
            return None
        shown, end = self.promise.confirmed_at or self.promise.learnt, self.promise.slot.passes()
        return shown if end is None or self.learnt_after_slot else min(shown, end)


def slot_in_force(
    release: Release, promises: Iterable[Promise], now: datetime, notice_days: int = NOTICE_DAYS
) -> InForce:
    """Return what counts for a release as of `now`, from its promises in any order.

    Of the calendars that have spoken the one rules that the release names first (the order of the configuration);
    one that it does not name comes after those, by when it spoke.

    A promise replaces the slot only if it was read before the current slot passed and was not itself
    past when read; then the slot is frozen (one first learnt after it passed gives way only to the first word of
    a calendar that comes before it). A same-day entry of another calendar that adds the time is taken as the finer.
    `notice_days` bounds short notice.
    """
    known = [promise for promise in promises if promise.learnt <= now and says_something(promise)]
    walk = _Walk(release.calendars, notice_days)
    for promise in sorted(known, key=lambda each: (each.learnt, walk.rank(each), each.calendar)):
        walk.take(promise)
    return walk.outcome()


class _Walk:
    """The ledger as far as it has been walked."""

    def __init__(self, calendars: Sequence[str], notice_days: int) -> None:
        self._ranks = {calendar: rank for rank, calendar in enumerate(calendars)}
        self._notice_days = notice_days
        self._standing: dict[str, Promise] = {}
        self._later: dict[str, Promise] = {}
        self._current: Promise | None = None
        self._live: Promise | None = None
        self._first: Promise | None = None
        self._second: Promise | None = None
        self._short: ShortNotice | None = None
        self._given_up: list[Promise] = []
        self._in_doubt: list[Promise] = []
        self._shifted: dict[str, Promise] = {}
        self._apart: set[str] = set()
        self._events: list[LedgerEvent] = []
        self._learnt_after = False

    def rank(self, promise: Promise) -> int:
        """Return the place of a promise's calendar among those of the release; that which rules has the lowest."""
        return self._ranks.get(promise.calendar, len(self._ranks))

    def take(self, promise: Promise) -> None:
        """Go one promise further."""
        if self._current is None:
            self._begin(promise)
        elif self._is_frozen(promise):
            self._take_after_slot(promise)
        elif has_passed(promise.slot, promise.learnt) and not is_cancelled(promise):
            self._note(What.BACK_DATED, promise, self._current.slot)
            self._doubt(promise, promise.slot)
        elif self._is_zone_shift(promise):
            self._shifted[promise.calendar] = promise
        else:
            self._shifted.pop(promise.calendar, None)
            self._adopt(promise)

    def _is_zone_shift(self, promise: Promise) -> bool:
        before = self._standing.get(promise.calendar)
        if before is None or is_cancelled(before) or is_cancelled(promise):
            return False
        return is_zone_shift(before.slot, promise.slot)

    def _is_frozen(self, promise: Promise) -> bool:
        current = self._current
        if current is None or is_cancelled(current) or not has_passed(current.slot, promise.learnt):
            return False
        # A stale entry of a side calendar, never known while it lay ahead, must not shut out the ruling one.
        speaks_first = self.rank(promise) < self.rank(current) and promise.calendar not in self._standing
        return not (self._learnt_after and speaks_first and not has_passed(promise.slot, promise.learnt))

    def outcome(self) -> InForce:
        """Return what the walk found."""
        return InForce(
            promise=self._current,
            cancelled=self._current is not None and is_cancelled(self._current),
            moved_from=self._moved_from(),
            second=self._second,
            first_announced=self._first,
            short_notice=self._short,
            disagreements=tuple(sorted(self._differing(), key=lambda each: each.calendar)),
            agreeing=tuple(each for each in self._standing.values() if self._agrees(each)),
            learnt_after_slot=self._learnt_after,
            given_up=tuple(self._given_up),
            events=tuple(self._events),
            in_doubt=(*self._in_doubt, *(each for each in self._shifted.values() if self._is_of_current(each))),
        )

    def _begin(self, promise: Promise) -> None:
        self._first = promise
        is_past = has_passed(promise.slot, promise.learnt)
        self._note(What.FIRST_SEEN_AFTER_SLOT if is_past else What.ANNOUNCED, promise)
        if is_cancelled(promise):
            self._note(What.CANCELLED, promise)
        self._settle(promise)
        self._weigh_notice(None, promise)

    def _adopt(self, promise: Promise) -> None:
        old = self._standing.get(promise.calendar)
        for what in () if old is None else changes(old, promise):
            self._note(what, promise, None if old is None else old.slot)
        if old is None and is_cancelled(promise):
            self._note(What.CANCELLED, promise)
        self._settle(promise)
        # Only what altered the slot in force robbed anybody of notice; a second calendar's slip is a disagreement.
        if old is not None and self._is_current(promise):
            self._weigh_notice(old, promise)

    def _settle(self, promise: Promise) -> None:
        is_change = promise.calendar in self._standing
        self._standing[promise.calendar] = promise
        chosen = self._chosen()
        if is_cancelled(chosen) and chosen.slot.precision is Precision.NONE and self._live is not None:
            chosen = replace(chosen, slot=self._live.slot)
        if not is_cancelled(chosen):
            # A ruling calendar that speaks for the first time takes nothing back: it disagrees.
            if is_change and self._live is not None and not _keeps(chosen.slot, self._live.slot):
                self._given_up.append(self._live)
            self._live = chosen
        self._current = chosen
        self._learnt_after = has_passed(chosen.slot, chosen.learnt)
        self._compare_calendars(promise)

    def _chosen(self) -> Promise:
        standing = self._standing.values()
        base = min(standing, key=self.rank)
        if base.slot.precision is not Precision.DAY or is_cancelled(base):
            return base
        return next((each for each in standing if _adds_the_time(each, base)), base)

    def _agrees(self, promise: Promise) -> bool:
        current = self._current
        if current is None or promise.calendar == current.calendar or is_cancelled(promise):
            return False
        return promise.slot.says_same_as(current.slot)

    def _is_of_current(self, promise: Promise) -> bool:
        return self._current is not None and self._current.calendar == promise.calendar

    def _is_current(self, promise: Promise) -> bool:
        current = self._current
        return current is not None and (current.calendar, current.learnt) == (promise.calendar, promise.learnt)

    def _weigh_notice(self, old: Promise | None, promise: Promise) -> None:
        short = short_notice(old, promise, self._notice_days)
        if short is not None:
            self._short = short
            self._note(What.SHORT_NOTICE, promise, None if old is None else old.slot, f"{short.days} days")

    def _compare_calendars(self, promise: Promise) -> None:
        differing = {each.calendar: each for each in self._differing()}
        for calendar in sorted(differing.keys() - self._apart):
            ruling = self._current.slot if self._current is not None else None
            self._note(What.CALENDARS_DISAGREE, promise, ruling, calendar, differing[calendar].slot)
        self._apart = set(differing)

    def _differing(self) -> list[Promise]:
        current = self._current
        if current is None:
            return []
        return [
            each for each in self._standing.values() if each.calendar != current.calendar and _differ(current, each)
        ]

    def _take_after_slot(self, promise: Promise) -> None:
        current = self._current
        before = self._later.get(promise.calendar, self._standing.get(promise.calendar))
        self._later[promise.calendar] = promise
        if current is None or (before is not None and not changes(before, promise)):
            return
        self._doubt(promise, current.slot)
        if not is_cancelled(promise) and not slot_changes(current.slot, promise.slot):
            self._drop_second(promise.calendar)
        elif has_passed(promise.slot, promise.learnt) and not is_cancelled(promise):
            self._note(What.BACK_DATED, promise, current.slot)
        else:
            self._second = promise
            self._note(What.CHANGED_AFTER_SLOT, promise, current.slot)

    def _doubt(self, promise: Promise, slot: Slot) -> None:
        """Note a word that may have come before `slot` passed: no read in between shows that it had not."""
        before, current = self._standing.get(promise.calendar), self._current
        if before is None or current is None or promise.calendar != current.calendar:
            return
        since = max(filter(None, (promise.unlearnt, before.confirmed_at, before.learnt)))
        if changes(current, promise) and not has_passed(slot, since):
            self._in_doubt.append(promise)

    def _drop_second(self, calendar: str) -> None:
        if self._second is not None and self._second.calendar == calendar:
            self._second = None

    def _moved_from(self) -> Promise | None:
        slot = None if self._current is None else self._current.slot
        begins = None if slot is None else slot.begins()
        earlier = [each for each in self._given_up if _ends_by(each.slot, begins)]
        newest = earlier or self._given_up
        return newest[-1] if newest else None

    def _note(
        self, what: What, promise: Promise, before: Slot | None = None, detail: str = "", after: Slot | None = None
    ) -> None:
        self._events.append(event_of(what, promise, before, detail, after))


def _adds_the_time(other: Promise, base: Promise) -> bool:
    sure = other.doubt is None and other.slot.doubt is None and not is_cancelled(other)
    return sure and other.slot.precision is Precision.INSTANT and is_inside(other.slot, base.slot)


def _keeps(new: Slot, old: Slot) -> bool:
    """Tell whether a new slot still promises at least what the old one did."""
    return old.precision is Precision.NONE or is_inside(new, old)


def _differ(one: Promise, other: Promise) -> bool:
    if is_cancelled(one) or is_cancelled(other):
        return is_cancelled(one) != is_cancelled(other)
    if Precision.NONE in (one.slot.precision, other.slot.precision):
        return False
    return not (is_inside(one.slot, other.slot) or is_inside(other.slot, one.slot))


def _ends_by(slot: Slot, limit: datetime | None) -> bool:
    end = slot.passes()
    return limit is None or (end is not None and end <= limit)
