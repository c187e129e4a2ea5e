"""Sends all HTTP/1.1 requests."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import lru_cache

import httpx

from monitor.clock import Clock
from monitor.look.fetch import Reason
from monitor.look.guard import Origin, RefusedAddress
from monitor.look.http.body import Body, UnusableBody
from monitor.look.http.connection import Connection, RequestTiming
from monitor.look.http.request_bytes import header_lines
from monitor.look.http.resolve import NoAddress, Resolver, Route
from monitor.plan.budget import MOST_CONCURRENT

_CONNECT_SECONDS = 5.0
_KEEP_SECONDS = 60.0
_CLIENT_CAP = 500_000
"""Decoded bytes that an `httpx.AsyncClient` may read."""

_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Reason], ...] = (
    ((RefusedAddress, httpx.UnsupportedProtocol, httpx.InvalidURL), Reason.REFUSED_ADDRESS),
    (httpx.PoolTimeout, Reason.POOL),
    (httpx.TimeoutException, Reason.TIMEOUT),
    (httpx.ConnectError, Reason.CONNECT),
    (httpx.NetworkError, Reason.RESET),
    (httpx.ProtocolError, Reason.PROTOCOL),
)


@dataclass(eq=False)
class HttpTransport(httpx.AsyncBaseTransport):
    """Sends each request once, to addresses that the guard admits, through a proxy if configured.

    It follows no redirects. Looks call `send`, everything else an `httpx.AsyncClient(transport=…)`,
    whose request may take `seconds`. `connections` returns how many a host may have. `certificates`
    gets the end of each host's newest certificate.
    """

    clock: Clock
    resolver: Resolver
    _: KW_ONLY
    seconds: float = 15.0
    connections: Callable[[str], int] = lambda _host: MOST_CONCURRENT
    context: ssl.SSLContext | None = None
    certificates: dict[str, datetime] = field(default_factory=dict)
    _pools: dict[Origin, _Pool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the machine's certificates now, because later that would delay the first look."""
        self.context = self.context or (None if self.resolver.router else shared_context())

    async def send(
        self, origin: Origin, request: bytes, timing: RequestTiming, *, is_head: bool = False
    ) -> Connection:
        """Return the connection of a request, which is sent again if the server had closed it.

        Raises `httpx.TransportError`.
        """
        pool = self._pools.get(origin)
        if pool is None:
            self.context = self.context or shared_context()
            most = self.connections(origin.host)
            pool = self._pools[origin] = _Pool(
                origin, self.resolver, self.context, most, self.clock, self.certificates
            )
        try:
            return await pool.send(request, timing, is_head=is_head)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            had_server_closed_it = timing.reused and not timing.has_response
            if not had_server_closed_it:
                raise
        timing.restart()
        return await pool.send(request, timing, is_head=is_head)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of an `httpx` client. The body is still to be read.

        `httpx.TransportError` has only a `Reason` as text: addresses may be secret.
        """
        content = await request.aread()
        url = request.url
        timing = RequestTiming(self.clock, self.seconds)
        # One that changes something is never sent twice.
        timing.needs_new_connection = bool(content) or request.method not in ("GET", "HEAD")
        try:
            origin = self.resolver.guard.origin_of(url.scheme, url.host, url.port)
            proxy = self.resolver.proxies.proxy_for(origin.host)
            is_forwarded = proxy is not None and not proxy.tunnels_http and origin.scheme == "http"
            # A proxy that forwards the request needs the whole address.
            address = url.raw_path
            if is_forwarded:
                address = b"http://%s%s" % (url.netloc, url.raw_path)
            headers = [
                (name, value)
                for name, value in request.headers.raw
                if name.lower() != b"accept-encoding"
            ]
            lines = header_lines([*headers, (b"Accept-Encoding", b"gzip")])
            data = b"%s %s HTTP/1.1\r\n%s\r\n%s" % (
                request.method.encode("ascii"),
                address,
                lines,
                content,
            )
            connection = await self.send(origin, data, timing, is_head=request.method == "HEAD")
        except RefusedAddress as exc:
            raise httpx.UnsupportedProtocol(Reason.REFUSED_ADDRESS) from exc
        except httpx.TransportError as exc:
            raise type(exc)(explain_failure(exc, timing)[0]) from exc
        answered = httpx.Headers(connection.headers)
        stream = _ClientBody(connection, answered.pop("content-encoding", ""), timing)
        return httpx.Response(connection.status, headers=answered, stream=stream)

    async def aclose(self) -> None:
        """Close all connections."""
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.aclose()


@dataclass(slots=True)
class _ClientBody(httpx.AsyncByteStream):
    """A response's body for a client, decompressed up to `_CLIENT_CAP` bytes."""

    connection: Connection
    encoding: str
    timing: RequestTiming

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = Body(self.encoding, _CLIENT_CAP, may_cut=False)
        try:
            await self.connection.read_into(body)
        except httpx.TransportError as exc:
            raise type(exc)(explain_failure(exc, self.timing)[0]) from exc
        yield body.end()

    async def aclose(self) -> None:
        await self.connection.close()


@dataclass(slots=True, eq=False)
class _Pool:
    """The connections to one origin, each kept for a minute after its last request."""

    origin: Origin
    resolver: Resolver
    context: ssl.SSLContext
    most: int
    clock: Clock
    certificates: dict[str, datetime]
    _connections: set[Connection] = field(default_factory=set)
    _idle: list[Connection] = field(default_factory=list)
    _opening: int = 0
    _is_closed: bool = False
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def send(self, request: bytes, timing: RequestTiming, *, is_head: bool) -> Connection:
        """Send a request, wait for the headers, and return the connection, for the caller to close.

        Raises `httpx.TransportError`.
        """
        connection = await self._take_connection(timing)
        try:
            connection.send(request, timing, is_head=is_head)
            await connection.wait_for_headers()
        except BaseException:  # also a cancellation
            self._give_back(connection)
            raise
        return connection

    async def aclose(self) -> None:
        """Close every connection, also those being opened."""
        self._is_closed = True
        for connection in list(self._connections):
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)

    async def _take_connection(self, timing: RequestTiming) -> Connection:
        """Return an idle connection or a new one, when the origin may have one."""
        while True:
            connection = None
            if not timing.needs_new_connection:
                connection = self._take_idle(timing)
            if connection is not None:
                return connection
            if len(self._connections) + self._opening < self.most:
                return await self._open_connection(timing)
            if timing.needs_new_connection and self._idle:
                self._idle.pop(0).abort()
            await self._wait_for_place(timing)

    def _take_idle(self, timing: RequestTiming) -> Connection | None:
        """Return an idle connection that is open, or None. Close those unused for a minute."""
        oldest = timing.begun - _KEEP_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and connection.used_at > oldest:
                return connection
            connection.abort()
        return None

    async def _wait_for_place(self, timing: RequestTiming) -> None:
        """Wait until a connection is free or may be opened.

        Raises `httpx.PoolTimeout` at the deadline.
        """
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        has_place = False
        try:
            async with asyncio.timeout_at(timing.deadline):
                await turn
            has_place = True
        except TimeoutError as exc:
            raise httpx.PoolTimeout("no connection came free within the deadline") from exc
        finally:
            if not has_place and turn.done() and not turn.cancelled():
                # It was our turn, but this request has ended: the next one takes the place.
                self._wake_next()

    async def _open_connection(self, timing: RequestTiming) -> Connection:
        """Open a connection and add it to the pool. If that fails, the next request may try."""
        self._opening += 1
        connection = None
        try:
            connection = await self._connect_to_origin(timing)
        finally:
            self._opening -= 1
            if connection is None:
                self._wake_next()
        if self._is_closed:
            connection.abort()
            raise httpx.ConnectError("the transport was closed")
        self._connections.add(connection)
        ends = connection.certificate_ends()
        if ends is not None:
            self.certificates[self.origin.host] = ends
        return connection

    async def _connect_to_origin(self, timing: RequestTiming) -> Connection:
        """Return a new connection, by the first route that works. Raises `httpx.TransportError`."""
        try:
            routes = await self.resolver.find_routes(self.origin, timing.seconds_left())
        except (RefusedAddress, NoAddress) as exc:
            reason = Reason.REFUSED_ADDRESS
            if isinstance(exc, NoAddress):
                reason = exc.reason
            timing.fault = (reason, str(exc))
            raise httpx.ConnectError(str(exc)) from exc
        for route in routes[:-1]:
            # A route that does not answer gets half the time, because another may be left to try.
            try:
                return await self._connect_to(
                    route, timing, timing.seconds_left(_CONNECT_SECONDS / 2)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._connect_to(routes[-1], timing, timing.seconds_left(_CONNECT_SECONDS))

    async def _connect_to(self, route: Route, timing: RequestTiming, seconds: float) -> Connection:
        """Return a connection by one route.

        Raises `httpx.ConnectError`, and `httpx.ConnectTimeout` after `seconds`.
        """
        loop = asyncio.get_running_loop()
        context, name = (self.context, self.origin.host) if route.tls else (None, None)
        try:
            if route.tunnel:
                handle = await self._open_tunnel(route, timing, seconds)
                connection = Connection(self._give_back, self._remove_connection)
                handle.set_protocol(connection)
                if context is not None:
                    # in addition to `seconds`
                    async with asyncio.timeout(timing.seconds_left(_CONNECT_SECONDS)):
                        handle = (
                            await loop.start_tls(handle, connection, context, server_hostname=name)
                            or handle
                        )
                # `set_protocol` and `start_tls` do not call this, unlike `create_connection`.
                connection.connection_made(handle)
                return connection
            async with asyncio.timeout(seconds):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._give_back, self._remove_connection),
                    route.address,
                    route.port,
                    ssl=context,
                    server_hostname=name,
                )
        except TimeoutError as exc:
            raise httpx.ConnectTimeout("no connection within the deadline") from exc
        except OSError as exc:
            raise httpx.ConnectError(type(exc).__name__) from exc
        return connection

    async def _open_tunnel(
        self, route: Route, timing: RequestTiming, seconds: float
    ) -> asyncio.Transport:
        """Request a tunnel to the origin from a proxy (CONNECT).

        Return its transport, on which the origin answers.
        """
        loop, host = asyncio.get_running_loop(), self.origin.host
        async with asyncio.timeout(seconds):
            # This connection belongs to no pool, so nothing must be done when it is closed or lost.
            _, to_proxy = await loop.create_connection(
                lambda: Connection(lambda _: None, lambda _: None), route.address, route.port
            )
        name = host
        if ":" in host.strip("[]"):
            name = f"[{host}]"
        request = "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n".format(
            f"{name}:{self.origin.port}"
        ).encode("ascii")
        try:
            # The answer to CONNECT has no body, like that to HEAD: the bytes after its headers are
            # the origin's.
            to_proxy.send(request, RequestTiming(self.clock, timing.seconds_left()), is_head=True)
            await to_proxy.wait_for_headers()
            status = to_proxy.status
            timing.fault = (
                None if 200 <= status < 300 else (Reason.CONNECT, f"the proxy answered {status}")
            )
            handle = to_proxy.detach()  # even if the proxy refused: then it is closed below
        except httpx.TransportError as exc:
            timing.fault = timing.fault or (
                Reason.CONNECT,
                f"the proxy gave no answer: {type(exc).__name__}",
            )
            raise httpx.ConnectError("no tunnel") from exc
        finally:
            to_proxy.abort()  # does not close a transport that was detached
        if timing.fault is not None:
            handle.abort()
            raise httpx.ConnectError("no tunnel")
        return handle

    def _give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, or close it if it is not usable."""
        if connection.end_request() and not self._is_closed:
            self._idle.append(connection)
            self._wake_next()
        else:
            connection.abort()

    def _remove_connection(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._wake_next()

    def _wake_next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return


@lru_cache(maxsize=1)
def shared_context() -> ssl.SSLContext:
    """Return the TLS context of the process, with the machine's certificates."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def explain_failure(fault: Exception, timing: RequestTiming) -> tuple[Reason, str]:
    """Return why a request failed, and a detail for logs that contains no secret."""
    if timing.fault is not None:
        return timing.fault
    if isinstance(fault, UnusableBody):
        return fault.reason, str(fault)
    if isinstance(fault, httpx.ConnectError) and _is_caused_by_tls(fault):
        return Reason.TLS, "the certificate or the handshake was refused"
    if isinstance(fault, httpx.ProtocolError | httpx.NetworkError) and timing.received is not None:
        return Reason.TRUNCATED, "the answer broke off"
    if isinstance(fault, httpx.RemoteProtocolError) and not timing.has_response:
        return Reason.RESET, type(fault).__name__
    # Libraries raise other exceptions for addresses and headers that they cannot process.
    otherwise = Reason.PROTOCOL
    if timing.sent is None:
        otherwise = Reason.REFUSED_ADDRESS
    reason = next((reason for kind, reason in _REASONS if isinstance(fault, kind)), otherwise)
    return reason, str(fault) if isinstance(fault, RefusedAddress) else type(fault).__name__


def _is_caused_by_tls(exc: BaseException | None) -> bool:
    while exc is not None:
        if isinstance(exc, ssl.SSLError):
            return True
        exc = exc.__cause__ or exc.__context__
    return False
