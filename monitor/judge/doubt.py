"""Drops claims that depend on a promise in doubt. The verdict becomes `unproven`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from math import inf

from monitor.judge.case import Case, is_in_doubt
from monitor.judge.part import judge_parts
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.reasons import DOUBTS, Reason
from schedules.announcement import State
from schedules.change import is_cancelled, is_standing
from schedules.contract.verdict import (
    LATE_VERDICTS,
    Ended,
    Exposure,
    Finding,
    FindingKind,
    PartVerdict,
    VerdictKind,
    exposures_of,
    verdict_text,
)
from schedules.dates.times import names_utc
from schedules.promise import Promise
from schedules.slot import first_day, has_passed, is_inside
from schedules.times.interval import earliest_known
from schedules.times.zone import local_date

BREACHES = (*LATE_VERDICTS, VerdictKind.EARLY)
# Claims say whether a part was in time.
_CLAIMS = (*BREACHES, VerdictKind.ON_TIME)


def drop_doubtful_claims(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return the parts without claims that a doubtful promise does not support, and why.

    A part loses its claim

    1. if the calendar dropped or changed its entry, or showed it too long before it was needed

    2. if the promise was in force at the first exposure, but perhaps not at the slot: then only
    lateness is lost

    3. if one of several possible minutes contradicts it.

    The reason is that of case 1 or 2 if a part lost its claim by it, else that of case 3.
    """
    promise = case.in_force.promise
    if promise is None or not case.is_judged:
        return tuple(parts), None
    unlisted = _unlisted_reason(case, promise, parts)
    changed = None
    if case.in_force.possible_changes:
        changed = _change_text(case, promise)
    doubt = unlisted or changed or _unconfirmed_reason(case, promise, parts)
    doubt_at_slot = find_doubt_at_slot(case)
    kept = list(parts)
    if unlisted is None and changed is not None:
        kept = _keep_sure_exposures(case, parts, evidences, changed)
    elif doubt is not None:
        for place, part in enumerate(parts):
            if _needs_promise(case, promise, part, is_unlisted=unlisted is not None):
                kept[place] = _without_claim(part, doubt)
    elif doubt_at_slot is not None:
        for place, part in enumerate(parts):
            if is_late(case, part):
                kept[place] = _without_lateness(case, part, doubt_at_slot)
    has_lost_claim = kept != list(parts)
    kept_by_minute, doubt_of_minute = _drop_claims_that_fail_by_minute(
        case, promise, kept, evidences
    )
    return kept_by_minute, (doubt or doubt_at_slot) if has_lost_claim else doubt_of_minute


def _keep_sure_exposures(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence], changed: str
) -> list[PartVerdict]:
    """Return the parts of a release without the claims that are in doubt because its entry
    `changed`.

    An exposure stays if it is one by each slot that the entry may have had, with its least length.
    So does one whose begin a read followed that still showed the slot.
    """
    promise, last_shown = case.in_force.promise, case.in_force.announced_as_of
    by_changes = [
        judge_by_promise(case, entry, evidences) for entry in case.in_force.possible_changes
    ]
    kept = []
    for place, part in enumerate(parts):
        sure = []
        for exposure in part.exposures:
            others = chain.from_iterable(each[place].exposures for each in by_changes if each)
            same = [other for other in others if other.start == exposure.start]
            begins = exposure.start.by
            was_promised = last_shown is not None and begins is not None and begins <= last_shown
            if was_promised or len(same) == len(by_changes):
                sure.append(min([exposure, *same], key=_most_seconds))
        if sure:
            part_early = replace(part, exposures=tuple(sure))
            kept.append(_without_lateness(case, part_early, changed))
        elif promise is not None and _needs_promise(case, promise, part, is_unlisted=False):
            kept.append(_without_claim(part, changed))
        else:
            kept.append(part)
    return kept


def _most_seconds(exposure: Exposure) -> float:
    """Return how many seconds an exposure lasts at most."""
    longest = exposure.seconds.max
    return inf if longest is None else longest


def _needs_promise(case: Case, promise: Promise, part: PartVerdict, *, is_unlisted: bool) -> bool:
    """Return whether a part's verdict relies on the promise.

    A breach or exposure does, and `on_time` unless the entry only changed to the next edition. So
    does an unproven part if the entry was dropped, because that is the better reason.
    """
    if part.exposures or part.verdict in BREACHES:
        return True
    if part.verdict is VerdictKind.ON_TIME:
        return not _shows_only_next_edition(case, promise, part)
    return is_unlisted and part.verdict is VerdictKind.UNPROVEN


def _shows_only_next_edition(case: Case, promise: Promise, part: PartVerdict) -> bool:
    """Return whether the calendar gave only times of the next edition instead of the promise.

    These are later, on another day, and read after the part was last absent: the next edition's
    entry replaces one that is out.
    """
    new_entries = case.in_force.possible_changes
    last_absent = part.released.after
    for entry in new_entries:
        is_earlier, is_later = _is_earlier(entry, promise), _is_earlier(promise, entry)
        is_later_that_day = is_later and first_day(entry.slot) == first_day(promise.slot)
        was_read_before_release = last_absent is not None and entry.learnt <= last_absent
        if is_earlier or is_later_that_day or was_read_before_release:
            return False
    return bool(new_entries)


def _drop_claims_that_fail_by_minute(
    case: Case, promise: Promise, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return the parts, and why some became `unproven` (before the slot: `pending`): one of the
    possible minutes contradicts them.
    """
    parts_by_each_minute = [
        judge_by_promise(case, minute, evidences) for minute in _possible_minutes(case)
    ]
    if case.in_force.possible_changes:
        # A part that is pending by the day may be late by another minute.
        droppable: tuple[VerdictKind, ...] = (*_CLAIMS, VerdictKind.PENDING)
        reason = _change_text(case, promise)
    elif is_in_doubt(promise):
        # Late by the last reading, or early by the first, is so by each. One awaited by the last of
        # several may be late by the first.
        has_times = promise.slot.instant is not None and bool(promise.slot.readings)
        awaited = (VerdictKind.PENDING,) if has_times else ()
        droppable = (VerdictKind.ON_TIME, *awaited)
        reason = _readings_text(case, promise)
    else:
        # Late or early by the day is so by the provisional minute too.
        droppable = (VerdictKind.ON_TIME,)
        last = case.in_force.announced_as_of or promise.learnt
        reason = Reason.NOT_READ_AGAIN.text(case.zone, promise=promise, last=last)
    is_due = has_passed(promise.slot, case.now)
    if is_in_doubt(promise):
        is_due = case.now >= case.judged_window.slot_begins
    verdict_instead = VerdictKind.PENDING
    if is_due:
        verdict_instead = VerdictKind.UNPROVEN
    kept = []
    for number, part in enumerate(parts):
        verdicts_by_minute = [judged_parts[number].verdict for judged_parts in parts_by_each_minute]
        is_dropped = part.verdict in droppable and _is_contradicted(
            part.verdict, verdicts_by_minute
        )
        kept.append(_without_claim(part, reason, verdict_instead) if is_dropped else part)
    became_unproven = is_due and kept != list(parts)
    return tuple(kept), reason if became_unproven else None


def _is_contradicted(verdict: VerdictKind, verdicts_by_minute: Iterable[VerdictKind]) -> bool:
    """Return whether any of `verdicts_by_minute` contradicts the verdict by the day."""
    # Any other verdict contradicts `on_time`, only claims contradict the rest.
    return any(
        not _is_same_claim(verdict, by_minute)
        and (verdict is VerdictKind.ON_TIME or by_minute in _CLAIMS)
        for by_minute in verdicts_by_minute
    )


def _possible_minutes(case: Case) -> list[Promise]:
    """Return each exact minute that may have been promised, if the slot is judged as a
    whole day.
    """
    in_force = case.in_force
    promise = in_force.promise
    if case.window is None or case.window.exact or promise is None:
        return []
    if in_force.possible_changes:
        windows = [(entry, case.with_promise(entry).window) for entry in in_force.possible_changes]
        return [entry for entry, window in windows if window is not None and window.exact]
    if is_in_doubt(promise):
        slots = map(promise.slot.read_as, promise.slot.all_readings())
        return [replace(promise, slot=slot, doubt=None) for slot in slots]
    minute = promise.slot.instant
    last_read = in_force.announced_as_of
    if (
        minute is None
        or last_read is None
        or promise.state is not State.PROVISIONAL
        or last_read >= minute
    ):
        return []
    # It may have been confirmed after the last read.
    return [replace(promise, state=State.CONFIRMED)]


def _readings_text(case: Case, promise: Promise) -> str:
    """Return the reason that a time can be read in several ways."""
    doubt = promise.doubt or promise.slot.doubt or ""
    return Reason.READINGS.text(
        case.zone,
        promise=promise,
        raw=promise.slot.raw or None,
        times=promise.slot.readings or None,
        doubt=DOUBTS.get(doubt, doubt),
        key='timezone = "UTC"' if names_utc(promise.slot.raw) else None,
    )


def drop_disputed_breaches(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[PartVerdict, ...]:
    """Return the parts, breaches `unproven` if another calendar's promise gives another verdict."""
    if not any(part.verdict in BREACHES for part in parts):
        return tuple(parts)
    others = [
        (promise, judge_by_promise(case, promise, evidences))
        for promise in case.in_force.disagreements
    ]
    kept = []
    for place, part in enumerate(parts):
        denying = tuple(
            promise
            for promise, verdicts in others
            if not verdicts or not _is_same_claim(part.verdict, verdicts[place].verdict)
        )
        if part.verdict in BREACHES and denying:
            verdict = verdict_text(part.verdict.value)
            kept.append(
                _without_claim(part, Reason.DISPUTED.text(verdict=verdict, readings=denying))
            )
        else:
            kept.append(part)
    return tuple(kept)


def find_promise_doubts(
    case: Case, reason: str | None, parts: Sequence[PartVerdict]
) -> Iterator[Finding]:
    """Yield the findings that the promise is in doubt, or was brought forward.

    `reason`: why a doubtful promise changed a verdict.
    """
    promise = case.in_force.promise
    if promise is None:
        return
    if not is_standing(promise) and not is_cancelled(promise):
        text = Reason.NO_PROMISE.text(case.zone, promise=promise, calendar=promise.calendar)
        yield Finding(FindingKind.PROMISE_IN_DOUBT, None, text, at=promise.learnt)
        return
    # They were read too late, but the calendar may have shown them in time.
    earlier_entries = [
        entry for entry in case.in_force.possible_changes if _is_earlier(entry, promise)
    ]
    if reason is None and case.window is not None and is_in_doubt(promise):
        reason = _readings_text(case, promise)
    if reason is None and earlier_entries:
        reason = _change_text(case, promise)
    elif reason is None:
        reason = _not_read_again_reason(case, promise, parts)
    if reason is not None and case.withdrawn_by is None:
        yield Finding(FindingKind.PROMISE_IN_DOUBT, None, reason)
    brought_forward = None
    if earlier_entries:
        brought_forward = earlier_entries[-1]
    elif _was_brought_forward_that_day(case, promise):
        brought_forward = promise
    if brought_forward is not None:
        text = Reason.BROUGHT_FORWARD.text(
            case.zone, promise=brought_forward, read=brought_forward.learnt
        )
        yield Finding(FindingKind.BROUGHT_FORWARD, None, text, at=brought_forward.learnt)


def deadlines_of_other_readings(case: Case) -> Iterator[datetime]:
    """Yield when the verdict by another calendar or reading may change."""
    for promise in (*case.in_force.disagreements, *_possible_minutes(case)):
        window = case.with_promise(promise).window
        if window is not None:
            yield from (window.slot_begins, window.on_time_until, window.late_evidence_until)


def judge_by_promise(
    case: Case, promise: Promise, evidences: Sequence[PartEvidence]
) -> tuple[PartVerdict, ...]:
    """Return the verdicts if `promise` were in force, empty if it cancels or has no
    readable time.
    """
    other = case.with_promise(promise)
    if other.window is None:
        return ()
    return judge_parts(other, evidences)


def is_late(case: Case, part: PartVerdict) -> bool:
    """Return whether a part came late or is overdue, perhaps exposed before its slot as well."""
    if part.verdict is not VerdictKind.EARLY:
        return part.verdict in LATE_VERDICTS
    return (
        part.released.after is not None and part.released.after > case.judged_window.on_time_until
    )


def _is_same_claim(verdict: VerdictKind, other: VerdictKind) -> bool:
    """Return whether two verdicts make the same claim. All of lateness do."""
    if verdict in LATE_VERDICTS:
        return other in LATE_VERDICTS
    return other is verdict


def _without_claim(
    part: PartVerdict, reason: str | None, kind: VerdictKind = VerdictKind.UNPROVEN
) -> PartVerdict:
    """Return a part without any claim about its time."""
    why = reason if kind is VerdictKind.UNPROVEN else None
    released = part.released
    if part.exposures and part.exposures[-1].ended is not Ended.REMOVED:
        # Not seen absent since, it came out once.
        released = part.exposures[-1].start
    return replace(
        part, verdict=kind, delay=None, exposures=(), released=released, unproven_because=why
    )


def _without_lateness(case: Case, part: PartVerdict, reason: str) -> PartVerdict:
    """Return a late part as `early` if it was exposed, else as `unproven`."""
    if not part.exposures:
        return _without_claim(part, reason)
    return replace(
        part, verdict=VerdictKind.EARLY, delay=case.judged_window.delay_of(part.exposures[0].start)
    )


def find_doubt_at_slot(case: Case) -> str | None:
    """Return the reason to doubt that the promise was in force at its slot, or None."""
    promise = case.in_force.promise
    if promise is None:
        return None
    if case.withdrawn_by is not None:
        since = case.withdrawn_by.learnt
        return Reason.TAKEN_BACK.text(case.zone, promise=promise, since=since)
    if case.in_force.possible_changes:
        return _change_text(case, promise)
    return _unlisted_reason(case, promise) or _unconfirmed_reason(case, promise)


def _change_text(case: Case, promise: Promise) -> str:
    """Return the reason that the promise changed between two reads."""
    changes = tuple(
        Reason.READING.text(case.zone, promise=reading, read=reading.learnt)
        for reading in case.in_force.possible_changes
    )
    last = case.in_force.announced_as_of or promise.learnt
    return Reason.CHANGED_BETWEEN_READS.text(case.zone, promise=promise, last=last, changes=changes)


def _unlisted_reason(case: Case, promise: Promise, parts: Iterable[PartVerdict] = ()) -> str | None:
    """Return the reason if the entry was dropped before its slot and any exposure, or None.

    A calendar may drop an entry because it was published early. None too if another calendar shows
    the same slot.
    """
    unlisted = promise.unlisted
    starts = [exposure.start for exposure in exposures_of(parts)]
    needed_from = earliest_known(
        [case.judged_window.slot_begins, *(start.after or start.by for start in starts)]
    )
    if unlisted is None or needed_from is None:
        return None
    # A replay judges as of an earlier `now`.
    if unlisted.since > case.now or unlisted.since >= needed_from:
        return None
    if any(other.unlisted is None for other in case.in_force.agreeing):
        return None
    last = promise.confirmed_at or promise.learnt
    return Reason.NO_LONGER_LISTED.text(
        case.zone,
        promise=promise,
        last=last,
        reads=unlisted.reads,
        since=unlisted.since,
        titles=unlisted.successors,
        text=unlisted.text or None,
    )


def _unconfirmed_reason(
    case: Case, promise: Promise, parts: Iterable[PartVerdict] = ()
) -> str | None:
    """Return the reason if calendars last showed the promise too long before its slot, or before
    its first exposure if that was earlier. Else return None.
    """
    needed_at = _slot_or_first_exposure(case, parts)
    last_shown = case.in_force.announced_as_of
    if needed_at is None or last_shown is None:
        return None
    before = needed_at - last_shown
    if before <= case.policy.confirmed_within:
        return None
    return Reason.NOT_CONFIRMED.text(
        case.zone, promise=promise, last=last_shown, before=before.total_seconds()
    )


def _not_read_again_reason(
    case: Case, promise: Promise, parts: Sequence[PartVerdict]
) -> str | None:
    """Return the reason if the calendar was not read since a breach, or None."""
    # What cannot be late, such as an alternative address, breaks a promise only by an exposure.
    is_breach = any(
        part.verdict in BREACHES and (part.can_be_late or part.exposures) for part in parts
    )
    if not is_breach:
        return None
    is_any_late = any(is_late(case, part) for part in parts)
    breach_begins = _slot_or_first_exposure(case, exposed_parts=() if is_any_late else parts)
    last_shown = case.in_force.announced_as_of
    if breach_begins is None or last_shown is None or last_shown >= breach_begins:
        return None
    return Reason.NOT_READ_AGAIN.text(case.zone, promise=promise, last=last_shown)


def _slot_or_first_exposure(case: Case, exposed_parts: Iterable[PartVerdict]) -> datetime | None:
    starts = [exposure.start.by for exposure in exposures_of(exposed_parts)]
    return earliest_known([case.slot_begins, *starts])


def _is_earlier(promise: Promise, other: Promise) -> bool:
    """Return whether a slot begins before another, not only more precisely."""
    if is_inside(other.slot, promise.slot):
        return False
    begins, other_begins = promise.slot.begins(), other.slot.begins()
    return begins is not None and other_begins is not None and begins < other_begins


def _was_brought_forward_that_day(case: Case, promise: Promise) -> bool:
    """Return whether the slot in force replaced a later one on the day of the slot."""
    before = case.in_force.replaced_promises
    if not before or has_passed(promise.slot, promise.learnt):
        return False
    same_day = local_date(promise.learnt, promise.slot.timezone) == first_day(promise.slot)
    return same_day and _is_earlier(promise, before[-1])
