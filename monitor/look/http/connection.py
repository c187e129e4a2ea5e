"""One connection that speaks HTTP/1.1: asyncio carries the bytes, httptools (llhttp) reads them."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

import httptools
import httpx

from monitor.look.http.body import Body
from monitor.look.http.timing import RequestTiming

Headers = list[tuple[bytes, bytes]]

_MOST_BARE = 65_536
_MOST_AHEAD = 262_144
_ROOM = 262_144
_OF_THREAD = threading.local()
_LENGTHS = (b"content-length", b"transfer-encoding")


class Connection(asyncio.BufferedProtocol):
    """A connection, and the one answer that is under way on it.

    From `ask` until `close` it belongs to one trip, whose deadline ends every wait on it. `let_go` is called when it
    is closed, `lost` once, when the connection has gone.
    """

    def __init__(self, let_go: Callable[[Connection], None], lost: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._let_go = let_go
        self._lost = lost
        self._buffer = _buffer()
        self._parser = httptools.HttpResponseParser(self)
        self._handle: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._trip: RequestTiming | None = None
        self._fault: httpx.TransportError | None = None
        self._chunks: deque[bytes] = deque()
        self._used = False
        self.asked_at = 0.0
        self.is_open = False
        self._begin(is_head=False)

    def _begin(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self._bare = 0
        self._ahead = 0
        self._is_held = False
        self._has_headers = False
        self._keeps = False
        self.status = 0
        self.headers: Headers = []
        self.is_complete = False

    # What the transport asks of a connection.

    def ask(self, request: bytes, trip: RequestTiming, *, is_head: bool) -> None:
        """Send a request; its answer belongs to this trip."""
        if self._handle is None or not self.is_open:
            raise httpx.WriteError("the connection has gone")
        self._begin(is_head=is_head)
        trip.reused, self._used = self._used, True
        self._trip, self.asked_at = trip, trip.begun
        if self._timer is None:
            self._timer = self._loop.call_at(trip.deadline, self._overdue)
        trip.leaves()
        self._handle.write(request)

    async def answered(self) -> None:
        """Wait for the status and the headers. Raises httpx's own faults."""
        while not self._has_headers:
            await self._news()

    async def fill(self, body: Body) -> None:
        """Give a body its bytes as they come, until its end or until it wants no more. Raises httpx's own faults."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._ahead -= len(chunk)
                if self._is_held and self._ahead <= _MOST_AHEAD and self._handle is not None and self.is_open:
                    self._is_held = False
                    self._handle.resume_reading()
                if not body.feed(chunk):
                    return
            if self.is_complete:
                return
            await self._news()

    async def close(self) -> None:
        """Let go of the connection; before the end of the body that costs it."""
        self._let_go(self)

    def rest(self) -> bool:
        """Leave the trip; True when the connection can carry another request."""
        self._trip = None
        if self._chunks:
            self._chunks.clear()
        return self.is_open and self.is_complete and self._keeps and self._fault is None

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._handle is not None:
            self._handle.abort()

    def _news(self) -> asyncio.Future[None]:
        if self._fault is not None:
            raise self._fault
        self._waiter = self._loop.create_future()
        return self._waiter

    # What asyncio tells a connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._handle = transport  # type: ignore[assignment]  # asyncio gives protocols of streams a Transport
        self.is_open = True

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's signature
        """Return where to put what comes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read what has been put there."""
        self.data_received(self._buffer[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        """Read what has come."""
        trip = self._trip
        if trip is None or self.is_complete:
            # Nobody asked for this: the next answer could not be told from it.
            self._fail(httpx.RemoteProtocolError("bytes that belong to no answer"))
            return
        trip.heard = True
        self._bare += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(httpx.RemoteProtocolError("no HTTP that can be read"))
            return
        if self._bare > _MOST_BARE and not self.is_complete:
            # Headers, interim answers, chunks' own words or trailers: nothing of them may go on for ever.
            self._fail(httpx.RemoteProtocolError("headers without end"))
        elif self._ahead > _MOST_AHEAD and not self.is_complete and self._handle is not None and not self._is_held:
            self._is_held = True
            self._handle.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Let asyncio close our side too."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection has gone; a body without a length ends so."""
        self.is_open = False
        has_end = any(name.lower() in _LENGTHS for name, _ in self.headers)
        if self._has_headers and not has_end and exc is None and self._fault is None:
            self.is_complete = True
        elif not self.is_complete:
            fault = httpx.ReadError("reset") if exc is not None else httpx.RemoteProtocolError("closed early")
            self._fault = self._fault or fault
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._lost(self)

    # What httptools tells a connection.

    def on_message_begin(self) -> None:
        """Refuse a second answer to one question."""
        if self.is_complete:
            self._keeps = False
            self._fault = self._fault or httpx.RemoteProtocolError("two answers to one question")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; those that follow a body say nothing we go by."""
        if not self._has_headers:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the status; an interim answer is passed over."""
        status = self._parser.get_status_code()
        if self.is_complete or status < 200:
            self.headers = self.headers if self.is_complete else []
            return
        self.status = status
        self._has_headers = True
        if self._trip is not None:
            self._trip.arrives()
        if self._is_head:
            # The parser cannot be told that no body follows: the connection carries nothing more.
            self.is_complete = True

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._bare = 0
        if not self.is_complete:
            self._chunks.append(body)
            self._ahead += len(body)

    def on_message_complete(self) -> None:
        """Note the end of the answer."""
        if self._has_headers:
            self.is_complete = True
            self._keeps = self._parser.should_keep_alive() and not self._is_head

    def _overdue(self) -> None:
        # One timer serves many trips: it is set anew when it comes before the deadline of the one under way.
        self._timer = None
        trip = self._trip
        if trip is None or self.is_complete:
            return
        if self._loop.time() < trip.deadline:
            self._timer = self._loop.call_at(trip.deadline, self._overdue)
            return
        self._fail(httpx.ReadTimeout("no end within the deadline"))

    def _fail(self, fault: httpx.TransportError) -> None:
        self._fault = self._fault or fault
        self.cut()
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            if self._fault is not None and not self._chunks:
                waiter.set_exception(self._fault)
            else:
                waiter.set_result(None)


def _buffer() -> memoryview:
    """Return where bytes arrive, one place for all connections of a loop, which reads them before it puts more there.

    Of itself asyncio has a quarter of a MB mapped and given back for each answer: a tenth of what a look costs.
    """
    known: memoryview | None = getattr(_OF_THREAD, "buffer", None)
    if known is None:
        known = _OF_THREAD.buffer = memoryview(bytearray(_ROOM))
    return known
