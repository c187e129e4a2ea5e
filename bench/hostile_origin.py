"""A publisher whose answers are hostile, but for one page that is healthy, in a process of its own.

Each input of `bench.hostile_inputs` has an address, `/hostile/NAME`, and `/healthy` is missing for ever. The log tells
when (monotonic seconds, the same in all processes of the machine) the healthy page was asked for, and what else was.
"""

from __future__ import annotations

import asyncio
import sys
import time

from bench.answering import Answering
from bench.hostile_inputs import inputs

FIRST, HOSTS = 2, 8
"""It listens at 127.0.0.1, where the healthy page is, and at so many addresses from 127.0.0.2 on."""
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"


class Publisher(Answering):
    """Answers from what was made beforehand."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        super().__init__()
        self._answers = answers

    def answer(self, path: bytes) -> bytes:
        """Return what stands at a path, and tell that it was asked for."""
        sys.stdout.write(f"asked {path.decode('ascii', 'replace')} {time.monotonic()}\n")
        sys.stdout.flush()
        return self._answers.get(path, _MISSING)

    def answered(self, path: bytes) -> None:
        """Hang up after what is hostile."""
        if path in self._answers:
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
