"""The JSON API, version 1: its operations, and the list of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts import by_hand
from alerts.actions import complete_action
from alerts.by_hand import parse_past_instant
from alerts.draft.done_steps import DoneStep
from alerts.draft.edits import (
    INSTEAD_PREFIX,
    STEP_PREFIX,
    Conflict,
    find_wrong_numbers,
    list_open_fields,
)
from alerts.draft.report import Field, report_from_json
from alerts.draft.write.registry import MEDIA
from alerts.incident import Incident
from alerts.one_line import one_line
from alerts.ticks import Tick
from monitor.deliver import open_data
from monitor.deliver.by_hand import EditConflict
from monitor.deliver.incident_json import (
    calendar_read_json,
    event_json,
    incident_json,
    list_steps_to_do,
    to_do_json,
)
from monitor.deliver.silences import silence_json
from monitor.errors import Refused, UnknownName, UserFault
from monitor.store.rows import Draft, Event
from monitor.store.sql.read_ledger import LedgerStore
from monitor.web import (
    answers,
    export,
    incident_acts,
    inputs,
    reasons_api,
    reports,
    upkeep_api,
)
from monitor.web import by_hand as by_hand_page
from monitor.web.incident_acts import change_incident, find_version, require_drafts
from monitor.web.incident_page import find_changes, make_notes, texts_of_boxes, with_plain_line_ends
from monitor.web.inputs import Input, ListInput
from monitor.web.operations import (
    ApiRoute,
    Operation,
    Rows,
    describe_api,
    file_response,
    post_operation,
)
from monitor.web.pages import list_silences, render, render_fragment
from monitor.web.queries import Queries
from monitor.web.release import settle_slot
from monitor.web.release import tick_release as record_tick
from monitor.web.request import parse_day, problem_response, queries_of, require_desk, require_staff
from monitor.web.staff_form import SentForm
from monitor.web.users import UNKNOWN_PERSON
from schedules.release import producers_of
from schedules.times.json import Json, fields_json, instant_json
from schedules.times.zone import local


async def list_releases(request: Request, query: inputs.ReleaseFilter) -> Json:
    """List releases by the local day of their slot.

    Without a limit, a page contains all releases of up to 400 days.
    """
    queries = queries_of(request)
    first = query.first or queries.today()
    last = query.to or first
    if last < first:
        raise UserFault("to: must not be a day before `from`, which is today by default")
    begins, last_key = _read_position(query.after, first)
    ends = min(last, begins + timedelta(days=inputs.MOST_DAYS))
    by_key: dict[str, Json] = {}
    if begins <= last:  # a page that would begin after the last day is empty
        for row in await queries.list_releases(begins, ends, query.producer):
            # Several releases can share the start of a slot, so the id follows it: INSTANT/ID.
            by_key[f"{(row['slot'] or {}).get('start') or ''}/{row['id']}"] = row
    remaining = sorted(key for key in by_key if key > last_key)
    page = remaining[: query.limit]
    # `next` is the key of this page's last release, or else the day after the days that were
    # queried.
    next_page = None
    if len(page) < len(remaining):
        next_page = page[-1]
    elif ends < last:
        next_page = (ends + timedelta(days=1)).isoformat()
    return {
        "releases": [by_key[key] for key in page],
        "from": first.isoformat(),
        "to": last.isoformat(),
        "next": next_page,
    }


def _read_position(after: str | None, first: date) -> tuple[date, str]:
    """Return the first day to query, and the sort key after which the page begins.

    Raises `UnknownName`.

    `after` is the value `next` of the previous page: the sort key of its last release
    (`2026-05-13T06:00:00+00:00 …`), or the day with which this page begins (`2026-05-14`). It is
    None or empty for the first page.
    """
    if not after:
        return first, ""  # an empty key is before all other keys
    date_text, is_sort_key, _ = after.partition("T")
    try:
        day = parse_day(date_text)
    except ValueError as exc:
        raise UnknownName(f"no page after {after!r}") from exc
    if not is_sort_key:
        return max(first, day), ""
    # The key is in UTC. In a zone west of UTC, its instant can be on the day before.
    return max(first, day - timedelta(days=1)), after


async def get_release(request: Request) -> Json:
    """Return one release."""
    return await queries_of(request).find_release(request.path_params["release"])


async def list_incidents(request: Request, query: inputs.IncidentFilter) -> Json:
    """List a page of incidents, newest first, by the local day on which they occurred.

    A page begins after the incident `after`. `next` is the id to pass for the following page, or
    None after the last.
    """
    queries = queries_of(request)
    previous, until = None, None
    if query.after:
        previous = await queries.find_incident(query.after)
        # The store reads a limited number of incidents before `until`. Other incidents may have
        # the time of the previous one, so `until` is just after this time.
        until = previous.occurred + timedelta(microseconds=1)
    if query.open:
        found = await queries.list_needing_action(query.first, query.to)
    else:
        found = await queries.list_incidents(query.first, query.to, until)
    older = [
        one
        for one in found
        if previous is None or (one.occurred, one.id) < (previous.occurred, previous.id)
    ]
    matching = [one for one in older if query.producer in (None, *one.producers)]
    page = matching[: query.limit]
    # The next page begins after the last incident of this page. If this page has all matching
    # incidents, it begins after the last one that was read, because the store may have more. No
    # incident read means no next page.
    before_next_page = page if len(page) < len(matching) else older
    if query.drafts:
        read = queries.store.verdicts.drafts
        drafts = await queries.ask(lambda: [read(one.id) for one in page])
        listed = [_with_drafts(queries, *each) for each in zip(page, drafts, strict=True)]
    else:
        listed = [queries.incident_json(one) for one in page]
        for body in listed:
            body.pop("drafts", None)  # an empty list would mean that it has none
    return {"incidents": listed, "next": _last_id(before_next_page)}


def _last_id(found: Sequence[Incident | Event]) -> str | None:
    """Return the value of `next` after these, None without any."""
    return found[-1].id if found else None


def _with_drafts(queries: Queries, incident: Incident, drafts: Sequence[Draft]) -> Json:
    steps = list_steps_to_do(incident, drafts) if queries.sees_all else []
    return queries.incident_json(incident, drafts) | {"to_do": steps}


async def get_incident(request: Request) -> Json:
    """Return one incident with the versions of its draft."""
    queries, name = queries_of(request), request.path_params["incident"]
    found = await queries.find_incident(name)
    drafts = await queries.list_drafts(name)
    body = queries.incident_json(found, drafts)
    body["related"] = [one.id for one in await queries.list_related(found)]
    if queries.sees_all:
        body |= to_do_json(found, drafts)
    return body


async def list_events(request: Request, query: inputs.EventFilter) -> Json:
    """List every change of a verdict, oldest first."""
    found = await queries_of(request).list_events(query.after, query.release, query.limit)
    return {"events": [event_json(one) for one in found], "next": _last_id(found)}


async def get_draft(request: Request, query: inputs.DraftChoice) -> Response:
    """Return a version of a draft, by default the newest, or one of its documents, as a file."""
    queries = queries_of(request)
    name, ending = request.path_params["incident"], request.path_params["ending"]
    incident = await queries.find_incident(name)
    draft = find_version(await require_drafts(request, name), query.version)
    content, media = await queries.write_document(incident, draft, ending, query.document)
    file_name = ""
    # Browsers show the other formats themselves, so only these are saved under a file name.
    if ending in {"docx", "odt"}:
        file_name = f"{'-'.join(filter(None, (name, query.document)))}.{ending}"
    return file_response(content, media, file_name)


async def list_producers(request: Request) -> Json:
    """List the producers that are configured or have announced a release. Only staff may."""
    queries = require_staff(request)
    releases = await queries.ask(queries.store.ledger.releases)
    known = producers_of(releases).union(queries.producers)
    names = [{"id": one, "name": queries.producers.get(one) or one} for one in sorted(known)]
    return {"producers": names}


async def list_calendars(request: Request, _input: ListInput) -> Json:
    """List every calendar with its last usable read, and the last reads of all."""
    queries = queries_of(request)
    reads = await queries.ask(lambda: queries.store.ledger.reads(limit=200))
    names = sorted({*queries.calendars, *(read.calendar for read in reads)})
    ledger = queries.store.ledger
    rows = await queries.ask(lambda: [_calendar_row(name, ledger) for name in names])
    return {"calendars": rows, "reads": [calendar_read_json(read) for read in reads]}


def _calendar_row(name: str, ledger: LedgerStore) -> Json:
    row: Json = {
        "name": name,
        "last_usable_read": None,
        "entries": None,
        "last_read": None,
        "fault": "not read yet",
    }
    for last in ledger.reads(name, 1):
        row |= {"last_read": instant_json(last.finished), "fault": last.fault or None}
    for usable in ledger.reads(name, 1, usable=True):
        row |= {"last_usable_read": instant_json(usable.finished), "entries": usable.entries}
    return row


async def get_readiness(request: Request, query: inputs.ReadinessDay) -> Json:
    """Assess whether everything is ready for the slots of a day that are still ahead.

    It makes no request, and is at most a minute old. Only staff may read it.
    """
    queries = require_staff(request)
    assessment = await queries.assess_readiness(query.date)
    if assessment is None:
        raise UnknownName("readiness is not assessed here")
    return assessment.as_json()


async def list_on_call(request: Request) -> Json:
    """List the roles of each rota that are on call now. Only staff may read it."""
    queries = require_staff(request)
    now = queries.now()
    rotas = [
        {"rota": name, "roles": list(rota.on_call(now)), "words": rota.describe_on_call(now)}
        for name, rota in queries.rotas.items()
    ]
    return {"rotas": rotas}


async def show_silences(request: Request, query: inputs.SilenceFilter) -> Json:
    """List the current silences, and also future or all of them.

    The list is empty for viewers who do not see everything.
    """
    queries = queries_of(request)
    if query.include != "all":
        listed = await list_silences(queries, with_future=query.include == "future")
        return {"silences": [silence_json(one) for one, _ in listed]}
    ever = datetime.fromtimestamp(0, UTC)
    every = await queries.ask(lambda: queries.store.outbox.silences(ever))
    return {"silences": [silence_json(one) for one in every if queries.sees_all]}


async def end_silence(request: Request) -> Json:
    """End a silence now, or before it begins. People get what it suppressed."""
    return silence_json(await require_desk(request).end_silence(request.path_params["silence"]))


async def get_form(request: Request, query: inputs.VersionChoice) -> Json:
    """Return a version of a draft, by default the newest, as a form: the measured values, and the
    answers that roles wrote.
    """
    name = request.path_params["incident"]
    return _form_json(name, find_version(await require_drafts(request, name), query.version))


async def answer_form(request: Request, sent: inputs.Answering) -> Json | Response:
    """Write answers into boxes, all or none.

    If another person wrote into one of these boxes since the version that was read, nothing is
    written. The problem document has both texts. Changes to a signed report need a reason, which is
    noted in the timeline.
    """
    desk, name = require_desk(request), request.path_params["incident"]
    drafts = await require_drafts(request, name)
    read = next((one for one in drafts if one.version == sent.version), None)
    if read is None:
        raise Refused(f"version: this report has versions 1 to {drafts[-1].version}")
    boxes = texts_of_boxes(read)
    if unknown := [box for box in sent.answers if box.removeprefix(INSTEAD_PREFIX) not in boxes]:
        raise Refused(f"answers: no such box in version {read.version} ({unknown[0]!r})")
    typed = {box: with_plain_line_ends(text) for box, text in sent.answers.items()}
    changes = dict(find_changes(read, drafts, typed))
    amends_signed_report = bool(changes) and any(one.signed for one in drafts)
    form = SentForm(desk, UNKNOWN_PERSON, name, {"reason": sent.reason or ""})
    note_reason = make_notes(
        form, desk.clock.now(), queries_of(request).timezone, amends=amends_signed_report
    )
    for mark, text in typed.items():
        if mark.startswith(INSTEAD_PREFIX) and mark.removeprefix(INSTEAD_PREFIX) in changes:
            changes[mark] = text
    try:
        # With `merge`, a box gets both texts of a conflict, as on the page.
        merged = await desk.save_answers(
            name, changes, read.version, note_reason, merging=bool(sent.merge)
        )
    except EditConflict as clash:
        return problem_response(409, str(clash), conflicts=_conflicts_json(clash.conflicts))
    return _form_json(name, (await require_drafts(request, name))[-1], merged)


def _conflicts_json(conflicts: Sequence[Conflict]) -> list[Json]:
    return [{"box": one.field, "stood": one.stored, "sent": one.typed} for one in conflicts]


async def complete_step(request: Request, sent: inputs.Doing) -> Json | Response:
    """Say that a step was done, and when.

    The report states it in the past tense if it concerns its readers.
    """
    zone, now = queries_of(request).timezone, require_desk(request).clock.now()
    drafts = await require_drafts(request, request.path_params["incident"])
    name = f"{STEP_PREFIX}{sent.step.removeprefix(STEP_PREFIX)}"
    if name not in texts_of_boxes(drafts[-1]):
        raise Refused(f"step: this report has no step {sent.step!r}")
    at = parse_past_instant(_form_text(sent.at, zone), now, zone)
    text = DoneStep(at, one_line(sent.note or "")).write(zone)
    answers_to_step = inputs.Answering(
        version=drafts[-1].version, answers={name: text}, reason=sent.reason, merge=None
    )
    return await answer_form(request, answers_to_step)


async def attach_file(request: Request, sent: inputs.Attaching) -> Json:
    """Keep a file that was sent or signed as evidence, with its name and SHA-256."""
    queries, name = queries_of(request), request.path_params["incident"]
    await queries.find_incident(name)
    found = await require_desk(request).attach(name, sent.name, sent.content)
    return incident_json(found, await queries.list_drafts(name))


async def grade_incident(request: Request, sent: inputs.Grading) -> Json:
    """Raise or lower the grade of one incident, or choose the form of its draft."""
    desk = require_desk(request)
    now, form = desk.clock.now(), sent.form or ""

    def grade(known: Incident) -> Incident:
        return by_hand.grade_incident(known, desk.actor.role, sent.grade, sent.reason, now, form)

    return await change_incident(request, desk, grade)


async def add_notes(request: Request, sent: inputs.Noting) -> Json:
    """Add notes, calls, an e-mail, a cause, actions or an assignment to an incident, mark an action
    as done, or close it.

    `at` is when what you note happened, or when the action was done.
    """
    desk, queries, name = (
        require_desk(request),
        queries_of(request),
        request.path_params["incident"],
    )
    zone = queries.timezone
    await queries.find_incident(name)  # raises `UnknownName` with the most similar id
    now, role = desk.clock.now(), desk.actor.role
    apart = {"note", "at", "mail", "cite_others", "done", "close"}
    given = sent.model_dump(exclude_none=True, exclude=apart)
    files = {}
    if sent.mail is not None:
        files["mail"] = sent.mail
    # The fields have the names that they have in the form on the incident's page.
    form = SentForm(
        desk,
        UNKNOWN_PERSON,
        name,
        {key: _form_text(value, zone) for key, value in given.items()},
        files,
    )
    add_form = make_notes(form, now, zone)
    at = _form_text(sent.at, zone)

    def add_all(incident: Incident) -> Incident:
        if sent.note is not None or (at and sent.done is None):
            note = with_plain_line_ends(sent.note or "")
            incident = by_hand.add_note(incident, role, note, now, at, zone)
        incident = add_form(incident)
        if sent.done is not None:
            incident = complete_action(incident, role, sent.done, now, at, zone)
        if sent.cite_others:
            incident = by_hand.cite_other_incidents(incident, role, now)
        if sent.close:
            incident = by_hand.close_incident(incident, role, now)
        return incident

    return await change_incident(request, desk, add_all)


async def list_acts(request: Request) -> Json:
    """List which account did what to an incident, in time order. Only staff may read it."""
    queries = queries_of(request)
    found = await require_staff(request).find_incident(request.path_params["incident"])
    acts = await queries.list_acts(found)
    return {"acts": [fields_json(act, "at", "account", "role", "what") for act in acts]}


async def acknowledge(request: Request) -> Json:
    """Acknowledge an incident. Repeating it changes nothing."""
    desk, queries = require_desk(request), queries_of(request)
    known = await queries.find_incident(request.path_params["incident"])
    found = await desk.acknowledge(known.id)
    return incident_json(found, await queries.list_drafts(found.id))


async def settle_release(request: Request, sent: inputs.Settling) -> Json:
    """Say which time the doubtful text of a calendar means, before the first of them.

    It counts until the calendar shows another text. A later answer is kept, but changes no verdict.
    """
    release = request.path_params["release"]
    desk, queries = require_desk(request), queries_of(request)
    return await settle_slot(queries, desk, release, sent.meant)


async def list_ticks(request: Request) -> Json:
    """List what was ticked to prepare a release. Only staff may read it."""
    queries, release = queries_of(request), request.path_params["release"]
    await require_staff(request).find_release(release)
    return await _ticks_json(queries, release)


async def tick_release(request: Request, sent: inputs.Ticking) -> Json:
    """Tick what was prepared for a release, or say what the publishing tool did.

    Ticks become facts in the chronology of a later report.
    """
    queries, release = queries_of(request), request.path_params["release"]
    desk = require_desk(request)
    await record_tick(queries, desk, release, Tick(sent.tick), sent.time)
    return await _ticks_json(queries, release)


async def _ticks_json(queries: Queries, release: str) -> Json:
    found = await queries.list_ticks(release)
    return {
        "ticks": [
            {"tick": tick.value, **fields_json(act, "at", "account", "role")} for tick, act in found
        ]
    }


async def add_release(request: Request, sent: inputs.AddingRelease) -> Json:
    """Add a release that no calendar announces. It is watched from then on."""
    queries = queries_of(request)
    slot = _form_text(sent.slot, queries.timezone)
    return await _add_by_hand(request, sent, day=slot[:10], time=slot[11:])


async def add_address(request: Request, sent: inputs.AddingAddress) -> Json:
    """Add one more address of a release, which is watched from then on."""
    return await _add_by_hand(request, sent, release=request.path_params["release"])


async def _add_by_hand(request: Request, sent: Input, **more: str) -> Json:
    queries = queries_of(request)
    release = await by_hand_page.add_addition(queries, _fill_form(request, sent, **more))
    return await list_additions(request) | {"release": release}


async def remove_by_hand(request: Request, sent: inputs.RemovingAddition) -> Json:
    """Remove what was added by hand, before its slot."""
    await by_hand_page.remove_by_hand(queries_of(request), _fill_form(request, sent))
    return await list_additions(request)


async def list_additions(request: Request) -> Json:
    """List what people added by hand and did not remove, the newest first. Only staff may."""
    queries = require_staff(request)
    added = await by_hand_page.require_calendar(queries).list_additions()
    return {"additions": [one.model_dump() for one in added]}


def _fill_form(request: Request, sent: Input, **more: str) -> SentForm:
    """Return what a program sent as the form of the page."""
    given = sent.model_dump(exclude_none=True)
    fields = {name: str(value) for name, value in given.items()} | more
    return SentForm(require_desk(request), UNKNOWN_PERSON, "", fields)


async def mute_messages(request: Request, sent: inputs.Silencing) -> Json:
    """Mute messages about an incident, a release, a producer or a host, for at most 14 days."""
    of, desk = (sent.of, sent.name), require_desk(request)
    return silence_json(await desk.silence(of, sent.until, sent.reason, sent.begins))


async def log_incident(request: Request, sent: inputs.Logging) -> Json:
    """Log an incident that no monitor sees, such as a leak.

    If the same texts came before, return that incident.
    """
    desk, queries = require_desk(request), queries_of(request)
    given = sent.model_dump(exclude_none=True, exclude={"release"})
    words = {key: _form_text(value, queries.timezone) for key, value in given.items()}
    if "url" in words:
        words["url"] = "\n".join(words["url"].split())  # several addresses are stored one a line
    logged, is_new = await desk.log_incident(words, sent.release or "")
    return incident_json(logged, await queries.list_drafts(logged.id)) | {"is_new": is_new}


async def get_description(_request: Request) -> Response:
    """Describe this API."""
    return JSONResponse(await asyncio.to_thread(_describe_once))


@cache
def _describe_once() -> Json:
    """Return the OpenAPI description. It takes long to make, so it is made only once."""
    return describe_api(ROUTES)


async def show_reference(request: Request) -> Response:
    """Show the description of the API as a page."""
    state, queries = request.app.state, queries_of(request)
    if not hasattr(state, "reference"):
        api = await asyncio.to_thread(_describe_once)
        state.reference = await asyncio.to_thread(
            render_fragment, queries, "reference.html", api=api
        )
    return render(request, "api.html", reference=state.reference)


def _form_json(incident: str, draft: Draft, conflicts: Sequence[Conflict] = ()) -> Json:
    """Return a version of a report as the JSON of a form: boxes, steps, and as `kept` the texts
    that have no box.
    """
    report = report_from_json(draft.facts)
    open_fields = set(list_open_fields(report))
    boxes = []
    for section in report.sections:
        for field in section.fields:
            answer = field.answer and fields_json(field.answer, "text", "by", "at")
            box = {
                "id": field.id,
                "section": section.heading,
                **fields_json(field, "label", "required"),
                "measured": list(field.paragraphs),
                **fields_json(field, "placeholder", "guidance", "notes"),
                "answer": answer,
                "filled_by": field.filled_by.value,
                "standing": _standing_of(field, is_open=field.id in open_fields),
                "unmeasured": list(find_wrong_numbers(report, field.id)),
            }
            boxes.append(box)
    return {
        "incident": incident,
        **fields_json(draft, "version", "form", "signed"),
        "boxes": boxes,
        "steps": [
            {"id": f"{STEP_PREFIX}{one.id}"} | fields_json(one, "text", "within", "done")
            for one in report.steps
        ],
        "kept": dict(report.kept),
        "conflicts": _conflicts_json(conflicts),
    }


def _standing_of(field: Field, *, is_open: bool) -> str:
    """Return `contested` if two people wrote different texts or a measurement changed after the
    answer, `said` if a person wrote it, `filled` if the monitor did, else `to complete`.
    """
    # A field with an answer is still open only if the answer has the wordings of two people.
    if field.is_contested or (field.answer is not None and is_open):
        return "contested"
    if field.answer is not None:
        return "said"
    return "to complete" if is_open else "filled"


def _form_text(value: object, timezone: str) -> str:
    """Return a value as a person would type it into the form: a date-time is local and ends in
    seconds. Empty for None.
    """
    if value is None:
        return ""
    if not isinstance(value, datetime):
        return str(value)
    if value.tzinfo is not None:
        value = local(value, timezone)
    return value.replace(tzinfo=None, microsecond=0).isoformat()


_FORM = 1 << 20
"""Bytes of a body with the answers of a whole form."""
_FILE = 10 << 20
"""Bytes of a body with an attached file in Base64."""
_RELEASES = Rows("releases", open_data.VERDICT, open_data.verdict_row)
_INCIDENTS = Rows("incidents", open_data.INCIDENT, open_data.incident_row)
_EVENTS = Rows("events", open_data.EVENT, open_data.event_row)
_CALENDARS = Rows("calendars", open_data.CALENDAR)
_SILENCES = Rows("silences", open_data.SILENCE)
ROUTES = [
    *incident_acts.ROUTES,
    *reasons_api.ROUTES,
    *upkeep_api.ROUTES,
    *reports.OPERATIONS,
    *export.OPERATIONS,
    ApiRoute(
        "/releases",
        Operation("listReleases", "releases", list_releases, answers.Releases, _RELEASES),
        post_operation("addRelease", "releases", add_release, answers.Additions, status=201),
    ),
    ApiRoute(
        "/releases/{release}/addresses",
        post_operation("addAddress", "releases", add_address, answers.Additions, status=201),
    ),
    ApiRoute(
        "/additions", Operation("listAdditions", "releases", list_additions, answers.Additions)
    ),
    ApiRoute(
        "/additions/remove",
        post_operation("removeAddition", "releases", remove_by_hand, answers.Additions),
    ),
    # An id may contain slashes, so the shortest address is tried last.
    ApiRoute(
        "/releases/{release}/ticks",
        Operation("listTicks", "releases", list_ticks, answers.Ticks),
        post_operation("tickRelease", "releases", tick_release, answers.Ticks),
    ),
    ApiRoute(
        "/releases/{release}", Operation("getRelease", "releases", get_release, answers.Release)
    ),
    ApiRoute(
        "/releases/{release}/slot",
        post_operation("settleSlot", "releases", settle_release, answers.Release),
    ),
    ApiRoute(
        "/incidents",
        Operation("listIncidents", "incidents", list_incidents, answers.Incidents, _INCIDENTS),
        post_operation(
            "logIncident", "incidents", log_incident, answers.Incident, max_bytes=_FORM, status=201
        ),
    ),
    ApiRoute(
        "/incidents/{incident}/draft.{ending}",
        Operation("getDraft", "incidents", get_draft, media=tuple(MEDIA.values())),
    ),
    ApiRoute(
        "/incidents/{incident}/acknowledge",
        post_operation("acknowledge", "incidents", acknowledge, answers.Incident),
    ),
    ApiRoute(
        "/incidents/{incident}/answers",
        Operation("readForm", "incidents", get_form, answers.Form),
        post_operation("answerForm", "incidents", answer_form, answers.Form, max_bytes=_FORM),
    ),
    ApiRoute(
        "/incidents/{incident}/steps",
        post_operation("completeStep", "incidents", complete_step, answers.Form),
    ),
    ApiRoute(
        "/incidents/{incident}/attachments",
        post_operation(
            "attachFile", "incidents", attach_file, answers.Incident, max_bytes=_FILE, status=201
        ),
    ),
    ApiRoute(
        "/incidents/{incident}/grade",
        post_operation("gradeIncident", "incidents", grade_incident, answers.Incident),
    ),
    ApiRoute(
        "/incidents/{incident}/notes",
        post_operation("noteIncident", "incidents", add_notes, answers.Incident, max_bytes=_FILE),
    ),
    ApiRoute(
        "/incidents/{incident}/acts", Operation("listActs", "incidents", list_acts, answers.Acts)
    ),
    ApiRoute(
        "/incidents/{incident}",
        Operation("getIncident", "incidents", get_incident, answers.Incident),
    ),
    ApiRoute(
        "/silences",
        Operation("listSilences", "silences", show_silences, answers.Silences, _SILENCES),
        post_operation("holdBack", "silences", mute_messages, answers.Silence, status=201),
    ),
    ApiRoute(
        "/silences/{silence}/end",
        post_operation("endSilence", "silences", end_silence, answers.Silence),
    ),
    ApiRoute("/events", Operation("listEvents", "releases", list_events, answers.Events, _EVENTS)),
    ApiRoute(
        "/calendars",
        Operation("listCalendars", "calendars", list_calendars, answers.Calendars, _CALENDARS),
    ),
    ApiRoute(
        "/readiness", Operation("getReadiness", "releases", get_readiness, answers.Assessment)
    ),
    ApiRoute("/on-call", Operation("listOnCall", "incidents", list_on_call, answers.Rotas)),
    ApiRoute(
        "/producers", Operation("listProducers", "releases", list_producers, answers.Producers)
    ),
    ApiRoute("/openapi.json", Operation("describe", "description", get_description)),
    Route("/api", show_reference),
]
