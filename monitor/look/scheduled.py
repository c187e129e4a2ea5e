"""Schedules the looks at one target by its windows. Pure: the caller passes the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf

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
"""Between two looks on an idle host, as a fraction of their spacing."""
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(slots=True, eq=False)
class ScheduledTarget:
    """A target with its windows, and the state of its looks."""

    target: Target
    windows: Sequence[Window]
    shift: timedelta
    """The delay of due instants."""
    planned_at: datetime
    """When the windows were set. Earlier due instants are not missed."""
    promised_at: datetime | None = None
    """An instant at which a look must begin, usually the slot."""
    goal: ProofGoal | None = None
    due: datetime | None = None
    """The next look by the wall clock, None if none is left."""
    window: Window | None = None
    last_look: datetime | None = None
    """When it began by the wall clock."""
    last_look_mono: float = -inf
    """When it began in monotonic seconds."""
    is_under_way: bool = False
    """Whether a look has begun whose answer is not read yet."""
    has_place: bool = False
    """The same until the answer has arrived."""
    is_extra: bool = False
    """Whether the look at `due` is outside the spacing."""
    url: str | None = None
    """Where redirects led over `hops`, None for the target's own."""
    hops: tuple[str, ...] = ()
    rank: Rank = field(init=False)
    """Of two that are equally due, the lower goes first."""

    def __post_init__(self) -> None:
        """Set the rank: pages first, and of views the edge."""
        self.rank = self.target.part != "page", _VIEWS[self.target.view], self.target.id

    def look_now(self, now: datetime) -> None:
        """Make a look due at once if a window contains `now`."""
        window = window_at(self.windows, now)
        if window is not None:
            self.due, self.window, self.is_extra = now, window, True

    def next_look_if_idle(self) -> datetime | None:
        """Return the earliest time for an additional look while the host is idle, or None.

        The edge has the even multiples of the spacing and other views the odd ones, so that they
        alternate.
        """
        if self.window is None or self.window.every_if_idle is None or self.last_look is None:
            return None
        spacing = self.window.every_if_idle
        soonest = self.last_look + _LEAST_IDLE_GAP * spacing
        return on_grid(
            soonest,
            anchor=_EPOCH if self.target.view is View.EDGE else _EPOCH + spacing,
            every=2 * spacing,
        )

    def plan_after(self, after: datetime) -> None:
        """Set `due` to the first due or promised instant after `after`, and its `window`."""
        self.due = self._one_spacing_later(after) or next_due(self.windows, after, self.shift)
        self.is_extra = False
        promised = self.promised_at
        if promised is not None and after < promised and (self.due is None or promised < self.due):
            self.due = promised
        if self.due is None:
            self.window = None
        elif self.window is None or not self.window.begins <= self.due < self.window.ends:
            self.window = window_at(self.windows, self.due)

    def enter_window(self, now: datetime) -> bool:
        """Use the window that contains `now` for the waiting look. Return whether there is one."""
        window = window_at(self.windows, now)
        self.window = window or self.window
        return window is not None

    def replan(self, windows: Sequence[Window], shift: timedelta, now: datetime) -> int:
        """Replace the windows and `shift`. Return how many due looks are missed.

        One that is due stays so if a new window contains `now`, else it is missed too.
        """
        missed = self.count_missed(now)
        is_due = self.due is not None and self.due <= now
        self.windows, self.shift, self.planned_at, self.window = (
            windows,
            shift,
            now,
            window_at(windows, now),
        )
        if is_due and self.window is not None:
            return missed
        # By the new spacing from the last look, but not before now.
        since = now
        if self.last_look is not None and self.window is not None:
            since = max(self.last_look, now - self.window.every)
        self.due = None
        self.plan_after(since)
        return missed + 1 if is_due else missed

    def end_watch(self, now: datetime) -> int:
        """Plan no more looks. Return how many due ones are missed."""
        return self.replan(windows=(), shift=timedelta(), now=now)

    def count_missed(self, now: datetime) -> int:
        """Return how many looks became due after the one at `due`, which replaces them all."""
        due, window = self.due, self.window
        if due is None or window is None:
            return 0
        is_in_one_window = self.planned_at <= due and window.begins <= due and now < window.ends
        # Others are between the due instants of their window.
        is_regular = not self.is_extra and due != self.promised_at
        if is_in_one_window and is_regular:
            return max(0, (now - due) // window.every)
        if is_in_one_window and now < due + window.every:
            return 0
        # Count due instants in all windows, from `planned_at` on, which itself counts.
        after = max(due, self.planned_at - _JUST_BEFORE)
        return sum(
            _count_dues_until(each, now, self.shift) - _count_dues_until(each, after, self.shift)
            for each in self.windows
        )

    def follow_redirect(self, sighting: Sighting) -> None:
        """Set the address of the next look.

        It stays where the release was seen. Without proof, it is the destination of a redirect on
        the same site, unless there is a loop or there were too many. Else it is the target's own
        (None).
        """
        if sighting.state is State.PRESENT:
            return
        destination = next((link.url for link in sighting.found if link.role == "redirect"), None)
        is_endless = destination in (*self.hops, self.target.url) or len(self.hops) >= _MOST_HOPS
        may_follow = sighting.state is State.UNKNOWN and not is_endless
        if destination is None or not may_follow or not is_same_site(self.target.url, destination):
            self.url, self.hops = None, ()
        else:
            self.url, self.hops = destination, (*self.hops, destination)

    def _one_spacing_later(self, after: datetime) -> datetime | None:
        """Return the due instant one spacing after `due`, None if all windows must be searched."""
        window, due = self.window, self.due
        # After an extra or promised look, regular due instants continue as before.
        is_regular = not self.is_extra and due != self.promised_at
        if window is None or due is None or not is_regular or not window.begins <= due <= after:
            return None
        next_due_in_window = due + window.every
        if after < next_due_in_window < window.ends:
            return next_due_in_window
        return None


def _count_dues_until(window: Window, instant: datetime, shift: timedelta) -> int:
    first = window.begins if window.is_unshifted else window.begins + shift % window.every
    last = min(instant, window.ends - _JUST_BEFORE)
    if last < first:
        return 0
    return (last - first) // window.every + 1
