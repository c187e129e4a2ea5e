"""The list of incidents, and the page of one: its report to read or to complete, notes to add, and
signing.

The whole page is one form, and each of its buttons saves all boxes, so that no typed text is lost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from alerts import by_hand
from alerts.actions import add_action, complete_action, describe_action, is_overdue, list_actions
from alerts.by_hand import BoxFault, InvalidInput, is_address
from alerts.draft.chronology import AMENDED_PREFIX
from alerts.draft.done_steps import DoneStep, find_earliest, read_done_step
from alerts.draft.edits import STEP_PREFIX, Conflict, list_open_fields
from alerts.draft.form import load_forms
from alerts.draft.guidance import suggest_answer
from alerts.draft.letters import RECIPIENT_PREFIX, SUBJECT_PREFIX, insert_answers
from alerts.draft.logged import say_what_happened
from alerts.draft.report import Report, report_from_json
from alerts.draft.versions import append_signature
from alerts.draft.write.html import write_html_blocks
from alerts.draft.write.outline import Document
from alerts.incident import Incident, IncidentKind, steps_for_incident
from alerts.notice_text import list_finding_details, status_sentence
from alerts.one_line import one_line
from alerts.platform import describe_platform
from alerts.steps import Step
from monitor.deliver.by_hand import SigningBlocked, signing_obstacles
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import ENDINGS, versions_from_rows
from monitor.deliver.incident_json import incident_json, measured_text
from monitor.errors import NotAllowed, UnknownName, UserFault
from monitor.store.evidence.attachments import MOST_BYTES
from monitor.store.rows import Act, Draft
from monitor.web.fragments import incident_for_list
from monitor.web.pages import list_silences, render
from monitor.web.queries import Queries
from monitor.web.request import PostRoute, desk_of, may_act, queries_of, session_of
from monitor.web.staff_form import SentForm, faults_by_box, with_staff_form
from monitor.web.strip import Strip, read_strips
from schedules.contract.verdict import Grade
from schedules.times.json import Json
from schedules.times.zone import local

_MOST_MAIL_MB = 2
_BETWEEN_PARAGRAPHS = "\r\n\r\n"
_BOX_IDS = {
    name: name
    for name in (
        *("note", "call", "said", "address", "mail", "attachment"),
        *("owner", "due", "reason", "grade-reason"),
    )
}
_BOX_IDS |= {"brought forward": "forward", "text": "action", "at": "mail"}
_OF_REPORT = (
    *("report", "missing", "unanswered", "ticked", "done_at", "letter"),
    *("quick_answers", "strays", "boxes", "open_boxes"),
)
"""Values of the page that are empty without a report."""
_ONLY_FOR_HEADS = "This is for people whose line in the users file ends in :head."


@dataclass(frozen=True, slots=True)
class Letter:
    """The letter of a signed report, and the link that opens it in a mail program."""

    paragraphs: tuple[str, ...]
    address: str


@dataclass(frozen=True, slots=True)
class SaveOutcome:
    """The result of saving the form.

    `faults` are by box id, `conflicts` are the boxes in which two people wrote. With faults, the
    form was not saved, and `typed` has every field as it was sent.
    """

    code: int = 200
    faults: Mapping[str, str] = field(default_factory=dict)
    conflicts: Sequence[Conflict] = ()
    typed: Mapping[str, str] = field(default_factory=dict)


async def show_incidents(request: Request) -> Response:
    """List incidents: first open ones, then those with a report owed or an overdue action, then the
    newest others.
    """
    queries = queries_of(request)
    found = {
        one.id: one
        for one in (*await queries.list_needing_action(), *await queries.list_incidents())
    }
    ordered = sorted(found.values(), key=lambda one: (one.closed is not None, not one.is_open))
    return render(
        request,
        "incidents.html",
        incidents=[incident_for_list(one, queries.today()) for one in ordered],
    )


async def show_incident(request: Request, outcome: SaveOutcome | None = None) -> Response:
    """Show an incident: what to do now, the newest draft, its versions and the timeline.

    For a closed incident, show what happened and what remains instead of what to do. If the form of
    this page was just sent, `outcome` has the faults, conflicts and unsaved texts to show.
    """
    queries, name = queries_of(request), request.path_params["incident"]
    found, drafts = await queries.find_incident(name), await queries.list_drafts(name)
    outcome = outcome or SaveOutcome()
    all_acts: Sequence[Act] = ()
    if may_act(request):
        all_acts = await queries.list_acts(found)
    values: Json = {name: {} for name in _OF_REPORT}
    if drafts:
        values = _make_report_values(drafts[-1], found, outcome, queries.timezone)
    return render(
        request,
        "incident.html",
        outcome.code,
        saved="saved" in request.query_params,
        incident=incident_json(found, drafts),
        **values,
        **_make_incident_values(found, queries),
        answered=outcome,
        conflicts={one.field: one for one in outcome.conflicts},
        # A form with the field `reason` amends a signed report. If it was sent without a reason,
        # that is a fault.
        amending="amend" in request.query_params
        or "reason" in outcome.typed
        or "reason" in outcome.faults,
        changes={
            one.number: [one.report.label_of(name) for name in one.changed]
            for one in versions_from_rows(drafts)
        },
        strips=await _read_strips_of(found, queries),
        counted_at=queries.now(),
        silences=[one for one in await list_silences(queries) if one[0].covers(found)],
        related=await queries.list_related(found),
        all_acts=all_acts,
        endings=ENDINGS,
        grades=list(Grade),
        forms=[name for name in load_forms() if name != "period"],
    )


async def _read_strips_of(incident: Incident, queries: Queries) -> list[Strip]:
    """Return the strips of the releases that an incident is about, if the viewer may see them."""
    names = [link.release for link in incident.linked] or [incident.release]
    rows = []
    for name in filter(None, names):
        with suppress(UnknownName):
            rows.append(await queries.find_release(name))
    return await read_strips(queries, rows)


def _make_incident_values(incident: Incident, queries: Queries) -> Json:
    now, zone, today, facts = queries.now(), queries.timezone, queries.today(), incident.facts
    details, logged, to_do = list[str](), "", list[Step]()
    if facts is not None and queries.sees_all:
        details += list_finding_details(incident.kind, facts)
    if incident.kind is IncidentKind.HAND:
        logged = measured_text(incident, zone)
    if incident.closed is None:
        to_do = steps_for_incident(incident)
    return {
        "happened": _describe_what_happened(incident, now, zone),
        "logged": logged,
        "acted": [
            (number, describe_action(act, zone), act.done is not None, is_overdue(act, today))
            for _incident, number, act in list_actions([incident], done=True)
        ],
        "cause": incident.words.get("cause", ""),
        "to_do": to_do,
        "details": details,
        "has_evidence": bool(incident.release or incident.attachments),
        "evidence_is_open": facts is None or facts.slot is None or facts.slot <= now,
    }


def _make_report_values(
    draft: Draft, incident: Incident, outcome: SaveOutcome, timezone: str
) -> Json:
    """Return the values of the page about the report: what it needs, and its boxes with their
    texts, of which those that need a person are open.
    """
    report = report_from_json(draft.facts)
    missing = list_missing(incident, report)
    open_fields = list_open_fields(report)
    # A box is contested if its measurement changed after a person replaced it.
    contested = (one.id for one in report.fields() if one.is_contested)
    clashing = (one.field for one in outcome.conflicts)
    unsaved = {
        key.removeprefix("box."): text
        for key, text in outcome.typed.items()
        if key.startswith("box.")
    }
    return {
        "report": report,
        "missing": missing,
        "unanswered": len(open_fields),
        "ticked": {step.id: step.done for step in report.steps},
        "done_at": show_steps(report, incident, timezone),
        "letter": report.signed and make_letter(report),
        "quick_answers": {one.id: suggest_answer(one.facts) for one in report.fields()},
        # of an earlier form
        "strays": texts_without_box(draft.words, report),
        "boxes": typed_texts(report) | unsaved,
        "open_boxes": {*open_fields, *contested, *clashing, *(box for box, _ in missing)},
    }


def make_letter(report: Report) -> Letter:
    """Return the letter of a report, with its answers."""
    paragraphs = insert_answers(report, report.covering)
    recipient, subject, *body = (part.removeprefix(RECIPIENT_PREFIX) for part in paragraphs)
    if "@" not in recipient or " " in recipient:
        recipient = ""  # without a mail address, the person enters one
    subject = subject.removeprefix(SUBJECT_PREFIX)
    fields = f"subject={quote(subject)}&body={quote(_BETWEEN_PARAGRAPHS.join(body))}"
    return Letter(paragraphs, f"mailto:{quote(recipient, safe='@')}?{fields}")


def list_missing(incident: Incident, report: Report) -> list[tuple[str, str]]:
    """Return (box id, reason) for each reason why a report cannot be signed.

    The id is empty if there is no box.
    """
    missing = []
    for one in signing_obstacles(incident, report):
        reason = f"{one.label}: {one.why}" if one.box else one.why
        missing.append((one.box, reason))
    return missing


def typed_texts(report: Report) -> dict[str, str]:
    """Return the typed text of each box and step of a report by name, or an empty text."""
    texts = {f"{STEP_PREFIX}{step.id}": step.done for step in report.steps}
    boxes = dict.fromkeys((field.id for field in report.fields()), "")
    answers = {field.id: field.answer.text for field in report.fields() if field.answer is not None}
    return boxes | answers | texts


def texts_without_box(words: Mapping[str, str], report: Report) -> dict[str, str]:
    """Return texts typed into an earlier form that this form has no box for, by the earlier box's
    name.
    """
    boxes = typed_texts(report)
    shown = set(boxes.values())
    return {
        name: text
        for name, text in words.items()
        if name not in boxes and text.strip() and text not in shown
    }


def _describe_what_happened(incident: Incident, now: datetime, timezone: str) -> str:
    """Return one or two sentences about what happened: as measured, or as a person logged it."""
    if incident.linked:
        return describe_platform(incident, now)
    if incident.kind is IncidentKind.HAND:
        return " ".join(say_what_happened(incident, timezone))
    if incident.facts is not None:
        return status_sentence(incident.kind, incident.facts, now)
    return next((entry.text for entry in incident.timeline), "")


@with_staff_form
async def acknowledge_on_page(_request: Request, sent: SentForm) -> Response:
    """Acknowledge the incident, and show its page again."""
    await sent.desk.acknowledge(sent.incident)
    return RedirectResponse(f"/incidents/{quote(sent.incident)}", 303)


@with_staff_form
async def save_form(request: Request, sent: SentForm) -> Response:
    """Save boxes, ticks and notes and go to the page that the button names, or show faults or
    conflicts.
    """
    drafts = await queries_of(request).list_drafts(sent.incident)
    now, zone = sent.desk.clock.now(), queries_of(request).timezone
    try:
        # The version that the page showed. Without a report there is none, and only notes are
        # saved.
        read = _find_version(drafts, sent.fields.get("version", ""))
        version, changes = 0, dict[str, str]()
        if read is not None:
            incident = await queries_of(request).find_incident(sent.incident)
            typed = _read_boxes(sent, read) | _read_steps(sent, read, incident, now, zone)
            version, changes = read.version, dict(find_changes(read, drafts, typed))
        amends = bool(changes) and any(one.signed for one in drafts)
        apply_form = make_notes(sent, now, zone, amends=amends)
        conflicts = await sent.desk.save_answers(sent.incident, changes, version, apply_form)
        if (attached := sent.files.get("attachment")) is not None:
            name = sent.text("attachment.filename")
            await sent.desk.attach(sent.incident, name, attached)
    except InvalidInput as fault:
        # A browser does not fill in a file again.
        file_fault = dict.fromkeys(sent.files, "choose the file again")
        faults = file_fault | faults_by_box(fault, _BOX_IDS, "note")
        return await show_incident(request, outcome=SaveOutcome(400, faults, (), sent.fields))
    if conflicts:
        return await show_incident(request, outcome=SaveOutcome(409, {}, conflicts))
    name = quote(sent.incident)
    pages = {"preview": f"/api/v1/incidents/{name}/draft.html", "sign": f"/incidents/{name}/sign"}
    return RedirectResponse(pages.get(sent.fields.get("do", ""), f"/incidents/{name}?saved=1"), 303)


async def show_sign_page(request: Request, fault: str = "") -> Response:
    """Show a head of profession the report to sign or waive, what is missing, and a form's `fault`.

    Refuse others.
    """
    queries, session, name = (
        queries_of(request),
        session_of(request),
        request.path_params["incident"],
    )
    if session is None or not session.person.is_head or queries.desk is None:
        raise NotAllowed(_ONLY_FOR_HEADS)
    found, drafts = await queries.find_incident(name), await queries.list_drafts(name)
    if not drafts:
        raise UnknownName(f"There is no report of an incident {name!r}.")
    report = report_from_json(drafts[-1].facts)
    missing = list_missing(found, report)
    role, now = session.person.acting_role, queries.now()
    signed = append_signature(versions_from_rows(drafts), role, now)[-1]
    return render(
        request,
        "sign.html",
        document=write_html_blocks(signed.report, Document.REPORT, deeper=2),
        incident=found,
        report=report,
        draft=drafts[-1],
        missing=missing,
        fault=fault,
    )


@with_staff_form
async def sign_or_waive(request: Request, sent: SentForm) -> Response:
    """Sign the report, or waive it with a reason.

    Only a head of profession may. Show faults on the page.
    """
    if not sent.person.is_head:
        raise NotAllowed(_ONLY_FOR_HEADS)
    try:
        if sent.fields.get("do") == "waive":
            await sent.desk.waive(sent.incident, sent.text("reason"))
        else:
            await _sign_report(request, sent)
    except SigningBlocked:
        return await show_sign_page(request, "Say why you sign although something is missing.")
    except (InvalidInput, UserFault) as fault:
        return await show_sign_page(request, str(fault))
    return RedirectResponse(f"/incidents/{quote(sent.incident)}#draft", 303)


async def _sign_report(request: Request, sent: SentForm) -> None:
    """Sign the report with its current facts, if it is still what the person read."""
    queries = queries_of(request)
    incident, drafts = (
        await queries.find_incident(sent.incident),
        await queries.list_drafts(sent.incident),
    )
    read = _find_version(drafts, sent.fields.get("version", ""))
    if read is None:
        raise UnknownName(f"There is no report of an incident {sent.incident!r}.")
    await sent.desk.sign_report(incident, read.version, sent.text("anyway"))


async def download_evidence(request: Request) -> Response:
    """Send the evidence to people who may act. The desk refuses it before the slot."""
    queries, name, desk = queries_of(request), request.path_params["incident"], desk_of(request)
    if not may_act(request) or desk is None:
        raise NotAllowed("Evidence is for people who have signed in and may act.")
    return await send_evidence(desk, await queries.find_incident(name))


async def send_evidence(desk: Desk, incident: Incident) -> Response:
    """Return the evidence of an incident with its hashes as a zip. Raises `UserFault`."""
    with ExitStack() as folders:
        file = Path(folders.enter_context(tempfile.TemporaryDirectory())) / "evidence.zip"
        await desk.export_evidence(incident, file)
        # The folder is removed after the file was sent. If the export fails, the stack removes it
        # at once.
        remove = BackgroundTask(folders.pop_all().close)
    return FileResponse(
        file,
        media_type="application/zip",
        filename=f"{incident.id}-evidence.zip",
        background=remove,
    )


def _find_version(drafts: list[Draft], number: str) -> Draft | None:
    """Return the version with this number, or None if there is no draft.

    Raises `UserFault` for an unknown number.
    """
    found = next((one for one in drafts if str(one.version) == number), None)
    if drafts and found is None:
        raise UserFault(
            "version: this page was not made from a version of this report; load it again"
        )
    return found


def find_changes(
    read: Draft, drafts: list[Draft], typed: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield (box, new text) for each box of a report that the person changed on the page.

    `read` is the version on that page. `drafts` are all versions, the newest last. `typed`
    has texts by box.
    """
    shown_texts, newest_texts = texts_of_boxes(read), texts_of_boxes(drafts[-1])
    for box, shown_text in shown_texts.items():
        text = typed.get(box)
        # unchanged, or stored already
        if text is None or text in (shown_text, newest_texts.get(box)):
            continue
        yield box, text
        # A text typed into an earlier form is stored under the name of its box there
        # (`earlier_box`), and shown in the box of this form. Empty the earlier box, or its text
        # would be shown beside the new one.
        for earlier_box, stored_text in read.words.items():
            if (
                earlier_box not in shown_texts
                and stored_text
                and with_plain_line_ends(stored_text) == shown_text
            ):
                yield earlier_box, ""


def texts_of_boxes(draft: Draft) -> dict[str, str]:
    """Return both the `typed_texts` and the `texts_without_box` of a version."""
    report = report_from_json(draft.facts)
    texts = typed_texts(report) | texts_without_box(draft.words, report)
    return {name: with_plain_line_ends(text) for name, text in texts.items()}


def _read_boxes(sent: SentForm, read: Draft) -> dict[str, str]:
    boxes = ((name, text) for name, text in sent.fields.items() if name.startswith("box."))
    typed = {name.removeprefix("box."): with_plain_line_ends(text) for name, text in boxes}
    for box in report_from_json(read.facts).fields():
        if f"quick.{box.id}" in sent.fields and not typed.get(box.id, "").strip():
            typed[box.id] = suggest_answer(box.facts)
    return typed


def _read_steps(
    sent: SentForm, read: Draft, incident: Incident, now: datetime, timezone: str
) -> dict[str, str]:
    """Return the text of each step that the page showed, by name: when it was done, and the note.

    Raises `InvalidInput` if a step was not done in the past.
    """
    report, texts, faults = report_from_json(read.facts), {}, list[BoxFault]()
    for name, shown in show_steps(report, incident, timezone).items():
        if f"at.{name}" not in sent.fields:
            continue
        typed = sent.text(f"at.{name}"), one_line(sent.text(f"note.{name}"))
        is_ticked, before = f"tick.{name}" in sent.fields, texts_of_boxes(read)[name]
        if typed == shown and is_ticked == bool(before):
            continue
        # A time or a note says that a step was done, unless a person takes its tick away.
        if not is_ticked and (before or not any(typed)):
            texts[name] = ""
            continue
        try:
            done_at = by_hand.parse_past_instant(typed[0], now, timezone)
        except InvalidInput as fault:
            faults += [BoxFault(name, one.why) for one in fault.faults]
        else:
            texts[name] = DoneStep(done_at, typed[1]).write(timezone)
    if faults:
        raise InvalidInput(*faults)
    return texts


def show_steps(report: Report, incident: Incident, timezone: str) -> dict[str, tuple[str, str]]:
    """Return what the boxes of each step show: the local minute at which it was done, and the
    note.
    """
    shown = {}
    for step in report.steps:
        at, note = "", step.done
        done = read_done_step(step.done, find_earliest(incident), timezone)
        if done is not None:
            at, note = f"{local(done.at, timezone):%Y-%m-%dT%H:%M}", done.note
        shown[f"{STEP_PREFIX}{step.id}"] = (at, note)
    return shown


def with_plain_line_ends(text: str) -> str:
    """Return the text with line feeds as its line ends. Browsers also send carriage returns."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def make_notes(
    sent: SentForm, now: datetime, timezone: str, *, amends: bool = False
) -> Callable[[Incident], Incident]:
    """Return a function that applies a form to an incident, except the form's changes to the
    report.

    It adds notes, an e-mail, the cause, roles and actions, and the decision to bring the release
    forward: to publish it earlier than promised. It closes the incident if the form says so. An
    empty field changes nothing. `amends`: the form changes a signed report, so it must give a
    reason. Raises `InvalidInput` if a field is invalid.
    """
    if faults := list(_find_faults(sent, amends=amends)):
        raise InvalidInput(*faults)
    action = {"text": sent.text("action"), "owner": sent.text("owner"), "due": sent.text("due")}

    def apply_form(incident: Incident) -> Incident:
        """Return the incident with all changes of the form `sent`, each as an entry of the
        timeline.
        """
        role = sent.role
        for note in _list_notes(sent, amends=amends):
            incident = by_hand.add_note(incident, role, with_plain_line_ends(note), now)
        if (mail := sent.files.get("mail")) is not None:
            incident = by_hand.note_mail(incident, role, mail, sent.text("mailed"), now)
        if earlier_slot := sent.text("forward"):
            incident = by_hand.bring_forward(incident, role, earlier_slot, now, timezone)
        incident = by_hand.record_cause(incident, role, sent.text("cause"), now)
        incident = by_hand.assign_role(incident, role, sent.text("assigned"), now)
        if any(action.values()):
            incident = add_action(incident, role, action, now, timezone)
        for number in range(1, len(incident.actions) + 1):
            if f"acted.{number}" in sent.fields:
                incident = complete_action(incident, role, number, now, timezone=timezone)
        incident = _grade_incident(incident, sent, now)
        if "close" in sent.fields:
            incident = by_hand.close_incident(incident, role, now)
        return incident

    return apply_form


def _grade_incident(incident: Incident, sent: SentForm, now: datetime) -> Incident:
    reason = sent.text("grade-reason")
    if not reason:
        return incident
    grade = sent.text("grade") or incident.grade
    return by_hand.grade_incident(incident, sent.role, grade, reason, now, sent.text("form"))


def _list_notes(sent: SentForm, *, amends: bool) -> Iterator[str]:
    if note := sent.text("note"):
        yield note
    if call := sent.text("call"):
        yield f"call with {call}: {sent.text('said')}"
    if address := sent.text("address"):
        yield f"it could also be seen at {address}"
    if amends:
        yield f"{AMENDED_PREFIX}{sent.text('reason')}"


def _find_faults(sent: SentForm, *, amends: bool) -> Iterator[BoxFault]:
    """Yield each fault of a form's notes."""
    address, mail = sent.text("address"), sent.files.get("mail")
    for given, needed in (("call", "said"), ("said", "call")):
        if sent.text(given) and not sent.text(needed):
            why = "say with whom the call was, in which role, and what was said"
            yield BoxFault(needed, why)
    if address and not is_address(address):
        yield BoxFault("address", "not a web address, it begins with https:// or http://")
    if mail is None and sent.text("mailed"):
        yield BoxFault("mail", "choose the e-mail that you describe")
    if len(sent.files.get("attachment", b"")) > MOST_BYTES:
        yield BoxFault("attachment", f"larger than {MOST_BYTES >> 20} MB")
    if mail is not None and len(mail) > _MOST_MAIL_MB << 20:
        why = f"larger than {_MOST_MAIL_MB} MB; save it without its attachments"
        yield BoxFault("mail", why)
    if (sent.text("grade") or sent.text("form")) and not sent.text("grade-reason"):
        yield BoxFault("grade-reason", "say why the grade or the form is another one")
    if amends and not sent.text("reason"):
        yield BoxFault("reason", "the report is signed, so say why you amend it")


ROUTES = [
    Route("/incidents", show_incidents),
    PostRoute("/incidents/{incident:path}/acknowledge", acknowledge_on_page),
    PostRoute("/incidents/{incident:path}/draft", save_form),
    Route("/incidents/{incident:path}/sign", show_sign_page),
    PostRoute("/incidents/{incident:path}/sign", sign_or_waive),
    Route("/incidents/{incident:path}/evidence.zip", download_evidence),
    # The id of an incident may contain slashes, so the shortest address is tried last.
    Route("/incidents/{incident:path}", show_incident),
]
