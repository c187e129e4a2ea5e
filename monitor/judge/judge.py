"""Judges a release by promises, runs, policy and an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from monitor.judge import doubt
from monitor.judge.case import Case, case_of
from monitor.judge.exposure import is_early, open_exposure_ends_at
from monitor.judge.findings.all import collect_findings
from monitor.judge.findings.platform import SlotVerdict, add_platform_finding
from monitor.judge.findings.stale_edge import measure_users_delay
from monitor.judge.part import (
    WORST_FIRST,
    describe_unjudged,
    is_revealed_by_page,
    judge_parts,
    origin_awaited_until,
)
from monitor.judge.part_evidence import Pair, PartEvidence, find_periods_elsewhere, gather_evidence
from monitor.judge.policy import Policies, grade_delay
from monitor.judge.runs import Blind, Run, Runs, drop_watched_spans
from monitor.judge.same_bytes import doubt_same_bytes
from monitor.judge.verdict import Verdict
from monitor.judge.witnesses import Publication, is_same_day, measure_longest_lags
from monitor.look.sighting import State
from schedules.announcement import Address
from schedules.change import is_cancelled, is_standing
from schedules.contract.verdict import (
    Due,
    Finding,
    FindingKind,
    Grade,
    PartVerdict,
    Readings,
    ShownSince,
    VerdictKind,
    choose_worst_grade,
)
from schedules.promise import Promise
from schedules.release import Release
from schedules.times.interval import NOTHING, Bounds
from schedules.times.words import MINUTE, rounded

_VERDICTS_ONCE_OUT = (VerdictKind.ON_TIME, VerdictKind.LATE, VerdictKind.EARLY)
_ONE_SECOND = timedelta(seconds=1)
# If an edge hides the release, it gets a look every five seconds, or later if its host says wait.
_NEXT_LOOK_WITHIN = timedelta(seconds=60)
_BEHIND = (VerdictKind.LATE, VerdictKind.OVERDUE)
# Findings that need the lags of witnesses.
_NOT_FOUND = (FindingKind.LATE, FindingKind.UNWATCHED)
_UNGRADED = (VerdictKind.CANCELLED, VerdictKind.MOVED, VerdictKind.UNANNOUNCED)


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """All facts for a verdict, from memory or from the store.

    `runs` are by target id, in time order. `published` yields other releases of the day: their
    files are compared with this one's, and their witnesses measure the lags with which a release
    that was not found in time is judged again. `others` yields the verdicts of a late one's slot,
    whose platform may have been at fault.
    """

    release: Release
    promises: Sequence[Promise]
    runs: Runs
    blind: Sequence[Blind] = ()
    published: Callable[[], Iterable[Publication]] = tuple
    others: Callable[[Verdict], Iterable[SlotVerdict]] = lambda _verdict: ()

    def judge(self, policies: Policies, now: datetime) -> Verdict:
        """Return the verdict as of `now`.

        If the release was public early, and its slot cancelled or made vague after that, that slot
        counts.
        """
        release, runs, blind = self.release, self.runs, self.blind
        policy = policies.of(release)
        unwatched = drop_watched_spans(blind, runs)
        case = case_of(release, self.promises, unwatched, policy, now)
        planned = case.before_withdrawal()
        if planned is not None and _was_exposed_before(planned, runs, blind):
            case = planned
        published: tuple[Publication, ...] = ()
        if case.window is not None:
            published = tuple(self.published())
            runs = doubt_same_bytes(release, runs, published, case.window)
        verdict = judge_case(case, runs, blind)
        not_found = verdict.has_finding(*_NOT_FOUND)
        if case.window is not None and release.address is not Address.ANNOUNCED and not_found:
            # Longer lags can only change the verdict from late to unproven.
            lags = measure_longest_lags(published, case.window.slot_begins, now)
            verdict = judge_case(replace(case, lags=lags), runs, blind)
        return add_platform_finding(verdict, self.others(verdict))


def _was_exposed_before(planned: Case, runs: Runs, blind: Sequence[Blind]) -> bool:
    """Return whether content was public early by a read that still showed the planned slot."""
    promise = planned.in_force.promise
    window = planned.window
    if promise is None or window is None or planned.in_force.is_first_read_after_slot:
        return False
    last_shown = promise.confirmed_at or promise.learnt
    evidences = (gather_evidence(planned, part, runs, blind) for part in planned.release.parts)
    presences = chain.from_iterable(evidence.all_presences for evidence in evidences)
    return any(
        is_early(presence, window) and presence.begin <= last_shown for presence in presences
    )


def judge_case(case: Case, runs: Runs, blind: Sequence[Blind]) -> Verdict:
    """Return the verdict on a case by these runs. `blind` has its spans, also watched ones."""
    evidences = [gather_evidence(case, part, runs, blind) for part in case.release.parts]
    # Without a slot that was known before it passed, it is not judged.
    if case.is_judged:
        judged: Sequence[PartVerdict] = judge_parts(case, evidences)
    else:
        judged = [describe_unjudged(case, each) for each in evidences]
    supported, reason_of_doubt = doubt.drop_doubtful_claims(case, judged, evidences)
    undisputed = doubt.drop_disputed_breaches(case, supported, evidences)
    parts = tuple(
        replace(
            part,
            users_delay=measure_users_delay(case, part, evidence),
            seen_until=evidence.seen_until,
        )
        for part, evidence in zip(undisputed, evidences, strict=True)
    )
    pairs = list(zip(parts, evidences, strict=True))
    findings = collect_findings(
        case, pairs, doubt.find_promise_doubts(case, reason_of_doubt, parts)
    )
    verdict, reason = _choose_verdict(case, pairs)
    final = _is_final(case, parts)
    release = case.release
    promise = case.in_force.promise
    return Verdict(
        release=release.id,
        title=release.title,
        producer=release.producer,
        others=release.others,
        url=release.url,
        calendars=release.calendars,
        slot=None if promise is None else promise.slot,
        slot_source=None if promise is None else promise.calendar,
        slot_learnt=None if promise is None else promise.learnt,
        readings=None if promise is None else _find_readings(promise),
        shown_since=_find_late_change(case),
        verdict=verdict,
        grade=_grade_release(case, verdict, parts, findings),
        final=final,
        at=case.now,
        parts=parts,
        findings=findings,
        unproven_because=reason,
        address=release.address,
        elsewhere=find_periods_elsewhere(evidences),
        due=_describe_due(case, pairs, verdict),
        confirmed=case.in_force.announced_as_of,
        revisit=_next_review(case, pairs, final=final),
        lags=case.lags,
    )


def _find_readings(promise: Promise) -> Readings | None:
    """Return what a standing promise's text can mean, and who settled it, None if it was never in
    doubt.
    """
    question = promise.question
    if question is None or not is_standing(promise):
        return None
    if promise.settled is None:
        return Readings(question.raw, question.choices(), "", None)
    return Readings(question.raw, question.choices(), promise.settled.by, promise.learnt)


def _find_late_change(case: Case) -> ShownSince | None:
    """Return what the calendar shows in place of the slot that counts, or None."""
    in_force = case.in_force
    possible = in_force.possible_changes[-1:]
    changed = case.withdrawn_by or in_force.changed_after_slot or next(iter(possible), None)
    if changed is None or in_force.cancelled:
        return None
    shown, current = changed.slot, in_force.slot
    is_doubtful = changed.doubt is not None or shown.doubt is not None
    is_other_time = current is None or shown.instant != current.instant
    is_same_time = current is not None and shown.is_same_time(current) and not is_doubtful
    text = changed.status
    if not text and is_same_time:
        text = str(changed.state or "")
    at = shown.instant if is_other_time and not is_doubtful else None
    return ShownSince(changed.learnt, at, text or shown.raw, is_cancelled(changed))


def _choose_verdict(case: Case, pairs: Sequence[Pair]) -> tuple[VerdictKind, str | None]:
    """Return the worst verdict of the parts that count, and the reason if it is unproven.

    An exposure of any part is early. Cancelled and unannounced come first. A pending release is
    `moved` if an earlier promised time has passed.
    """
    if case.in_force.cancelled:
        return VerdictKind.CANCELLED, None
    if any(part.verdict is VerdictKind.UNANNOUNCED for part, _ in pairs):
        return VerdictKind.UNANNOUNCED, None
    page = next((part.released for part, _ in pairs if part.id == "page"), NOTHING)
    decisive = []
    for part, evidence in pairs:
        is_unproven_part = part.id != "page" and part.verdict is VerdictKind.UNPROVEN
        # If only the page revealed a part, its first look may be late.
        if part.can_be_late and not (is_unproven_part and is_revealed_by_page(evidence, page)):
            decisive.append(part)
    verdicts = [part.verdict for part in decisive] + [
        VerdictKind.EARLY for part, _ in pairs if part.exposures
    ]
    verdict = min(verdicts, key=WORST_FIRST.index, default=VerdictKind.PENDING)
    if verdict is VerdictKind.PENDING and case.is_moved:
        return VerdictKind.MOVED, None
    unproven = [
        part for part in decisive if part.verdict is VerdictKind.UNPROVEN and part.unproven_because
    ]
    if verdict is not VerdictKind.UNPROVEN or not unproven:
        return verdict, None
    first = unproven[0]
    prefix = "" if first.id == "page" else f"{first.id}: "
    return verdict, f"{prefix}{first.unproven_because}"


def _grade_release(
    case: Case, verdict: VerdictKind, parts: Sequence[PartVerdict], findings: Sequence[Finding]
) -> Grade:
    """Return the worst grade of the delays of parts, and of users' waits for a stale edge."""
    if case.window is None or verdict in _UNGRADED:
        return Grade.NONE
    if any(part.exposures for part in parts) or verdict is VerdictKind.NOT_PUBLISHED:
        return Grade.REPORT
    users_delays = {part.id: part.users_delay for part in parts}
    grades = []
    for hidden in (finding for finding in findings if finding.kind is FindingKind.STALE_EDGE):
        # The first finding of a part counts from its slot (`users_delay`). In a further one, users
        # had got it before.
        wait = hidden.seconds
        if hidden.part:
            wait = users_delays.pop(hidden.part, wait)
        # Only the least length is proved.
        proved = None
        if wait is not None and wait.min is not None:
            proved = Bounds(wait.min, wait.min)
        grades.append(grade_delay(proved, case.policy))
    behind = [part for part in parts if part.can_be_late and part.verdict in _BEHIND]
    if case.window.exact:
        grades += [grade_delay(part.delay, case.policy) for part in behind]
    elif behind:
        # Without a promised time there are no minutes to grade, so a person checks.
        grades.append(Grade.NOTE)
    # A person must check whether the file is wrong, so this is no more than a note.
    grades += [Grade.NOTE for finding in findings if finding.instead]
    return choose_worst_grade(grades)


def _is_final(case: Case, parts: Sequence[PartVerdict]) -> bool:
    """Return whether the verdict is not expected to change: the watch closed, or all is settled.

    A slot first read after it passed is final at once, a cancelled one when it has passed.
    """
    withdrawn_by = case.withdrawn_by
    is_cancelled_since = withdrawn_by is not None and not is_standing(withdrawn_by)
    if case.in_force.cancelled or is_cancelled_since:
        promise = case.in_force.promise
        passes = None if promise is None else promise.slot.passes()
        is_exposed = any(part.is_exposed for part in parts)
        return passes is not None and case.now >= passes and not is_exposed
    if case.window is None or case.now < case.window.slot_begins:
        return False
    if case.now >= case.window.closes or case.in_force.is_first_read_after_slot:
        return True
    return all(_is_settled(case, part) for part in parts if part.can_be_late)


def _is_settled(case: Case, part: PartVerdict) -> bool:
    """Return whether a part's verdict and users' delay need no more looks."""
    out_by = part.released.by
    if out_by is None:
        return part.verdict is VerdictKind.NOT_PUBLISHED
    # The other views' looks of the same time.
    are_answers_awaited = case.now < out_by + case.policy.grace
    delay, users_delay = part.delay, part.users_delay
    if part.is_unseen_by_users and delay is not None and users_delay is not None:
        # If users provably wait longer than the publisher's delay, the edge was old. Then the part
        # is not settled until the edge shows it.
        was_edge_old = (users_delay.min or 0.0) > (delay.min or 0.0)
        if are_answers_awaited or was_edge_old:
            return False
    if part.verdict is VerdictKind.UNPROVEN:
        return not are_answers_awaited
    return part.verdict in _VERDICTS_ONCE_OUT


def _next_review(case: Case, pairs: Sequence[Pair], *, final: bool) -> datetime | None:
    """Return the next instant at which time alone can change verdict or findings, or None."""
    parts = [part for part, _ in pairs]
    instants = [
        *_deadlines_of_absences_after_content(case, [evidence for _, evidence in pairs]),
        *_deadlines_of_users_delay(case, parts),
        *_deadlines_of_witness_lags(case, parts),
    ]
    if case.window is not None and any(part.is_exposed for part in parts):
        instants.append(open_exposure_ends_at(case.window.slot_begins))
    if not final:
        instants += [*_deadlines_of_window(case), *_deadlines_of_awaited_looks(case, pairs)]
    return min((instant for instant in instants if instant > case.now), default=None)


def _deadlines_of_window(case: Case) -> list[datetime]:
    """Return when limits of the slot pass, which may change the verdict without a look."""
    window = case.window
    promise = case.in_force.promise
    if window is None:
        passes = None if promise is None else promise.slot.passes()
        return [] if passes is None else [passes]
    deadlines = [
        window.slot_begins,
        window.on_time_until,
        window.late_evidence_until,
        window.slot_ends + case.policy.note_within,
        window.closes,
    ]
    if case.release.address is not Address.ANNOUNCED:
        deadlines.append(window.late_evidence_until + case.lags.longest)
    return [*deadlines, *doubt.deadlines_of_other_readings(case)]


def _deadlines_of_witness_lags(case: Case, parts: Sequence[PartVerdict]) -> list[datetime]:
    """Return the next full minute if it is late by its witnesses: others may show
    longer lags then.
    """
    is_guess = case.release.address is not Address.ANNOUNCED and any(
        part.verdict in _BEHIND for part in parts
    )
    is_today = case.window is not None and is_same_day(case.now, case.window.slot_begins)
    if is_guess and is_today:
        return [rounded(case.now + _ONE_SECOND, MINUTE, up=True)]
    return []


def _deadlines_of_awaited_looks(case: Case, pairs: Sequence[Pair]) -> Iterator[datetime]:
    """Yield when answers that could still change a part's verdict stop being awaited."""
    for part, evidence in pairs:
        until = None
        if case.window is not None:
            until = origin_awaited_until(evidence, case.window)
        if until is not None:
            yield until
        seen_by = part.released.by
        if part.verdict is VerdictKind.UNPROVEN and seen_by is not None:
            # The other views' looks may prove more.
            yield seen_by + case.policy.grace


def _deadlines_of_users_delay(case: Case, parts: Sequence[PartVerdict]) -> Iterator[datetime]:
    """Yield when parts that the edge still hides may get a worse grade."""
    hidden = [part for part in parts if part.can_be_late and part.is_unseen_by_users]
    # The edge was looked at together with the view that saw it.
    yield from (
        part.released.by + case.policy.grace for part in hidden if part.released.by is not None
    )
    # A look with the same answer causes no judgement. So from each limit on, judge every second
    # until it is proved exceeded.
    proved_delays = [part.users_delay.min or 0.0 for part in hidden if part.users_delay is not None]
    for limit in (case.policy.on_time_within, case.policy.note_within):
        if all(delay > limit.total_seconds() for delay in proved_delays):
            continue
        # A part has a delay of its own for users only if its minute was promised.
        passes = case.judged_window.slot_begins + limit
        if case.now < passes + _NEXT_LOOK_WITHIN:
            yield max(passes, case.now) + _ONE_SECOND


def _deadlines_of_absences_after_content(
    case: Case, evidences: Sequence[PartEvidence]
) -> Iterator[datetime]:
    """Yield when an absence after content has lasted longer than `on_time_within`.

    A shorter one may be a cache's old copy, a longer one a withdrawal.
    """
    for evidence in evidences:
        if evidence.all_presences:
            last_seen = evidence.all_presences[-1].end
            spells = chain.from_iterable(evidence.spells.values())
            if any(spell.end > last_seen for spell in spells if not spell.is_present):
                yield last_seen + case.policy.on_time_within + _ONE_SECOND


def _describe_due(case: Case, pairs: Sequence[Pair], verdict: VerdictKind) -> Due | None:
    """Return what looks last got for the first required part unseen after its slot, or None."""
    window = case.window
    if window is None or window.promised_at is None or not case.is_judged:
        return None
    if verdict is not VerdictKind.PENDING or case.now < window.promised_at:
        return None
    unseen = next(
        (pair for pair in pairs if pair[0].required and pair[0].released.by is None), None
    )
    if unseen is None:
        return None
    part, evidence = unseen
    last = evidence.last_run
    seconds = (case.now - window.promised_at).total_seconds()
    # At a guessed address, only witnesses show absence.
    witnesses = None
    if evidence.is_address_guessed:
        witnesses = evidence.witnesses
    witnessed_absent = None
    if witnesses is not None:
        witnessed_absent = witnesses.last_without_release
    is_witnessed_since_slot = (
        witnessed_absent is not None and witnessed_absent >= window.promised_at
    )
    # They may lag, so although it looks late, more looks must confirm that.
    is_confirming = case.now >= window.on_time_until and is_witnessed_since_slot
    looks = 0 if last is None else last.looks
    return Due(part.id, seconds, _last_answer_text(last), looks, is_confirming=is_confirming)


def _last_answer_text(last: Run | None) -> str:
    if last is None:
        return "no look"
    if last.status is None:
        return last.why or "no answer"
    is_success = 200 <= last.status < 300
    if not is_success or last.state is State.PRESENT:
        return str(last.status)
    return f"{last.status}, {last.why or 'not the release'}"
