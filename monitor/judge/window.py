"""The slot as judgement uses it: from when on a release is not early, until when it is not late."""

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
    """The span that was promised, and the limits a policy puts around it. All aware UTC.

    `opens` … `passes` is the promise: one instant when `exact`, else whole local days. Present before
    `early_before` is early; absent after `latest` is late; on time lies in `[earliest, latest]`. Evidence
    may be on its way until `settles`; the watch ends at `closes`.
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
        """Return the instant that delays count from, None when nothing was promised to the minute."""
        return self.opens if self.exact else None


def window(standing: InForce, policy: Policy) -> Window | None:
    """Return the window of the slot in force, None when no readable time is in force.

    A provisional or doubted instant is judged as its local day, like every entry without a time.
    """
    slot = standing.slot
    opens, passes = (None, None) if slot is None else (slot.begins(), slot.passes())
    if slot is None or opens is None or passes is None:
        return None
    exact = is_exact(standing)
    if slot.precision is Precision.INSTANT and not exact:
        opens, passes = _local_day(opens, slot.timezone)
    return around(opens, passes, policy, exact=exact)


def is_exact(standing: InForce) -> bool:
    """Tell whether the slot in force is judged to the minute."""
    return standing.slot is not None and standing.slot.precision is Precision.INSTANT and _is_firm(standing)


def around(opens: datetime, passes: datetime, policy: Policy, *, exact: bool) -> Window:
    """Return the window of a promised span."""
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


def _is_firm(standing: InForce) -> bool:
    promise = standing.promise
    if promise is None or promise.doubt or promise.slot.doubt or promise.state is State.PROVISIONAL:
        return False
    # An entry called postponed that never moved still shows the old time.
    return promise.state is not State.POSTPONED or bool(standing.given_up)


def _local_day(instant: datetime, timezone: str) -> tuple[datetime, datetime]:
    zone = ZoneInfo(timezone)
    day = instant.astimezone(zone).date()
    midnights = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    begins, ends = (midnight.astimezone(instant.tzinfo) for midnight in midnights)
    return begins, ends
