"""A publisher whose pages come out at given instants: wall-clock seconds by path, in a JSON file that is named to it.

It prints its port, and then what was asked for, when, at which host and by whom, and with which status it answered. It
is at each of `HOSTS`; what is asked at `TRAP`, where nobody may ask, has that for a host. Once a host is asked for
`/wait/SECONDS/NAME` it tells NAME to wait so long, at the next request; once asked for `/far/MILLISECONDS`, bytes take
so long to it and as long from it, as over a slow network. Where it is told the port of a store too, it prints behind
its own one that leads there, over a network of which `/far-store/MILLISECONDS` is told.
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

from bench.answering import Answering
from tests.chaos.slow_network import FarTransport, Network, Way, forwarding

HOSTS, TRAP = ("127.0.0.1", "127.0.0.2"), "127.0.0.9"
_TITLE = b"Example figures: July 2026"
_BODY = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>" % (_TITLE, _TITLE)
_FOUND = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"
_HOST, _BY = re.compile(rb"(?i)\nhost: ([^:\r]+)"), re.compile(rb"\(\+(\w+)\)")
_WAIT = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\nContent-Length: 0\r\n\r\n"
_NOTED = b"HTTP/1.1 204 No Content\r\n\r\n"


class Publisher(Answering):
    """Has each page from its instant on, and tells those to `wait` whom it is to, by host and name, once."""

    def __init__(
        self,
        comes: dict[str, float],
        wait: dict[tuple[str, str], int],
        network: Network,
        to_store: Network,
        *,
        is_trap: bool = False,
    ) -> None:
        super().__init__()
        self._is_trap = is_trap
        self._comes, self._wait, self._networks = comes, wait, {"far": network, "far-store": to_store}
        self._network, self._way = network, Way(network)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer over the way there is."""
        super().connection_made(FarTransport(cast("asyncio.Transport", transport), self._network))

    def data_received(self, data: bytes) -> None:
        """Hear what was asked once it has arrived."""
        hear = super().data_received
        self._way.send(lambda: hear(data))

    def answer(self, path: bytes) -> bytes:
        """Return what stands at a path now, and tell that it was asked for."""
        name, now, (host, by) = path.decode("ascii", "replace"), time.time(), self._who()
        if self._is_trap:
            host = TRAP
        if told := re.fullmatch(r"/wait/(\d+)/(\w+)", name):
            self._wait[host, told[2]] = int(told[1])
            return _NOTED
        if told := re.fullmatch(r"/(far|far-store)/(\d+)", name):
            self._networks[told[1]].takes = int(told[2]) / 1000
            return _NOTED
        answer = _FOUND if now >= self._comes.get(name, float("inf")) else _MISSING
        if seconds := self._wait.pop((host, by), 0):
            answer = _WAIT % seconds
        sys.stdout.write(f"{name} {now} {host} {by} {answer[9:12].decode()}\n")
        sys.stdout.flush()
        first, _, rest = answer.partition(b"\r\n")
        return b"%b\r\nDate: %b\r\n%b" % (first, formatdate(now, usegmt=True).encode(), rest)

    def _who(self) -> tuple[str, str]:
        host, by = _HOST.search(self.head), _BY.search(self.head)
        return host[1].decode() if host else "", by[1].decode() if by else "nobody"


async def _serve(comes: dict[str, float], *store: int) -> None:
    wait, network, to_store = dict[tuple[str, str], int](), Network(), Network()
    port = 0
    for host in (*HOSTS, TRAP):
        # One for each connection; each at the port that the first was given.
        make = partial(Publisher, comes, wait, network, to_store, is_trap=host == TRAP)
        server = await asyncio.get_running_loop().create_server(make, host, port, backlog=1024)
        port = server.sockets[0].getsockname()[1]
    ports = [port, *[await forwarding(one, to_store) for one in store]]
    sys.stdout.write(f"{' '.join(map(str, ports))}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), *map(int, sys.argv[2:])))
