"""Drop claims that depend on a promise in doubt. The verdict becomes `unproven` and gives both readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.judge.case import Case
from monitor.judge.part import judge_parts
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.reasons import Reason
from schedules.announcement import State
from schedules.contract.verdict import LATE_VERDICTS, Finding, Kind, PartVerdict, VerdictKind, verdict_text
from schedules.promise import Promise
from schedules.slot import first_day, has_passed
from schedules.times.interval import earliest_known
from schedules.times.zone import local_date

BREACHES = (*LATE_VERDICTS, VerdictKind.EARLY)
# These verdicts say whether a part was in time.
_CLAIMS = (*BREACHES, VerdictKind.ON_TIME)


def drop_doubtful_claims(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return all parts, and why their promise is in doubt. A part loses its claim if the doubt affects it.

    A claim is a verdict that says whether a part was in time. The reason is None if no part lost its claim.
    """
    promise = case.in_force.promise
    if promise is None or not case.is_judged:
        return tuple(parts), None
    # The calendar dropped its entry, changed it, or last showed it too long before the slot or the first exposure.
    unlisted = _unlisted_reason(case, promise, parts)
    changed = _change_text(case, promise) if case.in_force.in_doubt else None
    doubt = unlisted or changed or _unconfirmed_reason(case, promise, parts)
    # A promise that was in force at the first exposure may have been dropped before its slot.
    doubt_at_slot = find_doubt_at_slot(case)
    remaining = list(parts)  # all parts, some without their claim
    if doubt is not None:
        affected = [part for part in parts if _needs_promise(case, promise, part, is_unlisted=unlisted is not None)]
        remaining = [_without_claim(part, doubt) if part in affected else part for part in parts]
    elif doubt_at_slot is not None:
        # The claim that a part was early stays. Only the claim that it was late is lost.
        remaining = [_without_lateness(case, part, doubt_at_slot) if is_late(case, part) else part for part in parts]
    reason = None if remaining == list(parts) else doubt or doubt_at_slot
    # If it is not known which minute was promised, each possible minute must give the same claim.
    parts_by_minute, reason_by_minute = _drop_claims_that_fail_by_minute(case, promise, remaining, evidences)
    return parts_by_minute, reason or reason_by_minute


def _needs_promise(case: Case, promise: Promise, part: PartVerdict, *, is_unlisted: bool) -> bool:
    """Return whether a part must become `unproven` because its promise is in doubt.

    `is_unlisted`: the promise is in doubt because its calendar dropped the entry.
    """
    if part.exposures or part.verdict in BREACHES:
        return True
    if part.verdict is VerdictKind.ON_TIME:
        # `on_time` stays if the calendar only replaced the entry by that of the next edition.
        return not _shows_only_next_edition(case, promise, part)
    # A part that is `unproven` already gets another reason: that its calendar dropped the entry.
    return is_unlisted and part.verdict is VerdictKind.UNPROVEN


def _shows_only_next_edition(case: Case, promise: Promise, part: PartVerdict) -> bool:
    """Return whether each time that replaced the promise in its calendar is that of the next edition.

    Such a time is on a later day, and was read after the part was last absent. False if no time replaced the promise.
    """
    new_entries, last_absent = case.in_force.in_doubt, part.released.after
    is_each_of_next_edition = all(
        not _is_earlier(entry, promise)
        and not (first_day(entry.slot) == first_day(promise.slot) and _is_earlier(promise, entry))
        and (last_absent is None or entry.learnt > last_absent)
        for entry in new_entries
    )
    return bool(new_entries) and is_each_of_next_edition


def _drop_claims_that_fail_by_minute(
    case: Case, promise: Promise, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return all parts, without claims that are wrong for one of the minutes that may be promised, and the reason.

    A claim says whether a part was in time. The parts were judged by a whole day, as it is not known which minute was
    promised. A part that loses its claim is `unproven`, or `pending` before the slot has passed. The reason is None if
    no part became `unproven`.
    """
    by_minute = [judge_by_promise(case, minute, evidences) for minute in _possible_minutes(case)]
    if case.in_force.in_doubt:
        # The calendar changed the minute. A part that is pending by the whole day may be late already by a new minute.
        droppable: tuple[VerdictKind, ...] = (*_CLAIMS, VerdictKind.PENDING)
        reason = _change_text(case, promise)
    else:
        # The minute is only provisional. A part that is late or early by the whole day is so by every minute too.
        droppable = (VerdictKind.ON_TIME,)
        last = case.in_force.announced_as_of or promise.learnt
        reason = Reason.NOT_READ_AGAIN.text(case.zone, promise=promise, last=last)
    is_due = has_passed(promise.slot, case.now)
    instead = VerdictKind.UNPROVEN if is_due else VerdictKind.PENDING
    kept = []
    for place, part in enumerate(parts):
        verdicts = [parts_by_minute[place].verdict for parts_by_minute in by_minute]
        different = [verdict for verdict in verdicts if not _is_same_claim(part.verdict, verdict)]
        # `on_time` must be the verdict by every minute. Any other verdict fails only if a minute makes another claim.
        is_denied = any(part.verdict is VerdictKind.ON_TIME or verdict in _CLAIMS for verdict in different)
        is_lost = is_denied and part.verdict in droppable
        kept.append(_without_claim(part, reason, instead) if is_lost else part)
    return tuple(kept), reason if is_due and kept != list(parts) else None


def _possible_minutes(case: Case) -> list[Promise]:
    """Return promises of an exact minute, any of which may have been in force though the slot is judged as a whole day.

    If the calendar changed its entry (`in_doubt`), they are the entries read later, because it may have shown them
    before the slot. Else it is the provisional time, if it was last read before the slot. It is returned as confirmed,
    because the calendar may have confirmed it since. Empty if the slot is judged to the minute.
    """
    in_force, promise = case.in_force, case.in_force.promise
    if case.window is None or case.window.exact or promise is None:
        return []
    if in_force.in_doubt:
        windows = {entry: case.with_promise(entry).window for entry in in_force.in_doubt}
        return [entry for entry, window in windows.items() if window is not None and window.exact]
    begins, last_read = promise.slot.instant, in_force.announced_as_of
    if begins is None or last_read is None or promise.state is not State.PROVISIONAL or last_read >= begins:
        return []
    return [replace(promise, state=State.CONFIRMED)]


def drop_disputed_breaches(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[PartVerdict, ...]:
    """Return all parts. A breach becomes `unproven` if another calendar's promise gives another verdict or none."""
    if not any(part.verdict in BREACHES for part in parts):
        return tuple(parts)
    others = [(promise, judge_by_promise(case, promise, evidences)) for promise in case.in_force.disagreements]
    kept = []
    for place, part in enumerate(parts):
        denying = tuple(
            promise
            for promise, verdicts in others
            if not verdicts or not _is_same_claim(part.verdict, verdicts[place].verdict)
        )
        if part.verdict in BREACHES and denying:
            verdict = verdict_text(part.verdict.value)
            kept.append(_without_claim(part, Reason.DISPUTED.text(verdict=verdict, readings=denying)))
        else:
            kept.append(part)
    return tuple(kept)


def find_promise_doubts(case: Case, reason: str | None, parts: Sequence[PartVerdict]) -> Iterator[Finding]:
    """Yield the findings about the promise itself: that it is in doubt, or was brought forward.

    `reason` is the doubt that changed a verdict. Without one, the promise is still in doubt if the calendar now gives
    an earlier slot, or was not read again since a breach.
    """
    promise = case.in_force.promise
    if promise is None:
        return
    # `in_doubt` has entries that were read after the slot, but that the calendar may have shown before it.
    earlier = [reading for reading in case.in_force.in_doubt if _is_earlier(reading, promise)]
    if reason is None:
        reason = _change_text(case, promise) if earlier else _not_read_again_reason(case, promise, parts)
    if reason is not None:
        yield Finding(Kind.PROMISE_IN_DOUBT, None, reason)
    # The promise itself may have replaced a later time, in a change on the day of its slot.
    brought_forward = earlier[-1] if earlier else promise
    if earlier or _was_brought_forward_that_day(case, promise):
        text = Reason.BROUGHT_FORWARD.text(case.zone, promise=brought_forward, read=brought_forward.learnt)
        yield Finding(Kind.BROUGHT_FORWARD, None, text, at=brought_forward.learnt)


def deadlines_of_other_readings(case: Case) -> Iterator[datetime]:
    """Yield the instants at which the verdict by another calendar, or by another reading, may change."""
    for promise in (*case.in_force.disagreements, *_possible_minutes(case)):
        window = case.with_promise(promise).window
        if window is not None:
            yield from (window.opens, window.latest, window.settles)


def judge_by_promise(case: Case, promise: Promise, evidences: Sequence[PartEvidence]) -> tuple[PartVerdict, ...]:
    """Return the verdict on each part if `promise` were in force. Empty if it has no readable time or cancels."""
    other = case.with_promise(promise)
    return () if other.window is None else judge_parts(other, evidences)


def is_late(case: Case, part: PartVerdict) -> bool:
    """Return whether a part came late or is overdue. It may have been exposed before its slot as well."""
    if part.verdict is not VerdictKind.EARLY:
        return part.verdict in LATE_VERDICTS
    return part.released.after is not None and part.released.after > case.judged_window.latest


def _is_same_claim(verdict: VerdictKind, other: VerdictKind) -> bool:
    """Return whether two verdicts make the same claim. All verdicts of lateness do."""
    return other in (LATE_VERDICTS if verdict in LATE_VERDICTS else (verdict,))


def _without_claim(part: PartVerdict, reason: str | None, kind: VerdictKind = VerdictKind.UNPROVEN) -> PartVerdict:
    """Return a part without any claim about its time, as `unproven` because of `reason`, or as `pending`."""
    why = reason if kind is VerdictKind.UNPROVEN else None
    return replace(part, verdict=kind, delay=None, exposures=(), unproven_because=why)


def _without_lateness(case: Case, part: PartVerdict, reason: str) -> PartVerdict:
    """Return a late part as `early` if it was exposed before its slot, else as `unproven` because of `reason`."""
    if not part.exposures:
        return _without_claim(part, reason)
    return replace(part, verdict=VerdictKind.EARLY, delay=case.judged_window.delay_of(part.exposures[0].start))


def find_doubt_at_slot(case: Case) -> str | None:
    """Return the reason to doubt that the promise was still in force at its slot, None without a reason."""
    promise = case.in_force.promise
    return None if promise is None else _unlisted_reason(case, promise) or _unconfirmed_reason(case, promise)


def _change_text(case: Case, promise: Promise) -> str:
    """Return the reason that the promise changed between two reads: what each read showed, and when."""
    changed = case.in_force.in_doubt
    changes = tuple(Reason.READING.text(case.zone, promise=reading, read=reading.learnt) for reading in changed)
    last = case.in_force.announced_as_of or promise.learnt
    return Reason.CHANGED_BETWEEN_READS.text(case.zone, promise=promise, last=last, changes=changes)


def _unlisted_reason(case: Case, promise: Promise, parts: Iterable[PartVerdict] = ()) -> str | None:
    """Return the reason to doubt a promise: its calendar dropped the entry before its slot and before any exposure.

    None if the calendar did not drop the entry by then, or if another calendar still shows the same slot.
    """
    unlisted = promise.unlisted
    # A calendar may drop an entry because its release was published early. So a drop during an exposure is no doubt.
    exposure_starts = [exposure.start for part in parts for exposure in part.exposures]
    first_begins = (start.after or start.by for start in exposure_starts)  # `after` is None without an earlier absence
    slot_or_exposure = earliest_known([case.judged_window.opens, *first_begins])
    if unlisted is None or slot_or_exposure is None or unlisted.since >= slot_or_exposure:
        return None
    if unlisted.since > case.now:  # in a replay as of an earlier `now`, the entry was still listed
        return None
    if any(other.unlisted is None for other in case.in_force.agreeing):
        return None
    last = promise.confirmed_at or promise.learnt
    return Reason.NO_LONGER_LISTED.text(
        case.zone, promise=promise, last=last, reads=unlisted.reads, since=unlisted.since, titles=unlisted.successors
    )


def _unconfirmed_reason(case: Case, promise: Promise, parts: Iterable[PartVerdict] = ()) -> str | None:
    """Return the reason to doubt a promise that its calendar last showed too long before it was needed, or None.

    It is needed at its slot, or at the first exposure of `parts` if that was earlier.
    """
    needed_at, last_shown = _promise_needed_at(case, parts), case.in_force.announced_as_of
    if needed_at is None or last_shown is None or needed_at - last_shown <= case.policy.confirmed_within:
        return None
    before = (needed_at - last_shown).total_seconds()
    return Reason.NOT_CONFIRMED.text(case.zone, promise=promise, last=last_shown, before=before)


def _not_read_again_reason(case: Case, promise: Promise, parts: Sequence[PartVerdict]) -> str | None:
    """Return the reason to doubt a breach: the calendar has not shown the promise since the breach began. Else None.

    The breach begins at the slot if a part is late, else at the first exposure. None also if there is no breach.
    """
    # A part that cannot be late, such as an alternative address, breaks the promise only by an exposure.
    is_breach = any(part.verdict in BREACHES and (part.can_be_late or part.exposures) for part in parts)
    is_any_late = any(is_late(case, part) for part in parts)
    breach_begins = _promise_needed_at(case, exposed=() if is_any_late else parts)
    last_shown = case.in_force.announced_as_of
    if not is_breach or breach_begins is None or last_shown is None or last_shown >= breach_begins:
        return None
    return Reason.NOT_READ_AGAIN.text(case.zone, promise=promise, last=last_shown)


def _promise_needed_at(case: Case, exposed: Iterable[PartVerdict]) -> datetime | None:
    """Return the instant at which the promise must have been in force: its slot, or an earlier exposure of a part."""
    slot = None if case.window is None else case.window.opens
    first_seen_times = (exposure.start.by for part in exposed for exposure in part.exposures)
    return earliest_known([slot, *first_seen_times])


def _is_earlier(promise: Promise, other: Promise) -> bool:
    """Return whether a slot begins before another; false if one has no readable time."""
    begins, other_begins = promise.slot.begins(), other.slot.begins()
    return begins is not None and other_begins is not None and begins < other_begins


def _was_brought_forward_that_day(case: Case, promise: Promise) -> bool:
    before = case.in_force.withdrawn
    if not before or has_passed(promise.slot, promise.learnt):
        return False
    same_day = local_date(promise.learnt, promise.slot.timezone) == first_day(promise.slot)
    return same_day and _is_earlier(promise, before[-1])
