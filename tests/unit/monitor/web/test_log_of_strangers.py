"""Bytes that strangers send cause short lines of the log, and no traceback."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.health.logs import start_logging
from monitor.web.server import WebServer, bind_address
from tests.unit.monitor.web.people import signed_in_board

LONGEST_LINE = 800
HOST = b"Host: board.example\r\n"
POST = b"POST /sign-in HTTP/1.1\r\n" + HOST
FORM = POST + b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = FORM + b"Transfer-Encoding: chunked\r\n\r\n"
MULTIPART = POST + b"Content-Type: multipart/form-data"
UPGRADE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: "
ATTACKS = {
    "HTTP/0.9": b"GET /\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01" * 20 + b"\r\n\r\n",
    "odd method": b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
    "long method": b"A" * 9000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "tunnel": b"CONNECT other.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "long path": b"GET /" + b"a" * 15_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "line in path": b"GET /%0a%0d{} HTTP/1.1\r\n" + HOST + b"\r\n",
    "surrogate in path": b"GET /releases/%ed%a0%80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "path upwards": b"GET /evidence/..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" + HOST + b"\r\n",
    "bad UTF-8": FORM + b"Content-Length: 17\r\n\r\nname=%ff&mark=%00",
    "long header": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n",
    "bad header": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: \x00\r\n\r\n",
    "bad credentials": b"GET / HTTP/1.1\r\n" + HOST + b"Authorization: Bearer \xff\r\n\r\n",
    "two lengths": CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG"),
    "no chunk": CHUNKED + b"zz\r\n",
    "half a chunk": CHUNKED + b"10\r\nabc",
    "half a form": FORM + b"Content-Length: 100\r\n\r\nname=",
    "no boundary": MULTIPART + b"\r\nContent-Length: 1\r\n\r\nx",
    "broken part": MULTIPART + b"; boundary=a\r\nContent-Length: 7\r\n\r\n--a\r\nX:",
    "websocket": UPGRADE + b"websocket\r\n\r\n",
    "HTTP/2": UPGRADE + b"h2c\r\n\r\n",
}


@asynccontextmanager
async def serve_pages(users: Path) -> AsyncIterator[tuple[str, int]]:
    """Serve a board at which people sign in, once it has answered."""
    async with signed_in_board(users) as board:
        bound = bind_address("127.0.0.1:0")
        bound.listen()
        server = WebServer(board.app, bound)
        serving = asyncio.create_task(server.run())
        host, _, port = server.address.rpartition(":")
        await attack(host, int(port), b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        try:
            yield host, int(port)
        finally:
            server.stop()
            await serving


async def attack(host: str, port: int, raw: bytes) -> None:
    """Send these bytes and no more, and wait until the server closes the connection."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(raw)
    writer.write_eof()
    await reader.read()
    writer.close()


@pytest.mark.parametrize("raw", ATTACKS.values(), ids=ATTACKS)
async def test_attack_causes_a_short_line_without_traceback(raw: bytes, users: Path) -> None:
    stream = io.StringIO()
    async with serve_pages(users) as (host, port):
        listener = start_logging(stream=stream)
        try:
            await attack(host, port, raw)
        finally:
            listener.stop()
    # The web server says that the bytes are malformed, and we how the request ended.
    lines = stream.getvalue().splitlines()
    assert len(lines) <= 2, lines
    for line in lines:
        assert len(line) <= LONGEST_LINE
        assert "exception" not in json.loads(line)
