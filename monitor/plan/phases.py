"""Phases around the slot, each with a spacing of looks, and the windows made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from monitor.plan.targets import MOST_PARTS
from schedules.values import (
    Duration,
    KeyFault,
    Name,
    Spacing,
    Table,
    at_least,
    at_most,
    find_shorter,
    quote_value,
    refuse_any,
    write_duration,
)


class EarlyPhase(Table):
    """A phase before the slot: it begins `from` before the slot and ends when the next phase
    begins.
    """

    begins: Duration = Field(alias="from")
    """How long before the slot the phase begins."""
    every: Spacing
    """Spacing of looks."""


class SlotPhase(Table):
    """Around the slot itself."""

    begins: Duration = Field(default=timedelta(minutes=2), alias="from")
    """How long before the slot the phase begins."""
    until: Duration = timedelta(minutes=10)
    """How long after the slot the phase ends."""
    every: Spacing = timedelta(seconds=1)
    """Spacing of looks. No first-seen interval is narrower."""


class OverduePhase(Table):
    """From the end of the slot phase until the page is seen or the watch ends."""

    every: Spacing = timedelta(seconds=5)
    """Spacing at first."""
    until: Duration = timedelta(hours=2)
    """How long after the slot that spacing ends."""
    then_every: Spacing = timedelta(seconds=60)
    """Spacing from then on."""
    free_every: Spacing = timedelta(milliseconds=900)
    """Spacing while the host's budget is otherwise idle, edge and origin in turn."""
    free_until: Duration = timedelta(hours=12)
    """How long after the slot `free_every` ends."""
    close: Duration = timedelta(days=14)
    """How long after the slot the watch ends: the release is `not_published`."""


class SettlePhase(Table):
    """After the release was first seen, until every part is out."""

    every: Spacing = timedelta(seconds=60)
    """Spacing for the page."""
    parts_every: Spacing = timedelta(seconds=5)
    """Spacing for parts that are still awaited."""
    until: Duration = timedelta(hours=1)
    """How long after first seen the phase ends."""


class ExposedPhase(Table):
    """While something is out early."""

    every: Annotated[Spacing, at_most(timedelta(hours=1))] = timedelta(seconds=5)
    """Spacing of looks, to date the end of it."""


class AfterPhase(Table):
    """The days after the release, to notice a withdrawal, a replaced file or a correction."""

    every: Spacing = timedelta(hours=1)
    """Spacing of looks."""
    until: Duration = timedelta(days=7)
    """How long after the slot the phase ends."""


class TripwirePhase(Table):
    """Listings and feeds, at any time of day."""

    every: Annotated[Duration, at_least(timedelta(seconds=1)), at_most(timedelta(days=1))] = (
        timedelta(seconds=60)
    )
    """Spacing of requests for each producer and host, from a second to a day. Several listings
    of one host take turns.
    """


class WatchSettings(Table):
    """When addresses are looked at. Each phase is a table of its own."""

    vantage: Name = "edge"
    """The name of this monitor. Monitors that share a store need different names."""
    origin_view: bool = True
    """Also look past caches, at every awaited required part and other addresses of a page. This
    doubles the looks around a slot.
    """
    learn_addresses: bool = True
    """Also look at addresses that follow from earlier editions: of files, and of pages elsewhere to
    which every edition links ([how](decides.md#before-the-page-is-out)).
    """
    most_parts: Annotated[int, Field(ge=1, le=1000)] = MOST_PARTS
    """The most parts of a release that are watched: required ones first, files that a page names
    last. More are the finding `parts_cut`.
    """
    far: EarlyPhase = EarlyPhase.model_validate({"from": "14d", "every": "5m"})
    """Long before the slot. Give both keys."""
    ahead: EarlyPhase = EarlyPhase.model_validate({"from": "7d", "every": "60s"})
    """The week before the slot. Give both keys."""
    near: EarlyPhase = EarlyPhase.model_validate({"from": "60m", "every": "15s"})
    """The hour before the slot. Give both keys."""
    slot: SlotPhase = SlotPhase()
    overdue: OverduePhase = OverduePhase()
    settle: SettlePhase = SettlePhase()
    exposed: ExposedPhase = ExposedPhase()
    after: AfterPhase = AfterPhase()
    tripwire: TripwirePhase = TripwirePhase()

    @model_validator(mode="after")
    def _phases_follow_each_other(self) -> WatchSettings:
        begins = {
            "far.from": self.far.begins,
            "ahead.from": self.ahead.begins,
            "near.from": self.near.begins,
            "slot.from": self.slot.begins,
        }
        faults = find_shorter("overdue.close", self.overdue.close, "slot.until", self.slot.until)
        for (key, length), (later_key, later_length) in pairwise(begins.items()):
            faults += find_shorter(key, length, later_key, later_length)
        refuse_any(faults)
        refuse_any(self._find_phases_without_looks())
        return self

    def _find_phases_without_looks(self) -> Iterator[KeyFault]:
        """Yield each spacing that is longer than its phase. One of no length needs no look."""
        slot, overdue, settle = self.slot, self.overdue, self.settle
        until_then = max(slot.until, overdue.until)
        phases = (
            ("far.every", self.far.every, self.far.begins - self.ahead.begins),
            ("ahead.every", self.ahead.every, self.ahead.begins - self.near.begins),
            ("near.every", self.near.every, self.near.begins - slot.begins),
            ("slot.every", slot.every, slot.begins + slot.until),
            ("overdue.every", overdue.every, until_then - slot.until),
            ("overdue.then_every", overdue.then_every, overdue.close - until_then),
            ("settle.every", settle.every, settle.until),
            ("settle.parts_every", settle.parts_every, settle.until),
            ("after.every", self.after.every, self.after.until),
        )
        for key, every, length in phases:
            if every > length > timedelta():
                reason = f"must not be longer than its phase ({write_duration(length)})"
                yield key, reason, quote_value(write_duration(every))


DEFAULT_WATCH = WatchSettings()

Length = Callable[[WatchSettings], timedelta]


def _no_minimum(_watch: WatchSettings) -> timedelta:
    return timedelta()


@dataclass(frozen=True, slots=True)
class Phase:
    """When a phase is, how often targets are looked at in it, and which.

    `begins` and `ends` are distances from an instant slot, negative before it, or None if `windows`
    places it by a day or earlier looks. `polls_origin`: also past the caches. `polls_witnesses`:
    also at announcement and index. `least_guess_spacing`: of predicted addresses, None for none.
    `is_close`: also around slots in other calendars, and no run of absences leaves it.
    `keeps_instants`: one look exactly at the slot. `limits_gaps`: a run may not bridge a much
    longer time without looks.
    """

    name: str
    every: Length
    begins: Length | None = None
    ends: Length | None = None
    polls_origin: bool = False
    polls_witnesses: bool = False
    is_overdue: bool = False
    least_guess_spacing: Length | None = None
    is_close: bool = False
    keeps_instants: bool = False
    limits_gaps: bool = False


FAR = Phase(
    "far",
    every=lambda watch: watch.far.every,
    begins=lambda watch: -watch.far.begins,
    ends=lambda watch: -watch.ahead.begins,
    least_guess_spacing=_no_minimum,
)
AHEAD = Phase(
    "ahead",
    every=lambda watch: watch.ahead.every,
    begins=lambda watch: -watch.ahead.begins,
    ends=lambda watch: -watch.near.begins,
    least_guess_spacing=_no_minimum,
)
NEAR = Phase(
    "near",
    every=lambda watch: watch.near.every,
    begins=lambda watch: -watch.near.begins,
    ends=lambda watch: -watch.slot.begins,
    polls_origin=True,
    least_guess_spacing=_no_minimum,
)
EXPOSED = Phase(
    "exposed",
    every=lambda watch: watch.exposed.every,
    polls_origin=True,
    least_guess_spacing=_no_minimum,
)
SLOT = Phase(
    "slot",
    every=lambda watch: watch.slot.every,
    begins=lambda watch: -watch.slot.begins,
    ends=lambda watch: watch.slot.until,
    polls_origin=True,
    polls_witnesses=True,
    least_guess_spacing=lambda watch: watch.near.every,
    is_close=True,
    keeps_instants=True,
)
DAY = Phase(
    "day",
    every=lambda _watch: timedelta(seconds=60),
    polls_witnesses=True,
    least_guess_spacing=_no_minimum,
)
SPAN = Phase(
    "span",
    every=lambda _watch: timedelta(minutes=5),
    polls_witnesses=True,
    least_guess_spacing=_no_minimum,
)
OVERDUE = Phase(
    "overdue",
    every=lambda watch: watch.overdue.every,
    begins=lambda watch: watch.slot.until,
    ends=lambda watch: max(watch.slot.until, watch.overdue.until),
    polls_origin=True,
    polls_witnesses=True,
    is_overdue=True,
    least_guess_spacing=lambda watch: watch.settle.every,
)
LONG_OVERDUE = Phase(
    "overdue-then",
    every=lambda watch: watch.overdue.then_every,
    begins=lambda watch: max(watch.slot.until, watch.overdue.until),
    ends=lambda watch: watch.overdue.close,
    polls_origin=True,
    polls_witnesses=True,
    is_overdue=True,
)
SETTLE = Phase(
    "settle",
    every=lambda watch: watch.settle.every,
    least_guess_spacing=lambda watch: watch.settle.every,
)
# Its last look may be days old, and its content may have changed since.
AGAIN = Phase(
    "again", every=lambda watch: watch.settle.parts_every, polls_origin=True, limits_gaps=True
)
AFTER = Phase("after", every=lambda watch: watch.after.every)
TRIPWIRE = Phase("tripwire", every=lambda watch: watch.tripwire.every)

PHASES = (
    FAR,
    AHEAD,
    NEAR,
    EXPOSED,
    SLOT,
    DAY,
    SPAN,
    OVERDUE,
    LONG_OVERDUE,
    SETTLE,
    AGAIN,
    AFTER,
    TRIPWIRE,
)
"""Every phase."""


@dataclass(frozen=True, slots=True)
class Window:
    """Looks at `begins`, `begins + every`, … before `ends`.

    `is_unshifted`: all due instants are kept, because one is the slot. `chance`: see
    `windows.chance_of`. `every_if_idle`: spacing of all views together while the host has no other
    looks due, None for `every`.
    """

    phase: Phase
    begins: datetime
    ends: datetime
    every: timedelta
    is_unshifted: bool = False
    chance: float = 1.0
    every_if_idle: timedelta | None = None

    @property
    def name(self) -> str:
        """Return the name of its phase."""
        return self.phase.name


def next_due(
    windows: Sequence[Window], after: datetime, shift: timedelta = timedelta()
) -> datetime | None:
    """Return the first due instant later than `after`, None if no window is left.

    `windows` are in order without overlap. `shift` delays all but unshifted ones by less than a
    spacing, so that a host's targets are not due at once.
    """
    for window in windows:
        if window.ends <= after:
            continue
        first = window.begins if window.is_unshifted else window.begins + shift % window.every
        due = first + max(0, (after - first) // window.every + 1) * window.every
        if due < window.ends:
            return due
    return None


def window_at(windows: Sequence[Window], now: datetime) -> Window | None:
    """Return the window that contains `now`, None between windows."""
    return next((window for window in windows if window.begins <= now < window.ends), None)


def add_close_windows(windows: Sequence[Window], others: Sequence[Window]) -> tuple[Window, ...]:
    """Return `windows` with the close ones of `others` in place of wider spacings, in order,
    without overlap.
    """
    merged = list(windows)
    for close_window in (window for window in others if window.phase.is_close):
        already_as_close = [window for window in merged if window.every <= close_window.every]
        for added in _subtract_windows(close_window, already_as_close):
            merged = [
                *(rest for window in merged for rest in _subtract_windows(window, [added])),
                added,
            ]
    return tuple(sorted(merged, key=lambda window: window.begins))


def _subtract_windows(window: Window, others: Iterable[Window]) -> list[Window]:
    pieces = [window]
    for other in others:
        before = [replace(piece, ends=min(piece.ends, other.begins)) for piece in pieces]
        after = [replace(piece, begins=max(piece.begins, other.ends)) for piece in pieces]
        pieces = [piece for piece in (*before, *after) if piece.begins < piece.ends]
    return pieces


def on_grid(begins: datetime, anchor: datetime, every: timedelta) -> datetime:
    """Return the first instant from `begins` on that is a whole number of spacings from
    `anchor`.
    """
    return begins + (anchor - begins) % every
