"""The form that logs an incident which no monitor sees: a leak, an e-mail to the wrong list, early use by the press."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from monitor.web.fragments import sort_by_name
from monitor.web.incident_form import SentForm, faults_by_box, for_staff
from monitor.web.pages import fault_page, render
from monitor.web.request import check_parameters, may_act, queries_of

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
_FIELDS = {"when": "day", **{name: name for name in ("what", "title", "producer", "until", "url")}}
_AROUND = timedelta(days=3)
_MOST_OFFERED = 250


async def show_form(request: Request) -> Response:
    """Show the form, filled in with the query's `release` if it has one."""
    check_parameters(request, ("release",))
    if not may_act(request):
        return fault_page(request, 403, "Incidents are logged by people who have signed in and may act.")
    return await _render_form(request, {"release": request.query_params.get("release", "")})


@for_staff
async def log_incident(request: Request, sent: SentForm) -> Response:
    """Log the incident and show it, or show the form again with what is missing."""
    release = sent.text("release")
    try:
        logged = await sent.desk.log_incident(_read_fields(sent, release), release)
    except InvalidInput as fault:
        return await _render_form(request, sent.fields, faults_by_box(fault, _FIELDS, "what"))
    return RedirectResponse(f"/incidents/{quote(logged.id)}", 303)


def _read_fields(sent: SentForm, release: str) -> dict[str, str]:
    """Return the filled fields by name. If a watched `release` was chosen, leave out the typed title and producer."""
    names = ["what", "sort", "until", "url", *([] if release else ["title", "producer"])]
    day, time = sent.text("day"), sent.text("time")
    words = {name: sent.text(name) for name in names} | {"when": f"{day}T{time}" if day and time else day}
    words["url"] = "\n".join(words["url"].split())
    return {name: text for name, text in words.items() if text} | {"by": sent.role}


async def _render_form(request: Request, typed: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    queries = queries_of(request)
    today = queries.today()
    offered = await queries.list_releases(today - _AROUND, today + _AROUND)
    known = await queries.find_release(typed["release"]) if typed.get("release") else None
    values: dict[str, Any] = {
        "typed": typed,
        "faults": faults or {},
        "sorts": SORTS,
        "offered": offered[:_MOST_OFFERED],
        "known": known,
        "producers": sort_by_name(queries.producers, queries.producers),
        "today": today,
    }
    return render(request, "log.html", 400 if faults else 200, **values)


ROUTES = [Route("/incidents/new", show_form, methods=["GET"]), Route("/incidents/new", log_incident, methods=["POST"])]
