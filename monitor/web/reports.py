"""Reports on periods in the browser: chosen, read, downloaded, and kept as drafts; for staff alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.draft.period import Period
from monitor.errors import UnknownName, UserFault
from monitor.watch.periods import FORMATS, Periods, name_of
from monitor.web.api import MOST_DAYS, file_of
from monitor.web.fragments import named
from monitor.web.incident_form import sent_by
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import day_of, queries_of, takes

_ASKED = ("from", "to", "producer", "host")


async def builder(request: Request) -> Response:
    """Let somebody choose a period, by default the last month, and show the report on what was chosen."""
    queries = queries_of(request)
    takes(request, _ASKED)
    asked, fault, values = {name: request.query_params.get(name, "").strip() for name in _ASKED}, "", {}
    if asked["from"] or asked["to"]:
        try:
            found = await _found(queries, asked)
            report = await queries.ask(lambda: _periods(queries).report(found, queries.clock.now()))
            values = {"found": found, "report": report}
        except UserFault as exc:
            fault = str(exc)
    else:
        last = queries.today().replace(day=1) - timedelta(days=1)
        asked |= {"from": last.replace(day=1).isoformat(), "to": last.isoformat()}
    return render(
        request,
        "period.html",
        400 if fault else 200,
        fault=fault,
        asked=asked,
        chosen=urlencode({name: text for name, text in asked.items() if text}),
        producers=named(queries.producers, queries.producers),
        endings=["html", *(one for one in FORMATS if one != "html")],
        **{"report": None, **values},
    )


async def document(request: Request) -> Response:
    """Hand the report on a period out as a file."""
    queries, ending = queries_of(request), request.path_params["ending"]
    takes(request, _ASKED)
    if ending not in FORMATS:
        raise UnknownName(f"There is no report of that kind: there are {', '.join(FORMATS)}.")
    found = await _found(queries, {name: request.query_params.get(name, "").strip() for name in _ASKED})
    content = await queries.ask(lambda: _periods(queries).written(found, ending, queries.clock.now()))
    return file_of(content, FORMATS[ending], f"{name_of(found)}.{ending}" if ending != "html" else "")


async def keep(request: Request) -> Response:
    """Keep the report on a period as a draft, to be completed and signed."""
    sent = await sent_by(request)
    if isinstance(sent, Response):
        return sent
    queries, now = queries_of(request), sent.desk.clock.now()
    periods, found = _periods(queries), await _found(queries, {name: sent.text(name) for name in _ASKED})
    incident, _ = await sent.desk.writer.write(lambda tx: periods.keep(tx, found, now))
    return RedirectResponse(f"/incidents/{quote(incident.id)}", 303)


async def _found(queries: Queries, asked: Mapping[str, str]) -> Period:
    """Return what is known of the period that is asked for. Raises `UserFault`, `UnknownName`."""
    first, last = (_day(name, asked[name]) for name in ("from", "to"))
    if last < first:
        raise UserFault("to: lies before from")
    if (last - first).days >= MOST_DAYS:
        raise UserFault(f"to: more than {MOST_DAYS} days are for `ninethirty report period`")
    periods, now = _periods(queries), queries.clock.now()
    return await queries.ask(lambda: periods.period(first, last, now, asked["producer"], asked["host"]))


def _day(name: str, text: str) -> date:
    try:
        return day_of(text)
    except ValueError as exc:
        raise UserFault(f'{name}: not a day, write "2026-11-26"') from exc


def _periods(queries: Queries) -> Periods:
    if queries.periods is None:
        raise UnknownName("No reports are made here.")
    return queries.periods


ROUTES = [
    Route("/reports", builder, methods=["GET"]),
    Route("/reports", keep, methods=["POST"]),
    Route("/reports/period.{ending}", document, methods=["GET"]),
]
