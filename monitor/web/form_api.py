"""API operations that change something: fill in a report, add notes, log and acknowledge incidents, mute messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from alerts.by_hand import InvalidInput, clean_role
from alerts.draft.edits import STEP_PREFIX
from alerts.draft.report import report_from_json
from monitor.deliver.by_hand import EditConflict
from monitor.deliver.desk import Desk
from monitor.deliver.incident_json import incident_json
from monitor.deliver.silences import silence_json
from monitor.errors import Refused, UnknownName, UserFault
from monitor.store.rows import Draft
from monitor.web.incident_form import find_changes, make_notes, texts_of_boxes, with_plain_line_ends
from monitor.web.inputs import Answering, Input, Logging, Noting, Silencing, Taking
from monitor.web.request import problem_response, queries_of
from monitor.web.staff_form import SentForm
from monitor.web.users import UNKNOWN_PERSON
from schedules.times.json import fields_json
from schedules.times.zone import local

Json = dict[str, Any]


async def get_form(request: Request, _input: Input) -> Json:
    """Return the newest version of a draft as a form: the measured values, and the answers that roles wrote."""
    name = request.path_params["incident"]
    return _form_json(name, (await _require_drafts(request, name))[-1])


async def answer_form(request: Request, sent: Answering) -> Json | Response:
    """Write answers into boxes, all or none.

    If another person wrote into one of these boxes since the version that was read, nothing is written. The problem
    document has both texts. Changes to a signed report need a reason, which is noted in the timeline.
    """
    desk, name = _require_desk(request), request.path_params["incident"]
    drafts = await _require_drafts(request, name)
    read = next((one for one in drafts if one.version == sent.version), None)
    if read is None:
        raise Refused(f"version: this report has versions 1 to {drafts[-1].version}")
    if unknown := [box for box in sent.answers if box not in texts_of_boxes(read)]:
        raise Refused(f"answers: no such box in version {read.version} ({unknown[0]!r})")
    typed = {box: with_plain_line_ends(text) for box, text in sent.answers.items()}
    role, changes = clean_role(sent.role), dict(find_changes(read, drafts, typed))
    amends, timezone = bool(changes) and any(one.signed for one in drafts), queries_of(request).timezone
    # The role of a known person would replace the role that was sent.
    form = SentForm(desk, UNKNOWN_PERSON, name, {"role": role, "reason": sent.reason or ""})
    add_notes = make_notes(form, desk.clock.now(), timezone, amends=amends)
    try:
        # The page saves both texts of a conflict in one box. A program gets both in the problem document instead.
        await desk.save_answers(name, role, changes, read.version, add_notes, merging=False)
    except EditConflict as clash:
        conflicts = [{"box": each.field, "stood": each.stored, "sent": each.typed} for each in clash.conflicts]
        return problem_response(409, str(clash), conflicts=conflicts)
    return _form_json(name, (await _require_drafts(request, name))[-1])


async def add_notes(request: Request, sent: Noting) -> Json:
    """Add notes, calls, a cause, actions or an assignment to an incident, mark an action as done, or close it."""
    desk, name, queries = _require_desk(request), request.path_params["incident"], queries_of(request)
    given = sent.model_dump(exclude_none=True, exclude={"done", "close"})
    # The fields have the names that they have in the form on the incident's page.
    fields = {key: _form_text(value, queries.timezone) for key, value in given.items()}
    fields |= ({f"acted.{sent.done}": "on"} if sent.done else {}) | ({"close": "on"} if sent.close else {})
    try:
        add_all = make_notes(SentForm(desk, UNKNOWN_PERSON, name, fields), desk.clock.now(), queries.timezone)
        # No version of a report was read, and none of its boxes change.
        await desk.save_answers(name, sent.role, words={}, read=0, change=add_all)
    except InvalidInput as fault:
        # The box for the role is called `as-role` in the page's form.
        raise Refused("; ".join(line.replace("as-role", "role") for line in fault.faults)) from fault
    return incident_json(await queries.find_incident(name), await queries.list_drafts(name))


async def acknowledge(request: Request, sent: Taking) -> Json:
    """Acknowledge an incident in a role. Repeating it changes nothing."""
    try:
        found = await _require_desk(request).acknowledge(request.path_params["incident"], sent.role)
    except InvalidInput as fault:
        raise UserFault(f"role: {fault}") from fault
    return incident_json(found, await queries_of(request).list_drafts(found.id))


async def mute_messages(request: Request, sent: Silencing) -> Json:
    """Mute messages about an incident, a release, a producer or a host, for at most 14 days."""
    of, desk = (sent.of, sent.name), _require_desk(request)
    return silence_json(await desk.silence(of, sent.until, sent.role, sent.reason, sent.begins))


async def log_incident(request: Request, sent: Logging) -> Json:
    """Log an incident that no monitor sees, such as a leak. If the same texts came before, return that incident."""
    desk, queries = _require_desk(request), queries_of(request)
    given = sent.model_dump(exclude_none=True, exclude={"role", "release"}) | {"by": sent.role}
    words = {key: _form_text(value, queries.timezone) for key, value in given.items()}
    if "url" in words:
        # Several addresses are stored one a line.
        words["url"] = "\n".join(words["url"].split())
    logged = await desk.log_incident(words, sent.release or "")
    return incident_json(logged, await queries.list_drafts(logged.id))


def _require_desk(request: Request) -> Desk:
    if (desk := queries_of(request).desk) is None:
        raise Refused("this board is only for reading")
    return desk


async def _require_drafts(request: Request, name: str) -> list[Draft]:
    queries = queries_of(request)
    if not (drafts := await queries.list_drafts((await queries.find_incident(name)).id)):
        raise UnknownName(f"no draft of an incident {name!r}")
    return drafts


def _form_json(incident: str, draft: Draft) -> Json:
    """Return a version of a report as the JSON of a form: boxes, steps, and as `kept` the texts without a box in it."""
    report = report_from_json(draft.facts)
    boxes = [
        {
            "id": field.id,
            "section": section.heading,
            **fields_json(field, "label", "required"),
            "measured": list(field.paragraphs),
            **fields_json(field, "placeholder", "guidance", "notes"),
            "answer": None if field.answer is None else fields_json(field.answer, "text", "by", "at"),
        }
        for section in report.sections
        for field in section.fields
    ]
    return {
        "incident": incident,
        **fields_json(draft, "version", "form", "signed"),
        "boxes": boxes,
        "steps": [
            {"id": f"{STEP_PREFIX}{one.id}"} | fields_json(one, "text", "within", "done") for one in report.steps
        ],
        "kept": dict(report.kept),
    }


def _form_text(value: object, timezone: str) -> str:
    """Return a value as a person would type it into the form: a date-time is local and ends in seconds."""
    if isinstance(value, datetime):
        local_time = value if value.tzinfo is None else local(value, timezone)
        return local_time.replace(tzinfo=None, microsecond=0).isoformat()
    return str(value)
