"""Decides which looks at one host are due, and which goes first."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from math import inf, sqrt
from typing import Any

from monitor.look.scheduled import Rank, ScheduledTarget
from monitor.look.sweeps import Sweeps
from monitor.plan.addresses import is_witness
from monitor.plan.budget import WantedSpacing, affordable_spacings, least_gap, stretch_factor
from monitor.plan.proof import PartProof
from monitor.plan.targets import View

_UPDATE_SECONDS = 0.5
_FORESEEN = timedelta(seconds=60)
"""The host is kept free for a promised instant at most this long after the target is due."""
_RECHECK_EVERY = timedelta(seconds=1)
_NO_LOOK_BEFORE_PROMISE = timedelta(seconds=0.5)
"""No look so shortly before a promised instant, because it might delay the promised one."""


class _Reason(IntEnum):
    """Why a target waits for an instant."""

    DUE = 0
    PROMISED = 1
    IDLE = 2


@dataclass(slots=True, eq=False)
class _Entry:
    """A target that waits for its look.

    `is_ready`: due. `is_counted`: in the demand of its group. `part`: chosen by a sweep. One that
    is not `is_current` was removed: it stays in its heaps, and is skipped.
    """

    watched: ScheduledTarget
    group_key: WantedSpacing
    rank: Rank
    number: int
    promised_at: datetime | None = None
    part: PartProof | None = None
    is_ready: bool = False
    is_counted: bool = False
    is_current: bool = True


@dataclass(slots=True, eq=False)
class _Group:
    """The `count` targets that want the same spacing and have the same chance of a change.

    The `ready` one with the oldest last look goes first. `spacing` is the affordable one in
    seconds.
    """

    spacing: float
    count: int = 0
    ready: list[tuple[float, Rank, int, _Entry]] = field(default_factory=list)


class DueTargets:
    """The targets of one host, by when they are due.

    A target at its promised instant goes first, then the most overdue in proportion to the spacing
    that `rate` can afford. `sweeps` decide instead if the rate is too low near a slot. An idle host
    may look early. Methods take `now` by the wall clock, and the same as `mono`, in monotonic
    seconds.
    """

    def __init__(self, rate: float) -> None:
        """Begin without targets. `rate` is in looks a second."""
        self.rate = rate
        self.sweeps = Sweeps()
        self.ready = 0  # due, and not planned by a sweep
        self._entries: dict[str, _Entry] = {}  # by the id of their target
        # All instants that entries wait for, and how often each promised one.
        self._waiting: list[tuple[datetime, _Reason, Rank, int, _Entry]] = []
        self._promised: Counter[datetime] = Counter()
        # Entries that an idle host may look at now.
        self._idle: list[tuple[datetime, Rank, int, _Entry]] = []
        # Due entries that a sweep plans, by target id, and the next of them.
        self._swept: dict[str, _Entry] = {}
        self._next_swept: _Entry | None = None
        # At a promised instant, due entries are also in this heap, the most urgent first.
        self._promised_ready: list[tuple[float, Rank, int, _Entry]] = []
        self._groups: dict[WantedSpacing, _Group] = {}
        self._group_keys: dict[WantedSpacing, WantedSpacing] = {}
        self._entry_numbers = itertools.count()
        self._windows_checked_at = datetime.min.replace(tzinfo=UTC)
        self._rate_shared_at = self._sweeps_updated_at = -inf

    def schedule(self, watched: ScheduledTarget, now: datetime) -> None:
        """Let a target wait for its next look, in place of an earlier one."""
        if watched.target.id in self._entries:
            self.remove(watched.target.id)
        if watched.due is None or watched.window is None:
            return
        window = watched.window
        group_key = WantedSpacing(window.every.total_seconds(), window.chance)
        # Thousands of targets share a few objects.
        group_key = self._group_keys.setdefault(group_key, group_key)
        entry = _Entry(watched, group_key, watched.rank, next(self._entry_numbers))
        self._entries[watched.target.id] = entry
        self._push_waiting(watched.due, _Reason.DUE, entry)
        if (
            watched.promised_at is not None
            and timedelta() <= watched.promised_at - watched.due < _FORESEEN
        ):
            entry.promised_at = watched.promised_at
            self._promised[watched.promised_at] += 1
            self._push_waiting(watched.promised_at, _Reason.PROMISED, entry)
        if watched.due - now <= window.every:
            # One that is due later needs no share of the budget yet.
            self._count_in_group(entry)
        idle_look = None
        if window.every_if_idle is not None:
            idle_look = watched.next_look_if_idle()
        if idle_look is not None and idle_look < watched.due:
            self._push_waiting(idle_look, _Reason.IDLE, entry)

    def _push_waiting(self, instant: datetime, reason: _Reason, entry: _Entry) -> None:
        heappush(self._waiting, (instant, reason, entry.rank, entry.number, entry))

    def _end_promise(self, entry: _Entry) -> None:
        if entry.promised_at is None:
            return
        self._promised[entry.promised_at] -= 1
        if not self._promised[entry.promised_at]:
            del self._promised[entry.promised_at]
        entry.promised_at = None

    def remove(self, target: str) -> None:
        """Remove a target, whether it is due or not."""
        entry = self._entries.pop(target, None)
        if entry is None:
            return
        entry.is_current = False
        self._end_promise(entry)
        self._swept.pop(target, None)
        if entry is self._next_swept:
            self._next_swept = None
        if entry.is_ready:
            self.ready -= 1
        if entry.is_counted:
            self._groups[entry.group_key].count -= 1

    def choose(
        self, now: datetime, mono: float, gap: timedelta, *, is_request_waiting: bool
    ) -> None:
        """Make the targets that are due now ready for `take_next`, promised ones first.

        `gap` is the time between the starts of two looks. The next swept target is chosen unless
        another request waits for its turn.
        """
        if self.ready and now >= self._windows_checked_at + _RECHECK_EVERY:
            self._move_to_next_windows(now)
        if mono - self._sweeps_updated_at >= _UPDATE_SECONDS:
            self._update_sweeps(now, mono)
        while self._waiting and self._waiting[0][0] <= now:
            instant, reason, *_, entry = heappop(self._waiting)
            if not entry.is_current:
                continue
            if reason is _Reason.DUE:
                self._place_due_entry(entry, instant, now, mono)
            elif reason is _Reason.IDLE:
                heappush(self._idle, (instant, entry.rank, entry.number, entry))
            else:
                self._end_promise(entry)
                # Else its look is under way, planned by a sweep, or postponed.
                if entry.is_ready:
                    self._put_promised_first(entry, mono)
        if self._swept and self._next_swept is None and not is_request_waiting:
            self._choose_next_swept(now, gap)

    def _place_due_entry(self, entry: _Entry, due: datetime, now: datetime, mono: float) -> None:
        """Make a due entry ready in its group, leave its look to the sweeps, or postpone it."""
        watched = entry.watched
        if watched.is_under_way:
            return  # the end of this look schedules the target again
        if not entry.is_counted:
            self._count_in_group(entry)
        if (
            watched.goal is None
            and self.sweeps.delays_witnesses()
            and is_witness(watched.target.part)
        ):
            # Pages close to their slot need all looks.
            self._push_waiting(now + _RECHECK_EVERY, _Reason.DUE, entry)
        elif watched.goal is not None and self.sweeps.plans_looks_for(watched.goal, now):
            self._swept[watched.target.id] = entry
        else:
            wanted_seconds = entry.group_key.every
            last = watched.last_look_mono
            if last == -inf:
                # As if its last look had been one spacing before it was due.
                last = mono - wanted_seconds - (now - due).total_seconds()
            heappush(self._groups[entry.group_key].ready, (last, entry.rank, entry.number, entry))
            entry.is_ready = True
            self.ready += 1

    def _put_promised_first(self, entry: _Entry, mono: float) -> None:
        seconds_since_look = mono - entry.watched.last_look_mono
        # The square root: see `docs/decides.md#if-a-budget-is-too-small`.
        urgency = seconds_since_look * sqrt(entry.group_key.chance)
        heappush(self._promised_ready, (-urgency, entry.rank, entry.number, entry))

    def _update_sweeps(self, now: datetime, mono: float) -> None:
        """Decide whether sweeps plan looks, and schedule ready targets again if that changed."""
        self._sweeps_updated_at = mono
        if self.sweeps.update(now, least_gap(self.rate), is_overloaded=self.demand() > self.rate):
            ready = [entry.watched for entry in self._entries.values() if entry.is_ready]
            for watched in (*ready, *(entry.watched for entry in self._swept.values())):
                self.schedule(watched, now)

    def _move_to_next_windows(self, now: datetime) -> None:
        """Schedule ready targets again whose window has ended."""
        self._windows_checked_at = now
        for watched in [entry.watched for entry in self._entries.values() if entry.is_ready]:
            if (
                watched.window is not None
                and watched.window.ends <= now
                and watched.enter_window(now)
            ):
                self.schedule(watched, now)

    def has_look(self) -> bool:
        """Return whether a look can be made now."""
        return self._next_swept is not None or self.ready > 0 or self._find_idle_look() is not None

    def take_next(self, now: datetime, mono: float) -> ScheduledTarget | None:
        """Remove and return the target to look at now, or None."""
        # After some looks of the sweeps, another due look goes first.
        entry = None
        if self._sweep_goes_first(is_other_due=self.ready > 0):
            entry = self._next_swept
        if entry is not None and entry.part is not None:
            self.sweeps.record_start(entry.part, now)
        else:
            entry = self._choose_other(now, mono)
        if entry is None:
            return None
        self.remove(entry.watched.target.id)
        return entry.watched

    def _choose_other(self, now: datetime, mono: float) -> _Entry | None:
        """Return the entry of the next look outside the sweeps, promised ones first, or None."""
        chosen = self._first_in(self._promised_ready)
        # Each postponed entry leaves the due ones.
        while chosen is None:
            most_overdue = self._most_overdue(mono)
            if most_overdue is None:
                return self._find_idle_look()  # not due yet, but the host is idle
            was_postponed = self._postpone_to_promise(most_overdue, now)
            if not was_postponed:
                chosen = most_overdue
        self.sweeps.record_other_request()
        return chosen

    def _sweep_goes_first(self, *, is_other_due: bool) -> bool:
        """Return whether the next look is one of a sweep."""
        return self._next_swept is not None and not (is_other_due and self.sweeps.owes_a_look())

    def _choose_next_swept(self, now: datetime, gap: timedelta) -> None:
        """Choose the entry that a sweep looks at next, if any waits."""
        next_part = self.sweeps.next_part(
            now, gap, is_ready=lambda part: self._find_entry(part) is not None
        )
        entry = None
        if next_part is not None:
            entry = self._find_entry(next_part)
        if entry is not None:
            entry.part = next_part
            self._next_swept = entry

    def _find_entry(self, part: PartProof) -> _Entry | None:
        """Return the waiting entry of a part in its next view, else at the edge, else None."""
        return self._swept.get(f"{part.id}/{part.next_view}") or self._swept.get(
            f"{part.id}/{View.EDGE}"
        )

    def _find_idle_look(self) -> _Entry | None:
        """Return an entry to look at while no look is due, or None.

        A swept origin view of an awaited part is first, then a target that may have an early look.
        """
        origins = [
            entry
            for entry in self._swept.values()
            if self.sweeps.is_awaited_origin_view(entry.watched)
        ]
        if origins:
            return min(origins, key=lambda entry: entry.watched.last_look_mono)
        while (entry := self._first_in(self._idle)) is not None and entry.watched.is_under_way:
            heappop(self._idle)  # the end of its look schedules it
        return entry

    def _postpone_to_promise(self, first: _Entry, now: datetime) -> bool:
        """Postpone the first entry of a group to its promised instant, if that is near.

        Return whether it was.
        """
        promised_at = first.watched.promised_at
        if promised_at is None or not timedelta() < promised_at - now < _NO_LOOK_BEFORE_PROMISE:
            return False
        heappop(self._groups[first.group_key].ready)
        self._push_waiting(promised_at, _Reason.DUE, first)
        first.is_ready = False
        self.ready -= 1
        return True

    def lag(self, mono: float) -> float:
        """Return how many spacings the next target is overdue: inf if promised, 0 if
        none is due.
        """
        if (
            self._sweep_goes_first(is_other_due=True)
            or self._first_in(self._promised_ready) is not None
        ):
            return inf
        return max((lag for lag, _ in self._first_of_groups(mono)), default=0.0)

    def next_due(self, now: datetime) -> datetime | None:
        """Return when the next look can be made, None if no target waits."""
        while self._waiting and not self._waiting[0][-1].is_current:
            heappop(self._waiting)
        instants = (
            self._waiting[0][0] if self._waiting else None,
            self._idle[0][0] if self._first_in(self._idle) else None,
            self.sweeps.idle_until(now) if self._swept else None,
        )
        return min((instant for instant in instants if instant is not None), default=None)

    def next_promised(self) -> datetime | None:
        """Return the next promised instant, None while sweeps plan the looks."""
        if self.sweeps.is_active:
            return None
        return min(self._promised, default=None)

    def demand(self) -> float:
        """Return the looks a second that are wanted now."""
        return sum(
            group.count / wanted_seconds for (wanted_seconds, _), group in self._groups.items()
        )

    def stretch(self) -> float:
        """Return how many times longer spacings are than wanted, at least 1.0."""
        return stretch_factor(self.demand(), self.rate)

    def _most_overdue(self, mono: float) -> _Entry | None:
        """Return the due entry with the most affordable spacings since its last look, or None."""
        if mono - self._rate_shared_at >= _UPDATE_SECONDS:
            self._share_rate(mono)
        most, first = -inf, None
        for spacings, entry in self._first_of_groups(mono):
            if spacings > most or (
                spacings == most and first is not None and entry.rank < first.rank
            ):
                most, first = spacings, entry
        return first

    def _first_of_groups(self, mono: float) -> Iterator[tuple[float, _Entry]]:
        """Yield the first ready entry of each group, after how many spacings it is overdue."""
        for group in self._groups.values():
            head = self._first_in(group.ready)
            if head is not None:
                yield (mono - group.ready[0][0]) / group.spacing, head

    def _share_rate(self, mono: float) -> None:
        self._rate_shared_at = mono
        self._groups = {
            wanted: group for wanted, group in self._groups.items() if group.count or group.ready
        }
        counts = {wanted: group.count for wanted, group in self._groups.items()}
        for wanted, spacing in affordable_spacings(counts, self.rate).items():
            self._groups[wanted].spacing = spacing

    def _count_in_group(self, entry: _Entry) -> None:
        entry.is_counted = True
        group = self._groups.get(entry.group_key)
        if group is None:
            group = self._groups[entry.group_key] = _Group(entry.group_key.every)
        group.count += 1

    def _first_in(self, heap: list[tuple[Any, Rank, int, _Entry]]) -> _Entry | None:
        """Drop removed entries of a heap. Return the first other one, or None."""
        while heap and not heap[0][3].is_current:
            heappop(heap)
        return heap[0][3] if heap else None
