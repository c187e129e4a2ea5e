"""Reports on periods and series in the browser, only for staff: choose one, read its report,
download it, save a draft.
"""

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
from monitor.web.pages import render
from monitor.web.request import check_parameters, parse_day, queries_of
from monitor.web.staff_form import SentForm, with_staff_form

T = TypeVar("T")
_PARAMETERS = ("from", "to", "producer", "host", "series")


async def show_report(request: Request) -> Response:
    """Show a form to choose a period or series, filled with the last month, or with what was chosen
    and the report on it.
    """
    queries, choice = queries_of(request), _read_choice(request)
    report, fault = None, ""
    if choice["from"] or choice["to"] or choice["series"]:
        try:
            period, now = await _read_period(request, choice), queries.clock.now()
            report = await _run_alone(request, lambda periods: periods.report(period, now))
        except UserFault as exc:
            fault = str(exc)
    else:
        end_of_last_month = queries.today().replace(day=1) - timedelta(days=1)
        choice |= {
            "from": end_of_last_month.replace(day=1).isoformat(),
            "to": end_of_last_month.isoformat(),
        }
    return render(
        request,
        "period.html",
        fault=fault,
        choice=choice,
        query_of_choice=urlencode({name: text for name, text in choice.items() if text}),
        producers=sort_by_name(queries.producers, queries.producers),
        endings=["html", *(one for one in FORMATS if one != "html")],
        report=report,
    )


async def download_report(request: Request) -> Response:
    """Return the report on a period or series as a file that browsers save, or show if it is
    HTML.
    """
    ending, chosen = request.path_params["ending"], _read_choice(request)
    if ending not in FORMATS:
        raise UnknownName(f"There is no report of that kind: there are {', '.join(FORMATS)}.")
    now, period = queries_of(request).clock.now(), await _read_period(request, chosen)
    content = await _run_alone(request, lambda periods: periods.render(period, ending, now))
    name = "" if ending == "html" else f"{file_stem_of(period)}.{ending}"
    return file_response(content, FORMATS[ending], name)


@with_staff_form
async def save_as_draft(request: Request, sent: SentForm) -> Response:
    """Save the report on a period as a draft that people complete and sign."""
    now, periods = sent.desk.clock.now(), _require_periods(request)
    period = await _read_period(request, {name: sent.text(name) for name in _PARAMETERS})
    incident, _ = await sent.desk.writer.write(lambda tx: periods.save_as_draft(tx, period, now))
    return RedirectResponse(f"/incidents/{quote(incident.id)}", 303)


def _read_choice(request: Request) -> dict[str, str]:
    """Return what the query chooses, each part empty if it is not given.

    Raises `UserFault`.
    """
    check_parameters(request, _PARAMETERS)
    return {name: request.query_params.get(name, "").strip() for name in _PARAMETERS}


async def _read_period(request: Request, chosen: Mapping[str, str]) -> Period:
    """Return the releases and incidents of the chosen period or series.

    Raises `UserFault`, `UnknownName`.
    """
    now, producer, series = queries_of(request).clock.now(), chosen["producer"], chosen["series"]
    if series:
        return await _run_alone(request, lambda periods: periods.series(series, now, producer))
    first, last = (_read_day(name, chosen[name]) for name in ("from", "to"))
    if last < first:
        raise UserFault("to: must not be before from")
    if (last - first).days >= MOST_DAYS:
        raise UserFault(
            f"to: must be within {MOST_DAYS} days of from; for longer, use `ninethirty report"
            " period`"
        )
    host = chosen["host"]
    return await _run_alone(
        request, lambda periods: periods.period(first, last, now, producer, host)
    )


async def _run_alone(request: Request, make: Callable[[Periods], T]) -> T:
    """Return the result of `make`, run in a thread.

    Only one runs at a time, because a year takes seconds.
    """
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
