"""Judge a release by promises, runs, policy and an instant.

`replay` can repeat each verdict from the same facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
from monitor.judge.policy import Policies, Policy, grade_delay
from monitor.judge.runs import Blind, Run, drop_watched_spans
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
from schedules.times.interval import NOTHING, Bounds, Interval
from schedules.times.words import MINUTE, rounded

_VERDICTS_ONCE_OUT = (VerdictKind.ON_TIME, VerdictKind.LATE, VerdictKind.EARLY)
_ONE_SECOND = timedelta(seconds=1)
# If an edge hides the release, it is looked at every five seconds, or later if its host asks us to
# wait.
_NEXT_LOOK_WITHIN = timedelta(seconds=60)
_BEHIND = (VerdictKind.LATE, VerdictKind.OVERDUE)
# Findings that the release was not found in time. They need the lags of its witnesses.
_NOT_FOUND = (FindingKind.LATE, FindingKind.UNWATCHED)
_UNGRADED = (VerdictKind.CANCELLED, VerdictKind.MOVED, VerdictKind.UNANNOUNCED)


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """All facts for the verdict on a release, from memory or from the store.

    They are those of `judge`. `published` yields the other releases of its day, `others` the
    verdicts on other releases of the slot of a late one, whose platform may have been at fault.
    """

    release: Release
    promises: Sequence[Promise]
    runs: Mapping[str, Sequence[Run]]
    blind: Sequence[Blind]
    published: Callable[[], Iterable[Publication]]
    others: Callable[[Verdict], Iterable[SlotVerdict]]

    def judge(self, policies: Policies, now: datetime) -> Verdict:
        """Return the verdict as of `now`."""
        verdict = judge(
            self.release,
            self.promises,
            self.runs,
            self.blind,
            policies.of(self.release),
            now,
            published=self.published(),
        )
        return add_platform_finding(verdict, self.others(verdict))


def judge(  # noqa: PLR0913 # all facts behind a verdict
    release: Release,
    promises: Sequence[Promise],
    runs: Mapping[str, Sequence[Run]],
    blind: Sequence[Blind],
    policy: Policy,
    now: datetime,
    *,
    published: Iterable[Publication] = (),
) -> Verdict:
    """Return the verdict on a release as of `now`.

    If it was public early and then cancelled, its planned slot counts.

    `runs` are by target id (`RELEASE/PART/VIEW`), each in time order. `blind` are spans in which a
    monitor could not look. If no calendar announced the address of a release, its witnesses, the
    announcement and GOV.UK's index, show when it came. They change some time after it is out: their
    lag. `published` are other releases of that day, which show how long that lag was. If this
    release was not found in time, it is judged again with these lags. Their files are compared with
    those of this release.
    """
    case = case_of(release, promises, drop_watched_spans(blind, runs), policy, now)
    planned = case.before_cancellation()
    if planned is not None and _was_exposed_before(case, planned, runs, blind):
        case = planned
    opens = None if case.window is None else case.window.slot_begins
    if case.window is not None:
        published = tuple(published)
        runs = doubt_same_bytes(release, runs, published, case.window)
    verdict = judge_case(case, [gather_evidence(case, part, runs, blind) for part in release.parts])
    if release.address is Address.ANNOUNCED or not any(
        finding.kind in _NOT_FOUND for finding in verdict.findings
    ):
        return verdict
    # The verdict used the usual lags of the witnesses. Longer ones can only change it from late to
    # unproven.
    case = replace(case, lags=measure_longest_lags(published, opens, now))
    return judge_case(case, [gather_evidence(case, part, runs, blind) for part in release.parts])


def _was_exposed_before(
    case: Case, planned: Case, runs: Mapping[str, Sequence[Run]], blind: Sequence[Blind]
) -> bool:
    """Return whether content was public early, before the last calendar read that did not show the
    cancellation yet.
    """
    cancelling, window = case.in_force.promise, planned.window
    # the last read without the cancellation
    not_cancelled_at = None if cancelling is None else cancelling.unlearnt
    if not_cancelled_at is None or window is None or planned.in_force.is_first_read_after_slot:
        return False
    evidences = (gather_evidence(planned, part, runs, blind) for part in case.release.parts)
    presences = (presence for evidence in evidences for presence in evidence.all_presences)
    return any(
        is_early(presence, window) and presence.begin < not_cancelled_at for presence in presences
    )


def judge_case(case: Case, evidences: Sequence[PartEvidence]) -> Verdict:
    """Return the verdict on a case.

    `evidences` are the observations of each part, in the release's order.
    """
    # A case is not judged without a slot that was known before it passed.
    judged = (
        judge_parts(case, evidences)
        if case.is_judged
        else [describe_unjudged(case, each) for each in evidences]
    )
    # A part becomes `unproven` if its verdict needs a promise that is in doubt.
    supported, reason_of_doubt = doubt.drop_doubtful_claims(case, judged, evidences)
    # A late or early part becomes `unproven` if another calendar announced a slot by which it is
    # not late or early.
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
    release, promise = case.release, case.in_force.promise
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
    """Return what the text of a promise that stands can mean, and who said what is meant.

    None if it never was in doubt.
    """
    question = promise.question
    if question is None or not is_standing(promise):
        return None
    by = "" if promise.settled is None else promise.settled.by
    at = None if promise.settled is None else promise.learnt
    return Readings(question.raw, question.choices(), by, at)


def _find_late_change(case: Case) -> ShownSince | None:
    """Return what the calendar shows in place of the slot in force, None if it still shows that."""
    in_force = case.in_force
    possible = in_force.possible_changes[-1:]
    changed = in_force.changed_after_slot or next(iter(possible), None)
    if changed is None or in_force.cancelled:
        return None
    text = changed.status or changed.slot.raw
    return ShownSince(changed.learnt, changed.slot.instant, text, is_cancelled(changed))


def _choose_verdict(case: Case, pairs: Sequence[Pair]) -> tuple[VerdictKind, str | None]:
    """Return the verdict on a release, the worst of its decisive parts, and the reason if it is
    unproven.

    An exposure of any part counts as early. Cancelled and unannounced come before all others. A
    pending release is `moved` if an earlier promised time of it has passed.
    """
    if case.in_force.cancelled:
        return VerdictKind.CANCELLED, None
    if any(part.verdict is VerdictKind.UNANNOUNCED for part, _ in pairs):
        return VerdictKind.UNANNOUNCED, None
    page = next((part.released for part, _ in pairs if part.id == "page"), NOTHING)
    decisive = [part for part, evidence in pairs if _is_decisive(part, evidence, page)]
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


def _is_decisive(part: PartVerdict, evidence: PartEvidence, page_released: Interval) -> bool:
    """Return whether the verdict on a part counts for the release."""
    # If only the page revealed a part, its first look may be late. So `unproven` does not count
    # against it.
    is_unproven_part = part.id != "page" and part.verdict is VerdictKind.UNPROVEN
    return part.can_be_late and not (
        is_unproven_part and is_revealed_by_page(evidence, page_released)
    )


def _grade_release(
    case: Case, verdict: VerdictKind, parts: Sequence[PartVerdict], findings: Sequence[Finding]
) -> Grade:
    """Return the worst grade of the delays of parts, and of the waits of users to whom the edge
    served an old copy.
    """
    if case.window is None or verdict in _UNGRADED:
        return Grade.NONE
    if any(part.exposures for part in parts) or verdict is VerdictKind.NOT_PUBLISHED:
        return Grade.REPORT
    users_delays = {part.id: part.users_delay for part in parts}
    grades = []
    for hidden in (finding for finding in findings if finding.kind is FindingKind.STALE_EDGE):
        # In the first finding of a part, users waited for it from its slot (`users_delay`, which
        # `pop` takes out). In a further one, they had got it before the edge hid it again. They
        # waited only as long as that (`seconds`).
        wait = users_delays.pop(hidden.part, hidden.seconds) if hidden.part else hidden.seconds
        # Only the least length of a wait is proved, so only that makes a grade worse.
        proved = None if wait is None or wait.min is None else Bounds(wait.min, wait.min)
        grades.append(grade_delay(proved, case.policy))
    behind = [part for part in parts if part.can_be_late and part.verdict in _BEHIND]
    # Without a promised time a delay has no minutes to grade, so a note asks a person to check.
    grades += [
        grade_delay(part.delay, case.policy) if case.window.exact else Grade.NOTE for part in behind
    ]
    return choose_worst_grade(grades)


def _is_final(case: Case, parts: Sequence[PartVerdict]) -> bool:
    """Return whether later evidence is not expected to change the verdict: the watch closed, or all
    parts are settled.

    A slot that was first read after it had passed is final at once, a cancelled one when it has
    passed.
    """
    if case.in_force.cancelled or case.cancelled_at is not None:
        promise = case.in_force.promise
        passes = None if promise is None else promise.slot.passes()
        is_open = any(exposure.open for part in parts for exposure in part.exposures)
        return passes is not None and case.now >= passes and not is_open
    if case.window is None or case.now < case.window.slot_begins:
        return False
    if case.now >= case.window.closes or case.in_force.is_first_read_after_slot:
        return True
    return all(_is_settled(case, part) for part in parts if part.can_be_late)


def _is_settled(case: Case, part: PartVerdict) -> bool:
    """Return whether later looks are not expected to change the verdict on a part, or how long
    users waited for it.
    """
    out_by = part.released.by
    if out_by is None:
        return part.verdict is VerdictKind.NOT_PUBLISHED  # the watch ended without the part
    # The other views were looked at together with the one that saw the part. Their answers come
    # within `grace`.
    are_answers_awaited = case.now < out_by + case.policy.grace
    delay, users_delay = part.delay, part.users_delay
    if part.is_unseen_by_users and delay is not None and users_delay is not None:
        # The edge has not shown the part yet. If a look proves that users wait longer than the
        # publisher's delay, the edge served an old answer after the part was out. Then the part is
        # not settled until the edge shows it.
        was_edge_old = (users_delay.min or 0.0) > (delay.min or 0.0)
        if are_answers_awaited or was_edge_old:
            return False
    if part.verdict is VerdictKind.UNPROVEN:
        return not are_answers_awaited
    return part.verdict in _VERDICTS_ONCE_OUT


def _next_review(case: Case, pairs: Sequence[Pair], *, final: bool) -> datetime | None:
    """Return the next instant at which time alone can change the verdict or its findings; None if
    there is none.
    """
    # The limits of the window, and looks that are awaited, can change only a verdict that is not
    # `final`.
    parts = [part for part, _ in pairs]
    # An open exposure ends soon after the slot if no look shows whether the content is still there.
    is_open = any(exposure.open for part in parts for exposure in part.exposures)
    instants = [
        *_deadlines_of_absences_after_content(case, [evidence for _, evidence in pairs]),
        *_deadlines_of_users_delay(case, parts),
        *_deadlines_of_witness_lags(case, parts),
    ]
    if case.window is not None and is_open:
        instants.append(open_exposure_ends_at(case.window.slot_begins))
    if not final:
        instants += [*_deadlines_of_window(case), *_deadlines_of_awaited_looks(case, pairs)]
    return min((instant for instant in instants if instant > case.now), default=None)


def _deadlines_of_window(case: Case) -> list[datetime]:
    """Return when limits of the slot pass, such as its tolerance: the verdict may change then even
    without a look.
    """
    window, promise = case.window, case.in_force.promise
    if window is None:
        # A cancelled slot has no limits, but it ends.
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
        # At an unannounced address, the announcement and GOV.UK's index show that the release is
        # out, but with a lag.
        deadlines.append(window.late_evidence_until + case.lags.longest)
    # Another calendar may announce another slot, or the promised time may be in doubt. So add
    # limits of possible slots.
    return [*deadlines, *doubt.deadlines_of_other_readings(case)]


def _deadlines_of_witness_lags(case: Case, parts: Sequence[PartVerdict]) -> list[datetime]:
    """Return the next full minute if the release is late by its witnesses: other releases may show
    longer lags then.
    """
    is_guess = case.release.address is not Address.ANNOUNCED and any(
        part.verdict in _BEHIND for part in parts
    )
    is_today = case.window is not None and is_same_day(case.now, case.window.slot_begins)
    return [rounded(case.now + _ONE_SECOND, MINUTE, up=True)] if is_guess and is_today else []


def _deadlines_of_awaited_looks(case: Case, pairs: Sequence[Pair]) -> Iterator[datetime]:
    """Yield the times at which an answer that could still change a part's verdict stops being
    awaited.
    """
    for part, evidence in pairs:
        # An absence at the edge waits for a look at the origin.
        until = None if case.window is None else origin_awaited_until(evidence, case.window)
        if until is not None:
            yield until
        seen_by = part.released.by
        if part.verdict is VerdictKind.UNPROVEN and seen_by is not None:
            # The other views were looked at together with the one that saw the part. They may prove
            # more.
            yield seen_by + case.policy.grace


def _deadlines_of_users_delay(case: Case, parts: Sequence[PartVerdict]) -> Iterator[datetime]:
    """Yield when to judge parts again that are out but that the edge still hides, as they may get a
    worse grade.
    """
    hidden = [part for part in parts if part.can_be_late and part.is_unseen_by_users]
    slot = None if case.window is None else case.window.promised_at
    if slot is None or not hidden:
        return
    # The edge was looked at together with the view that saw the part. Its answer comes within
    # `grace`.
    yield from (
        part.released.by + case.policy.grace for part in hidden if part.released.by is not None
    )
    # The grade gets worse when a look proves that users wait longer than a limit: a note first,
    # then a report. A look with the same answer as before causes no judgement. So from each limit
    # on, judge every second.
    proved_delays = [part.users_delay.min or 0.0 for part in hidden if part.users_delay is not None]
    for limit in (case.policy.on_time_within, case.policy.note_within):
        is_proved_for_all = all(delay > limit.total_seconds() for delay in proved_delays)
        if not is_proved_for_all and case.now < slot + limit + _NEXT_LOOK_WITHIN:
            yield max(slot + limit, case.now) + _ONE_SECOND


def _deadlines_of_absences_after_content(
    case: Case, evidences: Sequence[PartEvidence]
) -> Iterator[datetime]:
    """Yield, for each part that was seen and then absent, when the absence has lasted longer than
    `on_time_within`.
    """
    # A shorter absence may be a cache that serves an old copy now and then. A longer one may be a
    # withdrawal.
    for evidence in evidences:
        if evidence.all_presences:
            last_seen = evidence.all_presences[-1].end
            absences = (
                spell
                for of_view in evidence.spells.values()
                for spell in of_view
                if not spell.is_present
            )
            if any(absence.end > last_seen for absence in absences):
                yield last_seen + case.policy.on_time_within + _ONE_SECOND


def _describe_due(case: Case, pairs: Sequence[Pair], verdict: VerdictKind) -> Due | None:
    """Return what looks last got for the first required part that is still unseen after its
    slot.
    """
    # None if the release is not pending, if its slot has not come, or if all required parts were
    # seen.
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
    # If the address of the page is a guess, only its witnesses, the announcement and GOV.UK's
    # index, show its absence.
    witnesses = evidence.witnesses if evidence.is_address_guessed else None
    witnessed_absent = None if witnesses is None else witnesses.last_without_release
    is_witnessed_since_slot = (
        witnessed_absent is not None and witnessed_absent >= window.promised_at
    )
    # Witnesses may lag behind the release. So although it looks late, more looks must confirm that.
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
