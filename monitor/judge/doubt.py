"""Where the promise itself is in doubt, nothing is claimed by it: both readings are told, and a person asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.judge.case import Case
from monitor.judge.findings.announcement import said
from monitor.judge.part import judge_part
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.verdict import Finding, Kind, PartVerdict, Word
from schedules.announcement import State
from schedules.promise import Promise
from schedules.slot_relations import first_day, has_passed
from schedules.times.interval import NOTHING
from schedules.times.words import exactly, length
from schedules.times.zone import local_date

_LATE = (Word.LATE, Word.OVERDUE, Word.NOT_PUBLISHED)
BREACHES = (*_LATE, Word.EARLY)
_CLAIMS = (*BREACHES, Word.ON_TIME)


def drop_unconfirmed(
    case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return parts without the claims that the promise in force is not known to bear, and why; None: it stood."""
    standing, promise = case.standing, case.standing.promise
    if promise is None or not case.is_judged:
        return tuple(parts), None
    unlisted = because = _why_unlisted(case, promise, parts)
    if because is None:
        because = _changed(case, promise) if standing.in_doubt else _unconfirmed(case, promise, parts)
    if because is not None:
        words = (Word.UNPROVEN,) if unlisted is not None else ()
        claimed = [
            part
            for part in parts
            if part.exposures or part.word in (*_unconfirmed_verdicts(case, promise, part), *words)
        ]
        if claimed:
            return tuple(_unclaimed(part, because) if part in claimed else part for part in parts), because
    return _if_firm(case, promise, parts, sights)


def _unconfirmed_verdicts(case: Case, promise: Promise, part: PartVerdict) -> tuple[Word, ...]:
    """Return what cannot be said of a part by a promise that is in doubt, or that nobody saw stand."""
    others, absent = case.standing.in_doubt, part.released.after
    was_out = not any(_is_by_then(each, promise) or (absent and each.learnt <= absent) for each in others)
    # A later day, or none, given once it is out as promised denies nothing: lists go on to the next edition.
    return BREACHES if others and was_out else _CLAIMS


def _if_firm(
    case: Case, promise: Promise, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence]
) -> tuple[tuple[PartVerdict, ...], str | None]:
    """Return parts without what a day's promise bears, and not the instant that may have been confirmed before it."""
    readings = [tuple(judged_by(case, each, sights)) for each in _readings_if_firm(case)]
    words: tuple[Word, ...] = (*_CLAIMS, Word.PENDING)
    because = _changed(case, promise)
    if not case.standing.in_doubt:
        words, because = (Word.ON_TIME,), f"{_last_read(case, promise)}: not read, or not shown there, again since"
    is_due = has_passed(promise.slot, case.now)
    left = tuple(
        _unclaimed(part, because, Word.UNPROVEN if is_due else Word.PENDING)
        if part.word in words and any(_denies(theirs[place].word, part.word) for theirs in readings)
        else part
        for place, part in enumerate(parts)
    )
    return left, because if is_due and left != tuple(parts) else None


def _readings_if_firm(case: Case) -> list[Promise]:
    """Return the words that may have bound to the minute before a slot that is judged as its day.

    Those read since that may have come before it, or its own instant where nothing was read since that instant.
    """
    standing, promise = case.standing, case.standing.promise
    if case.window is None or case.window.exact or promise is None:
        return []
    if standing.in_doubt:
        windows = {each: case.by(each).window for each in standing.in_doubt}
        return [each for each, by in windows.items() if by is not None and by.exact]
    begins, shown = promise.slot.instant, standing.announced_as_of
    if begins is None or shown is None or promise.state is not State.PROVISIONAL or shown >= begins:
        return []
    return [replace(promise, state=State.CONFIRMED)]


def _denies(other: Word, word: Word) -> bool:
    # On time by its day, it stands only where it is proved so by its minute too.
    return not _is_same(word, other) and (word is Word.ON_TIME or other in _CLAIMS)


def undisputed(case: Case, parts: Sequence[PartVerdict], sights: Sequence[PartEvidence]) -> tuple[PartVerdict, ...]:
    """Return parts without a breach that one calendar shows and another denies."""
    if not any(part.word in BREACHES for part in parts):
        return tuple(parts)
    others = {promise: tuple(judged_by(case, promise, sights)) for promise in case.standing.disagreements}
    return tuple(_settled(part, place, others) for place, part in enumerate(parts))


def doubted(case: Case, because: str | None, parts: Sequence[PartVerdict]) -> list[Finding]:
    """Return what a person is asked about the promise: that it is in doubt, or that it was brought forward."""
    found, promise = [], case.standing.promise
    if promise is None:
        return []
    forward = [each for each in case.standing.in_doubt if _is_earlier(each, promise)]
    if because is None:
        because = _changed(case, promise) if forward else _unread_since(case, promise, parts)
    if because is not None:
        found.append(Finding(Kind.PROMISE_IN_DOUBT, None, because))
    came = forward[-1:] or ([promise] if _came_forward(case, promise) else [])
    told = ((f"{said(each)}: brought forward, {_read(case, each)}", each.learnt) for each in came)
    return [*found, *(Finding(Kind.BROUGHT_FORWARD, None, words, at=read) for words, read in told)]


def turns(case: Case) -> Iterator[datetime]:
    """Yield the instants at which the word by another calendar, or by another reading, may change."""
    for promise in (*case.standing.disagreements, *_readings_if_firm(case)):
        other = case.by(promise).window
        if other is not None:
            yield from (other.opens, other.latest, other.settles)


def judged_by(case: Case, promise: Promise, sights: Sequence[PartEvidence]) -> Iterator[PartVerdict]:
    """Yield how each part stands by another calendar; nothing where that one calls the release off."""
    other, page = case.by(promise), NOTHING
    for sight in sights if other.window is not None else ():
        part = judge_part(other, sight, page)
        page = part.released if part.id == "page" else page
        yield part


def _settled(part: PartVerdict, place: int, others: Mapping[Promise, Sequence[PartVerdict]]) -> PartVerdict:
    denied = [by for by, theirs in others.items() if not theirs or not _is_same(part.word, theirs[place].word)]
    if part.word not in BREACHES or not denied:
        return part
    word, told = part.word.value.replace("_", " "), "; ".join(said(each) for each in denied)
    return _unclaimed(part, f"{word} by one calendar and not by another, and which binds is not known: {told}")


def _is_same(one: Word, other: Word) -> bool:
    return other in (_LATE if one in _LATE else (one,))


def _unclaimed(part: PartVerdict, because: str, word: Word = Word.UNPROVEN) -> PartVerdict:
    why = because if word is Word.UNPROVEN else None
    return replace(part, word=word, delay=None, exposures=(), unproven_because=why)


def _changed(case: Case, promise: Promise) -> str:
    last = case.standing.announced_as_of or promise.learnt
    told = "; ".join(f"{said(each)}, {_read(case, each)}" for each in case.standing.in_doubt)
    return f"its promise was changed between two reads: {said(promise)}, last so {exactly(last, case.zone)}; {told}"


def _last_read(case: Case, promise: Promise) -> str:
    return f"{said(promise)}, last read {exactly(case.standing.announced_as_of or promise.learnt, case.zone)}"


def _why_unlisted(case: Case, promise: Promise, parts: Sequence[PartVerdict]) -> str | None:
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
    if any(other.unlisted is None for other in case.standing.agreeing):
        return None
    reads = "a read" if unlisted.reads == 1 else f"{unlisted.reads} reads"
    shown = exactly(promise.confirmed_at or promise.learnt, case.zone)
    since = exactly(unlisted.since, case.zone)
    titles = " and ".join(f"“{title}”" for title in unlisted.successors)
    successors = f". A new entry may replace it: {titles}" if titles else ""
    return f"{said(promise)}, last shown {shown}: {reads} of the calendar since {since} did not show it{successors}"


def _unconfirmed(case: Case, promise: Promise, parts: Sequence[PartVerdict]) -> str | None:
    counts_from, shown = _counts_from(case, parts), case.standing.announced_as_of
    if shown is None or counts_from is None or shown >= counts_from - case.policy.confirmed_within:
        return None
    before = length((counts_from - shown).total_seconds())
    return f"{_last_read(case, promise)}, {before} before: whether it still stood is not known"


def _unread_since(case: Case, promise: Promise, parts: Sequence[PartVerdict]) -> str | None:
    """Return that its calendar could not be read again before a breach was told, None when it was or there is none."""
    counts_from, shown = _counts_from(case, parts), case.standing.announced_as_of
    if shown is None or counts_from is None or shown >= counts_from:
        return None
    if not any(part.word in BREACHES for part in parts):
        return None
    return f"{_last_read(case, promise)}: not read, or not shown there, again since"


def _counts_from(case: Case, parts: Iterable[PartVerdict]) -> datetime | None:
    """Return the instant at which the promise must have stood: its slot, or the first exposure before it."""
    begins = (exposure.start.by for part in parts for exposure in part.exposures)
    opens = () if case.window is None else (case.window.opens,)
    return min([*opens, *(begin for begin in begins if begin is not None)], default=None)


def _is_earlier(promise: Promise, than: Promise) -> bool:
    begins, other = promise.slot.begins(), than.slot.begins()
    return begins is not None and other is not None and begins < other


def _is_by_then(promise: Promise, than: Promise) -> bool:
    """Tell whether a slot is earlier than another, or at another time of the same day: no next edition's."""
    is_same_day = first_day(promise.slot) == first_day(than.slot)
    return _is_earlier(promise, than) or (is_same_day and _is_earlier(than, promise))


def _came_forward(case: Case, promise: Promise) -> bool:
    """Tell whether the slot in force was brought forward on its very day."""
    before = case.standing.given_up
    if not before or has_passed(promise.slot, promise.learnt):
        return False
    same_day = local_date(promise.learnt, promise.slot.timezone) == first_day(promise.slot)
    return same_day and _is_earlier(promise, before[-1])


def _read(case: Case, promise: Promise) -> str:
    return f"read {exactly(promise.learnt, case.zone)}"
