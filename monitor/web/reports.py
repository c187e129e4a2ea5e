"""Reports on periods in the browser: chosen, read, downloaded, and kept as drafts; for staff alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.draft.period import Period
from monitor.errors import UnknownName, UserFault
from monitor.threads import run_in_thread
from monitor.watch.periods import FORMATS, Periods, file_stem_of
from monitor.web.api import MOST_DAYS, file_of
from monitor.web.fragments import named
from monitor.web.incident_form import Sent, for_staff
from monitor.web.pages import render
from monitor.web.request import day_of, queries_of, takes

T = TypeVar("T")
_ASKED = ("from", "to", "producer", "host")


async def builder(request: Request) -> Response:
    """Let somebody choose a period, by default the last month, and show the report on what was chosen."""
    queries = queries_of(request)
    takes(request, _ASKED)
    asked, fault, values = {name: request.query_params.get(name, "").strip() for name in _ASKED}, "", {}
    if asked["from"] or asked["to"]:
        try:
            found, now = await _found(request, asked), queries.clock.now()
            values = {"report": await _made(request, lambda periods: periods.report(found, now))}
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
    ending = request.path_params["ending"]
    takes(request, _ASKED)
    if ending not in FORMATS:
        raise UnknownName(f"There is no report of that kind: there are {', '.join(FORMATS)}.")
    now = queries_of(request).clock.now()
    found = await _found(request, {name: request.query_params.get(name, "").strip() for name in _ASKED})
    content = await _made(request, lambda periods: periods.render(found, ending, now))
    return file_of(content, FORMATS[ending], f"{file_stem_of(found)}.{ending}" if ending != "html" else "")


@for_staff
async def keep(request: Request, sent: Sent) -> Response:
    """Keep the report on a period as a draft, to be completed and signed."""
    now = sent.desk.clock.now()
    periods, found = _periods(request), await _found(request, {name: sent.text(name) for name in _ASKED})
    incident, _ = await sent.desk.writer.write(lambda tx: periods.save_as_draft(tx, found, now))
    return RedirectResponse(f"/incidents/{quote(incident.id)}", 303)


async def _found(request: Request, asked: Mapping[str, str]) -> Period:
    """Return what is known of the period that is asked for. Raises `UserFault`, `UnknownName`."""
    first, last = (_day(name, asked[name]) for name in ("from", "to"))
    if last < first:
        raise UserFault("to: lies before from")
    if (last - first).days >= MOST_DAYS:
        raise UserFault(f"to: more than {MOST_DAYS} days are for `ninethirty report period`")
    now = queries_of(request).clock.now()
    return await _made(request, lambda periods: periods.period(first, last, now, asked["producer"], asked["host"]))


async def _made(request: Request, make: Callable[[Periods], T]) -> T:
    # A year takes seconds: one report at a time, and not in the threads that other pages wait for.
    lock: asyncio.Lock = request.app.state.reporting
    periods = _periods(request)
    async with lock:
        return await run_in_thread(lambda: make(periods))


def _day(name: str, text: str) -> date:
    try:
        return day_of(text)
    except ValueError as exc:
        raise UserFault(f'{name}: not a day, write "2026-11-26"') from exc


def _periods(request: Request) -> Periods:
    if (periods := queries_of(request).periods) is None:
        raise UnknownName("No reports are made here.")
    return periods


ROUTES = [
    Route("/reports", builder, methods=["GET"]),
    Route("/reports", keep, methods=["POST"]),
    Route("/reports/period.{ending}", document, methods=["GET"]),
]
