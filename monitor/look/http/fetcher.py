"""The fetcher that goes out: one request over HTTP, nothing followed, nothing tried twice."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import httpx

from monitor import __version__
from monitor.clock import Clock
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.look.guard import Guard, Origin, RefusedAddress
from monitor.look.http.body import Body, UnusableBody
from monitor.look.http.proxy import Proxies
from monitor.look.http.request_bytes import Asked, Asker, Headers
from monitor.look.http.resolve import Resolver, Router
from monitor.look.http.stock import StockTransport
from monitor.look.http.timing import RequestTiming
from monitor.look.http.transport import LeanTransport
from monitor.plan.budget import MOST_AT_ONCE, Budget, at_once

USER_AGENT = f"ninethirty/{__version__}"
_BODILESS = (204, 304)


class Reply(Protocol):
    """An answer whose body is still to come; `headers` have their names as they came."""

    status: int
    headers: Headers

    async def fill(self, body: Body) -> None:
        """Give a body its bytes as they come, until its end or until it wants no more. Raises httpx's own faults."""

    async def close(self) -> None:
        """Let go of the connection."""


class Transport(Protocol):
    """Carries requests to one origin."""

    async def ask(self, asked: Asked, trip: RequestTiming) -> Reply:
        """Send one request and wait for the headers of its answer. Raises httpx's own faults."""

    async def aclose(self) -> None:
        """Close every connection."""


Engine = Callable[[Origin, Resolver, ssl.SSLContext, int], Transport]
"""Makes the transport of one origin."""

ENGINES: dict[str, Engine] = {"lean": LeanTransport, "stock": StockTransport}

_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (httpx.PoolTimeout, Reason.POOL),
    (httpx.TimeoutException, Reason.TIMEOUT),
    (httpx.UnsupportedProtocol, Reason.REFUSED_ADDRESS),
    (httpx.InvalidURL, Reason.REFUSED_ADDRESS),
    (httpx.ConnectError, Reason.CONNECT),
    (httpx.NetworkError, Reason.RESET),
    (httpx.ProtocolError, Reason.PROTOCOL),
)


class HttpFetcher:
    """Makes requests with httpx, each origin on a transport of its own.

    `budget` tells how many connections a host may need at once.
    `seconds` bounds the whole of a request, name and body included. `contact` is told in the User-Agent.
    `engine` makes the transports: the lean one, or httpx's own to compare with, which also goes through `proxies`.
    The task that fetches must not be cancelled except at shutdown.
    """

    def __init__(  # noqa: PLR0913  # each is a choice of its own, most are left alone
        self,
        clock: Clock,
        guard: Guard | None = None,
        route: Router | None = None,
        *,
        budget: Budget | None = None,
        contact: str = "",
        seconds: float = 15.0,
        engine: Engine = LeanTransport,
        context: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._clock = clock
        self._guard = guard or Guard()
        self._finder = Resolver(self._guard, route)
        agent = f"{USER_AGENT} (+{contact})" if contact else USER_AGENT
        always = [(b"User-Agent", agent.encode("ascii", "replace")), (b"Accept-Encoding", b"gzip")]
        self._asker = Asker(self._guard, always, seconds, int(clock.now().timestamp() * 1000))
        self._seconds = seconds
        self._budget = budget or Budget()
        self._engine = engine
        self._proxies = proxies or Proxies()
        # Reading the certificates takes a while: before the first look, and once for the process.
        self._context = context or (None if route else shared_context())
        self._transports: dict[Origin, Transport] = {}
        self._retired: list[Transport] = []

    async def fetch(self, request: Request, more: Headers | None = None, body: bytes = b"") -> Answer | Failure:
        """Make one request. Never raises for what the network or the other side does.

        `more` headers and a `body` go with it where there are some. What has a body is never sent twice.
        """
        trip = RequestTiming(self._clock, self._seconds)
        trip.fresh = bool(body)
        try:
            asked = self._asker.asked(request, more, body)
            return await _answered(request, asked, await self._reply(asked, trip), trip)
        except (RefusedAddress, UnusableBody, httpx.TransportError, httpx.InvalidURL, ValueError, OSError) as exc:
            reason, detail = _told(exc, trip)
            return Failure(request.url, reason, detail, trip.since(), trip.now(), trip.before)

    async def close(self) -> None:
        """Let go of all connections."""
        transports, self._transports = [*self._transports.values(), *self._retired], {}
        self._retired = []
        for transport in transports:
            await transport.aclose()

    async def _reply(self, asked: Asked, trip: RequestTiming) -> Reply:
        origin = asked.common.origin
        transport = self._transports.get(origin) or self._opened(origin)
        try:
            # A kept connection that the server closed just then is replaced once; the others kept are passed over.
            for _ in range(MOST_AT_ONCE + 1):
                try:
                    return await transport.ask(asked, trip)
                except (httpx.NetworkError, httpx.RemoteProtocolError):
                    if not trip.is_stale():
                        raise
                    trip.again()
            return await transport.ask(asked, trip)
        except httpx.PoolTimeout:
            self._retire(origin)
            raise

    def _retire(self, origin: Origin) -> None:
        # httpcore's pool can be stuck for good once a request was cancelled in it; ours cannot.
        if isinstance(self._transports.get(origin), StockTransport):
            self._retired.append(self._transports.pop(origin))

    def _opened(self, origin: Origin) -> Transport:
        self._context = self._context or shared_context()
        most, proxy = at_once(self._budget.rate(origin.host)), self._proxies.of(origin.host)
        transport: Transport
        if proxy is None:
            transport = self._engine(origin, self._finder, self._context, most)
        else:
            transport = StockTransport(origin, self._finder, self._context, most, proxy)
        self._transports[origin] = transport
        return transport


@lru_cache(maxsize=1)
def shared_context() -> ssl.SSLContext:
    """Return the TLS context of the process, with the machine's certificates."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _answered(request: Request, asked: Asked, reply: Reply, trip: RequestTiming) -> Answer:
    headers, status, head = _headers(reply.headers), reply.status, asked.common.head
    sent, received, before = trip.sent or trip.now(), trip.received or trip.now(), trip.before
    try:
        body, whole = b"", True
        if request.method != "HEAD" and status not in _BODILESS:
            taken = Body(headers.get("content-encoding", ""), request.cap, enough=request.enough)
            await reply.fill(taken)
            body, whole = taken.end(), taken.whole
        return Answer(request.url, status, headers, body, sent, received, whole, request, head, asked.unique, before)
    finally:
        await reply.close()


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = _key(name), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _told(exc: Exception, trip: RequestTiming) -> tuple[Reason, str]:
    if trip.fault is not None:
        return trip.fault
    if isinstance(exc, RefusedAddress):
        return Reason.REFUSED_ADDRESS, str(exc)
    if isinstance(exc, UnusableBody):
        return exc.reason, str(exc)
    if isinstance(exc, httpx.ConnectError) and _is_tls(exc):
        return Reason.TLS, "the certificate or the handshake was refused"
    if isinstance(exc, httpx.ProtocolError | httpx.NetworkError) and trip.received is not None:
        return Reason.TRUNCATED, "the answer broke off"
    # What is neither, libraries say of addresses and headers that they stumble over.
    otherwise = Reason.REFUSED_ADDRESS if trip.sent is None else Reason.PROTOCOL
    reason = next((reason for kind, reason in _REASONS if isinstance(exc, kind)), otherwise)
    if isinstance(exc, httpx.RemoteProtocolError) and not trip.heard:
        reason = Reason.RESET
    return reason, type(exc).__name__


def _is_tls(exc: BaseException | None) -> bool:
    while exc is not None:
        if isinstance(exc, ssl.SSLError):
            return True
        exc = exc.__cause__ or exc.__context__
    return False
