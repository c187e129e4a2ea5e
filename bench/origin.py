"""A publisher on loopback in a process of its own, on the other core where there is one.

Every address answers 404 until it is published, but those under `/page/`, which are always there. Its log tells when
(monotonic seconds, the same in all processes of the machine) the last byte of each first 200 was handed to the network.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

from bench.answering import Answering

_WORDS = "Example statistics of a department, with their figures and what they mean. "
_BODY = (
    "<!DOCTYPE html><html><head><title>Example statistics: July to September 2026 - GOV.UK</title></head><body>"
    "<main><h1>Example statistics: July to September 2026</h1><p>" + _WORDS * 104 + "</p></main></body></html>"
).encode()
_FOUND = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"
_DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
_PUBLISH = b"/publish"
_AGAIN = b"/again"
_LOOKED = b"/looked"
_FIRST = b"first"


class Origin(Answering):
    """Publishes when it is told to.

    `/publish/…` makes an address answer from then on. `/again` has the next look told as a first, and `/looked` asks
    whether it has come.
    """

    def __init__(self, published: dict[bytes, bool]) -> None:
        super().__init__()
        self._published = published

    def answered(self, path: bytes) -> None:
        """Tell of the first answer that shows what was published."""
        if self._published.get(path) is False:
            self._published[path] = True
            _tell("seen", path)

    def answer(self, path: bytes) -> bytes:
        """Return what stands at a path."""
        if path.startswith(_PUBLISH):
            self._published[path.removeprefix(_PUBLISH)] = False
            return _DONE
        if path == _AGAIN:
            self._published.pop(_FIRST, None)
            return _DONE
        if path == _LOOKED:
            return _DONE if _FIRST in self._published else _MISSING
        if _FIRST not in self._published:
            self._published[_FIRST] = True
            _tell("first", path)
        return _FOUND if path.startswith(b"/page/") or path in self._published else _MISSING


def _tell(word: str, path: bytes) -> None:
    sys.stdout.write(f"{word} {path.decode('ascii', 'replace')} {time.monotonic()}\n")
    sys.stdout.flush()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    published: dict[bytes, bool] = {}
    server = await loop.create_server(lambda: Origin(published), "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@dataclass
class Beside:
    """A program on the other core: its port, and once it has ended what it told, line by line in words."""

    port: int
    told: list[list[str]] = field(default_factory=list)

    def instants(self, word: str) -> dict[str, float]:
        """Return the monotonic instants at which it first told under this word, by what they are of."""
        return {line[1]: float(line[2]) for line in reversed(self.told) if line[0] == word}


@contextmanager
def beside(module: str) -> Iterator[Beside]:
    """Run a module that prints its port first, on the other core where there is one."""
    cores = sorted(os.sched_getaffinity(0))
    process = subprocess.Popen([sys.executable, "-m", module], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101  # it was asked for
    program = Beside(int(process.stdout.readline()))
    # Heard all the while: a program that writes into a full pipe stops answering.
    told = Thread(target=program.told.extend, args=[(line.split() for line in process.stdout)])
    told.start()
    try:
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, cores[1:])
            os.sched_setaffinity(0, cores[:1])
        yield program
    finally:
        os.sched_setaffinity(0, cores)
        process.kill()
        told.join()
        process.wait()


@contextmanager
def origin() -> Iterator[int]:
    """Run the publisher; yields its port."""
    with beside("bench.origin") as program:
        yield program.port


if __name__ == "__main__":
    asyncio.run(_serve())
