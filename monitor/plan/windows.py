"""Which windows apply to a target: its slot, its view and what has been seen so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.plan.addresses import ANNOUNCEMENT, INDEX, is_witness
from monitor.plan.phases import (
    AFTER,
    AGAIN,
    AHEAD,
    DAY,
    DEFAULT_WATCH,
    EXPOSED,
    FAR,
    LONG_OVERDUE,
    NEAR,
    PHASE_NAMED,
    PHASES,
    SETTLE,
    SLOT,
    SPAN,
    TRIPWIRE,
    Phase,
    WatchSettings,
    Window,
    dense_around,
    on_grid,
)
from monitor.plan.targets import PERIOD, Target, View
from schedules.announcement import Origin
from schedules.in_force import InForce
from schedules.slot import Precision, Slot

_STEP = 4.0
LISTING = 10_000.0
"""A listing covers every page of its host: it keeps its spacing until that is a hundred times too much."""


def chance_of(target: Target | _Kind, *, awaited: bool = False, out: bool = False, exact: bool = True) -> float:
    """Return the chance of a target, where 1.0 is that of a required part at its slot.

    `awaited`: its slot has passed, or its page is out, and it is still missing. `out`: it is there, and watched for
    withdrawal alone. `exact`: its release is judged to the minute. A content-API twin only bears out what its
    page shows, and what is not required worsens no verdict.
    """
    if target.view is View.TRIPWIRE:
        return LISTING
    against = (target.view is View.CONTENT, target.aside, out, not exact)
    return float(_STEP ** (awaited - sum(against)))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEFAULT_TIME = time(9, 30)
# A day without a time is watched more closely so long before and after the usual time.
_DEFAULT_WITHIN = timedelta(minutes=10)
_LISTED_FROM, _LISTED_EVERY = timedelta(seconds=30), timedelta(seconds=15)
# How long a target found absent, or changed, is looked at as closely as one that is still missing.
_AGAIN_FOR = timedelta(minutes=2)
# A content-API twin is looked at so many times less often than its page, but no more often than this.
_TWIN_FACTOR, _TWIN_LEAST = 5, timedelta(seconds=5)


class Stage(StrEnum):
    """How far a target has come."""

    UNSEEN = "unseen"
    EXPOSED = "exposed"
    SEEN = "seen"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Progress:
    """How a target stands.

    `UNSEEN`: not seen, or gone again. `EXPOSED`: present `since` then although its slot lies ahead.
    `SEEN`: its release is out `since` then (aware UTC); `complete` False means that this target itself is
    still awaited; it was found gone, or other bytes, at `left`. `CLOSED`: nobody looks any more.
    """

    stage: Stage = Stage.UNSEEN
    since: datetime | None = None
    complete: bool = True
    left: datetime | None = None


UNSEEN = Progress()


def windows_for(  # noqa: PLR0913 # what windows depend on
    target: Target,
    slot: Slot,
    standing: Progress = UNSEEN,
    watch: WatchSettings = DEFAULT_WATCH,
    now: datetime = _EPOCH,
    *,
    exact: bool = True,
    default_time: time = _DEFAULT_TIME,
) -> tuple[Window, ...]:
    """Return the windows of a target that end after `now`, in time order and without overlap.

    `exact`: its slot is judged to the minute. `default_time`: the usual local time, for a day without one.
    A slot without a readable time is looked at once an hour for as long as a watch lasts, from `now`.
    The same arguments but a later `now` give the same windows less those that ended.
    """
    kind = _Kind(target.view, target.part if is_witness(target.part) else "", aside=target.aside)
    has_time = slot.begins() is not None and slot.passes() is not None
    plan = _planned(kind, slot, standing, watch, _EPOCH if has_time else now, default_time, exact=exact)
    return tuple([window for window in plan if window.ends > now])


def windows_in_force(  # noqa: PLR0913 # what windows depend on
    target: Target,
    promised: InForce,
    standing: Progress,
    watch: WatchSettings,
    now: datetime = _EPOCH,
    *,
    exact: bool,
    default_time: time = _DEFAULT_TIME,
    is_named: bool = False,
) -> tuple[Window, ...]:
    """Return the windows of a target around the slot in force and around those that other calendars promise.

    `is_named`: a page has named this predicted address, so it is looked at like any other.
    """
    if promised.slot is None:
        return ()
    windows = windows_for(target, promised.slot, standing, watch, now, exact=exact, default_time=default_time)
    for other in promised.disagreements:
        # It is not known yet which calendar binds, so proof is kept for both.
        others = windows_for(target, other.slot, standing, watch, now, default_time=default_time)
        windows = dense_around(windows, others)
    is_guess = target.origin is Origin.PREDICTED and not is_named
    return windows_of_guess(target, windows, standing, watch) if is_guess else windows


def windows_of_guess(
    target: Target, windows: Sequence[Window], standing: Progress, watch: WatchSettings
) -> tuple[Window, ...]:
    """Return those of `windows` in which a predicted address is looked at, further apart around the slot.

    None is looked at once the page is out and has not named it. One that is out is looked at like any other part,
    but a page that goes on to the next edition only for an hour.
    """
    if standing.stage is Stage.EXPOSED or (standing.stage is Stage.SEEN and standing.complete):
        rolls = target.recognise == PERIOD
        return tuple(window for window in windows if not rolls or PHASE_NAMED[window.name].guess_least is not None)
    leasts = ((window, PHASE_NAMED[window.name].guess_least) for window in windows)
    return tuple(
        replace(window, every=max(window.every, least(watch)), exact=False)
        for window, least in leasts
        if least is not None
    )


class _Kind(NamedTuple):
    """What of a target its windows depend on; `part` is empty unless it is a witness."""

    view: View
    part: str
    aside: bool


# Many releases share a slot, and have the same progress until it comes.
@lru_cache(maxsize=512)
def _planned(  # noqa: PLR0913 # what windows depend on
    target: _Kind,
    slot: Slot,
    standing: Progress,
    watch: WatchSettings,
    now: datetime,
    default_time: time,
    *,
    exact: bool,
) -> tuple[Window, ...]:
    if standing.stage is Stage.CLOSED:
        return ()
    if target.view is View.TRIPWIRE:
        plan = list(_tripwire(slot, watch))
    elif standing.stage is Stage.SEEN:
        plan = [] if target.part else list(_closer(list(_seen(slot, standing, watch)), standing.left, watch))
    else:
        plan = list(_unseen(slot, standing, watch, now, default_time))
        if target.part:
            plan = list(_witness(target.part, slot, plan)) if standing.stage is Stage.UNSEEN else []
    windows = (window for window in _as_viewed(plan, target, standing, slot) if window.begins < window.ends)
    return tuple(_with_chances(windows, target, standing, exact=exact))


def _unseen(
    slot: Slot, standing: Progress, watch: WatchSettings, now: datetime, default_time: time
) -> Iterator[Window]:
    begins, passes = slot.begins(), slot.passes()
    exposed = standing.since if standing.stage is Stage.EXPOSED else None
    # A day whose time the configuration knows is watched like an announced instant, though never judged as one.
    at = slot.instant or slot.assumed
    if begins is None or passes is None:
        hour = on_grid(now - watch.after.every, _EPOCH, watch.after.every)
        yield _window(AFTER, hour, hour + watch.overdue.close, hour, watch)
    elif at is not None:
        yield from _around_instant(at, exposed, watch)
    else:
        yield from _before_span(begins, exposed, slot, watch)
        yield from _through_span(begins, passes, slot, watch, default_time)
        yield _window(LONG_OVERDUE, passes, passes + watch.overdue.close, passes, watch)


def _witness(part: str, slot: Slot, plan: Iterable[Window]) -> Iterator[Window]:
    """Yield the windows in which an announcement is asked whether it still announces, or a listing what is out.

    The listing, whose index is behind, is asked only from shortly after the slot: for what did not show with the
    others of its slot. An announcement may never redirect.
    """
    passes = slot.passes()
    for window in plan:
        if PHASE_NAMED[window.name].asks_witnesses:
            every = max(window.every, _LISTED_EVERY) if part == INDEX else window.every
            begins = window.begins
            if part != ANNOUNCEMENT and passes is not None:
                begins = max(begins, passes + _LISTED_FROM)
            yield replace(window, begins=begins, every=every, exact=False)


def _around_instant(slot: datetime, exposed: datetime | None, watch: WatchSettings) -> Iterator[Window]:
    """Yield every phase that has a distance from the slot; from `exposed` on, the one of early publication."""
    opens = slot - watch.slot.begins
    for phase in PHASES:
        if phase is EXPOSED and exposed is not None:
            yield _window(EXPOSED, exposed, opens, slot, watch)
        if phase.begins is None or phase.ends is None:
            continue
        begins, ends = slot + phase.begins(watch), slot + phase.ends(watch)
        limit = ends if exposed is None or ends > opens else min(ends, exposed)
        window = _window(phase, begins, limit, slot, watch, exact=phase is SLOT)
        yield from _freely(window, slot, watch) if phase.is_overdue else (window,)


def _freely(window: Window, slot: datetime, watch: WatchSettings) -> Iterator[Window]:
    """Yield a window whose looks may be closer than they are due, and the rest of it, when they no longer may."""
    ends, free = slot + watch.overdue.free_until, watch.overdue.free_every
    if free < window.every and window.begins < ends:
        yield replace(window, ends=min(window.ends, ends), free=free)
    yield replace(window, begins=max(window.begins, on_grid(ends, slot, window.every)))


def _before_span(begins: datetime, exposed: datetime | None, slot: Slot, watch: WatchSettings) -> Iterator[Window]:
    limit = begins if exposed is None else min(begins, exposed)
    near = begins - watch.ahead.begins if slot.precision is Precision.DAY else begins
    yield _window(FAR, begins - watch.far.begins, min(near, limit), begins, watch)
    yield _window(AHEAD, near, limit, begins, watch)
    if exposed is not None:
        yield _window(EXPOSED, exposed, begins, begins, watch)


def _through_span(
    begins: datetime, passes: datetime, slot: Slot, watch: WatchSettings, default_time: time
) -> Iterator[Window]:
    if slot.precision is not Precision.DAY or slot.first is None:
        yield _window(SPAN, begins, passes, begins, watch)
        return
    usual = datetime.combine(slot.first, default_time, ZoneInfo(slot.timezone)).astimezone(UTC)
    opens = max(begins, usual - _DEFAULT_WITHIN)
    # Near midnight the closer watch must not leave the day.
    closes = min(passes, usual + _DEFAULT_WITHIN)
    yield _window(DAY, begins, opens, usual, watch)
    yield _window(NEAR, opens, closes, usual, watch)
    yield _window(DAY, closes, passes, usual, watch)


def _seen(slot: Slot, standing: Progress, watch: WatchSettings) -> Iterator[Window]:
    since = standing.since or slot.passes()
    if since is None:
        return
    anchor, settled = slot.begins() or since, since + watch.settle.until
    awaited = not standing.complete
    spacing = watch.settle.parts_every if awaited else watch.settle.every
    # From the grid point before, so that the change of plan does not put off the look that was next.
    yield Window(SETTLE.name, on_grid(since, anchor, spacing) - spacing, settled, spacing)
    if awaited:
        closes = max(settled, (slot.passes() or since) + watch.overdue.close)
        yield _window(LONG_OVERDUE, settled, closes, anchor, watch)
    else:
        yield _window(AFTER, settled, max(settled, since + watch.after.until), anchor, watch)


def _closer(plan: Sequence[Window], left: datetime | None, watch: WatchSettings) -> Iterator[Window]:
    """Yield the windows of what is out, with closer ones from the look on that found it absent or changed.

    A flicker, and bytes that users never get twice, show within seconds. For an hour, a return of the target is seen.
    """
    if left is None:
        yield from plan
        return
    confirmed, settled = left + _AGAIN_FOR, left + watch.settle.until
    yield from (replace(window, ends=min(window.ends, left)) for window in plan if window.begins < left)
    yield _window(AGAIN, left, confirmed, left, watch)
    yield _window(SETTLE, confirmed, settled, confirmed, watch)
    for window in plan:
        if window.ends > settled:
            yield replace(window, begins=on_grid(max(settled, window.begins), window.begins, window.every))


def _tripwire(slot: Slot, watch: WatchSettings) -> Iterator[Window]:
    begins, passes = slot.begins(), slot.passes()
    if begins is not None and passes is not None:
        # Anchored alike for every release, so that the windows of a shared tripwire fall on one grid.
        yield _window(TRIPWIRE, begins - watch.ahead.begins, passes + watch.overdue.close, _EPOCH, watch)


def _as_viewed(plan: list[Window], target: _Kind, standing: Progress, slot: Slot) -> list[Window]:
    """Return the windows of a view: an origin only while its target is awaited, a content-API twin less often."""
    if target.view is View.ORIGIN and not target.part:
        if standing.stage is not Stage.SEEN or standing.complete:
            return [window for window in plan if PHASE_NAMED[window.name].polls_origin]
        # Once the page is out, no one waits for another address of it.
        return [] if target.aside else plan
    if target.view is View.CONTENT:
        anchor = slot.begins() or _EPOCH
        thinner = [(window, max(_TWIN_LEAST, window.every * _TWIN_FACTOR)) for window in plan]
        return [
            Window(window.name, on_grid(window.begins, anchor, every), window.ends, every, exact=window.exact)
            for window, every in thinner
        ]
    return plan


def _with_chances(windows: Iterable[Window], target: _Kind, standing: Progress, *, exact: bool) -> Iterator[Window]:
    seen = standing.stage is Stage.SEEN
    for window in windows:
        awaited = PHASE_NAMED[window.name].is_overdue or (seen and not standing.complete)
        chance = chance_of(target, awaited=awaited, out=seen and standing.complete, exact=exact)
        free = None if target.aside else window.free
        as_it_is = chance == window.chance and free == window.free
        yield window if as_it_is else replace(window, chance=chance, free=free)


def _window(  # a window and what it is made from
    phase: Phase, begins: datetime, ends: datetime, anchor: datetime, watch: WatchSettings, *, exact: bool = False
) -> Window:
    """Return a phase's window whose looks are a whole number of spacings from `anchor`."""
    every = phase.every(watch)
    return Window(phase.name, on_grid(begins, anchor, every), ends, every, exact=exact)
