"""What the simulated publisher is asked, and what it answers, before either is bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus

_NO_BODY = {204, 304}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `host` without a port, `path` without the query, header names in lower case."""

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the address asked for, as a script would write it."""
        return f"https://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `latency` is how long the publisher takes for it, in virtual time."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    latency: timedelta = timedelta()

    def having(self, headers: Mapping[str, str]) -> Reply:
        """Return the same answer with more headers; those it has itself stay."""
        return replace(self, headers={**headers, **self.headers})

    def tagged(self, asked: Asked) -> Reply:
        """Return the answer with its entity tag, or 304 when the asker has that very body."""
        tag = f'"{sha256(self.body).hexdigest()[:32]}"'
        told = self.having({"ETag": tag})
        known = [one.strip().removeprefix("W/") for one in asked.headers.get("if-none-match", "").split(",")]
        return replace(told, status=304, body=b"") if self.status == 200 and tag in known else told


def html(status: int, page: str) -> Reply:
    """Return a page of HTML."""
    return Reply(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


@lru_cache(maxsize=16)
def _date(now: datetime) -> str:
    return format_datetime(now, usegmt=True)


def to_bytes(reply: Reply, asked: Asked, now: datetime) -> bytes:
    """Return the answer as it goes over the wire: one piece, `Date` by the publisher's clock."""
    headers = {"Date": _date(now), **reply.headers}
    if reply.status not in _NO_BODY:
        headers.setdefault("Content-Length", str(len(reply.body)))
    head = [
        f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Unknown')}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    body = b"" if asked.method == "HEAD" or reply.status in _NO_BODY else reply.body
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace") + body
