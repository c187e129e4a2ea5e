"""Fetches one address over HTTP, without redirects and without retries."""

from __future__ import annotations

import ssl
from datetime import datetime
from functools import lru_cache

import httpx

from monitor import __version__
from monitor.clock import Clock
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.guard import Guard, RefusedAddress
from monitor.look.http.body import Body, UnusableBody
from monitor.look.http.connection import Connection, RequestTiming
from monitor.look.http.request_bytes import Headers, RequestBytes, RequestWriter
from monitor.look.http.resolve import Proxies, Resolver, Router
from monitor.look.http.transport import HttpTransport, explain_failure
from monitor.plan.budget import Budget, concurrent_requests

_BODILESS = (204, 304)


def user_agent(contact: str) -> str:
    """Return the User-Agent of our requests, which names `contact` unless it is empty."""
    agent = f"ninethirty/{__version__}"
    return f"{agent} (+{contact})" if contact else agent


class HttpFetcher:
    """Makes requests through `HttpTransport`, and returns each outcome with the instants that count
    as evidence.

    `budget` limits how many connections a host may have at once. `seconds` limits a whole request,
    from the lookup of its name to the end of its body. `contact` is sent in the User-Agent. Cancel
    a task that fetches only at shutdown.
    """

    def __init__(  # noqa: PLR0913  # each is a choice of its own, and most keep their default
        self,
        clock: Clock,
        guard: Guard | None = None,
        route: Router | None = None,
        *,
        budget: Budget | None = None,
        contact: str = "",
        seconds: float = 15.0,
        context: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
        certificates: dict[str, datetime] | None = None,
    ) -> None:
        """Prepare requests without sending any.

        Rehearsals and tests give a `route` in place of the lookup of names. `certificates` gets the
        end of each host's certificate.
        """
        self._clock = clock
        self._seconds = seconds
        resolver = Resolver(guard or Guard(), route, proxies or Proxies())
        rate_of = (budget or Budget()).rate  # requests a second
        self._transport = HttpTransport(
            clock,
            resolver,
            connections=lambda host: concurrent_requests(rate_of(host)),
            context=context,
            certificates={} if certificates is None else certificates,
        )
        always = [
            (b"User-Agent", user_agent(contact).encode("ascii", "replace")),
            (b"Accept-Encoding", b"gzip"),
        ]
        # Unique queries count up from the milliseconds since 1970, so that no earlier process has
        # used them.
        self._writer = RequestWriter(
            resolver.guard, always, first=int(clock.now().timestamp() * 1000)
        )

    async def fetch(self, request: Request) -> Answer | Failure:
        """Make one request.

        A fault of the network or of the host is returned as a `Failure`, never raised.
        """
        timing = RequestTiming(self._clock, self._seconds)
        try:
            written = self._writer.write(request)
            is_head = request.method == "HEAD"
            connection = await self._transport.send(
                written.origin, written.data, timing, is_head=is_head
            )
            try:
                return await _read_answer(request, written, connection, timing)
            finally:
                await connection.close()
        except (
            RefusedAddress,
            UnusableBody,
            httpx.TransportError,
            httpx.InvalidURL,
            ValueError,
            OSError,
        ) as exc:
            reason, detail = explain_failure(exc, timing)
            return Failure(
                request.url,
                reason,
                detail,
                timing.sent_or_begun(),
                timing.now(),
                timing.lost_before,
            )

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


async def _read_answer(
    request: Request, written: RequestBytes, connection: Connection, timing: RequestTiming
) -> Answer:
    """Return the answer with its body, if it can have one."""
    headers = _read_headers(connection.headers)
    sent, received = timing.sent or timing.now(), timing.received or timing.now()
    content, whole = b"", True
    if request.method != "HEAD" and connection.status not in _BODILESS:
        body = Body(headers.get("content-encoding", ""), request.cap, may_cut=request.may_cut)
        await connection.read_into(body)
        content, whole = body.end(), body.is_whole
    return Answer(
        request.url,
        connection.status,
        headers,
        content,
        sent,
        received,
        whole,
        request,
        head=written.head,
        unique=written.unique,
        lost_before=timing.lost_before,
    )


def _read_headers(raw: Headers) -> dict[str, str]:
    """Return headers by lower-case name. The values of a repeated header are joined with commas."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = _header_name(name), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


@lru_cache(maxsize=1024)
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()
