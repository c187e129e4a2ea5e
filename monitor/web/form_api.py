"""What programs may do: fill in the form of an incident, note, log, acknowledge, and hold messages back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from alerts.by_hand import InvalidInput, clean_role
from alerts.draft.edits import STEP
from alerts.draft.report import report_from_json
from monitor.deliver.by_hand import EditConflict
from monitor.deliver.desk import Desk
from monitor.deliver.incident_json import incident_json
from monitor.deliver.silences import silence_json
from monitor.errors import Refused, UnknownName, UserFault
from monitor.store.rows import Draft
from monitor.web.asked import Answering, Asked, Logging, Noting, Silencing, Taking
from monitor.web.incident_form import Sent, changed, lines, noted, shown
from monitor.web.request import problem, queries_of
from monitor.web.users import NOBODY
from schedules.times.json import instant_json
from schedules.times.zone import local

Json = dict[str, Any]


async def read(request: Request, _asked: Asked) -> Json:
    """Return the newest version of a draft as a form: what is known, and what was written."""
    name = request.path_params["incident"]
    drafts = await _drafts(request, name)
    return _told(name, drafts[-1])


async def answer(request: Request, asked: Answering) -> Json | Response:
    """Write answers into boxes, all or none.

    Where somebody else wrote into one of them since the version that was read, nothing is written: the refusal tells
    both wordings.
    """
    desk, name = _desk(request), request.path_params["incident"]
    drafts = await _drafts(request, name)
    seen = next((one for one in drafts if one.version == asked.version), None)
    if seen is None:
        raise Refused(f"version: this report has versions 1 to {drafts[-1].version}")
    if strange := [box for box in asked.answers if box not in shown(seen)]:
        raise Refused(f"answers: no such box in version {seen.version} ({strange[0]!r})")
    typed = {box: lines(text) for box, text in asked.answers.items()}
    try:
        role, words = clean_role(asked.role), dict(changed(seen, drafts, typed))
        await desk.save_answers(name, role, words, seen.version, lambda known: known, merging=False)
    except EditConflict as clash:
        both = [{"box": one.field, "stood": one.stood, "sent": one.typed} for one in clash.conflicts]
        return problem(409, str(clash), conflicts=both)
    return _told(name, (await _drafts(request, name))[-1])


async def note(request: Request, asked: Noting) -> Json:
    """Note what happened, what caused it, who is to act, what is to be done or was done, or that it is over."""
    desk, name, queries = _desk(request), request.path_params["incident"], queries_of(request)
    told = asked.model_dump(exclude_none=True)
    fields = {key: _text(value, queries.timezone) for key, value in told.items() if key not in ("done", "close")}
    fields |= ({f"acted.{asked.done}": "on"} if asked.done else {}) | ({"close": "on"} if asked.close else {})
    try:
        change = noted(Sent(desk, NOBODY, name, fields), desk.clock.now(), queries.timezone)
        await desk.save_answers(name, asked.role, {}, 0, change)
    except InvalidInput as fault:
        raise Refused("; ".join(line.replace("as-role", "role") for line in fault.faults)) from fault
    return incident_json(await queries.incident(name), await queries.drafts(name))


async def take(request: Request, asked: Taking) -> Json:
    """Say in which role somebody has an incident; saying it twice changes nothing."""
    try:
        found = await _desk(request).acknowledge(request.path_params["incident"], asked.role)
    except InvalidInput as fault:
        raise UserFault(f"role: {fault}") from fault
    return incident_json(found, await queries_of(request).drafts(found.id))


async def hold_back(request: Request, asked: Silencing) -> Json:
    """Mute messages about an incident, a release, a producer or a host, for at most 14 days."""
    of, desk = (asked.of, asked.name), _desk(request)
    return silence_json(await desk.silence(of, asked.until, asked.role, asked.reason, asked.begins))


async def log(request: Request, asked: Logging) -> Json:
    """Log what no monitor sees: a leak, a message to the wrong people. The same words make the same incident."""
    desk, queries = _desk(request), queries_of(request)
    told = asked.model_dump(exclude_none=True, exclude={"role", "release"}) | {"by": asked.role}
    words = {key: _text(value, queries.timezone) for key, value in told.items()}
    words |= {"url": "\n".join(words["url"].split())} if "url" in words else {}
    logged = await desk.log_incident(words, asked.release or "")
    return incident_json(logged, await queries.drafts(logged.id))


def _desk(request: Request) -> Desk:
    if (desk := queries_of(request).desk) is None:
        raise Refused("nothing is written down here")
    return desk


async def _drafts(request: Request, name: str) -> list[Draft]:
    queries = queries_of(request)
    if not (drafts := await queries.drafts((await queries.incident(name)).id)):
        raise UnknownName(f"no draft of an incident {name!r}")
    return drafts


def _told(incident: str, draft: Draft) -> Json:
    report = report_from_json(draft.facts)
    boxes = [
        {
            "id": field.id,
            "section": section.heading,
            "label": field.label,
            "required": field.required,
            "measured": list(field.paragraphs),
            "placeholder": field.placeholder,
            "guidance": list(field.guidance),
            "notes": list(field.notes),
            "answer": None
            if (said := field.answer) is None
            else {"text": said.text, "by": said.by, "at": instant_json(said.at)},
        }
        for section in report.sections
        for field in section.fields
    ]
    return {
        "incident": incident,
        "version": draft.version,
        "form": draft.form,
        "signed": instant_json(draft.signed),
        "boxes": boxes,
        "steps": [
            {"id": f"{STEP}{one.id}", "text": one.text, "within": one.within, "done": one.done} for one in report.steps
        ],
        "kept": dict(report.kept),
    }


def _text(value: object, timezone: str) -> str:
    """Return a value as a person would have typed it into the form: date-times local, to the second."""
    if isinstance(value, datetime):
        here = value if value.tzinfo is None else local(value, timezone)
        return here.replace(tzinfo=None, microsecond=0).isoformat()
    return str(value)
