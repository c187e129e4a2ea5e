"""The web application: pages, API, health and metrics, with security headers on every response."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.errors import NinethirtyError, http_status
from monitor.threads import run_in_thread, with_pauses
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
from monitor.web.access_log import AccessLog
from monitor.web.live import LiveBoard
from monitor.web.queries import Queries
from monitor.web.request import problem_response
from monitor.web.sessions import Busy

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


_BINARY = ("application/vnd", "application/zip", "image/png")
_GZIP_LEVEL = 1
"""The fastest level. Higher ones take several times as long and save little on text like that of `/metrics`."""


@dataclass(frozen=True, slots=True)
class AddSecurityHeaders:
    """Adds `SECURITY_HEADERS` to every response, except a header that the response sets itself."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers.update({name: value for name, value in SECURITY_HEADERS.items() if name not in headers})
            await send(message)

        await self.app(scope, receive, send_with_headers)


@dataclass(frozen=True, slots=True)
class RedactSecrets:
    """Removes secrets that configured addresses contain from every response that is text."""

    app: ASGIApp
    redactor: Callable[[str], str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        start: Message = {}
        body, is_started = bytearray(), False

        def redact(text: bytes) -> bytes:
            return self.redactor(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

        async def send_events(message: Message) -> None:
            nonlocal is_started
            if not is_started:
                await send(start)
                is_started = True
            # Each message of an event stream contains whole events, so no secret is split between two of them.
            await send({**message, "body": redact(message.get("body", b""))})

        async def send_redacted(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if Headers(scope=start).get("content-type", "").startswith("text/event-stream"):
                await send_events(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            headers = MutableHeaders(scope=start)
            is_text = not headers.get("content-type", "").startswith(_BINARY)
            content = redact(bytes(body)) if is_text else bytes(body)
            headers["content-length"] = str(len(content))
            await send(start)
            await send({"type": "http.response.body", "body": content})

        await self.app(scope, receive, send_redacted)


@dataclass(frozen=True, slots=True)
class GzipMetrics:
    """Compresses `/metrics` for clients that accept gzip. It must wrap whatever removes secrets from the text.

    Other pages stay as they are: they contain form tokens beside text that a visitor chooses, and the length of such
    a page once compressed can give the token away (the BREACH attack).
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        is_metrics = scope["type"] == "http" and scope["path"] == "/metrics"
        if not is_metrics or not _accepts_gzip(Headers(scope=scope).get("accept-encoding", "")):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def send_compressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            # Megabytes take longer than a look may wait, so they are compressed in a thread.
            packed = await run_in_thread(partial(gzip.compress, body, _GZIP_LEVEL, mtime=0))
            headers = MutableHeaders(scope=start)
            headers["content-encoding"], headers["content-length"] = "gzip", str(len(packed))
            await send(start)
            await send({"type": "http.response.body", "body": packed})

        await self.app(scope, receive, send_compressed)


def _accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an `Accept-Encoding` header allows gzip: `gzip;q=0` refuses it (RFC 9110, 12.5.3)."""
    for coding in accept_encoding.lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";")
        if name == "gzip":
            return weight.rstrip("0.") != "q="
    return False


async def healthz(_request: Request) -> Response:
    """Answer `ok`: the process is alive."""
    return PlainTextResponse("ok\n")


async def livez(request: Request) -> Response:
    """Answer `ok`, or 503 with the reasons if only a restart of the process would help."""
    stuck = list(request.app.state.queries.live.stuck())
    return PlainTextResponse("\n".join([*stuck, ""]) if stuck else "ok\n", status_code=503 if stuck else 200)


async def readyz(request: Request) -> Response:
    """Answer whether this monitor can serve pages and look; 503 with the reasons if it cannot.

    A doubt about its evidence, such as a calendar that could not be read, does not make it unready.
    """
    live = request.app.state.queries.live
    reasons, all_reasons = list(live.unable()), live.unready()
    doubts = [reason for reason in all_reasons if reason not in reasons]
    content = {"ready": not reasons, "reasons": reasons, "doubts": doubts}
    return JSONResponse(content, status_code=503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """Return the metrics for Prometheus. Looks can run between two metrics, so that no look waits for all of them."""
    queries = request.app.state.queries
    page = b"".join([metric async for metric in with_pauses(queries.live.metrics(), queries.clock)])
    headers = {"Vary": "Accept-Encoding"}
    return Response(page, headers=headers, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _respond_to_error(request: Request, error: Exception) -> Response:
    """Return a page about an error, or a problem_response document (RFC 9457) below `/api/`."""
    status, text, headers = 500, "This is our fault. It is in the log.", None
    if isinstance(error, HTTPException):
        words = "There is nothing at" if error.status_code == 404 else f"{error.detail}:"
        status, text, headers = error.status_code, f"{words} {request.url.path}", error.headers
    elif isinstance(error, NinethirtyError):
        status, text = http_status(error), str(error)
    is_api = request.url.path.startswith("/api/")
    response = problem_response(status, text) if is_api else pages.fault_page(request, status, text)
    response.headers.update(headers or {})
    return response


def make_application(queries: Queries) -> AccessLog:
    """Return the application that answers from `queries`. It identifies each viewer before anything is queried."""
    # Starlette uses the first route that matches, so /incidents/new must be before /incidents/{incident}.
    modules = [acknowledge, runbook, log_page, silences, incident_form, incident_page, history, board, live, release]
    modules += [pages, api, month, reports, feeds]
    sign_in_routes = signin.ROUTES if queries.door is not None and queries.door.lets_in else []
    shown = [*pages.ASSET_ROUTES, *sign_in_routes, *(route for module in modules for route in module.ROUTES)]
    health = [Route("/healthz", healthz), Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
    handlers: dict[int | type[Exception], Callable[..., object]] = {
        NinethirtyError: _respond_to_error,
        Busy: signin.refuse_too_many_attempts,
        HTTPException: _respond_to_error,
        Exception: _respond_to_error,
    }
    app = Starlette(
        middleware=[Middleware(signin.Authorise, queries=queries)],
        routes=[*health, *shown],
        exception_handlers=handlers,  # type: ignore[arg-type] # starlette's own type is narrower than what it check_parameters
    )
    app.state.queries, app.state.live = queries, LiveBoard(queries)
    app.state.history, app.state.reporting = history.HistoryCache(), asyncio.Lock()
    app.state.calendars = feeds.CalendarCache(queries)
    inner: ASGIApp = app if queries.redactor is None else RedactSecrets(app, queries.redactor)
    return AccessLog(AddSecurityHeaders(GzipMetrics(inner)), queries.clock, app.state.live.close)
