"""Measures peers on the same requests: a bare `httpx.AsyncClient`, and Debian's
prometheus-blackbox-exporter.

The lower limit is also measured: only asyncio, httptools and SHA-256, on which our looks are built.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httptools
import httpx

from bench.figures import cpu_seconds, cpu_seconds_of

_PROGRAM = "prometheus-blackbox-exporter"
_MODULES = """modules:
  page:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      fail_if_body_not_matches_regexp: ["Example statistics"]
"""


async def run_concurrently(
    looks: int, at_once: int, look: Callable[[int], Coroutine[Any, Any, object]]
) -> None:
    """Call `look` with each number below `looks`, with at most `at_once` calls under way."""
    numbers = iter(range(looks))

    async def work() -> None:
        for number in numbers:
            await look(number)

    await asyncio.gather(*(work() for _ in range(at_once)))


async def measure_httpx(port: int, looks: int, at_once: int) -> float:
    """Return the CPU seconds of one `AsyncClient.get` after another on httpx's own transport."""
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def look(number: int) -> None:
            response = await client.get(f"http://127.0.0.1:{port}/page/{number}")
            response.raise_for_status()

        await run_concurrently(at_once, at_once, look)
        began = cpu_seconds()
        await run_concurrently(looks, at_once, look)
        return cpu_seconds() - began


class _Asking(asyncio.Protocol):
    """Requests one page after another and hashes the bodies, without any other work of a look."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Parse the received bytes."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Add the bytes to the hash."""
        self._body.update(body)

    def on_message_complete(self) -> None:
        """Finish the hash and send the next request."""
        self._body.hexdigest()
        self._ask()

    def _ask(self) -> None:
        number = next(self._numbers, None)
        if self._transport is None or number is None:
            self.over.set_result(None)
            return
        self._body = sha256()
        self._transport.write(
            b"GET /page/%d HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n" % number
        )


async def measure_bare_protocol(port: int, looks: int, at_once: int) -> float:
    """Return the CPU seconds of `looks` requests with only asyncio, httptools and a hash of each
    answer.
    """
    loop, numbers, began = asyncio.get_running_loop(), iter(range(looks)), cpu_seconds()
    made = [
        await loop.create_connection(lambda: _Asking(numbers), "127.0.0.1", port)
        for _ in range(at_once)
    ]
    await asyncio.gather(*(asking.over for _, asking in made))
    spent = cpu_seconds() - began
    for transport, _ in made:
        transport.close()
    return spent


@contextmanager
def run_blackbox(folder: Path) -> Iterator[tuple[int, int] | None]:
    """Run the exporter on our core. Yields its pid and port, or None if it is not installed."""
    if shutil.which(_PROGRAM) is None:
        yield None
        return
    modules = folder / "modules.yml"
    modules.write_text(_MODULES, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        _PROGRAM,
        f"--config.file={modules}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield process.pid, port
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


async def probe_with_blackbox(
    exporter: tuple[int, int], port: int, looks: int, at_once: int
) -> float:
    """Return the CPU seconds that the exporter uses for `looks` probes of pages at `port`."""
    pid, web = exporter
    target = quote(f"http://127.0.0.1:{port}/page/", safe="")

    async def probe(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", web)
        path = f"/probe?module=page&target={target}{number}"
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = await reader.read()
        assert b"probe_success 1" in answer  # noqa: S101  # a probe that failed measures nothing
        writer.close()

    await run_concurrently(at_once, at_once, probe)
    began = cpu_seconds_of(pid)
    await run_concurrently(looks, at_once, probe)
    return cpu_seconds_of(pid) - began
