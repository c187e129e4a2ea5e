"""One log line for each request, with an id that every line written on its behalf carries and the answer tells."""

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
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
_POLLED = {"/healthz", "/livez", "/readyz", "/metrics"}
HEADER = "X-Request-ID"


@dataclass(frozen=True, slots=True)
class Access:
    """Names each request and logs how it ended. Query strings may hold tokens and are never logged."""

    app: ASGIApp
    clock: Clock
    # Ends what would go on for as long as its reader likes.
    close: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name, began, status = _name(scope), self.clock.monotonic(), 500

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        with structlog.contextvars.bound_contextvars(request=name):
            try:
                await self.app(scope, receive, named)
            finally:
                # Machines ask for these every few seconds.
                log = _log.debug if scope["path"] in _POLLED and status < 400 else _log.info
                seconds = round(self.clock.monotonic() - began, 6)
                log("request", method=scope["method"], path=scope["path"], status=status, seconds=seconds)


def _name(scope: Scope) -> str:
    """Return the id that a proxy in front gave, or a new one."""
    given = Headers(scope=scope).get(HEADER, "")
    return given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
