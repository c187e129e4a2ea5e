"""The window of a slot: from when on a release is not early, and until when it is not late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.judge.policy import Policy
from schedules.announcement import State
from schedules.in_force import InForce
from schedules.slot import Precision


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
    opens, passes = (None, None) if slot is None else (slot.begins(), slot.passes())
    if slot is None or opens is None or passes is None:
        return None
    exact = is_exact(in_force)
    if slot.precision is Precision.INSTANT and not exact:
        opens, passes = _local_day(opens, slot.timezone)
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
    """Return whether the slot in force is judged to the minute."""
    return in_force.slot is not None and in_force.slot.precision is Precision.INSTANT and _is_firm(in_force)


def _is_firm(in_force: InForce) -> bool:
    """Return whether the time in force is neither in doubt nor provisional."""
    promise = in_force.promise
    if promise is None or promise.doubt or promise.slot.doubt or promise.state is State.PROVISIONAL:
        return False
    # If a postponed entry never changed its time, that time is the old one.
    return promise.state is not State.POSTPONED or bool(in_force.given_up)


def _local_day(instant: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Return the begin and the end of the local day of an instant, in the instant's own timezone."""
    zone = ZoneInfo(timezone)
    day = instant.astimezone(zone).date()
    midnights = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    begins, ends = (midnight.astimezone(instant.tzinfo) for midnight in midnights)
    return begins, ends
