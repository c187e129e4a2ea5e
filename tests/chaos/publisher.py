"""A publisher whose pages come out at given instants: wall-clock seconds by path, in a JSON file that is named to it.

It prints its port, and then when it was asked for what.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

_TITLE = b"Example figures: July 2026"
_BODY = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>" % (_TITLE, _TITLE)
_FOUND = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"


class Publisher(asyncio.Protocol):
    """Answers GET."""

    def __init__(self, comes: dict[str, float]) -> None:
        self._comes = comes
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            path = head.split(b" ", 2)[1].partition(b"?")[0].decode("ascii", "replace")
            now = time.time()
            sys.stdout.write(f"{path} {now}\n")
            sys.stdout.flush()
            is_out = now >= self._comes.get(path, float("inf"))
            self._transport.write(_FOUND if is_out else _MISSING)  # type: ignore[attr-defined]  # TCP gives a Transport


async def _serve(comes: dict[str, float]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Publisher(comes), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
