"""Decides which part to look at next while a host's budget is too small for every look. Pure: times are passed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.look.sighting import Sighting, State
from monitor.plan.proof import LookResult, PartProof, ProofGoal
from monitor.plan.sweep import Sweep
from monitor.plan.targets import Target, View

_CRITICAL_FLOOR = 0.1
"""The share of the budget for looks and requests outside the sweeps while a sweep is critical."""
_EARLY_FLOOR = 0.5
"""The same while no sweep is critical."""
_MOST_DEBT = 2.0
"""The most looks that are owed to targets and requests outside the sweeps."""
_RESULTS = {State.PRESENT: LookResult.PRESENT, State.ABSENT: LookResult.ABSENT, State.WITHDRAWN: LookResult.ABSENT}


def part_key(target: Target) -> str:
    """Return the key that all views of a part share."""
    return f"{target.release}/{target.part}"


def _represents_part(target: Target, goal: ProofGoal) -> bool:
    """Return whether a part is added to the sweeps with this target: with its edge view, or with its announcement."""
    return target.view is View.EDGE or goal.announces is not None


@dataclass(slots=True, eq=False)
class _SharedSweep:
    """One of several sweeps at a host. `looks` is its number of looks divided by its parts: the lowest goes first.

    `was_urgent` is whether it was urgent when it was last chosen from, None before that.
    """

    sweep: Sweep
    looks: float = 0.0
    was_urgent: bool | None = None
    is_critical: bool = False

    def is_open(self, now: datetime) -> bool:
        """Return whether its time has come: from two tolerances before the slot until it ends."""
        return self.sweep.slot - 2 * self.sweep.tolerance <= now < self.sweep.ends

    def is_urgent(self, now: datetime) -> bool:
        """Return whether a look now can prove that a part was on time."""
        return self.sweep.slot - self.sweep.tolerance <= now < self.sweep.ends


class Sweeps:
    """The parts of one host that need proof, in one sweep for each slot.

    While `is_active`, every look at them is planned here. Other looks and requests get the rest of the budget, but at
    least a fixed share.
    """

    def __init__(self) -> None:
        self._sweeps: dict[tuple[datetime, timedelta], _SharedSweep] = {}
        self._pages: dict[str, str] = {}
        self._debt = 0.0
        self.is_active = False

    def add(self, target: Target, goal: ProofGoal, now: datetime) -> None:
        """Add the part of a target, if the target represents its part and the goal has not ended."""
        if not _represents_part(target, goal) or now >= goal.ends:
            return
        shared = self._sweeps.get((goal.slot, goal.tolerance))
        if shared is None:
            shared = self._sweeps[goal.slot, goal.tolerance] = _SharedSweep(Sweep(goal.slot, goal.tolerance))
        shared.sweep.add(part_key(target), goal)
        if goal.announces is None:
            self._pages[target.url] = part_key(target)

    def remove(self, target: Target, goal: ProofGoal) -> None:
        """Remove the part of a target, because it needs no more proof."""
        shared = self._find_sweep(goal)
        if shared is None or not _represents_part(target, goal):
            return
        shared.sweep.remove(part_key(target))
        self._pages.pop(target.url, None)
        if not shared.sweep.parts:
            del self._sweeps[goal.slot, goal.tolerance]

    def _find_sweep(self, goal: ProofGoal | None) -> _SharedSweep | None:
        """Return the sweep for the slot of a goal, or None."""
        return None if goal is None else self._sweeps.get((goal.slot, goal.tolerance))

    def record_result(self, target: Target, goal: ProofGoal | None, sighting: Sighting) -> None:
        """Record the result of a look for the proof of its part.

        If a listing shows parts, they are looked at first from now on. Only the edge and origin views prove a part.
        """
        if self.is_active and sighting.found:
            listed_parts = [self._pages[link.url] for link in sighting.found if link.url in self._pages]
            for listing_sweep in self._sweeps.values() if listed_parts else ():
                listing_sweep.sweep.prioritise(listed_parts)
        shared = self._find_sweep(goal)
        if shared is not None and target.view in (View.EDGE, View.ORIGIN):
            result = _RESULTS.get(sighting.state, LookResult.NOTHING)
            shared.sweep.record_result(part_key(target), target.view, result, sighting.sent, sighting.proved_from)

    def awaits_origin(self, target: Target, goal: ProofGoal | None) -> bool:
        """Return whether a target is the origin view of a part that is not out yet."""
        if goal is None or target.view is not View.ORIGIN or goal.announces is not None:
            return False
        shared = self._find_sweep(goal)
        part = shared.sweep.parts.get(part_key(target)) if shared is not None else None
        return part is not None and not part.is_out

    def delays_witnesses(self) -> bool:
        """Return whether looks at witnesses must wait, because a sweep is critical and pages themselves prove more."""
        return self.is_active and any(shared.is_critical for shared in self._sweeps.values())

    def update(self, now: datetime, gap: timedelta, *, is_overloaded: bool) -> bool:
        """Set `is_active` and drop ended sweeps. Return whether due targets must be scheduled again because of this.

        `gap` is the time between two looks at the host. `is_overloaded`: its budget is too small for every look.
        """
        was_active, delayed_witnesses = self.is_active, self.delays_witnesses()
        ended = [key for key, shared in self._sweeps.items() if now >= shared.sweep.ends]
        for key in ended:
            del self._sweeps[key]
        self.is_active = is_overloaded and any(shared.is_open(now) for shared in self._sweeps.values())
        for shared in self._sweeps.values():
            shared.is_critical = shared.sweep.is_critical(now, gap)
        has_changed = (self.is_active, self.delays_witnesses()) != (was_active, delayed_witnesses)
        return has_changed or (was_active and bool(ended))

    def plans_looks_for(self, goal: ProofGoal | None, now: datetime) -> bool:
        """Return whether the sweeps plan the looks at targets with this goal now."""
        shared = self._find_sweep(goal) if self.is_active else None
        return shared is not None and shared.is_open(now)

    def next_part(self, now: datetime, gap: timedelta, is_ready: Callable[[PartProof], bool]) -> PartProof | None:
        """Return the part to look at next, or None. A look to the host begins every `gap`."""
        for urgent in (True, False):
            sweeps = self._sweeps_by_urgency(now, urgent=urgent)
            parts = sum(len(shared.sweep.parts) for shared in sweeps)
            for shared in sorted(sweeps, key=lambda shared: shared.looks):
                # The sweeps share the looks of the host, in proportion to their parts.
                part = shared.sweep.next_part(now, gap * (parts / len(shared.sweep.parts)), is_ready)
                if part is not None:
                    return part
        return None

    def _sweeps_by_urgency(self, now: datetime, *, urgent: bool) -> list[_SharedSweep]:
        """Return the open sweeps that are urgent, or those that are not. A new one gets the lowest `looks` of these."""
        sweeps = [shared for shared in self._sweeps.values() if shared.is_open(now) and shared.is_urgent(now) is urgent]
        least = min((shared.looks for shared in sweeps if shared.was_urgent is urgent), default=0.0)
        for shared in sweeps:
            if shared.was_urgent is not urgent:
                shared.was_urgent, shared.looks = urgent, least
        return sweeps

    def record_start(self, part: PartProof, now: datetime) -> None:
        """Record that a look at a part begins."""
        shared = self._find_sweep(part.goal)
        if shared is not None:
            shared.sweep.record_start(part, now)
            shared.looks += 1.0 / len(shared.sweep.parts)
            # Each look of a sweep adds to what is owed to other looks and requests.
            floor = _CRITICAL_FLOOR if shared.is_critical else _EARLY_FLOOR
            self._debt = min(_MOST_DEBT, self._debt + floor)

    def owes_a_look(self) -> bool:
        """Return whether a look or request outside the sweeps goes first, if any is due."""
        return self._debt >= 1.0

    def record_other_request(self) -> None:
        """Record that a look or request outside the sweeps was sent to the host."""
        self._debt = max(0.0, self._debt - 1.0)

    def idle_until(self, now: datetime) -> datetime | None:
        """Return when an open sweep may need a look again, None if no sweep is open."""
        return min((shared.sweep.idle_until for shared in self._sweeps.values() if shared.is_open(now)), default=None)
