"""httpx's own transport behind our guard: pinned addresses, one deadline for everything, instants."""

from __future__ import annotations

import ssl
import typing
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextvars import Token

import httpcore
import httpx

from monitor.look.guard import Origin, RefusedAddress
from monitor.look.http.body import Body
from monitor.look.http.connection import Headers
from monitor.look.http.names import NoAddress
from monitor.look.http.proxy import CONNECT_SECONDS, Proxy, Tunnels
from monitor.look.http.request_bytes import Asked
from monitor.look.http.resolve import Resolver, Route, routes_of
from monitor.look.http.timing import TRIP, RequestTiming

KEEP_SECONDS = 60.0


class _Stream(httpcore.AsyncNetworkStream):
    """A connection whose every wait ends with the deadline of the trip that uses it."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, route: Route) -> None:
        self._inner = inner
        self._route = route
        self._first: RequestTiming | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's word
        trip = _trip()
        if trip.passes_over():
            raise httpcore.ReadError("passed over for a new connection")
        if trip.is_over():
            # What is there already is read without waiting, and nothing would ever end it.
            raise httpcore.ReadTimeout("no end within the deadline")
        chunk = await self._inner.read(max_bytes, trip.left(timeout))
        trip.heard = trip.heard or bool(chunk)
        return chunk

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  # as read
        trip = _trip()
        if self._first is None:
            self._first = trip
        trip.reused = self._first is not trip
        if trip.passes_over():
            raise httpcore.WriteError("passed over for a new connection")
        trip.leaves()
        await self._inner.write(buffer, trip.left(timeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # as read
    ) -> httpcore.AsyncNetworkStream:
        if not self._route.tls:
            return self
        inner = await self._inner.start_tls(ssl_context, server_hostname, _trip().left(timeout))
        return _Stream(inner, self._route)

    def get_extra_info(self, info: str) -> typing.Any:  # noqa: ANN401  # httpcore's signature
        return self._inner.get_extra_info(info)


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that the finder allows, whatever the name says now."""

    def __init__(self, origin: Origin, finder: Resolver, tunnels: Tunnels | None) -> None:
        self._origin = origin
        self._finder = finder
        self._tunnels = tunnels
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002  # the origin says it as the guard read it
        port: int,  # noqa: ARG002  # as host
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  # the trip's deadline is nearer
        local_address: str | None = None,  # noqa: ARG002  # never given
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  # never given
    ) -> httpcore.AsyncNetworkStream:
        trip = _trip()
        if self._tunnels is not None:
            return _Stream(*await self._tunnels.open(self._inner, self._origin, trip))
        try:
            routes = await routes_of(self._finder, self._origin, trip)
        except (RefusedAddress, NoAddress) as exc:
            raise httpcore.ConnectError(str(exc)) from exc
        for route in routes[:-1]:
            try:
                return await self._connect(route, trip.left(CONNECT_SECONDS / 2))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._connect(routes[-1], trip.left(CONNECT_SECONDS))

    async def _connect(self, route: Route, seconds: float) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.connect_tcp(route.address, route.port, seconds), route)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class StockTransport(httpx.AsyncHTTPTransport):
    """httpx's transport with a network of our own, for one origin."""

    def __init__(
        self, origin: Origin, finder: Resolver, context: ssl.SSLContext, most: int, proxy: Proxy | None = None
    ) -> None:
        """Open nothing yet; `context` is shared by all origins. With a `proxy` its name alone is resolved here."""
        super().__init__(verify=context, trust_env=False)
        tunnels = Tunnels(proxy, finder.guard, finder.names) if proxy is not None else None
        # The pool is httpx's private attribute, the only way to its network: hence httpx==0.28.*.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=most,
            max_keepalive_connections=most,
            keepalive_expiry=KEEP_SECONDS,
            network_backend=_Backend(origin, finder, tunnels),
        )

    async def ask(self, asked: Asked, trip: RequestTiming) -> StockReply:
        """Send one request and wait for the headers of its answer. Raises httpx's own faults."""
        token, response = TRIP.set(trip), None
        try:
            response = await self.handle_async_request(asked)
        finally:
            if response is None:
                TRIP.reset(token)
        trip.arrives()
        return StockReply(response, token)


class StockReply:
    """An answer of httpx whose body is still to come."""

    def __init__(self, response: httpx.Response, trip: Token[RequestTiming | None]) -> None:
        self.status: int = response.status_code
        self.headers: Headers = response.headers.raw
        self._response = response
        self._chunks: AsyncIterator[bytes] = aiter(typing.cast("AsyncIterable[bytes]", response.stream))
        self._trip = trip

    async def fill(self, body: Body) -> None:
        """Give a body its bytes as they come, until its end or until it wants no more. Raises httpx's own faults."""
        async for chunk in self._chunks:
            if not body.feed(chunk):
                return

    async def close(self) -> None:
        """Let go of the connection."""
        try:
            await self._response.aclose()
        finally:
            TRIP.reset(self._trip)


def _trip() -> RequestTiming:
    trip = TRIP.get()
    if trip is None:
        raise httpcore.UnsupportedProtocol("no trip is under way in this task")
    return trip
