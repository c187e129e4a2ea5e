"""Judges one part: compares its presences and absences with the window of its slot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

# If the last absence is older when the watch ends, the release may have come unseen.
_RECENT = timedelta(days=1)
# An edge may serve an old copy without its age, so its absence waits for the origin.
ORIGIN_AWAITED = timedelta(seconds=10)
_ABSENT = (VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED)
WORST_FIRST = (
    VerdictKind.NOT_PUBLISHED,
    VerdictKind.OVERDUE,
    VerdictKind.EARLY,
    VerdictKind.LATE,
    VerdictKind.UNPROVEN,
    VerdictKind.PENDING,
    VerdictKind.ON_TIME,
)


def judge_parts(case: Case, evidences: Iterable[PartEvidence]) -> tuple[PartVerdict, ...]:
    """Return the verdict on each part, in order."""
    page_released = NOTHING
    parts = []
    for evidence in evidences:
        parts.append(_judge_part(case, evidence, page_released))
        if evidence.part.id == "page":
            page_released = parts[-1].released
    return tuple(parts)


def _judge_part(case: Case, evidence: PartEvidence, page_released: Interval) -> PartVerdict:
    """Return the verdict on one part: early if it was public before its slot, else by
    when it came.
    """
    window = case.judged_window
    part = evidence.part
    runs = evidence.all_runs
    exposures = find_exposures(part.id, evidence.all_presences, window, case.now, runs)
    exposures += find_unseen_exposures(part.id, evidence.spells.values(), window, exposures, runs)
    facts = gather_facts(case, evidence, page_released)
    rule = find_rule(facts)
    verdict, timing = rule.verdict, rule.time(facts)
    is_promised = part.origin not in UNPROMISED_ORIGINS
    if not is_promised and timing.released == NOTHING:
        verdict, timing = VerdictKind.PENDING, Timing()
    first_seen = timing.released
    if exposures:
        first_seen = exposures[0].start
    delay = timing.delay
    # A part that was removed and is absent since its slot is worse than early.
    if exposures and verdict not in _ABSENT:
        verdict, delay = VerdictKind.EARLY, window.delay_of(first_seen)
    return replace(
        _verdict_without_times(case, part, verdict, timing.reason),
        first_seen=first_seen,
        released=timing.released,
        was_in_place=timing.was_in_place,
        changed=timing.changed,
        delay=delay,
        exposures=exposures,
        entry=evidence.entry,
        had_other_content=any(
            run.state is State.ABSENT and run.status == HTTPStatus.OK
            for run in evidence.runs_at_edge_and_origin
        ),
        # The exposures already say how early it came.
        early_bound=None if exposures else _early_bound(timing.released, window, evidence),
    )


def describe_unjudged(case: Case, evidence: PartEvidence) -> PartVerdict:
    """Return the verdict on a part without a slot to judge it by."""
    appeared = NOTHING
    if evidence.presences:
        appeared = evidence.presences[0].appears
    promise = case.in_force.promise
    verdict, reason = VerdictKind.PENDING, None
    if case.in_force.cancelled:
        verdict = VerdictKind.CANCELLED
    elif case.window is not None:
        verdict, reason = VerdictKind.UNPROVEN, Reason.READ_AFTER_SLOT.text()
    elif appeared and promise is None:
        verdict = VerdictKind.UNANNOUNCED
    elif appeared and promise is not None:
        verdict, reason = VerdictKind.UNPROVEN, Reason.NO_READABLE_TIME.text()
        if not is_standing(promise):
            reason = Reason.NO_PROMISE.text(case.zone, promise=promise, calendar=promise.calendar)
    return replace(
        _verdict_without_times(case, evidence.part, verdict, reason),
        first_seen=appeared,
        released=appeared,
    )


def _verdict_without_times(
    case: Case, part: Part, verdict: VerdictKind, reason: str | None
) -> PartVerdict:
    """Return the verdict on a part without its times. `reason` counts only for `unproven`."""
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
    """Return whether the part was first looked at after the page was out, which named it."""
    page_out_by = page_released.by
    first_look = evidence.first_look
    return page_out_by is not None and first_look is not None and first_look >= page_out_by


def origin_awaited_until(evidence: PartEvidence, window: Window) -> datetime | None:
    """Return until when an absence at the edge waits for the origin, or None.

    The wait starts when the tolerance ends, or with the first look at the edge after that. None:
    the origin has answered since, is not watched, or the address is a guess.
    """
    tolerance_ends = window.on_time_until
    spells_at_origin = evidence.spells.get(View.ORIGIN, ())
    if (
        evidence.is_address_guessed
        or not spells_at_origin
        or spells_at_origin[-1].end > tolerance_ends
    ):
        return None
    edge = (run for run in evidence.views.get(View.EDGE, ()) if run.state is not State.UNKNOWN)
    first_answer = min(
        (run.first_sent for run in edge if run.last_received > tolerance_ends),
        default=tolerance_ends,
    )
    return max(tolerance_ends, first_answer) + ORIGIN_AWAITED


def _early_bound(released: Interval, window: Window, evidence: PartEvidence) -> float | None:
    """Return by how many seconds at most a part came before its slot, or None."""
    last_absent = released.after
    slot = window.promised_at
    if last_absent is None or slot is None or released.by is None:
        return None
    if last_absent < slot:
        return seconds_between(last_absent, slot)
    # It may have been public at the slot and removed before that absence.
    was_perhaps_public = not evidence.would_show_presence_at(
        slot
    ) or evidence.may_have_been_public_at(slot)
    return None if was_perhaps_public else 0.0


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What looks proved about one part from its slot on, exposures ignored.

    `at_slot_by`: when users surely had it, if it was public early and stayed. It `appeared` at or
    after the slot; `released` begins earlier if another view showed it earlier. `last_absent` is
    before that.
    """

    evidence: PartEvidence
    window: Window
    now: datetime
    zone: str
    at_slot_by: datetime | None
    appeared: Interval | None
    released: Interval
    last_absent: datetime | None

    @property
    def delay(self) -> Bounds | None:
        """Return how long after its slot it appeared, None if it did not."""
        if self.appeared is None:
            return None
        return self.window.delay_of(self.released)

    @property
    def was_absent_too_long(self) -> bool:
        """Return whether it was absent after the tolerance."""
        return self.last_absent is not None and self.last_absent > self.window.on_time_until

    @property
    def is_out_in_time(self) -> bool:
        """Return whether it was surely out when the tolerance ended."""
        return self.released.by is not None and self.released.by <= self.window.on_time_until

    @property
    def came_in_time(self) -> bool:
        """Return whether it surely came within the tolerance."""
        begins = self.released.after
        return begins is not None and begins >= self.window.on_time_from and self.is_out_in_time


@dataclass(frozen=True, slots=True)
class Timing:
    """When a part was `released`, and the `reason` if that proves nothing."""

    released: Interval = NOTHING
    delay: Bounds | None = None
    reason: str | None = None
    was_in_place: bool = False
    changed: Interval = NOTHING


@dataclass(frozen=True, slots=True)
class PartRule:
    """The `verdict` on a part to which a rule `applies`.

    `reason` says why it is unproven. `find_time` is set if it did not come when it appeared.
    """

    name: str
    verdict: VerdictKind
    applies: Callable[[PartFacts], bool]
    reason: Callable[[PartFacts], str] | None = None
    find_time: Callable[[PartFacts], Timing] | None = None

    def time(self, facts: PartFacts) -> Timing:
        """Return when a part came, and why it is unproven if so."""
        reason = None
        if self.reason is not None:
            reason = self.reason(facts)
        if self.find_time is None:
            return Timing(facts.released, facts.delay, reason)
        return replace(self.find_time(facts), reason=reason)


def find_rule(facts: PartFacts) -> PartRule:
    """Return the first rule that applies. The last one always does."""
    return next(rule for rule in PART_RULES if rule.applies(facts))


def gather_facts(case: Case, evidence: PartEvidence, page_released: Interval) -> PartFacts:
    """Return the facts of a part for the rules."""
    window = case.judged_window
    at_slot = (
        present_at_slot_by(presence, window.slot_begins, evidence.all_runs)
        for presence in evidence.presences
        if is_early(presence, window) and _lasts_until(presence, window.slot_begins)
    )
    appeared = _find_appearance(evidence, window, case.now, page_released)
    last_absent = evidence.last_absent
    if appeared is not None:
        last_absent = appeared.after
    return PartFacts(
        evidence,
        window,
        case.now,
        case.zone,
        at_slot_by=min(at_slot, default=None),
        appeared=appeared,
        released=NOTHING if appeared is None else _widen_by_other_view(evidence, window, appeared),
        last_absent=last_absent,
    )


def _lasts_until(presence: Presence, slot: datetime) -> bool:
    """Return whether content is proved present at the slot, or users still get it from a cache.

    An old copy proves only its own time, so it counts until no view shows it any more.
    """
    is_still_served = presence.removed is None and presence.served_until >= slot
    return presence.end >= slot or is_still_served


def _find_appearance(
    evidence: PartEvidence, window: Window, now: datetime, page_released: Interval
) -> Interval | None:
    """Return when a part appeared at or after its slot, None if that was not proved."""
    for presence in evidence.presences:
        if _may_be_release(presence, window, now):
            return presence.appears
    from_start = evidence.present_from_start
    if from_start is None or not is_revealed_by_page(evidence, page_released):
        return None
    # The part was present at its first look. Its address was on the page, so it came no earlier
    # than the page.
    return Interval(page_released.after, from_start.begin)


def _may_be_release(presence: Presence, window: Window, now: datetime) -> bool:
    """Return whether a presence after the slot may be the release, and not only old copies of
    removed content.
    """
    last_absent = presence.appears.after
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
    is_still_there = presence.removed is None and now >= window.late_evidence_until
    return not may_be_old or is_late or is_still_there


def _widen_by_other_view(evidence: PartEvidence, window: Window, appeared: Interval) -> Interval:
    """Return `appeared`, with an earlier start if another view showed the part before that, at its
    first look.
    """
    other_run = _find_run_present_before(evidence, window, appeared.after)
    if other_run is None:
        return appeared
    # If that view was right, only absences before its first look are proofs.
    ends = [last_absence_until(run, other_run.first_sent) for run in evidence.absent_runs]
    return Interval(latest_known(ends), appeared.by)


def _find_run_present_before(
    evidence: PartEvidence, window: Window, absent: datetime | None
) -> Run | None:
    """Return the run that showed the part at its view's first look, if that was between the slot
    and `absent`.
    """
    other = evidence.present_from_start
    if other is None or absent is None or not window.early_before <= other.begin <= absent:
        return None
    return other


def _is_origin_awaited(facts: PartFacts) -> bool:
    if facts.appeared is not None or not facts.was_absent_too_long:
        return False
    awaited_until = origin_awaited_until(facts.evidence, facts.window)
    return awaited_until is not None and facts.now < awaited_until


def _is_contradicted(facts: PartFacts) -> bool:
    """Return whether a part may have been out in time, although it was absent after the tolerance.

    It was perhaps removed unseen, or shown earlier by a view.
    """
    evidence, window = facts.evidence, facts.window
    if not facts.was_absent_too_long:
        return False
    other_run = _find_run_present_before(evidence, window, facts.last_absent)
    if other_run is not None or _find_unseen_stay(facts) is not None:
        return True
    # A view that always shows the part may answer 200 for any address. Its answers depend on the
    # part only if it was absent later.
    from_start = evidence.present_from_start
    if from_start is None:
        return False
    was_shown_at_slot = (
        from_start.begin <= window.on_time_until and from_start.end >= window.slot_begins
    )
    return was_shown_at_slot and evidence.find_absence_after(from_start) is not None


def _find_unseen_stay(facts: PartFacts) -> Interval | None:
    """Return when the part was published, perhaps in time, and removed unseen, or None."""
    latest, early_before = facts.window.on_time_until, facts.window.early_before
    for stay in facts.evidence.find_unseen_stays():
        if stay.after and stay.by and stay.after <= latest and stay.by >= early_before:
            return stay
    return None


def _contradiction_text(facts: PartFacts) -> str:
    other = facts.evidence.present_from_start
    unseen = _find_unseen_stay(facts)
    if unseen is not None:
        return Reason.PUBLISHED_UNSEEN.text(facts.zone, stay=unseen)
    return Reason.VIEWS_DIFFER.text(facts.zone, look=None if other is None else other.first_sent)


def _is_stamped_in_time(facts: PartFacts) -> bool:
    """Return whether the publisher's stamp is within the tolerance, while witnesses came later.

    They lag, so the stamp corrects them, but not a look that found the page itself absent. A stamp
    set by hand (midnight, another day) does not count.
    """
    evidence, window = facts.evidence, facts.window
    stamp = evidence.publishers_stamp
    slot = window.promised_at
    if facts.appeared is None or not facts.was_absent_too_long:
        return False
    if evidence.witnesses is None or stamp is None or slot is None:
        return False
    not_early = (
        presence for presence in evidence.presences_by_looks if not is_early(presence, window)
    )
    absent_by_looks = next((presence.appears.after for presence in not_early), None)
    if absent_by_looks is not None and absent_by_looks > window.on_time_until:
        return False
    local_stamp = local(stamp, facts.zone)
    is_same_day = local_stamp.date() == local(slot, facts.zone).date()
    return is_same_day and local_stamp.time() != time() and stamp <= window.on_time_until


def _time_of_stamp(facts: PartFacts) -> Timing:
    """Return when the part may have come: at the stamp, or earlier if unwatched then."""
    stamp, witnesses = facts.evidence.publishers_stamp, facts.evidence.witnesses
    watched_since = None
    if witnesses is not None:
        watched_since = witnesses.watched_since
    is_watched = stamp is not None and watched_since is not None and watched_since <= stamp
    possible = Interval(stamp if is_watched else None, facts.released.by)
    return Timing(possible, facts.window.delay_of(possible))


def _has_watch_ended(facts: PartFacts) -> bool:
    """Return whether a part was still absent when its watch ended.

    If it was last seen absent long before that, it may have come unseen, and stays overdue.
    """
    closes = facts.window.closes
    absent = facts.last_absent
    if absent is None or not facts.was_absent_too_long:
        return False
    return facts.now >= closes and absent >= closes - _RECENT


def _time_of_absence(facts: PartFacts) -> Timing:
    promised_at = facts.window.promised_at
    if promised_at is None:
        return Timing()
    return Timing(delay=Bounds(seconds_between(promised_at, facts.last_absent), None))


def _may_have_been_early(facts: PartFacts) -> bool:
    """Return whether a part that came in time may have been public and removed before
    its slot too.
    """
    if not facts.came_in_time or not facts.window.exact:
        return False
    return _early_bound(facts.released, facts.window, facts.evidence) is None


def _too_wide_text(facts: PartFacts) -> str:
    """Return why `released` is too wide an interval for a verdict."""
    released, window = facts.released, facts.window
    if released.after is None:
        return Reason.NO_ABSENCE.text(facts.zone, came=released)
    reason = Reason.ON_TIME_OR_LATE
    if released.after < window.on_time_from:
        reason = Reason.EARLY_OR_LATE
        if facts.is_out_in_time:
            reason = Reason.EARLY_OR_ON_TIME
    return reason.text(
        facts.zone,
        came=released,
        late=seconds_between(window.slot_ends, released.by),
        failed=_failed_looks_text(facts.evidence, released.after, released.by),
        lags=_longer_lags_text(facts.evidence),
    )


def _are_looks_awaited(facts: PartFacts) -> bool:
    """Return whether evidence of the tolerance may still come."""
    evidence = facts.evidence
    lag = timedelta()
    if evidence.is_address_guessed and evidence.witnesses:
        # They may lag behind the release.
        lag = evidence.witnesses.lags.longest
    return facts.now < facts.window.late_evidence_until + lag


def _was_there_from_start(facts: PartFacts) -> bool:
    """Return whether the part was there at the first look.

    Content removed by the slot was not the release.
    """
    from_start = facts.evidence.present_from_start
    if from_start is None:
        return False
    removed_by = facts.evidence.find_absence_after(from_start)
    return removed_by is None or removed_by > facts.window.slot_begins


def _find_change_since_slot(facts: PartFacts) -> Interval | None:
    """Return when what was in place before the slot first changed since then, or None."""
    slot = facts.window.slot_begins
    if not facts.evidence.is_in_place_at(slot):
        return None
    changes = facts.evidence.find_changes_in_place()
    return next((each for each in changes if each.by is not None and each.by >= slot), None)


def _time_in_place(facts: PartFacts) -> Timing:
    """Return by when a part came that was there at the first look: by its last change.

    A file without a change may be the previous edition. A page has the title of the release.
    """
    evidence = facts.evidence
    from_start = evidence.present_from_start
    is_in_place = evidence.is_in_place_at(facts.window.slot_begins)
    changes = evidence.find_changes_in_place() if is_in_place else []
    came_by = None if from_start is None else from_start.begin
    if changes:
        came_by = changes[-1].by
    elif is_in_place and evidence.part.role in (Role.ATTACHMENT, Role.DATA):
        came_by = None
    return Timing(
        Interval(None, came_by),
        was_in_place=is_in_place,
        changed=_find_change_since_slot(facts) or NOTHING,
    )


def _present_from_start_text(facts: PartFacts) -> str:
    from_start = facts.evidence.present_from_start
    look = None
    if from_start is not None:
        look = from_start.first_sent
    changed = _find_change_since_slot(facts)
    return Reason.PRESENT_FROM_THE_START.text(facts.zone, look=look, changed=changed)


def _no_proof_text(facts: PartFacts) -> str:
    """Return why no look proved the part present or absent after the tolerance."""
    evidence = facts.evidence
    window = facts.window
    witnesses = evidence.witnesses
    if evidence.first_look is None:
        return Reason.NEVER_LOOKED_AT.text()
    # A page that answers may be the release, for instance under a misspelt title.
    answers = any(
        run.status == HTTPStatus.OK and run.last_received > window.slot_ends
        for run in evidence.runs_at_edge_and_origin
    )
    if evidence.is_address_guessed and not answers:
        # Only witnesses prove absence.
        absent = None
        if witnesses is not None:
            absent = witnesses.absent_until(window.slot_begins)
        lags = _longer_lags_text(evidence)
        return Reason.PAGE_NOT_KNOWN.text(facts.zone, absent=absent, lags=lags)
    return Reason.NOTHING_PROVED.text(
        facts.zone,
        latest=window.on_time_until,
        failed=_failed_looks_text(evidence, since=window.slot_ends),
        absent=evidence.last_absent,
    )


def _longer_lags_text(evidence: PartEvidence) -> str | None:
    """Return in words how long witnesses lagged that day, None if as usual."""
    if evidence.witnesses is None:
        return None
    return evidence.witnesses.lags.longer_lags_text()


def _failed_looks_text(
    evidence: PartEvidence, since: datetime, until: datetime | None = None
) -> str | None:
    """Return in words how many looks failed in a span (by default to now) and why, or None."""
    failed = (run for run in evidence.runs_at_edge_and_origin if run.state is State.UNKNOWN)
    runs = [
        run
        for run in failed
        if run.last_received > since and (until is None or run.first_sent < until)
    ]
    reasons = tuple(sorted({run.why or "no reason given" for run in runs}))
    looks = sum(run.looks for run in runs)
    if looks:
        return Reason.FAILED_LOOKS.text(looks=looks, reasons=reasons)
    return None


PART_RULES = (
    PartRule(
        "public at its slot",
        VerdictKind.ON_TIME,
        lambda facts: facts.at_slot_by is not None,
        find_time=lambda facts: Timing(Interval(facts.window.slot_begins, facts.at_slot_by)),
    ),
    PartRule("origin awaited", VerdictKind.PENDING, _is_origin_awaited),
    PartRule("contradicted", VerdictKind.UNPROVEN, _is_contradicted, _contradiction_text),
    PartRule(
        "stamped in time",
        VerdictKind.UNPROVEN,
        _is_stamped_in_time,
        lambda facts: Reason.STAMPED_IN_TIME.text(
            facts.zone, found=facts.released.by, stamp=facts.evidence.publishers_stamp
        ),
        _time_of_stamp,
    ),
    PartRule(
        "late",
        VerdictKind.LATE,
        lambda facts: facts.appeared is not None and facts.was_absent_too_long,
    ),
    PartRule(
        "watch ended", VerdictKind.NOT_PUBLISHED, _has_watch_ended, find_time=_time_of_absence
    ),
    PartRule(
        "overdue",
        VerdictKind.OVERDUE,
        lambda facts: facts.was_absent_too_long,
        find_time=_time_of_absence,
    ),
    PartRule(
        "perhaps early",
        VerdictKind.UNPROVEN,
        _may_have_been_early,
        lambda facts: Reason.MAY_HAVE_BEEN_EARLY.text(facts.zone, came=facts.released),
    ),
    PartRule("in time", VerdictKind.ON_TIME, lambda facts: facts.came_in_time),
    PartRule(
        "views differ",
        VerdictKind.UNPROVEN,
        lambda facts: facts.appeared is not None and facts.released.after != facts.appeared.after,
        _contradiction_text,
    ),
    PartRule(
        "between two looks",
        VerdictKind.UNPROVEN,
        lambda facts: facts.appeared is not None,
        _too_wide_text,
    ),
    PartRule("looks awaited", VerdictKind.PENDING, _are_looks_awaited),
    PartRule(
        "there from the start",
        VerdictKind.UNPROVEN,
        _was_there_from_start,
        _present_from_start_text,
        _time_in_place,
    ),
    PartRule("nothing proved", VerdictKind.UNPROVEN, lambda _facts: True, _no_proof_text),
)
"""The verdict on a part from its slot on: the first rule that applies
(`docs/verdicts.md#rules-for-a-part`).
"""
