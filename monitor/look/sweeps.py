"""Shares the looks at one host between the sweeps of its slots and other targets, if its budget is
too small.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.look.scheduled import ScheduledTarget
from monitor.look.sighting import Sighting, State
from monitor.plan.proof import LookResult, PartProof, ProofGoal
from monitor.plan.sweep import Sweep
from monitor.plan.targets import Target, View

# Each look of a sweep gives other targets a right to some tenths of a look. A sweep is critical in
# the last round before its slot, and then until it has looked at every page once.
_OWED_BY_CRITICAL = 1
_OWED_BY_OTHERS = 5
_WHOLE_LOOK = 10
_MOST_OWED = 2 * _WHOLE_LOOK
_RESULTS = {
    State.PRESENT: LookResult.PRESENT,
    State.ABSENT: LookResult.ABSENT,
    State.WITHDRAWN: LookResult.ABSENT,
}


def part_key(target: Target) -> str:
    """Return the key that all views of a part share."""
    return f"{target.release}/{target.part}"


def _represents_part(target: Target, goal: ProofGoal) -> bool:
    """Return whether this target stands for its part: a page's edge view, or an announcement."""
    return target.view is View.EDGE or goal.announced_page is not None


class Sweeps:
    """The parts of one host that need proof, in one `Sweep` for each slot and tolerance.

    While the budget is too small, `is_active` is true and the sweeps choose the looks at these
    parts. Other targets get the looks that are left, and at least their share.
    """

    def __init__(self) -> None:
        self._sweeps: dict[tuple[datetime, timedelta], Sweep] = {}  # by slot and tolerance
        self._part_keys_by_url: dict[str, str] = {}
        self._owed = 0  # in tenths
        self.is_active = False

    def add(self, target: Target, goal: ProofGoal, now: datetime) -> None:
        """Add the part of a target to the sweep of its slot."""
        if not _represents_part(target, goal) or now >= goal.ends:
            return
        sweep = self._sweeps.setdefault(
            (goal.slot, goal.tolerance), Sweep(goal.slot, goal.tolerance)
        )
        sweep.add(part_key(target), goal)
        is_announcement = goal.announced_page is not None
        if not is_announcement:
            # A listing that links to this address shows that the part is probably out. Listings
            # link to announcements earlier.
            self._part_keys_by_url[target.url] = part_key(target)

    def remove(self, target: Target, goal: ProofGoal) -> None:
        """Take back what `add` added."""
        if not _represents_part(target, goal):
            return
        if self._part_keys_by_url.get(target.url) == part_key(target):
            del self._part_keys_by_url[target.url]
        sweep = self._find_sweep(goal)
        if sweep is None:
            return
        sweep.remove(part_key(target))
        if not sweep.parts:
            del self._sweeps[goal.slot, goal.tolerance]

    def _find_sweep(self, goal: ProofGoal | None) -> Sweep | None:
        """Return the sweep of the goal's slot, if it has not ended."""
        if goal is None:
            return None
        return self._sweeps.get((goal.slot, goal.tolerance))

    def record_result(self, target: Target, goal: ProofGoal | None, sighting: Sighting) -> None:
        """Record what a look proved. Parts that it found in a listing are looked at first."""
        if self.is_active and sighting.found:
            keys = self._part_keys_by_url
            if listed_parts := [keys[link.url] for link in sighting.found if link.url in keys]:
                for each in self._sweeps.values():
                    each.prioritise(listed_parts)
        sweep_of_part = self._find_sweep(goal)
        if sweep_of_part is not None and target.view in (View.EDGE, View.ORIGIN):
            result = _RESULTS.get(sighting.state, LookResult.NOTHING)
            sweep_of_part.record_result(
                part_key(target), target.view, result, sighting.sent, sighting.proved_from
            )

    def is_awaited_origin_view(self, watched: ScheduledTarget) -> bool:
        """Return whether this is the origin view of a swept part that is not out yet."""
        target, goal = watched.target, watched.goal
        if goal is None or target.view is not View.ORIGIN or goal.announced_page is not None:
            return False
        sweep = self._find_sweep(goal)
        if sweep is None:
            return False
        part = sweep.parts.get(part_key(target))
        return part is not None and not part.is_out

    def delays_witnesses(self) -> bool:
        """Return whether a sweep needs all looks for pages, so that witnesses must wait."""
        return self.is_active and any(sweep.is_critical for sweep in self._sweeps.values())

    def update(self, now: datetime, gap: timedelta, *, is_overloaded: bool) -> bool:
        """Drop sweeps that have ended, and decide whether the others are `is_active`.

        `gap` is the time between two looks. Return whether to schedule due targets again.
        """
        was_active, delayed_witnesses = self.is_active, self.delays_witnesses()
        ended = [key for key, sweep in self._sweeps.items() if now >= sweep.ends]
        for key in ended:
            del self._sweeps[key]
        self.is_active = is_overloaded and any(
            sweep.is_open(now) for sweep in self._sweeps.values()
        )
        # Open sweeps share the looks, so their rounds last as long as one of all their parts.
        parts_in_turn = sum(
            len(sweep.parts) for sweep in self._sweeps.values() if sweep.is_open(now)
        )
        for sweep in self._sweeps.values():
            sweep.update_is_critical(now, gap * (parts_in_turn / len(sweep.parts)))
        if self.is_active != was_active or self.delays_witnesses() != delayed_witnesses:
            return True
        # Due targets must not wait for a sweep that has ended.
        return was_active and bool(ended)

    def plans_looks_for(self, goal: ProofGoal | None, now: datetime) -> bool:
        """Return whether the sweeps plan the looks at targets with this goal now."""
        if not self.is_active:
            return False
        sweep = self._find_sweep(goal)
        return sweep is not None and sweep.is_open(now)

    def next_part(
        self, now: datetime, gap: timedelta, is_ready: Callable[[PartProof], bool]
    ) -> PartProof | None:
        """Return the next part to look at, of those that `is_ready` accepts, or None.

        Sweeps in which a look can prove a part on time go first, then those with the fewest looks
        for each part.
        """
        for urgent in (True, False):
            sweeps = self._open_sweeps(now, urgent=urgent)
            all_parts = sum(len(sweep.parts) for sweep in sweeps)
            for sweep in sorted(sweeps, key=lambda sweep: sweep.looks_per_part):
                gap_within_sweep = gap * (all_parts / len(sweep.parts))
                part = sweep.next_part(now, gap_within_sweep, is_ready)
                if part is not None:
                    return part
        return None

    def _open_sweeps(self, now: datetime, *, urgent: bool) -> list[Sweep]:
        """Return the open sweeps that are `urgent` now, or those that are not.

        One that has just become so is set to the fewest looks for each part of them.
        """
        open_sweeps = [sweep for sweep in self._sweeps.values() if sweep.is_open(now)]
        # From one tolerance before the slot, a look can prove a part on time.
        sweeps = [sweep for sweep in open_sweeps if (now >= sweep.slot - sweep.tolerance) is urgent]
        # Else one with far fewer looks would get all looks at first.
        lowest = min(
            (sweep.looks_per_part for sweep in sweeps if sweep.last_urgency == urgent), default=0.0
        )
        for sweep in sweeps:
            if sweep.last_urgency != urgent:
                sweep.last_urgency, sweep.looks_per_part = urgent, lowest
        return sweeps

    def record_start(self, part: PartProof, now: datetime) -> None:
        """Record that a look at a part begins, for which others are owed looks."""
        sweep = self._find_sweep(part.goal)
        if sweep is not None:
            sweep.record_start(part, now)
            owed = _OWED_BY_OTHERS
            if sweep.is_critical:
                owed = _OWED_BY_CRITICAL
            self._owed = min(_MOST_OWED, self._owed + owed)

    def owes_a_look(self) -> bool:
        """Return whether a look or request outside the sweeps goes first, if one is due."""
        return self._owed >= _WHOLE_LOOK

    def record_other_request(self) -> None:
        """Record that such a look or request was sent."""
        self._owed = max(0, self._owed - _WHOLE_LOOK)

    def idle_until(self, now: datetime) -> datetime | None:
        """Return when an open sweep may need a look again, or None."""
        return min(
            (sweep.idle_until for sweep in self._sweeps.values() if sweep.is_open(now)),
            default=None,
        )
