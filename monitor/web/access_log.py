"""One log line for each request. Its id is in every log line of the request and in a response header."""

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
_POLLED = {"/healthz", "/livez", "/readyz", "/metrics"}
HEADER = "X-Request-ID"


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Gives each request an id and logs how it ended. Query strings are not logged, because they can contain tokens."""

    app: ASGIApp
    clock: Clock
    # Ends the event streams, which otherwise last as long as their readers stay.
    close: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex
        began, status = self.clock.monotonic(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                # Machines poll these addresses every few seconds.
                log = _log.debug if scope["path"] in _POLLED and status < 400 else _log.info
                seconds = round(self.clock.monotonic() - began, 6)
                log("request", method=scope["method"], path=scope["path"], status=status, seconds=seconds)
