"""The pages of incidents: the list, and one with its report, to be read or, by those who act, to be completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.actions import in_words, is_overdue, waiting
from alerts.draft.edits import STEP, to_complete
from alerts.draft.report import Report, report_from_json
from alerts.draft.take_back import Conflict
from alerts.incident import Incident, Kind
from alerts.notice_text import details, happened, steps_now
from alerts.platform import standing_of_platform
from monitor.deliver.drafts import ENDINGS, versions_of
from monitor.deliver.incident_json import incident_json
from monitor.errors import UnknownName
from monitor.web.fragments import with_overdue
from monitor.web.pages import render, silences_of
from monitor.web.request import queries_of
from schedules.times.zone import local_date


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
    found = await queries.incident(name)
    if found is None:
        raise UnknownName(f"There is no incident {name!r}.")
    drafts = await queries.drafts(name)
    report = report_from_json(drafts[-1].facts) if drafts else None
    told = answered or Answered()
    return render(
        request,
        "incident.html",
        400 if fault else told.code,
        fault=fault,
        answered=told,
        conflicts={one.field: one for one in told.conflicts},
        saved="saved" in request.query_params,
        boxes=_boxes(report, told.typed),
        strays=strays(drafts[-1].words, report) if report is not None else {},
        incident=incident_json(found, drafts),
        report=report,
        unanswered=len(to_complete(report)) if report is not None else 0,
        happened=_happened(found, queries.clock.now()),
        acted=_acted(found, local_date(queries.clock.now(), queries.timezone), queries.timezone),
        cause=found.words.get("cause", ""),
        advice=list(steps_now("", found.kind, found.facts)) if found.facts is not None else (),
        details=list(details(found.kind, found.facts)) if found.facts is not None else (),
        changes={one.number: [one.report.name_of(name) for name in one.changed] for one in versions_of(drafts)},
        silences=[one for one in await silences_of(queries) if one["name"] in _names(found)],
        related=await queries.related(found),
        endings=ENDINGS,
        **evidence_of(found, queries.clock.now()),
    )


def _acted(incident: Incident, today: date, timezone: str) -> list[tuple[int, str, bool, bool]]:
    """Return each action with its number, its words, and whether it is done or overdue; those due first in front."""
    every = waiting([incident], done=True)
    return [(number, in_words(one, timezone), one.done is not None, is_overdue(one, today)) for _, number, one in every]


def _names(incident: Incident) -> set[str]:
    return {incident.id, incident.release, *incident.producers}


def evidence_of(incident: Incident, now: datetime) -> dict[str, Any]:
    """Return whether there is evidence of a release, and whether its slot has passed: until then it is closed."""
    slot = incident.facts.slot if incident.facts is not None else None
    return {"has_evidence": bool(incident.release), "evidence_is_open": slot is None or slot <= now}


def standing(report: Report) -> dict[str, str]:
    """Return what people have typed into each box and step of a report; blank where nobody has."""
    boxes = {field.id: field.answer.text if field.answer is not None else "" for field in report.fields()}
    return boxes | {f"{STEP}{step.id}": step.done for step in report.steps}


def strays(words: Mapping[str, str], report: Report) -> dict[str, str]:
    """Return what people typed that stands in no box of this form, by the name of the box that it was typed into."""
    boxes = standing(report)
    shown = set(boxes.values())
    return {name: text for name, text in words.items() if name not in boxes and text.strip() and text not in shown}


def _boxes(report: Report | None, typed: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is shown in each box: what was sent and could not be saved, else what stands there."""
    sent = {name.removeprefix("box."): text for name, text in typed.items() if name.startswith("box.")}
    return (standing(report) if report is not None else {}) | sent


def _happened(incident: Incident, now: datetime) -> str:
    """Return what happened in a sentence or two: measured, or as a person logged it."""
    if incident.linked:
        return standing_of_platform(incident, now)
    if incident.facts is None or incident.kind is Kind.HAND:
        return incident.words.get("what") or (incident.timeline[0].text if incident.timeline else "")
    return happened(incident.kind, incident.facts, now)


ROUTES = [Route("/incidents", incidents), Route("/incidents/{incident}", incident)]
