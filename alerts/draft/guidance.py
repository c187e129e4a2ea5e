"""Questions beside empty boxes, and what to do now, by kind of breach."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from alerts.draft.code import DATA
from alerts.draft.report import Step
from alerts.incident import Incident, Kind

# Which advice each kind of finding calls for; the order is that of urgency.
ADVICE: Mapping[str, str] = {
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
BY_KIND: Mapping[Kind, str] = {
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


def failures(incident: Incident) -> tuple[str, ...]:
    """Return the kinds of finding of an incident, those of its facts or else the one its kind stands for.

    A hand-logged incident says its own sort (`words["sort"]`: leak, access, late, early_exposure …); the
    release it touches is judged on its own.
    """
    # Facts of a watched release are attached for its dates alone.
    if incident.kind is Kind.HAND:
        return (incident.words.get("sort", "leak"),)
    found = dict.fromkeys(finding.kind for finding in incident.facts.findings) if incident.facts else {}
    # A gap of the monitor next to a breach must not turn the advice to "look for other evidence".
    breaches = tuple(kind for kind in ADVICE if kind in found and kind != "blind")
    return breaches or (BY_KIND[incident.kind],)


def advice(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the sorts of advice for kinds of finding, most urgent first, each once."""
    wanted = {ADVICE.get(kind, "") for kind in kinds}
    return tuple(dict.fromkeys(sort for sort in ADVICE.values() if sort in wanted))


def questions(fact: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the questions to show beside a box that this fact of a person's must fill."""
    offered = _table()["questions"].get(fact, {})
    return tuple(text for sort in ("any", *advice(kinds)) for text in offered.get(sort, ()))


def steps(kinds: Sequence[str]) -> tuple[Step, ...]:
    """Return what to do now, most urgent kind first; a step that two kinds share is listed once."""
    offered = _table()["steps"]
    chosen: dict[str, Step] = {}
    for sort in advice(kinds):
        for name, text, within in offered.get(sort, ()):
            chosen.setdefault(name, Step(name, text, within))
    return tuple(chosen.values())


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((DATA / "guidance.json").read_text(encoding="utf-8"))
    return table
