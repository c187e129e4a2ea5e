"""Small servers on loopback that take, refuse, hang or talk nonsense, for the tests of channels."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope
from joserfc import jwt
from joserfc.jwk import OctKey

NOTIFY_SECRET = "22222222-2222-4222-8222-222222222222"
NOTIFY_SERVICE = "11111111-1111-4111-8111-111111111111"
SMS_LIMIT = 918
"""What Notify itself refuses to send as a text message, in characters."""
NOTIFY_KEY = f"monitor-{NOTIFY_SERVICE}-{NOTIFY_SECRET}"


@dataclass(frozen=True)
class Asked:
    """One HTTP request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  # whatever was sent
        return json.loads(self.body)


Reply = Callable[[Asked], tuple[int, str, dict[str, str]]]


@dataclass
class Server:
    """A server on loopback, with the requests that it received."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    mails: list[Envelope] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def http_server(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Answer each request with (status, body, headers), one a connection."""
    server = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _read_request(reader)
        server.asked.append(asked)
        status, body, headers = reply(asked)
        lines = {
            "Content-Type": "application/json",
            **headers,
            "Content-Length": str(len(body.encode())),
            "Connection": "close",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with _start_listening(server, serve, tls):
        yield server


@asynccontextmanager
async def rude_server(how: str) -> AsyncIterator[Server]:
    """Take connections and then hang, drop them, or answer garbage."""
    server = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if how == "hangs":
            await server.released.wait()
        elif how == "garbage":
            writer.write(bytes(range(1, 200)) + b"\r\n" * 20)
        elif how == "drips":
            while not server.released.is_set() and not writer.is_closing():
                writer.write(b"2")
                await asyncio.wait([asyncio.create_task(server.released.wait())], timeout=0.05)
        writer.close()

    async with _start_listening(server, serve):
        yield server


@asynccontextmanager
async def smtp_server(
    refuse: dict[str, str] | None = None,
    **options: Any,  # noqa: ANN401  # aiosmtpd's own
) -> AsyncIterator[Server]:
    """Take mail; `refuse` gives answers by recipient, or by `data`."""
    server = Server()
    answers = refuse if refuse is not None else {}

    class Handler:
        async def handle_RCPT(self, *told: Any) -> str:  # noqa: ANN401, N802  # aiosmtpd's name and arguments
            _, _, envelope, address, _ = told
            if address not in answers:
                envelope.rcpt_tos.append(address)
            return answers.get(address, "250 OK")

        async def handle_DATA(self, *told: Any) -> str:  # noqa: ANN401, N802  # as above
            if "data" not in answers:
                server.mails.append(told[2])
            return answers.get("data", "250 queued as 42")

    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: SMTP(Handler(), loop=loop, **options), "127.0.0.1", 0
    )
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()


class NotifyTwin:
    """A fake GOV.UK Notify: checks the token and keeps all accepted messages by reference, repeated
    ones too.
    """

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.refuse: dict[str, tuple[int, str]] = {}

    def __call__(self, asked: Asked) -> tuple[int, str, dict[str, str]]:
        token = asked.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, OctKey.import_key(NOTIFY_SECRET), algorithms=["HS256"]).claims
        assert claims["iss"] == NOTIFY_SERVICE
        if asked.method == "GET":
            mark = parse_qs(urlsplit(asked.target).query)["reference"][0]
            found = [one for one in self.taken if one["reference"] == mark]
            return 200, json.dumps({"notifications": found, "links": {}}), {}
        to = asked.json.get("email_address") or asked.json["phone_number"]
        if (
            "phone_number" in asked.json
            and len("\n".join(asked.json["personalisation"].values())) > SMS_LIMIT
        ):
            words = (
                f"Content for template has a character count greater than the limit of {SMS_LIMIT}"
            )
            return (
                400,
                json.dumps(
                    {"errors": [{"error": "ValidationError", "message": words}], "status_code": 400}
                ),
                {},
            )
        if to in self.refuse:
            status, words = self.refuse[to]
            errors = {
                "errors": [{"error": "BadRequestError", "message": words}],
                "status_code": status,
            }
            return status, json.dumps(errors), {}
        self.taken.append({**asked.json, "id": f"n{len(self.taken)}"})
        return 201, json.dumps({"id": f"n{len(self.taken) - 1}"}), {}


@dataclass
class NtfyTwin:
    """A fake ntfy server: refuses what ntfy refuses, and reads headers as ntfy does."""

    published: list[Published] = field(default_factory=list)

    def __call__(self, asked: Asked) -> tuple[int, str, dict[str, str]]:
        body = asked.json
        assert set(body) <= {"topic", "title", "message"}
        priority = asked.headers.get("x-priority")
        assert priority in {None, "min", "low", "default", "high", "max"}
        (button,) = asked.headers["x-actions"].split("; ")
        action, label, url, clear = button.split(", ")
        assert clear == "clear=true"
        click = asked.headers["x-click"]
        self.published.append(
            Published(body["topic"], body["message"], priority, click, (action, label, url))
        )
        return 200, json.dumps({"id": "n1", "event": "message"}), {}


@dataclass(frozen=True)
class Published:
    """A message as people with ntfy see it."""

    topic: str
    text: str
    priority: str | None
    click: str
    button: tuple[str, str, str]


@asynccontextmanager
async def tunnel_server(reply: Reply, tls: ssl.SSLContext) -> AsyncIterator[Server]:
    """Be a proxy that answers, by TLS, each request itself to whichever host it is for."""
    server = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()
        await writer.start_tls(tls)
        asked = await _read_request(reader)
        server.asked.append(asked)
        status, body, _ = reply(asked)
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with _start_listening(server, serve):
        yield server


async def _read_request(reader: asyncio.StreamReader) -> Asked:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = lines[0].split(" ")
    headers = {
        name.lower(): value
        for name, _, value in (line.partition(": ") for line in lines[1:] if line)
    }
    return Asked(
        method, target, headers, await reader.readexactly(int(headers.get("content-length", 0)))
    )


@asynccontextmanager
async def _start_listening(
    server: Server, serve: Callable[..., Any], tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            tasks.discard(task)

    listener = await asyncio.start_server(tracked, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.released.set()
        listener.close()
        await asyncio.gather(*tasks, return_exceptions=True)
