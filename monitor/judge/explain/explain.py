"""Explains a verdict: the facts behind it in plain sentences, and the evidence that would change
it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time
from itertools import chain
from typing import Any

from monitor.judge.case import Case, Window, case_of
from monitor.judge.findings.blind import hides_part
from monitor.judge.judge import ReleaseCase
from monitor.judge.part_evidence import PartEvidence, gather_evidence
from monitor.judge.policy import Policy
from monitor.judge.reasons import DOUBTS, slot_words
from monitor.judge.runs import Run, merge_by_state, widest_gap
from monitor.judge.verdict import Verdict
from monitor.look.fetch import describe_why
from monitor.look.sighting import State
from monitor.plan.targets import parse_target_id
from schedules.announcement import ORIGIN_KNOWN, address_known
from schedules.contract.verdict import PartVerdict, VerdictKind
from schedules.history import release_history
from schedules.ledger_event import EventKind, LedgerEvent
from schedules.promise import Promise
from schedules.release import Release
from schedules.times.json import fields_json, instant_json
from schedules.times.words import between_exactly, count, exactly, length, lengths
from schedules.times.zone import local

_USUAL_TIME = time(9, 30)
FACT_HEADINGS = {
    "promise": "Promised",
    "policy": "Compared with",
    "run": "Looks",
    "blind": "Blind",
    "evidence": "Deleted evidence",
}
# Of more runs, only the first and the last ones are described.
_MOST_RUNS = 12
_HINT_TEXTS = {EventKind.UNLIKELY_DAY: "an unlikely day", EventKind.ZONE_DOUBT: "a doubtful hour"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of an explanation.

    `at` is when it was seen or read; `evidence` are the ids of its records.
    """

    kind: str
    text: str
    at: datetime | None = None
    part: str | None = None
    target: str | None = None
    calendar: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons for a verdict, as of `at`. `records` are the `evidence` of all facts."""

    release: str
    verdict: str
    at: datetime
    facts: tuple[Fact, ...]
    would_change: tuple[str, ...]
    records: tuple[str, ...]


def explain(verdict: Verdict, judged: ReleaseCase, policy: Policy) -> Explanation:
    """Return every fact behind a verdict, given the facts and the policy of its judgement."""
    release, promises, blind = judged.release, judged.promises, judged.blind
    case = replace(case_of(release, promises, blind, policy, verdict.at), lags=verdict.lags)
    evidences = [gather_evidence(case, part, judged.runs, blind) for part in release.parts]
    finality = "final" if verdict.final else "not final"
    because = ""
    if verdict.unproven_because:
        because = f": {verdict.unproven_because}"
    at = exactly(verdict.at, case.zone)
    text = f"{verdict.verdict.value} ({finality}, grade {verdict.grade.value}) as of {at}{because}"
    facts = [Fact("verdict", text, verdict.at), *_promise_facts(case), *_hint_facts(case, promises)]
    facts += [*_join_facts(release), _policy_fact(case)]
    for part, evidence in zip(verdict.parts, evidences, strict=True):
        facts += [_part_fact(case, part), *_look_facts(case, evidence)]
    facts += [
        Fact("finding", f"{found.kind}: {found.detail}", part=found.part)
        for found in verdict.findings
    ]
    for span in sorted(set(case.blind), key=lambda span: span.begins):
        if any(hides_part(case, evidence, span) for evidence in evidences):
            begins, ends = exactly(span.begins, case.zone), exactly(span.ends, case.zone)
            facts.append(
                Fact("blind", f"blind ({span.cause}) from {begins} to {ends}", span.begins)
            )
    records = dict.fromkeys(chain.from_iterable(fact.evidence for fact in facts))
    outlook = _list_what_would_change(case, verdict)
    return Explanation(
        release.id, verdict.verdict.value, verdict.at, tuple(facts), outlook, tuple(records)
    )


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON."""
    return {
        **fields_json(explanation, "release", "verdict", "at"),
        "facts": [asdict(fact) | {"at": instant_json(fact.at)} for fact in explanation.facts],
        **fields_json(explanation, "would_change", "records"),
    }


def group_by_heading(
    explanation: Explanation, kinds: Collection[str]
) -> list[tuple[str, list[str]]]:
    """Return the texts of the facts of these kinds, grouped under their headings.

    Empty headings are left out.
    """
    heads = {kind: head for kind, head in FACT_HEADINGS.items() if kind in kinds}
    groups = (
        (head, [fact.text for fact in explanation.facts if fact.kind == kind])
        for kind, head in heads.items()
    )
    return [(head, texts) for head, texts in groups if texts]


def title_facts(titles: Sequence[LedgerEvent], now: datetime, zone: str) -> Iterator[Fact]:
    """Yield a fact for each change of a release's title up to `now`, from the events of its
    ledger.
    """
    texts = {EventKind.RETITLED: "retitled", EventKind.PERIOD_CHANGED: "retitled to another period"}
    for event in (event for event in titles if event.at <= now):
        text = f"{texts[event.what]}, read {exactly(event.at, zone)}: {event.detail}"
        yield Fact("promise", text, event.at, calendar=event.calendar)


def _promise_facts(case: Case) -> Iterator[Fact]:
    in_force = case.in_force
    if in_force.promise is None:
        yield Fact("promise", "no calendar announced a time for it")
        return
    label = "the slot in force"
    if in_force.cancelled:
        label = "the entry that cancelled it"
    yield _promise_fact(label, in_force.promise, case)
    others = [
        ("first announced", in_force.first_announced),
        ("before it was moved", in_force.moved_from),
        ("given only after the slot had passed, and judged apart", in_force.changed_after_slot),
        *(("another calendar differed", promise) for promise in in_force.disagreements),
    ]
    for label, promise in others:
        if promise is not None and promise != in_force.promise:
            yield _promise_fact(label, promise, case)
    if in_force.is_first_read_after_slot:
        yield Fact(
            "promise",
            "the slot had passed when it was first read, so its punctuality cannot be proved",
        )


def _hint_facts(case: Case, promises: Sequence[Promise]) -> Iterator[Fact]:
    """Yield remarks on the slot in force: unlikely day or hour, last read, unusual time,
    pre-release access.
    """
    promise = case.in_force.promise
    if promise is None:
        return
    for event in release_history(case.release, promises, case.now, case.policy.workdays):
        hint = _HINT_TEXTS.get(event.what)
        if hint and event.after is not None and event.after.is_same_time(promise.slot):
            yield Fact("promise", f"{hint}: {event.detail}", event.at, calendar=event.calendar)
    begins = promise.slot.begins()
    last_read = case.in_force.announced_as_of
    if begins is not None and last_read is not None and last_read < begins <= case.now:
        text = (
            f"calendar {promise.calendar} last read {length((begins - last_read).total_seconds())}"
            " before the slot"
        )
        yield Fact("promise", text, last_read, calendar=promise.calendar)
    if promise.slot.instant is not None:
        yield from _unusual_time_fact(case, promise.slot.instant, promise.slot.timezone)
        access_from = case.policy.workdays.access_begins(
            promise.slot.instant, promise.slot.timezone
        )
        text = (
            "pre-release access, where the law allows any, begins"
            f" {exactly(access_from, case.zone)} at the earliest"
        )
        yield Fact("promise", text)


def _unusual_time_fact(case: Case, slot: datetime, zone: str) -> list[Fact]:
    """Return a fact that asks for the approval of a slot at another time than 09:30.

    It changes no verdict.
    """
    local_slot = local(slot, zone)
    if local_slot.time() == _USUAL_TIME:
        return []
    granted = next(
        (usual.reference for usual in case.policy.on_file if usual.fits(case.release, slot, zone)),
        None,
    )
    asked = "is an alternative release time (before 5 May 2022 an exemption) on file?"
    approval = asked
    if granted is not None:
        approval = f"on file, {granted}"
    return [Fact("promise", f"announced for {local_slot:%H:%M}, not 09:30: {approval}")]


def _join_facts(release: Release) -> Iterator[Fact]:
    if release.joined_by:
        names = ", ".join(release.calendars)
        yield Fact(
            "promise", f"its calendars {names} were taken for one release: {release.joined_by}"
        )
    if release.joined_into is not None:
        text = (
            f"its entries were found to belong to {release.joined_into}, which is judged in its"
            " place"
        )
        yield Fact("promise", text)


def _promise_fact(label: str, promise: Promise, case: Case) -> Fact:
    """Return the fact of one promise: its slot, which reads of its calendar showed it, and why it
    is in doubt.
    """
    text = f"{label}: {slot_words(promise.slot)}"
    if promise.state:
        text += f", {promise.state.value}"
    text += f", from {promise.calendar}, read {exactly(promise.learnt, case.zone)}"
    if promise.unlearnt:
        text += f", not there yet {exactly(promise.unlearnt, case.zone)}"
    if promise.confirmed_at and promise.confirmed_at < case.now:
        text += f", last seen there {exactly(promise.confirmed_at, case.zone)}"
    elif promise.confirmed_at:
        text += f", still there as of {exactly(case.now, case.zone)}"
    if doubt := promise.doubt or promise.slot.doubt:
        text += f"; in doubt ({DOUBTS.get(doubt, doubt)}), so judged as its day"
    return Fact("promise", text, promise.learnt, calendar=promise.calendar)


def _policy_fact(case: Case) -> Fact:
    policy, window = case.policy, case.window
    if window is None:
        return Fact(
            "policy", "no readable time is in force, so the looks cannot be compared with a slot"
        )
    if not window.exact:
        span = f"{exactly(window.slot_begins, case.zone)} to {exactly(window.slot_ends, case.zone)}"
        return Fact("policy", f"no minute was announced: judged as the span {span}")
    lags = case.lags.longer_lags_text()
    text = (
        f"on time: published by {length(policy.on_time_within.total_seconds())} after the slot;"
        f" early: public more than {length(policy.uncertainty.total_seconds())} before it; needs a"
        f" report: more than {length(policy.note_within.total_seconds())}"
        f" late{f'; {lags}' if lags else ''}"
    )
    return Fact("policy", text)


def _part_fact(case: Case, part: PartVerdict) -> Fact:
    how = f"{part.role}, {ORIGIN_KNOWN[part.origin]}, cannot make the release late"
    name = part.id if part.can_be_late else f"{part.id} ({how})"
    known = ""
    if part.id == "page":
        known = address_known(case.release.address, is_seen=bool(part.first_seen))
    text = f"{name}, {part.url}{f' ({known})' if known else ''}: {part.verdict.value}"
    if part.first_seen:
        text += f", first seen {between_exactly(part.first_seen, case.zone)}"
    if part.delay is not None:
        text += f", {lengths(part.delay)} after the slot (below zero: before it)"
    if part.verdict is VerdictKind.ON_TIME and part.early_bound is not None:
        text += f", proved absent until {length(part.early_bound)} before the slot"
    if part.unproven_because:
        text += f": {part.unproven_because}"
    return Fact("part", text, part.first_seen.by, part=part.id)


def _look_facts(case: Case, evidence: PartEvidence) -> list[Fact]:
    facts: list[Fact] = []
    for runs in filter(None, evidence.views.values()):
        facts += [
            _summarize_view(case, evidence, runs),
            *_describe_runs(case, evidence, merge_by_state(runs)),
        ]
    return facts or [Fact("look", f"{evidence.part.id}: never looked at", part=evidence.part.id)]


def _summarize_view(case: Case, evidence: PartEvidence, runs: Sequence[Run]) -> Fact:
    """Return a fact about the looks at one view: how many, from when to when, how many failed, and
    the widest gap.
    """
    looks = sum(run.looks + run.failed for run in runs)
    # All looks of an unknown run failed. Between the looks of another run some may have failed.
    failed = sum(run.looks if run.state is State.UNKNOWN else run.failed for run in runs)
    failures = "none failed"
    if failed:
        failures = f"{failed} failed and proved nothing"
    begins = exactly(runs[0].first_sent, case.zone)
    ends = exactly(max(run.last_received for run in runs), case.zone)
    slot = None
    if case.window is not None:
        slot = case.window.promised_at
    widest = None if slot is None else widest_gap(runs, slot)
    gap = ""
    if widest is not None:
        gap = f", widest gap until it was seen {length(widest.total_seconds())}"
    text = f"{_view_name(runs[0])}: {looks} looks from {begins} to {ends}, {failures}{gap}"
    return Fact("look", text, runs[0].first_sent, evidence.part.id, runs[0].target)


def _describe_runs(case: Case, evidence: PartEvidence, runs: Sequence[Run]) -> list[Fact]:
    """Return a fact for each run, without the middle ones if there are many."""
    is_monitor_named = len({run.monitor for run in runs}) > 1
    facts = []
    for run in runs:
        monitor = ""
        if is_monitor_named and run.monitor:
            monitor = f", seen by {run.monitor}"
        text = f"{_view_name(run)}: {_describe_run(case, run)}{monitor}"
        facts.append(
            Fact("run", text, run.first_sent, evidence.part.id, run.target, None, run.evidence)
        )
    if len(facts) <= _MOST_RUNS:
        return facts
    half = _MOST_RUNS // 2
    left_out = f"{_view_name(runs[0])}: {len(runs) - _MOST_RUNS} runs in between are left out"
    return [*facts[:half], Fact("run", left_out, part=evidence.part.id), *facts[-half:]]


def _describe_run(case: Case, run: Run) -> str:
    looks = count(run.looks, "look")
    gap = ""
    if run.looks > 1:
        gap = f", widest gap {length(run.largest_gap.total_seconds())}"
    if run.state is State.UNKNOWN:
        # Such looks prove nothing, so only the times of request and answer are known.
        begins, ends = exactly(run.first_sent, case.zone), exactly(run.last_received, case.zone)
        why = describe_why(run.why) or "no reason given"
        return f"unknown ({why}) from {begins} to {ends}, {looks}{gap}"
    status = ""
    if run.status is not None:
        status = f" (HTTP {run.status})"
    failed = ""
    if run.failed:
        failed = f", {run.failed} more that failed in between"
    edition = ", by content that only this edition has" if run.specific else ""
    return f"{run.state.value}{status} {_proved_instants(case, run)}, {looks}{failed}{gap}{edition}"


def _proved_instants(case: Case, run: Run) -> str:
    """Return in words when a run proves its state: between two instants, or as of one if it is a
    single look.
    """
    if run.looks > 1:
        return f"by {exactly(run.begin, case.zone)} and still as of {exactly(run.end, case.zone)}"
    # The answer to a single look was made at an unknown instant, in a cache perhaps long before the
    # look. That instant is between `end` and `begin`: in a run of one look, unlike in a longer one,
    # `end` comes first.
    earliest, latest = run.end, run.begin
    # Content surely came by the latest instant. Absence is sure only at the earliest: content may
    # have come since.
    proved_at = earliest
    if run.state is State.PRESENT:
        proved_at = latest
    age = (run.first_sent - earliest).total_seconds()
    cached = ""
    if age >= 1:
        cached = f" (from a cache, up to {length(age)} old)"
    return f"as of {exactly(proved_at, case.zone)}{cached}"


def _view_name(run: Run) -> str:
    _, part, view = parse_target_id(run.target)
    return f"{part}, {view} view"


def _list_what_would_change(case: Case, verdict: Verdict) -> tuple[str, ...]:
    """Return sentences that name the evidence that would change a verdict, or say that it is
    final.
    """
    window = case.window
    if window is None:
        return ("a calendar that announces a readable time before that time has passed",)
    lines = []
    for part in verdict.parts:
        if part.can_be_late:
            lines += _list_changes_of_part(case, window, part)
    exposed = [exposure.part for exposure in verdict.exposures if exposure.open]
    lines += [
        f"{part}: the exposure ends when a look shows that it is absent, or at the slot"
        for part in exposed
    ]
    if case.now < window.slot_begins:
        lines.append(
            "moved or cancelled if a calendar says so before"
            f" {exactly(window.slot_begins, case.zone)}"
        )
    if verdict.final:
        lines.append("final: only a withdrawal or a changed file can still add a finding")
    elif verdict.revisit is not None:
        lines.append(
            f"judged again at {exactly(verdict.revisit, case.zone)} even without a new look"
        )
    return tuple(dict.fromkeys(lines))


def _list_changes_of_part(case: Case, window: Window, part: PartVerdict) -> list[str]:
    latest = exactly(window.on_time_until, case.zone)
    if part.verdict in (VerdictKind.PENDING, VerdictKind.MOVED):
        uncertainty = case.policy.uncertainty.total_seconds()
        slot = exactly(window.slot_begins, case.zone)
        return [
            f"{part.id}: early if a look shows it more than {uncertainty:g} s before {slot}",
            (
                f"{part.id}: on time if proved to have come by {latest}, late if proved absent"
                " after that"
            ),
        ]
    if part.verdict is VerdictKind.OVERDUE:
        closes = exactly(window.closes, case.zone)
        return [
            f"{part.id}: late as soon as a look shows it; not published if none does by {closes}"
        ]
    if part.verdict is VerdictKind.UNPROVEN and part.released.by is None:
        return [f"{part.id}: overdue if a look proves it absent after {latest}"]
    if part.verdict is VerdictKind.UNPROVEN:
        return [
            (
                f"{part.id}: no further look. Other records of that time, such as server logs,"
                " may show when it came"
            )
        ]
    return []
