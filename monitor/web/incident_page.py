"""The list of incidents, and the page of one with its report: to read, or to complete for people who may act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.actions import describe_action, is_overdue, list_actions
from alerts.draft.edits import STEP_PREFIX, list_open_fields
from alerts.draft.report import Report, report_from_json
from alerts.draft.take_back import Conflict
from alerts.incident import Incident, Kind, steps_for_incident
from alerts.notice_text import list_finding_details, status_sentence
from alerts.platform import describe_platform
from monitor.deliver.by_hand import signing_obstacles
from monitor.deliver.drafts import ENDINGS, versions_from_rows
from monitor.deliver.incident_json import incident_json
from monitor.web.fragments import incident_for_list
from monitor.web.pages import list_silences, render
from monitor.web.request import queries_of


@dataclass(frozen=True, slots=True)
class SaveOutcome:
    """The result of saving the form. `faults` are by box id, `conflicts` are the boxes in which two people wrote.

    If there are faults, the form was not saved, and `typed` has every field as it was sent.
    """

    code: int = 200
    faults: Mapping[str, str] = field(default_factory=dict)
    conflicts: Sequence[Conflict] = ()
    typed: Mapping[str, str] = field(default_factory=dict)


async def show_incidents(request: Request) -> Response:
    """List incidents: first open ones, then those with a report owed or an overdue action, then the newest others."""
    queries = queries_of(request)
    found = {one.id: one for one in (*await queries.list_needing_action(), *await queries.list_incidents())}
    ordered = sorted(found.values(), key=lambda one: (one.closed is not None, not one.is_open))
    return render(request, "incidents.html", incidents=[incident_for_list(one, queries.today()) for one in ordered])


async def show_incident(request: Request, fault: str = "", outcome: SaveOutcome | None = None) -> Response:
    """Show an incident: what to do now, the newest draft, its versions and the timeline.

    For a closed incident, show what happened and what remains instead of what to do. `fault` is why it could not be
    acknowledged. If the form of this page was just sent, `outcome` has the faults, conflicts and unsaved texts to show.
    """
    queries, name = queries_of(request), request.path_params["incident"]
    found, drafts = await queries.find_incident(name), await queries.list_drafts(name)
    report = report_from_json(drafts[-1].facts) if drafts else None
    outcome = outcome or SaveOutcome()
    missing = list_missing(found, report) if report is not None else []
    unanswered = list_open_fields(report) if report is not None else []
    contested = [one.id for one in report.fields() if one.is_contested] if report is not None else []
    unsaved = {key.removeprefix("box."): text for key, text in outcome.typed.items() if key.startswith("box.")}
    # The boxes that need a person are open. A box is contested if its measurement changed after a person replaced it.
    open_boxes = {*unanswered, *contested, *(one.field for one in outcome.conflicts), *(box for box, _ in missing)}
    now, slot = queries.clock.now(), found.facts.slot if found.facts is not None else None
    return render(
        request,
        "incident.html",
        400 if fault else outcome.code,
        fault=fault,
        answered=outcome,
        conflicts={one.field: one for one in outcome.conflicts},
        saved="saved" in request.query_params,
        boxes=(typed_texts(report) if report is not None else {}) | unsaved,
        strays=texts_without_box(drafts[-1].words, report) if report is not None else {},
        incident=incident_json(found, drafts),
        report=report,
        unanswered=len(unanswered),
        happened=_describe_what_happened(found, now),
        acted=[
            (number, describe_action(act, queries.timezone), act.done is not None, is_overdue(act, queries.today()))
            for _incident, number, act in list_actions([found], done=True)
        ],
        cause=found.words.get("cause", ""),
        to_do=steps_for_incident(found) if found.closed is None else [],
        ticked={step.id: step.done for step in report.steps} if report is not None else {},
        missing=missing,
        open_boxes=open_boxes,
        # A form that was sent with a reason, or refused without one, amends a signed report.
        amending="amend" in request.query_params or "reason" in {*outcome.typed, *outcome.faults},
        details=list(list_finding_details(found.kind, found.facts)) if found.facts is not None else (),
        changes={one.number: [one.report.label_of(name) for name in one.changed] for one in versions_from_rows(drafts)},
        silences=[one for one in await list_silences(queries) if one[0].covers(found)],
        related=await queries.list_related(found),
        endings=ENDINGS,
        has_evidence=bool(found.release),
        evidence_is_open=slot is None or slot <= now,
    )


def list_missing(incident: Incident, report: Report) -> list[tuple[str, str]]:
    """Return (box id, reason) for each reason why a report cannot be signed. The id is empty if there is no box."""
    # An obstacle reads `NAME [BOX]: WHY` if a box is missing, else it is a sentence.
    parted = ((line, *line.partition("]: ")[::2]) for line in signing_obstacles(incident, report))
    split = ((line, head.rpartition(" [")[::2], why) for line, head, why in parted)
    return [(box, f"{name}: {why}") if why and name else ("", line) for line, (name, box), why in split]


def typed_texts(report: Report) -> dict[str, str]:
    """Return the typed text of each box and step of a report by name, or an empty text."""
    boxes = {field.id: field.answer.text if field.answer is not None else "" for field in report.fields()}
    return boxes | {f"{STEP_PREFIX}{step.id}": step.done for step in report.steps}


def texts_without_box(words: Mapping[str, str], report: Report) -> dict[str, str]:
    """Return texts typed into an earlier form that this form has no box for, by the earlier box's name."""
    boxes = typed_texts(report)
    shown = set(boxes.values())
    return {name: text for name, text in words.items() if name not in boxes and text.strip() and text not in shown}


def _describe_what_happened(incident: Incident, now: datetime) -> str:
    """Return one or two sentences about what happened: as measured, or as a person logged it."""
    if incident.linked:
        return describe_platform(incident, now)
    if incident.facts is None or incident.kind is Kind.HAND:
        return incident.words.get("what") or (incident.timeline[0].text if incident.timeline else "")
    return status_sentence(incident.kind, incident.facts, now)


ROUTES = [Route("/incidents", show_incidents), Route("/incidents/{incident}", show_incident)]
