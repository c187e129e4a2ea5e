"""Middleware for every request: the access log, security headers, and the removal of secrets from
responses.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.clock import Clock

_log = structlog.get_logger(__name__)
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Machines request these every few seconds.
_POLLED = {"/healthz", "/livez", "/readyz", "/metrics", "/metrics/embargoed", "/board"}
_LONGEST_METHOD, _LONGEST_PATH = 20, 300
"""Characters in the log. A stranger can send thousands."""
_ID_HEADER = "X-Request-ID"
_BINARY = ("application/vnd", "application/zip", "image/png")


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Gives each request an id, or keeps a valid one that it has, and logs how it ended.

    Query strings are not logged, because they can contain tokens.
    """

    app: ASGIApp
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, give its response an id, and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_ID_HEADER, "")
        request_id = given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex
        began, status = self.clock.monotonic(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_ID_HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                log = _log.debug if scope["path"] in _POLLED and status < 400 else _log.info
                seconds = round(self.clock.monotonic() - began, 6)
                client = scope.get("client") or ("",)
                log(
                    "request",
                    method=scope["method"][:_LONGEST_METHOD],
                    path=scope["path"][:_LONGEST_PATH],
                    status=status,
                    seconds=seconds,
                    client=client[0],
                )


SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class AddSecurityHeaders:
    """Adds `SECURITY_HEADERS` to every response, except a header that the response sets itself.
    Over https, it also tells browsers to use only that.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers.update(
                    {name: value for name, value in SECURITY_HEADERS.items() if name not in headers}
                )
            await send(message)

        await self.app(scope, receive, send_with_headers)


@dataclass(frozen=True, slots=True)
class RedactSecrets:
    """Removes secrets that configured addresses contain from the body of every text response.

    A response is sent once its body is complete, because removing secrets changes its length. One
    that is compressed is not read: `/metrics` removes secrets before it compresses.
    """

    app: ASGIApp
    redactor: Callable[[str], str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and remove secrets from its response."""
        start: Message = {}
        body = bytearray()

        def redact(text: bytes) -> bytes:
            return self.redactor(text.decode("utf-8", "surrogateescape")).encode(
                "utf-8", "surrogateescape"
            )

        async def send_redacted(message: Message) -> None:
            is_start = message["type"] == "http.response.start"
            if is_start:
                start.update(message)
            headers = MutableHeaders(scope=start)
            media_type = headers.get("content-type", "")
            body.extend(message.get("body", b""))
            if is_start or message.get("more_body", False):
                return
            is_text = "content-encoding" not in headers and not media_type.startswith(_BINARY)
            content = redact(bytes(body)) if is_text else bytes(body)
            # Responses to HEAD and of status 304 have the length of a body that they lack.
            if content:
                headers["content-length"] = str(len(content))
            await send(start)
            await send({"type": "http.response.body", "body": content})

        await self.app(scope, receive, send_redacted)
