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
"""The least gap between two looks on an idle host, as a fraction of their spacing."""
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(slots=True, eq=False)
class ScheduledTarget:
    """A target with its windows, and the state of its looks.

    `planned_at` is when these windows were set. Earlier due instants do not count as missed.
    `shift` delays the due instants. At `promised_at`, a look must begin before all others. `due` is
    when the next look is due by the wall clock, None if no window is left. If `is_extra`, that look
    is an additional one outside the spacing of the window. `last_look` is when the last look began
    by the wall clock, and `last_look_mono` the same in monotonic seconds, minus infinity before the
    first. `url` is the address that redirects led to, None if it is the target's own, and `hops`
    are the addresses on the way there. `goal` is what must be proved about its part. Of two targets
    that are equally due, the one with the lower `rank` goes first. A look `is_under_way` until its
    answer is read, and `has_place` among the requests of its host until it is answered.
    """

    target: Target
    windows: Sequence[Window]
    shift: timedelta
    planned_at: datetime
    promised_at: datetime | None = None
    goal: ProofGoal | None = None
    due: datetime | None = None
    window: Window | None = None
    last_look: datetime | None = None
    last_look_mono: float = -inf
    is_under_way: bool = False
    has_place: bool = False
    is_extra: bool = False
    url: str | None = None
    hops: tuple[str, ...] = ()
    rank: Rank = field(init=False)

    def __post_init__(self) -> None:
        """Set the rank: pages before other parts, and the edge view before other views."""
        self.rank = self.target.part != "page", _VIEWS[self.target.view], self.target.id

    def look_now(self, now: datetime) -> None:
        """Make a look due at once if a window contains `now`. Later looks keep to the windows."""
        window = window_at(self.windows, now)
        if window is not None:
            self.due, self.window, self.is_extra = now, window, True

    def next_look_if_idle(self) -> datetime | None:
        """Return the earliest time for an additional look while the host is idle, None if none is
        allowed yet.

        The edge view has every even multiple of the spacing, the other views every odd one, so that
        they alternate.
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
        """Set `due` to the first due or promised instant after `after` (None if none is left), and
        its `window`.
        """
        # Usually the next instant is one spacing later. Otherwise search the windows for it.
        self.due = self._one_spacing_later(after) or next_due(self.windows, after, self.shift)
        self.is_extra = False  # it is a regular look of its window
        promised = self.promised_at  # an instant at which a look must begin, usually the slot
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
        """Replace the windows, and `shift`, which delays their due instants.

        Return how many due looks are missed.

        A look that is already due stays due if a new window contains `now`. Otherwise it is missed
        too.
        """
        # looks that became due after the one at `due`, by the old windows
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
        # The next look follows the last look by the new spacing. If the last look was longer ago,
        # the next is due now.
        since = (
            now
            if self.last_look is None or self.window is None
            else max(self.last_look, now - self.window.every)
        )
        self.due = None
        self.plan_after(since)
        return missed + 1 if is_due else missed

    def end_watch(self, now: datetime) -> int:
        """Plan no more looks. Return how many due looks will not be made."""
        return self.replan(windows=(), shift=timedelta(), now=now)

    def count_missed(self, now: datetime) -> int:
        """Return how many looks became due after the one at `due`, until `now`.

        One late look replaces all of them.
        """
        due, window = self.due, self.window
        if due is None or window is None:
            return 0
        is_in_one_window = self.planned_at <= due and window.begins <= due and now < window.ends
        # An extra look (`look_now`) or a promised look is between the due instants of its window.
        is_regular = not self.is_extra and due != self.promised_at
        if is_in_one_window and is_regular:
            return max(0, (now - due) // window.every)
        if is_in_one_window and now < due + window.every:
            return 0  # within one spacing, an extra or promised look counts as on time
        # Count the due instants in all windows after `due` until `now`, but none before the windows
        # were planned.
        # so that one at `planned_at` itself counts
        after = max(due, self.planned_at - _JUST_BEFORE)
        return sum(
            _count_dues_until(each, now, self.shift) - _count_dues_until(each, after, self.shift)
            for each in self.windows
        )

    def follow_redirect(self, sighting: Sighting) -> None:
        """Set the address of the next look: where a redirect led, or the target's own.

        After a look that shows the release, the address stays. After a redirect on the same site
        without proof, it is the destination, unless there is a loop or there were too many
        redirects. In all other cases it is the target's own (None), because the redirect may have
        been replaced by a page.
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
        """Return the first due instant after `after` if it is one spacing after `due`.

        None: search all windows.
        """
        window, due = self.window, self.due
        # After an extra look (made at once, out of turn) or a promised one (at an instant at which
        # a look must begin, usually the slot), the next look is not one spacing later. It keeps to
        # the regular due instants.
        is_regular = not self.is_extra and due != self.promised_at
        if window is None or due is None or not is_regular or not window.begins <= due <= after:
            return None
        next_due_in_window = due + window.every
        return next_due_in_window if after < next_due_in_window < window.ends else None


def _count_dues_until(window: Window, instant: datetime, shift: timedelta) -> int:
    first = window.begins if window.is_unshifted else window.begins + shift % window.every
    last = min(instant, window.ends - _JUST_BEFORE)
    return 0 if last < first else (last - first) // window.every + 1
