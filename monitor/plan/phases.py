"""When a target is looked at: phases around the slot, each with a spacing of looks. `[watch]` sets their lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated

from pydantic import Field, model_validator

from monitor.plan.targets import MOST_PARTS
from schedules.values import Duration, Name, Spacing, Table, refuse_any

_MICRO = timedelta(microseconds=1)


class Every(Table):
    """A phase that begins `from` before the slot."""

    begins: Duration = Field(alias="from")
    every: Spacing


class SlotPhase(Table):
    """The phase around the slot itself."""

    begins: Duration = Field(default=timedelta(minutes=2), alias="from")
    until: Duration = timedelta(minutes=10)
    every: Spacing = timedelta(seconds=1)


class OverduePhase(Table):
    """From the end of the slot phase until the release is seen or the watch is closed.

    While the host's budget has nothing else to do, a look comes every `free_every`, until `free_until` after the slot.
    """

    every: Spacing = timedelta(seconds=5)
    until: Duration = timedelta(hours=2)
    then_every: Spacing = timedelta(seconds=60)
    free_every: Spacing = timedelta(milliseconds=900)
    free_until: Duration = timedelta(hours=12)
    close: Duration = timedelta(days=14)


class SettlePhase(Table):
    """After first seen, until every part has come."""

    every: Spacing = timedelta(seconds=60)
    parts_every: Spacing = timedelta(seconds=5)
    until: Duration = timedelta(hours=1)


class ExposedPhase(Table):
    """While something is out early."""

    every: Spacing = timedelta(seconds=5)


class AfterPhase(Table):
    """The days after, for a withdrawal or a swapped file."""

    every: Spacing = timedelta(hours=1)
    until: Duration = timedelta(days=7)


class TripwirePhase(Table):
    """Listings and feeds, at any hour."""

    every: Spacing = timedelta(seconds=60)


def _every(begins: str, every: str) -> Every:
    return Every.model_validate({"from": begins, "every": every})


class WatchSettings(Table):
    """When addresses are looked at: the table `[watch]`. The defaults are those of the design."""

    vantage: Name = "edge"
    origin_view: bool = True
    learn_addresses: bool = True
    most_parts: Annotated[int, Field(ge=1, le=1000)] = MOST_PARTS
    far: Every = _every("14d", "5m")
    ahead: Every = _every("7d", "60s")
    near: Every = _every("60m", "15s")
    slot: SlotPhase = SlotPhase()
    overdue: OverduePhase = OverduePhase()
    settle: SettlePhase = SettlePhase()
    exposed: ExposedPhase = ExposedPhase()
    after: AfterPhase = AfterPhase()
    tripwire: TripwirePhase = TripwirePhase()

    @model_validator(mode="after")
    def _phases_follow_each_other(self) -> WatchSettings:
        if not self.far.begins >= self.ahead.begins >= self.near.begins >= self.slot.begins:
            refuse_any([("", "far, ahead, near and slot must each begin later than the one before", None)])
        return self


DEFAULT_WATCH = WatchSettings()

Length = Callable[[WatchSettings], timedelta]
"""Read a length of time from the settings."""


def _no_least(_watch: WatchSettings) -> timedelta:
    return timedelta()


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a watch: when it is, how often targets are looked at in it, and which targets.

    `begins` and `ends` are distances from an instant slot, negative before it. They are None for a phase that
    `monitor/plan/windows.py` places otherwise: by a day, or by what has been seen.
    `polls_origin`: addresses are also looked at past the caches. `asks_witnesses`: an announcement and a listing are
    asked whether the release is out. `is_overdue`: the slot has passed and the target is still missing.
    `guess_least` is the least spacing of a predicted address. None: predicted addresses are not looked at.
    """

    name: str
    every: Length
    begins: Length | None = None
    ends: Length | None = None
    polls_origin: bool = False
    asks_witnesses: bool = False
    is_overdue: bool = False
    guess_least: Length | None = None


FAR = Phase(
    "far",
    every=lambda watch: watch.far.every,
    begins=lambda watch: -watch.far.begins,
    ends=lambda watch: -watch.ahead.begins,
    guess_least=_no_least,
)
AHEAD = Phase(
    "ahead",
    every=lambda watch: watch.ahead.every,
    begins=lambda watch: -watch.ahead.begins,
    ends=lambda watch: -watch.near.begins,
    guess_least=_no_least,
)
NEAR = Phase(
    "near",
    every=lambda watch: watch.near.every,
    begins=lambda watch: -watch.near.begins,
    ends=lambda watch: -watch.slot.begins,
    polls_origin=True,
    guess_least=_no_least,
)
EXPOSED = Phase("exposed", every=lambda watch: watch.exposed.every, polls_origin=True, guess_least=_no_least)
SLOT = Phase(
    "slot",
    every=lambda watch: watch.slot.every,
    begins=lambda watch: -watch.slot.begins,
    ends=lambda watch: watch.slot.until,
    polls_origin=True,
    asks_witnesses=True,
    guess_least=lambda watch: watch.near.every,
)
DAY = Phase("day", every=lambda _watch: timedelta(seconds=60), asks_witnesses=True, guess_least=_no_least)
SPAN = Phase("span", every=lambda _watch: timedelta(minutes=5), asks_witnesses=True, guess_least=_no_least)
OVERDUE = Phase(
    "overdue",
    every=lambda watch: watch.overdue.every,
    begins=lambda watch: watch.slot.until,
    ends=lambda watch: max(watch.slot.until, watch.overdue.until),
    polls_origin=True,
    asks_witnesses=True,
    is_overdue=True,
    guess_least=lambda watch: watch.settle.every,
)
LONG_OVERDUE = Phase(
    "overdue-then",
    every=lambda watch: watch.overdue.then_every,
    begins=lambda watch: max(watch.slot.until, watch.overdue.until),
    ends=lambda watch: watch.overdue.close,
    polls_origin=True,
    asks_witnesses=True,
    is_overdue=True,
)
SETTLE = Phase("settle", every=lambda watch: watch.settle.every, guess_least=lambda watch: watch.settle.every)
# A target that was public and is found absent or changed.
AGAIN = Phase("again", every=lambda watch: watch.settle.parts_every, polls_origin=True)
AFTER = Phase("after", every=lambda watch: watch.after.every)
TRIPWIRE = Phase("tripwire", every=lambda watch: watch.tripwire.every)

PHASES = (FAR, AHEAD, NEAR, EXPOSED, SLOT, DAY, SPAN, OVERDUE, LONG_OVERDUE, SETTLE, AGAIN, AFTER, TRIPWIRE)
"""Every phase; those with a distance from the slot are in time order."""
PHASE_NAMED = {phase.name: phase for phase in PHASES}


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
    for extra in (one for one in others if one.name == SLOT.name):
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
