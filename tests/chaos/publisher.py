"""A publisher that releases each page at its time in a JSON file (path: seconds since 1970).

`python -m tests.chaos.publisher FILE [STORE_PORT…]` prints its port, then a line for each request:
path, time, host, monitor, status of the answer. The line `paused BEGIN END` means that it could
read no requests between these times. It listens at each of `HOSTS` and at `TRAP`, an address that
no monitor may use.

- `/wait/SECONDS/NAME` makes the host answer the next request of the monitor NAME with 429 and that
  Retry-After.
- `/cut/NAME` leaves all requests of the monitor NAME unanswered, until `/join/NAME`.
- `/far/MILLISECONDS` delays all bytes to and from it, as a slow network does.
- For each `STORE_PORT` it also prints a port that forwards to that one.
  `/far-store/MILLISECONDS` delays these.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import cast

from bench.answering import PathResponder
from tests.chaos.slow_network import Network, SlowDirection, SlowTransport, start_forwarding

HOSTS, TRAP = ("127.0.0.1", "127.0.0.2"), "127.0.0.9"
_TITLE = b"Example figures: July 2026"
_BODY = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>" % (_TITLE, _TITLE)
_FOUND = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b"
    % (
        len(_BODY),
        _BODY,
    )
)
_NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"
)
_HOST, _BY = re.compile(rb"(?i)\nhost: ([^:\r]+)"), re.compile(rb"\(\+(\w+)\)")
_WAIT = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\nContent-Length: 0\r\n\r\n"
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
_SHORTEST_PAUSE = 0.1
"""Seconds. Shorter pauses are not printed."""


class Publisher(PathResponder):
    """Answers 200 from a page's time on and 404 before, or one 429 to a monitor in `wait` (by host
    and name).
    """

    def __init__(
        self,
        out_times: dict[str, float],
        wait: dict[tuple[str, str], int],
        cut: set[str],
        network: Network,
        to_store: Network,
        *,
        is_trap: bool = False,
    ) -> None:
        super().__init__()
        self._is_trap, self._cut = is_trap, cut
        self._out_times, self._wait, self._networks = (
            out_times,
            wait,
            {"far": network, "far-store": to_store},
        )
        self._network, self._incoming = network, SlowDirection(network)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer through the slow network."""
        super().connection_made(SlowTransport(cast("asyncio.Transport", transport), self._network))

    def data_received(self, data: bytes) -> None:
        """Process received bytes after the delay of the network."""
        process = super().data_received
        self._incoming.send(lambda: process(data))

    def answer(self, path: bytes) -> bytes:
        """Return the answer for a path, and print a line about the request."""
        name, now, (host, by) = (
            path.decode("ascii", "replace"),
            time.time(),
            self._identify_caller(),
        )
        if self._is_trap:
            host = TRAP
        if match := re.fullmatch(r"/wait/(\d+)/(\w+)", name):
            self._wait[host, match[2]] = int(match[1])
            return _NO_CONTENT
        if match := re.fullmatch(r"/(cut|join)/(\w+)", name):
            change = self._cut.add if match[1] == "cut" else self._cut.discard
            change(match[2])
            return _NO_CONTENT
        if by in self._cut:
            return b""  # the request is lost
        if match := re.fullmatch(r"/(far|far-store)/(\d+)", name):
            self._networks[match[1]].delay = int(match[2]) / 1000
            return _NO_CONTENT
        answer = _FOUND if now >= self._out_times.get(name, float("inf")) else _NOT_FOUND
        if seconds := self._wait.pop((host, by), 0):
            answer = _WAIT % seconds
        sys.stdout.write(f"{name} {now} {host} {by} {answer[9:12].decode()}\n")
        sys.stdout.flush()
        first, _, rest = answer.partition(b"\r\n")
        return b"%b\r\nDate: %b\r\n%b" % (first, formatdate(now, usegmt=True).encode(), rest)

    def _identify_caller(self) -> tuple[str, str]:
        host, by = _HOST.search(self.head), _BY.search(self.head)
        return host[1].decode() if host else "", by[1].decode() if by else "unknown"


async def _serve_forever(out_times: dict[str, float], *store: int) -> None:
    wait, cut = dict[tuple[str, str], int](), set[str]()
    network, to_store = Network(), Network()
    port = 0
    for host in (*HOSTS, TRAP):
        # All addresses share the port that the first one got.
        make = partial(Publisher, out_times, wait, cut, network, to_store, is_trap=host == TRAP)
        server = await asyncio.get_running_loop().create_server(make, host, port, backlog=1024)
        port = server.sockets[0].getsockname()[1]
    ports = [port, *[await start_forwarding(one, to_store) for one in store]]
    sys.stdout.write(f"{' '.join(map(str, ports))}\n")
    sys.stdout.flush()
    _print_pause(time.time())
    await server.serve_forever()


def _print_pause(began: float) -> None:
    """Print the time since `began` if this process did not run then, because it was stopped or the
    machine was busy. Do so again and again.
    """
    ended = time.time()
    if ended - began > _SHORTEST_PAUSE:
        sys.stdout.write(f"paused {began} {ended}\n")
        sys.stdout.flush()
    asyncio.get_running_loop().call_later(_SHORTEST_PAUSE / 4, _print_pause, ended)


if __name__ == "__main__":
    asyncio.run(
        _serve_forever(
            json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), *map(int, sys.argv[2:])
        )
    )
