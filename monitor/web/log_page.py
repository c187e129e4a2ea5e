"""Logging what no monitor sees, in the browser: a leak, an e-mail to the wrong list, early use by the press."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import InvalidInput
from monitor.web.fragments import named
from monitor.web.incident_form import Sent, by_box, for_staff
from monitor.web.pages import fault_page, render
from monitor.web.request import queries_of, session_of, takes

Sort = Literal["leak", "access", "early_exposure", "late", "partial", "swapped", "unannounced"]
SORTS: dict[Sort, str] = {
    "leak": "Leak: figures were told or published before their release",
    "access": "Access: a message or file went to the wrong people",
    "early_exposure": "Out early at an address that nobody watches",
    "late": "Late, which this monitor did not see",
    "partial": "Parts of it were missing",
    "swapped": "The wrong file or figures stood there",
    "unannounced": "Released without an announcement",
}
_BOXES = {"when": "day", **{name: name for name in ("what", "title", "producer", "until", "url")}}
_AROUND = timedelta(days=3)
_MOST_OFFERED = 250


async def ask(request: Request) -> Response:
    """Show the form; `release` is the release it is about, where that is known."""
    takes(request, ("release",))
    session = session_of(request)
    if session is None or session.person.is_viewer or queries_of(request).desk is None:
        return fault_page(request, 403, "Incidents are logged by people who have signed in and may act.")
    return await _form(request, {"release": request.query_params.get("release", "")})


@for_staff
async def log(request: Request, sent: Sent) -> Response:
    """Log the incident and show it, or say what is missing."""
    release = sent.text("release")
    try:
        logged = await sent.desk.log_incident(_words(sent, release), release)
    except InvalidInput as fault:
        return await _form(request, sent.fields, by_box(fault, _BOXES, "what"))
    return RedirectResponse(f"/incidents/{quote(logged.id)}", 303)


def _words(sent: Sent, release: str) -> dict[str, str]:
    """Return what was typed by what it is called; a watched release brings its own title and producer."""
    names = ["what", "sort", "until", "url", *([] if release else ["title", "producer"])]
    day, time = sent.text("day"), sent.text("time")
    words = {name: sent.text(name) for name in names} | {"when": f"{day}T{time}" if day and time else day}
    words["url"] = "\n".join(words["url"].split())
    return {name: text for name, text in words.items() if text} | {"by": sent.role}


async def _form(request: Request, typed: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    queries = queries_of(request)
    today = queries.today()
    offered = await queries.board(today - _AROUND, today + _AROUND)
    known = await queries.release(typed["release"]) if typed.get("release") else None
    values: dict[str, Any] = {
        "typed": typed,
        "faults": faults or {},
        "sorts": SORTS,
        "offered": offered[:_MOST_OFFERED],
        "known": known,
        "producers": named(queries.producers, queries.producers),
        "today": today,
    }
    return render(request, "log.html", 400 if faults else 200, **values)


ROUTES = [Route("/incidents/new", ask, methods=["GET"]), Route("/incidents/new", log, methods=["POST"])]
