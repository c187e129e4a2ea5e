"""A release with its promise and window (when it is early or late): all that the judge needs
besides the looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.policy import Policy
from monitor.judge.runs import Blind
from monitor.judge.witnesses import DEFAULT_LAGS, Lags
from schedules.announcement import State
from schedules.change import is_cancelled, is_standing
from schedules.in_force import InForce, slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, is_inside
from schedules.times.interval import Bounds, Interval, since
from schedules.times.zone import day_begins, local_date


@dataclass(frozen=True, slots=True)
class Window:
    """The promised span and the limits that the policy sets around it. All times are aware UTC.

    The promised span is `slot_begins` … `slot_ends`: one instant if `exact`, else whole local days.
    Present before `early_before`, by more than our clock's uncertainty, is early. An appearance in
    `[on_time_from, on_time_until]` is on time. Absent after that is late. The verdict waits for
    late answers until `late_evidence_until`. A release that never appears is watched until
    `closes`.
    """

    slot_begins: datetime
    slot_ends: datetime
    exact: bool
    early_before: datetime
    on_time_from: datetime
    on_time_until: datetime
    late_evidence_until: datetime
    closes: datetime

    @property
    def promised_at(self) -> datetime | None:
        """Return the instant from which delays count; None if no time was promised."""
        return self.slot_begins if self.exact else None

    def delay_of(self, came: Interval) -> Bounds | None:
        """Return how long after its slot something came (negative: before); None if no time was
        promised.
        """
        if self.exact:
            return since(came, self.slot_begins)
        return None


def build_window(in_force: InForce, policy: Policy) -> Window | None:
    """Return the window of the slot in force, or None without a readable slot that stands."""
    # A provisional time is judged as its whole local day, like an entry without a time. A doubtful
    # one is judged from its first reading to its last.
    slot, promise = in_force.slot, in_force.promise
    if (
        slot is None
        or promise is None
        or not is_standing(promise)
        or (slot_begins := slot.begins()) is None
        or (slot_ends := slot.passes()) is None
    ):
        return None
    exact = is_exact(in_force)
    if is_in_doubt(promise):
        readings = slot.all_readings()
        slot_begins, slot_ends = min(readings), max(readings)
    elif slot.precision is Precision.INSTANT and not exact:
        day = local_date(slot_begins, slot.timezone)
        slot_begins = day_begins(day, slot.timezone)
        slot_ends = day_begins(day + timedelta(days=1), slot.timezone)
    on_time_until = slot_ends + policy.on_time_within
    return Window(
        slot_begins=slot_begins,
        slot_ends=slot_ends,
        exact=exact,
        early_before=slot_begins - policy.uncertainty,
        on_time_from=slot_begins - policy.on_time_within,
        on_time_until=on_time_until,
        late_evidence_until=on_time_until + policy.grace,
        closes=slot_ends + policy.closes_after,
    )


def is_in_doubt(promise: Promise) -> bool:
    """Return whether the time of a promise can be read in more than one way."""
    return bool(promise.doubt or promise.slot.doubt)


def is_exact(in_force: InForce) -> bool:
    """Return whether the slot in force is judged to the minute: its time is neither in doubt nor
    provisional.
    """
    slot, promise = in_force.slot, in_force.promise
    if slot is None or promise is None or slot.precision is not Precision.INSTANT:
        return False
    return not is_in_doubt(promise) and promise.state is not State.PROVISIONAL


@dataclass(frozen=True, slots=True)
class Case:
    """A release, the promise in force as of `now`, and the window that it gives.

    `window` is None if no readable time is in force. `zone` is the time zone of the announcement.
    `lags` are the delays with which witnesses reported releases on the day of the slot.
    `withdrawn_by` cancelled the slot, or left only its day or month, after an exposure. So that
    exposure is still judged by the slot.
    """

    release: Release
    in_force: InForce
    window: Window | None
    zone: str
    blind: Sequence[Blind]
    policy: Policy
    now: datetime
    lags: Lags = DEFAULT_LAGS
    withdrawn_by: Promise | None = None

    @property
    def is_judged(self) -> bool:
        """Return whether a slot with a readable time was known before it passed, so that a verdict
        is possible.
        """
        return self.window is not None and not self.in_force.is_first_read_after_slot

    @property
    def slot_begins(self) -> datetime | None:
        """Return when the slot in force begins, or None without a readable one."""
        return None if self.window is None else self.window.slot_begins

    @property
    def judged_window(self) -> Window:
        """Return the window of a case that `is_judged`."""
        assert self.window is not None  # noqa: S101  # only such cases are compared with looks
        return self.window

    @property
    def is_moved(self) -> bool:
        """Return whether the release was moved: an earlier promised time has passed, the slot in
        force has not.
        """
        earlier = self.in_force.moved_from
        passed = None if earlier is None else earlier.slot.passes()
        return (
            self.window is not None
            and passed is not None
            and passed <= self.now < self.window.slot_begins
        )

    def before_withdrawal(self) -> Case | None:
        """Return the case as if the slot were in force that was cancelled, made provisional, or of
        which the calendar only names the day, month or season now. None if there is none.
        """
        current, planned = self.in_force.promise, self.in_force.planned
        if current is None or planned is None:
            return None
        if is_standing(current):
            planned = self.in_force.last_exact
            is_vague = self.window is not None and not self.window.exact
            if planned is None or not is_vague or is_in_doubt(current):
                return None
            if not is_inside(planned.slot, current.slot):
                return None
        return replace(self.with_promise(planned), withdrawn_by=current)

    def with_promise(self, promise: Promise) -> Case:
        """Return the case as if another promise were in force, such as that of a second
        calendar.
        """
        in_force = replace(
            self.in_force, promise=promise, cancelled=is_cancelled(promise), disagreements=()
        )
        return replace(self, in_force=in_force, window=build_window(in_force, self.policy))


def case_of(
    release: Release,
    promises: Sequence[Promise],
    blind: Sequence[Blind],
    policy: Policy,
    now: datetime,
) -> Case:
    """Return the case of a release as of `now`, from all of its promises and the blind spans."""
    in_force = slot_in_force(release, promises, now, policy.short_notice.days)
    zone = "Europe/London"
    if in_force.promise is not None:
        zone = in_force.promise.slot.timezone
    return Case(release, in_force, build_window(in_force, policy), zone, blind, policy, now)
