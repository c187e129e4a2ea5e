"""Questions beside empty boxes, and the steps to tick, by kind of breach."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from alerts.draft.code import DATA_FOLDER
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, Kind
from alerts.steps import Step, steps_at
from schedules.times.interval import Interval
from schedules.times.zone import zone

# The sort of advice for each kind of finding, the most urgent first.
ADVICE_FOR_FINDING: Mapping[str, str] = {
    "early_exposure": "early",
    "leak": "leak",
    "access": "access",
    "late": "late",
    "platform": "late",
    "stale_edge": "late",
    "elsewhere_first": "late",
    "partial": "partial",
    "swapped": "vintage",
    "unannounced": "unannounced",
    "short_notice": "unannounced",
    "calendars_disagree": "unannounced",
    "promise_in_doubt": "unannounced",
    "brought_forward": "unannounced",
    "blind": "blind",
}
STAGES_FOR_ADVICE: Mapping[str, tuple[str, ...]] = {
    "late": ("late", "out"),
    "early": ("early", "removed"),
    "vintage": ("altered",),
    "unannounced": ("calendar",),
    "blind": ("unproven",),
}
"""Stages whose steps a report lists, by sort of advice. Earlier stages stay listed, so ticked steps remain."""
FINDING_FOR_KIND: Mapping[Kind, str] = {
    Kind.LATE: "late",
    Kind.EARLY: "early_exposure",
    Kind.PARTIAL: "partial",
    Kind.CALENDAR: "unannounced",
    Kind.UNPROVEN: "blind",
    Kind.DUE: "blind",
    Kind.TOO_COSTLY: "blind",
    Kind.PLATFORM: "late",
    Kind.LEAD: "leak",
    Kind.ALTERED: "swapped",
    Kind.HAND: "leak",
}
ONE_HOUR_OFF: Mapping[int, str] = {
    3600: "It came out one hour late in the first week of summer time. Did a scheduled job still use winter time?",
    -3600: "It was public one hour early in the first week of winter time. Did a scheduled job still use summer time?",
}
"""The question to ask, by how many seconds the clocks went forward."""
PUBLISHING_TIME = timedelta(minutes=2)


def list_finding_kinds(incident: Incident) -> tuple[str, ...]:
    """Return the kinds of finding of an incident: those of its facts, or the one that corresponds to its kind.

    For an incident that a person logged it is the sort that they chose: leak, access, late, early_exposure …
    """
    # An incident that a person logged uses the facts of a watched release only for its dates.
    if incident.kind is Kind.HAND:
        return (incident.words.get("sort", "leak"),)
    findings = incident.facts.findings if incident.facts else ()
    exposed = {finding.part for finding in findings if finding.kind == "early_exposure"}
    # An address that was public before the slot is a case of early exposure, and not of a late page as well.
    found = dict.fromkeys(each.kind for each in findings if each.kind != "elsewhere_first" or each.part not in exposed)
    # A gap of the monitor next to a breach must not turn the advice to "look for other evidence".
    breaches = tuple(kind for kind in ADVICE_FOR_FINDING if kind in found and kind != "blind")
    return breaches or (FINDING_FOR_KIND[incident.kind],)


def list_advice(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the sorts of advice for kinds of finding, most urgent first, each once."""
    wanted = {ADVICE_FOR_FINDING.get(kind, "") for kind in kinds}
    return tuple(dict.fromkeys(sort for sort in ADVICE_FOR_FINDING.values() if sort in wanted))


def list_questions(fact: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the questions that help a person to answer this fact."""
    offered = _load_guidance()["questions"].get(fact, {})
    return tuple(text for sort in ("any", *list_advice(kinds)) for text in offered.get(sort, ()))


def ask_about_clock_change(fact: str, facts: ReleaseFacts | None) -> tuple[str, ...]:
    """Return a question about the cause if a release was an hour early or late in the week after the clocks changed.

    A job that is scheduled in UTC runs an hour late from the first day of summer time, and an hour early from the
    first day of winter time.
    """
    if fact != "human.reasons" or facts is None or facts.slot is None:
        return ()
    shift = _measure_clock_shift(facts.slot, facts.timezone)
    question = ONE_HOUR_OFF.get(shift)
    if question is None:
        return ()
    moments = [part.released if shift > 0 else part.first_seen for part in facts.parts if part.required]
    moments += [each.start for each in facts.exposures]
    expected = facts.slot + timedelta(seconds=shift)
    return (question,) if any(_could_be_at(moment, expected) for moment in moments) else ()


def _measure_clock_shift(slot: datetime, timezone: str) -> int:
    """Return by how many seconds the clocks went forward in the week before a slot, negative if they went back."""
    here = zone(timezone)
    now, before = (at.astimezone(here).utcoffset() for at in (slot, slot - timedelta(days=7)))
    return round(((now or timedelta()) - (before or timedelta())).total_seconds())


def _could_be_at(moment: Interval, expected: datetime) -> bool:
    """Return whether something may have happened at an instant or within two minutes, which publishing takes."""
    after, by = moment.after, moment.by
    return after is not None and by is not None and after <= expected + PUBLISHING_TIME and by >= expected


def list_steps(kinds: Sequence[str]) -> tuple[Step, ...]:
    """Return the steps that a report lists, most urgent kind first; a step that two kinds share is listed once."""
    chosen: dict[str, Step] = {}
    for sort in list_advice(kinds):
        for step in (one for stage in STAGES_FOR_ADVICE.get(sort, (sort,)) for one in steps_at(stage) if one.id):
            chosen.setdefault(step.id, step)
    return tuple(chosen.values())


@cache
def _load_guidance() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((DATA_FOLDER / "guidance.json").read_text(encoding="utf-8"))
    return table
