"""Reports on periods and series in the browser, only for staff: choose one, read its report,
download it, save a draft.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.draft.period import Period
from monitor.deliver.desk import Desk
from monitor.deliver.incident_json import incident_json
from monitor.errors import UnknownName, UserFault
from monitor.threads import run_in_thread
from monitor.watch.periods import FORMATS, Periods, file_stem_of
from monitor.web import answers, inputs
from monitor.web.fragments import sort_by_name
from monitor.web.operations import ApiRoute, Operation, file_response, post_operation
from monitor.web.pages import render
from monitor.web.request import PostRoute, check_parameters, queries_of, require_desk, require_staff
from monitor.web.staff_form import SentForm, with_staff_form

T = TypeVar("T")
_PARAMETERS = ("from", "to", "producer", "host", "series")


async def show_report(request: Request) -> Response:
    """Show a form to choose a period or series, filled with the last month, or with what was chosen
    and the report on it.
    """
    queries = queries_of(request)
    check_parameters(request, _PARAMETERS)
    choice = {name: request.query_params.get(name, "").strip() for name in _PARAMETERS}
    report, fault = None, ""
    if choice["from"] or choice["to"] or choice["series"]:
        try:
            period, now = await _read_period(request, choice), queries.now()
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


async def get_report(request: Request, query: inputs.ReportChoice) -> Response:
    """Return the report on a period or series as a file. Only staff may."""
    require_staff(request)
    kind, now = request.path_params["kind"], queries_of(request).now()
    if kind not in FORMATS:
        raise UnknownName(f"There is no report of that kind: there are {', '.join(FORMATS)}.")
    period = await _find_period(request, query)
    content = await _run_alone(request, lambda periods: periods.render(period, kind, now))
    # Browsers show HTML, and save the other formats under a file name.
    name = "" if kind == "html" else f"{file_stem_of(period)}.{kind}"
    return file_response(content, FORMATS[kind], name)


async def keep_report(request: Request, sent: inputs.ReportChoice) -> dict[str, Any]:
    """Store the report on a period as a draft that people complete and sign.

    Repeating it measures the same draft again.
    """
    return await _keep_period(request, require_desk(request), await _find_period(request, sent))


@with_staff_form
async def save_as_draft(request: Request, sent: SentForm) -> Response:
    """Keep a report as a draft, and show it."""
    period = await _read_period(request, {name: sent.text(name) for name in _PARAMETERS})
    kept = await _keep_period(request, sent.desk, period)
    return RedirectResponse(f"/incidents/{quote(kept['id'])}", 303)


async def _keep_period(request: Request, desk: Desk, period: Period) -> dict[str, Any]:
    """Return the JSON of the draft's incident."""
    queries, periods, now = queries_of(request), _require_periods(request), desk.clock.now()
    incident, _ = await desk.writer.write(lambda tx: periods.save_as_draft(tx, period, now))
    return incident_json(incident, await queries.list_drafts(incident.id))


async def _read_period(request: Request, chosen: Mapping[str, str]) -> Period:
    """Return what `_find_period` does for the texts of a form."""
    given = {name: text for name, text in chosen.items() if text}
    choice = inputs.ReportChoice.read(given)
    if choice.first and choice.to and (choice.to - choice.first).days >= inputs.MOST_DAYS:
        raise UserFault(
            f"to: must be within {inputs.MOST_DAYS} days of from; for longer, use `ninethirty"
            " report period`"
        )
    return await _find_period(request, choice)


async def _find_period(request: Request, choice: inputs.ReportChoice) -> Period:
    """Return the releases and incidents of the chosen period or series.

    Raises `UserFault`, `UnknownName`.
    """
    now = queries_of(request).now()
    first, last, series = choice.first, choice.to, choice.series
    producer, host = choice.producer or "", choice.host or ""
    if series:
        return await _run_alone(request, lambda periods: periods.series(series, now, producer))
    if first is None:
        raise UserFault("from: not a day, give both days or a series")
    if last is None:
        raise UserFault("to: not a day, give both days or a series")
    if last < first:
        raise UserFault("to: must not be before from")
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


def _require_periods(request: Request) -> Periods:
    if (periods := queries_of(request).periods) is None:
        raise UnknownName("No reports are made here.")
    return periods


ROUTES = [
    Route("/reports", show_report),
    PostRoute("/reports", save_as_draft),
]
OPERATIONS = [
    ApiRoute(
        "/report.{kind}",
        Operation("getReport", "releases", get_report, media=tuple(FORMATS.values())),
    ),
    ApiRoute(
        "/reports",
        post_operation("keepReport", "releases", keep_report, answers.Incident, status=201),
    ),
]
