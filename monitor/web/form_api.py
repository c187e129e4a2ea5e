"""The form of an incident for programs: read its answers, write some, note what happened, log an incident."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from alerts.by_hand import NotEnough, as_role
from alerts.draft.edits import STEP
from alerts.draft.report import report_from_json
from monitor.deliver.by_hand import Clash
from monitor.deliver.desk import Desk
from monitor.deliver.incident_json import incident_json
from monitor.errors import Refused, UnknownName
from monitor.store.rows import Draft
from monitor.web import answers
from monitor.web.answers import Answer, Instant
from monitor.web.asked import Asked, Day, Name, Nothing, Role, Words
from monitor.web.incident_form import Sent, changed, lines, noted, shown
from monitor.web.log_page import Sort
from monitor.web.operations import REFUSED, UNKNOWN, ApiRoute, Operation
from monitor.web.request import problem, queries_of
from monitor.web.users import NOBODY
from schedules.times.json import instant_json
from schedules.times.zone import local

_LONGEST = 1 << 20
_MANY = 10_000
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


def _of_our_times(value: datetime) -> datetime:
    # Beyond these a local time may be of no year at all.
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"not of the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


Text = Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Moment = Annotated[datetime, AfterValidator(_of_our_times)]
Line = Annotated[Words, Field(max_length=1000)]


class Given(Answer):
    """What a role wrote into a box."""

    text: str
    by: str
    at: Instant | None


class Box(Answer):
    """A question of the form: what was `measured` or configured for it, and the `answer` that a role wrote.

    `placeholder` says what is to be added, empty for nothing; `notes` are warnings of the monitor about it.
    """

    id: str
    section: str
    label: str | None
    required: bool
    measured: list[str]
    placeholder: str
    guidance: list[str]
    notes: list[str]
    answer: Given | None


class Step(Answer):
    """One thing to do at once, `within` how long, and what was written when it was done, empty until then."""

    id: str
    text: str
    within: str
    done: str


class Form(Answer):
    """The newest version of the draft of an incident as a form; `kept` are words for which it has no box, by name."""

    incident: str
    version: int
    form: str
    signed: Instant | None
    boxes: list[Box]
    steps: list[Step]
    kept: dict[str, str]


class Answering(Asked):
    """Answers by the ids of their boxes or steps, to the version that was read; an empty one takes the words away."""

    role: Role
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    answers: dict[str, Text]


class Noting(Asked):
    """What is noted of an incident: a call is with whom it was and what was `said`, an action has an `owner`, `due`."""

    role: Role
    note: Line | Nothing = None
    call: Line | Nothing = None
    said: Line | Nothing = None
    address: Line | Nothing = Field(None, description="Another web address where it stands.")
    cause: Line | Nothing = None
    assigned: Role | Nothing = Field(None, description="The role that is to act.")
    forward: Moment | Nothing = Field(None, description="To when it was brought forward; local without an offset.")
    action: Line | Nothing = None
    owner: Role | Nothing = Field(None, description="The role that is to do the action.")
    due: Day | Nothing = Field(None, description="The last day for the action.")
    done: Annotated[int, Field(ge=1, le=_MANY, description="Number of an action that was done.")] | Nothing = None
    close: Literal[True] | Nothing = Field(None, description="It is over.")


class Logging(Asked):
    """What a person saw, of a watched `release`, or of another by its `title` and `producer`."""

    role: Role
    what: Line
    when: Moment
    sort: Sort
    release: Name | Nothing = None
    title: Line | Nothing = None
    producer: Line | Nothing = None
    until: Moment | Nothing = None
    url: Line | Nothing = Field(None, description="Where it stood; several with blanks between them.")


async def read(request: Request, _asked: Asked) -> dict[str, Any]:
    """Return the newest version of a draft as a form: what is known, and what was written."""
    name = request.path_params["incident"]
    drafts = await _drafts(request, name)
    return _told(name, drafts[-1])


async def answer(request: Request, asked: Answering) -> dict[str, Any] | Response:
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
        role, words = as_role(asked.role), dict(changed(seen, drafts, typed))
        await desk.write(name, role, words, seen.version, lambda known: known, merging=False)
    except NotEnough as fault:
        raise Refused("; ".join(fault.faults)) from fault
    except Clash as clash:
        both = [{"box": one.field, "stood": one.stood, "sent": one.typed} for one in clash.conflicts]
        return problem(409, str(clash), conflicts=both)
    return _told(name, (await _drafts(request, name))[-1])


async def note(request: Request, asked: Noting) -> dict[str, Any]:
    """Note what happened, what caused it, who is to act, what is to be done or was done, or that it is over."""
    desk, name, queries = _desk(request), request.path_params["incident"], queries_of(request)
    told = asked.model_dump(exclude_none=True)
    fields = {key: _text(value, queries.timezone) for key, value in told.items() if key not in ("done", "close")}
    fields |= ({f"acted.{asked.done}": "on"} if asked.done else {}) | ({"close": "on"} if asked.close else {})
    try:
        change = noted(Sent(desk, NOBODY, name, fields), desk.clock.now(), queries.timezone)
        await desk.write(name, asked.role, {}, 0, change)
    except NotEnough as fault:
        raise Refused("; ".join(line.replace("as-role", "role") for line in fault.faults)) from fault
    found = await queries.incident(name)
    if found is None:
        raise UnknownName(f"no incident {name!r}")
    return incident_json(found, await queries.drafts(name))


async def log(request: Request, asked: Logging) -> dict[str, Any]:
    """Log what no monitor sees: a leak, a message to the wrong people. The same words make the same incident."""
    desk, queries = _desk(request), queries_of(request)
    told = asked.model_dump(exclude_none=True, exclude={"role", "release"}) | {"by": asked.role}
    words = {key: _text(value, queries.timezone) for key, value in told.items()}
    words |= {"url": "\n".join(words["url"].split())} if "url" in words else {}
    try:
        logged = await desk.log(words, asked.release or "")
    except NotEnough as fault:
        raise Refused("; ".join(fault.faults)) from fault
    return incident_json(logged, await queries.drafts(logged.id))


def _desk(request: Request) -> Desk:
    if (desk := queries_of(request).desk) is None:
        raise Refused("nothing is written down here")
    return desk


async def _drafts(request: Request, name: str) -> list[Draft]:
    queries = queries_of(request)
    drafts = await queries.drafts(name) if await queries.incident(name) is not None else []
    if not drafts:
        raise UnknownName(f"no draft of an incident {name!r}")
    return drafts


def _told(incident: str, draft: Draft) -> dict[str, Any]:
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
    steps = [
        {"id": f"{STEP}{one.id}", "text": one.text, "within": one.within, "done": one.done} for one in report.steps
    ]
    kept: Mapping[str, str] = report.kept
    told = {"incident": incident, "version": draft.version, "form": draft.form, "signed": instant_json(draft.signed)}
    return told | {"boxes": boxes, "steps": steps, "kept": dict(kept)}


def _text(value: object, timezone: str) -> str:
    """Return a value as a person would have typed it into the form: date-times local, to the second."""
    if isinstance(value, datetime):
        here = value if value.tzinfo is None else local(value, timezone)
        return here.replace(tzinfo=None, microsecond=0).isoformat()
    return str(value)


_posts = partial(Operation, faults=REFUSED, method="POST", longest=_LONGEST)
ROUTES = [
    ApiRoute(
        "/api/v1/incidents/{incident}/answers",
        Operation("readForm", "incidents", read, Form, faults=UNKNOWN),
        _posts("answerForm", "incidents", answer, Form, Answering),
    ),
    ApiRoute("/api/v1/incidents/{incident}/notes", _posts("noteIncident", "incidents", note, answers.Incident, Noting)),
]
LOGGING = _posts("logIncident", "incidents", log, answers.Incident, Logging, status=201)
