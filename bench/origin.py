"""A publisher process on loopback, on another core if there is one.

Each address answers 404 until it is published, except those under `/page/`, which always answer
200. For each first 200 it prints when the last byte was sent, in monotonic seconds, which are the
same in all processes of the machine.
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

from bench.answering import PathResponder

_WORDS = "Example statistics of a department rose to 1,204, and this is what they mean. "
_BODY = (
    "<!DOCTYPE html><html><head><title>Example statistics: July to September 2026 -"
    " GOV.UK</title></head><body><main><h1>Example statistics: July to September 2026</h1><p>"
    + _WORDS * 104
    + "</p></main></body></html>"
).encode()
_FOUND = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b"
    % (
        len(_BODY),
        _BODY,
    )
)
_MISSING = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nNot Found"
)
_DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
_PUBLISH = b"/publish"
_AGAIN = b"/again"
_LOOKED = b"/looked"
_FIRST = b"first"


class Origin(PathResponder):
    """Publishes an address when `/publish` followed by its path is requested.

    The first request of all is printed. After `/again` the next request counts as first again.
    `/looked` answers 204 if the first request has come, else 404.
    """

    def __init__(self, published: dict[bytes, bool]) -> None:
        super().__init__()
        self._published = published

    def answered(self, path: bytes) -> None:
        """Print the time of the first answer that shows a published address."""
        if self._published.get(path) is False:
            self._published[path] = True
            _tell("seen", path)

    def answer(self, path: bytes) -> bytes:
        """Return the answer for a path."""
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
class SideProgram:
    """A program on another core. `told` has the words of each line that it has printed."""

    port: int
    told: list[list[str]] = field(default_factory=list)

    def instants(self, word: str) -> dict[str, float]:
        """Return by second word the first monotonic time of all printed lines that begin with
        `word`.
        """
        return {line[1]: float(line[2]) for line in reversed(self.told) if line[0] == word}


@contextmanager
def run_beside(module: str) -> Iterator[SideProgram]:
    """Run a module that first prints its port, on another core if there is one."""
    cores = sorted(os.sched_getaffinity(0))
    process = subprocess.Popen([sys.executable, "-m", module], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101  # it was asked for
    program = SideProgram(int(process.stdout.readline()))
    # Its output is read all the time, because a program that writes to a full pipe stops.
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
def run_origin() -> Iterator[int]:
    """Run the publisher. Yields its port."""
    with run_beside("bench.origin") as program:
        yield program.port


if __name__ == "__main__":
    asyncio.run(_serve())
