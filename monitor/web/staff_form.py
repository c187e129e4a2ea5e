"""Forms of people who may act, and the page that shows what they typed if one is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from alerts.by_hand import InvalidInput
from alerts.draft.edits import STEP_PREFIX
from alerts.draft.form import find_question
from monitor.deliver.desk import Desk
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import desk_of, read_form_with_files, session_of
from monitor.web.users import Person
from schedules.times.json import Json

_MOST_BYTES, _MOST_WITH_FILES, _MOST_WITHOUT_SESSION = 1 << 20, 8 << 20, 1 << 17
"""The most bytes of a form: its texts, with its files, and all of it from a person who is not
signed in.
"""
_MOST_FIELDS = 300
_HIDDEN_FIELDS = ("guard", "version", "do")

BoxTexts = Mapping[str, str] | None
"""What was typed into the boxes of a form, or their faults; None before the form was sent."""


@dataclass(frozen=True, slots=True)
class SentForm:
    """The fields of a form that a person with the right to act has sent.

    `incident` is that of the path, or empty.
    """

    desk: Desk
    person: Person
    incident: str
    fields: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """Return the role in which they act."""
        return self.desk.actor.role

    def text(self, name: str) -> str:
        """Return a field without surrounding blanks, empty if it is missing."""
        return self.fields.get(name, "").strip()


def with_staff_form(
    act: Callable[[Request, SentForm], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that calls `act` with the sent form. Only people who may act can use it.

    Others, and a form of an earlier session, get a page with the typed texts. Raises `UserFault`
    for too long a form.
    """

    @wraps(act)
    async def endpoint(request: Request) -> Response:
        """Call `act` with the sent form.

        If the person may not act, show a page with the typed texts instead.
        """
        session, desk = session_of(request), desk_of(request)
        longest, longest_with_files = _MOST_BYTES, _MOST_WITH_FILES
        if session is None:
            # The form of a person who is not signed in is only shown again, so it must be smaller.
            longest = longest_with_files = _MOST_WITHOUT_SESSION
        fields, files = await read_form_with_files(
            request, longest, _MOST_FIELDS, longest_with_files
        )
        # The guard is a secret of the session, so another site cannot send a form for this person.
        is_own_form = session is not None and session.has_guard(fields.get("guard", ""))
        if session is None or desk is None or not is_own_form:
            return render(request, "unsaved.html", 403, typed=list(_label_typed_texts(fields)))
        incident = request.path_params.get("incident", "")
        return await act(request, SentForm(desk, session.person, incident, fields, files))

    return endpoint


def _label_typed_texts(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in fields.items():
        box = find_question(name.removeprefix("box."))
        if (
            name not in _HIDDEN_FIELDS
            and not name.startswith(("tick.", "acted.", "quick."))
            and text.strip()
        ):
            yield (box and box.label) or name.removeprefix("box."), text


async def find_known_release(queries: Queries, typed: Mapping[str, str]) -> Json | None:
    """Return the watched release that a form is about, None without one. Raises `UnknownName`."""
    if release := typed.get("release"):
        return await queries.find_release(release)
    return None


def faults_by_box(fault: InvalidInput, boxes: Mapping[str, str], other: str) -> dict[str, str]:
    """Return the faults by box id.

    `boxes` has the id for each name in a fault. Other faults get the id `other`.
    """
    found = {}
    for one in fault.faults:
        if one.box in boxes or one.box.startswith(STEP_PREFIX):
            found[boxes.get(one.box, one.box)] = one.why
        else:
            found[other] = str(one)
    return found
