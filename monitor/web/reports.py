"""Reports on periods in the browser, only for staff: choose a period, read its report, download it, save a draft."""

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
from monitor.web.api import MOST_DAYS, file_response
from monitor.web.fragments import sort_by_name
from monitor.web.incident_form import SentForm, with_staff_form
from monitor.web.pages import render
from monitor.web.request import check_parameters, parse_day, queries_of

T = TypeVar("T")
_PARAMETERS = ("from", "to", "producer", "host")


async def show_report(request: Request) -> Response:
    """Show a form to choose a period, by default the last month, and the report on the chosen period."""
    queries = queries_of(request)
    check_parameters(request, _PARAMETERS)
    chosen, fault, values = {name: request.query_params.get(name, "").strip() for name in _PARAMETERS}, "", {}
    if chosen["from"] or chosen["to"]:
        try:
            period, now = await _read_period(request, chosen), queries.clock.now()
            values = {"report": await _run_alone(request, lambda periods: periods.report(period, now))}
        except UserFault as exc:
            fault = str(exc)
    else:
        last = queries.today().replace(day=1) - timedelta(days=1)
        chosen |= {"from": last.replace(day=1).isoformat(), "to": last.isoformat()}
    return render(
        request,
        "period.html",
        400 if fault else 200,
        fault=fault,
        asked=chosen,
        chosen=urlencode({name: text for name, text in chosen.items() if text}),
        producers=sort_by_name(queries.producers, queries.producers),
        endings=["html", *(one for one in FORMATS if one != "html")],
        **{"report": None, **values},
    )


async def download_report(request: Request) -> Response:
    """Return the report on a period as a file."""
    ending = request.path_params["ending"]
    check_parameters(request, _PARAMETERS)
    if ending not in FORMATS:
        raise UnknownName(f"There is no report of that kind: there are {', '.join(FORMATS)}.")
    now = queries_of(request).clock.now()
    period = await _read_period(request, {name: request.query_params.get(name, "").strip() for name in _PARAMETERS})
    content = await _run_alone(request, lambda periods: periods.render(period, ending, now))
    return file_response(content, FORMATS[ending], f"{file_stem_of(period)}.{ending}" if ending != "html" else "")


@with_staff_form
async def save_as_draft(request: Request, sent: SentForm) -> Response:
    """Save the report on a period as a draft that people complete and sign."""
    now = sent.desk.clock.now()
    periods, period = (
        _require_periods(request),
        await _read_period(request, {name: sent.text(name) for name in _PARAMETERS}),
    )
    incident, _ = await sent.desk.writer.write(lambda tx: periods.save_as_draft(tx, period, now))
    return RedirectResponse(f"/incidents/{quote(incident.id)}", 303)


async def _read_period(request: Request, chosen: Mapping[str, str]) -> Period:
    """Return the releases and incidents of the chosen period. Raises `UserFault`, `UnknownName`."""
    first, last = (_read_day(name, chosen[name]) for name in ("from", "to"))
    if last < first:
        raise UserFault("to: must not be before from")
    if (last - first).days >= MOST_DAYS:
        raise UserFault(f"to: must be within {MOST_DAYS} days of from; for longer, use `ninethirty report period`")
    now = queries_of(request).clock.now()
    producer, host = chosen["producer"], chosen["host"]
    return await _run_alone(request, lambda periods: periods.period(first, last, now, producer, host))


async def _run_alone(request: Request, make: Callable[[Periods], T]) -> T:
    """Return the result of `make`, run in a thread. Only one runs at a time, because a year takes seconds."""
    lock: asyncio.Lock = request.app.state.reporting
    periods = _require_periods(request)
    async with lock:
        return await run_in_thread(lambda: make(periods))


def _read_day(name: str, text: str) -> date:
    try:
        return parse_day(text)
    except ValueError as exc:
        raise UserFault(f"{name}: {exc}") from exc


def _require_periods(request: Request) -> Periods:
    if (periods := queries_of(request).periods) is None:
        raise UnknownName("No reports are made here.")
    return periods


ROUTES = [
    Route("/reports", show_report, methods=["GET"]),
    Route("/reports", save_as_draft, methods=["POST"]),
    Route("/reports/period.{ending}", download_report, methods=["GET"]),
]
