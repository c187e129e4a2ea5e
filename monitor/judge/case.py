"""What a release is judged on besides what was seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.judge.policy import Policy
from monitor.judge.runs import Blind
from monitor.judge.window import Window, window
from monitor.judge.witnesses import DEFAULT_LAGS, Lags
from schedules.change import is_cancelled
from schedules.in_force import InForce, slot_in_force
from schedules.promise import Promise
from schedules.release import Release


@dataclass(frozen=True, slots=True)
class Case:
    """A release, what its ledger says as of `now`, and the window that follows.

    `window` is None when no readable time is in force. `zone` is the one the slot was announced in. `lags` are those of
    witnesses on the day of its slot.
    """

    release: Release
    standing: InForce
    window: Window | None
    zone: str
    blind: Sequence[Blind]
    policy: Policy
    now: datetime
    lags: Lags = DEFAULT_LAGS

    @property
    def is_judged(self) -> bool:
        """Tell whether there is a slot to hold the evidence against."""
        return self.window is not None and not self.standing.learnt_after_slot

    @property
    def is_moved(self) -> bool:
        """Tell whether an earlier promised time has passed while the slot in force lies ahead."""
        earlier = self.standing.moved_from
        passed = None if earlier is None else earlier.slot.passes()
        return self.window is not None and passed is not None and passed <= self.now < self.window.opens

    def by(self, promise: Promise) -> Case:
        """Return the case as it is by another calendar."""
        standing = replace(self.standing, promise=promise, cancelled=is_cancelled(promise), disagreements=())
        return replace(self, standing=standing, window=window(standing, self.policy))


def case_of(
    release: Release, promises: Sequence[Promise], blind: Sequence[Blind], policy: Policy, now: datetime
) -> Case:
    """Return the case of a release as of `now`."""
    standing = slot_in_force(release, promises, now, policy.short_notice.days)
    zone = "Europe/London" if standing.promise is None else standing.promise.slot.timezone
    return Case(release, standing, window(standing, policy), zone, blind, policy, now)
