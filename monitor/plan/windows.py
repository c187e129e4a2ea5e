"""Which windows apply to a target: its slot, its view and what has been seen so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.plan.addresses import ANNOUNCEMENT, INDEX, is_witness
from monitor.plan.phases import DEFAULT_PHASES, Phases, Window, on_grid
from monitor.plan.targets import Target, View
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
AGAIN = "again"
"""The window of closer looks at what was out and is found gone, or changed."""
_ORIGIN_PHASES = frozenset({"near", "slot", "overdue", "overdue-then", "exposed", AGAIN})
_WITNESSED = frozenset({"slot", "day", "span", "overdue", "overdue-then"})
_LISTED_FROM, _LISTED_EVERY = timedelta(seconds=30), timedelta(seconds=15)
_AWAITED_PHASES = frozenset({"overdue", "overdue-then"})
# What is gone, or other than it was, is looked at this long as closely as what is still missing.
_AGAIN = timedelta(minutes=2)


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


def windows_for(
    target: Target,
    slot: Slot,
    standing: Progress = UNSEEN,
    phases: Phases = DEFAULT_PHASES,
    now: datetime = _EPOCH,
    *,
    exact: bool = True,
) -> tuple[Window, ...]:
    """Return the windows of a target that end after `now`, in time order and without overlap.

    `exact`: its slot is judged to the minute.
    A slot without a readable time is looked at once an hour for as long as a watch lasts, from `now`.
    The same arguments but a later `now` give the same windows less those that ended.
    """
    kind = _Kind(target.view, target.part if is_witness(target.part) else "", aside=target.aside)
    has_time = slot.begins() is not None and slot.passes() is not None
    plan = _planned(kind, slot, standing, phases, _EPOCH if has_time else now, exact=exact)
    return tuple([window for window in plan if window.ends > now])


class _Kind(NamedTuple):
    """What of a target its windows depend on; `part` is empty unless it is a witness."""

    view: View
    part: str
    aside: bool


# Many releases share a slot, and stand alike until it comes.
@lru_cache(maxsize=512)
def _planned(
    target: _Kind, slot: Slot, standing: Progress, phases: Phases, now: datetime, *, exact: bool
) -> tuple[Window, ...]:
    if standing.stage is Stage.CLOSED:
        return ()
    if target.view is View.TRIPWIRE:
        plan = list(_tripwire(slot, phases))
    elif target.part:
        plan = list(_witness(target.part, slot, standing, phases, now))
    elif standing.stage is Stage.SEEN:
        plan = list(_closer(list(_seen(slot, standing, phases)), standing.left, phases))
    else:
        plan = list(_unseen(slot, standing, phases, now))
    windows = (window for window in _as_viewed(plan, target, standing, slot, phases) if window.begins < window.ends)
    return tuple(_weighed(windows, target, standing, exact=exact))


def _unseen(slot: Slot, standing: Progress, phases: Phases, now: datetime) -> Iterator[Window]:
    begins, passes = slot.begins(), slot.passes()
    since = standing.since if standing.stage is Stage.EXPOSED else None
    # A day whose time the configuration knows is watched like an announced instant, though never judged as one.
    at = slot.instant or slot.assumed
    if begins is None or passes is None:
        yield from _without_slot(phases, now)
    elif at is not None:
        yield from _before(at, since, phases)
        yield from _around(at, phases)
    else:
        yield from _ahead_of_span(begins, since, slot, phases)
        yield from _through_span(begins, passes, slot, phases)
        yield _window("overdue-then", passes, passes + phases.closes_after, phases.overdue_then_every, passes)


def _witness(part: str, slot: Slot, standing: Progress, phases: Phases, now: datetime) -> Iterator[Window]:
    """Yield the windows in which an announcement is asked whether it still announces, and a listing what is out.

    From shortly before the slot until the release is seen anywhere. The listing, whose index is behind, is asked only
    for what did not show with the others of its slot: an announcement may never redirect.
    """
    if standing.stage is not Stage.UNSEEN:
        return
    passes = slot.passes()
    for window in _unseen(slot, standing, phases, now):
        if window.name not in _WITNESSED:
            continue
        every = max(window.every, _LISTED_EVERY) if part == INDEX else window.every
        begins = window.begins if part == ANNOUNCEMENT or passes is None else max(window.begins, passes + _LISTED_FROM)
        yield replace(window, begins=begins, every=every, exact=False)


def _without_slot(phases: Phases, now: datetime) -> Iterator[Window]:
    hour = on_grid(now - phases.after_every, _EPOCH, phases.after_every)
    yield Window("after", hour, hour + phases.closes_after, phases.after_every)


def _before(slot: datetime, exposed: datetime | None, phases: Phases) -> Iterator[Window]:
    marks = [
        ("far", phases.far_from, phases.far_every),
        ("ahead", phases.ahead_from, phases.ahead_every),
        ("near", phases.near_from, phases.near_every),
    ]
    ends = slot - phases.slot_from
    limit = ends if exposed is None else min(ends, exposed)
    edges = [*(slot - span for _, span, _ in marks), ends]
    for (name, _, every), (begin, end) in zip(marks, pairwise(edges), strict=True):
        yield _window(name, begin, min(end, limit), every, slot)
    if exposed is not None:
        yield _window("exposed", exposed, ends, phases.exposed_every, slot)


def _around(slot: datetime, phases: Phases) -> Iterator[Window]:
    begin, end = slot - phases.slot_from, slot + phases.slot_until
    long_overdue = max(end, slot + phases.overdue_until)
    yield _window("slot", begin, end, phases.slot_every, slot, exact=True)
    yield from _freely(_window("overdue", end, long_overdue, phases.overdue_every, slot), slot, phases)
    then = _window("overdue-then", long_overdue, slot + phases.closes_after, phases.overdue_then_every, slot)
    yield from _freely(then, slot, phases)


def _freely(window: Window, slot: datetime, phases: Phases) -> Iterator[Window]:
    """Yield a window whose looks may be closer than they are due, and what is left of it when they no longer may."""
    ends, free = slot + phases.overdue_free_until, phases.overdue_free_every
    if free < window.every and window.begins < ends:
        yield replace(window, ends=min(window.ends, ends), free=free)
    yield replace(window, begins=max(window.begins, on_grid(ends, slot, window.every)))


def _ahead_of_span(begins: datetime, exposed: datetime | None, slot: Slot, phases: Phases) -> Iterator[Window]:
    limit = begins if exposed is None else min(begins, exposed)
    near = begins - phases.ahead_from if slot.precision is Precision.DAY else begins
    yield _window("far", begins - phases.far_from, min(near, limit), phases.far_every, begins)
    yield _window("ahead", near, limit, phases.ahead_every, begins)
    if exposed is not None:
        yield _window("exposed", exposed, begins, phases.exposed_every, begins)


def _through_span(begins: datetime, passes: datetime, slot: Slot, phases: Phases) -> Iterator[Window]:
    if slot.precision is not Precision.DAY or slot.first is None:
        yield _window("span", begins, passes, phases.span_every, begins)
        return
    usual = datetime.combine(slot.first, phases.default_time, ZoneInfo(slot.timezone)).astimezone(UTC)
    opens = max(begins, usual - phases.default_within)
    # Near midnight the closer watch must not leave the day.
    closes = min(passes, usual + phases.default_within)
    yield _window("day", begins, opens, phases.day_every, usual)
    yield _window("near", opens, closes, phases.near_every, usual)
    yield _window("day", closes, passes, phases.day_every, usual)


def _seen(slot: Slot, standing: Progress, phases: Phases) -> Iterator[Window]:
    since = standing.since or slot.passes()
    if since is None:
        return
    anchor, settled = slot.begins() or since, since + phases.settle_until
    awaited = not standing.complete
    spacing = phases.settle_parts_every if awaited else phases.settle_every
    # From the grid point before, so that the change of plan does not put off the look that was next.
    yield Window("settle", on_grid(since, anchor, spacing) - spacing, settled, spacing)
    if awaited:
        closes = max(settled, (slot.passes() or since) + phases.closes_after)
        yield _window("overdue-then", settled, closes, phases.overdue_then_every, anchor)
    else:
        yield _window("after", settled, max(settled, since + phases.after_until), phases.after_every, anchor)


def _closer(plan: Sequence[Window], left: datetime | None, phases: Phases) -> Iterator[Window]:
    """Yield the windows of what is out, with closer ones from the look on that found it gone or changed.

    A flicker, and bytes that nobody gets twice, show within seconds; what is gone is seen to be back for an hour.
    """
    if left is None:
        yield from plan
        return
    confirmed, settled = left + _AGAIN, left + phases.settle_until
    yield from (replace(window, ends=min(window.ends, left)) for window in plan if window.begins < left)
    yield Window(AGAIN, left, confirmed, phases.settle_parts_every)
    yield Window("settle", confirmed, settled, phases.settle_every)
    for window in plan:
        if window.ends > settled:
            yield replace(window, begins=on_grid(max(settled, window.begins), window.begins, window.every))


def _tripwire(slot: Slot, phases: Phases) -> Iterator[Window]:
    begins, passes = slot.begins(), slot.passes()
    if begins is not None and passes is not None:
        # Anchored alike for every release, so that the windows of a shared tripwire fall on one grid.
        ends = passes + phases.closes_after
        yield _window("tripwire", begins - phases.ahead_from, ends, phases.tripwire_every, _EPOCH)


def _past_caches(plan: Sequence[Window], target: _Kind, standing: Progress) -> list[Window]:
    """Return the windows in which an origin is asked: as long as what it holds is awaited."""
    if standing.stage is not Stage.SEEN or standing.complete:
        return [window for window in plan if window.name in _ORIGIN_PHASES]
    # Once the page is out, nobody waits for another address of it.
    return [] if target.aside else list(plan)


def _as_viewed(plan: Sequence[Window], target: _Kind, standing: Progress, slot: Slot, phases: Phases) -> list[Window]:
    if target.view is View.ORIGIN and not target.part:
        return _past_caches(plan, target, standing)
    if target.view is View.CONTENT:
        anchor = slot.begins() or _EPOCH
        return [_thinned(window, anchor, phases) for window in plan]
    return list(plan)


def _weighed(windows: Iterable[Window], target: _Kind, standing: Progress, *, exact: bool) -> Iterator[Window]:
    seen = standing.stage is Stage.SEEN
    for window in windows:
        awaited = window.name in _AWAITED_PHASES or (seen and not standing.complete)
        chance = chance_of(target, awaited=awaited, out=seen and standing.complete, exact=exact)
        free = None if target.aside else window.free
        as_it_is = chance == window.chance and free == window.free
        yield window if as_it_is else replace(window, chance=chance, free=free)


def _thinned(window: Window, anchor: datetime, phases: Phases) -> Window:
    every = max(phases.content_least, window.every * phases.content_factor)
    return Window(window.name, on_grid(window.begins, anchor, every), window.ends, every, exact=window.exact)


def _window(
    name: str, begins: datetime, ends: datetime, every: timedelta, anchor: datetime, *, exact: bool = False
) -> Window:
    return Window(name, on_grid(begins, anchor, every), ends, every, exact=exact)
