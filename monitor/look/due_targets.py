"""The looks of one host: which are due, and which goes first. Pure; times are given."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from math import inf, sqrt

from monitor.look.scheduled import Rank, ScheduledTarget
from monitor.look.sweeps import Sweeps
from monitor.plan.addresses import is_witness
from monitor.plan.budget import Key, gap, spacings, stretch
from monitor.plan.proof import Need
from monitor.plan.targets import View

_SHARED_EVERY = 0.5
_FORESEEN = timedelta(seconds=60)
_MOVED_EVERY = timedelta(seconds=1)
_KEPT_FREE = timedelta(seconds=0.5)
"""Shortly before its promised instant a target is not looked at: that look would stand in the way of the promised."""


@dataclass(slots=True, eq=False)
class _Entry:
    """One target's place among them; what `stands` no more stays in its heap until it comes up."""

    watched: ScheduledTarget
    key: Key
    rank: Rank
    number: int
    need: Need | None = None
    is_ready: bool = False
    counts: bool = False
    stands: bool = True


@dataclass(slots=True, eq=False)
class _Group:
    """Targets of the same spacing and chance: of these the one looked at longest ago goes first.

    `spacing` is in seconds, the one wanted or what the budget allows of it.
    """

    spacing: float
    count: int = 0
    ready: list[tuple[float, Rank, int, _Entry]] = field(default_factory=list)


class DueTargets:
    """The targets of one host by when they are due.

    The most overdue goes first, in proportion to its spacing; where `rate` (looks a second) cannot carry
    all, to the spacing that its share allows. A look at its promised instant goes before all others; of several
    at one instant the one most overdue in proportion to its chance goes first. Near a slot whose looks the rate
    cannot carry, those that prove it go by their sweep (`sweeps`). What may be looked at more often than it is due is
    looked at when nothing else is.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.sweeps = Sweeps()
        self._swept: dict[str, _Entry] = {}
        self._head: _Entry | None = None
        self._free: list[tuple[datetime, Rank, int, _Entry]] = []
        self._entries: dict[str, _Entry] = {}
        self._waiting: list[tuple[datetime, Rank, int, _Entry]] = []
        self._instants: list[tuple[datetime, Rank, int, _Entry]] = []
        self._moved = datetime.min.replace(tzinfo=UTC)
        self._promised = _Group(1.0)
        self._groups: dict[Key, _Group] = {}
        self._keys: dict[Key, Key] = {}
        self._numbers = itertools.count()
        self._shared = self._considered = -inf
        self.ready = 0

    def put(self, watched: ScheduledTarget, now: datetime) -> None:
        """Enter a target for its due instant, in place of an earlier entry."""
        if watched.target.id in self._entries:
            self.take_off(watched.target.id)
        if watched.due is None or watched.window is None:
            return
        window = watched.window
        key = (window.every.total_seconds(), window.chance)
        # Targets of one group share its key, of which there would be one for each.
        key = self._keys.setdefault(key, key)
        entry = _Entry(watched, key, watched.rank, next(self._numbers))
        self._entries[watched.target.id] = entry
        heappush(self._waiting, (watched.due, entry.rank, entry.number, entry))
        if watched.instant is not None and timedelta() <= watched.instant - watched.due < _FORESEEN:
            heappush(self._instants, (watched.instant, entry.rank, entry.number, entry))
        if watched.due - now <= window.every:
            self._count(entry)
        free_at = None if window.free is None else watched.free_at()
        if free_at is not None and free_at < watched.due:
            heappush(self._free, (free_at, entry.rank, entry.number, entry))

    def take_off(self, target: str) -> None:
        """Take a target off, due or not."""
        entry = self._entries.pop(target, None)
        if entry is None:
            return
        entry.stands = False
        if self._swept:
            self._swept.pop(target, None)
        self.ready -= entry.is_ready
        if entry.counts:
            self._groups[entry.key].count -= 1

    def ripen(self, now: datetime, mono: float) -> None:
        """Let those whose instant has come be ready; one whose last look still flies waits for its landing."""
        if self.ready and now >= self._moved + _MOVED_EVERY:
            self._move_on(now)
        if mono - self._considered >= _SHARED_EVERY:
            self._consider(now, mono)
        while self._waiting and (self._waiting[0][0] <= now or not self._waiting[0][3].stands):
            due, rank, number, entry = heappop(self._waiting)
            watched = entry.watched
            if not entry.stands or watched.is_flying:
                # A landing puts it here again; until then its host is kept free for its promised instant.
                continue
            if not entry.counts:
                self._count(entry)
            if self.sweeps.is_on and watched.proof is None and is_witness(watched.target.part) and self.sweeps.holds():
                heappush(self._waiting, (now + _MOVED_EVERY, rank, number, entry))
                continue
            if watched.proof is not None and self.sweeps.takes(watched.proof, now):
                self._swept[watched.target.id] = entry
                continue
            last = watched.last if watched.last is not None else mono - entry.key[0] - (now - due).total_seconds()
            heappush(self._groups[entry.key].ready, (last, rank, number, entry))
            entry.is_ready = True
            self.ready += 1
        while self._instants and self._instants[0][0] <= now:
            _, rank, number, entry = heappop(self._instants)
            if entry.is_ready and entry.stands:
                heappush(self._promised.ready, (self._place(entry, mono), rank, number, entry))

    def _consider(self, now: datetime, mono: float) -> None:
        """Decide now and then whether looks go by sweeps, and have those that wait do as was decided."""
        self._considered = mono
        if self.sweeps.consider(now, gap(self.rate), is_stretched=self.demand() > self.rate):
            ready = [one.watched for one in self._entries.values() if one.is_ready]
            for watched in (*ready, *(one.watched for one in self._swept.values())):
                self.put(watched, now)

    def _move_on(self, now: datetime) -> None:
        """Have those that still wait when their window ends wait for the next one's spacing, and not for the old."""
        self._moved = now
        waiting = [entry.watched for entry in self._entries.values() if entry.is_ready]
        for watched in waiting:
            if watched.window is not None and watched.window.ends <= now and watched.enter(now):
                self.put(watched, now)

    def has_look(self, now: datetime, gap: timedelta) -> bool:
        """Tell whether a look can be made now; one begins every `gap`."""
        if (self._swept or self._head is not None) and self._next_swept_entry(now, gap) is not None:
            return True
        if self.ready > 0:
            return True
        return bool(self._swept or self._free) and self._spare(now) is not None

    def pick(self, now: datetime, mono: float) -> ScheduledTarget | None:
        """Take off the one to look at now, None when none is ready."""
        is_swept = self._head is not None and self._sweep_goes_first(is_other_due=self.ready > 0)
        first = self._head if is_swept else None
        if first is not None and first.need is not None:
            self.sweeps.begin(first.need, now)
            self._head = None
        else:
            first = self._pick_other(now, mono)
        if first is not None:
            self.take_off(first.watched.target.id)
        return first.watched if first else None

    def _pick_other(self, now: datetime, mono: float) -> _Entry | None:
        first = self._first(self._promised) if self._promised.ready else None
        while first is None and (head := self._most_overdue(mono)) is not None:
            is_put_off = head.watched.instant is not None and self._waits_for_its_instant(head, now)
            first = None if is_put_off else head
        if first is not None:
            self.sweeps.repaid()
        return first or self._spare(now)

    def _sweep_goes_first(self, *, is_other_due: bool) -> bool:
        return self._head is not None and not (is_other_due and self.sweeps.owes())

    def _next_swept_entry(self, now: datetime, gap: timedelta) -> _Entry | None:
        """Return the entry that the sweep over its host looks at next, None if none waits."""
        if self._head is not None and self._swept.get(self._head.watched.target.id) is not self._head:
            self._head = None
        if self._head is None and self._swept:
            need = self.sweeps.next(now, gap, lambda one: self._entry_of(one) is not None)
            self._head = None if need is None else self._entry_of(need)
            if self._head is not None:
                self._head.need = need
        return self._head

    def _entry_of(self, need: Need) -> _Entry | None:
        """Return what waits for a look at a part: the view that is wanted, or else what users get."""
        return self._swept.get(f"{need.id}/{need.view}") or self._swept.get(f"{need.id}/{View.EDGE}")

    def _spare(self, now: datetime) -> _Entry | None:
        """Return the look that is made where no other is due."""
        # What a sweep leaves goes to the origins of its parts, asked longest ago first.
        origins = (
            one for one in self._swept.values() if self.sweeps.awaits_origin(one.watched.target, one.watched.proof)
        )
        oldest = min(origins, key=lambda one: -inf if one.watched.last is None else one.watched.last, default=None)
        while self._free and (not (entry := self._free[0][3]).stands or entry.watched.is_flying):
            heappop(self._free)
        return oldest or (self._free[0][3] if self._free and self._free[0][0] <= now else None)

    def _waits_for_its_instant(self, head: _Entry, now: datetime) -> bool:
        """Put off the head of a group which, looked at now, might still be under way when its instant comes."""
        instant = head.watched.instant
        if instant is None or not timedelta() < instant - now < _KEPT_FREE:
            return False
        heappop(self._groups[head.key].ready)
        heappush(self._waiting, (instant, head.rank, head.number, head))
        head.is_ready = False
        self.ready -= 1
        return True

    def _place(self, entry: _Entry, mono: float) -> float:
        last = entry.watched.last
        return -inf if last is None else (last - mono) * sqrt(entry.key[1])

    def lag(self, mono: float) -> float:
        """Return how overdue the next to be picked is, in spacings; infinite for a promised look, 0 for none."""
        if self._sweep_goes_first(is_other_due=True) or self._first(self._promised) is not None:
            return inf
        heads = ((group, self._first(group)) for group in self._groups.values())
        return max(((mono - group.ready[0][0]) / group.spacing for group, head in heads if head), default=0.0)

    def next_due(self, now: datetime) -> datetime | None:
        """Return when the next one can be looked at."""
        due = self._next(self._waiting)
        if not (self._free or self._swept):
            return due
        idle = self.sweeps.idle_until(now) if self._swept else None
        return min((head for head in (due, self._next(self._free), idle) if head is not None), default=None)

    def next_instant(self) -> datetime | None:
        """Return the next promised instant, None while looks go by sweeps."""
        return self._next(self._instants) if self._instants and not self.sweeps.is_on else None

    def demand(self) -> float:
        """Return the looks a second that are wanted now."""
        return sum(group.count / key[0] for key, group in self._groups.items())

    def stretch(self) -> float:
        """Return by how much the budget spreads the looks out."""
        return stretch(self.demand(), self.rate)

    def _most_overdue(self, mono: float) -> _Entry | None:
        if mono - self._shared >= _SHARED_EVERY:
            self._share(mono)
        best, most = None, -inf
        for group in self._groups.values():
            head = self._first(group)
            if head is None:
                continue
            lag = (mono - group.ready[0][0]) / group.spacing
            if lag > most or (lag == most and best is not None and head.rank < best.rank):
                best, most = head, lag
        return best

    def _share(self, mono: float) -> None:
        self._shared = mono
        self._groups = {key: group for key, group in self._groups.items() if group.count or group.ready}
        counts = {key: group.count for key, group in self._groups.items()}
        for key, spacing in spacings(counts, self.rate).items():
            self._groups[key].spacing = spacing

    def _count(self, entry: _Entry) -> None:
        entry.counts = True
        group = self._groups.get(entry.key)
        if group is None:
            group = self._groups[entry.key] = _Group(entry.key[0])
        group.count += 1

    def _first(self, group: _Group) -> _Entry | None:
        while group.ready and not group.ready[0][3].stands:
            heappop(group.ready)
        return group.ready[0][3] if group.ready else None

    def _next(self, heap: list[tuple[datetime, Rank, int, _Entry]]) -> datetime | None:
        while heap and not heap[0][3].stands:
            heappop(heap)
        return heap[0][0] if heap else None


def seconds_until(instant: datetime, now: datetime) -> float:
    """Return the seconds from `now` to `instant`, negative when it has passed."""
    return (instant - now) / timedelta(seconds=1)
