"""Incidents, events and calendar reads as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.by_hand import has_time_of_day, logged_end
from alerts.draft.edits import list_open_fields
from alerts.draft.logged import write_badge
from alerts.draft.report import report_from_json
from alerts.incident import Action, Incident, IncidentKind, steps_for_incident
from alerts.one_line import whole_lengths
from alerts.status import find_main_late_part
from alerts.steps import numbered_steps
from monitor.store.rows import CalendarRead, Draft, Event
from schedules.contract.verdict import LEAD
from schedules.times.interval import Bounds
from schedules.times.json import Json, bounds_json, fields_json, instant_json
from schedules.times.words import lengths
from schedules.times.zone import LONDON


def incident_json(incident: Incident, drafts: Sequence[Draft] = ()) -> Json:
    """Return an incident as the command line and the API show it."""
    facts, acknowledged = incident.measured, incident.acknowledged
    findings = facts.findings if facts else ()
    return {
        **fields_json(
            incident,
            "id",
            "kind",
            "release",
            "producer",
            "producers",
            "title",
            "opened",
            "occurred",
        ),
        "has_time": has_time_of_day(incident),
        "ended": instant_json(logged_end(incident)),
        "closed": instant_json(incident.closed),
        "urls": incident.words.get("url", "").splitlines(),
        "grade": incident.grade,
        "releases": [
            fields_json(one, "incident", "release", "producers", "stands")
            for one in incident.linked
        ],
        "report_owed": incident.owes_report,
        "acknowledged": fields_json(acknowledged, "at", "by") if acknowledged is not None else None,
        "assigned": incident.words.get("assigned"),
        # LEAD: a hint, which is not a verdict
        "verdict": facts.verdict if facts and facts.verdict != LEAD else None,
        "delay": bounds_json(delay_of(incident)),
        "as_of": instant_json(facts.at) if facts else None,
        "findings": [fields_json(found, "kind", "part", "detail") for found in findings],
        "timeline": [fields_json(one, "at", "by", "text") for one in incident.timeline_by_time],
        "actions": [action_json(action) for action in incident.actions],
        "attachments": [
            fields_json(one, "name", "at", "by") | {"sha256": one.digest}
            for one in incident.attachments
        ],
        "drafts": [draft_json(draft) for draft in drafts],
    }


def to_do_json(incident: Incident, drafts: Sequence[Draft]) -> Json:
    """Return what people typed about an incident, its steps to do now, and the boxes to
    complete.
    """
    boxes = []
    if drafts:
        report = report_from_json(drafts[-1].facts)
        boxes = [{"id": name, "label": report.label_of(name)} for name in list_open_fields(report)]
    return {
        "words": incident.words,
        "to_do": list_steps_to_do(incident, drafts),
        "to_complete": boxes,
    }


def list_steps_to_do(incident: Incident, drafts: Sequence[Draft]) -> list[str]:
    """Return a heading and the numbered steps of an incident that are not done by its last draft.

    A closed incident needs none, only its report.
    """
    if incident.closed is not None:
        return []
    done = set()
    if drafts:
        report = report_from_json(drafts[-1].facts)
        done = {step.id for step in report.steps if step.done}
    steps = [step for step in steps_for_incident(incident) if step.id not in done]
    return list(numbered_steps(steps)) if steps else []


def action_json(action: Action) -> Json:
    """Return an action of an incident."""
    return fields_json(action, "text", "owner", "due", "done", "done_by") | {
        "due": action.due.isoformat()
    }


def delay_of(incident: Incident) -> Bounds | None:
    """Return how late the release is by the incident's facts, or None.

    The page counts before other parts.
    """
    if incident.measured is None:
        return None
    late = find_main_late_part(incident.measured)
    return None if late is None else late[1]


def measured_text(incident: Incident, timezone: str = LONDON) -> str:
    """Return how long an early release was public, or how late a release is, in words.

    Empty if it is not proved. Of an incident that a person logged, return its sort and its own
    length.
    """
    if incident.kind is IncidentKind.HAND:
        return write_badge(incident, timezone)
    exposures = () if incident.facts is None else incident.facts.exposures
    if incident.kind is IncidentKind.EARLY and exposures:
        longest = max(exposures, key=lambda one: one.seconds.max or one.seconds.min or 0)
        return f"public for {whole_lengths(longest.seconds)}{' so far' if longest.open else ''}"
    delay = delay_of(incident)
    if delay is None or incident.kind is IncidentKind.UNPROVEN:
        return ""
    return lengths(delay, parts=2, tenths=False, unknown="")


def event_json(event: Event) -> Json:
    """Return a change of verdict: the verdict before and after, and the JSON of the release at that
    time.
    """
    return fields_json(event, "id", "release", "at", "before", "after", "body") | {
        "before": event.before or None
    }


def draft_json(draft: Draft) -> Json:
    """Return one version of a draft without its text."""
    return fields_json(draft, "version", "at", "by", "form", "edition", "signed", "digest")


def calendar_read_json(read: CalendarRead) -> Json:
    """Return one read of a calendar."""
    columns = fields_json(read, "calendar", "started", "finished", "usable", "entries", "digest")
    return columns | {"fault": read.fault or None}
