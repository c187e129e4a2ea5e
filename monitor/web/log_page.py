"""The form to log an incident that the monitor cannot see, such as a leak or a misdirected
e-mail.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from monitor.errors import NotAllowed
from monitor.web.fragments import sort_by_name
from monitor.web.pages import render
from monitor.web.request import PostRoute, check_parameters, may_act, queries_of
from monitor.web.staff_form import (
    BoxTexts,
    SentForm,
    faults_by_box,
    find_known_release,
    with_staff_form,
)

Sort = Literal["leak", "access", "early_exposure", "late", "partial", "swapped", "unannounced"]
SORTS: dict[Sort, str] = {
    "leak": "Leak: figures were shared or published before their release",
    "access": "Access: a message or file went to the wrong people",
    "early_exposure": "Published early at an address that is not watched",
    "late": "Late, which this monitor did not see",
    "partial": "Parts of it were missing",
    "swapped": "The wrong file or figures were published",
    "unannounced": "Released without an announcement",
}
_BOX_IDS = {
    "when": "day",
    **{name: name for name in ("what", "title", "producer", "until", "due", "page", "url")},
}
_OFFERED_SPAN = timedelta(days=3)
_MOST_OFFERED = 250


async def show_log_form(
    request: Request, typed: BoxTexts = None, faults: BoxTexts = None
) -> Response:
    """Show the form with the releases of near days, filled in with the query's `release` if it has
    one.

    If it was sent and refused, it has the `typed` texts and the `faults` by box.
    """
    if typed is None:
        check_parameters(request, ("release",))
        if not may_act(request):
            raise NotAllowed("Incidents are logged by people who have signed in and may act.")
        typed = request.query_params
    queries = queries_of(request)
    today = queries.today()
    offered = await queries.list_releases(today - _OFFERED_SPAN, today + _OFFERED_SPAN)
    return render(
        request,
        "log.html",
        typed=typed,
        faults=faults or {},
        sorts=SORTS,
        offered=offered[:_MOST_OFFERED],
        known=await find_known_release(queries, typed),
        producers=sort_by_name(queries.producers, queries.producers),
        today=today,
    )


@with_staff_form
async def log_incident(request: Request, sent: SentForm) -> Response:
    """Log the incident and show it. If the input is invalid, show the form again with the
    faults.
    """
    release = sent.text("release")
    # The title and the producer of a watched release are known, so the form does not have them.
    names = ["what", "sort", "until", "page", "url"]
    if not release:
        names += ["title", "producer"]
    words = {name: sent.text(name) for name in names}
    words["when"] = _join_time(sent.text("day"), sent.text("time"))
    words["due"] = _join_time(sent.text("due"), sent.text("due-time"))
    words["url"] = "\n".join(words["url"].split())  # stored as one address a line
    filled = {name: text for name, text in words.items() if text}
    try:
        logged, _is_new = await sent.desk.log_incident(filled, release)
    except InvalidInput as fault:
        return await show_log_form(request, sent.fields, faults_by_box(fault, _BOX_IDS, "what"))
    return RedirectResponse(f"/incidents/{quote(logged.id)}", 303)


def _join_time(day: str, time: str) -> str:
    if day and time:
        return f"{day}T{time}"
    return day


ROUTES = [
    Route("/incidents/new", show_log_form),
    PostRoute("/incidents/new", log_incident),
]
