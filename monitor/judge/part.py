"""Judge one part: compare its presences and absences with the window of its slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from monitor.judge.case import Case, Window
from monitor.judge.exposure import find_exposures, find_unseen_exposures, is_early, present_at_slot_by
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.presence import Presence
from monitor.judge.reasons import Reason
from monitor.judge.runs import Run, last_absence_until
from monitor.look.sighting import State
from monitor.plan.addresses import UNPROMISED_ORIGINS
from monitor.plan.targets import View
from schedules.announcement import Address, Part
from schedules.contract.verdict import PartVerdict, VerdictKind
from schedules.times.interval import NOTHING, Bounds, Interval, latest_known, seconds_between
from schedules.times.zone import local

# If the last absence is older than this when the watch ends, the release may have come unseen.
_RECENT = timedelta(days=1)
# An edge may serve an old copy without its age. So its absence waits this long for the next look at the origin.
ORIGIN_AWAITED = timedelta(seconds=10)
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
    """The verdict on a part from its slot on, exposures ignored: when `released`, and the `reason` if unproven."""

    verdict: VerdictKind
    released: Interval = NOTHING
    delay: Bounds | None = None
    reason: str | None = None


def judge_parts(case: Case, evidences: Iterable[PartEvidence]) -> tuple[PartVerdict, ...]:
    """Return the verdict on each part, in order. Parts after the page are judged with the time of its release."""
    page_released = NOTHING  # an empty interval: that time is not known
    parts = []
    for evidence in evidences:
        parts.append(_judge_part(case, evidence, page_released))
        if evidence.part.id == "page":
            page_released = parts[-1].released
    return tuple(parts)


def _judge_part(case: Case, evidence: PartEvidence, page_released: Interval) -> PartVerdict:
    """Return the verdict on one part: early if it was public before its slot, otherwise judged by when it came.

    `page_released` is when the landing page came. A part whose address was found on the page came no earlier.
    """
    window, part = case.judged_window, evidence.part
    all_runs = [run for runs_of_view in evidence.views.values() for run in runs_of_view]
    # Some exposures were seen by looks. No look saw the others, but a notice of withdrawal proves them.
    exposures = find_exposures(part.id, evidence.all_presences, window, case.now, all_runs)
    exposures += find_unseen_exposures(part.id, evidence.spells.values(), window, exposures)
    timing = _PartJudge(evidence, all_runs, window, case.now, case.zone).judge_timing(page_released)
    if part.origin in UNPROMISED_ORIGINS and timing.released == NOTHING:
        timing = _Timing(VerdictKind.PENDING)  # a part that no one promised is not overdue
    first_seen = exposures[0].start if exposures else timing.released
    verdict, delay = timing.verdict, timing.delay
    # A part that was removed after its exposure may be absent since its slot. To be absent is worse than to be early.
    if exposures and timing.verdict not in (VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED):
        verdict, delay = VerdictKind.EARLY, window.delay_of(first_seen)
    return replace(
        _verdict_without_times(case, part, verdict, timing.reason),
        first_seen=first_seen,
        released=timing.released,
        delay=delay,
        exposures=exposures,
        # The most by which the part may have come early. Exposures prove how early it came, so it needs no bound.
        early_bound=None if exposures else _early_bound(timing.released, window, evidence),
    )


def describe_unjudged(case: Case, evidence: PartEvidence) -> PartVerdict:
    """Return the verdict on a part without a slot to judge by. It says when the part appeared, but makes no claim."""
    appeared = evidence.presences[0].appears if evidence.presences else NOTHING
    verdict, reason = VerdictKind.PENDING, None
    if case.in_force.cancelled:
        verdict = VerdictKind.CANCELLED
    elif case.window is not None:
        # The slot has a time, but it was read only after that time had passed.
        verdict, reason = VerdictKind.UNPROVEN, Reason.READ_AFTER_SLOT.text()
    elif appeared and case.in_force.promise is None:
        verdict = VerdictKind.UNANNOUNCED
    elif appeared:
        verdict, reason = VerdictKind.UNPROVEN, Reason.NO_READABLE_TIME.text()
    return replace(_verdict_without_times(case, evidence.part, verdict, reason), first_seen=appeared, released=appeared)


def _verdict_without_times(case: Case, part: Part, verdict: VerdictKind, reason: str | None) -> PartVerdict:
    """Return the verdict on a part without its times. `reason` is used only if the verdict is `unproven`."""
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
    """Return whether the part was first looked at after the page was out: its address was on the page."""
    page_out_by, first_look = page_released.by, evidence.first_look
    return page_out_by is not None and first_look is not None and first_look >= page_out_by


def origin_awaited_until(evidence: PartEvidence, window: Window) -> datetime | None:
    """Return until when to wait for a look at the origin before a part is called overdue.

    The edge may serve an old copy, so its absence alone is not believed at once. The wait begins at `window.latest`,
    when the tolerance ends, or with the first answer of the edge after that. None if the origin has shown since then
    whether the part is there, if it is not watched, or if the address is a guess.
    """
    tolerance_ends, spells_at_origin = window.latest, evidence.spells.get(View.ORIGIN, ())
    if evidence.is_guess or not spells_at_origin or spells_at_origin[-1].end > tolerance_ends:
        return None
    edge = (run for run in evidence.views.get(View.EDGE, ()) if run.state is not State.UNKNOWN)
    first_answer = min((run.first_sent for run in edge if run.last_received > tolerance_ends), default=tolerance_ends)
    return max(tolerance_ends, first_answer) + ORIGIN_AWAITED


def _early_bound(released: Interval, window: Window, evidence: PartEvidence) -> float | None:
    """Return the seconds from the last proved absence of a part to its slot: the most by which it may have come early.

    0 if it was absent at the slot or later, unless it may have been public at the slot and removed before that absence.
    None in that case, and if it has not come or was never absent.
    """
    last_absent, slot = released.after, window.promised_at
    if last_absent is None or slot is None or released.by is None:
        return None
    if last_absent < slot:
        return seconds_between(last_absent, slot)
    is_absent_at_slot = evidence.would_show_presence_at(slot) and not evidence.may_have_been_public_at(slot)
    return 0.0 if is_absent_at_slot else None


@dataclass(frozen=True, slots=True)
class _PartJudge:
    """Judges one part from its slot on. `runs` are all its runs, `now` is the instant of the verdict."""

    evidence: PartEvidence
    runs: Sequence[Run]
    window: Window
    now: datetime
    zone: str

    def judge_timing(self, page_released: Interval) -> _Timing:
        """Return the verdict on the part from its slot on. `page_released` is when the landing page was released."""
        evidence, window = self.evidence, self.window
        early = [presence for presence in evidence.presences if is_early(presence, window)]
        present_at_slot = [presence for presence in early if presence.end >= window.opens]
        # It was out before its slot and stayed, so it was in time. That it was early is judged by its exposures.
        if present_at_slot:
            by = min(present_at_slot_by(presence, window.opens, self.runs) for presence in present_at_slot)
            return _Timing(VerdictKind.ON_TIME, Interval(window.opens, by))
        later = next((presence.appears for presence in evidence.presences if self._may_be_release(presence)), None)
        if later is None and evidence.present_from_start is not None and is_revealed_by_page(evidence, page_released):
            # Its address was unknown before the page was out, so it came no earlier than the page.
            later = Interval(page_released.after, evidence.present_from_start.begin)
        return self._judge_absence() if later is None else self._judge_appearance(later)

    def _may_be_release(self, presence: Presence) -> bool:
        """Return whether a presence after the slot may be the release, and not only an old copy of removed content.

        An answer may be an old copy if its `Age` dates it before an absence that earlier looks proved. If all answers
        may be, the presence counts only if it is late, or if it was not removed until late evidence is in (`settles`).
        """
        window, absent = self.window, presence.appears.after
        is_late = absent is not None and absent > window.latest
        # An absence contradicts the `Age` of the first copy. Even the newest copy (`end`) is older than the first look.
        is_old_copy = all(spell.claimed_begin and spell.end < spell.first_sent for spell in presence.spells)
        is_there_when_settled = presence.removed is None and self.now >= window.settles
        return not is_early(presence, window) and (is_late or not is_old_copy or is_there_when_settled)

    def _judge_appearance(self, appeared: Interval) -> _Timing:
        """Return the verdict on a part that appeared at or after its slot, within `appeared`.

        Late if it was absent after the tolerance, and on time if all of `appeared` is within the tolerance. Unproven in
        other cases, or if another view or the publisher's own time contradicts.
        """
        window, absent = self.window, appeared.after
        released = appeared
        # Another view may have shown the part before `absent`, at its first look already. If it was right, the part
        # came before that look. So `released` is `appeared`, but begins with the last absence before that look.
        earlier_presence = None if absent is None else self._find_run_present_before(absent)
        if earlier_presence is not None:
            runs = (run for spell in self.evidence.absences for run in spell.runs)
            before_look = (last_absence_until(run, earlier_presence.first_sent) for run in runs)
            released = Interval(latest_known(before_look), appeared.by)
        delay = window.delay_of(released)
        contradicted = _Timing(VerdictKind.UNPROVEN, released, delay, self._contradiction_text())
        if absent is not None and absent > window.latest:
            if self._is_contradicted(absent):
                return contradicted
            return self._judge_by_stamp(released) or _Timing(VerdictKind.LATE, released, delay)
        is_out_in_time = released.by is not None and released.by <= window.latest
        if released.after is not None and released.after >= window.earliest and is_out_in_time:
            # If no early bound is known, it may have been public at the slot, and removed before it was seen absent.
            if window.exact and _early_bound(released, window, self.evidence) is None:
                return replace(contradicted, reason=Reason.MAY_HAVE_BEEN_EARLY.text(self.zone, came=released))
            return _Timing(VerdictKind.ON_TIME, released, delay)
        # The interval is too wide for a verdict: because the other view contradicts, or by itself.
        is_other_view_cause = released.after != absent
        return contradicted if is_other_view_cause else replace(contradicted, reason=self._too_wide_text(released))

    def _judge_by_stamp(self, released: Interval) -> _Timing | None:
        """Return `unproven` if the publisher's own time of publication contradicts that the part was late, else None.

        A look at the page itself is better proof than the stamp. The announcement and the index (`witnesses`) are not,
        because they may show a release late.
        """
        evidence, window = self.evidence, self.window
        stamp, slot = evidence.publishers_stamp, window.promised_at
        if evidence.witnesses is None or stamp is None or slot is None:
            return None
        not_early = [presence for presence in evidence.presences_by_looks if not is_early(presence, window)]
        page_last_absent = not_early[0].appears.after if not_early else None
        if page_last_absent is not None and page_last_absent > window.latest:
            return None
        # A stamp of midnight or of another day was set by hand.
        local_stamp = local(stamp, self.zone)
        is_midnight = local_stamp.time() == time()
        is_same_day = local_stamp.date() == local(slot, self.zone).date()
        if not is_same_day or is_midnight or stamp > window.latest:
            return None
        # If the announcement was first seen only after the stamp, the part may have come even before the stamp.
        watched_since = evidence.witnesses.watched_since
        is_watched = watched_since is not None and watched_since <= stamp
        possible = Interval(stamp if is_watched else None, released.by)
        reason = Reason.STAMPED_IN_TIME.text(self.zone, found=released.by, stamp=stamp)
        return _Timing(VerdictKind.UNPROVEN, possible, window.delay_of(possible), reason)

    def _judge_absence(self) -> _Timing:
        """Return the verdict on a part that was not proved to have appeared: pending, overdue or unproven.

        `window.latest` is when the tolerance ends, and `window.settles` when late answers have arrived.
        """
        evidence, window, last_absent = self.evidence, self.window, self.evidence.last_absent
        if last_absent is not None and last_absent > window.latest:
            # The edge may serve an old copy, so wait for a look at the origin.
            awaited_until = origin_awaited_until(evidence, window)
            is_awaited = awaited_until is not None and self.now < awaited_until
            return _Timing(VerdictKind.PENDING) if is_awaited else self._judge_overdue(last_absent)
        # The announcement and GOV.UK's index, which date a page at a guessed address, may show its release late.
        lag = evidence.witnesses.lags.longest if evidence.is_guess and evidence.witnesses else timedelta()
        if self.now < window.settles + lag:
            return _Timing(VerdictKind.PENDING)
        from_start = evidence.present_from_start  # the part at its first look, without an absence before it
        removed_by = None if from_start is None else evidence.find_absence_after(from_start)
        was_removed_before_slot = removed_by is not None and removed_by < window.opens
        # Content that was removed before the slot was not the release. Content that stayed may be, so say so.
        if from_start is not None and not was_removed_before_slot:
            reason = Reason.PRESENT_FROM_THE_START.text(self.zone, look=from_start.first_sent)
            return _Timing(VerdictKind.UNPROVEN, Interval(None, from_start.begin), reason=reason)
        return _Timing(VerdictKind.UNPROVEN, reason=self._no_proof_text())

    def _judge_overdue(self, absent: datetime) -> _Timing:
        """Return `overdue`, `not_published` or `unproven` for a part last proved absent at `absent`, so not in time."""
        window = self.window
        if self._is_contradicted(absent):
            return _Timing(VerdictKind.UNPROVEN, reason=self._contradiction_text())
        delay = None if window.promised_at is None else Bounds(seconds_between(window.promised_at, absent), None)
        # Unless it was seen absent shortly before the watch ended, it may have come unseen.
        if self.now >= window.closes and absent >= window.closes - _RECENT:
            return _Timing(VerdictKind.NOT_PUBLISHED, delay=delay)
        return _Timing(VerdictKind.OVERDUE, delay=delay)

    def _is_contradicted(self, absent: datetime) -> bool:
        """Return whether an absence is no proof: the part came and went unseen, or another view showed it by then.

        A view that showed it at its first look, already before the slot, may answer 200 for any address. So it counts
        only if it still showed the part at the slot and was absent later: then its answers depend on the part.
        """
        if self._find_unseen_stay() is not None or self._find_run_present_before(absent) is not None:
            return True
        from_start = self.evidence.present_from_start
        if from_start is None or from_start.begin > self.window.latest or from_start.end < self.window.opens:
            return False
        return self.evidence.find_absence_after(from_start) is not None

    def _find_run_present_before(self, absent: datetime) -> Run | None:
        """Return the run of another view that was present from its first look on, before this absence, or None."""
        other = self.evidence.present_from_start
        return other if other is not None and self.window.early_before <= other.begin <= absent else None

    def _find_unseen_stay(self) -> Interval | None:
        """Return when the part was published, perhaps in time, and removed before any look saw it, or None."""
        latest, early_before = self.window.latest, self.window.early_before
        for stay in self.evidence.find_unseen_stays():
            if stay.after and stay.by and stay.after <= latest and stay.by >= early_before:
                return stay
        return None

    def _contradiction_text(self) -> str:
        """Return the reason that an absence proves nothing: an unseen stay, or views that contradict each other."""
        other, unseen = self.evidence.present_from_start, self._find_unseen_stay()
        if unseen is not None:
            return Reason.PUBLISHED_UNSEEN.text(self.zone, stay=unseen)
        return Reason.VIEWS_DIFFER.text(self.zone, look=None if other is None else other.first_sent)

    def _too_wide_text(self, released: Interval) -> str:
        if released.after is None:
            return Reason.NO_ABSENCE.text(self.zone, came=released)
        reason = Reason.ON_TIME_OR_LATE
        if released.after < self.window.earliest:
            is_out_in_time = released.by is not None and released.by <= self.window.latest
            reason = Reason.EARLY_OR_ON_TIME if is_out_in_time else Reason.EARLY_OR_LATE
        late = seconds_between(self.window.passes, released.by)
        failed, lags = self._failed_looks_text(released.after, released.by), self._longer_lags_text()
        return reason.text(self.zone, came=released, late=late, failed=failed, lags=lags)

    def _no_proof_text(self) -> str:
        """Return the reason that no look proved the part present or absent after the tolerance."""
        evidence, witnesses = self.evidence, self.evidence.witnesses
        if evidence.first_look is None:
            return Reason.NEVER_LOOKED_AT.text()
        if evidence.is_guess:
            absent = None if witnesses is None else witnesses.absent_until(self.window.opens)
            return Reason.PAGE_NOT_KNOWN.text(self.zone, absent=absent, lags=self._longer_lags_text())
        failed = self._failed_looks_text(self.window.passes, None)
        absent = evidence.last_absent
        return Reason.NOTHING_PROVED.text(self.zone, latest=self.window.latest, failed=failed, absent=absent)

    def _longer_lags_text(self) -> str | None:
        """Return by how much witnesses lagged more than usual that day, or None."""
        return None if self.evidence.witnesses is None else self.evidence.witnesses.lags.longer_lags_text()

    def _failed_looks_text(self, begin: datetime, end: datetime | None) -> str | None:
        """Return in words how many looks failed in a span and why, None without failed looks."""
        failed = (run for run in self.evidence.runs_at_edge_and_origin if run.state is State.UNKNOWN)
        runs = [run for run in failed if run.last_received > begin and (end is None or run.first_sent < end)]
        reasons = tuple(sorted({run.why or "no reason given" for run in runs}))
        looks = sum(run.looks for run in runs)
        return Reason.FAILED_LOOKS.text(looks=looks, reasons=reasons) if looks else None
