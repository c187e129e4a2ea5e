"""When a target is looked at: its windows follow from its slot, its view and earlier looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.plan import phases
from monitor.plan.addresses import INDEX, is_witness
from monitor.plan.phases import (
    DEFAULT_WATCH,
    Phase,
    WatchSettings,
    Window,
    add_close_windows,
    on_grid,
)
from monitor.plan.targets import PERIOD, Target, View
from schedules.announcement import Origin
from schedules.in_force import InForce
from schedules.slot import Precision, Slot

_CHANCE_STEP = 4.0
TRIPWIRE_CHANCE = 10_000.0
"""It shows every page of its producer, so it goes before all other targets."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEFAULT_TIME = time(9, 30)
_AROUND_DEFAULT = timedelta(minutes=10)
_INDEX_FROM, _INDEX_EVERY = timedelta(seconds=30), timedelta(seconds=15)
_CONFIRM_LOSS_FOR = timedelta(minutes=2)
# The content API shows what the page shows.
_CONTENT_FACTOR, _CONTENT_LEAST_SPACING = 5, timedelta(seconds=5)


def chance_of(
    target: Target | _TargetKind, *, is_overdue: bool, is_out: bool, exact: bool
) -> float:
    """Return how likely a target is to change, compared with a required part at its slot (1.0).

    `is_overdue`: missing after its slot or its page. `exact`: judged to the minute.
    """
    if target.view is View.TRIPWIRE:
        return TRIPWIRE_CHANCE
    weight = _CHANCE_STEP if is_overdue else 1.0
    # A content-API twin only confirms its page, an optional part makes no verdict worse, and one
    # that is out is only watched for withdrawal.
    counts_less = (target.view is View.CONTENT, target.is_optional, is_out, not exact)
    return weight / _CHANCE_STEP ** sum(counts_less)


class Stage(StrEnum):
    """What has been seen of a target so far."""

    UNSEEN = "unseen"
    EXPOSED = "exposed"
    SEEN = "seen"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What earlier looks have shown of a target.

    `EXPOSED`: public since `since`, before its slot. `UNSEEN`: never seen, or removed again.
    `SEEN`: its release is out since `since`, this target only if it `is_complete`, and was last
    absent or changed at `lost_at`. `CLOSED`: its looks ended.
    """

    stage: Stage = Stage.UNSEEN
    since: datetime | None = None
    is_complete: bool = True
    lost_at: datetime | None = None


UNSEEN = Progress()


def windows_for(  # noqa: PLR0913 # what windows depend on
    target: Target,
    slot: Slot,
    progress: Progress = UNSEEN,
    watch: WatchSettings = DEFAULT_WATCH,
    now: datetime = _EPOCH,
    *,
    exact: bool = True,
    default_time: time = _DEFAULT_TIME,
) -> tuple[Window, ...]:
    """Return the windows of a target that end after `now`, in order and without overlap.

    `exact`: its slot is judged to the minute. `default_time` is local, for a day without one.
    """
    witness = target.part if is_witness(target.part) else ""
    kind = _TargetKind(target.view, witness, is_optional=target.is_optional)
    has_time = slot.begins() is not None and slot.passes() is not None
    plan = _plan_windows(
        kind, slot, progress, watch, _EPOCH if has_time else now, default_time, exact=exact
    )
    return tuple([window for window in plan if window.ends > now])


def windows_in_force(  # noqa: PLR0913 # what windows depend on
    target: Target,
    promised: InForce,
    progress: Progress,
    watch: WatchSettings,
    now: datetime = _EPOCH,
    *,
    exact: bool,
    default_time: time = _DEFAULT_TIME,
    is_named: bool = False,
) -> tuple[Window, ...]:
    """Return the windows for the slot in force, and close ones at slots in other calendars.

    `is_named`: a page links to the address, so it is not a guess.
    """
    slot, planned = promised.slot, promised.planned
    if slot is None and planned is not None and progress.stage is Stage.EXPOSED:
        slot = planned.slot  # users can still get what was public early
    if slot is None:
        return ()
    plan = partial(
        windows_for, target, progress=progress, watch=watch, now=now, default_time=default_time
    )
    windows = plan(slot, exact=exact)
    others = [other.slot for other in (*promised.disagreements, *promised.possible_changes)]
    readings = [replace(slot, instant=each, precision=Precision.INSTANT) for each in slot.readings]
    for other in (*others, *readings):
        # No one knows yet which calendar or reading is right.
        windows = add_close_windows(windows, plan(other, exact=True))
    is_guess = target.origin is Origin.PREDICTED and not is_named
    return windows_of_guess(target, windows, progress, watch) if is_guess else windows


def windows_of_guess(
    target: Target, windows: Sequence[Window], progress: Progress, watch: WatchSettings
) -> tuple[Window, ...]:
    """Return the `windows` of an address predicted from earlier editions.

    Until something is there, looks are further apart and end earlier.
    """
    is_public = progress.stage is Stage.EXPOSED or (
        progress.stage is Stage.SEEN and progress.is_complete
    )
    # Such a page is always there.
    serves_all_editions = target.recognise == PERIOD
    if is_public and not serves_all_editions:
        return tuple(windows)
    chosen = []
    for window in windows:
        least_spacing = window.phase.least_guess_spacing
        if least_spacing is None:
            continue
        if is_public:
            chosen.append(window)
        else:
            chosen.append(
                replace(window, every=max(window.every, least_spacing(watch)), is_unshifted=False)
            )
    return tuple(chosen)


class _TargetKind(NamedTuple):
    """What windows depend on. `witness` is the part's id, empty for others."""

    view: View
    witness: str
    is_optional: bool


@lru_cache(maxsize=512)
def _plan_windows(  # noqa: PLR0913 # what windows depend on
    target: _TargetKind,
    slot: Slot,
    progress: Progress,
    watch: WatchSettings,
    now: datetime,
    default_time: time,
    *,
    exact: bool,
) -> tuple[Window, ...]:
    """Return all windows of a target."""
    # A witness has no looks once its release was seen.
    if progress.stage is Stage.CLOSED or (target.witness and progress.stage is not Stage.UNSEEN):
        return ()
    if target.view is View.TRIPWIRE:
        begins, passes = slot.begins(), slot.passes()
        if begins is None or passes is None:
            return ()
        # One anchor for all releases, so that their looks at a shared tripwire coincide.
        plan = [
            _make_window(
                phases.TRIPWIRE,
                begins - watch.ahead.begins,
                passes + watch.overdue.close,
                _EPOCH,
                watch,
            )
        ]
    elif progress.stage is Stage.SEEN:
        plan = list(
            _add_loss_windows(list(_windows_once_out(slot, progress, watch)), progress, watch)
        )
    else:
        plan = list(_windows_until_out(slot, progress, watch, now, default_time))
        if target.witness:
            plan = list(_witness_windows(target.witness, slot, plan))
    windows = _windows_of_view(_close_gaps(plan), target, progress, slot)
    return tuple(_with_chances(windows, target, progress, exact=exact))


def _close_gaps(windows: Sequence[Window]) -> list[Window]:
    """Return the windows that are not empty, in time order, each until the next one begins: at a
    due instant, so a gap of up to a spacing may precede it.
    """
    used = [window for window in windows if window.begins < window.ends]
    if not used:
        return []
    joined = [replace(window, ends=following.begins) for window, following in pairwise(used)]
    closes = max(window.ends for window in windows)
    return [*joined, replace(used[-1], ends=closes)]


def _windows_until_out(
    slot: Slot, progress: Progress, watch: WatchSettings, now: datetime, default_time: time
) -> Iterator[Window]:
    """Yield the windows while a release is not out: around its slot or, if unreadable,
    each hour.
    """
    begins, passes = slot.begins(), slot.passes()
    exposed = progress.since if progress.stage is Stage.EXPOSED else None
    # An assumed time is watched like an announced one, but never judged as one.
    at = slot.instant or slot.assumed
    if begins is None or passes is None:
        # `on_grid` rounds up, hence `now - every`.
        last_full_hour = on_grid(now - watch.after.every, _EPOCH, watch.after.every)
        yield _make_window(
            phases.AFTER,
            last_full_hour,
            last_full_hour + watch.overdue.close,
            last_full_hour,
            watch,
        )
    elif at is not None:
        yield from _windows_around_instant(at, exposed, watch)
    else:
        yield from _windows_before_span(begins, exposed, slot, watch)
        yield from _windows_through_span(begins, passes, slot, watch, default_time)
        yield _make_window(phases.LONG_OVERDUE, passes, passes + watch.overdue.close, passes, watch)


def _witness_windows(witness: str, slot: Slot, plan: Iterable[Window]) -> Iterator[Window]:
    passes = slot.passes()
    for window in plan:
        if window.phase.polls_witnesses:
            begins, every = window.begins, window.every
            if witness == INDEX:
                # It shows a publication a minute or two late.
                if passes is not None:
                    begins = max(begins, passes + _INDEX_FROM)
                every = max(every, _INDEX_EVERY)
            # Shifted, to spread the looks of many releases.
            yield replace(window, begins=begins, every=every, is_unshifted=False)


def _windows_around_instant(
    slot: datetime, exposed: datetime | None, watch: WatchSettings
) -> Iterator[Window]:
    """Yield a window for each phase at a set distance from a slot instant. If it is `exposed`, one
    window replaces the phases from then until the close ones.
    """
    begins_of_close_phases = [
        phase.begins(watch) for phase in phases.PHASES if phase.is_close and phase.begins
    ]
    close_begins = slot + min(begins_of_close_phases)
    for phase in phases.PHASES:
        if phase is phases.EXPOSED and exposed is not None:
            yield _make_window(phases.EXPOSED, exposed, close_begins, exposed, watch)
        if phase.begins is None or phase.ends is None:
            continue
        begins, ends = slot + phase.begins(watch), slot + phase.ends(watch)
        is_early_phase = ends <= close_begins
        if exposed is not None and is_early_phase:
            ends = min(ends, exposed)
        anchor = begins if is_early_phase else slot
        window = _make_window(phase, begins, ends, anchor, watch)
        yield from _allow_idle_looks(window, slot, watch) if phase.is_overdue else [window]


def _allow_idle_looks(window: Window, slot: datetime, watch: WatchSettings) -> Iterator[Window]:
    """Yield an overdue window in two pieces, the first closer while the host is idle."""
    every_if_idle = watch.overdue.free_every
    idle_until = on_grid(slot + watch.overdue.free_until, slot, window.every)
    if every_if_idle >= window.every:
        yield window
        return
    yield replace(window, ends=min(window.ends, idle_until), every_if_idle=every_if_idle)
    yield replace(window, begins=max(window.begins, idle_until))


def _windows_before_span(
    slot_begins: datetime, exposed: datetime | None, slot: Slot, watch: WatchSettings
) -> Iterator[Window]:
    """Yield those before a slot of days: far, then ahead if it is a single day."""
    early_ends = slot_begins if exposed is None else min(slot_begins, exposed)
    far_begins, ahead_begins = slot_begins - watch.far.begins, slot_begins - watch.ahead.begins
    if slot.precision is not Precision.DAY:
        ahead_begins = slot_begins  # an empty window, which the caller drops
    yield _make_window(
        phases.FAR, far_begins, min(ahead_begins, early_ends), anchor=far_begins, watch=watch
    )
    yield _make_window(phases.AHEAD, ahead_begins, early_ends, anchor=ahead_begins, watch=watch)
    if exposed is not None:
        yield _make_window(phases.EXPOSED, exposed, slot_begins, anchor=exposed, watch=watch)


def _windows_through_span(
    begins: datetime, ends: datetime, slot: Slot, watch: WatchSettings, default_time: time
) -> Iterator[Window]:
    """Yield the windows during a slot of days, closer around the usual time of a single one."""
    if slot.precision is not Precision.DAY or slot.first is None:
        yield _make_window(phases.SPAN, begins, ends, anchor=begins, watch=watch)
        return
    usual = datetime.combine(slot.first, default_time, ZoneInfo(slot.timezone)).astimezone(UTC)
    # Near midnight, the closer looks must not leave the day.
    near_begins = max(begins, usual - _AROUND_DEFAULT)
    near_ends = min(ends, usual + _AROUND_DEFAULT)
    yield _make_window(phases.DAY, begins, near_begins, anchor=usual, watch=watch)
    yield _make_window(phases.NEAR, near_begins, near_ends, anchor=usual, watch=watch)
    yield _make_window(phases.DAY, near_ends, ends, anchor=usual, watch=watch)


def _windows_once_out(slot: Slot, progress: Progress, watch: WatchSettings) -> Iterator[Window]:
    """Yield close windows for an hour (`settle`), then sparse ones, or overdue ones if missing."""
    out_since = progress.since or slot.passes()
    if out_since is None:
        return
    anchor, settled = slot.begins() or out_since, out_since + watch.settle.until
    spacing = watch.settle.every if progress.is_complete else watch.settle.parts_every
    # Begin at the due instant before `out_since`, so that the next look is not delayed.
    yield Window(phases.SETTLE, on_grid(out_since, anchor, spacing) - spacing, settled, spacing)
    # Looks may now be hours apart, so the first of them follows at once.
    if progress.is_complete:
        closes = max(settled, out_since + watch.after.until)
        yield _make_window(phases.AFTER, settled, closes, settled, watch)
    else:
        closes = max(settled, (slot.passes() or out_since) + watch.overdue.close)
        yield _make_window(phases.LONG_OVERDUE, settled, closes, settled, watch)


def _add_loss_windows(
    plan: Sequence[Window], progress: Progress, watch: WatchSettings
) -> Iterator[Window]:
    lost_at = progress.lost_at
    if lost_at is None or not plan:
        yield from plan
        return
    closest_until, close_until = lost_at + _CONFIRM_LOSS_FOR, lost_at + watch.settle.until
    for window in plan:
        if window.begins < lost_at:
            yield replace(window, ends=min(window.ends, lost_at))
    # Two minutes show whether it is back at once, or has other bytes in each answer.
    yield _make_window(phases.AGAIN, lost_at, closest_until, anchor=lost_at, watch=watch)
    yield _make_window(phases.SETTLE, closest_until, close_until, anchor=closest_until, watch=watch)
    for window in plan:
        if window.ends > close_until:
            # From one of its own due instants, so that they stay the same.
            yield replace(
                window, begins=on_grid(max(close_until, window.begins), window.begins, window.every)
            )


def _windows_of_view(
    plan: list[Window], target: _TargetKind, progress: Progress, slot: Slot
) -> list[Window]:
    if target.view is View.ORIGIN and not target.witness:
        is_release_out = progress.stage is Stage.SEEN
        if is_release_out and not progress.is_complete:
            # Users wait for a required part, but not for an optional one, such as a copy.
            return [] if target.is_optional else plan
        return [window for window in plan if window.phase.polls_origin]
    if target.view is not View.CONTENT:
        return plan
    sparser = []
    for window in plan:
        every = max(_CONTENT_LEAST_SPACING, window.every * _CONTENT_FACTOR)
        # One of the looks stays due exactly at the slot.
        begins = on_grid(window.begins, slot.begins() or _EPOCH, every)
        sparser.append(replace(window, begins=begins, every=every, every_if_idle=None))
    return _close_gaps(sparser)


def _with_chances(
    windows: Iterable[Window], target: _TargetKind, progress: Progress, *, exact: bool
) -> Iterator[Window]:
    """Yield the windows with their chances. Optional targets use no host's idle time."""
    is_release_out = progress.stage is Stage.SEEN
    is_out = is_release_out and progress.is_complete
    for window in windows:
        is_overdue = window.phase.is_overdue or (is_release_out and not is_out)
        chance = chance_of(target, is_overdue=is_overdue, is_out=is_out, exact=exact)
        yield replace(
            window,
            chance=chance,
            every_if_idle=None if target.is_optional else window.every_if_idle,
        )


def _make_window(
    phase: Phase, begins: datetime, ends: datetime, anchor: datetime, watch: WatchSettings
) -> Window:
    """Return the window of a phase, with due instants a whole number of spacings from `anchor`."""
    every = phase.every(watch)
    if phase.keeps_instants:
        # No other window may come before it, so it begins at or before `begins`.
        begins -= (begins - anchor) % every
    return Window(
        phase, on_grid(begins, anchor, every), ends, every, is_unshifted=phase.keeps_instants
    )
