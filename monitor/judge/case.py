"""A release with its promise and window: all that the judge needs besides the looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.judge.policy import Policy
from monitor.judge.runs import Blind
from monitor.judge.window import Window, build_window
from monitor.judge.witnesses import DEFAULT_LAGS, Lags
from schedules.change import is_cancelled
from schedules.in_force import InForce, slot_in_force
from schedules.promise import Promise
from schedules.release import Release


@dataclass(frozen=True, slots=True)
class Case:
    """A release, the promise in force as of `now`, and the window that it gives.

    `window` is None if no readable time is in force. `zone` is the time zone of the announcement. `lags` are the delays
    with which witnesses reported releases on the day of the slot.
    """

    release: Release
    in_force: InForce
    window: Window | None
    zone: str
    blind: Sequence[Blind]
    policy: Policy
    now: datetime
    lags: Lags = DEFAULT_LAGS

    @property
    def is_judged(self) -> bool:
        """Return whether a slot with a readable time was known before it passed, so that a verdict is possible."""
        return self.window is not None and not self.in_force.learnt_after_slot

    @property
    def is_moved(self) -> bool:
        """Return whether the release was moved: an earlier promised time has passed, the slot in force has not."""
        earlier = self.in_force.moved_from
        passed = None if earlier is None else earlier.slot.passes()
        return self.window is not None and passed is not None and passed <= self.now < self.window.opens

    def by(self, promise: Promise) -> Case:
        """Return the case as if another promise were in force, such as that of a second calendar."""
        in_force = replace(self.in_force, promise=promise, cancelled=is_cancelled(promise), disagreements=())
        return replace(self, in_force=in_force, window=build_window(in_force, self.policy))


def case_of(
    release: Release, promises: Sequence[Promise], blind: Sequence[Blind], policy: Policy, now: datetime
) -> Case:
    """Return the case of a release as of `now`, from all of its promises and the blind spans."""
    in_force = slot_in_force(release, promises, now, policy.short_notice.days)
    zone = "Europe/London" if in_force.promise is None else in_force.promise.slot.timezone
    return Case(release, in_force, build_window(in_force, policy), zone, blind, policy, now)
