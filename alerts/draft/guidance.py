"""Questions beside empty boxes, and the steps to tick, by kind of breach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import chain

from alerts.draft.code import load_data
from alerts.draft.report import Paragraphs
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, IncidentKind
from alerts.steps import Step, steps_at
from schedules.contract.verdict import FindingKind
from schedules.times.zone import local

FINDING_FOR_KIND = {
    IncidentKind.LATE: "late",
    IncidentKind.EARLY: "early_exposure",
    IncidentKind.PARTIAL: "partial",
    IncidentKind.CALENDAR: "unannounced",
    IncidentKind.UNPROVEN: "blind",
    IncidentKind.DUE: "blind",
    IncidentKind.TOO_COSTLY: "blind",
    IncidentKind.PLATFORM: "late",
    IncidentKind.LEAD: "leak",
    IncidentKind.ALTERED: "swapped",
    IncidentKind.WRONG_FILE: "wrong_edition",
    IncidentKind.HAND: "leak",
}
ONE_HOUR_OFF = {
    3600: (
        "It came out one hour late in the first week of summer time. Did a scheduled job still use"
        " winter time?"
    ),
    -3600: (
        "It was public one hour early in the first week of winter time. Did a scheduled job still"
        " use summer time?"
    ),
}
"""The question to ask, by how many seconds the clocks went forward."""


def list_finding_kinds(incident: Incident) -> tuple[str, ...]:
    """Return the kinds of finding on which an incident needs advice, the most urgent first.

    If it has no such finding, return the finding that is usual for its kind of incident.
    """
    # A person logged this incident and chose its sort, which is named like a kind of finding.
    if incident.kind is IncidentKind.HAND:
        return (incident.words.get("sort", "leak"),)
    findings = incident.facts.findings if incident.facts else ()
    early_parts = {
        finding.part for finding in findings if finding.kind == FindingKind.EARLY_EXPOSURE
    }
    found = set()
    for finding in findings:
        # `elsewhere_first`: another address had a part first. Its advice is on lateness, wrong for
        # an early part.
        if not (finding.kind == FindingKind.ELSEWHERE_FIRST and finding.part in early_parts):
            found.add(finding.kind)
    # A finding `blind`, a gap in monitoring, has the advice to look for other evidence. Other
    # findings are evidence.
    found.discard("blind")
    kinds_by_urgency = load_data("guidance")["advice"]
    kinds = tuple(kind for kind in kinds_by_urgency if kind in found)
    return kinds or (FINDING_FOR_KIND[incident.kind],)


def list_advice(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the sorts of advice for kinds of finding, most urgent first, each once."""
    advice: Mapping[str, str] = load_data("guidance")["advice"]
    needed = {advice.get(kind) for kind in kinds}
    return tuple(dict.fromkeys(sort for sort in advice.values() if sort in needed))


def list_questions(fact: str, kinds: Sequence[str]) -> Paragraphs:
    """Return the questions that help a person to answer this fact."""
    by_sort = load_data("guidance")["questions"].get(fact, {})
    sorts = ("any", *list_advice(kinds))
    return tuple(chain.from_iterable(by_sort.get(sort, ()) for sort in sorts))


def suggest_answer(facts: Sequence[str]) -> str:
    """Return the answer that a person can give to a question about these facts with one tick, or an
    empty text.
    """
    by_fact: Mapping[str, str] = load_data("guidance")["quick"]
    return next((by_fact[fact] for fact in facts if len(facts) == 1 and fact in by_fact), "")


def describe_missing(fact: str) -> str:
    """Return what is missing for a fact, and which person can add it."""
    return str(
        load_data("guidance")["missing"].get(
            fact, "to be answered by the person dealing with the report"
        )
    )


def ask_about_clock_change(fact: str, facts: ReleaseFacts | None) -> Paragraphs:
    """Return a question beside the box for the cause if a release was an hour off in the week after
    the clocks changed.

    A job that is scheduled in UTC runs an hour late from the first day of summer time, and an hour
    early from the first day of winter time. Empty for other boxes (`fact`) and other releases.
    """
    if fact != "human.reasons" or facts is None or facts.slot is None:
        return ()
    week_before = facts.slot - timedelta(days=7)
    offset, earlier_offset = (
        local(at, facts.timezone).utcoffset() for at in (facts.slot, week_before)
    )
    # By how many seconds the clocks went forward in that week, negative if they went back.
    shift = round(((offset or timedelta()) - (earlier_offset or timedelta())).total_seconds())
    if shift not in ONE_HOUR_OFF:
        return ()
    # A part that came an hour late has that time in `released`, one an hour early in `first_seen`
    # or in an exposure.
    is_late_expected = shift > 0
    intervals = [
        part.released if is_late_expected else part.first_seen
        for part in facts.parts
        if part.required
    ]
    intervals += [exposure.start for exposure in facts.exposures]
    expected = facts.slot + timedelta(seconds=shift)
    dated = [(seen.after, seen.by) for seen in intervals if seen.after and seen.by]
    # The part may have come at the expected instant, or within the two minutes that publishing may
    # take.
    is_an_hour_off = any(
        after <= expected + timedelta(minutes=2) and by >= expected for after, by in dated
    )
    return (ONE_HOUR_OFF[shift],) if is_an_hour_off else ()


def list_steps(kinds: Sequence[str]) -> tuple[Step, ...]:
    """Return the steps that a report lists for kinds of finding, the most urgent kind first and
    each step once.
    """
    step_of_id: dict[str, Step] = {}
    # For the advice `late` there are two lists of steps, `late` and `out`. Any other advice has one
    # list of its name.
    lists_of_advice = load_data("guidance")["stages"]
    for advice in list_advice(kinds):
        for list_name in lists_of_advice.get(advice, [advice]):
            for step in steps_at(list_name):
                # A step without an id is only information, which cannot be ticked in a report.
                if step.id:
                    step_of_id.setdefault(step.id, step)
    return tuple(step_of_id.values())
