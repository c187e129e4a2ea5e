"""What people who signed in do to an incident on its page: complete its report, note, sign it off or waive it.

Whatever is typed on the page is one form, and every button of it writes all of it down: nobody loses a box by
pressing another's button.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from alerts.actions import add_action, complete_action
from alerts.by_hand import InvalidInput, add_note, assign_role, bring_forward, close_incident, is_address, record_cause
from alerts.draft.chronology import AMENDED
from alerts.draft.edits import STEP
from alerts.draft.form import question
from alerts.draft.report import report_from_json
from alerts.incident import Incident
from monitor.deliver.by_hand import SigningBlocked
from monitor.deliver.desk import Desk
from monitor.errors import UnknownName, UserFault
from monitor.store.rows import Draft
from monitor.web.incident_page import Answered, incident_page, missing_in, standing, strays
from monitor.web.pages import fault_page, render
from monitor.web.request import form_of, queries_of, session_of
from monitor.web.users import Person
from schedules.times.words import MINUTE, stamp

_MOST_BYTES, _MOST_FIELDS = 1 << 20, 300
_MOST_OF_STRANGERS = 1 << 17
_HIDDEN = ("guard", "version", "do")
_BOXES = {name: name for name in ("as-role", "call", "said", "address", "owner", "due", "reason")}
_BOXES |= {"brought forward": "forward", "text": "action"}
_NOT_YOURS = "This is for people whose line in the users file ends in :head."


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as somebody who may act has sent it."""

    desk: Desk
    person: Person
    incident: str
    fields: Mapping[str, str]

    @property
    def role(self) -> str:
        """Return the role they act in: that of their line, which nobody types, else the one they say."""
        return self.person.role or self.fields.get("role", "")

    def text(self, name: str) -> str:
        """Return a field without blanks around it."""
        return self.fields.get(name, "").strip()


def for_staff(act: Callable[[Request, Sent], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that gives `act` the form of a person who may act. Raises `UserFault` if it is too long.

    Other people, and those whose session has ended or whose page is old, get what they typed back, to be copied.
    """

    @wraps(act)
    async def endpoint(request: Request) -> Response:
        session, desk = session_of(request), queries_of(request).desk
        fields = await form_of(request, _MOST_BYTES if session is not None else _MOST_OF_STRANGERS, _MOST_FIELDS)
        may = session is not None and not session.person.is_viewer and session.is_ours(fields.get("guard", ""))
        if session is None or desk is None or not may:
            return render(request, "unsaved.html", 403, typed=list(_readable(fields)))
        return await act(request, Sent(desk, session.person, request.path_params.get("incident", ""), fields))

    return endpoint


def _readable(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what a person typed, by the question it answers."""
    for name, text in fields.items():
        asked = question(name.removeprefix("box."))
        if name not in _HIDDEN and not name.startswith(("tick.", "acted.")) and text.strip():
            yield (asked.label if asked is not None else None) or name.removeprefix("box."), text


@for_staff
async def save(request: Request, sent: Sent) -> Response:
    """Write down what was typed into boxes, ticked and noted, and go where the button leads."""
    drafts = await queries_of(request).drafts(sent.incident)
    now, zone = sent.desk.clock.now(), queries_of(request).timezone
    try:
        read = _version(drafts, sent.fields.get("version", ""))
        words = dict(changed(read, drafts, _typed(sent, read, now, zone))) if read else {}
        change = noted(sent, now, zone, amends=bool(words) and any(one.signed for one in drafts))
        number = read.version if read is not None else 0
        conflicts = await sent.desk.save_answers(sent.incident, sent.role, words, number, change)
    except InvalidInput as fault:
        return await incident_page(
            request, sent.incident, answered=Answered(400, by_box(fault, _BOXES, "as-role"), (), sent.fields)
        )
    if conflicts:
        return await incident_page(request, sent.incident, answered=Answered(409, {}, conflicts))
    return RedirectResponse(_next(sent), 303)


async def ask_to_sign(request: Request) -> Response:
    """Show what would be signed, and what is still open in it."""
    return await _sign_page(request, request.path_params["incident"])


@for_staff
async def sign(request: Request, sent: Sent) -> Response:
    """Sign the report off, or write down why none will be made."""
    if not sent.person.is_head:
        return fault_page(request, 403, _NOT_YOURS)
    try:
        if sent.fields.get("do") == "waive":
            await sent.desk.waive(sent.incident, sent.role, sent.text("reason"))
        else:
            await _sign(request, sent)
    except SigningBlocked:
        return await _sign_page(request, sent.incident, "Say why you sign although something is missing.")
    except (InvalidInput, UserFault) as fault:
        return await _sign_page(request, sent.incident, str(fault))
    return RedirectResponse(f"/incidents/{quote(sent.incident)}#draft", 303)


async def _sign(request: Request, sent: Sent) -> None:
    queries = queries_of(request)
    # What is signed says how late it is when it is signed.
    known, drafts = await queries.incident(sent.incident), await queries.drafts(sent.incident)
    read = _version(drafts, sent.fields.get("version", ""))
    if read is None:
        raise UnknownName(f"There is no report of an incident {sent.incident!r}.")
    await sent.desk.sign_report(known, sent.role, read.words, sent.text("anyway"))


async def evidence(request: Request) -> Response:
    """Hand out the evidence with its hashes as one zip, once the slot has passed."""
    session, queries, name = session_of(request), queries_of(request), request.path_params["incident"]
    if session is None or session.person.is_viewer or queries.desk is None:
        return fault_page(request, 403, "Evidence is for people who have signed in and may act.")
    found, desk = await queries.incident(name), queries.desk
    with ExitStack() as kept:
        file = Path(kept.enter_context(tempfile.TemporaryDirectory())) / "evidence.zip"
        await queries.ask(lambda: desk.export_evidence(found, file))
        after = BackgroundTask(kept.pop_all().close)
    return FileResponse(file, media_type="application/zip", filename=f"{found.id}-evidence.zip", background=after)


async def _sign_page(request: Request, name: str, fault: str = "") -> Response:
    queries, session = queries_of(request), session_of(request)
    if session is None or not session.person.is_head or queries.desk is None:
        return fault_page(request, 403, _NOT_YOURS)
    found, drafts = await queries.incident(name), await queries.drafts(name)
    if not drafts:
        raise UnknownName(f"There is no report of an incident {name!r}.")
    report = report_from_json(drafts[-1].facts)
    return render(
        request,
        "sign.html",
        400 if fault else 200,
        incident=found,
        report=report,
        draft=drafts[-1],
        missing=missing_in(found, report),
        fault=fault,
    )


def _version(drafts: list[Draft], number: str) -> Draft | None:
    """Return the version a page was read at, None where there is no draft. Raises `UserFault` for one there is not."""
    found = next((one for one in drafts if str(one.version) == number), None)
    if drafts and found is None:
        raise UserFault("version: this page was not made from a version of this report; load it again")
    return found


def changed(read: Draft, drafts: list[Draft], typed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the boxes that hold something else than what was read, and than what stands there by now."""
    before, after = (shown(one) for one in (read, drafts[-1]))
    for name, stood in before.items():
        text = typed.get(name)
        if text is None or text in (stood, after.get(name)):
            continue
        yield name, text
        # Words that came here from a box of another form would come here again.
        yield from ((old, "") for old, told in read.words.items() if old not in before and stood == lines(told) != "")


def shown(draft: Draft) -> dict[str, str]:
    """Return what stands in each box of a version."""
    report = report_from_json(draft.facts)
    return {name: lines(text) for name, text in (standing(report) | strays(draft.words, report)).items()}


def _typed(sent: Sent, read: Draft, now: datetime, timezone: str) -> dict[str, str]:
    """Return what stands in the boxes as it was sent.

    A step that was ticked without a word was done just now; one whose tick was taken off was not done.
    """
    stood = shown(read)
    typed = {name.removeprefix("box."): lines(text) for name, text in sent.fields.items() if name.startswith("box.")}
    for name in (one for one in typed if one.startswith(STEP)):
        is_ticked, is_blank = f"tick.{name}" in sent.fields, not typed[name].strip()
        if is_ticked and is_blank:
            typed[name] = f"{stamp(now, timezone, step=MINUTE)}, {sent.role}"
        elif not is_ticked and typed[name] == stood.get(name):
            typed[name] = ""
    return typed


def lines(text: str) -> str:
    """Return a text with every end of a line as one character."""
    # Browsers send every end of a line as two characters.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def noted(sent: Sent, now: datetime, timezone: str, *, amends: bool = False) -> Callable[[Incident], Incident]:
    """Return the change that adds these notes. Raises `InvalidInput`; each fault begins with the id of its box."""
    call, said, address = sent.text("call"), sent.text("said"), sent.text("address")
    faults = []
    if bool(call) != bool(said):
        faults.append(f"{'said' if call else 'call'}: say with whom the call was, in which role, and what was said")
    if address and not is_address(address):
        faults.append("address: not a web address, it begins with https:// or http://")
    if not sent.role.strip():
        faults.append("as-role: say in which role you act, never a name")
    if amends and not sent.text("reason"):
        faults.append("reason: the report is signed, so say why you amend it")
    if faults:
        raise InvalidInput(faults)
    action = {"text": sent.text("action"), "owner": sent.text("owner"), "due": sent.text("due")}
    texts = [f"call with {call}: {said}" if call else "", f"also at {address}" if address else ""]
    texts = [sent.text("note"), *texts, f"{AMENDED}{sent.text('reason')}" if amends else ""]

    def change(known: Incident) -> Incident:
        for text in filter(None, texts):
            known = add_note(known, sent.role, lines(text), now)
        if sent.text("forward"):
            known = bring_forward(known, sent.role, sent.text("forward"), now, timezone)
        known = record_cause(known, sent.role, sent.text("cause"), now)
        known = assign_role(known, sent.role, sent.text("assigned"), now)
        known = add_action(known, sent.role, action, now, timezone) if any(action.values()) else known
        for number in [place for place, _ in enumerate(known.actions, 1) if f"acted.{place}" in sent.fields]:
            known = complete_action(known, sent.role, number, now, timezone=timezone)
        return close_incident(known, sent.role, now) if "close" in sent.fields else known

    return change


def by_box(fault: InvalidInput, boxes: Mapping[str, str], other: str) -> dict[str, str]:
    """Return faults by the ids of their boxes, from what they name; one that names none of these whole, at `other`."""
    split = ((line, *line.partition(": ")) for line in fault.faults)
    return dict((boxes[name], words) if name in boxes else (other, line) for line, name, _, words in split)


def _next(sent: Sent) -> str:
    name = quote(sent.incident)
    leads = {"preview": f"/api/v1/incidents/{name}/draft.html", "sign": f"/incidents/{name}/sign"}
    return leads.get(sent.fields.get("do", ""), f"/incidents/{name}?saved=1")


ROUTES = [
    Route("/incidents/{incident}/draft", save, methods=["POST"]),
    Route("/incidents/{incident}/sign", ask_to_sign, methods=["GET"]),
    Route("/incidents/{incident}/sign", sign, methods=["POST"]),
    Route("/incidents/{incident}/evidence.zip", evidence, methods=["GET"]),
]
