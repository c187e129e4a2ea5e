"""The interface to the network: one request gives one answer or one failure, never a retry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from sys import intern
from typing import Protocol


class Reason(StrEnum):
    """Why a look failed.

    `MONITOR_FAULT`: our own code failed, not the host.
    """

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


_SENTENCES: Mapping[str, str] = {
    Reason.DNS: "its host has no address in DNS",
    Reason.CONNECT: "no connection to its host",
    Reason.TLS: "its certificate or TLS is faulty",
    Reason.TIMEOUT: "no answer in time, see timeout in [network]",
    Reason.RESET: "its host reset the connection",
    Reason.PROTOCOL: "its answer is not HTTP",
    Reason.TRUNCATED: "its answer was cut short",
    Reason.TOO_LARGE: "its answer is too large",
    Reason.ENCODING: "its answer has an unreadable encoding",
    Reason.REFUSED_ADDRESS: "its address or port is not allowed, see allow and ports in [network]",
    Reason.POOL: "no connection was free",
    Reason.MONITOR_FAULT: "a fault of the monitor, see its log",
}


def describe_why(why: str) -> str:
    """Return why a look proved nothing, in words for people, with the key that may cure it."""
    return _SENTENCES.get(why, why)


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    `cap` is the most decoded bytes to read. A longer body is a failure, or is cut if `may_cut`.
    `bust` adds a query that no cache has seen. `etag` and `modified` are from an earlier answer,
    and make the request conditional.
    """

    url: str
    method: str = "GET"
    accept: str = "*/*"
    cap: int = 1_000_000
    may_cut: bool = False
    bust: bool = False
    etag: str | None = None
    modified: str | None = None


@dataclass(slots=True)
class Answer:
    """An answer, which is never changed.

    It is not `frozen`, because making a frozen object for each look is slow.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    """With lower-case names."""
    body: bytes
    """Decoded, at most `cap` bytes."""
    sent: datetime
    """Just before the first byte of the request was sent, by this monitor's clock."""
    received: datetime
    """Just after the last header arrived, by this monitor's clock."""
    whole: bool = True
    """False if the body was cut at the cap."""
    request: Request | None = None
    """Kept as evidence."""
    head: bytes = b""
    """The part of the request after its address, without conditions. Also kept as evidence."""
    unique: int | None = None
    """The number in the query of a request with `bust`."""
    lost_before: int = 0
    """How many requests were lost on kept connections that the host had closed."""
    _digest: str = field(default="", init=False, compare=False, repr=False)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the body in hex.

        If it was cut, the full length that the headers state counts too.
        """
        if not self._digest:
            sha = sha256(self.body)
            # The stated length of an encoded body is that of its encoded form.
            if not self.whole and not self.headers.get("content-encoding"):
                # A replaced file that begins with the same bytes nearly always has another length.
                sha.update(self.headers.get("content-length", "").encode())
            # All missing pages of a host have the same bytes, and share one text.
            self._digest = intern(sha.hexdigest())
        return self._digest


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a usable answer.

    `detail` contains no body and no secret. `lost_before` is as in `Answer`.
    """

    url: str
    reason: Reason
    detail: str
    sent: datetime
    received: datetime
    lost_before: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """Another address that an answer names.

    `role` says what it is, such as `attachment`, `html` or `listed`.
    """

    url: str
    title: str
    role: str
    facts: Mapping[str, str] = field(default_factory=dict)


class Fetcher(Protocol):
    """Makes requests."""

    async def fetch(self, request: Request) -> Answer | Failure:
        """Make one request.

        A fault of the network or of the host is returned as a `Failure`, never raised.
        """

    async def close(self) -> None:
        """Close all connections."""
