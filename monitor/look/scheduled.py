"""A target with its windows, and the state of its looks. Pure; times are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.look.redirect import is_same_site
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Window, next_due, on_grid, window_at
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target, View

Rank = tuple[bool, int, str]

_VIEWS = {View.EDGE: 0, View.ORIGIN: 1, View.CONTENT: 2, View.TRIPWIRE: 3}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_HOPS = 5
_LEAST_IDLE_GAP = 0.5
"""The least gap between two looks on an idle host, as a fraction of their spacing."""
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(slots=True, eq=False)
class ScheduledTarget:
    """A target with its windows.

    `planned_at` is when these windows were given: earlier due instants are no missed looks of theirs. At `promised_at`,
    the promised instant, a look must begin before all others. `due` is the next look by the wall clock, None if no
    window is left. `is_extra`: that look is one besides the windows'. `last` is when the last look began, in monotonic
    seconds, and `last_look` by the wall clock. `url` is the address that redirects led to, `hops` the addresses on the
    way there. `goal` is what must be proved about its part. `rank` decides between two that are equally due. A look
    `is_under_way` until its answer is read, and `has_place` among those of its host until it is answered.
    """

    target: Target
    windows: Sequence[Window]
    shift: timedelta
    planned_at: datetime
    promised_at: datetime | None = None
    goal: ProofGoal | None = None
    due: datetime | None = None
    window: Window | None = None
    last: float | None = None
    last_look: datetime | None = None
    is_under_way: bool = False
    has_place: bool = False
    is_extra: bool = False
    url: str | None = None
    hops: tuple[str, ...] = ()
    rank: Rank = field(init=False)

    def __post_init__(self) -> None:
        """Set the rank: pages first, in the edge view. A change of address does not change it."""
        self.rank = self.target.part != "page", _VIEWS[self.target.view], self.target.id

    def is_same(
        self,
        target: Target,
        windows: Sequence[Window],
        shift: timedelta,
        promised_at: datetime | None,
        goal: ProofGoal | None,
    ) -> bool:
        """Return whether it already has these values."""
        mine = (self.target, self.shift, self.promised_at, self.goal)
        return mine == (target, shift, promised_at, goal) and list(self.windows) == list(windows)

    def is_promised(self) -> bool:
        """Return whether the look that is due is the one at the promised instant."""
        return self.promised_at is not None and self.due == self.promised_at

    def look_now(self, now: datetime) -> None:
        """Make a look due at once if a window contains `now`. Later looks keep to the windows."""
        window = window_at(self.windows, now)
        if window is not None:
            self.due, self.window, self.is_extra = now, window, True

    def next_look_if_idle(self) -> datetime | None:
        """Return when it may be looked at next if its host is idle, None if not before it is due.

        The edge view and the other views alternate.
        """
        if self.window is None or self.window.every_if_idle is None or self.last_look is None:
            return None
        every = self.window.every_if_idle
        anchor = _EPOCH if self.target.view is View.EDGE else _EPOCH + every
        return on_grid(self.last_look + _LEAST_IDLE_GAP * every, anchor, 2 * every)

    def plan_after(self, after: datetime) -> None:
        """Set the next due instant later than `after`."""
        self.due = self._next_step(after) or next_due(self.windows, after, self.shift)
        self.is_extra = False
        promised = self.promised_at
        if promised is not None and after < promised and (self.due is None or promised < self.due):
            self.due = promised
        if self.due is None:
            self.window = None
        elif self.window is None or not self.window.begins <= self.due < self.window.ends:
            self.window = window_at(self.windows, self.due)

    def enter_window(self, now: datetime) -> bool:
        """Move the look that waits into the window that contains `now`. Return whether there is one."""
        window = window_at(self.windows, now)
        self.window = window or self.window
        return window is not None

    def replan(self, windows: Sequence[Window], shift: timedelta, now: datetime) -> int:
        """Replace the windows. Return how many looks of the old ones were due and will not be made.

        A look that is already due stays due. Otherwise the last look counts as one of the new windows.
        """
        missed = self.count_missed(now)
        waits = self.due is not None and self.due <= now
        self.windows, self.shift, self.planned_at, self.window = windows, shift, now, window_at(windows, now)
        if waits and self.window is not None:
            return missed
        since = now if self.last_look is None or self.window is None else max(self.last_look, now - self.window.every)
        self.due = None
        self.plan_after(since)
        return missed + waits

    def count_missed(self, now: datetime) -> int:
        """Return how many looks fell due after the one that begins now and can no longer be made."""
        if self.due is None or self.window is None:
            return 0
        if self.window.begins <= self.due >= self.planned_at and now < self.window.ends:
            if now < self.due + self.window.every:
                return 0
            if not self.is_extra and self.due != self.promised_at:
                return (now - self.due) // self.window.every
        return count_dues(self.windows, max(self.due, self.planned_at - _JUST_BEFORE), now, self.shift)

    def follow_redirect(self, sighting: Sighting) -> None:
        """Choose the address of the next look: where a redirect led, or the target's own.

        After an absence, a loop, too many hops or a redirect to another site, it is the target's own. Otherwise the
        address does not change.
        """
        there = next((one.url for one in sighting.found if one.role == "redirect"), None)
        if there is None or sighting.state is not State.UNKNOWN:
            if sighting.state in (State.ABSENT, State.WITHDRAWN):
                self.url, self.hops = None, ()
            return
        is_endless = there in (*self.hops, self.target.url) or len(self.hops) >= _MOST_HOPS
        if is_endless or not is_same_site(self.target.url, there):
            self.url, self.hops = None, ()
        else:
            self.url, self.hops = there, (*self.hops, there)

    def _next_step(self, after: datetime) -> datetime | None:
        # The next look is nearly always one spacing later. This saves the search through the windows.
        window, due = self.window, self.due
        if window is None or due is None or due == self.promised_at or self.is_extra:
            return None
        if not window.begins <= due <= after:
            return None
        step = due + window.every
        return step if after < step < window.ends else None


def count_dues(windows: Sequence[Window], after: datetime, upto: datetime, shift: timedelta) -> int:
    """Return how many due instants are after `after` and not after `upto`."""
    dues = 0
    for window in windows:
        dues += _count_dues_until(window, upto, shift) - _count_dues_until(window, after, shift)
    return dues


def _count_dues_until(window: Window, instant: datetime, shift: timedelta) -> int:
    first = window.begins if window.is_unshifted else window.begins + shift % window.every
    last = min(instant, window.ends - _JUST_BEFORE)
    return 0 if last < first else (last - first) // window.every + 1
