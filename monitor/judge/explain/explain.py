"""The facts a verdict rests on, in plain sentences, and what would change it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from monitor.judge.case import Case, case_of
from monitor.judge.explain.looks import Fact, looks_at
from monitor.judge.explain.outlook import would_change
from monitor.judge.findings.announcement import slot_words
from monitor.judge.findings.blind import touches
from monitor.judge.part import counts
from monitor.judge.part_evidence import PartEvidence, seen
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import PartVerdict, Verdict, Word
from schedules.announcement import Origin, Role, address_known
from schedules.history import history
from schedules.ledger_event import LedgerEvent, What
from schedules.promise import Promise
from schedules.release import Release
from schedules.times.json import instant_json
from schedules.times.words import between_exactly, exactly, length, lengths

_STANDARD = time(9, 30)
SUBJECT_PREFIX = {
    "promise": "Promised",
    "policy": "Held against",
    "run": "Looks",
    "blind": "Blind",
    "evidence": "Evidence that is gone",
}
_HINTS = {What.UNLIKELY_DAY: "an unlikely day", What.ZONE_DOUBT: "a doubtful hour"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a verdict is what it is, as of `at`. `records` are the ids of the evidence behind it."""

    release: str
    verdict: str
    at: datetime
    facts: tuple[Fact, ...]
    would_change: tuple[str, ...]
    records: tuple[str, ...]


def explain(
    verdict: Verdict,
    release: Release,
    promises: Sequence[Promise],
    runs: Mapping[str, Sequence[Run]],
    blind: Sequence[Blind],
    policy: Policy,
) -> Explanation:
    """Return every fact that a verdict rests on, given what it was judged from."""
    case = replace(case_of(release, promises, blind, policy, verdict.at), lags=verdict.lags)
    opens = None if case.window is None else case.window.opens
    sights = [seen(release, part, runs, blind, verdict.at, opens, lags=case.lags) for part in release.parts]
    pairs = list(zip(verdict.parts, sights, strict=True))
    told = [_verdict(verdict, case), *_ledger(case), *_hints(case, promises), *_join(release), _rules(case)]
    for part, sight in pairs:
        told += [_part(case, part), *looks_at(case, sight)]
    told += [Fact("finding", f"{found.kind.value}: {found.detail}", part=found.part) for found in verdict.findings]
    told += _blind(case, sights)
    records = dict.fromkeys(record for fact in told for record in fact.evidence)
    return Explanation(
        release.id, verdict.word.value, verdict.at, tuple(told), would_change(case, verdict, pairs), tuple(records)
    )


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON."""
    return {
        "release": explanation.release,
        "verdict": explanation.verdict,
        "at": instant_json(explanation.at),
        "facts": [asdict(fact) | {"at": instant_json(fact.at)} for fact in explanation.facts],
        "would_change": list(explanation.would_change),
        "records": list(explanation.records),
    }


def by_head(explanation: Explanation, kinds: Collection[str] = SUBJECT_PREFIX) -> list[tuple[str, list[str]]]:
    """Return the facts of these kinds in words, under the heads that people read them by; empty heads are left out."""
    told = (
        (head, [fact.text for fact in explanation.facts if fact.kind == kind])
        for kind, head in SUBJECT_PREFIX.items()
        if kind in kinds
    )
    return [(head, texts) for head, texts in told if texts]


def title_facts(titles: Sequence[LedgerEvent], now: datetime, zone: str) -> list[Fact]:
    """Return how the title of a release has changed by an instant, by the events of its ledger."""
    said = {What.RETITLED: "retitled", What.PERIOD_CHANGED: "retitled to another period"}
    told = ((one, f"{said[one.what]}, read {exactly(one.at, zone)}: {one.detail}") for one in titles if one.at <= now)
    return [Fact("promise", text, one.at, calendar=one.calendar) for one, text in told]


def _verdict(verdict: Verdict, case: Case) -> Fact:
    standing = "final" if verdict.final else "not final"
    because = f": {verdict.unproven_because}" if verdict.unproven_because else ""
    text = f"{verdict.word.value} ({standing}, grade {verdict.grade.value}) as of {exactly(verdict.at, case.zone)}"
    return Fact("verdict", text + because, verdict.at)


def _ledger(case: Case) -> list[Fact]:
    standing = case.standing
    if standing.promise is None:
        return [Fact("promise", "no calendar announced a time for it")]
    told = [
        _promise("the entry that cancelled it" if standing.cancelled else "the slot in force", standing.promise, case)
    ]
    others = [
        ("first announced", standing.first_announced),
        ("before it was moved", standing.moved_from),
        ("given only after the slot had passed, and judged apart", standing.second),
        *(("another calendar differed", promise) for promise in standing.disagreements),
    ]
    told += [
        _promise(what, promise, case) for what, promise in others if promise not in (None, standing.promise) if promise
    ]
    if standing.learnt_after_slot:
        told.append(Fact("promise", "the slot had passed when it was first read, so nothing can be proved of it"))
    return told


def _hints(case: Case, promises: Sequence[Promise]) -> list[Fact]:
    """Return what to ask about the slot in force: an unlikely day, a doubtful hour, a late read, its embargo."""
    promise, told = case.standing.promise, list[Fact]()
    if promise is None:
        return told
    for event in history(case.release, promises, case.now, case.policy.workdays):
        hint = _HINTS.get(event.what)
        if hint and event.after is not None and event.after.says_same_as(promise.slot):
            text = f"{hint}: {event.detail}"
            told.append(Fact("promise", text, event.at, calendar=event.calendar))
    begins, shown = promise.slot.begins(), case.standing.announced_as_of
    if begins is not None and shown is not None and shown < begins <= case.now:
        text = f"calendar {promise.calendar} last read {length((begins - shown).total_seconds())} before the slot"
        told.append(Fact("promise", text, shown, calendar=promise.calendar))
    if promise.slot.instant is not None:
        told += _register_question(case, promise.slot.instant, promise.slot.timezone)
        begins = case.policy.workdays.access_begins(promise.slot.instant, promise.slot.timezone)
        text = f"pre-release access, where the law allows any, begins {exactly(begins, case.zone)} at the earliest"
        told.append(Fact("promise", text))
    return told


def _register_question(case: Case, slot: datetime, zone: str) -> list[Fact]:
    """Return what a person must ask of a time that is not the usual one: nothing is late or early for that."""
    local = slot.astimezone(ZoneInfo(zone))
    if local.time() == _STANDARD:
        return []
    granted = next((one.reference for one in case.policy.on_file if one.fits(case.release, slot, zone)), None)
    asked = "is an alternative release time (before 5 May 2022 an exemption) on file?"
    return [Fact("promise", f"announced for {local:%H:%M}, not 09:30: {f'on file, {granted}' if granted else asked}")]


def _join(release: Release) -> list[Fact]:
    names = ", ".join(release.calendars)
    told = [f"its calendars {names} were taken for one release: {release.joined_by}"] if release.joined_by else []
    if release.joined_into is not None:
        told.append(f"its entries were found to belong to {release.joined_into}, which is judged in its place")
    return [Fact("promise", text) for text in told]


def _promise(what: str, promise: Promise, case: Case) -> Fact:
    state = f", {promise.state.value}" if promise.state else ""
    since = f", not there yet {exactly(promise.unlearnt, case.zone)}" if promise.unlearnt else ""
    shown = f", last seen there {exactly(promise.confirmed_at, case.zone)}" if promise.confirmed_at else ""
    doubt = promise.doubt or promise.slot.doubt
    doubted = f"; in doubt ({doubt}), so judged as its day" if doubt else ""
    text = (
        f"{what}: {slot_words(promise.slot)}{state}, from {promise.calendar}, "
        f"read {exactly(promise.learnt, case.zone)}{since}{shown}{doubted}"
    )
    return Fact("promise", text, promise.learnt, calendar=promise.calendar)


def _rules(case: Case) -> Fact:
    policy, window = case.policy, case.window
    if window is None:
        return Fact("policy", "no readable time is in force, so there is nothing to hold the looks against")
    if not window.exact:
        span = f"{exactly(window.opens, case.zone)} to {exactly(window.passes, case.zone)}"
        return Fact("policy", f"nothing was promised to the minute: judged as the span {span}")
    text = (
        f"on time means proved to have come within {length(policy.on_time_within.total_seconds())} of the slot; "
        f"present more than {length(policy.uncertainty.total_seconds())} before it is early; "
        f"later than {length(policy.note_within.total_seconds())} is a report{case.lags.in_words()}"
    )
    return Fact("policy", text)


def _part(case: Case, part: PartVerdict) -> Fact:
    name = part.id if counts(part) else f"{part.id} ({part.role}, does not stop the clock{_known_by(part)})"
    known = address_known(case.release.address, is_seen=bool(part.first_seen)) if part.id == "page" else ""
    text = f"{name}, {part.url}{f' ({known})' if known else ''}: {part.word.value}"
    if part.first_seen:
        text += f", first seen {between_exactly(part.first_seen, case.zone)}"
    if part.delay is not None:
        text += f", {lengths(part.delay)} after the slot (below zero: before it)"
    if part.word is Word.ON_TIME and part.early_bound is not None:
        text += f", proved absent until {length(part.early_bound)} before the slot"
    if part.unproven_because:
        text += f": {part.unproven_because}"
    return Fact("part", text, part.first_seen.by, part=part.id)


def _known_by(part: PartVerdict) -> str:
    """Return how an address is known that nobody promised; empty for any other."""
    if part.origin is Origin.LINKED:
        return ", which its page links to"
    rolls = part.role == Role.ALTERNATIVE.value
    made = ", which earlier editions linked to" if rolls else ", at an address made from an earlier edition's"
    return made if part.origin is Origin.PREDICTED else ""


def _blind(case: Case, sights: Iterable[PartEvidence]) -> list[Fact]:
    spans = {span for span in case.blind for sight in sights if touches(case, sight, span)}
    in_order = sorted(spans, key=lambda span: span.begins)
    pairs = ((span, f"from {exactly(span.begins, case.zone)} to {exactly(span.ends, case.zone)}") for span in in_order)
    return [Fact("blind", f"blind ({span.cause}) {when}", span.begins) for span, when in pairs]
