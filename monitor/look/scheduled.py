"""A target with its windows, and where it stands between two looks. Pure; times are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.look.redirect import is_near
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Window, next_due, on_grid, window_at
from monitor.plan.proof import Proof
from monitor.plan.targets import Target, View

Rank = tuple[bool, int, str]

_VIEWS = {View.EDGE: 0, View.ORIGIN: 1, View.CONTENT: 2, View.TRIPWIRE: 3}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_HOPS = 5
_AT_LEAST = 0.5
"""The part of its spacing that lies at least between two looks which are made because a host has nothing else to do."""
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(slots=True, eq=False)
class ScheduledTarget:
    """A target with its windows.

    `planned` is when these windows were given: dues before it are no misses of theirs. At `instant`, the
    promised one, a look must begin before all others. `due` is the next look by the wall clock, None when
    no window is left; `last` is when the last one began, in monotonic seconds. `url` is the address that
    redirects led to, `hops` the way there. `is_extra`: the look that is due is one besides the windows'. `proof` is
    what its part must be proved to be, `rank` decides between two that are equally due. A look `is_flying` until it is
    read, and `holds_place` among those of its host until it is answered.
    """

    target: Target
    windows: Sequence[Window]
    shift: timedelta
    planned: datetime
    instant: datetime | None = None
    proof: Proof | None = None
    due: datetime | None = None
    window: Window | None = None
    last: float | None = None
    looked: datetime | None = None
    is_flying: bool = False
    holds_place: bool = False
    is_extra: bool = False
    url: str | None = None
    hops: tuple[str, ...] = ()
    rank: Rank = field(init=False)

    def __post_init__(self) -> None:
        """Decide between two that are equally due: pages first, as users get them. Another address changes nothing."""
        self.rank = self.target.part != "page", _VIEWS[self.target.view], self.target.id

    def is_same(
        self, target: Target, windows: Sequence[Window], shift: timedelta, instant: datetime | None, proof: Proof | None
    ) -> bool:
        """Tell whether these are what it has already."""
        mine = (self.target, self.shift, self.instant, self.proof)
        return mine == (target, shift, instant, proof) and list(self.windows) == list(windows)

    def is_promised(self) -> bool:
        """Tell whether the look that is due is the one at the promised instant."""
        return self.instant is not None and self.due == self.instant

    def look_now(self, now: datetime) -> None:
        """Have a look due at once when a window holds `now`; those after it keep to the windows."""
        window = window_at(self.windows, now)
        if window is not None:
            self.due, self.window, self.is_extra = now, window, True

    def free_at(self) -> datetime | None:
        """Return when it may be looked at next if its host has nothing else to do; None: when it is due.

        Its views take turns.
        """
        if self.window is None or self.window.free is None or self.looked is None:
            return None
        free = self.window.free
        turn = _EPOCH if self.target.view is View.EDGE else _EPOCH + free
        return on_grid(self.looked + _AT_LEAST * free, turn, 2 * free)

    def plan_after(self, after: datetime) -> None:
        """Set the next due instant later than `after`."""
        self.due = self._one_step_on(after) or next_due(self.windows, after, self.shift)
        self.is_extra = False
        if self.instant is not None and after < self.instant and (self.due is None or self.instant < self.due):
            self.due = self.instant
        if self.due is None:
            self.window = None
        elif self.window is None or not self.window.begins <= self.due < self.window.ends:
            self.window = window_at(self.windows, self.due)

    def enter(self, now: datetime) -> bool:
        """Have the look that waits be one of the window that holds `now`; tell whether there is one."""
        window = window_at(self.windows, now)
        self.window = window or self.window
        return window is not None

    def replan(self, windows: Sequence[Window], shift: timedelta, now: datetime) -> int:
        """Take other windows; returns how many looks of the old ones were due and will not be made.

        A look that is due already stays due. Else the last look counts as one of the new windows.
        """
        missed = self.missed(now)
        waits = self.due is not None and self.due <= now
        self.windows, self.shift, self.planned, self.window = windows, shift, now, window_at(windows, now)
        if waits and self.window is not None:
            return missed
        since = now if self.looked is None or self.window is None else max(self.looked, now - self.window.every)
        self.due = None
        self.plan_after(since)
        return missed + waits

    def missed(self, now: datetime) -> int:
        """Return how many looks fell due after the one that begins now, and can no longer be made."""
        if self.due is None or self.window is None:
            return 0
        if self.window.begins <= self.due >= self.planned and now < self.window.ends:
            if now < self.due + self.window.every:
                return 0
            if not self.is_extra and self.due != self.instant:
                return (now - self.due) // self.window.every
        return dues_between(self.windows, max(self.due, self.planned - _JUST_BEFORE), now, self.shift)

    def follow(self, sighting: Sighting) -> None:
        """Choose the address of the next look: where a redirect led, or the target's own.

        It goes back to its own address after an absence, a loop, too many hops or a redirect to another site. Any other
        look leaves the address as it is.
        """
        there = next((one.url for one in sighting.found if one.role == "redirect"), None)
        if there is None or sighting.state is not State.UNKNOWN:
            if sighting.state in (State.ABSENT, State.WITHDRAWN):
                self.url, self.hops = None, ()
            return
        is_endless = there in (*self.hops, self.target.url) or len(self.hops) >= _MOST_HOPS
        if is_endless or not is_near(self.target.url, there):
            self.url, self.hops = None, ()
        else:
            self.url, self.hops = there, (*self.hops, there)

    def _one_step_on(self, after: datetime) -> datetime | None:
        # Nearly always the next look is one step on: spare the search through the windows.
        window, due = self.window, self.due
        if window is None or due is None or not window.begins <= due <= after or due == self.instant or self.is_extra:
            return None
        step = due + window.every
        return step if after < step < window.ends else None


def dues_between(windows: Sequence[Window], after: datetime, upto: datetime, shift: timedelta) -> int:
    """Return how many due instants lie in `(after, upto]`."""
    dues = 0
    for window in windows:
        dues += _dues_until(window, upto, shift) - _dues_until(window, after, shift)
    return dues


def _dues_until(window: Window, instant: datetime, shift: timedelta) -> int:
    first = window.begins if window.exact else window.begins + shift % window.every
    last = min(instant, window.ends - _JUST_BEFORE)
    return 0 if last < first else (last - first) // window.every + 1
