"""The web application: pages, API, health and metrics, with security headers on every response."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from monitor.errors import NinethirtyError
from monitor.threads import run_in_thread, with_pauses
from monitor.web import (
    account,
    acknowledge,
    api,
    board,
    by_hand,
    feeds,
    history,
    incident_page,
    log_page,
    month,
    pages,
    release,
    reports,
    runbook,
    search,
    signin,
    silences,
)
from monitor.web.middleware import AccessLog, AddSecurityHeaders, RedactSecrets
from monitor.web.queries import Queries

_GZIP_LEVEL = 1
"""The fastest level. Higher ones take several times as long and save little on text like that of
`/metrics`.
"""


def _accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an `Accept-Encoding` header allows gzip: `gzip;q=0` refuses it (RFC 9110,
    12.5.3).
    """
    for coding in accept_encoding.lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";")
        if name == "gzip":
            return weight.rstrip("0.") != "q="
    return False


async def healthz(_request: Request) -> Response:
    """Return `ok`, because the process runs."""
    return PlainTextResponse("ok\n")


async def livez(request: Request) -> Response:
    """Return `ok`, or 503 with the reasons if only a restart of the process would help."""
    stuck = list(request.app.state.queries.live.stuck())
    if stuck:
        return PlainTextResponse("\n".join([*stuck, ""]), status_code=503)
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Return JSON that says whether this monitor can serve pages and make requests.

    503 with the reasons if not. A standby that can take over answers 200 with the text
    `standby`.

    Doubts about its evidence, such as a calendar that could not be read, are listed too. They do
    not cause a 503.
    """
    live = request.app.state.queries.live
    reasons, reasons_and_doubts = list(live.unable()), live.unready()
    if live.is_standby() and not reasons:
        return PlainTextResponse("standby")
    doubts = [one for one in reasons_and_doubts if one not in reasons]
    content = {"ready": not reasons, "reasons": reasons, "doubts": doubts}
    return JSONResponse(content, status_code=503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """Return the metrics for Prometheus, with pauses between them in which looks that are due can
    run.
    """
    return await _render_metrics(request, request.app.state.queries.live.metrics())


async def embargoed_metrics(request: Request) -> Response:
    """Return the metrics of releases before their slot, for staff and a token of its own."""
    return await _render_metrics(request, request.app.state.queries.live.embargoed_metrics())


async def _render_metrics(request: Request, metrics: Iterable[bytes]) -> Response:
    queries = request.app.state.queries
    page = b"".join([metric async for metric in with_pauses(metrics, queries.clock)])
    headers = {"Vary": "Accept-Encoding"}
    if _accepts_gzip(request.headers.get("Accept-Encoding", "")):
        # Secrets are removed first, because `RedactSecrets` cannot read compressed text. No other
        # page is compressed: one with form tokens and a visitor's text could give a token away by
        # its length (the BREACH attack).
        text = page if queries.redactor is None else queries.redactor(page.decode()).encode()
        # Megabytes take longer than a look may wait, so they are compressed in a thread.
        page = await run_in_thread(partial(gzip.compress, text, _GZIP_LEVEL, mtime=0))
        headers["Content-Encoding"] = "gzip"
    return Response(page, headers=headers, media_type="text/plain; version=0.0.4; charset=utf-8")


def make_application(queries: Queries) -> AccessLog:
    """Return the web application.

    Every request passes through `signin.Authorise` before its route runs.
    """
    # Starlette uses the first route that matches, so /incidents/new must be before
    # /incidents/{incident}.
    modules = [
        account,
        acknowledge,
        runbook,
        log_page,
        silences,
        incident_page,
        history,
        board,
        release,
        pages,
        api,
        month,
        reports,
        feeds,
        by_hand,
        search,
    ]
    page_routes: list[BaseRoute] = [*pages.ASSET_ROUTES]
    if queries.sessions is not None and queries.sessions.allows_sign_in:
        page_routes += signin.ROUTES
    for module in modules:
        page_routes += module.ROUTES
    health = [
        Route("/healthz", healthz),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/metrics/embargoed", embargoed_metrics),
    ]
    app = Starlette(
        middleware=[Middleware(signin.Authorise, queries=queries)],
        routes=[*health, *page_routes],
        exception_handlers=dict.fromkeys(
            (NinethirtyError, HTTPException, Exception), pages.respond_to_error
        ),
    )
    # A redirect to the address with or without a slash would repeat the `Host` that a client sent.
    app.router.redirect_slashes = False
    app.state.queries, app.state.boards = queries, board.SharedBoards()
    app.state.history = history.HistoryCache()
    app.state.titles = search.TitleIndex()
    # reports on a period take seconds, so `reports` makes only one at a time
    app.state.reporting = asyncio.Lock()
    app.state.calendars = feeds.CalendarCache(queries)
    inner: ASGIApp = app if queries.redactor is None else RedactSecrets(app, queries.redactor)
    return AccessLog(AddSecurityHeaders(inner), queries.clock)
