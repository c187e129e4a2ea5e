"""One verdict with all that people and programs get of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts import fact_rules
from alerts.draft.code import Editions, code_json
from alerts.finding import ReleaseFacts
from alerts.incident import BREACHES, Incident, IncidentKind, find_incident_kind
from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.as_json import Body, release_json
from monitor.judge.verdict import Verdict
from schedules.announcement import Origin
from schedules.contract.verdict import FindingKind
from schedules.times.json import Json, instant_json


@dataclass(frozen=True, slots=True)
class VisibleState:
    """Everything of a verdict that people see, except durations that still grow, and its links.

    `status` and `facts` are keys to compare. `incident_kind` is that of the incident which the
    verdict makes, None without one.
    """

    status: str
    facts: object
    incident_kind: IncidentKind | None
    platform: Sequence[str]
    linked: Sequence[str]

    @property
    def is_breach(self) -> bool:
        """Return whether the verdict makes an incident that is a breach."""
        return self.incident_kind in BREACHES


@dataclass(frozen=True, slots=True)
class Assessment:
    """A verdict, and what is made of it once for the record, the JSON, notices and drafts.

    `body` is the JSON of the release without an incident. `visible` decides whether the verdict is
    recorded.
    """

    verdict: Verdict
    facts: ReleaseFacts
    body: Json
    visible: VisibleState


def assess(verdict: Verdict, measured: Measurement, editions: Editions | None = None) -> Assessment:
    """Return the assessment of a verdict that was measured so.

    `editions` are the configured editions of the Code of Practice for Statistics. None: those of
    the program.
    """
    facts = release_facts(verdict, measured)
    body = body_of(verdict, None, editions)
    visible = VisibleState(
        status=status_key(body),
        facts=(fact_rules.select_drafted_facts(facts), fact_rules.say_shown_since(facts)),
        incident_kind=find_incident_kind(facts, verdict.at),
        platform=[found.detail for found in verdict.findings if found.kind is FindingKind.PLATFORM],
        linked=[part.url for part in verdict.parts if part.origin is Origin.LINKED],
    )
    return Assessment(verdict, facts, body, visible)


def body_of(verdict: Verdict, incident: Incident | None, editions: Editions | None = None) -> Json:
    """Return the JSON of a release, with the edition and practice of the Code that its findings
    concern.
    """
    body = release_json(verdict)
    if incident is not None:
        return with_incident(body, incident, editions)
    slot = verdict.slot_begins
    if slot is None:
        return body
    return _with_code(body, slot, editions)


def with_incident(body: Json, incident: Incident, editions: Editions | None) -> Json:
    """Return the JSON of a release with its incident, and with the Code as of its occurrence."""
    body = _with_code(body, incident.occurred, editions) | {"incident": incident.id}
    return with_brought_forward(body, incident.words)


def _with_code(body: Json, occurred: datetime, editions: Editions | None) -> Json:
    kinds = [finding["kind"] for finding in body["findings"]]
    return body | {"code": code_json(occurred, kinds, editions, body["producer"])}


def with_brought_forward(body: Json, words: Mapping[str, str] | None) -> Json:
    """Return the JSON of a release, with the decision to bring it forward if a person recorded
    one.
    """
    to = words.get("brought_forward") if words else None
    if not words or not to:
        return body
    by = words.get("brought_forward_by")
    return body | {"brought_forward": {"to": instant_json(datetime.fromisoformat(to)), "by": by}}


def status_key(body: Body) -> str:
    """Return a key that changes with the status: verdict, grade, whether it is final, findings,
    open exposures, slot.

    The length of a finding does not count, but whether it still grows does: then its maximum is
    unknown.
    """
    findings = sorted(
        (
            found["kind"],
            found["part"] or "",
            found["seconds"] is not None and found["seconds"]["max"] is None,
        )
        for found in body["findings"]
    )
    open_parts = sorted(exposure["part"] for exposure in body["exposures"] if exposure["open"])
    start = body["slot"]["start"] if body["slot"] else None
    return json.dumps([body["verdict"], body["grade"], body["final"], findings, open_parts, start])
