"""Drop claims that depend on a promise in doubt. The verdict becomes `unproven` and gives both readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.judge.case import Case
from monitor.judge.findings.announcement import promise_text
from monitor.judge.part import judge_part
from monitor.judge.part_evidence import PartEvidence
from schedules.announcement import State
from schedules.contract.verdict import LATE_VERDICTS, Finding, Kind, PartVerdict, VerdictKind, verdict_text
from schedules.promise import Promise
from schedules.slot_relations import first_day, has_passed
from schedules.times.interval import NOTHING
from schedules.times.words import exactly, length
from schedules.times.zone import local_date

BREACHES = (*LATE_VERDICTS, VerdictKind.EARLY)
_CLAIMS = (*BREACHES, VerdictKind.ON_TIME)


def drop_unconfirmed(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return parts without the claims that a doubtful promise does not support, and the reason; None if it is firm."""
    in_force, promise = case.in_force, case.in_force.promise
    if promise is None or not case.is_judged:
        return tuple(parts), None
    unlisted = reason = _unlisted_reason(case, promise, parts)
    if reason is None:
        reason = _change_text(case, promise) if in_force.in_doubt else _unconfirmed_reason(case, promise, parts)
    if reason is not None:
        # That the calendar dropped the entry explains an unproven part better than the looks do.
        more = (VerdictKind.UNPROVEN,) if unlisted is not None else ()
        doubtful = [
            part
            for part in parts
            if part.exposures or part.verdict in (*_unconfirmed_verdicts(case, promise, part), *more)
        ]
        if doubtful:
            left = tuple(_without_claim(part, reason) if part in doubtful else part for part in parts)
            return _drop_claims_for_the_day_only(case, promise, left, evidences)[0], reason
    return _drop_claims_for_the_day_only(case, promise, parts, evidences)


def _unconfirmed_verdicts(case: Case, promise: Promise, part: PartVerdict) -> tuple[VerdictKind, ...]:
    """Return the verdicts that a doubtful or unconfirmed promise does not support for a part."""
    others, absent = case.in_force.in_doubt, part.released.after
    was_out = not any(_is_earlier_or_same_day(each, promise) or (absent and each.learnt <= absent) for each in others)
    # If the calendar moved on to a later day after the release was out, it shows the next edition: no contradiction.
    return BREACHES if others and was_out else _CLAIMS


def _drop_claims_for_the_day_only(
    case: Case, promise: Promise, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return parts without claims for the day that a possible time of that day contradicts, and the reason, or None."""
    by_time = [tuple(judge_by_promise(case, each, evidences)) for each in _readings_to_the_minute(case)]
    droppable: tuple[VerdictKind, ...] = (*_CLAIMS, VerdictKind.PENDING)
    reason = _change_text(case, promise)
    if not case.in_force.in_doubt:
        droppable = (VerdictKind.ON_TIME,)
        reason = f"{_last_read_text(case, promise)}: not read, or not shown there, again since"
    is_due = has_passed(promise.slot, case.now)
    left = tuple(
        _without_claim(part, reason, VerdictKind.UNPROVEN if is_due else VerdictKind.PENDING)
        if part.verdict in droppable and any(_contradicts(others[place].verdict, part.verdict) for others in by_time)
        else part
        for place, part in enumerate(parts)
    )
    return left, reason if is_due and left != tuple(parts) else None


def _readings_to_the_minute(case: Case) -> list[Promise]:
    """Return the promises with a time that may have been in force at a slot that is judged as its whole day.

    They are later readings that may have been published before the slot. Without such readings, return the provisional
    time as confirmed, because it may have been confirmed after the calendar was last read.
    """
    in_force, promise = case.in_force, case.in_force.promise
    if case.window is None or case.window.exact or promise is None:
        return []
    if in_force.in_doubt:
        windows = {each: case.by(each).window for each in in_force.in_doubt}
        return [each for each, by in windows.items() if by is not None and by.exact]
    begins, shown = promise.slot.instant, in_force.announced_as_of
    if begins is None or shown is None or promise.state is not State.PROVISIONAL or shown >= begins:
        return []
    return [replace(promise, state=State.CONFIRMED)]


def _contradicts(other: VerdictKind, word: VerdictKind) -> bool:
    # A part that is on time for the day must also be on time for the minute.
    return not _is_same_claim(word, other) and (word is VerdictKind.ON_TIME or other in _CLAIMS)


def drop_disputed_breaches(
    case: Case, parts: Sequence[PartVerdict], evidences: Sequence[PartEvidence]
) -> tuple[PartVerdict, ...]:
    """Return parts without a breach that one calendar shows and another denies."""
    if not any(part.verdict in BREACHES for part in parts):
        return tuple(parts)
    others = {promise: tuple(judge_by_promise(case, promise, evidences)) for promise in case.in_force.disagreements}
    return tuple(_drop_if_disputed(part, place, others) for place, part in enumerate(parts))


def find_promise_doubts(case: Case, reason: str | None, parts: Sequence[PartVerdict]) -> list[Finding]:
    """Return the findings about the promise itself: that it is in doubt, or was brought forward."""
    found, promise = [], case.in_force.promise
    if promise is None:
        return []
    forward = [each for each in case.in_force.in_doubt if _is_earlier(each, promise)]
    if reason is None:
        reason = _change_text(case, promise) if forward else _unread_reason(case, promise, parts)
    if reason is not None:
        found.append(Finding(Kind.PROMISE_IN_DOUBT, None, reason))
    came = forward[-1:] or ([promise] if _was_brought_forward_that_day(case, promise) else [])
    texts = ((f"{promise_text(each)}: brought forward, {_read_at_text(case, each)}", each.learnt) for each in came)
    return [*found, *(Finding(Kind.BROUGHT_FORWARD, None, text, at=read) for text, read in texts)]


def other_reading_turns(case: Case) -> Iterator[datetime]:
    """Yield the instants at which the verdict by another calendar, or by another reading, may change."""
    for promise in (*case.in_force.disagreements, *_readings_to_the_minute(case)):
        other = case.by(promise).window
        if other is not None:
            yield from (other.opens, other.latest, other.settles)


def judge_by_promise(case: Case, promise: Promise, evidences: Sequence[PartEvidence]) -> Iterator[PartVerdict]:
    """Yield the verdict on each part if another promise were in force. Empty if that promise cancels the release."""
    other, page = case.by(promise), NOTHING
    for evidence in evidences if other.window is not None else ():
        part = judge_part(other, evidence, page)
        page = part.released if part.id == "page" else page
        yield part


def _drop_if_disputed(part: PartVerdict, place: int, others: Mapping[Promise, Sequence[PartVerdict]]) -> PartVerdict:
    """Return a part without its breach if another calendar denies it. `place` is its place among the parts."""
    denied = [by for by, each in others.items() if not each or not _is_same_claim(part.verdict, each[place].verdict)]
    if part.verdict not in BREACHES or not denied:
        return part
    texts = "; ".join(map(promise_text, denied))
    verdict = f"{verdict_text(part.verdict.value)} by one calendar and not by another"
    return _without_claim(part, f"{verdict}, and it is not known which is right: {texts}")


def is_late(case: Case, part: PartVerdict) -> bool:
    """Return whether a part came late or is overdue. It may have been exposed before its slot as well."""
    if part.verdict in LATE_VERDICTS:
        return True
    latest = None if case.window is None else case.window.latest
    after = part.released.after
    return part.verdict is VerdictKind.EARLY and latest is not None and after is not None and after > latest


def _is_same_claim(one: VerdictKind, other: VerdictKind) -> bool:
    """Return whether two verdicts make the same claim. All verdicts of lateness do."""
    return other in (LATE_VERDICTS if one in LATE_VERDICTS else (one,))


def _without_claim(part: PartVerdict, reason: str, word: VerdictKind = VerdictKind.UNPROVEN) -> PartVerdict:
    """Return a part without any claim about its time, as `unproven` because of `reason`, or as `pending`."""
    why = reason if word is VerdictKind.UNPROVEN else None
    return replace(part, verdict=word, delay=None, exposures=(), unproven_because=why)


def _change_text(case: Case, promise: Promise) -> str:
    last = case.in_force.announced_as_of or promise.learnt
    texts = "; ".join(f"{promise_text(each)}, {_read_at_text(case, each)}" for each in case.in_force.in_doubt)
    before = f"{promise_text(promise)}, last so {exactly(last, case.zone)}"
    return f"its promise was changed between two reads: {before}; {texts}"


def _last_read_text(case: Case, promise: Promise) -> str:
    return f"{promise_text(promise)}, last read {exactly(case.in_force.announced_as_of or promise.learnt, case.zone)}"


def _unlisted_reason(case: Case, promise: Promise, parts: Sequence[PartVerdict]) -> str | None:
    """Return the reason to doubt a promise that its calendar dropped before the slot or the first exposure (rule 13).

    Return None if the calendar dropped it later or not at all, or if another calendar still shows the same slot. An
    entry may leave its calendar because the release was published early.
    """
    unlisted = promise.unlisted
    starts = [exposure.start for part in parts for exposure in part.exposures]
    exposed = [start.after or start.by for start in starts]
    limit = min([*([] if case.window is None else [case.window.opens]), *filter(None, exposed)], default=None)
    if unlisted is None or limit is None or unlisted.since > case.now or unlisted.since >= limit:
        return None
    if any(other.unlisted is None for other in case.in_force.agreeing):
        return None
    reads = "a read" if unlisted.reads == 1 else f"{unlisted.reads} reads"
    shown = f"{promise_text(promise)}, last shown {exactly(promise.confirmed_at or promise.learnt, case.zone)}"
    since = exactly(unlisted.since, case.zone)
    titles = " and ".join(f"“{title}”" for title in unlisted.successors)
    successors = f". A new entry may replace it: {titles}" if titles else ""
    return f"{shown}: {reads} of the calendar since {since} did not show it{successors}"


def _unconfirmed_reason(case: Case, promise: Promise, parts: Sequence[PartVerdict]) -> str | None:
    counts_from, shown = _must_be_confirmed_at(case, parts), case.in_force.announced_as_of
    if shown is None or counts_from is None or shown >= counts_from - case.policy.confirmed_within:
        return None
    before = length((counts_from - shown).total_seconds())
    return f"{_last_read_text(case, promise)}, {before} before: whether it was still in force is not known"


def _unread_reason(case: Case, promise: Promise, parts: Sequence[PartVerdict]) -> str | None:
    """Return the reason "not read again since the breach", or None if it was read again or no part is a breach."""
    # A read before the slot can confirm the promise for an exposure, but not for a part that is late.
    exposed = () if any(is_late(case, part) for part in parts) else parts
    counts_from, shown = _must_be_confirmed_at(case, exposed), case.in_force.announced_as_of
    # An alternative address that is still empty breaks no promise.
    is_breach = any(part.verdict in BREACHES and (part.can_be_late or part.exposures) for part in parts)
    if not is_breach or shown is None or counts_from is None or shown >= counts_from:
        return None
    return f"{_last_read_text(case, promise)}: not read, or not shown there, again since"


def _must_be_confirmed_at(case: Case, parts: Iterable[PartVerdict]) -> datetime | None:
    """Return when the promise must have been in force: at its slot, or at the first exposure before it."""
    begins = (exposure.start.by for part in parts for exposure in part.exposures)
    opens = () if case.window is None else (case.window.opens,)
    return min([*opens, *(begin for begin in begins if begin is not None)], default=None)


def _is_earlier(promise: Promise, than: Promise) -> bool:
    begins, other = promise.slot.begins(), than.slot.begins()
    return begins is not None and other is not None and begins < other


def _is_earlier_or_same_day(promise: Promise, than: Promise) -> bool:
    """Return whether a slot is earlier than another or on the same day, so that it is not the next edition's."""
    is_same_day = first_day(promise.slot) == first_day(than.slot)
    return _is_earlier(promise, than) or (is_same_day and _is_earlier(than, promise))


def _was_brought_forward_that_day(case: Case, promise: Promise) -> bool:
    """Return whether the slot in force was brought forward on its own day."""
    before = case.in_force.given_up
    if not before or has_passed(promise.slot, promise.learnt):
        return False
    same_day = local_date(promise.learnt, promise.slot.timezone) == first_day(promise.slot)
    return same_day and _is_earlier(promise, before[-1])


def _read_at_text(case: Case, promise: Promise) -> str:
    return f"read {exactly(promise.learnt, case.zone)}"
