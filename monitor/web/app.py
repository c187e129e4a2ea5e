"""The web application: pages, API, health and metrics, with headers that keep browsers from doing harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.errors import NinethirtyError, http_status
from monitor.threads import with_pauses
from monitor.web import (
    acknowledge,
    api,
    board,
    feeds,
    history,
    incident_form,
    incident_page,
    live,
    log_page,
    month,
    pages,
    release,
    reports,
    runbook,
    signin,
    silences,
)
from monitor.web.access_log import Access
from monitor.web.gzip_metrics import GzipMetrics
from monitor.web.live import LiveBoard
from monitor.web.queries import Queries
from monitor.web.request import problem
from monitor.web.sessions import Busy

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


_BINARY = ("application/vnd", "application/zip", "image/png")


class SafeHeaders:
    """Adds the headers above to every answer that does not bring its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers.update({name: value for name, value in HEADERS.items() if name not in headers})
            await send(message)

        await self._app(scope, receive, with_headers)


class Redacting:
    """Takes what configured addresses hold out of every answer that is text."""

    def __init__(self, app: ASGIApp, redactor: Callable[[str], str]) -> None:
        """Wrap an application."""
        self._app = app
        self._redactor = redactor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        head: list[Message] = []
        body = bytearray()

        async def passed_on(message: Message) -> None:
            if not body:
                await send(head[0])
                body.extend(b"begun")
            # A piece of a stream is of whole events.
            told = self._redactor(message.get("body", b"").decode("utf-8", "surrogateescape"))
            await send({**message, "body": told.encode("utf-8", "surrogateescape")})

        async def held(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.append(message)
                return
            if Headers(scope=head[0]).get("content-type", "").startswith("text/event-stream"):
                await passed_on(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            headers = MutableHeaders(scope=head[0])
            is_text = not headers.get("content-type", "").startswith(_BINARY)
            told = self._redactor(body.decode("utf-8", "surrogateescape")) if is_text else ""
            made = told.encode("utf-8", "surrogateescape") if is_text else bytes(body)
            headers["content-length"] = str(len(made))
            await send(head[0])
            await send({"type": "http.response.body", "body": made})

        await self._app(scope, receive, held)


async def healthz(_request: Request) -> Response:
    """Tell that the process is alive."""
    return PlainTextResponse("ok\n")


async def livez(request: Request) -> Response:
    """Tell that the process lives and looks; 503 when only a new start would mend it."""
    stuck = list(request.app.state.queries.live.stuck())
    return PlainTextResponse("\n".join([*stuck, ""]) if stuck else "ok\n", status_code=503 if stuck else 200)


async def readyz(request: Request) -> Response:
    """Tell whether this monitor can serve and look; 503 with the reasons when not.

    What only makes its evidence doubtful, such as a calendar that could not be read, takes the board from nobody.
    """
    live = request.app.state.queries.live
    reasons, all_reasons = list(live.unable()), live.unready()
    doubts = [reason for reason in all_reasons if reason not in reasons]
    told = {"ready": not reasons, "reasons": reasons, "doubts": doubts}
    return JSONResponse(told, status_code=503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """Return the metrics for Prometheus. They are written in turns with looks, which must not wait for all of them."""
    queries = request.app.state.queries
    page = b"".join([metric async for metric in with_pauses(queries.live.metrics(), queries.clock)])
    headers = {"Vary": "Accept-Encoding"}
    return Response(page, headers=headers, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _fault(request: Request, fault: Exception) -> Response:
    if isinstance(fault, HTTPException):
        words = "There is nothing at" if fault.status_code == 404 else f"{fault.detail}:"
        answer = _told(request, fault.status_code, f"{words} {request.url.path}")
        answer.headers.update(fault.headers or {})
        return answer
    if isinstance(fault, NinethirtyError):
        return _told(request, http_status(fault), str(fault))
    return _told(request, 500, "This is our fault. It is in the log.")


def _told(request: Request, status: int, fault: str) -> Response:
    is_api = request.url.path.startswith("/api/")
    return problem(status, fault) if is_api else pages.fault_page(request, status, fault)


def application(queries: Queries) -> Access:
    """Return the application that answers from a queries; who may see what is found out before any of it is asked."""
    # The first that fits answers: /incidents/new stands before /incidents/{incident}.
    modules = [acknowledge, runbook, log_page, silences, incident_form, incident_page, history, board, live, release]
    modules += [pages, api, month, reports, feeds]
    by_people = signin.ROUTES if queries.door is not None and queries.door.lets_in else []
    shown = [*pages.LOOKS, *by_people, *(route for module in modules for route in module.ROUTES)]
    health = [Route("/healthz", healthz), Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
    handlers: dict[int | type[Exception], Callable[..., object]] = {
        NinethirtyError: _fault,
        Busy: signin.told_to_wait,
        HTTPException: _fault,
        Exception: _fault,
    }
    app = Starlette(
        middleware=[Middleware(signin.Doorway, queries=queries)],
        routes=[*health, *shown],
        exception_handlers=handlers,  # type: ignore[arg-type] # starlette's own type is narrower than what it takes
    )
    app.state.queries, app.state.live = queries, LiveBoard(queries)
    app.state.history, app.state.reporting = history.History(), asyncio.Lock()
    app.state.calendars = feeds.Subscribed(queries)
    inner: ASGIApp = app if queries.redactor is None else Redacting(app, queries.redactor)
    return Access(SafeHeaders(GzipMetrics(inner)), queries.clock, app.state.live.close)
