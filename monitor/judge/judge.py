"""Promises, runs, policy and an instant make a verdict. Nothing else does: replay repeats it at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.judge.case import Case, case_of
from monitor.judge.doubt import doubted, drop_unconfirmed, turns, undisputed
from monitor.judge.due import due_of
from monitor.judge.exposure import unclear_until
from monitor.judge.findings.all import findings
from monitor.judge.findings.elsewhere_first import public_elsewhere
from monitor.judge.findings.stale_edge import users_delay
from monitor.judge.part import GRAVEST, counts, is_revealed, judge_part, origin_awaited, unjudged_part
from monitor.judge.part_evidence import PartEvidence, seen
from monitor.judge.policy import Grade, Policy, grade, worst
from monitor.judge.runs import Blind, Run, unwatched
from monitor.judge.verdict import Finding, Kind, PartVerdict, Verdict, Word
from monitor.judge.witnesses import Publication, is_same_day, lags_measured
from schedules.announcement import Address
from schedules.promise import Promise
from schedules.release import Release
from schedules.times.interval import NOTHING, Bounds
from schedules.times.words import MINUTE, rounded

_DONE = (Word.ON_TIME, Word.LATE, Word.EARLY)
_MOMENT = timedelta(seconds=1)
# An edge that hides what is out is looked at every five seconds; it may be told to wait meanwhile.
_HIDDEN_LOOKS = timedelta(seconds=60)
_BEHIND = (Word.LATE, Word.OVERDUE)
_NOT_FOUND = (Kind.LATE, Kind.UNWATCHED)
_UNGRADED = (Word.CANCELLED, Word.MOVED, Word.UNANNOUNCED)


def judge(  # noqa: PLR0913 # everything that a verdict rests on
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

    `runs` are by target id (`RELEASE/PART/VIEW`), each in time order; `blind` spans may be of any scope. `published`
    are other releases, whose witnesses may have been behind that day. They are read only if the release is late.
    """
    case = case_of(release, promises, unwatched(blind, runs), policy, now)
    opens = None if case.window is None else case.window.opens
    verdict = judged(case, [seen(release, part, runs, blind, now, opens) for part in release.parts])
    if release.address is Address.ANNOUNCED or not any(each.kind in _NOT_FOUND for each in verdict.findings):
        return verdict
    # Longer lags may only take back that it is late.
    case = replace(case, lags=lags_measured(published, opens, now))
    return judged(case, [seen(release, part, runs, blind, now, opens, lags=case.lags) for part in release.parts])


def judged(case: Case, sights: Sequence[PartEvidence]) -> Verdict:
    """Return the verdict on a case, given what was seen of each part in the release's order."""
    parts, because = drop_unconfirmed(case, _parts(case, sights), sights)
    pairs = zip(undisputed(case, parts, sights), sights, strict=True)
    parts = tuple(replace(part, users_delay=users_delay(case, part, sight)) for part, sight in pairs)
    found = findings(case, parts, sights, doubted(case, because, parts))
    word, why = _word(case, parts, sights)
    final = _is_final(case, parts)
    release, promise = case.release, case.standing.promise
    return Verdict(
        release=release.id,
        title=release.title,
        producer=release.producer,
        others=release.others,
        url=release.url,
        calendars=release.calendars,
        slot=None if promise is None else promise.slot,
        source=None if promise is None else promise.calendar,
        announced=None if promise is None else promise.learnt,
        word=word,
        grade=_grade(case, word, parts, found),
        final=final,
        at=case.now,
        parts=parts,
        findings=found,
        unproven_because=why,
        address=release.address,
        elsewhere=public_elsewhere(sights),
        due=due_of(case, parts, sights, word),
        early_bound=next((part.early_bound for part in parts if part.id == "page"), None),
        confirmed=case.standing.announced_as_of,
        revisit=_revisit(case, parts, sights, final=final),
        lags=case.lags,
    )


def _parts(case: Case, sights: Sequence[PartEvidence]) -> tuple[PartVerdict, ...]:
    page = NOTHING
    parts: list[PartVerdict] = []
    for sight in sights:
        parts.append(judge_part(case, sight, page) if case.is_judged else unjudged_part(case, sight))
        page = parts[-1].released if sight.part.id == "page" else page
    return tuple(parts)


def _word(case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence]) -> tuple[Word, str | None]:
    if case.standing.cancelled:
        return Word.CANCELLED, None
    if any(part.word is Word.UNANNOUNCED for part in parts):
        return Word.UNANNOUNCED, None
    weighty = [part for part, sight in zip(parts, sights, strict=True) if _weighs(part, sight, parts)]
    words = [part.word for part in weighty] + [Word.EARLY for part in parts if part.exposures]
    word = min(words, key=GRAVEST.index, default=Word.PENDING)
    if word is Word.PENDING and case.is_moved:
        return Word.MOVED, None
    return word, _because(weighty) if word is Word.UNPROVEN else None


def _weighs(part: PartVerdict, sight: PartEvidence, parts: Sequence[PartVerdict]) -> bool:
    if not counts(part):
        return False
    page = next((each.released for each in parts if each.id == "page"), NOTHING)
    # A part that only the page revealed can rarely be proved to the second; only proved lateness tells against it.
    return not (part.id != "page" and part.word is Word.UNPROVEN and is_revealed(sight, page))


def _because(parts: Sequence[PartVerdict]) -> str | None:
    for part in parts:
        if part.word is Word.UNPROVEN and part.unproven_because:
            return part.unproven_because if part.id == "page" else f"{part.id}: {part.unproven_because}"
    return None


def _grade(case: Case, word: Word, parts: Sequence[PartVerdict], found: Sequence[Finding]) -> Grade:
    if case.window is None or word in _UNGRADED:
        return Grade.NONE
    if any(part.exposures for part in parts) or word is Word.NOT_PUBLISHED:
        return Grade.REPORT
    stale = [each for each in found if each.kind is Kind.STALE_EDGE]
    # Only the first time an edge hid a part counts for users' delay: later ones begin when users had it already.
    first = {each.part: each for each in reversed(stale)}
    grades = [_stale_grade(case, each, parts if first[each.part] is each else ()) for each in stale]
    behind = [part for part in parts if counts(part) and part.word in _BEHIND]
    # Where nothing was promised to the minute, nobody is accused of minutes: a note asks a person to look.
    grades += [grade(part.delay, case.policy) if case.window.exact else Grade.NOTE for part in behind]
    return worst(grades)


def _stale_grade(case: Case, stale: Finding, parts: Sequence[PartVerdict]) -> Grade:
    """Grade what was proved of how long users waited: from the slot on, or for what they had been able to get."""
    delay = next((part.users_delay for part in parts if part.id == stale.part), stale.seconds)
    waited = None if delay is None else delay.min
    return grade(None if waited is None else Bounds(waited, waited), case.policy)


def _is_final(case: Case, parts: Sequence[PartVerdict]) -> bool:
    if case.standing.cancelled:
        promise = case.standing.promise
        passes = None if promise is None else promise.slot.passes()
        return passes is not None and case.now >= passes
    if case.window is None or case.now < case.window.opens:
        return False
    if case.now >= case.window.closes or case.standing.learnt_after_slot:
        return True
    return all(_is_settled(case, part) for part in parts if counts(part))


def _is_settled(case: Case, part: PartVerdict) -> bool:
    by, is_awaited = part.released.by, part.released.by is not None and case.now < part.released.by + case.policy.grace
    own, users = part.delay, part.users_delay
    # Only an old answer that the edge served makes the users' delay longer at least.
    if part.is_hidden and own and users and (is_awaited or (users.min or 0.0) > (own.min or 0.0)):
        return False
    if part.word is Word.UNPROVEN and by is not None:
        # Another view under way may still prove what this one could not.
        return not is_awaited
    return part.word is Word.NOT_PUBLISHED or (part.word in _DONE and part.released.by is not None)


def _revisit(
    case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence], *, final: bool
) -> datetime | None:
    """Return the next instant at which time alone can change the verdict or its findings."""
    # An open exposure ends when no look since the slot shows whether the content is still there.
    is_open = any(each.open for part in parts for each in part.exposures)
    turns = [
        *_flickers(case, sights),
        *([unclear_until(case.window.opens)] if case.window is not None and is_open else []),
        *_grades_of_hidden(case, parts),
        *_next_minute_of_day(case, parts),
        *(() if final else [*_turns(case), *_awaited(case, parts, sights)]),
    ]
    return min((turn for turn in turns if turn > case.now), default=None)


def _turns(case: Case) -> list[datetime]:
    frame, promise = case.window, case.standing.promise
    if frame is None:
        passes = None if promise is None else promise.slot.passes()
        return [] if passes is None else [passes]
    lag = [] if case.release.address is Address.ANNOUNCED else [frame.settles + case.lags.longest]
    own = [frame.opens, frame.latest, frame.settles, *lag, frame.passes + case.policy.note_within, frame.closes]
    return [*own, *turns(case)]


def _next_minute_of_day(case: Case, parts: Sequence[PartVerdict]) -> list[datetime]:
    """Return the next minute of the day if it is late by its witnesses: other releases may show longer lags by then."""
    is_guess = case.release.address is not Address.ANNOUNCED and any(part.word in _BEHIND for part in parts)
    is_today = case.window is not None and is_same_day(case.now, case.window.opens)
    return [rounded(case.now + _MOMENT, MINUTE, up=True)] if is_guess and is_today else []


def _awaited(case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence]) -> list[datetime]:
    waits = [None if case.window is None else origin_awaited(sight, case.window) for sight in sights]
    waits += [part.released.by and part.released.by + case.policy.grace for part in parts if part.word is Word.UNPROVEN]
    return [wait for wait in waits if wait is not None]


def _grades_of_hidden(case: Case, parts: Sequence[PartVerdict]) -> Iterator[datetime]:
    """Yield when a part that users were not seen to get yet is judged again to be graded, or to wait no longer.

    A grade needs a look that got the old answer after its limit; such looks only lengthen a run.
    """
    parts = [part for part in parts if counts(part) and part.is_hidden]
    hidden = [part.users_delay for part in parts]
    origin = None if case.window is None else case.window.origin
    if origin is None or not hidden:
        return
    yield from (part.released.by + case.policy.grace for part in parts if part.released.by is not None)
    for within in (case.policy.on_time_within, case.policy.note_within):
        limit = origin + within
        is_proved = all(delay is not None and (delay.min or 0.0) > within.total_seconds() for delay in hidden)
        if not is_proved and case.now < limit + _HIDDEN_LOOKS:
            yield max(limit, case.now) + _MOMENT


def _flickers(case: Case, sights: Sequence[PartEvidence]) -> list[datetime]:
    """Return when content last seen to go will have been gone for too long to be a flicker of some cache."""
    last = ((sight, sight.public[-1].end) for sight in sights if sight.public)
    gone = ((end, [spell for each in sight.spells.values() for spell in each if not spell.out]) for sight, end in last)
    return [end + case.policy.on_time_within + _MOMENT for end, each in gone if any(spell.end > end for spell in each)]
