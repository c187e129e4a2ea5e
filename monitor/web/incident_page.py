"""The pages of incidents: the list, and one with its report, to be read or, by those who act, to be completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.actions import describe_action, is_overdue, list_actions
from alerts.draft.edits import STEP, to_complete
from alerts.draft.report import Report, report_from_json
from alerts.draft.take_back import Conflict
from alerts.incident import Incident, Kind, steps_for_incident
from alerts.notice_text import finding_details, status_sentence
from alerts.platform import describe_platform
from monitor.deliver.by_hand import signing_obstacles
from monitor.deliver.drafts import ENDINGS, versions_from_rows
from monitor.deliver.incident_json import incident_json
from monitor.web.fragments import with_overdue
from monitor.web.pages import render, silences_of
from monitor.web.request import queries_of


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of what somebody sent: `faults` by the id of their box, and boxes in which two people wrote.

    Of what could not be written down, `typed` holds every field as it was sent.
    """

    code: int = 200
    faults: Mapping[str, str] = field(default_factory=dict)
    conflicts: Sequence[Conflict] = ()
    typed: Mapping[str, str] = field(default_factory=dict)


async def incidents(request: Request) -> Response:
    """List incidents, those that want somebody first, however old: what is not over, then what is owed."""
    queries = queries_of(request)
    found = {one.id: one for one in (*await queries.needing(), *await queries.incidents())}
    told = sorted(found.values(), key=lambda one: (one.closed is not None, not one.is_open))
    return render(request, "incidents.html", incidents=[with_overdue(one, queries.today()) for one in told])


async def incident(request: Request) -> Response:
    """Show one incident."""
    return await incident_page(request, request.path_params["incident"])


async def incident_page(request: Request, name: str, fault: str = "", answered: Answered | None = None) -> Response:
    """Show what to do now, the newest draft, its versions and the timeline; `fault` is why it was not acknowledged.

    Of a closed one, what happened and what remains stand in the place of what to do.
    """
    queries = queries_of(request)
    found, drafts = await queries.incident(name), await queries.drafts(name)
    report = report_from_json(drafts[-1].facts) if drafts else None
    told = answered or Answered()
    missing = missing_in(found, report) if report is not None else []
    # What was sent and could not be saved is shown in its boxes.
    sent = {name.removeprefix("box."): text for name, text in told.typed.items() if name.startswith("box.")}
    now, slot = queries.clock.now(), found.facts.slot if found.facts is not None else None
    return render(
        request,
        "incident.html",
        400 if fault else told.code,
        fault=fault,
        answered=told,
        conflicts={one.field: one for one in told.conflicts},
        saved="saved" in request.query_params,
        boxes=(standing(report) if report is not None else {}) | sent,
        strays=strays(drafts[-1].words, report) if report is not None else {},
        incident=incident_json(found, drafts),
        report=report,
        unanswered=len(to_complete(report)) if report is not None else 0,
        happened=_happened(found, now),
        acted=[
            (number, describe_action(one, queries.timezone), one.done is not None, is_overdue(one, queries.today()))
            for _, number, one in list_actions([found], done=True)
        ],
        cause=found.words.get("cause", ""),
        to_do=steps_for_incident(found) if found.closed is None else [],
        ticked={step.id: step.done for step in report.steps} if report is not None else {},
        missing=missing,
        open_boxes=_wanting(report, told, missing),
        amending="amend" in request.query_params or "reason" in {*told.typed, *told.faults},
        details=list(finding_details(found.kind, found.facts)) if found.facts is not None else (),
        changes={one.number: [one.report.name_of(name) for name in one.changed] for one in versions_from_rows(drafts)},
        silences=[one for one in await silences_of(queries) if one[0].covers(found)],
        related=await queries.related(found),
        endings=ENDINGS,
        has_evidence=bool(found.release),
        evidence_is_open=slot is None or slot <= now,
    )


def missing_in(incident: Incident, report: Report) -> list[tuple[str, str]]:
    """Return what is in the way of signing a report: the id of its box, empty for what has none, and the words."""
    told = ((line, *line.partition("]: ")[::2]) for line in signing_obstacles(incident, report))
    split = ((line, head.rpartition(" [")[::2], why) for line, head, why in told)
    return [(box, f"{name}: {why}") if why and name else ("", line) for line, (name, box), why in split]


def standing(report: Report) -> dict[str, str]:
    """Return what people have typed into each box and step of a report; blank where nobody has."""
    boxes = {field.id: field.answer.text if field.answer is not None else "" for field in report.fields()}
    return boxes | {f"{STEP}{step.id}": step.done for step in report.steps}


def strays(words: Mapping[str, str], report: Report) -> dict[str, str]:
    """Return what people typed that stands in no box of this form, by the name of the box that it was typed into."""
    boxes = standing(report)
    shown = set(boxes.values())
    return {name: text for name, text in words.items() if name not in boxes and text.strip() and text not in shown}


def _wanting(report: Report | None, answered: Answered, missing: Sequence[tuple[str, str]]) -> set[str]:
    """Return the ids of the boxes that still want somebody: the form shows these unfolded."""
    known = to_complete(report) + [one.id for one in report.fields() if one.contested] if report is not None else []
    return {*known, *(one.field for one in answered.conflicts), *(box for box, _ in missing)}


def _happened(incident: Incident, now: datetime) -> str:
    """Return what happened in a sentence or two: measured, or as a person logged it."""
    if incident.linked:
        return describe_platform(incident, now)
    if incident.facts is None or incident.kind is Kind.HAND:
        return incident.words.get("what") or (incident.timeline[0].text if incident.timeline else "")
    return status_sentence(incident.kind, incident.facts, now)


ROUTES = [Route("/incidents", incidents), Route("/incidents/{incident}", incident)]
