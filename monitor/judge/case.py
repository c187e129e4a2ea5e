"""A release with its promise and window (when it is early or late): all that the judge needs besides the looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.policy import Policy
from monitor.judge.runs import Blind
from monitor.judge.witnesses import DEFAULT_LAGS, Lags
from schedules.announcement import State
from schedules.change import is_cancelled
from schedules.in_force import InForce, slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision
from schedules.times.interval import Bounds, Interval, since
from schedules.times.zone import day_begins, local_date


@dataclass(frozen=True, slots=True)
class Window:
    """The promised span and the limits that the policy sets around it. All times are aware UTC.

    `opens` … `passes` is the promise: one instant if `exact`, else whole local days. Present before `early_before`, by
    more than our clock's uncertainty, is early. Absent after `latest` is late. An appearance in `[earliest, latest]` is
    on time. Evidence may still arrive until `settles`. The watch ends at `closes`.
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
    def promised_at(self) -> datetime | None:
        """Return the instant from which delays count; None if no time was promised."""
        return self.opens if self.exact else None

    def delay_of(self, came: Interval) -> Bounds | None:
        """Return how long after its slot something came (negative: before); None if no time was promised."""
        return since(came, self.opens) if self.exact else None


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
    # Early: present before `early_before`. On time: last proved absent at `earliest` or later, present by `latest`. The
    # verdict waits for late answers until `settles`. A release that never appears is watched until `closes`.
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
    """Return whether the slot in force is judged to the minute: its time is not in doubt, provisional or postponed."""
    slot, promise = in_force.slot, in_force.promise
    if slot is None or promise is None or slot.precision is not Precision.INSTANT:
        return False
    if promise.doubt or slot.doubt or promise.state is State.PROVISIONAL:
        return False
    # A postponed entry often still shows the old time. If it replaced an earlier promise, it shows the new one.
    has_replaced_promise = bool(in_force.withdrawn)
    return promise.state is not State.POSTPONED or has_replaced_promise


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
        return self.window is not None and not self.in_force.is_first_read_after_slot

    @property
    def judged_window(self) -> Window:
        """Return the window of a case that `is_judged`."""
        assert self.window is not None  # noqa: S101  # only such cases are compared with looks
        return self.window

    @property
    def is_moved(self) -> bool:
        """Return whether the release was moved: an earlier promised time has passed, the slot in force has not."""
        earlier = self.in_force.moved_from
        passed = None if earlier is None else earlier.slot.passes()
        return self.window is not None and passed is not None and passed <= self.now < self.window.opens

    def with_promise(self, promise: Promise) -> Case:
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
