"""A publisher process with hostile answers and one healthy page.

Each input of `bench.hostile_inputs` is at `/hostile/NAME`. Every other path is a 404 until
`/publish` followed by it is requested. Each request is printed with its time in monotonic seconds,
which are the same in all processes of the machine.
"""

from __future__ import annotations

import asyncio
import sys
import time

from bench.answering import PathResponder
from bench.hostile_inputs import inputs

TITLE = "Births: July 2026"
"""The title of every page that is published."""
FIRST, HOSTS = 2, 8
"""It listens at 127.0.0.1 for the healthy page, and at `HOSTS` further addresses from 127.0.0.2
on.
"""
_MISSING = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"
)
_BODY = b"<html><head><title>%b</title></head><body><h1>%b</h1>%b</body></html>" % (
    (TITLE.encode(),) * 2 + (b"There were 40,000 births in July 2026, 2% more than in June. " * 10,)
)
_FOUND = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b"
    % (len(_BODY), _BODY)
)
_PUBLISH = b"/publish"


class Publisher(PathResponder):
    """Answers with bytes that were prepared at the start."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        super().__init__()
        self._answers = answers

    def answer(self, path: bytes) -> bytes:
        """Return the answer for a path, and print the request."""
        if path.startswith(_PUBLISH):
            self._answers[path.removeprefix(_PUBLISH)] = _FOUND
            return _FOUND
        sys.stdout.write(f"asked {path.decode('ascii', 'replace')} {time.monotonic()}\n")
        sys.stdout.flush()
        return self._answers.get(path, _MISSING)

    def answered(self, path: bytes) -> None:
        """Close the connection after a hostile answer."""
        if path.startswith(b"/hostile/"):
            self.transport.close()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    answers = {f"/hostile/{each.name}".encode(): each.answer() for each in inputs()}
    server = await loop.create_server(lambda: Publisher(answers), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for number in range(FIRST, FIRST + HOSTS):
        await loop.create_server(lambda: Publisher(answers), f"127.0.0.{number}", port)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
