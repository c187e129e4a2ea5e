"""The seam to the network: one request, one answer or one failure, never a retry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from sys import intern
from typing import Protocol


class Reason(StrEnum):
    """Why a look failed. A failed look proves nothing. After a `MONITOR_FAULT` our own code broke it, not the host."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    PROTOCOL = "protocol"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    ENCODING = "encoding"
    REFUSED_ADDRESS = "refused_address"
    POOL = "pool"
    MONITOR_FAULT = "monitor_fault"


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. `cap` is the most decoded bytes to take; `enough` True makes reaching it no failure.

    `bust` adds a query string that no cache has seen. `etag` and `modified` make the request conditional.
    """

    url: str
    method: str = "GET"
    accept: str = "*/*"
    cap: int = 1_000_000
    enough: bool = False
    bust: bool = False
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` have lower-case names; `body` is decoded and at most `cap` bytes.

    `sent` is the instant before the first byte of the request left, `received` the one after the last
    header arrived, both by this monitor's clock. `whole` is False when the body was cut at the cap. What was asked, for
    the record: `request`; `head`, all that its host was told besides address and conditions, byte for byte; and
    `unique`, the number in the query of one with `bust`. `before` counts the requests that went out in vain before it,
    on a kept connection that its host had closed.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: datetime
    received: datetime
    whole: bool = True
    request: Request | None = None
    head: bytes = b""
    unique: int | None = None
    before: int = 0
    _digest: str = field(default="", init=False, compare=False, repr=False)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the body, in hex; of one that was cut, with its whole length where that is told."""
        if not self._digest:
            body = sha256(self.body)
            if not self.whole and not self.headers.get("content-encoding"):
                # A file swapped for another that begins alike nearly always differs in its length.
                body.update(self.headers.get("content-length", "").encode())
            # The views of a page bring the same bytes, and so do many pages that are missing.
            object.__setattr__(self, "_digest", intern(body.hexdigest()))
        return self._digest


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that brought no usable answer. `detail` is fit for a log: no body, no secret; `before` as above."""

    url: str
    reason: Reason
    detail: str
    sent: datetime
    received: datetime
    before: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A further address that an answer revealed: an attachment, an HTML part, a listed page."""

    url: str
    title: str
    role: str
    facts: Mapping[str, str] = field(default_factory=dict)


class Fetcher(Protocol):
    """Makes requests."""

    async def fetch(self, request: Request) -> Answer | Failure:
        """Make one request. Never raises for what the network or the other side does."""

    async def close(self) -> None:
        """Let go of all connections."""
