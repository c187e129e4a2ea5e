"""Compression of `/metrics`, whose thousands of similar lines shrink to a twentieth."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.threads import run_in_thread

_LEVEL = 1
"""The fastest level. Higher ones take several times as long and save little on text like this."""


@dataclass(frozen=True, slots=True)
class GzipMetrics:
    """Compresses `/metrics` for clients that accept gzip. It must wrap whatever removes secrets from the text.

    Other pages stay as they are: they contain form tokens beside text that a visitor chooses, and the length of such
    a page once compressed can give the token away (the BREACH attack).
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
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
            packed = await run_in_thread(partial(gzip.compress, body, _LEVEL, mtime=0))
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
