"""The window of a slot: from when on a release is not early, and until when it is not late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.judge.policy import Policy
from schedules.announcement import State
from schedules.in_force import InForce
from schedules.slot import Precision
from schedules.times.zone import day_begins, local_date


@dataclass(frozen=True, slots=True)
class Window:
    """The promised span and the limits that the policy sets around it. All times are aware UTC.

    `opens` … `passes` is the promise: one instant if `exact`, else whole local days. Present before `early_before` is
    early; absent after `latest` is late; an appearance in `[earliest, latest]` is on time. Evidence may still arrive
    until `settles`. The watch ends at `closes`.
    """

    opens: datetime
    passes: datetime
    exact: bool
    early_before: datetime
    earliest: datetime
    latest: datetime
    settles: datetime
    closes: datetime

    @property
    def origin(self) -> datetime | None:
        """Return the instant from which delays count; None if no time was promised."""
        return self.opens if self.exact else None


def build_window(in_force: InForce, policy: Policy) -> Window | None:
    """Return the window of the slot in force, or None without a readable slot.

    A provisional or doubtful time is judged as its whole local day, like an entry without a time.
    """
    slot = in_force.slot
    if slot is None or (opens := slot.begins()) is None or (passes := slot.passes()) is None:
        return None
    exact = is_exact(in_force)
    if slot.precision is Precision.INSTANT and not exact:
        day = local_date(opens, slot.timezone)
        opens, passes = day_begins(day, slot.timezone), day_begins(day + timedelta(days=1), slot.timezone)
    latest = passes + policy.on_time_within
    return Window(
        opens=opens,
        passes=passes,
        exact=exact,
        early_before=opens - policy.uncertainty,
        earliest=opens - policy.on_time_within,
        latest=latest,
        settles=latest + policy.grace,
        closes=passes + policy.closes_after,
    )


def is_exact(in_force: InForce) -> bool:
    """Return whether the slot in force is judged to the minute: its time is neither in doubt nor provisional."""
    slot, promise = in_force.slot, in_force.promise
    if slot is None or promise is None or slot.precision is not Precision.INSTANT:
        return False
    if promise.doubt or slot.doubt or promise.state is State.PROVISIONAL:
        return False
    # If a postponed entry never changed its time, that time is the old one.
    return promise.state is not State.POSTPONED or bool(in_force.given_up)
