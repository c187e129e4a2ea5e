"""Requests to the simulated publisher and its replies, as objects; `to_bytes` makes the bytes of a
reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from http import HTTPStatus

_STATUSES_WITHOUT_BODY = {204, 304}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that the publisher received.

    `host` has no port, `path` no query. Header names are in lower case.
    """

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The requested address, with https as in a script."""
        return f"https://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Reply:
    """One response. The publisher sends it `latency` after the request, in virtual time."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    latency: timedelta = timedelta()

    def with_default_headers(self, headers: Mapping[str, str]) -> Reply:
        """Return the reply with these headers added. Headers that it already has keep their
        values.
        """
        return replace(self, headers={**headers, **self.headers})

    def with_etag(self, request: ReceivedRequest) -> Reply:
        """Return the reply with an ETag of its body, or a 304 if `request` already has that
        ETag.
        """
        etag = f'"{sha256(self.body).hexdigest()[:32]}"'
        tagged = self.with_default_headers({"ETag": etag})
        known = [
            one.strip().removeprefix("W/")
            for one in request.headers.get("if-none-match", "").split(",")
        ]
        return (
            replace(tagged, status=304, body=b"")
            if self.status == 200 and etag in known
            else tagged
        )


def html_reply(status: int, page: str) -> Reply:
    """Return a reply with an HTML page."""
    return Reply(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def to_bytes(reply: Reply, request: ReceivedRequest, now: datetime) -> bytes:
    """Return the HTTP response as bytes. Its `Date` is `now` unless the reply has its own."""
    headers = {"Date": format_datetime(now, usegmt=True), **reply.headers}
    if reply.status not in _STATUSES_WITHOUT_BODY:
        headers.setdefault("Content-Length", str(len(reply.body)))
    status_line = f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Unknown')}"
    lines = [status_line, *(f"{name}: {value}" for name, value in headers.items())]
    body = b"" if request.method == "HEAD" or reply.status in _STATUSES_WITHOUT_BODY else reply.body
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
