"""Judge one part: compare its presences and absences with the window of its slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from http import HTTPStatus

from monitor.judge.case import Case, Window
from monitor.judge.exposure import (
    find_exposures,
    find_unseen_exposures,
    is_early,
    present_at_slot_by,
)
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.presence import Presence
from monitor.judge.reasons import Reason
from monitor.judge.runs import Run, last_absence_until
from monitor.look.sighting import State
from monitor.plan.addresses import UNPROMISED_ORIGINS
from monitor.plan.targets import View
from schedules.announcement import Address, Part, Role
from schedules.change import is_standing
from schedules.contract.verdict import PartVerdict, VerdictKind
from schedules.times.interval import NOTHING, Bounds, Interval, latest_known, seconds_between
from schedules.times.zone import local

# If the last absence is older than this when the watch ends, the release may have come unseen.
_RECENT = timedelta(days=1)
# An edge may serve an old copy without its age. So its absence waits this long for the next look at
# the origin.
ORIGIN_AWAITED = timedelta(seconds=10)
_ABSENT = (VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED)
# The worst verdict first. A part or release gets the worst one that applies.
WORST_FIRST = (
    VerdictKind.NOT_PUBLISHED,
    VerdictKind.OVERDUE,
    VerdictKind.EARLY,
    VerdictKind.LATE,
    VerdictKind.UNPROVEN,
    VerdictKind.PENDING,
    VerdictKind.ON_TIME,
)


@dataclass(frozen=True, slots=True)
class _Timing:
    """The verdict on a part from its slot on, exposures ignored: when `released`, and the `reason`
    if unproven. The last two are as in `PartVerdict`.
    """

    verdict: VerdictKind
    released: Interval = NOTHING
    delay: Bounds | None = None
    reason: str | None = None
    was_in_place: bool = False
    changed: Interval = NOTHING


def judge_parts(case: Case, evidences: Iterable[PartEvidence]) -> tuple[PartVerdict, ...]:
    """Return the verdict on each part, in order.

    Parts after the page are judged with the time of its release.
    """
    page_released = NOTHING  # an empty interval: that time is not known
    parts = []
    for evidence in evidences:
        parts.append(_judge_part(case, evidence, page_released))
        if evidence.part.id == "page":
            page_released = parts[-1].released
    return tuple(parts)


def _judge_part(case: Case, evidence: PartEvidence, page_released: Interval) -> PartVerdict:
    """Return the verdict on one part: early if it was public before its slot, otherwise judged by
    when it came.
    """
    # A part that no one promised is `pending` until it comes. `page_released` is when the landing
    # page came.
    window, part = case.judged_window, evidence.part
    all_runs = [run for runs_of_view in evidence.views.values() for run in runs_of_view]
    # Some exposures were seen by looks. No look saw the others, but a notice of withdrawal proves
    # them.
    exposures = find_exposures(part.id, evidence.all_presences, window, case.now, all_runs)
    exposures += find_unseen_exposures(part.id, evidence.spells.values(), window, exposures)
    timing = _PartJudge(evidence, all_runs, window, case.now, case.zone).judge_timing(page_released)
    is_promised = part.origin not in UNPROMISED_ORIGINS
    if not is_promised and timing.released == NOTHING:
        timing = _Timing(VerdictKind.PENDING)
    first_seen = exposures[0].start if exposures else timing.released
    verdict, delay = timing.verdict, timing.delay
    # A part may have been removed after its exposure and be absent since its slot. That is worse
    # than early.
    if exposures and timing.verdict not in _ABSENT:
        verdict, delay = VerdictKind.EARLY, window.delay_of(first_seen)
    return replace(
        _verdict_without_times(case, part, verdict, timing.reason),
        first_seen=first_seen,
        released=timing.released,
        was_in_place=timing.was_in_place,
        changed=timing.changed,
        delay=delay,
        exposures=exposures,
        # The exposures already say how early it came.
        early_bound=None if exposures else _early_bound(timing.released, window, evidence),
    )


def describe_unjudged(case: Case, evidence: PartEvidence) -> PartVerdict:
    """Return `cancelled`, `unproven`, `unannounced` or `pending` for a part without a slot that it
    can be judged by.
    """
    appeared = evidence.presences[0].appears if evidence.presences else NOTHING
    verdict, reason = VerdictKind.PENDING, None
    if case.in_force.cancelled:
        verdict = VerdictKind.CANCELLED
    elif case.window is not None:
        # The slot has a time, but it was read only after that time had passed.
        verdict, reason = VerdictKind.UNPROVEN, Reason.READ_AFTER_SLOT.text()
    elif appeared and case.in_force.promise is None:
        verdict = VerdictKind.UNANNOUNCED
    elif appeared and case.in_force.promise is not None:
        promise = case.in_force.promise
        reason = (
            Reason.NO_READABLE_TIME.text()
            if is_standing(promise)
            else Reason.NO_PROMISE.text(case.zone, promise=promise, calendar=promise.calendar)
        )
        verdict = VerdictKind.UNPROVEN
    return replace(
        _verdict_without_times(case, evidence.part, verdict, reason),
        first_seen=appeared,
        released=appeared,
    )


def _verdict_without_times(
    case: Case, part: Part, verdict: VerdictKind, reason: str | None
) -> PartVerdict:
    """Return the verdict on a part without its times.

    `reason` is used only if the verdict is `unproven`.
    """
    return PartVerdict(
        part.id,
        part.role.value,
        part.url,
        part.required,
        verdict,
        unproven_because=reason if verdict is VerdictKind.UNPROVEN else None,
        origin=part.origin,
        # Only the page's address can be another than the announced one.
        address=case.release.address if part.id == "page" else Address.ANNOUNCED,
    )


def is_revealed_by_page(evidence: PartEvidence, page_released: Interval) -> bool:
    """Return whether the part was first looked at after the page was out: its address was on the
    page.
    """
    page_out_by, first_look = page_released.by, evidence.first_look
    return page_out_by is not None and first_look is not None and first_look >= page_out_by


def origin_awaited_until(evidence: PartEvidence, window: Window) -> datetime | None:
    """Return until when a part that the edge shows absent must wait for a look at the origin before
    it is overdue.

    The edge may serve an old copy, so its absence is not believed at once. The wait starts when the
    tolerance ends, or with the first look at the edge after that. None if the origin has shown
    since the tolerance ended whether the part is there, if the origin is not watched, or if the
    address is a guess.
    """
    tolerance_ends, spells_at_origin = window.on_time_until, evidence.spells.get(View.ORIGIN, ())
    if (
        evidence.is_address_guessed
        or not spells_at_origin
        or spells_at_origin[-1].end > tolerance_ends
    ):
        return None
    edge = (run for run in evidence.views.get(View.EDGE, ()) if run.state is not State.UNKNOWN)
    # A run is a row of looks with the same answer. If it began before the tolerance ended, the wait
    # starts at that end.
    first_answer = min(
        (run.first_sent for run in edge if run.last_received > tolerance_ends),
        default=tolerance_ends,
    )
    return max(tolerance_ends, first_answer) + ORIGIN_AWAITED


def _early_bound(released: Interval, window: Window, evidence: PartEvidence) -> float | None:
    """Return by how many seconds at most a part came before its slot; None if that is not known."""
    last_absent, slot = released.after, window.promised_at
    if last_absent is None or slot is None or released.by is None:
        return None
    if last_absent < slot:
        return seconds_between(last_absent, slot)
    # The part was absent at the slot or later. But it may have been public at the slot and removed
    # before that absence.
    was_perhaps_public = not evidence.would_show_presence_at(
        slot
    ) or evidence.may_have_been_public_at(slot)
    return None if was_perhaps_public else 0.0


@dataclass(frozen=True, slots=True)
class _PartJudge:
    """Judges one part from its slot on.

    `runs` are all its runs, `now` is the instant of the verdict.
    """

    evidence: PartEvidence
    runs: Sequence[Run]
    window: Window
    now: datetime
    zone: str

    def judge_timing(self, page_released: Interval) -> _Timing:
        """Judge by presence at the slot, else by appearance, else by absence.

        `page_released`: when its page came.
        """
        evidence, window = self.evidence, self.window
        early = [presence for presence in evidence.presences if is_early(presence, window)]
        early_and_still_there = [
            presence for presence in early if presence.end >= window.slot_begins
        ]
        if early_and_still_there:
            # Users had the part at its slot, so it was in time. Its exposures say that it was
            # early.
            by = min(
                present_at_slot_by(presence, window.slot_begins, self.runs)
                for presence in early_and_still_there
            )
            return _Timing(VerdictKind.ON_TIME, Interval(window.slot_begins, by))
        for presence in evidence.presences:
            if self._may_be_release(presence):
                return self._judge_appearance(presence.appears)
        from_start = evidence.present_from_start
        if from_start is not None and is_revealed_by_page(evidence, page_released):
            # The part was present at its first look. Its address was on the page, so it came no
            # earlier than the page.
            return self._judge_appearance(Interval(page_released.after, from_start.begin))
        return self._judge_absence()

    def _may_be_release(self, presence: Presence) -> bool:
        """Return whether a presence after the slot may be the release, and not only old copies of
        removed content.
        """
        window, last_absent = self.window, presence.appears.after
        if is_early(presence, window):
            return False
        # A spell may consist of old copies if its first copy claims an `Age` from before an absence
        # that was proved (`claimed_begin`), and if even its newest copy was made before the first
        # look.
        may_be_old = all(
            spell.claimed_begin and spell.end < spell.first_sent for spell in presence.spells
        )
        # Old copies must not make the part count as on time. So wait until it is clear whether it
        # stays.
        is_late = last_absent is not None and last_absent > window.on_time_until
        is_still_there = presence.removed is None and self.now >= window.late_evidence_until
        return not may_be_old or is_late or is_still_there

    def _judge_appearance(self, appeared: Interval) -> _Timing:
        """Return the verdict on a part that appeared, in the interval `appeared`, at or after its
        slot.

        If it was absent after the tolerance, it is late, but unproven if other evidence or the
        publisher's own stamp contradicts that. If it surely came within the tolerance, it is on
        time, but unproven if it may have been public before its slot too. It is also unproven if
        the interval is too wide to say.
        """
        window, last_absent = self.window, appeared.after
        # begins earlier if another view showed the part before
        released = self._widen_by_other_view(appeared)
        delay = window.delay_of(released)
        if last_absent is not None and last_absent > window.on_time_until:
            if self._is_contradicted(last_absent):
                return _Timing(VerdictKind.UNPROVEN, released, delay, self._contradiction_text())
            return self._judge_by_stamp(released) or _Timing(VerdictKind.LATE, released, delay)
        is_out_in_time = released.by is not None and released.by <= window.on_time_until
        if released.after is not None and released.after >= window.on_time_from and is_out_in_time:
            if window.exact and _early_bound(released, window, self.evidence) is None:
                # The part may have been public before its slot too, and removed before it was seen
                # absent.
                reason = Reason.MAY_HAVE_BEEN_EARLY.text(self.zone, came=released)
                return _Timing(VerdictKind.UNPROVEN, released, delay, reason)
            return _Timing(VerdictKind.ON_TIME, released, delay)
        # The interval is too wide for a verdict. If another view made it wider, the reason is that
        # the views differ.
        was_widened = released.after != last_absent
        reason = self._contradiction_text() if was_widened else self._too_wide_text(released)
        return _Timing(VerdictKind.UNPROVEN, released, delay, reason)

    def _widen_by_other_view(self, appeared: Interval) -> Interval:
        """Return `appeared`, with an earlier start if another view showed the part before that, at
        its first look.
        """
        other_run = (
            None if appeared.after is None else self._find_run_present_before(appeared.after)
        )
        if other_run is None:
            return appeared
        # If that view was right, the part came before its first look. So only absences before that
        # look are proofs.
        runs = (run for spell in self.evidence.absences for run in spell.runs)
        return Interval(
            latest_known(last_absence_until(run, other_run.first_sent) for run in runs), appeared.by
        )

    def _judge_by_stamp(self, released: Interval) -> _Timing | None:
        """Return `unproven` if the publisher's own time of publication (stamp) is within the
        tolerance, else None.

        None too if a look found the page itself absent after the tolerance: the stamp only corrects
        the announcement and the index (`witnesses`), which lag behind it. None if the stamp was set
        by hand (midnight, another day), or without witnesses, stamp or promised minute. Else the
        part may have come at the stamp, or earlier if the witnesses were not watched yet.
        """
        evidence, window = self.evidence, self.window
        stamp, slot = evidence.publishers_stamp, window.promised_at
        if evidence.witnesses is None or stamp is None or slot is None:
            return None
        not_early = (
            presence for presence in evidence.presences_by_looks if not is_early(presence, window)
        )
        absent_by_looks = next((presence.appears.after for presence in not_early), None)
        if absent_by_looks is not None and absent_by_looks > window.on_time_until:
            return None
        local_stamp = local(stamp, self.zone)
        is_midnight = local_stamp.time() == time()
        is_same_day = local_stamp.date() == local(slot, self.zone).date()
        if not is_same_day or is_midnight or stamp > window.on_time_until:
            return None
        watched_since = evidence.witnesses.watched_since
        is_watched = watched_since is not None and watched_since <= stamp
        possible = Interval(stamp if is_watched else None, released.by)
        reason = Reason.STAMPED_IN_TIME.text(self.zone, found=released.by, stamp=stamp)
        return _Timing(VerdictKind.UNPROVEN, possible, window.delay_of(possible), reason)

    def _judge_absence(self) -> _Timing:
        """Return the verdict on a part that was not proved to have appeared: pending, overdue or
        unproven.

        Overdue if it was absent after the tolerance, unless a look at the origin is still awaited.
        Else pending until `late_evidence_until`, longer by `lag` at a guessed address, and unproven
        after that.
        """
        evidence, window, absent = self.evidence, self.window, self.evidence.last_absent
        if absent is not None and absent > window.on_time_until:
            awaited_until = origin_awaited_until(evidence, window)
            is_awaited = awaited_until is not None and self.now < awaited_until
            return _Timing(VerdictKind.PENDING) if is_awaited else self._judge_overdue(absent)
        # Witnesses of a page at a guessed address, its announcement and GOV.UK's index, may lag
        # behind its release.
        lag = (
            evidence.witnesses.lags.longest
            if evidence.is_address_guessed and evidence.witnesses
            else timedelta()
        )
        if self.now < window.late_evidence_until + lag:
            return _Timing(VerdictKind.PENDING)
        from_start = evidence.present_from_start
        removed_by = None if from_start is None else evidence.find_absence_after(from_start)
        # Content that was removed before the slot was not the release.
        was_removed_before_slot = removed_by is not None and removed_by < window.slot_begins
        if from_start is not None and not was_removed_before_slot:
            return self._judge_in_place(from_start)
        return _Timing(VerdictKind.UNPROVEN, reason=self._no_proof_text())

    def _judge_in_place(self, from_start: Run) -> _Timing:
        """Return `unproven` for a part that was there at the first look.

        Before the slot that may be the previous edition. So the part came by its last change, and a
        file without a change may not be out at all. The title of a page is that of the release.
        """
        evidence, slot = self.evidence, self.window.slot_begins
        is_in_place = evidence.is_in_place_at(slot)
        changes = evidence.find_changes_in_place() if is_in_place else []
        since_slot = [change for change in changes if change.by is not None and change.by >= slot]
        changed = since_slot[0] if since_slot else None
        came_by: datetime | None = from_start.begin
        if changes:
            came_by = changes[-1].by
        elif is_in_place and evidence.part.role in (Role.ATTACHMENT, Role.DATA):
            came_by = None
        reason = Reason.PRESENT_FROM_THE_START.text(
            self.zone, look=from_start.first_sent, changed=changed
        )
        return _Timing(
            VerdictKind.UNPROVEN,
            Interval(None, came_by),
            reason=reason,
            was_in_place=is_in_place,
            changed=changed or NOTHING,
        )

    def _judge_overdue(self, last_absent: datetime) -> _Timing:
        """Return the verdict on a part absent after the tolerance: `unproven` if other evidence
        contradicts this.

        Else it is `not_published` if the part was still absent when the watch ended, or `overdue`.
        """
        window = self.window
        if self._is_contradicted(last_absent):
            return _Timing(VerdictKind.UNPROVEN, reason=self._contradiction_text())
        delay = (
            None
            if window.promised_at is None
            else Bounds(seconds_between(window.promised_at, last_absent), None)
        )
        if self.now >= window.closes and last_absent >= window.closes - _RECENT:
            return _Timing(VerdictKind.NOT_PUBLISHED, delay=delay)
        # A part that was last seen absent long before the watch ended may have come unseen. So it
        # stays overdue.
        return _Timing(VerdictKind.OVERDUE, delay=delay)

    def _is_contradicted(self, absent: datetime) -> bool:
        """Return whether other evidence shows that the part may have been out in time, despite its
        absence at `absent`.

        It may have been published in time and removed unseen, or a view showed it before `absent`
        from the start.
        """
        if (
            self._find_unseen_stay() is not None
            or self._find_run_present_before(absent) is not None
        ):
            return True
        # A view that showed the part from before the slot on may answer 200 for any address. It is
        # believed only if it still showed the part at the slot and was absent later: then its
        # answers depend on the part.
        from_start = self.evidence.present_from_start
        if from_start is None:
            return False
        was_shown_at_slot = (
            from_start.begin <= self.window.on_time_until
            and from_start.end >= self.window.slot_begins
        )
        return was_shown_at_slot and self.evidence.find_absence_after(from_start) is not None

    def _find_run_present_before(self, absent: datetime) -> Run | None:
        """Return the run that showed the part at its view's first look, if that was between the
        slot and `absent`.
        """
        other = self.evidence.present_from_start
        return (
            other
            if other is not None and self.window.early_before <= other.begin <= absent
            else None
        )

    def _find_unseen_stay(self) -> Interval | None:
        """Return when the part was published, perhaps in time, and removed before any look saw it,
        or None.
        """
        latest, early_before = self.window.on_time_until, self.window.early_before
        for stay in self.evidence.find_unseen_stays():
            if stay.after and stay.by and stay.after <= latest and stay.by >= early_before:
                return stay
        return None

    def _contradiction_text(self) -> str:
        other, unseen = self.evidence.present_from_start, self._find_unseen_stay()
        if unseen is not None:
            return Reason.PUBLISHED_UNSEEN.text(self.zone, stay=unseen)
        return Reason.VIEWS_DIFFER.text(self.zone, look=None if other is None else other.first_sent)

    def _too_wide_text(self, released: Interval) -> str:
        """Return the reason why `released`, when the part appeared, is too wide an interval for a
        verdict.
        """
        if released.after is None:
            return Reason.NO_ABSENCE.text(self.zone, came=released)
        # The part was absent within the tolerance, but may have come after the tolerance.
        reason = Reason.ON_TIME_OR_LATE
        if released.after < self.window.on_time_from:
            # The part may have come even before the tolerance began.
            is_out_in_time = released.by is not None and released.by <= self.window.on_time_until
            reason = Reason.EARLY_OR_ON_TIME if is_out_in_time else Reason.EARLY_OR_LATE
        most_late = seconds_between(self.window.slot_ends, released.by)
        failed, lags = (
            self._failed_looks_text(released.after, released.by),
            self._longer_lags_text(),
        )
        return reason.text(self.zone, came=released, late=most_late, failed=failed, lags=lags)

    def _no_proof_text(self) -> str:
        """Return the reason why no look proved the part present or absent after the tolerance."""
        evidence, witnesses = self.evidence, self.evidence.witnesses
        if evidence.first_look is None:
            return Reason.NEVER_LOOKED_AT.text()
        # A page that answers there may be the release, for instance under a misspelt title.
        answers = any(
            run.status == HTTPStatus.OK and run.last_received > self.window.slot_ends
            for run in evidence.runs_at_edge_and_origin
        )
        if evidence.is_address_guessed and not answers:
            # Looks at a guessed address prove no absence. Only the announcement and the index
            # (`witnesses`) can.
            absent = None if witnesses is None else witnesses.absent_until(self.window.slot_begins)
            return Reason.PAGE_NOT_KNOWN.text(
                self.zone, absent=absent, lags=self._longer_lags_text()
            )
        failed = self._failed_looks_text(since=self.window.slot_ends)
        absent, tolerance_ends = evidence.last_absent, self.window.on_time_until
        return Reason.NOTHING_PROVED.text(
            self.zone, latest=tolerance_ends, failed=failed, absent=absent
        )

    def _longer_lags_text(self) -> str | None:
        """Return in words how long announcement and index lagged behind other releases that day,
        None if as usual.
        """
        return (
            None
            if self.evidence.witnesses is None
            else self.evidence.witnesses.lags.longer_lags_text()
        )

    def _failed_looks_text(self, since: datetime, until: datetime | None = None) -> str | None:
        """Return in words how many looks failed in a span (without `until`: to now) and why; None
        if none failed.
        """
        failed = (
            run for run in self.evidence.runs_at_edge_and_origin if run.state is State.UNKNOWN
        )
        runs = [
            run
            for run in failed
            if run.last_received > since and (until is None or run.first_sent < until)
        ]
        reasons = tuple(sorted({run.why or "no reason given" for run in runs}))
        looks = sum(run.looks for run in runs)
        return Reason.FAILED_LOOKS.text(looks=looks, reasons=reasons) if looks else None
