"""When a target is looked at: phases around the slot, each with a spacing of looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from math import ceil

_MICRO = timedelta(microseconds=1)


SLOT = "slot"
"""The phase in which looks are closest, around the slot."""


@dataclass(frozen=True, slots=True)
class Phases:
    """When each phase begins or ends relative to the slot, and the spacing of looks in it.

    `…_from` are spans before the slot, `…_until` spans after it (for `settle` and `after`: after first
    seen). What is overdue is looked at every `overdue_free_every` as long as its host has nothing else to do, until
    `overdue_free_until`. `default_time` is the local time at which a day without a time is watched more closely, within
    `default_within` of it. A content-API twin is looked at `content_factor` times less often than its page,
    but no more often than `content_least`. The defaults are the table of the design.
    """

    far_from: timedelta = timedelta(days=14)
    far_every: timedelta = timedelta(minutes=5)
    ahead_from: timedelta = timedelta(days=7)
    ahead_every: timedelta = timedelta(seconds=60)
    near_from: timedelta = timedelta(minutes=60)
    near_every: timedelta = timedelta(seconds=15)
    slot_from: timedelta = timedelta(minutes=2)
    slot_until: timedelta = timedelta(minutes=10)
    slot_every: timedelta = timedelta(seconds=1)
    overdue_until: timedelta = timedelta(hours=2)
    overdue_every: timedelta = timedelta(seconds=5)
    overdue_then_every: timedelta = timedelta(seconds=60)
    overdue_free_every: timedelta = timedelta(seconds=0.9)
    overdue_free_until: timedelta = timedelta(hours=12)
    closes_after: timedelta = timedelta(days=14)
    settle_until: timedelta = timedelta(hours=1)
    settle_every: timedelta = timedelta(seconds=60)
    settle_parts_every: timedelta = timedelta(seconds=5)
    exposed_every: timedelta = timedelta(seconds=5)
    after_until: timedelta = timedelta(days=7)
    after_every: timedelta = timedelta(hours=1)
    day_every: timedelta = timedelta(seconds=60)
    span_every: timedelta = timedelta(minutes=5)
    default_time: time = time(9, 30)
    default_within: timedelta = timedelta(minutes=10)
    content_factor: int = 5
    content_least: timedelta = timedelta(seconds=5)
    tripwire_every: timedelta = timedelta(seconds=60)


DEFAULT_PHASES = Phases()


@dataclass(frozen=True, slots=True)
class Window:
    """Looks at `begins`, `begins + every`, … as long as they fall before `ends`.

    `exact` windows are never shifted: one of their due instants is the slot itself. `chance` weighs the
    target beside others that want to be looked at as often (`monitor.plan.windows`). Where the host's budget has
    nothing else to do, one view or another may be looked at every `free`.
    """

    name: str
    begins: datetime
    ends: datetime
    every: timedelta
    exact: bool = False
    chance: float = 1.0
    free: timedelta | None = None


def next_due(windows: Sequence[Window], after: datetime, shift: timedelta = timedelta()) -> datetime | None:
    """Return the first due instant later than `after`; None when no window is left.

    `windows` are in time order and do not overlap. `shift` moves every due instant of a window that is
    not `exact`, by less than its spacing, so that targets of one host do not fall due together.
    """
    for window in windows:
        if window.ends <= after:
            continue
        first = window.begins if window.exact else window.begins + shift % window.every
        steps = max(0, ceil((after - first + _MICRO) / window.every))
        due = first + steps * window.every
        if due < window.ends:
            return due
    return None


def window_at(windows: Sequence[Window], now: datetime) -> Window | None:
    """Return the window that holds `now`, None between windows."""
    for window in windows:
        if window.begins <= now < window.ends:
            return window
    return None


def dense_around(windows: Sequence[Window], others: Sequence[Window]) -> tuple[Window, ...]:
    """Return windows with those around the slots of `others` in the place of looser ones, in time order, no overlap."""
    kept = list(windows)
    for extra in (one for one in others if one.name == SLOT):
        for piece in _outside(extra, [one for one in kept if one.every <= extra.every]):
            kept = [*(part for one in kept for part in _outside(one, [piece])), piece]
    return tuple(sorted(kept, key=lambda one: one.begins))


def _outside(window: Window, others: Iterable[Window]) -> list[Window]:
    """Return the pieces of a window that lie in none of the others."""
    pieces = [window]
    for other in others:
        sides = ((one, one.begins, min(one.ends, other.begins)) for one in pieces)
        ends = ((one, max(one.begins, other.ends), one.ends) for one in pieces)
        pieces = [replace(one, begins=begin, ends=end) for one, begin, end in (*sides, *ends) if begin < end]
    return pieces


def on_grid(begins: datetime, anchor: datetime, every: timedelta) -> datetime:
    """Return the first instant not before `begins` that lies a whole number of spacings from `anchor`."""
    return begins + (anchor - begins) % every
