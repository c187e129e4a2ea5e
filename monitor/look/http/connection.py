"""One HTTP/1.1 connection (asyncio and httptools) and the timing of its requests."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf

import httptools
import httpx

from monitor.clock import Clock
from monitor.look.fetch import Reason
from monitor.look.http.body import Body
from monitor.look.http.mend_head import mend_head
from monitor.look.http.request_bytes import Headers

_MOST_WITHOUT_BODY = 65_536
"""Bytes in a row that are not part of a body, such as headers."""
_MOST_UNREAD = 262_144
"""Bytes of a body that wait to be read before the connection stops receiving."""
_BUFFER_SIZE = 262_144
_PER_THREAD = threading.local()
_LENGTHS = (b"content-length", b"transfer-encoding")


@dataclass(slots=True, eq=False)
class RequestTiming:
    """The deadline and the instants of one request, for fetcher, transport and connection.

    It may take `seconds` in all. `begun` and `deadline` are times of the event loop, which may be
    virtual. `sent` is when its first byte left, `received` when the last header arrived.
    `has_response`: any byte has arrived. `reused`: on a kept connection. `lost_before` counts
    requests lost because the server had closed one. `fault` has more than an exception says.
    """

    clock: Clock
    seconds: InitVar[float]
    needs_new_connection: bool = False
    lost_before: int = 0
    fault: tuple[Reason, str] | None = None
    sent: datetime | None = None
    received: datetime | None = None
    has_response: bool = False
    reused: bool = False
    begun: float = field(init=False)
    deadline: float = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _sent_steady: float = 0.0

    def __post_init__(self, seconds: float) -> None:
        self.begun = self._loop.time()
        self.deadline = self.begun + seconds

    def restart(self) -> None:
        """Prepare to send the request again on a new connection, by the same deadline."""
        if self.sent is not None:
            self.lost_before += 1
        self.fault = self.sent = self.received = None
        self.has_response = self.reused = False
        self.needs_new_connection = True

    def seconds_left(self, at_most: float = inf) -> float:
        """Return the seconds until the deadline, from a millisecond to `at_most`."""
        return min(max(self.deadline - self._loop.time(), 0.001), at_most)

    def sent_or_begun(self) -> datetime:
        """Return when the first byte left or, if none did, when the request began."""
        return self.sent or self.clock.now() - timedelta(seconds=self._loop.time() - self.begun)

    def mark_sent(self) -> None:
        """Record that the first byte leaves now."""
        if self.sent is None:
            self.sent = self.clock.now()
            self._sent_steady = self.clock.steady()

    def now(self) -> datetime:
        """Return the present time, by the clock of `sent` if that is set."""
        if self.sent is None:
            return self.clock.now()
        # Even if the clock is moved during a request.
        return self.sent + timedelta(seconds=self.clock.steady() - self._sent_steady)


class Connection(asyncio.BufferedProtocol):
    """A connection, and the response that it receives.

    From `send` until `close` it belongs to one request, whose deadline ends every wait.
    """

    def __init__(
        self, on_close: Callable[[Connection], None], on_lost: Callable[[Connection], None]
    ) -> None:
        """Call `on_close` when a request is done with it, and `on_lost` once it ends."""
        self._loop = asyncio.get_running_loop()
        self._on_close = on_close
        self._on_lost = on_lost
        self._buffer = _shared_buffer()
        self._parser = self._make_parser()
        self._handle: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timing: RequestTiming | None = None
        self._fault: httpx.TransportError | None = None
        self._chunks: deque[bytes] = deque()
        self._was_used = False
        self.used_at = 0.0
        self.is_open = False
        self._start_response(is_head=False)

    def _start_response(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self._bytes_without_body = 0
        self._unread = 0
        self._is_paused = False
        self._has_headers = False
        self._head = bytearray()  # an incomplete one
        self._is_head_refused = False
        self._is_mended = False
        self._keeps_open = False
        self.status = 0
        self.headers: Headers = []
        self.is_complete = False

    def send(self, request: bytes, timing: RequestTiming, *, is_head: bool = False) -> None:
        """Send a request, to which the next response belongs."""
        if self._handle is None or not self.is_open:
            raise httpx.WriteError("the connection has ended")
        self._start_response(is_head=is_head)
        timing.reused, self._was_used = self._was_used, True
        self._timing, self.used_at = timing, timing.begun
        if self._timer is None:
            self._timer = self._loop.call_at(timing.deadline, self._check_deadline)
        timing.mark_sent()
        self._handle.write(request)

    async def wait_for_headers(self) -> None:
        """Wait until status and headers have arrived. Raises `httpx.TransportError`."""
        while not self._has_headers:
            await self._next_event()

    async def read_into(self, body: Body) -> None:
        """Pass all chunks that `body` wants to it. Raises `httpx.TransportError` and
        `UnusableBody`.
        """
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._unread -= len(chunk)
                has_room_again = self._is_paused and self._unread <= _MOST_UNREAD
                if has_room_again and self._handle is not None and self.is_open:
                    self._is_paused = False
                    self._handle.resume_reading()
                if not body.feed(chunk):
                    return
            if self.is_complete:
                return
            await self._next_event()

    async def close(self) -> None:
        """Return the connection to its pool, or close it if the body was not read to its end."""
        self._on_close(self)

    def end_request(self) -> bool:
        """End the request. Return whether another can use the connection."""
        self._timing = None
        self._chunks.clear()
        return self.is_open and self.is_complete and self._keeps_open and self._fault is None

    def certificate_ends(self) -> datetime | None:
        """Return when the server's certificate ends, None without encryption."""
        shown = None
        if self._handle is not None:
            shown = self._handle.get_extra_info("peercert")
        if not shown:
            return None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)

    def detach(self) -> asyncio.Transport:
        """Return the socket's transport for another protocol, in a proxy's tunnel."""
        if self._handle is None or self._fault is not None:
            raise self._fault or httpx.ReadError("the connection has ended")
        handle, self._handle = self._handle, None
        self.abort()
        return handle

    def abort(self) -> None:
        """Close at once, even during a response."""
        self.is_open = False
        self._stop_timer()
        if self._handle is not None:
            self._handle.abort()

    def _next_event(self) -> asyncio.Future[None]:
        """Return a future that is done when something has arrived. Raises the request's fault."""
        if self._fault is not None:
            raise self._fault
        self._waiter = self._loop.create_future()
        return self._waiter

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._handle = transport  # type: ignore[assignment]  # asyncio gives protocols of streams a Transport
        self.is_open = True

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's signature
        """Return where asyncio writes received bytes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process received bytes."""
        self.data_received(self._buffer[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        """Parse received bytes, fail the request if they are not a response, pause if too many
        wait.
        """
        timing = self._timing
        if timing is None or self.is_complete:
            # The next request could mistake them for its response.
            self._fail_request(httpx.RemoteProtocolError("bytes that belong to no response"))
            return
        timing.has_response = True
        self._bytes_without_body += len(data)  # `on_body` sets it to zero
        try:
            self._parse_bytes(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail_request(httpx.RemoteProtocolError("not readable as HTTP"))
            return
        if self._bytes_without_body > _MOST_WITHOUT_BODY and not self.is_complete:
            # Headers, interim responses, chunk extensions and trailers could go on forever.
            self._fail_request(httpx.RemoteProtocolError("headers without end"))
        elif (
            self._unread > _MOST_UNREAD
            and not self.is_complete
            and self._handle is not None
            and not self._is_paused
        ):
            self._is_paused = True
            self._handle.pause_reading()
        self._wake_waiter()

    def _parse_bytes(self, data: bytes | memoryview) -> None:
        """Parse received bytes."""
        try:
            if not self._is_head_refused:
                self._parser.feed_data(data)
        except httptools.HttpParserError:
            is_http = (self._head + data).startswith(b"HTTP/1.")
            if self._has_headers or self._is_mended or not is_http:
                raise
            self._is_head_refused = True
        if self._has_headers:
            return
        self._head += data
        mended = None
        if self._is_head_refused:
            mended = mend_head(bytes(self._head))
        if mended is not None:
            # Another reader could see another message in these bytes, so it is not used again.
            self._is_head_refused, self._is_mended = False, True
            self.headers = []
            self._parser = self._make_parser()
            self._parser.feed_data(mended)

    def _make_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        # Some servers pad the sizes of chunks, and browsers read them.
        parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)
        return parser

    def connection_lost(self, exc: Exception | None) -> None:
        """Record that the connection has ended, which ends a body without a stated length."""
        self.is_open = False
        has_length = any(name.lower() in _LENGTHS for name, _ in self.headers)
        if self._has_headers and not has_length and exc is None and self._fault is None:
            self.is_complete = True
        elif not self.is_complete:
            fault: httpx.TransportError = httpx.RemoteProtocolError("closed early")
            if exc is not None:
                fault = httpx.ReadError("reset")
            self._fault = self._fault or fault
        self._wake_waiter()
        self._stop_timer()
        self._on_lost(self)

    # Called by httptools.

    def on_message_begin(self) -> None:
        """Refuse a second response to one request."""
        if self.is_complete:
            self._fault = self._fault or httpx.RemoteProtocolError("two responses to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header. Trailers after the body are ignored."""
        if not self._has_headers:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Read the status. Interim responses (1xx) are skipped."""
        status = self._parser.get_status_code()
        if self.is_complete:
            return  # a second response, which `on_message_begin` has refused
        if status < 200:
            self.headers = []
            return
        self.status = status
        self._has_headers = True
        if self._timing is not None:
            self._timing.received = self._timing.now()
        if self._is_head:
            self.is_complete = True

    def on_body(self, body: bytes) -> None:
        """Keep a chunk of the body."""
        self._bytes_without_body = 0
        if not self.is_complete:
            self._chunks.append(body)
            self._unread += len(body)

    def on_message_complete(self) -> None:
        """Record the end of the response."""
        if self._has_headers:
            self.is_complete = True
            is_reusable = not self._is_head and not self._is_mended
            self._keeps_open = is_reusable and self._parser.should_keep_alive()

    def _check_deadline(self) -> None:
        """Fail the request at its deadline, or set the timer again for a later request."""
        self._timer = None
        timing = self._timing
        if timing is None or self.is_complete:
            return
        if self._loop.time() < timing.deadline:
            self._timer = self._loop.call_at(timing.deadline, self._check_deadline)
            return
        self._fail_request(httpx.ReadTimeout("no end within the deadline"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail_request(self, fault: httpx.TransportError) -> None:
        """Close the connection. The request fails with its first fault."""
        self._fault = self._fault or fault
        self.abort()
        self._wake_waiter()

    def _wake_waiter(self) -> None:
        """Let the waiting request continue, or fail it once all chunks are read."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            if self._fault is not None and not self._chunks:
                waiter.set_exception(self._fault)
            else:
                waiter.set_result(None)


def _shared_buffer() -> memoryview:
    """Return the buffer for received bytes, which the connections of a thread parse at once."""
    # asyncio would allocate a quarter of a megabyte a response: a tenth of a look's cost.
    buffer: memoryview | None = getattr(_PER_THREAD, "buffer", None)
    if buffer is None:
        buffer = _PER_THREAD.buffer = memoryview(bytearray(_BUFFER_SIZE))
    return buffer
