"""A publisher whose pages come out at given instants: wall-clock seconds by path, in a JSON file that is named to it.

It prints its port, and then when it was asked for what.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from bench.answering import Answering

_TITLE = b"Example figures: July 2026"
_BODY = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>" % (_TITLE, _TITLE)
_FOUND = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"


class Publisher(Answering):
    """Has each page from its instant on."""

    def __init__(self, comes: dict[str, float]) -> None:
        super().__init__()
        self._comes = comes

    def answer(self, path: bytes) -> bytes:
        """Return what stands at a path now, and tell that it was asked for."""
        name, now = path.decode("ascii", "replace"), time.time()
        sys.stdout.write(f"{name} {now}\n")
        sys.stdout.flush()
        return _FOUND if now >= self._comes.get(name, float("inf")) else _MISSING


async def _serve(comes: dict[str, float]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Publisher(comes), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
