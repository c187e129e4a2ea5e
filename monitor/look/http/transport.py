"""A lean transport: a small pool of connections to one origin, with every guard of the stock one."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque

import httpx

from monitor.look.guard import Origin, RefusedAddress
from monitor.look.http.connection import Connection
from monitor.look.http.names import NoAddress
from monitor.look.http.proxy import CONNECT_SECONDS
from monitor.look.http.request_bytes import Asked
from monitor.look.http.resolve import Resolver, Route, routes_of
from monitor.look.http.stock import KEEP_SECONDS
from monitor.look.http.timing import RequestTiming


class LeanTransport:
    """Carries requests to one origin over at most so many kept connections."""

    def __init__(self, origin: Origin, finder: Resolver, context: ssl.SSLContext, most: int) -> None:
        """Open nothing yet; `context` is shared by all origins."""
        self._most = most
        self._origin = origin
        self._finder = finder
        self._context = context
        self._wires: set[Connection] = set()
        self._idle: list[Connection] = []
        self._opening = 0
        self._is_closed = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def ask(self, asked: Asked, trip: RequestTiming) -> Connection:
        """Send one request and wait for the headers of its answer. Raises httpx's own faults."""
        wire = (None if trip.fresh else self._kept(trip)) or await self._taken(trip)
        is_answered = False
        try:
            wire.ask(asked.wire, trip, is_head=asked.method == "HEAD")
            await wire.answered()
            is_answered = True
        finally:
            if not is_answered:
                self._let_go(wire)
        return wire

    async def aclose(self) -> None:
        """Close every connection, those still being opened included."""
        self._is_closed = True
        for wire in list(self._wires):
            wire.cut()
        self._idle.clear()
        # Aborted connections are told so by the loop, after this turn of it.
        await asyncio.sleep(0)

    async def _taken(self, trip: RequestTiming) -> Connection:
        while True:
            wire = None if trip.fresh else self._kept(trip)
            if wire is not None:
                return wire
            if len(self._wires) + self._opening < self._most:
                return await self._opened(trip)
            if trip.fresh and self._idle:
                self._idle.pop(0).cut()
            await self._place(trip)

    def _kept(self, trip: RequestTiming) -> Connection | None:
        oldest = trip.begun - KEEP_SECONDS
        while self._idle:
            wire = self._idle.pop()
            if wire.is_open and wire.asked_at > oldest:
                return wire
            wire.cut()
        return None

    async def _place(self, trip: RequestTiming) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        is_coming = False
        try:
            async with asyncio.timeout_at(trip.deadline):
                await turn
            is_coming = True
        except TimeoutError as exc:
            raise httpx.PoolTimeout("no connection came free within the deadline") from exc
        finally:
            if not is_coming and turn.done() and not turn.cancelled():
                # We were called, but cannot come any more: the next may.
                self._call_next()

    async def _opened(self, trip: RequestTiming) -> Connection:
        self._opening += 1
        wire = None
        try:
            wire = await self._connected(trip)
        finally:
            self._opening -= 1
            if wire is None:
                # The place we held is free again.
                self._call_next()
        if self._is_closed:
            wire.cut()
            raise httpx.ConnectError("closed meanwhile")
        self._wires.add(wire)
        return wire

    async def _connected(self, trip: RequestTiming) -> Connection:
        try:
            routes = await routes_of(self._finder, self._origin, trip)
        except (RefusedAddress, NoAddress) as exc:
            raise httpx.ConnectError(str(exc)) from exc
        for route in routes[:-1]:
            try:
                return await self._connect(route, trip.left(CONNECT_SECONDS / 2))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._connect(routes[-1], trip.left(CONNECT_SECONDS))

    async def _connect(self, route: Route, seconds: float) -> Connection:
        context, name = (self._context, self._origin.host) if route.tls else (None, None)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, wire = await loop.create_connection(
                    lambda: Connection(self._let_go, self._lost),
                    route.address,
                    route.port,
                    ssl=context,
                    server_hostname=name,
                )
        except TimeoutError as exc:
            raise httpx.ConnectTimeout("no connection within the deadline") from exc
        except (OSError, ssl.CertificateError) as exc:
            raise httpx.ConnectError(type(exc).__name__) from exc
        return wire

    def _let_go(self, wire: Connection) -> None:
        if wire.rest() and not self._is_closed:
            self._idle.append(wire)
            if self._waiting:
                self._call_next()
        else:
            wire.cut()

    def _lost(self, wire: Connection) -> None:
        self._wires.discard(wire)
        if wire in self._idle:
            self._idle.remove(wire)
        self._call_next()

    def _call_next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
